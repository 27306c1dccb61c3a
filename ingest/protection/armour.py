"""Where in a text something stands in armour (RFC 9580 §6.2). In linear time, whatever the text."""

from __future__ import annotations

MESSAGE = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"
SIGNED_TEXT = "-----BEGIN PGP SIGNED MESSAGE-----", "-----END PGP SIGNATURE-----"
MOST_BLOCKS = 50


def blocks(text: str, frame: tuple[str, str]) -> list[tuple[int, int]]:
    """The ranges from a line that begins a frame to the next one that ends it."""
    begin, end = frame
    found: list[tuple[int, int]] = []
    position = 0
    while len(found) < MOST_BLOCKS:
        start = text.find(begin, position)
        stop = text.find(end, start + len(begin)) if start >= 0 else -1
        if stop < 0:
            return found
        position = stop + len(end)
        if start == 0 or text[start - 1] in "\r\n":
            found.append((start, position))
    return found


def without_messages(text: str) -> str:
    """The text without what is encrypted in it: letters that say nothing to anybody."""
    for start, end in reversed(blocks(text, MESSAGE)):
        text = text[:start] + text[end:]
    return text
