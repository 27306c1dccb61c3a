"""A small file of each format, read once in the parent: what a library imports late is there before the files go."""

from __future__ import annotations

import io
import zipfile

from PIL import Image

from ingest.attachments import reading
from ingest.attachments.kinds import kind_of
from ingest.attachments.pictures import FORMATS
from ingest.attachments.task import Budget, Recogniser, Task

PDF = b"""%PDF-1.4
1 0 obj
<< /Type /Catalog /Pages 2 0 R >>
endobj
2 0 obj
<< /Type /Pages /Kids [3 0 R] /Count 1 >>
endobj
3 0 obj
<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 4 0 R >>
endobj
4 0 obj
<< /Length 12 >>
stream
0 0 9 9 re f
endstream
endobj
trailer
<< /Root 1 0 R >>
"""
_RTF = rb"{\rtf1\ansi\ansicpg1250{\fonttbl{\f0\fcharset238 Arial;}}\f0 a\'e8\u268?\par}"
_TNEF = bytes.fromhex("789f3e2201000106900800040000000000000000000000")
_WORD = "<w:document xmlns:w='w'><w:body><w:p><w:r><w:t>a</w:t></w:r></w:p></w:body></w:document>"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024)
_HTML = b"<html><body><p>a</p></body></html>"


def warm_up(recogniser: Recogniser | None) -> None:
    files = [PDF, _RTF, _TNEF, _OLE, _archive(), *map(_picture, FORMATS)]
    for data in files:
        _read(data, "", recogniser)
    _read(_HTML, "a.html", recogniser)
    _read(b"a", "a.txt", recogniser)


def _read(data: bytes, name: str, recogniser: Recogniser | None) -> None:
    task = Task(name=name, budget=Budget.of(60), recogniser=recogniser)
    reading.read_one(reading.READERS[kind_of(data, name, "application/octet-stream")], data, task)


def _archive() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<a/>")
        archive.writestr("word/document.xml", _WORD)
    return held.getvalue()


def _picture(format_: str) -> bytes:
    held = io.BytesIO()
    Image.new("L", (300, 100), 255).save(held, format_)
    return held.getvalue()
