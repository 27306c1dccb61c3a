"""Transfer encodings undone where the library gives up: base64 that is large, cut off, or has other words below it."""

from __future__ import annotations

import binascii
import io
import re

_PIECE = 1 << 20
_TAIL = 4096
_SHORTEST = 16
"""Letters of base64 that are taken for it though other words stand below: a word alone in its line can look like it."""
_LAST_LINES = 50

_ENCODING = re.compile(r"(?:\s|\([^()]{0,200}\)){0,20}[\"']?([A-Za-z0-9][A-Za-z0-9_-]{0,30})")
_FOREIGN = re.compile(r"[^A-Za-z0-9+/=\s]")
_SPACE_BETWEEN = re.compile(r"[^\s] [^\s]")
_LINE = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def encoding_named(value: str) -> str:
    """The encoding that a field names (RFC 2045 §6.1): its first word, whatever marks or comments stand beside it."""
    match = _ENCODING.match(value)
    return match[1].lower() if match else value.strip().lower()


def base64_in_pieces(text: str, end: int | None = None) -> bytes | None:
    """What base64 holds, if it is as it should be (RFC 2045 §6.8): the library keeps 50 MB of it five times over."""
    decoded = io.BytesIO()
    held, ended = "", False
    last = len(text) if end is None else end
    for at in range(0, last, _PIECE):
        characters = held + "".join(text[at : min(at + _PIECE, last)].split())
        whole = characters[: len(characters) - len(characters) % 4]
        held = characters[len(whole) :]
        if ended and characters:
            return None
        try:
            decoded.write(binascii.a2b_base64(whole, strict_mode=True))
        except ValueError:  # binascii.Error, or letters that are not ASCII
            return None
        ended = whole.endswith("=")
    return None if held else decoded.getvalue()


def cut_base64(raw: bytes) -> bytes | None:
    """What base64 holds that was cut off within a group of four, which the library leaves as it is (RFC 2045 §6.8)."""
    characters = b"".join(raw.split()).rstrip(b"=")
    whole = characters[: len(characters) - (len(characters) % 4 == 1)]
    try:
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4), strict_mode=True)
    except binascii.Error:
        return None


def is_written_out(text: str) -> bool:
    """Are these words, though they are said to be base64? They have spaces between them, and no line of letters alone
    that is as long as base64 is."""
    head = text[:_TAIL]
    encoded = any(_is_sure(line) and _LINE.fullmatch(line) for line in map(str.strip, head.splitlines()))
    return not encoded and _SPACE_BETWEEN.search(head) is not None


def end_of_base64(text: str) -> int | None:
    """Where base64 ends that has other words below it, as the footer of a mailing list; None where there are none.

    What goes on as base64 further down is damaged, and no footer.
    """
    if not _FOREIGN.search(text, max(0, len(text) - _TAIL)):
        return None
    start = len(text) - len(text.lstrip())
    width = len(text[start : _end_of_line(text, start)].rstrip())
    foreign = _FOREIGN.search(text, start)
    below = text.rfind("\n", 0, foreign.start()) + 1 if foreign else 0
    if below <= start or any(len(line) == width and _LINE.fullmatch(line) for line in text[below:].split()):
        return None
    end = _without_words(text, start, below, width)
    return end if _is_sure("".join(text[start : min(end, start + _TAIL)].split())) else None


def _is_sure(letters: str) -> bool:
    return len(letters) >= _SHORTEST or letters.endswith("=")


def _without_words(text: str, start: int, end: int, width: int) -> int:
    """The end of the block of base64: a line shorter than the first is the last of it, and so is one above an empty
    line. What follows, words alone in their lines, only looks like more."""
    first = end
    for _ in range(_LAST_LINES):
        before = text.rfind("\n", start, first - 1) + 1
        if before <= start:
            break
        first = before
    at = first
    while at < end:
        line = text[at : _end_of_line(text, at)].strip()
        if not line:
            return at
        at = _end_of_line(text, at) + 1
        if len(line) < width or line.endswith("="):
            return min(at, end)
    return end


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
