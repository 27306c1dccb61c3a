"""What a file is: by its first bytes; only what has no such mark is believed to be what the mail says of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\x78\x9f\x3e\x22", "TNEF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"),
    (b"PK\x03\x04", "ZIPPED"),
    (b"PK\x05\x06", "ZIPPED"),
    (b"{\\rtf", "RTF"),
    (b"\x89PNG\r\n\x1a\n", "PICTURE"),
    (b"\xff\xd8\xff", "PICTURE"),
    (b"GIF8", "PICTURE"),
    (b"II*\x00", "PICTURE"),
    (b"MM\x00*", "PICTURE"),
    (b"BM", "PICTURE"),
)
_TEXT_NAMES = (".txt", ".text", ".csv", ".tsv", ".log", ".md", ".json", ".xml", ".vcf", ".srt", ".mbox")
_TEXT_TYPES = ("application/json", "application/xml", "application/csv", "application/rtf-text", "application/mbox")
_HTML_NAMES = (".html", ".htm", ".xhtml", ".svg")
_HTML_TYPES = ("text/html", "application/xhtml+xml", "image/svg+xml")
_MAIL_NAMES = (".eml", ".mht", ".mhtml")
_SILENT_TYPES = (
    "application/pgp-encrypted",
    "application/pgp-keys",
    "application/pgp-signature",
    "application/pkcs7-mime",
    "application/pkcs7-signature",
    "application/x-pkcs7-mime",
    "application/x-pkcs7-signature",
    "text/x-amp-html",
)
_PDF_WITHIN = 1024


class Kind(IntEnum):
    """In the order in which files are read: what holds further files first, then cheap before dear, and what is read
    by libraries in C last, so that one that dies of a file costs no more than that file's text."""

    SILENT = 0  # a part of how the mail was made, no file of anybody's
    TNEF = 1
    OLE = 2
    MAIL = 3
    TEXT = 4
    HTML = 5
    RTF = 6
    ZIPPED = 7
    UNSUPPORTED = 8
    PDF = 9
    PICTURE = 10


TYPES: Mapping[Kind, str] = {
    Kind.TNEF: "application/ms-tnef",
    Kind.RTF: "application/rtf",
    Kind.ZIPPED: "application/zip",
    Kind.PDF: "application/pdf",
}
"""Of the kinds that bytes alone tell. Which kind of ZIP a file is, its reader finds out."""


def kind_of(data: bytes, name: str, content_type: str) -> Kind:
    for mark, kind in _MARKS:
        if data.startswith(mark):
            return Kind[kind]
    if b"%PDF-" in data[:_PDF_WITHIN]:
        return Kind.PDF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Kind.PICTURE
    return _as_said(data, name.lower(), content_type)


def _as_said(data: bytes, name: str, content_type: str) -> Kind:
    if content_type in _SILENT_TYPES:
        return Kind.SILENT
    if content_type in ("message/rfc822", "message/global") or name.endswith(_MAIL_NAMES):
        return Kind.MAIL
    if content_type.startswith("message/"):
        return Kind.SILENT
    if _is_binary(data):
        return Kind.UNSUPPORTED
    if content_type in _HTML_TYPES or name.endswith(_HTML_NAMES):
        return Kind.HTML
    if content_type.startswith("text/") or content_type in _TEXT_TYPES or name.endswith(_TEXT_NAMES):
        return Kind.TEXT
    return Kind.UNSUPPORTED


def _is_binary(data: bytes) -> bool:
    head = data[:4096]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 is full of zeros, and text
        return False
    return head.startswith(b"MZ") or b"\x00" in head
