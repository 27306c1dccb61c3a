"""A mail's files, and the mails among them taken apart: a forwarded mail, a returned one, a digest (mail-cases 63).

The text of a child is the text of the file that it is, never the reporter's own. Its files follow behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ingest import calendars
from ingest.body import Leaf, read_body
from ingest.charsets import decode
from ingest.errors import CannotParse
from ingest.fields import fields
from ingest.guard import guarded
from ingest.mail import ChildMessage, Finding, ParsedAttachment, ParseLimits
from ingest.names import safe_name
from ingest.parts import Part, PartsLeft, body_chunks, body_size, is_message, parse_tree

LEVELS = 2
"""A mail in a mail in the mail; what lies deeper stays a file. The answer of a reader has no room for more."""

_CALENDAR = ("text/calendar", "application/ics")
_MOST_CALENDARS = 10  # that are summarised


@dataclass(frozen=True)
class Decoded:
    """A file's bytes, decoded anew each time they are read: a reader holds one of them at a time."""

    part: Part

    def chunks(self) -> Iterator[bytes]:
        yield from body_chunks(self.part)


@dataclass(frozen=True)
class Child:
    """A mail that lay in a mail. None of its files was looked into yet."""

    message: ChildMessage
    text: str
    files: tuple[ParsedAttachment, ...]
    findings: tuple[Finding, ...]


def child_of(chunks: Iterable[bytes], limits: ParseLimits, left: PartsLeft, *, number: int = 1) -> Child:
    """Take a mail apart that lay in another; its unnamed files are counted from `number`. Raises CannotParse."""
    root = parse_tree(_without_separator(chunks), limits, left)
    header = fields(root, limits)
    unheard: list[str] = []
    body = read_body(root, limits, left, unheard)
    return Child(
        ChildMessage(
            header.sender(unheard),
            header.subject(unheard),
            header.date(unheard),
            header.first_id("message-id", unheard),
        ),
        body.text[: limits.attachment_text_chars],
        tuple(_file(leaf, place) for place, leaf in enumerate(body.leaves, start=number)),
        (Finding.CUT,) if len(body.text) > limits.attachment_text_chars else (),
    )


def _without_separator(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A mail without the separator of an mbox, quoted, before its first field."""
    pieces = iter(chunks)
    first = next(pieces, b"")
    yield first.partition(b"\n")[2] if first.startswith(b">From ") else first
    yield from pieces


def attachments(leaves: Sequence[Leaf], limits: ParseLimits, left: PartsLeft) -> tuple[ParsedAttachment, ...]:
    """The files of a mail, and behind them those of the mails among them, level by level.

    A child that is beyond the limits stays a file like any other.
    """
    found = [_file(leaf, number) for number, leaf in enumerate(leaves, start=1)]
    room = limits.all_attachment_text_chars
    looked_at = 0
    for _ in range(LEVELS):
        level = range(looked_at, len(found))
        looked_at = len(found)
        for place in level:
            if not is_message(found[place].content_type):
                continue
            found[place], files = _opened(found[place], limits, left, number=len(found) + 1, room=room)
            room -= len(found[place].text)
            found.extend(replace(each, inside=place) for each in files)
    return tuple(_with_summaries(found, room))


def _with_summaries(files: Sequence[ParsedAttachment], room: int) -> Iterator[ParsedAttachment]:
    """What invitations say in words, for a person (mail-cases 66); other files have their readers."""
    calendars_left = _MOST_CALENDARS
    for file in files:
        if calendars_left and _is_calendar(file):
            calendars_left -= 1
            yield replace(file, text=guarded("calendar", [], "", partial(_summary, file))[: max(room, 0)])
        else:
            yield file


def _is_calendar(file: ParsedAttachment) -> bool:
    return file.content_type in _CALENDAR or file.name.lower().endswith(".ics")


def _summary(file: ParsedAttachment) -> str:
    return calendars.summary(decode(b"".join(file.chunks()), None))


def _opened(
    file: ParsedAttachment, limits: ParseLimits, left: PartsLeft, *, number: int, room: int
) -> tuple[ParsedAttachment, tuple[ParsedAttachment, ...]]:
    """The file with what the mail in it says, and the files in that mail."""
    try:
        child = guarded("child", [], None, lambda: child_of(file.chunks(), limits, left, number=number))
    except CannotParse:
        return replace(file, findings=(Finding.BOUNDS,)), ()
    if child is None:
        return replace(file, findings=(Finding.BROKEN,)), ()
    findings = child.findings
    files = child.files
    if number - 1 + len(files) > limits.attachments:
        files, findings = (), (*findings, Finding.BOUNDS)
    if len(child.text) > room:
        findings = tuple(dict.fromkeys((*findings, Finding.CUT)))
    return replace(file, text=child.text[: max(room, 0)], findings=findings, child=child.message), files


def _file(leaf: Leaf, number: int) -> ParsedAttachment:
    return ParsedAttachment(
        name=safe_name(leaf.name, leaf.content_type, number),
        content_type=leaf.content_type,
        size=body_size(leaf.part),
        inline=leaf.inline,
        content_id=leaf.content_id,
        content=Decoded(leaf.part),
    )
