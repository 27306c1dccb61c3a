"""Files as a source: single mails, mbox, Maildir, folders of those, and standard input. They are only ever read.

What a file is follows from what it holds, not from its name: one that begins with an mbox separator is an mbox, a
folder with `new` and `cur` is a Maildir, one of Outlook's gets a mail around it (`ingest.sources.outlook`), anything
else is a mail.
"""

import re
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

from ingest.raw import RawMail
from ingest.sources.outlook import as_mail, is_outlook

STANDARD_INPUT = Path("-")

_SEPARATOR = re.compile(rb"From \S+.*\d\d:\d\d.*\d{4}|From [^:\s]+\s*$")  # RFC 4155: an address and a time
_CONTENT_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,12})[ \t]*\r?\n", re.IGNORECASE)
_EMPTY = (b"\n", b"\r\n")
_BOM = b"\xef\xbb\xbf"
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
    if is_outlook(path, first):
        yield FileMail(path, kept_at, lambda: RawMail.from_chunks(as_mail(_chunks(first, file))))
        return
    if not _SEPARATOR.match(first.removeprefix(_BOM)):
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
    cover it.

    The empty line at the end of each mail belongs to the mbox (RFC 4155), that of the last one too. Where the mail says
    how long it is (mboxcl, mboxcl2) and a separator or the end does stand there, what looks like a separator inside of
    it is none.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._more: bool | None = None

    def __iter__(self) -> Iterator[bytes]:
        length, empty_line = yield from self._header()
        if length is not None and self._ends_after(length):
            yield empty_line
            yield from self._bytes(length)
            self._more = self._is_there_another()
        else:
            yield from self._lines(empty_line)

    def finish(self) -> bool:
        """Skip what was not read; is there another mail?"""
        if self._more is None:
            for _ in self:
                pass
        return bool(self._more)

    def _header(self) -> Generator[bytes, None, tuple[int | None, bytes]]:
        """The header; gives the Content-Length that it names, and the empty line below it."""
        length = None
        while line := self._file.readline(_LINE):
            if line in _EMPTY:
                return length, line
            yield line
            if found := _CONTENT_LENGTH.match(line):
                length = int(found[1])
        return None, b""

    def _ends_after(self, length: int) -> bool:
        """Does a separator, or the end, stand behind so many bytes?"""
        if not self._file.seekable():
            return False
        here = self._file.tell()
        inside = here + length <= self._file.seek(0, SEEK_END)
        self._file.seek(here + length)
        line = self._next_line()
        self._file.seek(here)
        return inside and (not line or _SEPARATOR.match(line) is not None)

    def _bytes(self, length: int) -> Iterator[bytes]:
        while length and (piece := self._file.read(min(length, _LINE))):
            length -= len(piece)
            yield piece

    def _is_there_another(self) -> bool:
        return bool(self._next_line())

    def _next_line(self) -> bytes:
        """The next line that is not empty."""
        while (line := self._file.readline(_LINE)) in _EMPTY:
            pass
        return line

    def _lines(self, empty_line: bytes) -> Iterator[bytes]:
        at_line_start = True
        while line := self._file.readline(_LINE):
            if empty_line and _SEPARATOR.match(line):
                self._more = True
                return
            if empty_line:
                yield empty_line
            empty_line = line if at_line_start and line in _EMPTY else b""
            at_line_start = line.endswith(b"\n")
            if not empty_line:
                yield line
        self._more = False
