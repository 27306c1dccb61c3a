"""From bytes to characters, whatever a mail claims about its charset; never an exception, never an empty answer."""

from __future__ import annotations

import codecs
import encodings
import pkgutil
import re

# What mail programs write and Python does not know by that name (mail-cases 47).
_ALIASES = {
    "ansi": "cp1252",
    "ansi_x3.110-1983": "latin-1",
    "cp-850": "cp850",
    "cp-1252": "cp1252",
    "default": "utf-8",
    "default_charset": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-gb2312": "gb18030",
    "iso-8859-1": "cp1252",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8_i": "iso8859-8",
    "ks_c_5601-1987": "cp949",
    "latin1": "cp1252",
    "macintosh": "mac-roman",
    "uft-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode": "utf-16",
    "unknown-8bit": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "utf8mb4": "utf-8",
    "utf8": "utf-8",
    "windows-874": "cp874",
    "windows874": "cp874",
    "win-1252": "cp1252",
    "x-gbk": "gb18030",
    "x-mac-ce": "mac-latin2",
    "x-mac-croatian": "mac-croatian",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-greek": "mac-greek",
    "x-mac-icelandic": "mac-iceland",
    "x-mac-turkish": "mac-turkish",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "x-unknown": "utf-8",
    "8bit": "utf-8",
    "7bit": "utf-8",
}
# Python's own notations: not charsets of mail, and some of them slow on hostile input.
_REFUSED = {"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem", "charmap"}
# What stands under the name of a seven-bit charset where bytes have eight.
_EIGHT_BIT = {"iso2022_jp": "euc_jp", "iso2022_kr": "euc_kr", "hz": "gb18030"}
_WIDE = ("utf-16", "utf-32")
_PRINTABLE = re.compile(rb"[\t\n\r -~]+")
_FOLD = re.compile("(?:\n[ \t]*|\t)+")
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def decode(data: bytes, charset: str | None) -> str:
    """The characters of `data`: by the charset named, else UTF-8, else Windows-1252 as browsers read Latin-1."""
    for bom, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(bom):
            return data.decode(name, "replace")
    named = codec_for(charset)
    if named and named.startswith(_WIDE) and not _is_wide(data):
        named = None
    for codec in (named, "utf-8", _EIGHT_BIT.get(named or "")):
        if codec is None:
            continue
        try:
            return data.decode(codec)
        except (UnicodeError, LookupError, ValueError):
            continue
    # A named multi-byte charset with a few broken characters is still that charset; anything else is Western.
    fallback = named if named not in (None, "utf-8") else _western_or_broken_utf8(data)
    try:
        return data.decode(fallback or "cp1252", "replace")
    except (UnicodeError, LookupError, ValueError):
        return data.decode("latin-1")


def _is_wide(data: bytes) -> bool:
    """Can it be UTF-16 or UTF-32? Latin letters, spaces and line ends have a NUL in those; without any, what is good
    UTF-8 or mostly ASCII is no Chinese."""
    if b"\0" in data or not data:
        return True
    head = data[:4096]
    if 4 * len(_PRINTABLE.sub(b"", head)) < len(head):
        return False
    try:
        head[:-3].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head) - 6
    return False


def codec_for(charset: str | None) -> str | None:
    """The name of the Python codec for a charset as a mail names it, or None."""
    if not charset:
        return None
    name = charset.strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if not name.isascii() or len(name) > 40:
        return None
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    is_text = getattr(info, "_is_text_encoding", True)
    return info.name if is_text and info.name.replace("_", "-") not in _REFUSED else None


def clean_text(text: str) -> str:
    """Text for many lines: line ends are LF, no NUL or other control characters, no lone surrogates (mail-cases 48)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n")
    return _UNWANTED.sub("", text)


def clean_line(text: str) -> str:
    """Text for one line: a decoded CR or LF must not come back as a new header line (mail-cases 84)."""
    return _FOLD.sub(" ", clean_text(text)).strip()


def load_all_codecs() -> None:
    """Import every codec now, so that a process without a file system still has them."""
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            codecs.lookup(module.name)
        except (LookupError, ImportError):
            continue


def _western_or_broken_utf8(data: bytes) -> str:
    """UTF-8 when most of the bytes above 127 do form it, so that one broken character does not spoil a text."""
    high = sum(1 for byte in data[:4096] if byte > 127)
    broken = data[:4096].decode("utf-8", "replace").count("\ufffd")
    return "utf-8" if high > 4 * broken else "cp1252"
