"""What a person would read in a file is read, whatever the file says that it is; what cannot be read says so."""

from __future__ import annotations

import io
import itertools
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from PIL import Image

from ingest.attachments import pictures, zipped
from ingest.attachments.compressed_rtf import unpack
from ingest.attachments.kinds import Kind, kind_of
from ingest.attachments.reading import READERS, Body, read_files, read_one
from ingest.attachments.task import Budget, FileText, Task
from ingest.mail import Finding, ParsedMail, ParseLimits
from ingest.parse import parse_bytes
from tests.ingest import made_files as made
from tests.ingest.answers import with_files

WORDS = "Ik meld dat facturen worden betaald zonder levering."
CZECH = "Nahlašuji, že účetní platí faktury bez dodávky zboží."


def _read(data: bytes, name: str = "file", content_type: str = "application/octet-stream", **more: object) -> FileText:
    kind = kind_of(data, name, content_type)
    if kind not in READERS:
        return FileText(findings=() if kind is Kind.SILENT else (Finding.UNSUPPORTED,))
    return read_one(READERS[kind], data, Task(name=name, content_type=content_type, **more))  # type: ignore[arg-type]


def _whole(raw: bytes, seconds: float = 60, limits: ParseLimits | None = None) -> ParsedMail:
    mail = parse_bytes(raw)
    return with_files(mail, read_files(mail, Budget.of(seconds), None, limits))


@pytest.mark.parametrize(
    "data",
    [
        made.docx(WORDS),
        made.pptx(WORDS),
        made.xlsx([[WORDS]]),
        made.odf(f"<text:p>{WORDS}</text:p>"),
        made.odf(f"<table:table-row><table:table-cell><text:p>{WORDS}</text:p></table:table-cell></table:table-row>"),
        made.pdf(WORDS),
        rb"{\rtf1\ansi " + WORDS.encode() + b"}",
        made.tnef(WORDS.encode()),
        made.msg("Melding", WORDS),
    ],
    ids=["docx", "pptx", "xlsx", "odt", "ods", "pdf", "rtf", "tnef", "msg"],
)
def test_the_words_in_a_document_are_read_whatever_it_is_called(data: bytes) -> None:
    found = _read(data, name="photo.jpg", content_type="image/jpeg")
    assert found.text == WORDS
    assert found.findings == ()


@pytest.mark.parametrize(
    ("name", "content_type", "data"),
    [
        ("brief.txt", "application/octet-stream", WORDS.encode()),
        ("brief", "text/plain", WORDS.encode("utf-16")),
        ("brief.csv", "application/octet-stream", WORDS.encode()),
        ("brief.html", "application/octet-stream", f"<p>{WORDS}</p><script>x</script>".encode()),
        ("brief", "text/html", f"<p>{WORDS}</p>".encode()),
        ("brief.html", "application/octet-stream", f"<meta charset=utf-16><p>{WORDS}</p>".encode()),
        ("plan.svg", "image/svg+xml", f"<svg xmlns='x'><path d='M0'/><text>{WORDS}</text></svg>".encode()),
        ("page.mht", "application/octet-stream", f"From: x\nContent-Type: text/html\n\n<p>{WORDS}</p>".encode()),
    ],
)
def test_text_and_html_files_are_read(name: str, content_type: str, data: bytes) -> None:
    assert _read(data, name, content_type).text == WORDS


def test_a_word_document_is_read_as_a_person_sees_it() -> None:
    """Once where Word writes a text box twice, without what was deleted, with footnotes and the letterhead."""
    box = (
        "<mc:AlternateContent><mc:Choice><w:p><w:r><w:t>kader</w:t></w:r></w:p></mc:Choice>"
        "<mc:Fallback><w:p><w:r><w:t>kader</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>"
    )
    body = (
        f"<w:body><w:p><w:r><w:t>een</w:t><w:tab/><w:delText>weg</w:delText><w:t>twee</w:t></w:r></w:p>{box}</w:body>"
    )
    note = '<w:footnotes xmlns:w="w"><w:p><w:r><w:t>noot</w:t></w:r></w:p></w:footnotes>'
    head = '<w:hdr xmlns:w="w"><w:p><w:r><w:t>briefhoofd</w:t></w:r></w:p></w:hdr>'
    found = _read(made.docx_of(body, {"word/footnotes.xml": note, "word/header1.xml": head}))
    assert found.text == "briefhoofd\neen\ttwee\nkader\nnoot"


def test_a_sheet_is_read_row_by_row() -> None:
    assert _read(made.xlsx([["bedrag", "datum"], [100, "2 mei"]])).text.split("\n") == ["bedrag\tdatum\t", "100\t2 mei"]


def test_the_text_of_an_open_document_keeps_its_order() -> None:
    found = _read(made.odf("<text:p>Ik <text:span>meld</text:span> dat<text:line-break/>het</text:p>"))
    assert found.text == "Ik meld dat\nhet"


def test_rtf_is_read_in_the_code_page_of_each_font_and_without_what_is_no_text() -> None:
    source = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset238 Arial CE;}}{\info{\author Jan}}"
        rb"{\*\generator Word}\f0 caf\'e9 \f1 \'e8esk\'fd\f0\par\uc1\u8364? 10{\pict 0102}\bin3 {{{ einde}"
    )
    assert _read(source).text == "café český\n€ 10 einde"


def test_paragraphs_of_a_pdf_are_told_by_the_room_between_its_lines() -> None:
    assert _read(made.pdf("een\ntwee\ndrie\n\nvier\nvijf")).text == "een\ntwee\ndrie\n\nvier\nvijf"


# TNEF and Outlook


def test_outlook_files_of_another_code_page_keep_their_letters() -> None:
    """mail-cases 61: a TNEF message whose RTF and whose plain text are in code page 1250."""
    rtf = rb"{\rtf1\ansi\ansicpg1250 " + b"".join(
        b"\\'%02x" % byte if byte > 127 else bytes((byte,)) for byte in CZECH.encode("cp1250")
    )
    packed = made.tnef(codepage=1250, properties={0x1009: made.compressed_rtf(rtf + b"}")})
    assert _read(packed).text == CZECH
    assert _read(made.tnef(CZECH.encode("cp1250"), codepage=1250)).text == CZECH


def test_rtf_as_outlook_packs_it_is_unpacked() -> None:
    """The examples of MS-OXRTFCP §4.1 and §4.2."""

    simple = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert unpack(simple) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert unpack(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_files_in_winmail_dat_come_out_byte_for_byte_and_the_original_stays() -> None:
    """mail-cases 60"""
    letter, zeros = made.docx(WORDS), b"ends in zeros\0\0\0"
    packed = made.tnef(b"Zie de brief.", files=[("Brief aan u.docx", letter), ("rest.bin", zeros)])
    mail = _whole(made.mail(("winmail.dat", "application/ms-tnef", packed)))
    original, first, second = mail.attachments
    assert b"".join(original.chunks()) == packed
    assert original.text == "Zie de brief."
    assert (first.name, first.inside, first.text) == ("Brief aan u.docx", 0, WORDS)
    assert b"".join(first.chunks()) == letter
    assert b"".join(second.chunks()) == zeros


def test_a_mail_of_winmail_dat_alone_says_what_a_person_would_see_in_it() -> None:
    """mail-cases 60"""
    history = b"Van: Piet\r\nVerzonden: maandag 3 maart 2025 10:12\r\nAan: Jan\r\nOnderwerp: x\r\n\r\noud"
    body = b"Ik meld iets.\r\n\r\n" + history
    mail = _whole(made.mail(("winmail.dat", "application/ms-tnef", made.tnef(body)), text="\n"))
    assert mail.text.startswith("Ik meld iets.")
    assert mail.own_text.strip() == "Ik meld iets."
    assert "oud" in mail.quoted_text


@pytest.mark.parametrize("kind", ["text/rtf", "application/rtf"])
def test_a_mail_that_is_nothing_but_rtf_says_what_a_person_would_see_in_it(kind: str) -> None:
    mail = _whole(f"From: a@example.org\nContent-Type: {kind}\n\n{{\\rtf1 {WORDS}}}".encode())
    assert mail.own_text.strip() == WORDS


def test_a_mailbox_in_a_file_shows_its_words() -> None:
    between = "From a Mon Nov  2 10:00:00 2026\nFrom: a@x.example\n\n"
    box = f"{between}{WORDS}\n\n{between}En meer.\n"
    text = _read(box.encode(), "oud.mbox").text
    assert WORDS in text
    assert "En meer." in text


def test_a_mail_with_words_of_its_own_keeps_them_beside_winmail_dat() -> None:
    mail = _whole(made.mail(("winmail.dat", "application/ms-tnef", made.tnef(b"other")), text="Mijn woorden.\n"))
    assert mail.text.strip() == "Mijn woorden."


def test_an_outlook_message_is_a_mail_in_the_mail_and_gives_its_files() -> None:
    """mail-cases 62"""
    letter = made.docx(WORDS, more={"word/media/noise.bin": random.Random(1).randbytes(5000)})
    packed = made.msg("Factuur 12", "Dag Jan", "Ann", [("Brief.docx", letter)])
    mail = _whole(made.mail(("bericht.msg", "application/vnd.ms-outlook", packed)))
    message, inner = mail.attachments
    assert message.text == "Dag Jan"
    assert message.child is not None
    assert message.child.subject == "Factuur 12"
    assert message.child.from_ is not None
    assert message.child.from_.address == "ann@home.example"
    assert (inner.name, inner.inside, inner.text) == ("Brief.docx", 0, WORDS)
    assert b"".join(inner.chunks()) == letter


def test_an_outlook_message_that_cannot_be_read_is_kept() -> None:
    """mail-cases 62"""
    packed = made.msg("x", "y")[:2000]
    (kept,) = _whole(made.mail(("bericht.msg", "application/vnd.ms-outlook", packed))).attachments
    assert kept.findings == (Finding.BROKEN,)
    assert b"".join(kept.chunks()) == packed


@pytest.mark.parametrize(
    ("data", "found_type"),
    [
        (made.docx("x"), made.WORD),
        (made.xlsx([["x"]]), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (made.pptx("x"), "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        (made.odf("x"), "application/vnd.oasis.opendocument.text"),
        (made.archive({"a": "x"}), "application/zip"),
        (made.pdf("x"), "application/pdf"),
        (b"{\\rtf1 x}", "application/rtf"),
        (b"x", ""),
    ],
)
def test_what_a_file_is_found_to_be_is_said_beside_what_the_mail_says_of_it(data: bytes, found_type: str) -> None:
    (file,) = _whole(made.mail(("file.bin", "application/octet-stream", data))).attachments
    assert (file.content_type, file.found_type) == ("application/octet-stream", found_type)


# Bounds


def _zeros(size: int) -> bytes:
    return made.archive({"[Content_Types].xml": "<Types/>", "word/document.xml": b"<a>" + b" " * size})


def test_a_document_that_unpacks_to_too_much_is_not_unpacked() -> None:
    """mail-cases 57: the ratio"""
    bomb = _zeros(zipped.MOST_MEMBER_BYTES - 1000)
    assert len(bomb) < 100_000
    assert Finding.BOUNDS in _read(bomb).findings


def test_a_document_of_many_large_members_is_not_unpacked() -> None:
    """mail-cases 57: the sum of members, each of which is fine by itself"""
    slide = "<a>" + random.Random(1).randbytes(10_000_000).hex() + "</a>"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for number in range(6):
            archive.writestr(f"ppt/slides/slide{number}.xml", slide)
    assert Finding.BOUNDS in _read(held.getvalue()).findings


def test_members_that_lie_over_each_other_are_not_unpacked() -> None:
    """mail-cases 57: one kernel of bytes that the directory names a thousand times"""
    data = made.archive({"a.txt": "x" * 1000})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    directory = b"".join(entry[:46] + b"%05d" % number + entry[51:] for number in range(1000))
    bomb = data[:start] + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), start, 0)
    assert len(zipfile.ZipFile(io.BytesIO(bomb)).namelist()) == 1000
    assert _read(bomb) == FileText(findings=(Finding.BOUNDS,))


def test_a_directory_of_a_million_members_is_not_read() -> None:
    """mail-cases 57: members without content"""
    directory = b"PK\x01\x02".ljust(46, b"\0") * 200_000
    bomb = b"PK\3\4" + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(directory), 4, 0)
    tracemalloc.start()
    try:
        assert _read(bomb) == FileText(findings=(Finding.BOUNDS,))
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_an_archive_is_a_list_of_names_and_what_lies_in_it_stays_there() -> None:
    """mail-cases 57: an archive in an archive in an archive"""
    nested = made.archive({"3.zip": made.archive({"2.zip": made.archive({"1.zip": "x"})}), "lees mij.txt": "x"})
    mail = _whole(made.mail(("files.zip", "application/zip", nested)))
    assert len(mail.attachments) == 1
    assert mail.attachments[0].text == "3.zip\nlees mij.txt"


LAUGHS = '<!DOCTYPE a [<!ENTITY l0 "lol">' + "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)
) + "]>"  # fmt: skip
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(("before", "entity"), [(LAUGHS, "&l9;"), (OUTSIDE, "&x;")], ids=["laughs", "outside"])
def test_entities_of_a_document_are_not_followed(before: str, entity: str) -> None:
    data = made.docx_of(f"<w:body><w:p><w:r><w:t>voor {entity}</w:t></w:r></w:p></w:body>", before=before)
    found = _read(data)
    assert len(found.text) < 100
    assert "lol" not in found.text
    assert found.text in ("", "voor")


def test_a_picture_of_more_pixels_than_any_scan_is_not_unpacked() -> None:
    bomb = made.picture(Image.new("1", (8_000, 6_000)))  # Pillow itself objects to four times as many
    assert len(bomb) < 100_000
    recogniser = Recogniser()
    assert _read(bomb, recogniser=recogniser).findings == (Finding.BOUNDS,)
    assert recogniser.seen == []
    assert Image.MAX_IMAGE_PIXELS is not None
    assert pictures.MOST_PIXELS <= Image.MAX_IMAGE_PIXELS


def test_a_long_text_is_cut_and_says_so() -> None:
    limits = ParseLimits(attachment_text_chars=1000)
    for data in (made.docx("woord " * 1000), made.pdf(*["woord\n" * 50] * 10), b"{\\rtf1 " + b"woord " * 1000 + b"}"):
        found = _read(data, limits=limits)
        assert found.findings == (Finding.CUT,)
        assert 500 < len(found.text) <= 1000


def test_all_files_together_give_no_more_text_than_their_bound() -> None:
    limits = ParseLimits(all_attachment_text_chars=1500)
    texts = [("a.txt", "text/plain", b"x" * 1000), ("b.txt", "text/plain", b"y" * 1000), ("c.txt", "text/plain", b"z")]
    mail = _whole(made.mail(*texts), limits=limits)
    assert [len(each.text) for each in mail.attachments] == [1000, 500, 0]
    assert [each.findings for each in mail.attachments] == [(), (Finding.CUT,), (Finding.CUT,)]


def test_messages_that_hold_each_other_come_to_an_end() -> None:
    packed = made.tnef(b"innermost")
    for _ in range(10):
        packed = made.tnef(b"x", files=[("winmail.dat", packed)])
    room = ("room.bin", "application/octet-stream", bytes(100_000))
    mail = _whole(made.mail(("winmail.dat", "application/ms-tnef", packed), room))
    assert [each.inside for each in mail.attachments] == [None, None, 0, 2]
    assert Finding.BOUNDS in mail.attachments[-1].findings


def test_no_more_bytes_come_out_of_files_than_twice_what_went_in() -> None:
    packed = made.msg("x", "y", files=[("a.bin", bytes(9000))])
    (kept, *inner) = _whole(made.mail(("a.msg", "application/octet-stream", packed))).attachments
    assert sum(each.size for each in inner) <= 2 * kept.size


def test_a_file_that_is_broken_costs_no_other_its_text() -> None:
    files = [("a.pdf", "application/pdf", b"%PDF-1.7 nothing"), ("b.docx", made.WORD, made.docx(WORDS))]
    broken, good = _whole(made.mail(*files)).attachments
    assert broken.findings == (Finding.BROKEN,)
    assert good.text == WORDS


@pytest.mark.parametrize(
    "data",
    [made.docx(WORDS), made.pdf(WORDS), made.tnef(b"x" * 300), made.msg("a", "b"), made.picture(made.scan("a"))],
    ids=["docx", "pdf", "tnef", "msg", "png"],
)
def test_files_that_are_cut_or_damaged_anywhere_are_survived(data: bytes) -> None:
    for cut in range(1, len(data), max(1, len(data) // 8)):
        _read(data[:cut])
        _read(data[:cut] + bytes(reversed(data[cut : cut + 8])) + data[cut + 8 :])


# What is not read says so


def _locked_zip() -> bytes:
    data = bytearray(made.archive({"geheim.txt": "x"}))
    data[6] |= 1  # the flag in the local header, and the one in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


LOCKED_PDF = made.pdf_of(
    [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [] /Count 0 >>",
        b"<< /Filter /Standard /V 1 /R 2 /O <%b> /U <%b> /P -4 >>" % (b"11" * 32, b"22" * 32),
    ]
).replace(b"trailer << ", b"trailer << /Encrypt 3 0 R /ID [<00> <00>] ")


@pytest.mark.parametrize(
    "data",
    [
        made.ole({"EncryptedPackage": b"x", "EncryptionInfo": b"x"}),
        made.odf("x", manifest="<manifest><encryption-data/></manifest>"),
        _locked_zip(),
        LOCKED_PDF,
    ],
    ids=["docx", "odt", "zip", "pdf"],
)
def test_files_that_a_password_protects_are_flagged(data: bytes) -> None:
    assert Finding.ENCRYPTED in _read(data).findings


@pytest.mark.parametrize(
    "data",
    [
        made.docx(WORDS, more={"word/vbaProject.bin": b"x"}),
        made.odf("x", more={"Basic/Standard/Module1.xml": "<x/>"}),
        made.ole({"WordDocument": b"x", "Macros": {"VBA": {"dir": b"x"}}}),
        made.ole({"Workbook": b"x", "_VBA_PROJECT_CUR": {"VBA": {"dir": b"x"}}}),
    ],
    ids=["docm", "odt", "doc", "xls"],
)
def test_files_with_macros_are_flagged(data: bytes) -> None:
    assert Finding.MACROS in _read(data).findings


@pytest.mark.parametrize(
    ("data", "also"),
    [
        (b"MZ\x90\0" + bytes(500), (Finding.PROGRAM,)),
        (b"\x7fELF" + bytes(500), (Finding.PROGRAM,)),
        (made.ole({"WordDocument": b"x"}), ()),
        (b"7z\xbc\xaf\x27\x1c" + bytes(9), ()),
    ],
    ids=["exe", "elf", "doc", "7z"],
)
def test_files_that_nobody_here_reads_are_kept_and_flagged(data: bytes, also: tuple[Finding, ...]) -> None:
    (kept,) = _whole(made.mail(("file.txt", "text/plain", data))).attachments
    assert kept.findings == (*also, Finding.UNSUPPORTED)
    assert b"".join(kept.chunks()) == data


def test_signatures_and_keys_are_no_files_of_a_reporter() -> None:
    mail = _whole(
        made.mail(("smime.p7s", "application/pkcs7-signature", b"\x30\x80"), ("k", "application/pgp-keys", b"-"))
    )
    assert [each.findings for each in mail.attachments] == [(), ()]


def test_scripts_in_a_pdf_are_not_run() -> None:
    script = b"/OpenAction << /S /JavaScript /JS (this.getField\\('x'\\); while \\(true\\) {}) >>"
    assert _read(made.pdf(WORDS, more=script)).text == WORDS


# Time


def test_when_the_time_is_over_what_was_read_is_kept_and_the_rest_says_so() -> None:
    ticks = itertools.count()
    files = [(f"{n}.txt", "text/plain", b"x") for n in range(5)]
    mail = parse_bytes(made.mail(*files))
    read = with_files(mail, read_files(mail, Budget.of(7, clock=lambda: float(next(ticks))), None))
    findings = [each.findings for each in read.attachments]
    assert findings[0] == ()
    assert findings[-1] == (Finding.NO_TIME,)


def test_what_takes_long_is_read_last() -> None:
    files = [
        ("a.png", "image/png", made.picture(made.scan("x"))),
        ("b.pdf", "application/pdf", made.pdf("x")),
        ("c.txt", "text/plain", b"x"),
        ("winmail.dat", "application/ms-tnef", made.tnef(b"x", files=[("d.txt", b"x")])),
    ]
    mail = parse_bytes(made.mail(*files))
    places = [each.place for each in read_files(mail, Budget.of(60), None) if not isinstance(each, Body)]
    assert list(dict.fromkeys(places)) == [3, 4, 2, 1, 0]


# Pictures


class Recogniser:
    """Says what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def text_of(self, picture: Image.Image, _: Budget) -> str:
        self.seen.append(picture.size)
        return "gelezen"


PICTURES: dict[str, Callable[[], bytes]] = {
    "png": lambda: made.picture(made.scan("x")),
    "jpeg": lambda: made.picture(made.scan("x"), "JPEG"),
    "gif": lambda: made.picture(made.scan("x"), "GIF"),
    "webp": lambda: made.picture(made.scan("x"), "WEBP"),
    "bmp": lambda: made.picture(made.scan("x"), "BMP"),
    "tiff": lambda: made.picture(made.scan("x").convert("1"), "TIFF", compression="group4"),
    "see-through png": lambda: made.picture(made.scan("x").convert("RGBA")),
    "16 bit png": lambda: made.picture(made.scan("x").convert("I;16")),
    "palette png": lambda: made.picture(made.scan("x").convert("P")),
    "cmyk jpeg": lambda: made.picture(made.scan("x").convert("CMYK"), "JPEG"),
}


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_pictures_of_all_kinds_are_shown_to_who_reads_letters(make: Callable[[], bytes]) -> None:
    found = _read(make(), recogniser=Recogniser())
    assert found == FileText("gelezen", (Finding.OCR,))


def test_every_page_of_a_fax_is_read() -> None:
    fax = made.picture(made.scan("een"), "TIFF", save_all=True, append_images=[made.scan("twee"), made.scan("drie")])
    recogniser = Recogniser()
    assert _read(fax, recogniser=recogniser).text.split() == ["gelezen"] * 3


def test_scanned_pages_of_a_pdf_are_read_and_written_ones_are_not_shown() -> None:
    recogniser = Recogniser()
    assert (
        _read(made.scanned_pdf(made.scan("x"), made.scan("x")), recogniser=recogniser).text.split() == ["gelezen"] * 2
    )
    assert len(recogniser.seen) == 2
    assert _read(made.pdf(WORDS), recogniser=recogniser).findings == ()
    assert len(recogniser.seen) == 2


def test_a_letter_that_was_scanned_into_a_document_is_read() -> None:
    data = made.docx("", more={"word/media/image1.png": made.picture(made.scan("x"))})
    assert _read(data, recogniser=Recogniser()) == FileText("gelezen", (Finding.OCR,), found_type=made.WORD)


@pytest.mark.parametrize(
    ("size", "inline", "shown"), [((120, 40), False, 0), ((400, 120), True, 0), ((400, 120), False, 1)]
)
def test_logos_are_not_read(size: tuple[int, int], inline: bool, shown: int) -> None:
    recogniser = Recogniser()
    _read(made.picture(Image.new("L", size, 255)), inline=inline, recogniser=recogniser)
    assert len(recogniser.seen) == shown


def test_a_photograph_of_any_size_is_made_small_enough_to_be_read() -> None:
    recogniser = Recogniser()
    _read(made.picture(Image.new("L", (6000, 4000), 255), "JPEG"), recogniser=recogniser)
    assert max(recogniser.seen[0]) <= 2600


def test_a_photograph_is_turned_upright() -> None:
    recogniser = Recogniser()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    _read(made.picture(Image.new("L", (800, 400), 255), "JPEG", exif=exif), recogniser=recogniser)
    assert recogniser.seen == [(400, 800)]


def test_without_anybody_who_reads_letters_a_scan_says_so() -> None:
    assert _read(made.picture(made.scan("x"))).findings == (Finding.UNSUPPORTED,)
    assert _read(made.scanned_pdf(made.scan("x"))).findings == (Finding.UNSUPPORTED,)


def test_a_mail_in_a_file_is_taken_apart_whatever_type_it_is_said_to_be() -> None:
    """mail-cases 63"""
    inner = made.mail(("brief.docx", made.WORD, made.docx(WORDS)), text="Van een ander.", subject="Ander")
    mail = _whole(made.mail(("bericht.eml", "application/octet-stream", inner)))
    child, letter = mail.attachments
    assert mail.text.strip() == "Zie bijlage."
    assert child.text.strip() == "Van een ander."
    assert child.child is not None
    assert child.child.subject == "Ander"
    assert (letter.inside, letter.text) == (0, WORDS)


def test_files_of_a_forwarded_mail_are_read() -> None:
    """mail-cases 63"""
    inner = message_from_bytes(made.mail(("brief.docx", made.WORD, made.docx(WORDS)), text="x"), policy=default)
    outer = EmailMessage()
    outer.set_content("Zie hieronder.")
    outer.add_attachment(inner)
    assert [each.text.strip() for each in _whole(outer.as_bytes()).attachments] == ["x", WORDS]
