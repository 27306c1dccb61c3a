"""Messages as Outlook keeps and sends them, .msg and winmail.dat: a mail is put around each, unread, and taken in like
any other. What is in them, a reader finds out."""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

_TNEF = b"\x78\x9f\x3e\x22"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
_LINE = 57  # bytes, which base64 makes a line of 76 characters of (RFC 2045 §6.8)
_PIECE = 1000 * _LINE


def is_outlook(path: Path, start: bytes) -> bool:
    """Is it such a message? Of what looks like one of many files of Microsoft's, the name tells."""
    return start.startswith(_TNEF) or (start.startswith(_COMPOUND) and path.suffix.lower() == ".msg")


def as_mail(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A mail that holds the file and nothing else."""
    yield _HEAD
    held = bytearray()
    for piece in pieces:
        held += piece
        whole = len(held) - len(held) % _PIECE
        if whole:
            yield base64.encodebytes(bytes(held[:whole])).replace(b"\n", b"\r\n")
            del held[:whole]
    yield base64.encodebytes(bytes(held)).replace(b"\n", b"\r\n")
