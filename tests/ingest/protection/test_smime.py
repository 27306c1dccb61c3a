"""S/MIME as OpenSSL writes it."""

import base64
import zlib
from itertools import product

import pytest
from asn1crypto import cms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.mail import Protection, SealedKind, Signature, SignatureResult, Unopened
from ingest.parse import parse_bytes
from ingest.protection.unseal import unseal
from ingest.protection.values import MailKeys, Question
from tests.ingest.protection.sealing import ENTITY, HEAD, REPORTER, WORDS, OpenSSL, read

OPENED = Protection("smime", opened=True)


@pytest.mark.parametrize("cipher", ["-des3", "-aes128", "-aes192", "-aes256", "-aes-128-gcm", "-aes-256-gcm"])
def test_every_cipher_in_use_is_opened(openssl: OpenSSL, cipher: str) -> None:
    mail = read(openssl.encrypt(cipher), openssl.keys())
    assert (mail.text.strip(), mail.own_text, mail.protection) == (WORDS, WORDS, OPENED)
    assert mail.attachments == ()


@pytest.mark.parametrize(
    ("to", "options"),
    [
        ("rsa", ("-keyopt", "rsa_padding_mode:oaep")),
        ("rsa", ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256")),
        ("ec", ()),
        ("ec", ("-keyopt", "ecdh_kdf_md:sha384")),
    ],
)
def test_every_way_to_hand_over_a_key_is_known(openssl: OpenSSL, to: str, options: tuple[str, ...]) -> None:
    made = openssl.run("cms", "-encrypt", "-aes256", "-recip", f"{to}.crt", *options, data=ENTITY)
    assert read(HEAD + made, openssl.keys()).protection == OPENED


@pytest.mark.parametrize("options", [("-stream", "-aes256"), ("-keyid", "-aes256")])
def test_pieces_and_key_identifiers_are_understood(openssl: OpenSSL, options: tuple[str, ...]) -> None:
    assert read(openssl.encrypt(*options), openssl.keys()).text.strip() == WORDS


def test_an_old_key_opens_mail_to_an_old_certificate(openssl: OpenSSL) -> None:
    assert read(openssl.encrypt(to="other"), openssl.keys("rsa", "other")).protection == OPENED


def test_a_key_that_a_passphrase_locks_is_used(openssl: OpenSSL) -> None:
    locked = openssl.run("rsa", "-in", "rsa.key", "-aes256", "-passout", "pass:zes bomen")
    keys = MailKeys(smime=locked + (openssl.folder / "rsa.crt").read_bytes(), smime_passphrase=b"zes bomen")
    assert read(openssl.encrypt(), keys).protection == OPENED


@pytest.mark.parametrize(
    ("names", "reason"), [((), Unopened.NO_KEY), (("other",), Unopened.WRONG_KEY), (("ec",), Unopened.WRONG_KEY)]
)
def test_without_the_key_the_ciphertext_is_kept_and_said_to_be_one(
    openssl: OpenSSL, names: tuple[str, ...], reason: Unopened
) -> None:
    """mail-cases 46, 69"""
    sealed = openssl.encrypt()
    mail = read(sealed, openssl.keys(*names) if names else MailKeys())
    assert mail.protection == Protection("smime", opened=False, reason=reason)
    assert mail.text == ""
    assert [file.name for file in mail.attachments] == ["smime.p7m"]
    assert b"".join(mail.attachments[0].chunks()) == b"".join(parse_bytes(sealed).attachments[0].chunks())


_FORMS: list[tuple[str, ...]] = [(), ("-nodetach",), ("-noattr",), ("-keyid",)]


@pytest.mark.parametrize(
    ("by", "options"), [*product(("sender", "ec"), _FORMS), ("sender", ("-keyopt", "rsa_padding_mode:pss"))]
)
def test_a_signature_is_checked(openssl: OpenSSL, by: str, options: tuple[str, ...]) -> None:
    mail = read(openssl.sign(*options, by=by))
    assert mail.protection is not None
    [signature] = mail.protection.signatures
    assert (signature.kind, signature.result, signature.whole) == ("smime", SignatureResult.VALID, True)
    assert signature.signer.startswith(by)
    assert mail.protection.encrypted is None
    assert mail.text.strip() == WORDS
    assert [key.fingerprint for key in mail.sender_keys] == [signature.fingerprint]


def test_the_line_ends_of_the_way_do_not_break_a_signature(openssl: OpenSSL) -> None:
    mail = read(openssl.sign().replace(b"\r\n", b"\n"))
    assert mail.protection is not None
    assert mail.protection.signatures[0].result is SignatureResult.VALID


def test_a_changed_text_makes_a_signature_invalid(openssl: OpenSSL) -> None:
    mail = read(openssl.sign().replace(b"tien procent", b"drie procent"))
    assert mail.protection is not None
    assert mail.protection.signatures[0].result is SignatureResult.INVALID
    assert "drie procent" in mail.text


def test_a_signature_that_could_be_forged_today_is_not_taken_for_one(openssl: OpenSSL) -> None:
    for made, result in (
        (openssl.sign("-md", "sha1"), SignatureResult.UNCHECKED),
        (openssl.sign("-md", "sha1").replace(b"tien procent", b"drie procent"), SignatureResult.INVALID),
        (openssl.sign("-md", "sha512"), SignatureResult.VALID),
    ):
        protection = read(made).protection
        assert protection is not None
        assert [each.result for each in protection.signatures] == [result]


def test_a_certificate_can_call_itself_anything(openssl: OpenSSL) -> None:
    name = "\\0Ax" + "y" * 40
    openssl.run(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "odd.key", "-out", "odd.crt", "-days", "30"),
        *("-subj", "/CN=first\nsecond" + "".join(f"/CN={name}{number}" for number in range(30))),
    )
    protection = read(openssl.sign(by="odd")).protection
    assert protection is not None
    [signature] = protection.signatures
    assert signature.result is SignatureResult.VALID
    assert len(signature.signer) == 500
    assert signature.signer.isprintable()


def test_a_signature_without_its_certificate_is_by_an_unknown_key(openssl: OpenSSL) -> None:
    mail = read(openssl.sign("-nocerts"))
    assert mail.protection is not None
    assert mail.protection.signatures == (Signature("smime", SignatureResult.UNKNOWN_KEY, _ANY, "", whole=True),)


class _Any(str):
    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    __hash__ = str.__hash__


_ANY = _Any()


def test_what_is_signed_inside_of_what_is_encrypted_is_unwrapped_all_the_way(openssl: OpenSSL) -> None:
    """mail-cases 68"""
    signed = openssl.signed_entity()
    encrypted = openssl.encrypted_entity(entity=signed)
    wrapped = openssl.sign("-nodetach", entity=encrypted, by="ec")
    for mail in (read(HEAD + encrypted, openssl.keys()), read(wrapped, openssl.keys())):
        assert mail.text.strip() == WORDS
        assert mail.protection is not None
        assert (mail.protection.encrypted, mail.protection.opened) == ("smime", True)
        assert {each.result for each in mail.protection.signatures} == {SignatureResult.VALID}


def test_a_mail_sealed_in_more_layers_than_anybody_uses_stays_closed(openssl: OpenSSL) -> None:
    entity = ENTITY
    for _ in range(6):
        entity = openssl.encrypted_entity(entity=entity)
    mail = read(HEAD + entity, openssl.keys())
    assert mail.protection == Protection("smime", opened=False, reason=Unopened.TOO_DEEP, nested=True)
    assert WORDS not in mail.text


def test_a_subject_that_was_hidden_is_shown_and_one_that_was_not_stays(openssl: OpenSSL) -> None:
    entity = b"Subject: Over de kantine\r\n" + ENTITY
    sealed = openssl.encrypt(entity=entity)
    assert read(sealed, openssl.keys()).subject == "Over de kantine"
    assert read(sealed.replace(b"Subject: ...", b"Subject: Hallo"), openssl.keys()).subject == "Hallo"


def test_header_fields_inside_say_nothing_about_the_mail(openssl: OpenSSL) -> None:
    entity = b"From: minister@ministry.example\r\nAuthentication-Results: mx; dmarc=pass\r\n" + ENTITY
    mail = read(openssl.encrypt(entity=entity), openssl.keys())
    assert mail.from_ is not None
    assert mail.from_.address == REPORTER
    assert mail.header("authentication-results") == ()


def test_plaintext_is_never_mixed_into_the_html_around_it(openssl: OpenSSL) -> None:
    sealed = openssl.encrypted_entity(entity=b"Content-Type: text/html\r\n\r\n<p>geheim</p>\r\n")
    start = b'<img src="http://evil.example/'
    mail = read(
        HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/html\r\n\r\n" + start
        + b"\r\n--m\r\n" + sealed + b"\r\n--m\r\nContent-Type: text/html\r\n\r\n\">\r\n--m--\r\n",
        openssl.keys(),
    )  # fmt: skip
    assert "geheim" in mail.text
    assert mail.html is None


def test_a_part_that_is_signed_does_not_sign_what_stands_beside_it(openssl: OpenSSL) -> None:
    mail = read(
        HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + openssl.signed_entity()
        + b"\r\n--m\r\nContent-Type: text/plain\r\n\r\nen dit ook\r\n--m--\r\n"
    )  # fmt: skip
    assert mail.protection is not None
    [signature] = mail.protection.signatures
    assert (signature.result, signature.whole) == (SignatureResult.VALID, False)


def test_a_file_in_the_place_of_a_signature_is_not_signed(openssl: OpenSSL) -> None:
    """A signature inside is not over what stands where the one around it should."""
    for entity in (openssl.signed_entity("-nodetach"), openssl.signed_entity()):
        for name, whole in ((b"bewijs.txt", False), (b"smime.p7s", True)):
            mail = read(
                HEAD + b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n" + entity
                + b"\r\n--x\r\nContent-Type: application/pkcs7-signature\r\nContent-Disposition: attachment; filename="
                + name + b"\r\n\r\nRolf steelt.\r\n--x--\r\n"
            )  # fmt: skip
            assert name.decode() in [file.name for file in mail.attachments]
            assert mail.protection is not None
            valid = [each for each in mail.protection.signatures if each.result is SignatureResult.VALID]
            assert [each.whole for each in valid] == [whole]
    for kind in (b"text/plain", b"application/pdf"):
        mail = read(
            HEAD + b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n" + openssl.signed_entity("-nodetach")
            + b"\r\n--x\r\nContent-Type: " + kind + b"\r\n\r\nRolf steelt.\r\n--x--\r\n"
        )  # fmt: skip
        assert "Rolf steelt." in mail.text or [file.size for file in mail.attachments] == [12]
        assert mail.protection is not None
        assert [each.whole for each in mail.protection.signatures if each.signer] == [False]


@pytest.mark.parametrize("options", [(), ("-nodetach",)])
def test_a_file_beside_what_is_signed_is_kept_and_not_signed(openssl: OpenSSL, options: tuple[str, ...]) -> None:
    mail = read(
        HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + openssl.signed_entity(*options)
        + b"\r\n--m\r\nContent-Type: text/plain; name=bewijs.txt\r\n\r\nRolf steelt.\r\n--m--\r\n"
    )  # fmt: skip
    assert "bewijs.txt" in [file.name for file in mail.attachments]
    assert mail.text.strip().endswith(WORDS)
    assert mail.protection is not None
    assert [(each.result, each.whole) for each in mail.protection.signatures] == [(SignatureResult.VALID, False)]


def test_what_is_shown_is_what_was_signed(openssl: OpenSSL) -> None:
    """What somebody signed is quoted before another text, between lines that look like those around that text."""
    signed = openssl.signed_entity()
    boundary = b"--" + signed.split(b'boundary="')[1].split(b'"')[0]
    quoted = boundary + signed.split(b"\n" + boundary)[1] + b"\n" + boundary
    forged = signed.replace(b"tien procent", b"drie procent")
    mail = read(
        HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\n"
        + quoted + b"\r\n\r\n--m\r\n" + forged + b"\r\n--m--\r\n"
    )  # fmt: skip
    assert mail.protection is not None
    assert [each.result for each in mail.protection.signatures] == [SignatureResult.INVALID]


@pytest.mark.parametrize("encrypted", ["", "-aes256", "-aes-256-gcm"])
def test_a_file_that_is_signed_or_encrypted_by_itself_is_a_file(openssl: OpenSSL, encrypted: str) -> None:
    """mail-cases 69. As Italian offices sign: contract.pdf.p7m."""
    file = b"%PDF-1.7\nFrom: nobody\n\x00\xff"
    if encrypted:
        made = openssl.run("cms", "-encrypt", "-binary", encrypted, "-outform", "DER", "rsa.crt", data=file)
    else:
        made = openssl.signed_entity("-nodetach", "-binary", "-outform", "DER", entity=file)
    part = b"--m\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n"
    part += b'Content-Disposition: attachment; filename="contract.pdf.p7m"\r\n\r\n' + base64.encodebytes(made)
    words = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nZie bijlage.\r\n"
    mail = read(HEAD + words + part + b"--m--\r\n", openssl.keys())
    assert mail.text.strip() == "Zie bijlage."
    assert [(each.name, each.inside) for each in mail.attachments] == [("contract.pdf.p7m", None), ("contract.pdf", 0)]
    assert [b"".join(each.chunks()) for each in mail.attachments] == [made, file]
    assert mail.protection is not None
    assert mail.protection.opened is bool(encrypted)
    assert [(each.result, each.whole) for each in mail.protection.signatures] == (
        [] if encrypted else [(SignatureResult.VALID, False)]
    )


def test_compressed_mail_is_read_within_bounds() -> None:
    for plain, text in ((ENTITY, WORDS), (b"\r\n" + b"a" * 70_000_000, "")):
        structure = cms.ContentInfo(
            {
                "content_type": "compressed_data",
                "content": cms.CompressedData(
                    {
                        "version": "v0",
                        "compression_algorithm": {"algorithm": "zlib"},
                        "encap_content_info": {"content_type": "data", "content": zlib.compress(plain)},
                    }
                ),
            }
        )
        unsealed = unseal(Question(SealedKind.CMS, structure.dump()))
        if text:
            assert unsealed.content == plain
        else:
            assert (unsealed.content, unsealed.reason) == (None, Unopened.BOUNDS)


def test_a_signature_that_leads_to_an_authority_of_the_desk_says_so(openssl: OpenSSL) -> None:
    authority = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl.run(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "30"),
        *("-subj", "/CN=Authority", *authority),
    )
    openssl.run("req", "-new", "-key", "sender.key", "-out", "led.csr", "-subj", "/CN=led")
    (openssl.folder / "led.ext").write_text(
        f"subjectAltName=email:{REPORTER}\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=emailProtection,clientAuth\n"
    )
    openssl.run(
        *("x509", "-req", "-in", "led.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial", "7", "-days", "20"),
        *("-extfile", "led.ext", "-out", "led.crt"),
    )
    (openssl.folder / "led.key").write_bytes((openssl.folder / "sender.key").read_bytes())
    authorities = MailKeys(authorities=(openssl.folder / "ca.crt").read_bytes())
    signed = openssl.sign(by="led")
    for keys, mail, chained in (
        (authorities, signed, True),
        (MailKeys(), signed, False),
        (authorities, openssl.sign(), False),
    ):
        protection = read(mail, keys).protection
        assert protection is not None
        assert (protection.signatures[0].result, protection.signatures[0].chained) == (SignatureResult.VALID, chained)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_no_tampering_makes_another_text_with_a_valid_signature(openssl: OpenSSL, place: float, bit: int) -> None:
    for made in _tamper_with(openssl):
        data = bytearray(made)
        data[int(place * len(data))] ^= 1 << bit
        unsealed = unseal(Question(SealedKind.CMS, bytes(data), keys=openssl.keys()))
        content = unsealed.content
        if any(each.result is SignatureResult.VALID for each in unsealed.signatures):
            assert content == ENTITY
        if unsealed.encrypted and content is not None:
            assert content == ENTITY


def _tamper_with(openssl: OpenSSL) -> tuple[bytes, bytes]:
    made = openssl.folder / "opaque.der", openssl.folder / "gcm.der"
    if not made[0].exists():
        made[0].write_bytes(openssl.signed_entity("-nodetach", "-outform", "DER"))
        made[1].write_bytes(openssl.encrypted_entity("-aes-256-gcm", "-outform", "DER"))
    return made[0].read_bytes(), made[1].read_bytes()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_comes_an_answer_goes(data: bytes) -> None:
    for kind in SealedKind:
        assert unseal(Question(kind, data)).content is None


@pytest.mark.parametrize(
    "words",
    [
        "Betreft: de kantine\r\n\r\nHij steelt.\r\n",
        "Naam: Rolf\r\nFunctie: directeur\r\n",
        "Hij steelt.\r\nNaam: Rolf\r\n",
        "Subject: de kantine\r\nDatum: gisteren\r\n\r\ncafé\r\n",
    ],
)
@pytest.mark.parametrize("form", ["encrypted", "signed"])
def test_words_that_were_sealed_without_the_header_of_an_entity_are_all_shown(
    openssl: OpenSSL, words: str, form: str
) -> None:
    """As `openssl cms` seals a text where nobody tells it that it is one."""
    entity = words.encode()
    sealed = openssl.encrypt(entity=entity) if form == "encrypted" else openssl.sign("-nodetach", entity=entity)
    mail = read(sealed, openssl.keys())
    assert mail.text.split() == words.split()
    assert mail.own_text


@pytest.mark.parametrize("form", ["encrypted", "signed", "detached"])
def test_a_whole_mail_that_was_sealed_for_its_header_is_what_the_mail_says(openssl: OpenSSL, form: str) -> None:
    """RFC 8551 §3.1"""
    file = b"--i\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nx\r\n--i--\r\n"
    parts = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n" + ENTITY + file
    head = HEAD.replace(b"Subject: ...", b"Subject: Over de kantine")
    entity = b"Content-Type: message/rfc822; forwarded=no\r\n\r\n" + head + parts
    sealed = {
        "encrypted": openssl.encrypt,
        "signed": lambda entity: openssl.sign("-nodetach", entity=entity),
        "detached": openssl.sign,
    }[form](entity=entity)
    mail = read(sealed, openssl.keys())
    assert (mail.text.strip(), mail.own_text, mail.subject) == (WORDS, WORDS, "Over de kantine")
    assert [file.name for file in mail.attachments if file.name != "smime.p7s"] == ["a.pdf"]
    assert mail.protection is not None
    assert [each.whole for each in mail.protection.signatures] == ([] if form == "encrypted" else [True])


def test_a_mail_that_was_forwarded_and_signed_with_words_above_it_stays_a_file(openssl: OpenSSL) -> None:
    forwarded = b"--i\r\nContent-Type: message/rfc822\r\n\r\n" + HEAD + ENTITY + b"--i--\r\n"
    above = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain\r\n\r\nZie dit.\r\n"
    mail = read(openssl.sign(entity=above + forwarded), openssl.keys())
    assert mail.text.strip() == "Zie dit."
    assert [file.content_type for file in mail.attachments][:1] == ["message/rfc822"]


@pytest.mark.parametrize("what", ["-encrypt", "-sign"])
def test_a_message_in_armour_is_opened(openssl: OpenSSL, what: str) -> None:
    options = (
        ("-recip", "rsa.crt") if what == "-encrypt" else ("-nodetach", "-signer", "sender.crt", "-inkey", "sender.key")
    )
    armoured = openssl.run("cms", what, "-outform", "PEM", *options, data=ENTITY)
    mail = read(HEAD + b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\n" + armoured, openssl.keys())
    assert mail.text.strip() == WORDS
