"""The lines of checkpoints that were kept outside: of a file of lines, or of the mails that brought them."""

import base64
import binascii
import re
from itertools import takewhile

_BLANK = re.compile(rb"(?:\r?\n){2,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")


def lines_of(copy: bytes) -> list[bytes]:
    """All lines of a file of lines; where the copy holds mails as they came, those of their files (RFC 2045 §6.8),
    which may stand one after the other in whatever way a mail program saves them."""
    held = b"".join(map(_decoded, _BLANK.split(copy)))
    return (held or copy).splitlines()


def _decoded(piece: bytes) -> bytes:
    """What the first lines say in base64; the header of the next mail may follow at once. Empty where they are none."""
    body = b"".join(takewhile(_BASE64.fullmatch, piece.strip().splitlines()))
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""
