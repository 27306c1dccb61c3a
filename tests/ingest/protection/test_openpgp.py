"""OpenPGP as GnuPG and Sequoia write it."""

import base64

import pysequoia
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.mail import Protection, SealedKind, SignatureResult, Unopened
from ingest.protection.unseal import unseal
from ingest.protection.values import MailKeys, Question
from tests.ingest.protection.sealing import (
    ADDRESS,
    ENTITY,
    HEAD,
    REPORTER,
    WORDS,
    GnuPG,
    pgp_mime,
    pgp_signed,
    read,
    with_crlf,
)

OPENED = Protection("openpgp", opened=True)


def autocrypt(gnupg: GnuPG, address: str = REPORTER) -> bytes:
    return b"Autocrypt: addr=" + address.encode() + b"; keydata=" + base64.b64encode(gnupg.public()) + b"\r\n" + HEAD


@pytest.mark.parametrize("options", [(), ("--hidden-recipient", ADDRESS), ("--compress-algo", "none")])
def test_a_mail_in_pgp_mime_is_opened(gnupg: GnuPG, options: tuple[str, ...]) -> None:
    mail = read(pgp_mime(gnupg.encrypt(ENTITY, *options)), gnupg.keys())
    assert (mail.text.strip(), mail.own_text, mail.protection, mail.attachments) == (WORDS, WORDS, OPENED, ())


def test_a_mail_that_a_server_took_for_another_kind_of_multipart_is_opened(gnupg: GnuPG) -> None:
    sealed = pgp_mime(gnupg.encrypt(ENTITY)).replace(b"multipart/encrypted", b"multipart/mixed")
    mail = read(sealed, gnupg.keys())
    assert (mail.text.strip(), mail.protection, mail.attachments) == (WORDS, OPENED, ())


_VERSION = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
_BEFORE = b"Content-Type: text/plain\r\n\r\nVooraf.\r\n"
_BESIDE = b"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=bewijs.txt\r\n\r\nRolf steelt.\r\n"
_EMPTY = b"Content-Type: text/plain\r\n\r\n\r\n"


@pytest.mark.parametrize(
    ("kind", "before", "after", "text", "files", "whole"),
    [
        ("encrypted", [_VERSION], [], WORDS, [], True),
        ("encrypted", [_VERSION], [_BESIDE, _BEFORE], f"Vooraf.\n\n\n{WORDS}", ["bewijs.txt"], False),
        ("encrypted", [_BEFORE], [], f"Vooraf.\n\n\n{WORDS}", [], False),
        ("encrypted", [_VERSION + b"Rolf steelt.\r\n"], [], WORDS, ["attachment-1.asc"], False),
        ("mixed", [_VERSION], [], WORDS, [], True),
        ("mixed", [_EMPTY, _VERSION], [], WORDS, [], True),
        ("mixed", [_BEFORE, _VERSION], [_BESIDE], f"Vooraf.\n\n\n{WORDS}", ["bewijs.txt"], False),
        ("mixed", [_VERSION], [_BESIDE], f"Rolf steelt.\n\n\n{WORDS}", ["bewijs.txt"], False),
    ],
)
def test_what_stands_beside_a_ciphertext_is_shown_and_is_not_signed(
    gnupg: GnuPG, kind: str, before: list[bytes], after: list[bytes], text: str, files: list[str], whole: bool
) -> None:
    sealed = gnupg.encrypt_and_sign(ENTITY, "--compress-algo", "none")
    parts = [*before, b"Content-Type: application/octet-stream\r\n\r\n" + with_crlf(sealed), *after]
    head = autocrypt(gnupg) + f"Content-Type: multipart/{kind}; boundary=m\r\n\r\n".encode()
    mail = read(head + b"".join(b"--m\r\n" + part + b"\r\n" for part in parts) + b"--m--\r\n", gnupg.keys())
    assert (mail.text.strip(), [file.name for file in mail.attachments]) == (text, files)
    assert mail.protection is not None
    assert (mail.protection.encrypted, mail.protection.opened) == ("openpgp", True)
    assert [(each.result, each.whole) for each in mail.protection.signatures] == [(SignatureResult.VALID, whole)]


def test_only_one_message_is_opened_where_the_ciphertext_is_also_the_only_text(gnupg: GnuPG) -> None:
    signed = gnupg.encrypt_and_sign(ENTITY, "--compress-algo", "none")
    file = b"Content-Type: text/plain; name=encrypted.asc\r\n\r\n" + signed + gnupg.encrypt(b"Rolf steelt.\n")
    head = autocrypt(gnupg) + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
    mail = read(head + _VERSION + b"\r\n--m\r\n" + file + b"\r\n--m--\r\n", gnupg.keys())
    assert mail.protection is not None
    assert mail.text.strip() == WORDS


def test_the_desk_may_have_several_keys_and_a_passphrase_for_them(gnupg: GnuPG) -> None:
    fresh = pysequoia.Tsk.generate("old")
    assert read(pgp_mime(gnupg.encrypt(ENTITY)), MailKeys(openpgp=str(fresh).encode() + gnupg.desk_key())).own_text
    gnupg.run("--passphrase", "zes bomen", "--quick-gen-key", "<locked@ministry.example>", "future-default", "default")
    locked = gnupg.run("--passphrase", "zes bomen", "--armor", "--export-secret-keys", "locked@ministry.example")
    sealed = pgp_mime(gnupg.run("--armor", "-r", "locked@ministry.example", "-e", data=ENTITY))
    assert read(sealed, MailKeys(openpgp=locked, openpgp_passphrase=b"zes bomen")).protection == OPENED
    assert read(sealed, MailKeys(openpgp=locked)).protection == Protection("openpgp", False, Unopened.BROKEN)


def test_without_the_key_the_ciphertext_is_kept_and_said_to_be_one(gnupg: GnuPG) -> None:
    """mail-cases 46, 69"""
    message = gnupg.encrypt(ENTITY)
    other = str(pysequoia.Tsk.generate("other")).encode()
    for keys, reason in ((MailKeys(), Unopened.NO_KEY), (MailKeys(openpgp=other), Unopened.WRONG_KEY)):
        mail = read(pgp_mime(message), keys)
        assert mail.protection == Protection("openpgp", opened=False, reason=reason)
        assert with_crlf(message).strip() in [b"".join(file.chunks()).strip() for file in mail.attachments]


def test_what_a_password_alone_opens_stays_closed(gnupg: GnuPG) -> None:
    sealed = pgp_mime(gnupg.run("--armor", "--passphrase", "x", "-c", data=ENTITY))
    assert read(sealed, gnupg.keys()).protection == Protection("openpgp", opened=False, reason=Unopened.UNSUPPORTED)


def test_text_between_other_text_is_opened_where_it_stands(gnupg: GnuPG) -> None:
    """mail-cases 69"""
    message = gnupg.encrypt(f"{WORDS}\n".encode())
    body = b"Content-Type: text/plain; charset=utf-8\r\n\r\nBoven.\r\n\r\n" + message + b"\r\n-- \r\nAppie\r\n"
    mail = read(HEAD + body, gnupg.keys())
    assert mail.text.strip() == f"Boven.\n\n{WORDS}\n\n-- \nAppie"
    assert (mail.own_text, mail.signature_text) == (f"Boven.\n\n{WORDS}", "-- \nAppie")
    assert mail.protection == OPENED
    closed = read(HEAD + body)
    assert closed.protection == Protection("openpgp", opened=False, reason=Unopened.NO_KEY)
    assert "BEGIN PGP MESSAGE" in closed.text


@pytest.mark.parametrize("kind", ["lines", "blocks", "indented"])
def test_a_message_that_its_html_has_set_in_is_opened(gnupg: GnuPG, kind: str) -> None:
    lines = gnupg.encrypt(f"{WORDS}\n".encode()).decode().splitlines()
    if kind == "indented":
        body = "Content-Type: text/plain\r\n\r\nBoven.\r\n" + "".join(f"\xa0  {line}\r\n" for line in lines)
    elif kind == "lines":
        body = "Content-Type: text/html\r\n\r\n<div>Boven.<br>" + "<br>\r\n".join(lines) + "</div>"
    else:
        blocks = "".join(f"<div>{line or '&nbsp;'}</div>\r\n" for line in lines)
        body = "Content-Type: text/html\r\n\r\n<div>Boven.</div>" + blocks
    mail = read(HEAD + body.encode(), gnupg.keys())
    assert mail.protection == OPENED
    assert mail.text.split() == ["Boven.", *WORDS.split()]
    assert read(HEAD + body.encode()).protection == Protection("openpgp", opened=False, reason=Unopened.NO_KEY)


def test_text_in_another_charset_is_read_as_its_frame_says(gnupg: GnuPG) -> None:
    message = gnupg.encrypt("café\n".encode("iso-8859-1")).replace(
        b"MESSAGE-----\n", b"MESSAGE-----\nCharset: latin1\n", 1
    )
    assert "café" in read(HEAD + b"Content-Type: text/plain\r\n\r\n" + message, gnupg.keys()).text


@pytest.mark.parametrize("armoured", [False, True])
def test_an_encrypted_file_is_opened_beside_its_ciphertext(gnupg: GnuPG, armoured: bool) -> None:
    """mail-cases 69"""
    options = ("--armor",) if armoured else ()
    sealed = gnupg.run(*options, "-r", ADDRESS, "-e", data=b"\x00factuur\xff")
    name = b"factuur.pdf." + (b"asc" if armoured else b"pgp")
    words = b"--m\r\nContent-Type: text/plain\r\n\r\nZie bijlage.\r\n"
    kind = b"--m\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    file = kind + b'Content-Disposition: attachment; filename="' + name + b'"\r\n\r\n' + base64.encodebytes(sealed)
    head = HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n"
    mail = read(head + words + file + b"--m--\r\n", gnupg.keys())
    assert mail.text.strip() == "Zie bijlage."
    assert [(file.name, file.inside) for file in mail.attachments] == [(name.decode(), None), ("factuur.pdf", 0)]
    assert [b"".join(file.chunks()) for file in mail.attachments] == [sealed, b"\x00factuur\xff"]
    assert mail.protection == OPENED


def test_a_signature_is_checked_by_the_key_that_came_with_the_mail(gnupg: GnuPG) -> None:
    entity = ENTITY.rstrip()
    signature = gnupg.run("--armor", "-u", REPORTER, "--detach-sign", data=entity)
    key = b"--m\r\nContent-Type: application/pgp-keys\r\n\r\n" + with_crlf(gnupg.public("--armor"))
    attached = HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
    mails = {
        "known by Autocrypt": (pgp_signed(entity, signature, autocrypt(gnupg)), SignatureResult.VALID, True),
        "known by file": (
            attached + pgp_signed(entity, signature, b"") + key + b"--m--\r\n", SignatureResult.VALID, False
        ),
        "unknown": (pgp_signed(entity, signature), SignatureResult.UNKNOWN_KEY, True),
        "key of another address": (
            pgp_signed(entity, signature, autocrypt(gnupg, "b@home.example")), SignatureResult.UNKNOWN_KEY, True
        ),
        "changed": (
            pgp_signed(entity.replace(b"tien", b"drie"), signature, autocrypt(gnupg)), SignatureResult.INVALID, True
        ),
        "line ends of the way": (
            pgp_signed(entity, signature, autocrypt(gnupg)).replace(b"\r\n", b"\n"), SignatureResult.VALID, True
        ),
    }  # fmt: skip
    for name, (sealed, result, whole) in mails.items():
        protection = read(sealed).protection
        assert protection is not None, name
        assert [(each.result, each.whole) for each in protection.signatures] == [(result, whole)], name
        assert bool(protection.signatures[0].signer) is (result is not SignatureResult.UNKNOWN_KEY), name


def test_a_signature_that_could_be_forged_today_is_not_taken_for_one(gnupg: GnuPG) -> None:
    entity = ENTITY.rstrip()
    signature = gnupg.run("--armor", "-u", REPORTER, "--digest-algo", "SHA1", "--detach-sign", data=entity)
    protection = read(pgp_signed(entity, signature, autocrypt(gnupg))).protection
    assert protection is not None
    assert [each.result for each in protection.signatures] == [SignatureResult.UNCHECKED]


def test_keys_that_come_with_a_mail_are_kept(gnupg: GnuPG) -> None:
    mail = read(autocrypt(gnupg) + b"\r\nhallo")
    [key] = mail.sender_keys
    assert (key.kind, pysequoia.Cert.from_bytes(key.data).fingerprint) == ("autocrypt", key.fingerprint)
    assert mail.protection is None


@pytest.mark.parametrize("keydata", ["é", "=", "a", "", "a" * 500_000, "\x00", "ab=cd"])
def test_a_key_that_is_none_costs_a_mail_nothing(keydata: str) -> None:
    field = f"Autocrypt: addr={REPORTER}; keydata={keydata}\r\n".encode()
    mail = read(field + HEAD + ENTITY)
    assert (mail.text.strip(), mail.sender_keys) == (WORDS, ())


def test_signed_and_encrypted_in_one_is_both(gnupg: GnuPG) -> None:
    """mail-cases 69. The sender's key lies inside, as Thunderbird puts it."""
    entity = (
        b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n" + ENTITY
        + b"--i\r\nContent-Type: application/pgp-keys\r\n\r\n" + with_crlf(gnupg.public("--armor")) + b"--i--\r\n"
    )  # fmt: skip
    for sealed, result in (
        (gnupg.encrypt_and_sign(entity, "--compress-algo", "none"), SignatureResult.VALID),
        (gnupg.encrypt_and_sign(entity), SignatureResult.UNCHECKED),
    ):
        mail = read(pgp_mime(sealed), gnupg.keys())
        assert mail.text.strip() == WORDS
        assert mail.protection is not None
        assert (mail.protection.encrypted, mail.protection.opened) == ("openpgp", True)
        assert [each.result for each in mail.protection.signatures] == [result]


def test_text_signed_in_the_clear_is_shown_without_its_frame(gnupg: GnuPG) -> None:
    signed = gnupg.run("-u", REPORTER, "--clearsign", data=f"{WORDS}\n- een\n".encode())
    head = autocrypt(gnupg) + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    for changed, result in (
        (signed, SignatureResult.VALID),
        (signed.replace(b"tien", b"drie"), SignatureResult.INVALID),
    ):
        mail = read(head + with_crlf(changed))
        assert mail.protection is not None
        assert [each.result for each in mail.protection.signatures] == [result]
        assert mail.text.strip().endswith("- een")
        assert "PGP" not in mail.text


def test_text_signed_in_another_charset_is_checked_as_it_came(gnupg: GnuPG) -> None:
    signed = gnupg.run("-u", REPORTER, "--clearsign", data="café\n".encode("iso-8859-1"))
    mail = read(autocrypt(gnupg) + b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" + signed)
    assert mail.protection is not None
    assert [each.result for each in mail.protection.signatures] == [SignatureResult.VALID]
    assert mail.own_text == "café"


def _alternative(*parts: bytes) -> bytes:
    inside = b"".join(b"--a\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/alternative; boundary=a\r\n\r\n" + inside + b"--a--\r\n"


def test_a_signed_text_lends_its_signature_to_no_other_half_of_an_alternative(gnupg: GnuPG) -> None:
    signed = gnupg.run("-u", REPORTER, "--clearsign", data=b"Ik kom morgen.\n")
    forged = signed.replace(b"Ik kom morgen.", b"Rolf steelt.")
    genuine = b"Content-Type: text/plain\r\n\r\n" + signed
    wide = base64.encodebytes(forged.decode().encode("utf-16"))
    for first in (
        b"Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n" + wide,
        b"Content-Type: text/enriched\r\n\r\n" + forged,
        b"Content-Type: text/enriched\r\n\r\n" + forged.replace(b"\n\n", b"\nComment: x\n\n", 1),
    ):
        mail = read(autocrypt(gnupg) + _alternative(first, genuine))
        assert mail.protection is not None
        assert "Rolf steelt." in mail.text
        assert [(each.result, each.whole) for each in mail.protection.signatures] == [(SignatureResult.VALID, False)]
    mail = read(autocrypt(gnupg) + _alternative(genuine, b"Content-Type: text/html\r\n\r\n<p>Rolf steelt."))
    assert mail.protection is not None
    assert (mail.text.strip(), mail.html) == ("Ik kom morgen.", None)
    assert [(each.result, each.whole) for each in mail.protection.signatures] == [(SignatureResult.VALID, True)]


_BEGIN = b"-----BEGIN PGP SIGNATURE-----\n"


@pytest.mark.parametrize("kind", [b"text/plain", b"text/plain; format=flowed", b"text/plain; charset=hz"])
@pytest.mark.parametrize(
    ("found", "put"),
    [
        (b"\n\nEen", b"\n \nEen"),
        (b"\n\nEen", b"\nComment: x\x0b\x0bRolf steelt.\n\nEen"),
        (b"\n\nEen", b"\x0b\x0bRolf steelt.\n\nEen"),
        (b"\n\nEen", b"\r\rRolf steelt.\n\nEen"),
        (_BEGIN, _BEGIN + b"Comment: Rolf steelt.\nComment: x\x0b" + _BEGIN),
        (_BEGIN, b"-" + _BEGIN + b"Comment: Rolf steelt.\nComment: x\x0b" + _BEGIN),
        (_BEGIN, _BEGIN.replace(b"-----", b"---") + b"Comment: Rolf steelt.\nComment: x\x0b" + _BEGIN),
        (_BEGIN, _BEGIN.replace(b"-", "—".encode()) + b"Comment: Rolf steelt.\nComment: x\x0b" + _BEGIN),
    ],
)
def test_nothing_that_was_put_into_the_frame_of_a_signed_text_is_shown_as_signed(
    kind: bytes, found: bytes, put: bytes
) -> None:
    signed = pysequoia.sign(_REPORTER.signer(), b"Een.\n\n- Twee.\n", mode=pysequoia.SignatureMode.CLEAR)
    assert signed.count(found) == 1
    key = b"Autocrypt: addr=" + REPORTER.encode() + b"; keydata=" + base64.b64encode(_SENDER) + b"\r\n"
    mail = read(key + HEAD + b"Content-Type: " + kind + b"\r\n\r\n" + signed.replace(found, put))
    assert mail.protection is not None
    [signature] = mail.protection.signatures
    assert not (signature.whole and signature.result is SignatureResult.VALID) or mail.text == "Een.\n\n- Twee.\n"
    assert read(key + HEAD + b"Content-Type: " + kind + b"\r\n\r\n" + signed).text == "Een.\n\n- Twee.\n"


def test_what_is_encrypted_within_the_frame_of_a_signed_text_is_not_shown_as_signed(gnupg: GnuPG) -> None:
    """One line for the program that checks the signature, many for whoever reads the text."""
    signed = pysequoia.sign(_REPORTER.signer(), b"Een.\n", mode=pysequoia.SignatureMode.CLEAR)
    hidden = gnupg.encrypt(b"Rolf steelt. " * 500)
    put = signed.replace(_BEGIN, _BEGIN + b"Comment: \x0b" + hidden.strip().replace(b"\n", b"\x0b") + b"\n")
    key = b"Autocrypt: addr=" + REPORTER.encode() + b"; keydata=" + base64.b64encode(_SENDER) + b"\r\n"
    mail = read(key + HEAD + b"Content-Type: text/plain\r\n\r\n" + put, gnupg.keys())
    assert mail.protection is not None
    assert [each.result for each in mail.protection.signatures] == [SignatureResult.VALID]
    assert mail.text.strip("\n") + "\n" == "Een.\n"


def test_two_signed_texts_below_each_other_are_shown_where_they_stand(gnupg: GnuPG) -> None:
    texts = [gnupg.run("-u", REPORTER, "--clearsign", data=words) for words in (b"Een.\n", b"Twee.\n", b"Een.\n")]
    mail = read(autocrypt(gnupg) + b"Content-Type: text/plain\r\n\r\n" + b"\r\nen\r\n\r\n".join(texts))
    assert mail.protection is not None
    assert mail.text.split() == ["Een.", "en", "Twee.", "en", "Een."]
    assert [each.whole for each in mail.protection.signatures] == [False] * 3


def test_a_reply_that_quotes_ciphertext_is_no_encrypted_mail(gnupg: GnuPG) -> None:
    quoted = b"> " + gnupg.encrypt(ENTITY).replace(b"\n", b"\n> ")
    assert read(HEAD + b"\r\nWat is dit?\r\n\r\n" + quoted).protection is None


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_no_tampering_makes_another_text(place: float, bit: int) -> None:
    data = bytearray(_MESSAGE)
    data[int(place * len(data))] ^= 1 << bit
    unsealed = unseal(Question(SealedKind.PGP, bytes(data), keys=_KEYS, certificates=(_SENDER,)))
    assert unsealed.content in (None, ENTITY)
    assert unsealed.content == ENTITY or not unsealed.signatures


_DESK, _REPORTER = pysequoia.Tsk.generate("desk"), pysequoia.Tsk.generate("reporter")
_KEYS, _SENDER = MailKeys(openpgp=str(_DESK).encode()), bytes(_REPORTER.extract_certificate())
_MESSAGE = pysequoia.encrypt(ENTITY, recipients=[_DESK.extract_certificate()], signer=_REPORTER.signer(), armor=False)


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_no_tampering_with_a_signature_leaves_it_valid(place: float, bit: int) -> None:
    signature = bytearray(
        pysequoia.sign(_REPORTER.signer(), ENTITY, mode=pysequoia.SignatureMode.DETACHED, armor=False)
    )
    signed = bytearray(ENTITY)
    changed = signed if bit % 2 else signature
    changed[int(place * len(changed))] ^= 1 << bit
    answer = unseal(Question(SealedKind.PGP_SIGNATURE, bytes(signature), bytes(signed), certificates=(_SENDER,)))
    valid = any(each.result is SignatureResult.VALID for each in answer.signatures)
    # what stands in the unhashed area may change; what was signed may not
    assert not valid or bytes(signed) == ENTITY
