"""BER made definite: lengths said in advance, strings in one piece (X.690 §8.1.3.6, §8.7).

Mail programs write large messages in BER, in pieces of some kilobytes. The library reads that in quadratic time; this
is linear. What is definite and in one piece stays byte for byte as it is, as signed attributes and certificates are.
"""

from __future__ import annotations

_DEEPEST = 40
_OCTETS, _OCTETS_IN_PIECES = 0x04, 0x24
_IMPLICIT, _IMPLICIT_IN_PIECES = 0x80, 0xA0
_CONSTRUCTED = 0x20
_END = b"\x00\x00"


def to_definite(data: bytes) -> bytes:
    """The first value in `data`. Raises ValueError where it is no BER, or nested beyond reason."""
    try:
        made, _ = _value(memoryview(data), 0, 0)
    except IndexError:
        raise ValueError("cut short") from None
    return bytes(made)


def _value(data: memoryview, start: int, depth: int) -> tuple[bytes | memoryview, int]:
    """The value at `start`, and where the next one begins."""
    tag = data[start]
    at = start + 1
    if tag & 0x1F == 0x1F:  # a tag of several bytes: none that is looked into
        while data[at] & 0x80:
            at += 1
        at += 1
    length, at = _length(data, at)
    if length is not None and not tag & _CONSTRUCTED:
        return _within(data, start, at + length), at + length
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    parts, end = _parts(data, at, None if length is None else at + length, depth)
    head = bytes(data[start : start + 1])
    if tag in (_OCTETS_IN_PIECES, _IMPLICIT_IN_PIECES) and _are_pieces(parts, tag):
        tag_of_one = _OCTETS if tag == _OCTETS_IN_PIECES else _IMPLICIT
        return _encoded(bytes([tag_of_one]), [_content(part) for part in parts]), end
    return _encoded(head, parts), end


def _parts(data: memoryview, at: int, end: int | None, depth: int) -> tuple[list[bytes | memoryview], int]:
    parts: list[bytes | memoryview] = []
    while end is None or at < end:
        if end is None and data[at : at + 2] == _END:
            return parts, at + 2
        part, at = _value(data, at, depth + 1)
        parts.append(part)
    if at != end:
        raise ValueError("longer than what it lies in")
    return parts, at


def _are_pieces(parts: list[bytes | memoryview], tag: int) -> bool:
    """An implicit [0] of several octet strings is one in pieces; of one, it may as well be an explicit [0]."""
    enough = len(parts) > 1 or tag == _OCTETS_IN_PIECES
    return enough and all(part[0] == _OCTETS for part in parts)


def _content(part: bytes | memoryview) -> memoryview:
    view = memoryview(part)
    length, at = _length(view, 1)
    return view[at : at + (length or 0)]


def _encoded(tag: bytes, parts: list[bytes | memoryview] | list[memoryview]) -> bytes:
    size = sum(map(len, parts))
    if size < 0x80:
        length = bytes([size])
    else:
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(digits)]) + digits
    return b"".join((tag, length, *parts))


def _length(data: memoryview, at: int) -> tuple[int | None, int]:
    """The length at `at`, None where it is indefinite, and where the content begins."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    if first == 0x80:
        return None, at + 1
    count = first & 0x7F
    if count > 8 or at + 1 + count > len(data):
        raise ValueError("length")
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


def _within(data: memoryview, start: int, end: int) -> memoryview:
    if end > len(data):
        raise ValueError("cut short")
    return data[start:end]
