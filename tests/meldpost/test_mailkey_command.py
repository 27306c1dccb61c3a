"""The desk's keys for encrypted mail, as an administrator makes and imports them, and what the doctor says of them."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pysequoia
import pytest
from click.testing import CliRunner, Result

from config.settings import Settings, load
from ingest.mail import SealedKind
from ingest.protection.keys import mail_keys
from ingest.protection.unseal import unseal
from ingest.protection.values import Question, Unsealed
from meldpost.cli import main
from meldpost.findings import Finding, Verdict
from meldpost.init import Made
from meldpost.mail_keys_examined import encrypted_mail

WORD = b"Content-Type: text/plain\r\n\r\nwoord\r\n"


def mailkey(made: Made, *arguments: str, data: bytes = b"", well: bool = True) -> Result:
    done = CliRunner().invoke(main, ["mailkey", arguments[0], "-c", str(made.config), *arguments[1:]], input=data)
    assert (done.exit_code == 0) is well, done.output
    return done


def openssl(*arguments: str, data: bytes = b"", folder: Path) -> bytes:
    if shutil.which("openssl") is None:
        pytest.skip("needs OpenSSL's command line (apt install openssl)")
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def self_signed(key: str, certificate: str, folder: Path, *more: str) -> None:
    form = ("-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", *more)
    openssl("req", *form, "-keyout", key, "-out", certificate, folder=folder)


def settings(made: Made) -> tuple[Settings, str]:
    loaded = load(made.config)
    return loaded, next(iter(loaded.desks))


def opened(made: Made, kind: SealedKind, data: bytes) -> Unsealed:
    loaded, slug = settings(made)
    return unseal(Question(kind, data, keys=mail_keys(loaded.secrets(), slug, loaded.desks[slug])))


def encrypted_to(certificate: str, folder: Path) -> bytes:
    (folder / "published.pem").write_text(certificate)
    return openssl("cms", "-encrypt", "-outform", "DER", "-aes256", "-recip", "published.pem", data=WORD, folder=folder)


def examined(made: Made) -> Finding:
    [finding] = encrypted_mail(load(made.config))
    return finding


def test_what_is_printed_is_what_others_encrypt_to(made: Made, tmp_path: Path) -> None:
    certificate = mailkey(made, "new", "smime").stdout
    assert opened(made, SealedKind.CMS, encrypted_to(certificate, tmp_path)).content == WORD
    public = mailkey(made, "new", "openpgp").stdout
    message = pysequoia.encrypt(WORD, recipients=[pysequoia.Cert.from_bytes(public.encode())])
    assert opened(made, SealedKind.PGP, message).content == WORD
    assert mailkey(made, "show").stdout == certificate + public
    assert "PRIVATE" not in certificate + public


def test_the_old_key_goes_on_to_open_mail(made: Made, tmp_path: Path) -> None:
    old, fresh = mailkey(made, "new", "smime").stdout, mailkey(made, "new", "smime").stdout
    for certificate in (old, fresh):
        assert opened(made, SealedKind.CMS, encrypted_to(certificate, tmp_path)).content == WORD
    assert mailkey(made, "show").stdout == fresh + old


@pytest.mark.parametrize("form", ["pem", "locked pem", "pkcs12"])
def test_a_key_made_elsewhere_is_taken_over(made: Made, tmp_path: Path, form: str) -> None:
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "c", "-subj", "/CN=x"),
        folder=tmp_path,
    )
    certificate = (tmp_path / "c").read_text()
    if form == "pkcs12":
        openssl("pkcs12", "-export", "-inkey", "k", "-in", "c", "-passout", "pass:geheim", "-out", "f", folder=tmp_path)
    elif form == "locked pem":
        openssl("rsa", "-in", "k", "-aes256", "-passout", "pass:geheim", "-out", "f", folder=tmp_path)
        (tmp_path / "f").write_text((tmp_path / "f").read_text() + certificate)
    else:
        (tmp_path / "f").write_text((tmp_path / "k").read_text() + certificate)
    done = mailkey(made, "import", str(tmp_path / "f"), data=b"geheim\n")
    assert ("Passphrase" in done.output) is (form != "pem")  # asked for where the key is locked
    assert opened(made, SealedKind.CMS, encrypted_to(certificate, tmp_path)).content == WORD
    wrong = mailkey(made, "import", str(tmp_path / "f"), "--passphrase", "anders", well=form == "pem")
    assert form == "pem" or "passphrase is another" in wrong.output


def test_an_authority_makes_a_certificate_for_the_key(made: Made, tmp_path: Path) -> None:
    mailkey(made, "new", "smime")
    (tmp_path / "r").write_text(mailkey(made, "request").stdout)
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.k", "-out", "ca.c", "-subj", "/CN=CA"),
        folder=tmp_path,
    )
    openssl(
        *("x509", "-req", "-in", "r", "-CA", "ca.c", "-CAkey", "ca.k", "-set_serial", "3", "-out", "s"), folder=tmp_path
    )
    signed = (tmp_path / "s").read_text()
    assert mailkey(made, "import", str(tmp_path / "s"), "--passphrase", "").stdout == signed
    assert opened(made, SealedKind.CMS, encrypted_to(signed, tmp_path)).content == WORD
    stranger = mailkey(made, "import", str(tmp_path / "ca.c"), "--passphrase", "", well=False)
    assert "belongs to a private key" in stranger.output


def test_an_openpgp_key_made_elsewhere_is_tried_before_it_is_kept(made: Made, tmp_path: Path) -> None:
    key = pysequoia.Tsk.generate("<desk@ministry.example>")
    (tmp_path / "k").write_text(str(key))
    mailkey(made, "import", str(tmp_path / "k"), "--passphrase", "")
    message = pysequoia.encrypt(WORD, recipients=[key.extract_certificate()])
    assert opened(made, SealedKind.PGP, message).content == WORD
    (tmp_path / "public").write_text(str(key.extract_certificate()))
    refused = mailkey(made, "import", str(tmp_path / "public"), "--passphrase", "", well=False)
    assert "public half" in refused.output


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no key at all", "holds no key"),
        (b"", "holds no key"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----\n", "public half"),
        (b"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n", "public half"),
        (b"-----BEGIN PRIVATE KEY-----\nMCow\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n-----END PGP PRIVATE KEY BLOCK-----\n", "cannot be read"),
    ],
)
def test_what_is_no_private_key_is_said_to_be_none_and_no_passphrase_is_asked_for(
    made: Made, tmp_path: Path, data: bytes, said: str
) -> None:
    (tmp_path / "f").write_bytes(data)
    refused = mailkey(made, "import", str(tmp_path / "f"), well=False)
    assert said in refused.output
    assert "assphrase" not in refused.output


def test_a_locked_openpgp_key_is_told_from_one_of_no_use(made: Made, tmp_path: Path) -> None:
    if shutil.which("gpg") is None:
        pytest.skip("needs GnuPG (apt install gnupg)")
    with tempfile.TemporaryDirectory() as home:

        def gpg(*arguments: str) -> bytes:
            common = ("--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", "geheim")
            return subprocess.run(["gpg", *common, *arguments], capture_output=True, check=True).stdout

        gpg("--quick-gen-key", "<a@b.example>", "future-default", "default", "never")
        gpg("--quick-gen-key", "<sign@b.example>", "ed25519", "sign", "never")
        for name in ("a", "sign"):
            (tmp_path / name).write_bytes(gpg("--armor", "--export-secret-keys", f"<{name}@b.example>"))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)
    useless = mailkey(made, "import", str(tmp_path / "sign"), well=False)
    assert "no part for encryption" in useless.output
    assert "assphrase" not in useless.output
    wrong = mailkey(made, "import", str(tmp_path / "a"), "--passphrase", "anders", well=False)
    assert "passphrase is another" in wrong.output
    assert "expired" not in wrong.output
    mailkey(made, "import", str(tmp_path / "a"), data=b"geheim\n")


def test_the_keys_are_for_the_daemon_alone(made: Made) -> None:
    mailkey(made, "new", "smime")
    loaded, slug = settings(made)
    assert (loaded.secrets_dir / f"smime-key-{slug}").stat().st_mode & 0o777 == 0o600


def test_the_doctor_says_what_is_opened(made: Made) -> None:
    assert (examined(made).verdict, examined(made).text[:6]) == (Verdict.FINE, "no key")
    mailkey(made, "new", "smime")
    mailkey(made, "new", "openpgp")
    assert examined(made).verdict is Verdict.NOTE
    assert "encryption_key_at" in examined(made).text  # a receipt should say where the key is
    written = made.config.read_text(encoding="utf-8")
    assert '# encryption_key_at = ""' in written
    said = written.replace('# encryption_key_at = ""', 'encryption_key_at = "https://desk.example/key"')
    made.config.write_text(said, encoding="utf-8")
    assert examined(made).verdict is Verdict.FINE
    assert examined(made).text.startswith("opened: S/MIME (certificate until 20")
    assert examined(made).text.endswith("OpenPGP")
    loaded, slug = settings(made)
    (loaded.secrets_dir / f"smime-key-{slug}").write_text("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n")
    assert examined(made).verdict is Verdict.WRONG


def test_the_doctor_says_when_a_certificate_ends(made: Made, tmp_path: Path) -> None:
    self_signed("k", "c", tmp_path, "-days", "9")
    (tmp_path / "f").write_bytes((tmp_path / "k").read_bytes() + (tmp_path / "c").read_bytes())
    mailkey(made, "import", str(tmp_path / "f"), "--passphrase", "")
    assert examined(made).verdict is Verdict.NOTE
    assert "Make a new key" in examined(made).text
