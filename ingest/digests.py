"""What stays the same when one mail arrives twice: its bytes without what transport wrote on them.

Pure and streaming: memory does not grow with the mail. The keyed digests themselves are made by `store.lookups`.
"""

import re
from collections.abc import Iterable, Iterator

TRACE_FIELDS = frozenset({b"return-path", b"received", b"delivered-to", b"authentication-results", b"dkim-signature"})
TRACE_PREFIXES = (b"arc-", b"x-")
MAX_HEADER = 1 << 20  # what stands behind the first MiB of a header is taken as content

_FIELD = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*\n?")  # with its folded lines (RFC 5322 section 2.2.3)


def without_trace_fields(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The mail without its trace fields and with LF line ends, so that a copy which took another way, or was kept in
    a file with other line ends, gives the same bytes."""
    stream = _with_lf(chunks)
    header, rest = _take_header(stream)
    yield from (field for field in _FIELD.findall(header) if field and not _is_trace(field))
    yield rest
    yield from stream


def _take_header(stream: Iterator[bytes]) -> tuple[bytes, bytes]:
    """The header block, and what was read of the rest (which begins with the empty line)."""
    data = bytearray()
    for chunk in stream:
        searched = max(0, len(data) - 1)
        data += chunk
        if data.startswith(b"\n"):
            return b"", bytes(data)
        end = data.find(b"\n\n", searched)
        if 0 <= end < MAX_HEADER:
            return bytes(data[: end + 1]), bytes(data[end + 1 :])
        if len(data) > MAX_HEADER:
            return bytes(data[:MAX_HEADER]), bytes(data[MAX_HEADER:])
    return bytes(data), b""


def _is_trace(field: bytes) -> bool:
    name, colon, _ = field.partition(b":")
    name = name.strip().lower()
    return bool(colon) and (name in TRACE_FIELDS or name.startswith(TRACE_PREFIXES))


def _with_lf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""  # its LF may open the next chunk
        yield data.removesuffix(b"\r").replace(b"\r\n", b"\n")
    yield held
