"""Names of attachments: safe to show, to save and to send on, and never from the mail alone (mail-cases 64, 65)."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 120
_LONGEST_EXTENSION = 12
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f]+')
_RESERVED = re.compile(r"\A(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
_EXTENSIONS = {
    "application/json": "json",
    "application/msword": "doc",
    "application/ms-tnef": "dat",
    "application/vnd.ms-tnef": "dat",
    "application/vnd.ms-excel": "xls",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/pdf": "pdf",
    "application/pgp-encrypted": "asc",
    "application/pgp-keys": "asc",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/rtf": "rtf",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/zip": "zip",
    "audio/mpeg": "mp3",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tiff",
    "image/webp": "webp",
    "message/rfc822": "eml",
    "message/global": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/rtf": "rtf",
    "text/vcard": "vcf",
    "text/xml": "xml",
    "application/xml": "xml",
    "text/rfc822-headers": "txt",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "video/mp4": "mp4",
}


def safe_name(given: str | None, content_type: str, number: int) -> str:
    """The given name without path, control and direction characters; else "attachment-N" with its type's extension."""
    name = _clean(given or "")
    return name if name else f"attachment-{number}.{_EXTENSIONS.get(content_type, 'bin')}"


def _clean(given: str) -> str:
    given = unicodedata.normalize("NFC", given[:2000]).replace("\\", "/")
    given = given.rsplit("/", 1)[-1]
    # Format characters too: U+202E shows "gpj.exe" as "exe.jpg".
    given = "".join(c for c in given if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    given = " ".join(_FORBIDDEN.sub("_", given).split()).strip(". ")
    if not given.strip("_"):
        return ""
    if _RESERVED.match(given):
        given = "_" + given
    return _shorten(given)


def _shorten(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    if dot and 0 < len(extension) <= _LONGEST_EXTENSION:
        return stem[: _LONGEST - len(extension) - 1].rstrip(". ") + "." + extension
    return name[:_LONGEST].rstrip(". ")
