"""RTF as Outlook packs it (MS-OXRTFCP)."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<II4sI")
_DICTIONARY = 4096
_MOST_BYTES = 4_000_000
# MS-OXRTFCP §2.1.3.1.1: what the dictionary holds before the first byte
_KNOWN = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20"
    b"\\b\\i\\u\\tab\\tx"
)


def unpack(data: bytes) -> bytes:
    """The RTF, as far as it can be unpacked. Raises ValueError where this is none."""
    if len(data) < _HEADER.size:
        raise ValueError("no header")
    _, size, kind, _ = _HEADER.unpack_from(data)
    if kind == b"MELA":
        return data[_HEADER.size : _HEADER.size + size]
    if kind != b"LZFu":
        raise ValueError("no compressed RTF")
    return _unpack(memoryview(data)[_HEADER.size :], min(size, _MOST_BYTES))


def _unpack(data: memoryview, size: int) -> bytes:
    dictionary = bytearray(_KNOWN.ljust(_DICTIONARY, b" "))
    write, at, out = len(_KNOWN), 0, bytearray()
    while at < len(data) and len(out) < size:
        control, at = data[at], at + 1
        for bit in range(8):
            if at >= len(data):
                return bytes(out)
            if control >> bit & 1:
                if at + 2 > len(data):
                    return bytes(out)
                reference = data[at] << 8 | data[at + 1]
                at += 2
                read, length = reference >> 4, (reference & 15) + 2
                if read == write:
                    return bytes(out)
                piece = bytearray()
                for step in range(length):  # it may read what it just wrote
                    byte = dictionary[(read + step) % _DICTIONARY]
                    dictionary[(write + step) % _DICTIONARY] = byte
                    piece.append(byte)
                write = (write + length) % _DICTIONARY
                out += piece
            else:
                dictionary[write] = data[at]
                out.append(data[at])
                write = (write + 1) % _DICTIONARY
                at += 1
    return bytes(out)
