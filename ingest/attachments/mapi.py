"""Properties of Outlook's messages and files as TNEF writes them (MS-OXTNEF §2.1.3.4), and what they are called."""

from __future__ import annotations

import struct

from ingest.charsets import codec_for, decode

SUBJECT, SENDER_NAME, SENDER_EMAIL, SENT = 0x0037, 0x0C1A, 0x0C1F, 0x0039
BODY, RTF, HTML = 0x1000, 0x1009, 0x1013
ATTACH_DATA, ATTACH_NAME, ATTACH_LONG_NAME, ATTACH_TYPE = 0x3701, 0x3704, 0x3707, 0x370E
INTERNET_CODEPAGE, MESSAGE_CODEPAGE = 0x3FDE, 0x3FFD

_FIXED = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16, 0x01: 0}
_STRING, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_MANY = 0x1000
_FIRST_NAMED = 0x8000
_MOST_PROPERTIES = 10_000
_MOST_VALUES = 1000
_PAGES = {20127: "ascii", 20866: "koi8-r", 21866: "koi8-u", 65001: "utf-8", 65000: "utf-7", 50220: "iso-2022-jp",
          51932: "euc-jp", 936: "gbk", 54936: "gb18030"}  # fmt: skip

Properties = dict[int, bytes | str]


def codec_of(page: int) -> str | None:
    """Python's codec for a code page of Windows."""
    if 28591 <= page <= 28606:
        return codec_for(f"iso-8859-{page - 28590}")
    return codec_for(_PAGES.get(page, f"cp{page}"))


def number(properties: Properties, which: int) -> int:
    value = properties.get(which)
    return int.from_bytes(value[:4], "little") if isinstance(value, bytes) else 0


def words(properties: Properties, which: int) -> str:
    value = properties.get(which, "")
    return value if isinstance(value, str) else decode(value, None)


def read(data: bytes, page: str | None) -> Properties:
    """All properties that are there, by their number, up to where the list breaks. Texts in the code page `page`."""
    found: Properties = {}
    source = _Source(data)
    try:
        for _ in range(min(source.number(4), _MOST_PROPERTIES)):
            kind, which = source.number(2), source.number(2)
            if which >= _FIRST_NAMED:
                source.take(16)
                length = source.number(4) if source.number(4) else 0
                source.take(4 if not length else _padded(length))
            value = _value(source, kind, page)
            found.setdefault(which, value)
    except struct.error:
        pass
    return found


def _value(source: _Source, kind: int, page: str | None) -> bytes | str:
    many, kind = kind & _MANY, kind & ~_MANY
    if kind in _FIXED:
        count = source.number(4) if many else 1
        return source.take(_FIXED[kind] * min(count, _MOST_VALUES))
    if kind not in (_STRING, _UNICODE, _OBJECT, _BINARY):
        raise struct.error("no such type")
    values = []
    for _ in range(min(source.number(4), _MOST_VALUES)):
        length = source.number(4)
        values.append(source.take(_padded(length))[:length])
    data = b"".join(values)
    if kind == _UNICODE:
        return data.decode("utf-16-le", "replace").rstrip("\0")
    return decode(data, page or "cp1252").rstrip("\0") if kind == _STRING else data


def _padded(length: int) -> int:
    return length + -length % 4


class _Source:
    """Bytes, taken from the front. Raises struct.error at their end."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise struct.error("cut short")
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")
