"""What stands in a file that could not be read is not asked for, and what such a file is called is no report."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default

import pytest

from config.settings import MailboxSettings
from config.taxonomy import MissingField
from ingest.attachments.reading import read_files
from ingest.attachments.task import Budget
from ingest.mail import Finding, ParsedMail
from ingest.message import mail_text
from ingest.parse import parse_bytes
from ingest.raw import RawMail
from ingest.unread import has_unread_files
from tests.ingest import made_files as made
from tests.ingest.answers import with_files
from tests.ingest.conftest import Dovecot, NewOffice
from tests.ingest.office import REPORT

ZIP = made.archive({"Jan Bos, Kade 3 te Delft, 06 12345678.txt": "x"})


def locked(archive: bytes) -> bytes:
    """The archive with the mark of a password at each of its members (APPNOTE 4.4.4)."""
    data = bytearray(archive)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), archive):
            data[found.start() + flags] |= 1
    return bytes(data)


def _read(raw: bytes) -> ParsedMail:
    mail = parse_bytes(raw)
    return with_files(mail, read_files(mail, Budget.of(60), None))


@dataclass
class Reader:
    """Reads files, too, in this process."""

    def read(self, raw: RawMail) -> ParsedMail:
        return _read(b"".join(raw.chunks()))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("p.zip", locked(ZIP)),
        ("p.zip", ZIP),
        ("p.pdf", b"%PDF-1.7\nno more"),
        ("p.doc", made.ole({"WordDocument": b"x"})),
        ("p.jpg", made.picture(made.scan("een brief"), "JPEG")),
    ],
    ids=["locked", "archive", "broken", "old Word", "picture without Tesseract"],
)
def test_a_file_that_may_hold_more_than_was_read_is_unread(name: str, data: bytes) -> None:
    assert has_unread_files(_read(made.mail((name, "application/octet-stream", data))))


@pytest.mark.parametrize(
    "finding", [Finding.CUT, Finding.NO_TIME, Finding.BOUNDS, Finding.ENCRYPTED, Finding.BROKEN, Finding.UNSUPPORTED]
)
def test_what_was_said_of_a_file_makes_it_unread(finding: Finding) -> None:
    mail = _read(made.mail(("a.txt", "text/plain", b"x")))
    assert has_unread_files(replace(mail, attachments=(replace(mail.attachments[0], findings=(finding,)),)))


def test_a_document_that_was_read_is_not_unread() -> None:
    mail = _read(made.mail(("a.docx", "application/octet-stream", made.docx("x", more={"word/vbaProject.bin": b"x"}))))
    assert mail.attachments[0].findings == (Finding.MACROS,)
    assert not has_unread_files(mail)


def test_a_logo_in_the_text_is_no_file_that_anybody_misses() -> None:
    mail = parse_bytes(
        b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
        b"<img src=cid:1>\r\n"
        b"--x\r\nContent-Type: image/svg+xml\r\nContent-ID: <1>\r\nContent-Disposition: inline\r\n\r\n"
        b"<svg/>\r\n--x--\r\n"
    )
    mail = with_files(mail, read_files(mail, Budget.of(60), None))
    assert mail.attachments[0].findings == (Finding.NO_TEXT,)
    assert not has_unread_files(mail)


@pytest.mark.parametrize("name", ["p.zip", "brief.dat"])
def test_the_names_in_an_archive_are_nothing_that_its_sender_reports(name: str) -> None:
    mail = _read(made.mail((name, "application/octet-stream", ZIP)))
    assert "Kade 3" in mail.attachments[0].text
    shown = mail_text(mail)
    assert "Kade 3" not in shown.own_text + shown.attachment_text


@pytest.mark.parametrize(("data", "asks"), [(locked(ZIP), False), (made.docx("Zie mijn mail."), True)])
def test_a_receipt_asks_for_no_field_that_may_stand_in_an_unread_file(
    dovecot: Dovecot, new_office: NewOffice, data: bytes, asks: bool
) -> None:
    account: MailboxSettings = dovecot.account()
    dovecot.deliver(account, made.mail(text="Er is niets.", subject="eerste"))
    office = new_office(account)
    office.take_in()  # whatever lay there at the first connection waits for a word
    office.reader = Reader()  # type: ignore[assignment]
    office.understander.report = replace(REPORT, missing_scores=dict.fromkeys(MissingField, 0.99))
    dovecot.deliver(account, made.mail(("p.zip", "application/zip", data)).replace(b"<1@", b"<2@"))
    assert office.take_in().taken == 1
    receipt = office.receipts()[-1]
    body = message_from_bytes(receipt.mime, policy=default).get_body(("plain",))
    assert body is not None
    assert ("uw telefoonnummer" in body.get_content()) == asks
