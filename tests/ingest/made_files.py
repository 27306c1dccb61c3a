"""Files as reporters attach them, made here byte by byte: each as small as its format allows."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage

from PIL import Image, ImageDraw, ImageFont

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def mail(*files: tuple[str, str, bytes], text: str = "Zie bijlage.", subject: str = "Melding") -> bytes:
    """A mail with files: name, content type, bytes."""
    message = EmailMessage()
    message["From"] = "Jan Bos <jan@home.example>"
    message["To"] = "desk@ministry.example"
    message["Subject"] = subject
    message["Date"] = "Mon, 02 Nov 2026 10:00:00 +0100"
    message["Message-ID"] = "<1@home.example>"
    message.set_content(text)
    for name, content_type, data in files:
        main, sub = content_type.split("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def of_each_format(words: str) -> dict[str, bytes]:
    """A file of each format that is read, with these words in it, by the ending of its name."""
    return {
        "docx": docx(words),
        "pptx": pptx(words),
        "xlsx": xlsx([[words]]),
        "odt": odf(f"<text:p>{words}</text:p>"),
        "pdf": pdf(words),
        "rtf": rb"{\rtf1\ansi\ansicpg1250 " + words.encode() + b"}",
        "html": f"<p>{words}</p>".encode(),
        "txt": words.encode(),
        "dat": tnef(words.encode(), codepage=1250),
        "msg": msg("Melding", words, "Ann"),
        "eml": mail(text=words),
    }


def archive(members: Mapping[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return held.getvalue()


def docx(*paragraphs: str, more: Mapping[str, str | bytes] | None = None) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{each}</w:t></w:r></w:p>" for each in paragraphs)
    return docx_of(f"<w:body>{body}</w:body>", more)


def docx_of(body: str, more: Mapping[str, str | bytes] | None = None, before: str = "") -> bytes:
    names = (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    )
    document = f'<?xml version="1.0"?>{before}<w:document {names}>{body}</w:document>'
    return archive({"[Content_Types].xml": "<Types/>", "word/document.xml": document, **(more or {})})


def xlsx(rows: Sequence[Sequence[str | int]]) -> bytes:
    """Words go to the shared strings, as Excel does it."""
    words = [cell for row in rows for cell in row if isinstance(cell, str)]
    strings = "".join(f"<si><t>{word}</t></si>" for word in words)
    cells = iter(range(len(words)))
    written = "".join(
        "<row>"
        + "".join(
            f'<c t="s"><v>{next(cells)}</v></c>' if isinstance(cell, str) else f"<c><v>{cell}</v></c>" for cell in row
        )
        + "</row>"
        for row in rows
    )
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/sharedStrings.xml": f'<sst xmlns="x">{strings}</sst>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="x"><sheetData>{written}</sheetData></worksheet>',
        }
    )


def pptx(*slides: str) -> bytes:
    members: dict[str, str | bytes] = {"[Content_Types].xml": "<Types/>"}
    for number, text in enumerate(slides, start=1):
        words = f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"
        members[f"ppt/slides/slide{number}.xml"] = f'<p:sld xmlns:p="p" xmlns:a="a">{words}</p:sld>'
    return archive(members)


def odf(body: str, manifest: str = "<manifest/>", more: Mapping[str, str | bytes] | None = None) -> bytes:
    names = 'xmlns:office="o" xmlns:text="t" xmlns:table="b" xmlns:draw="d"'
    content = f"<office:document-content {names}><office:body>{body}</office:body></office:document-content>"
    members = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}
    return archive({**members, "META-INF/manifest.xml": manifest, **(more or {})})


def pdf(*pages: str, more: bytes = b"") -> bytes:
    """`more` goes into the catalogue."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %b >>" % more,
        b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, text in enumerate(pages):
        lines = b" T* ".join(b"(%b) Tj" % line.encode("cp1252") for line in text.split("\n"))
        stream = b"BT /F1 9 Tf 14 TL 50 750 Td %b ET" % lines
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
        objects += [page + b"/Contents %d 0 R >>" % (5 + 2 * number), _stream(stream)]
    return pdf_of(objects)


def pdf_of(objects: Sequence[bytes]) -> bytes:
    """A PDF of objects, the first of which is its catalogue."""
    made = bytearray(b"%PDF-1.4\n")
    places = []
    for number, each in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(made + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))


def _stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(data), entries, data)


def scan(*lines: str, size: tuple[int, int] = (1240, 600)) -> Image.Image:
    """A letter as a scanner gives it."""
    page = Image.new("L", size, 255)
    font = ImageFont.load_default(size=30)
    for number, line in enumerate(lines):
        ImageDraw.Draw(page).text((60, 60 + 50 * number), line, fill=0, font=font)
    return page


def picture(image: Image.Image, format_: str = "PNG", **more: object) -> bytes:
    held = io.BytesIO()
    image.save(held, format_, **more)
    return held.getvalue()


def scanned_pdf(*pages: Image.Image) -> bytes:
    held = io.BytesIO()
    pages[0].save(held, "PDF", resolution=150, save_all=True, append_images=list(pages[1:]))
    return held.getvalue()


def compressed_rtf(rtf: bytes) -> bytes:
    """As Outlook puts it into a message, without making it any shorter (MS-OXRTFCP §2.1.3.2)."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def tnef(
    body: bytes = b"",
    codepage: int = 1252,
    properties: Mapping[int, bytes | str] | None = None,
    files: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """winmail.dat (MS-OXTNEF)."""
    made = bytearray(struct.pack("<IH", 0x223E9F78, 1))
    made += _attribute(1, 0x00069007, struct.pack("<II", codepage, 0))
    if body:
        made += _attribute(1, 0x0002800C, body + b"\0")
    if properties:
        made += _attribute(1, 0x00069003, _properties(properties))
    for name, data in files:
        made += _attribute(2, 0x00069002, bytes(14))
        made += _attribute(2, 0x00018010, b"SHORT~1.BIN\0")
        made += _attribute(2, 0x0006800F, data)
        made += _attribute(2, 0x00069005, _properties({0x3707: name}))
    return bytes(made)


def _attribute(level: int, which: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, which, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def _properties(properties: Mapping[int, bytes | str]) -> bytes:
    made = struct.pack("<I", len(properties))
    for which, value in properties.items():
        data = (value + "\0").encode("utf-16-le") if isinstance(value, str) else value
        kind = 0x1F if isinstance(value, str) else 0x102
        made += struct.pack("<HHII", kind, which, 1, len(data)) + data + bytes(-len(data) % 4)
    return made


Streams = Mapping[str, "bytes | Streams"]


def ole(tree: Streams) -> bytes:
    """A compound file (MS-CFB), version 3, of streams and storages. Streams are filled up to the 4096 bytes from which
    on they lie in whole sectors, so no mini stream is needed; readers see their true length where it is larger."""
    entries: list[list[object]] = [["Root Entry", 5, -1, -1, -1, 0]]  # name, type, child, left, right, stream
    contents: list[tuple[int, bytes]] = []

    def add(level: Streams, parent: int) -> None:
        before = None
        for name, content in sorted(level.items(), key=lambda each: (len(each[0]), each[0].upper())):
            number = len(entries)
            entries.append([name, 2 if isinstance(content, bytes) else 1, -1, -1, -1, 0])
            if before is None:
                entries[parent][2] = number
            else:
                entries[before][4] = number  # a list to the right: a poor tree, but one
            before = number
            if isinstance(content, bytes):
                contents.append((number, content))
            else:
                add(content, number)

    add(tree, 0)
    sectors, table = bytearray(), []
    places: dict[int, tuple[int, int]] = {}
    for number, content in contents:
        places[number] = _store(sectors, table, content.ljust(4096, b"\0")), max(4096, len(content))
    directory = b"".join(_entry(entry, places.get(number)) for number, entry in enumerate(entries))
    first_of_directory = _store(sectors, table, directory)
    tables = -(-(len(table) + 1) // 127)
    first_of_table = len(table)
    table += [0xFFFFFFFD] * tables
    assert tables <= 109
    allocation = b"".join(struct.pack("<I", each) for each in table).ljust(512 * tables, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, tables, first_of_directory, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += b"".join(struct.pack("<I", first_of_table + each) for each in range(tables)).ljust(436, b"\xff")
    return header + bytes(sectors) + allocation


def _store(sectors: bytearray, table: list[int], content: bytes) -> int:
    first = len(table)
    count = max(1, -(-len(content) // 512))
    sectors += content.ljust(512 * count, b"\0")
    table += [first + each + 1 for each in range(count - 1)] + [0xFFFFFFFE]
    return first


def _entry(entry: list[object], place: tuple[int, int] | None) -> bytes:
    name, kind, child, left, right, _ = entry
    encoded = (str(name) + "\0").encode("utf-16-le")
    start, size = place or (0xFFFFFFFE if kind == 5 else 0, 0)
    made = encoded.ljust(64, b"\0") + struct.pack("<HBBiii", len(encoded), kind, 1, left, right, child)
    return made + bytes(36) + struct.pack("<IQ", start, size)


def msg(
    subject: str,
    body: str,
    sender: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    properties: Streams | None = None,
) -> bytes:
    """An Outlook message (MS-OXMSG)."""
    held = {0x0037: subject, 0x1000: body, 0x0C1A: sender, 0x0C1F: "ann@home.example"}
    storages: dict[str, bytes | Streams] = {}
    for number, (name, data) in enumerate(files):
        storages[f"__attach_version1.0_#{number:08X}"] = _stored({0x3701: data, 0x3707: name}, 8, {0x3705: 1})
    return ole({**_stored(held, 32, {}), **storages, **(properties or {})})


def _stored(values: Mapping[int, bytes | str], header: int, numbers: Mapping[int, int]) -> dict[str, bytes | Streams]:
    """A storage of properties: the list of them (MS-OXMSG §2.4), and a stream for each that is of any length."""
    listed, streams = bytes(header), {}
    for which, number in numbers.items():
        listed += struct.pack("<HHIII", 3, which, 6, number, 0)
    for which, value in values.items():
        data = value.encode("utf-16-le") if isinstance(value, str) else value
        kind = 0x1F if isinstance(value, str) else 0x102
        listed += struct.pack("<HHIII", kind, which, 6, len(data), 0)
        streams[f"__substg1.0_{which:04X}{kind:04X}"] = data
    return {"__properties_version1.0": listed, **streams}
