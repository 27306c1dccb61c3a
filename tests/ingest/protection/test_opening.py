"""Whatever is in a sealed mail, and however it was damaged on its way, it is read: opened, or kept closed."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import CannotParse
from ingest.mail import ParsedMail, SealedKind, Unopened
from ingest.protection.opening import MOST_QUESTIONS, Opening
from ingest.protection.recognise import MOST_SEALED
from ingest.protection.values import MailKeys, Question, Unsealed
from ingest.raw import RawMail
from ingest.reading import read_mail
from tests.ingest.protection.sealing import ENTITY, HEAD, REPORTER, GnuPG, Here, OpenSSL, pgp_mime, read


@pytest.fixture(scope="module")
def keys(openssl: OpenSSL, gnupg: GnuPG) -> MailKeys:
    return MailKeys(smime=openssl.keys().smime, openpgp=gnupg.desk_key())


@pytest.fixture(scope="module")
def sealed(openssl: OpenSSL, gnupg: GnuPG) -> list[bytes]:
    clear = gnupg.run("-u", REPORTER, "--clearsign", data=b"tekst\n")
    text = HEAD + b"Content-Type: text/plain\r\n\r\n"
    return [
        openssl.encrypt(entity=openssl.signed_entity()),
        openssl.sign("-nodetach", entity=openssl.encrypted_entity("-aes-256-gcm")),
        pgp_mime(gnupg.encrypt(ENTITY)),
        text + clear + b"\r\nen\r\n" + gnupg.encrypt(b"geheim\n"),
    ]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 3),
    changes=st.lists(st.tuples(st.floats(0, 0.9999), st.binary(max_size=6), st.integers(0, 40)), max_size=4),
)
def test_a_damaged_mail_is_read_all_the_same(
    sealed: list[bytes], keys: MailKeys, which: int, changes: list[tuple[float, bytes, int]]
) -> None:
    mail = sealed[which]
    for place, put, taken in changes:
        at = int(place * len(mail))
        mail = mail[:at] + put + mail[at + taken :]
    try:
        found = read(mail, keys)
    except CannotParse:
        return
    assert found.sealed == ()
    assert all(b"".join(file.chunks()) is not None for file in found.attachments)


class Bottomless(Here):
    """What it opens holds what it opens."""

    def __init__(self, content: bytes) -> None:
        self.asked = 0
        self.content = content

    def unseal(self, question: Question) -> Unsealed:
        self.asked += 1
        return Unsealed(self.content, encrypted=question.kind is SealedKind.CMS)

    def read_all(self, mail: bytes) -> ParsedMail:
        with RawMail.from_bytes(mail) as raw:
            return read_mail(self, raw, Opening(self), None)


def parts(number: int) -> Iterator[bytes]:
    yield b"Content-Type: multipart/mixed; boundary=m\r\n\r\n"
    for _ in range(number):
        yield b"--m\r\nContent-Type: application/pkcs7-mime\r\n\r\nx\r\n"
    yield b"--m--\r\n"


def test_a_mail_that_holds_more_and_more_of_the_same_ends() -> None:
    content = b"".join(parts(20))
    opener = Bottomless(content)
    mail = opener.read_all(HEAD + content)
    assert opener.asked == MOST_QUESTIONS
    assert mail.protection is not None
    assert not mail.protection.opened
    assert mail.protection.reason in (Unopened.TOO_DEEP, Unopened.BOUNDS)


@pytest.mark.parametrize(
    "kind", [b"application/pgp-keys; name=k.asc", b"application/octet-stream; name=rapport.pdf.asc"]
)
def test_however_many_keys_and_files_come_along_what_the_mail_says_is_opened(
    gnupg: GnuPG, keys: MailKeys, kind: bytes
) -> None:
    file = gnupg.public("--armor") if b"keys" in kind else gnupg.encrypt(b"bestand")
    part = b"--m\r\nContent-Type: " + kind + b"\r\n\r\n" + file + b"\r\n"
    words = b"--m\r\nContent-Type: text/plain\r\n\r\n" + gnupg.encrypt(b"geheim\n") + b"\r\n--m--\r\n"
    mail = read(HEAD + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n" + part * (MOST_SEALED + 1) + words, keys)
    assert mail.text.strip() == "geheim"
    assert mail.protection is not None
    assert mail.protection.opened is (b"keys" in kind)
