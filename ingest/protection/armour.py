"""Where in a text something stands in armour (RFC 9580 §6.2). In linear time, whatever the text."""

from __future__ import annotations

import re

MESSAGE = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"
SIGNED_TEXT = "-----BEGIN PGP SIGNED MESSAGE-----", "-----END PGP SIGNATURE-----"
MOST_BLOCKS = 50
_VERSION = re.compile(rb"\s*version[ \t]*:[ \t]*1\s*", re.IGNORECASE)
_LONGEST_VERSION = 100
_HASH = "Hash: [A-Za-z0-9]+(?:[, -]{1,2}[A-Za-z0-9]+)*"
_HEAD = f"{SIGNED_TEXT[0]}\r?\n(?:{_HASH}\r?\n)*\r?\n"
_SIGNED = f"{_HEAD}(?s:(.*?))BEGIN[ \\t]+PGP[ \\t]+SIGNATURE"
_IN_THE_CLEAR, _IN_THE_CLEAR_BYTES = re.compile(_SIGNED), re.compile(_SIGNED.encode())
_BLANKS = " \t\xa0"
_DEEPEST_SET_IN = 80
_DASHES = "\n-----"


def blocks(text: str, frame: tuple[str, str]) -> list[tuple[int, int]]:
    """The ranges from a line that begins a frame to the next one that ends it. A message may be set in, as the text of
    some HTML is; a text signed in the clear may not, for every blank in it counts."""
    begin, end = frame
    found: list[tuple[int, int]] = []
    position = 0
    while len(found) < MOST_BLOCKS:
        start = text.find(begin, position)
        stop = text.find(end, start + len(begin)) if start >= 0 else -1
        if stop < 0:
            return found
        position = stop + len(end)
        before = text[max(0, start - _DEEPEST_SET_IN) : start]
        if frame is MESSAGE:
            before = before.rstrip(_BLANKS)
        if before[-1:] in ("", "\r", "\n"):
            found.append((start, position))
    return found


def as_written(block: str) -> str:
    """A message as the program wrote it that made it: its lines not set in, and an empty one below its fields."""
    lines = [line.strip() for line in block.split("\n")]
    below = next((number for number, line in enumerate(lines) if number and ":" not in line), len(lines))
    return "\n".join([*lines[:below], "", *lines[below:]])


def is_version(data: bytes) -> bool:
    """Does a part say nothing but that PGP/MIME is what follows (RFC 3156 §4)?"""
    return len(data) <= _LONGEST_VERSION and _VERSION.fullmatch(data) is not None


def is_well_framed(block: bytes) -> bool:
    """Has a text signed in the clear the frame that RFC 9580 §7 says, and no other? No signature is over the frame, and
    programs differ in where the text begins and ends in one that is only similar: so a forger could add to it."""
    found = _IN_THE_CLEAR_BYTES.match(block)
    return found is not None and (b"\n" + found[1]).endswith(_DASHES.encode())


def in_the_clear(block: str) -> str | None:
    """What a text signed in the clear says, without its frame and dashes (RFC 9580 §7.1, §7.2). None where its frame
    is another."""
    found = _IN_THE_CLEAR.match(block)
    if found is None or not ("\n" + found[1]).endswith(_DASHES):
        return None
    return "\n".join(line.removeprefix("- ") for line in found[1].removesuffix(_DASHES[1:]).split("\n"))


def without_messages(text: str) -> str:
    """The text without what is encrypted in it: letters that say nothing to anybody."""
    for start, end in reversed(blocks(text, MESSAGE)):
        text = text[:start] + text[end:]
    return text
