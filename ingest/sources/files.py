"""Files as a source: single mails, mbox, Maildir, folders of those, and standard input. They are only ever read.

What a file is follows from what it holds, not from its name: one that begins with an mbox separator is an mbox, a
folder with `new` and `cur` is a Maildir, anything else is a mail.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ingest.raw import RawMail

STANDARD_INPUT = Path("-")

_SEPARATOR = re.compile(rb"From \S+.*\d\d:\d\d.*\d{4}|From [^:\s]+\s*$")  # RFC 4155: an address and a time
_LINE = 1 << 16


class CannotRead(Exception):
    """A path cannot be read; says why. Names the path as the person who ran the command gave it."""


@dataclass(frozen=True)
class FileMail:
    """One mail of a file. `open` reads it into memory, while it is the newest that was given; close what it gives.
    `kept_at` is the time of the file."""

    path: Path
    kept_at: datetime
    open: Callable[[], RawMail]


def mails(paths: Iterable[Path]) -> Iterator[FileMail]:
    """All mails under `paths`, in the order of their names. Raises CannotRead."""
    for path in paths:
        if path == STANDARD_INPUT:
            yield from _of_stream(path, sys.stdin.buffer, datetime.now(UTC))
            continue
        if not path.exists():
            raise CannotRead(
                f"There is no {path}. Name .eml or mbox files, Maildirs, folders of those, or - for input."
            )
        yield from _under(path)


def _under(path: Path) -> Iterator[FileMail]:
    try:
        if path.is_dir():
            for inside in sorted(_entries(path)):
                yield from _under(inside)
        elif path.is_file():
            kept_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            with path.open("rb") as file:
                yield from _of_stream(path, file, kept_at)
    except OSError as error:
        raise CannotRead(f"{path} cannot be read: {error.strerror}. Check its rights.") from None


def _entries(path: Path) -> list[Path]:
    """Of a Maildir the delivered mails and the subfolders (Maildir++): what lies in `tmp` is not delivered yet."""
    if (path / "new").is_dir() and (path / "cur").is_dir():
        folders = [inside for inside in path.iterdir() if inside.name.startswith(".") and (inside / "cur").is_dir()]
        return [*(mail for name in ("new", "cur") for mail in (path / name).iterdir()), *folders]
    return [inside for inside in path.iterdir() if not inside.name.startswith(".")]


def _of_stream(path: Path, file: BinaryIO, kept_at: datetime) -> Iterator[FileMail]:
    first = file.readline(_LINE)
    if not _SEPARATOR.match(first):
        yield FileMail(path, kept_at, lambda: RawMail.from_chunks(_chunks(first, file)))
        return
    more = True
    while more:
        reader = _MboxMail(file)
        yield FileMail(path, kept_at, lambda reader=reader: RawMail.from_chunks(reader))  # type: ignore[misc]
        more = reader.finish()


def _chunks(first: bytes, file: BinaryIO) -> Iterator[bytes]:
    yield first
    while chunk := file.read(_LINE):
        yield chunk


class _MboxMail:
    """The lines of one mail of an mbox, up to the next separator. What was quoted with `>` stays so: a signature may
    cover it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._more: bool | None = None

    def __iter__(self) -> Iterator[bytes]:
        empty_line = b""
        at_line_start = True
        while line := self._file.readline(_LINE):
            if empty_line and _SEPARATOR.match(line):
                self._more = True
                return  # the empty line before a separator belongs to the mbox
            if empty_line:
                yield empty_line
            empty_line = line if at_line_start and line in (b"\n", b"\r\n") else b""
            at_line_start = line.endswith(b"\n")
            if not empty_line:
                yield line
        if empty_line:
            yield empty_line
        self._more = False

    def finish(self) -> bool:
        """Skip what was not read; is there another mail?"""
        if self._more is None:
            for _ in self:
                pass
        return bool(self._more)
