"""Files of each format are read by real readers in full isolation; a file that kills its reader costs no more."""

from __future__ import annotations

import base64
import contextlib
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import ImageDraw

from config.settings import OcrSettings
from ingest.attachments import recognition
from ingest.errors import NotIsolated
from ingest.isolation import Layer, ProcessLimits, is_isolated
from ingest.mail import Finding, ParsedMail
from ingest.nursery import Nursery, Nursing
from ingest.raw import RawMail
from ingest.readers import Readers
from tests.ingest import made_files as made
from tests.ingest.conftest import Dovecot, NewOffice

HOSTILE = str(Path(__file__).parent / "hostile")
LIMITS = ProcessLimits(cpu_seconds=60, wall_seconds=90)
LAYERS = {
    "namespaces": Layer.UNPRIVILEGED | Layer.NAMESPACES | Layer.SECCOMP,
    "landlock": Layer.UNPRIVILEGED | Layer.LANDLOCK | Layer.SECCOMP,
    "the strongest": None,
}
WORDS = "Ik meld dat facturen worden betaald zonder levering."

FORMATS = made.of_each_format(WORDS)


@pytest.fixture(scope="module", params=LAYERS.values(), ids=LAYERS)
def readers(request: pytest.FixtureRequest) -> Iterator[Readers]:
    with started(Readers(LIMITS, layers=request.param)) as readers:
        assert is_isolated(readers.nursery.layers)
        yield readers


@contextlib.contextmanager
def started(readers: Readers) -> Iterator[Readers]:
    try:
        readers.start()
    except NotIsolated as error:
        pytest.skip(str(error))
    with readers:
        yield readers


def _read(readers: Readers, *files: tuple[str, bytes], text: str = "Zie bijlage.") -> ParsedMail:
    mail = made.mail(*((name, "application/octet-stream", data) for name, data in files), text=text)
    with RawMail.from_bytes(mail) as raw:
        return readers.read(raw)


def test_files_of_every_format_are_read_in_isolation(readers: Readers) -> None:
    """mail-cases 60, 62: nothing that a library needs is missing where there are no files and few system calls."""
    mail = _read(readers, *((f"file.{name}", data) for name, data in FORMATS.items()))
    read = {each.name: each.text.strip() for each in mail.attachments if each.inside is None}
    assert read == {f"file.{name}": WORDS for name in FORMATS}
    assert mail.defects == ()


def test_pictures_and_scans_are_read_in_isolation(readers: Readers) -> None:
    _needs_tesseract()
    page = made.scan("Ik meld dat facturen worden betaald", "zonder dat er iets geleverd is.")
    files = {
        "scan.png": made.picture(page),
        "scan.jpg": made.picture(page, "JPEG"),
        "fax.tiff": made.picture(page.convert("1"), "TIFF", compression="group4"),
        "scan.pdf": made.scanned_pdf(page),
        "scan.docx": made.docx("", more={"word/media/image1.png": made.picture(page)}),
    }
    for attachment in _read(readers, *files.items()).attachments:
        assert " ".join(attachment.text.split()) == (
            "Ik meld dat facturen worden betaald zonder dat er iets geleverd is."
        ), attachment.name
        assert attachment.findings == (Finding.OCR,)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_scan_that_lies_on_its_side_or_upside_down_is_read(readers: Readers, turn: int) -> None:
    _needs_tesseract()
    page = made.scan("Ik meld dat facturen worden betaald", "zonder dat er iets geleverd is.").rotate(turn, expand=True)
    files = {"scan.png": made.picture(page), "scan.pdf": made.scanned_pdf(page)}
    for attachment in _read(readers, *files.items()).attachments:
        assert " ".join(attachment.text.split()) == (
            "Ik meld dat facturen worden betaald zonder dat er iets geleverd is."
        ), attachment.name
        assert attachment.findings == (Finding.OCR,)


def test_the_blank_back_of_a_scan_is_nothing_that_could_not_be_read(readers: Readers) -> None:
    _needs_tesseract()
    scan = made.scanned_pdf(made.scan("Ik meld dat facturen worden betaald"), made.scan())
    (attachment,) = _read(readers, ("scan.pdf", scan)).attachments
    assert attachment.findings == (Finding.OCR,)


def test_a_photograph_of_no_letter_gives_no_words(readers: Readers) -> None:
    _needs_tesseract()
    noise = random.Random(1)
    page = made.scan(size=(800, 600))
    page.putdata([noise.randrange(256) for _ in range(800 * 600)])
    (photo,) = _read(readers, ("foto.png", made.picture(page))).attachments
    assert photo.text == ""
    assert photo.findings == (Finding.NO_TEXT,)


def test_a_picture_of_which_tesseract_says_something_does_not_end_the_reader(readers: Readers) -> None:
    """It says "Empty page!!" of a line across a page, into a file that it opens for it."""
    _needs_tesseract()
    page = made.scan(size=(800, 600))
    ImageDraw.Draw(page).line((10, 10, 790, 590), fill=0, width=2)
    mail = _read(readers, ("lijn.png", made.picture(page)))
    assert mail.defects == ()
    assert mail.attachments[0].findings == (Finding.NO_TEXT,)


def _needs_tesseract() -> None:
    if recognition.load(None, ("nld", "eng")) is None:
        pytest.skip("needs Tesseract's models (apt install tesseract-ocr-nld tesseract-ocr-eng)")


def test_hostile_files_are_flagged_in_isolation(readers: Readers) -> None:
    """mail-cases 57"""
    laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    files: dict[str, tuple[bytes, Finding]] = {
        "bomb.docx": (
            made.archive({"[Content_Types].xml": "x", "word/document.xml": bytes(30_000_000)}),
            Finding.BOUNDS,
        ),
        "laughs.docx": (made.docx_of("<w:t>&b;</w:t>", before=laughs), Finding.BROKEN),
        "pixels.png": (made.picture(made.scan(size=(20_000, 10_000)).convert("1")), Finding.BOUNDS),
        "macros.docm": (made.docx("x", more={"word/vbaProject.bin": b"x"}), Finding.MACROS),
        "locked.docx": (made.ole({"EncryptedPackage": b"x"}), Finding.ENCRYPTED),
        "broken.pdf": (b"%PDF-1.7\nno more", Finding.BROKEN),
        "program.exe": (b"MZ" + bytes(500), Finding.UNSUPPORTED),
    }
    mail = _read(readers, *((name, data) for name, (data, _) in files.items()))
    assert mail.own_text.strip() == "Zie bijlage."
    for attachment in mail.attachments:
        data, finding = files[attachment.name]
        assert finding in attachment.findings, attachment.name
        assert b"".join(attachment.chunks()) == data


# A file that kills, holds or fattens its reader


@pytest.fixture(scope="module")
def crashing() -> Iterator[Readers]:
    # the bound on time is the one that a hanging reader is to meet: were both the same, either could be the first
    limits = ProcessLimits(cpu_seconds=60, wall_seconds=10, memory_bytes=300_000_000)
    readers = Readers(limits, ocr=OcrSettings(languages=()), entry="crashing_reader", path=(HOSTILE,))
    with started(readers) as crashing:
        yield crashing


LETTER = ("brief.docx", made.docx(WORDS))


@pytest.mark.parametrize(
    ("file", "defect"),
    [
        (("a.pdf", made.pdf("x")), "files: the reader ended in the middle of its answer"),
        (("a.png", made.picture(made.scan("x"))), "files: the reader did not answer in time"),
    ],
    ids=["dies", "hangs"],
)
def test_a_file_that_ends_its_reader_costs_the_mail_no_more_than_its_own_text(
    crashing: Readers, file: tuple[str, bytes], defect: str
) -> None:
    """mail-cases 50"""
    mail = _read(crashing, file, LETTER, text="Mijn woorden.")
    killer, letter = mail.attachments
    assert mail.own_text.strip() == "Mijn woorden."
    assert letter.text == WORDS
    assert killer.findings == (Finding.BROKEN,)
    assert b"".join(killer.chunks()) == file[1]
    assert defect in mail.defects


def test_files_whose_turn_did_not_come_say_so(crashing: Readers) -> None:
    mail = _read(crashing, ("a.pdf", made.pdf("x")), ("b.png", made.picture(made.scan("x"))))
    assert [each.findings for each in mail.attachments] == [(Finding.BROKEN,), (Finding.NO_TIME,)]


def test_a_file_that_takes_all_memory_is_given_up_and_the_others_are_read(crashing: Readers) -> None:
    mail = _read(crashing, ("a.rtf", b"{\\rtf1 x}"), LETTER)
    fat, letter = mail.attachments
    assert fat.findings == (Finding.BOUNDS,)
    assert letter.text == WORDS
    assert mail.defects == ()


def test_after_such_a_file_the_next_mail_is_read(crashing: Readers) -> None:
    _read(crashing, ("a.pdf", made.pdf("x")))
    assert _read(crashing, LETTER).attachments[0].text == WORDS


# Memory

MOST_MEMORY = 300_000_000
MOST_OF_A_MAIL = 400_000_000
LARGE = 36_000_000


def _large_pdf() -> bytes:
    filler = b"<< /Length %d >>\nstream\n" % LARGE + random.Random(1).randbytes(LARGE) + b"\nendstream"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return made.pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", kids, page, filler])


LARGE_FILES: dict[str, Callable[[], bytes]] = {
    "pdf": _large_pdf,
    "docx": lambda: made.docx(WORDS, more={"word/media/a.bin": random.Random(1).randbytes(LARGE)}),
    "dat": lambda: made.tnef(b"x", files=[("a.bin", random.Random(1).randbytes(LARGE))]),
    "png": lambda: made.picture(made.scan(size=(7000, 5000)), compress_level=0),
    "txt": lambda: b"woord " * (LARGE // 6),
}


def _read_in(mail: bytes) -> tuple[int, int]:
    """The most memory that a reader of the mail took, and how long its answer was."""
    argument = json.dumps({"file_seconds": 30, "languages": ["nld", "eng"]})
    limits = ProcessLimits(cpu_seconds=60, wall_seconds=120)
    try:
        nursery = Nursery.start(Nursing("measuring_reader", argument, limits, None, (HOSTILE,)))
    except NotIsolated as error:
        pytest.skip(str(error))
    with nursery, RawMail.from_bytes(mail) as raw, nursery.job(raw.fd, raw.size) as line:
        answer = b""
        while piece := line.receive(4096):
            answer += piece
    peak, length = json.loads(answer)
    return peak, length


@pytest.mark.parametrize("make", LARGE_FILES.values(), ids=LARGE_FILES)
def test_a_mail_of_fifty_megabytes_is_read_in_bounded_memory(make: Callable[[], bytes]) -> None:
    """mail-cases 58"""
    mail = made.mail(("large", "application/octet-stream", make()))
    assert len(mail) > 45_000_000
    peak, length = _read_in(mail)
    assert length > 35_000_000
    assert peak < MOST_MEMORY


def _large_mail(below: bytes = b"") -> bytes:
    """With a file in base64, and what a mailing list may write below that."""
    file = base64.encodebytes(random.Random(1).randbytes(LARGE)).replace(b"\n", b"\r\n")
    return _around(b"application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64", file + below)


def _around(kind: bytes, content: bytes) -> bytes:
    head = b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % len(content)
    mark = b"--%d" % len(content)
    text = mark + b"\r\n\r\nZie bijlage.\r\n" + mark + b"\r\nContent-Type: " + kind + b"\r\n\r\n"
    return head + text + content + b"\r\n" + mark + b"--\r\n"


LARGE_MAILS: dict[str, Callable[[], bytes]] = {
    "forwarded": lambda: _around(b"message/rfc822", _large_mail()),
    "forwarded twice": lambda: _around(b"message/rfc822", _around(b"message/rfc822", _large_mail())),
    "with a footer below base64": lambda: _large_mail(b"-- \r\nLijst: afmelden!"),
    "forwarded with a footer": lambda: _around(b"message/rfc822", _large_mail(b"-- \r\nLijst: afmelden!")),
    "as a file": lambda: _around(b"application/octet-stream; name=a.eml", _large_mail()),
}


@pytest.mark.parametrize("make", LARGE_MAILS.values(), ids=LARGE_MAILS)
def test_a_mail_in_a_mail_of_fifty_megabytes_is_read_in_bounded_memory(make: Callable[[], bytes]) -> None:
    """mail-cases 58, 63"""
    mail = make()
    assert len(mail) > 45_000_000
    peak, length = _read_in(mail)
    assert length > 35_000_000
    assert peak < MOST_OF_A_MAIL


def test_a_mail_with_a_file_that_kills_its_reader_is_a_case_at_the_first_attempt(
    crashing: Readers, dovecot: Dovecot, new_office: NewOffice, caplog: pytest.LogCaptureFixture
) -> None:
    account = dovecot.account()
    dovecot.deliver(account, made.mail(("a.pdf", "application/pdf", made.pdf("x")), text="Mijn woorden."))
    office = new_office(account)
    office.reader = crashing  # type: ignore[assignment]
    assert office.take_in().taken == 1
    (message,) = office.cases()[0].messages
    assert message.state == "read"
    assert message.content["own_text"].strip() == "Mijn woorden."
    assert message.content["attachments"][0]["findings"] == ["broken"]
    assert "a reader ended over the mail's files" in caplog.text
    assert "ReaderDied" not in caplog.text
