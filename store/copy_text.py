"""Rows as `COPY ... TO stdout` writes them, in PostgreSQL's text format."""

import re
from collections.abc import Iterable, Iterator, Mapping

_BEGIN = re.compile(rb"COPY [^(]+ \((.*)\) FROM stdin;\s*")
_BYTES = rb"\\x"


def copied_rows(lines: Iterable[bytes]) -> Iterator[Mapping[str, str | bytes | None]]:
    """Bytes as bytes, all else as the text that stands there (with its escapes, where it has any)."""
    columns: list[str] | None = None
    for line in lines:
        if columns is None:
            begun = _BEGIN.fullmatch(line)
            if begun:
                columns = [name.strip(' "') for name in begun[1].decode().split(",")]
        elif line.rstrip(b"\r\n") == rb"\.":
            columns = None
        else:
            yield dict(zip(columns, map(_value, line.rstrip(b"\n").split(b"\t")), strict=True))


def _value(written: bytes) -> str | bytes | None:
    if written == rb"\N":
        return None
    if written.startswith(_BYTES):
        return bytes.fromhex(written[len(_BYTES) :].decode())
    return written.decode()
