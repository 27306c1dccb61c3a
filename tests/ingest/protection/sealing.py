"""Encrypted and signed mail as other programs write it: OpenSSL's and GnuPG's command lines, and the desk's keys."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingest.mail import ParsedMail
from ingest.parse import parse_bytes
from ingest.protection.opening import Opening
from ingest.protection.unseal import unseal
from ingest.protection.values import MailKeys, Question, Unsealed
from ingest.raw import RawMail
from ingest.reading import read_mail

ADDRESS = "integriteit@ministry.example"
REPORTER = "appie@home.example"
WORDS = "Rolf Dijkgraaf vroeg tien procent van iedere factuur, en een café."
ENTITY = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{WORDS}\r\n".encode()
HEAD = f"From: {REPORTER}\r\nTo: {ADDRESS}\r\nDate: Thu, 01 Jan 2026 12:00:00 +0100\r\nSubject: ...\r\n".encode()


class Here:
    """Reads and opens in this process."""

    def read(self, raw: RawMail) -> ParsedMail:
        return parse_bytes(b"".join(raw.chunks()))

    def unseal(self, question: Question) -> Unsealed:
        return unseal(question)


def read(mail: bytes, keys: MailKeys | None = None) -> ParsedMail:
    here = Here()
    with RawMail.from_bytes(mail) as raw:
        return read_mail(here, raw, Opening(here, keys or MailKeys()), None)


def run(*command: str, data: bytes = b"", folder: Path, environment: dict[str, str] | None = None) -> bytes:
    done = subprocess.run(command, input=data, capture_output=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@dataclass(frozen=True)
class OpenSSL:
    """The certificates of a desk (rsa, ec) and of a reporter (sender), and what a mail program does with them."""

    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "OpenSSL":
        if shutil.which("openssl") is None:
            pytest.skip("needs OpenSSL's command line (apt install openssl)")
        made = cls(folder)
        for name, kind in (("rsa", "rsa:2048"), ("ec", "ec"), ("other", "rsa:2048")):
            made._certificate(name, kind, ADDRESS)
        made._certificate("sender", "rsa:2048", REPORTER)
        return made

    def _certificate(self, name: str, kind: str, address: str) -> None:
        curve = ("-pkeyopt", "ec_paramgen_curve:prime256v1") if kind == "ec" else ()
        self.run(
            *("req", "-x509", "-newkey", kind, *curve, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt"),
            *("-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=email:{address}"),
        )

    def run(self, *arguments: str, data: bytes = b"") -> bytes:
        return run("openssl", *arguments, data=data, folder=self.folder)

    def keys(self, *names: str) -> MailKeys:
        files = [self.folder / f"{name}.{half}" for name in names or ("rsa", "ec") for half in ("key", "crt")]
        return MailKeys(smime=b"".join(file.read_bytes() for file in files))

    def encrypt(self, *options: str, entity: bytes = ENTITY, to: str = "rsa") -> bytes:
        return HEAD + self.encrypted_entity(*options, entity=entity, to=to)

    def encrypted_entity(self, *options: str, entity: bytes = ENTITY, to: str = "rsa") -> bytes:
        return self.run("cms", "-encrypt", *(options or ("-aes256",)), "-recip", f"{to}.crt", data=entity)

    def sign(self, *options: str, entity: bytes = ENTITY, by: str = "sender") -> bytes:
        return HEAD + self.signed_entity(*options, entity=entity, by=by)

    def signed_entity(self, *options: str, entity: bytes = ENTITY, by: str = "sender") -> bytes:
        signer = ("-signer", f"{by}.crt", "-inkey", f"{by}.key")
        return self.run("cms", "-sign", *signer, *options, data=entity)


@dataclass(frozen=True)
class GnuPG:
    """A reporter and a desk in a home of their own. No agent is left: `close` ends the one that gpg starts."""

    home: Path
    environment: dict[str, str] = field(repr=False)

    @classmethod
    def in_folder(cls, folder: Path) -> "GnuPG":
        if shutil.which("gpg") is None:
            pytest.skip("needs GnuPG (apt install gnupg)")
        folder.chmod(0o700)
        made = cls(folder, {"GNUPGHOME": str(folder), "PATH": "/usr/bin:/bin"})
        for address in (ADDRESS, REPORTER):
            made.run("--passphrase", "", "--quick-gen-key", f"<{address}>", "future-default", "default")
        return made

    def run(self, *arguments: str, data: bytes = b"") -> bytes:
        command = ("gpg", "--batch", "--trust-model", "always", "--pinentry-mode", "loopback", *arguments)
        return run(*command, data=data, folder=self.home, environment=self.environment)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environment, check=False)

    def desk_key(self) -> bytes:
        return self.run("--armor", "--export-secret-keys", ADDRESS)

    def keys(self) -> MailKeys:
        return MailKeys(openpgp=self.desk_key())

    def public(self, *options: str, of: str = REPORTER) -> bytes:
        return self.run(*options, "--export", of)

    def encrypt(self, data: bytes, *options: str) -> bytes:
        return self.run("--armor", *options, "-r", ADDRESS, "-e", data=data)

    def encrypt_and_sign(self, data: bytes, *options: str) -> bytes:
        return self.run("--armor", *options, "-r", ADDRESS, "-u", REPORTER, "-s", "-e", data=data)


def pgp_mime(message: bytes, head: bytes = HEAD) -> bytes:
    """RFC 3156 §4."""
    return head + (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\r\n\r\n'
        b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\n\r\n" + with_crlf(message) + b"\r\n--b--\r\n"
    )


def pgp_signed(entity: bytes, signature: bytes, head: bytes = HEAD) -> bytes:
    """RFC 3156 §5."""
    return head + (
        b'Content-Type: multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary=s\r\n\r\n'
        b"--s\r\n" + entity + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n"
        b"" + with_crlf(signature) + b"\r\n--s--\r\n"
    )


def with_crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
