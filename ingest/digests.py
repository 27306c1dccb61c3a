"""What stays the same when one mail arrives twice: its bytes without what transport wrote on them.

Pure and streaming: memory does not grow with the mail. The keyed digests themselves are made by `store.lookups`.
"""

import re
from collections.abc import Iterable, Iterator

TRACE_FIELDS = frozenset({b"return-path", b"received", b"delivered-to", b"authentication-results", b"dkim-signature"})
TRACE_PREFIXES = (b"arc-", b"x-")
MAX_HEADER = 1 << 20  # what stands behind the first MiB of a header is taken as content

_FIELD = re.compile(rb"[^\r\n]*(?:[\r\n][ \t][^\r\n]*)*[\r\n]?")  # with its folded lines (RFC 5322 section 2.2.3)
_IN_HEADER = re.compile(rb"[!-9;-~]+:|From ")  # or the line of an mbox; what else the reader mends is content here


def without_trace_fields(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The mail without its trace fields and with LF line ends, so that a copy which took another way, or was kept in
    a file with other line ends, gives the same bytes.

    The header ends where it does for the reader: at a lone CR a line does, and at a line that is no field the text
    begins. Else two mails that differ there would be one, and the second be lost as its copy.
    """
    stream = _with_lf(chunks)
    beginning = _beginning(stream)
    at = 0
    for field in _FIELD.finditer(beginning[:MAX_HEADER]):
        if not _IN_HEADER.match(field[0]):
            break
        at = field.end()
        if not _is_trace(field[0]):
            yield field[0]
    yield beginning[at:]
    yield from stream


def _beginning(stream: Iterator[bytes]) -> bytes:
    """The header and what was read of the rest, or the first MiB and a little more."""
    data = bytearray()
    for chunk in stream:
        searched = max(0, len(data) - 1)
        data += chunk
        if data.startswith(b"\n") or data.find(b"\n\n", searched) >= 0 or len(data) > MAX_HEADER:
            break
    return bytes(data)


def _is_trace(field: bytes) -> bool:
    name, colon, _ = field.partition(b":")
    name = name.lower()
    return bool(colon) and (name in TRACE_FIELDS or name.startswith(TRACE_PREFIXES))


def _with_lf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""  # its LF may open the next chunk
        yield data.removesuffix(b"\r").replace(b"\r\n", b"\n")
    yield held
