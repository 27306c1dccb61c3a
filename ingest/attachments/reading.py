"""Reading the files of a mail, after the mail itself: what is said of each is said as soon as it is known.

A file that kills its reader, or keeps it until its time is over, so costs the mail nothing but what stands in that file
and in those whose turn had not come: the asking side holds the mail by then, and all that was said. Before a file is
opened it is said to be broken; that stays, where nothing more comes.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from ingest.attachments import mails, office, ole, pdf, pictures, plain, rtf, tnef
from ingest.attachments.kinds import TYPES, Kind, kind_of
from ingest.attachments.programs import is_program
from ingest.attachments.task import Budget, FileText, OutOfBounds, Recogniser, Task
from ingest.mail import Finding, ParsedAttachment, ParsedMail, ParseLimits
from ingest.text import split

Read = Callable[[bytes, Task], FileText]

READERS: Mapping[Kind, Read] = {
    Kind.TNEF: tnef.read,
    Kind.OLE: ole.read,
    Kind.MAIL: mails.read,
    Kind.TEXT: plain.read_text,
    Kind.HTML: plain.read_html,
    Kind.RTF: rtf.read,
    Kind.ZIPPED: office.read,
    Kind.PDF: pdf.read,
    Kind.PICTURE: pictures.read,
}

_DEEPEST = 2
"""Files in a file in a file of the mail are read; what lies deeper is not taken out."""
_INNER_TIMES = 2
"""So many times the bytes of the mail's own files may come out of them (wire.py holds the same)."""
_HEAD = 8192
_RTF = re.compile(r"\s*(?:text|application)/(?:x-)?rtf\b", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """The file at `place` among the mail's, as it is known by now; where there was none, it came out of another."""

    place: int
    file: ParsedAttachment


@dataclass(frozen=True)
class Body:
    """What a mail says whose words all lay in a file, as Outlook does it."""

    text: str
    own_text: str
    quoted_text: str
    signature_text: str


def awaiting(mail: ParsedMail) -> ParsedMail:
    """The mail before its files are read: those whose turn will come are marked as if it never came."""
    return replace(mail, attachments=tuple(map(_waiting, mail.attachments)))


def _waiting(file: ParsedAttachment) -> ParsedAttachment:
    return replace(file, findings=(Finding.NO_TIME,)) if _is_to_be_read(file) else file


def _is_to_be_read(file: ParsedAttachment) -> bool:
    return file.child is None and not file.text and not file.findings and file.size > 0


def read_files(
    mail: ParsedMail,
    budget: Budget,
    recogniser: Recogniser | None,
    limits: ParseLimits | None = None,
    readers: Mapping[Kind, Read] | None = None,
) -> Iterator[Said | Body]:
    """Read what has not been read, in the order of `Kind`, within the budget."""
    return _Reading(mail, budget, recogniser, limits or ParseLimits(), readers or READERS).run()


class _Reading:
    def __init__(
        self,
        mail: ParsedMail,
        budget: Budget,
        recogniser: Recogniser | None,
        limits: ParseLimits,
        readers: Mapping[Kind, Read],
    ) -> None:
        self._mail = mail
        self._budget = budget
        self._recogniser = recogniser
        self._limits = limits
        self._readers = readers
        self._files = list(mail.attachments)
        self._waiting: list[tuple[Kind, int]] = []
        self._programs: set[int] = set()
        self._depth = _depths(self._files)
        self._chars_left = limits.all_attachment_text_chars - sum(len(file.text) for file in self._files)
        own = sum(file.size for file in self._files if file.inside is None)
        self._inner_bytes_left = (1 + _INNER_TIMES) * own - sum(file.size for file in self._files)
        self._is_silent = not mail.text.strip()

    def run(self) -> Iterator[Said | Body]:
        for place, file in enumerate(self._files):
            if _is_to_be_read(file):
                self._line_up(place, file)
        while self._waiting:
            kind, place = self._waiting.pop(0)
            yield from self._look_at(kind, place)

    def _line_up(self, place: int, file: ParsedAttachment) -> None:
        head = next(iter(file.chunks()), b"")[:_HEAD]
        kind = kind_of(head, file.name, file.content_type)
        self._files[place] = replace(self._files[place], found_type=TYPES.get(kind, ""))
        if kind is not Kind.SILENT and is_program(head, file.name):
            self._programs.add(place)
        self._waiting.append((kind, place))
        self._waiting.sort()

    def _look_at(self, kind: Kind, place: int) -> Iterator[Said | Body]:
        read = self._readers.get(kind)
        if read is None:
            yield self._note(place, FileText(findings=() if kind is Kind.SILENT else (Finding.UNSUPPORTED,)))
            return
        if not self._budget.left:
            yield self._note(place, FileText(findings=(Finding.NO_TIME,)))
            return
        yield self._note(place, FileText(findings=(Finding.BROKEN,)))
        found = self._bounded(read_one(read, b"".join(self._files[place].chunks()), self._task(place)))
        yield self._note(place, found)
        yield from self._take_out(place, found)
        if self._is_silent and found.text and self._is_the_mail(kind, place):
            self._is_silent = False
            yield _body(found.text)

    def _is_the_mail(self, kind: Kind, place: int) -> bool:
        """Does the file hold what the mail says? A winmail.dat does; a .msg where the mail is but its wrapping, and
        RTF where the mail is nothing else."""
        if self._files[place].inside is not None:
            return False
        wrapped = self._files[place].child is not None and len(self._mail.attachments) == 1
        if kind is Kind.RTF:
            return any(_RTF.match(value) for value in self._mail.header("content-type"))
        return kind is Kind.TNEF or (kind is Kind.OLE and wrapped and not self._mail.header("from"))

    def _task(self, place: int) -> Task:
        file = self._files[place]
        return Task(
            name=file.name,
            content_type=file.content_type,
            inline=file.inline,
            limits=self._limits,
            budget=self._budget.share(len(self._waiting) + 1),
            recogniser=self._recogniser,
        )

    def _bounded(self, found: FileText) -> FileText:
        if len(found.text) <= self._chars_left:
            return found
        findings = tuple(dict.fromkeys((*found.findings, Finding.CUT)))
        return replace(found, text=found.text[: self._chars_left], findings=findings)

    def _note(self, place: int, found: FileText) -> Said:
        noticed = (Finding.PROGRAM,) if place in self._programs else ()
        findings = tuple(dict.fromkeys((*noticed, *found.findings)))
        file = self._files[place]
        found_type = found.found_type or file.found_type
        file = replace(file, text=found.text, findings=findings, child=found.child, found_type=found_type)
        self._files[place] = file
        self._chars_left -= len(found.text)
        return Said(place, file)

    def _take_out(self, place: int, found: FileText) -> Iterator[Said]:
        """The files in a file follow behind all others."""
        depth = self._depth.get(place, 0) + 1
        for inner in found.inner:
            too_many = len(self._files) >= self._limits.attachments or inner.size > self._inner_bytes_left
            if depth > _DEEPEST or too_many:
                yield self._note(place, replace(found, findings=(*found.findings, Finding.BOUNDS), text=found.text))
                return
            self._inner_bytes_left -= inner.size
            self._files.append(replace(inner, inside=place, findings=(Finding.NO_TIME,)))
            self._depth[len(self._files) - 1] = depth
            yield Said(len(self._files) - 1, self._files[-1])
            self._line_up(len(self._files) - 1, inner)


def _depths(files: list[ParsedAttachment]) -> dict[int, int]:
    """In how many others each of the mail's files lies; the parser has taken the mails in the mail apart already."""
    depths: dict[int, int] = {}
    for place, file in enumerate(files):
        depths[place] = 0 if file.inside is None else depths[file.inside] + 1
    return depths


def read_one(read: Read, data: bytes, task: Task) -> FileText:
    """What a format's reader says, or that the file is broken, in whatever way a library fails on it."""
    try:
        return read(data, task)
    except (OutOfBounds, MemoryError):
        return FileText(findings=(Finding.BOUNDS,))
    except Exception:  # noqa: BLE001 - the libraries raise anything; the file is kept, and says so
        return FileText(findings=(Finding.BROKEN,))
    finally:
        gc.collect()  # switched off in a reader, and here are the large things


def _body(text: str) -> Body:
    parts = split(text)
    return Body(text, parts.own, parts.quoted, parts.signature)
