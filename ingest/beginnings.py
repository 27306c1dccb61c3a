"""How a mail begins, where that is not as it should be: lines before its first field, white space before a colon.

The library takes either for the end of the header, so that sender and subject are lost in the text.
"""

from __future__ import annotations

import re
from email.errors import MessageDefect

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_BLANK = re.compile(rb"(?:[ \t]*(?:\r\n|\r|\n))+")
_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_SEPARATOR = re.compile(rb"From +[^ \t:]")  # of an mbox
_SPACE_BEFORE_COLON = re.compile(rb"(?:\A|[\r\n])[!-9;-~]{1,100}[ \t]+:")
_MOST_LINES = 2000
_MOST_BYTES = 1 << 20

_KNOWN = frozenset(
    {
        *(b"from", b"to", b"cc", b"bcc", b"sender", b"reply-to", b"subject", b"date", b"message-id", b"in-reply-to"),
        *(b"references", b"received", b"return-path", b"delivered-to", b"mime-version", b"content-type"),
        *(b"content-transfer-encoding", b"content-disposition", b"importance", b"comments", b"keywords"),
    }
)


class WordsBeforeHeaderDefect(MessageDefect):
    """An empty line, or one that is no field, stood before the first field."""


class SpaceBeforeColonDefect(MessageDefect):
    """RFC 5322 §4.5 has it in mails to be read, and in none to be written."""


def repaired(head: bytes) -> tuple[bytes, tuple[MessageDefect, ...]]:
    """The beginning of a mail, down to the end of its header at least, as it should have been."""
    found = _first_field(head)
    defects: list[MessageDefect] = [WordsBeforeHeaderDefect()] if found else []
    head = head[found:]
    closed = _with_colons_closed(head) if _SPACE_BEFORE_COLON.search(head, 0, _MOST_BYTES) else head
    if closed != head:
        defects.append(SpaceBeforeColonDefect())
    return closed, tuple(defects)


def first_written(head: bytes | bytearray) -> int:
    """Where the first line that is not empty begins."""
    blank = _BLANK.match(head)
    return blank.end() if blank else 0


def _first_field(head: bytes) -> int:
    """Where the header begins: at the top, unless what is there is no field and what follows is a header."""
    start = first_written(head)
    if start:
        return start if _is_header(head, start) else 0
    if _FIELD.match(head) or _SEPARATOR.match(head) or head[:1] in (b" ", b"\t"):
        return 0
    second = _end_of_line(head, 0)
    return second if _is_header(head, second) else 0


def _is_header(head: bytes, at: int) -> bool:
    """Are all lines down to the empty one fields, with two among them that mails have? A text may begin with one."""
    names: set[bytes] = set()
    for _ in range(_MOST_LINES):
        end = _end_of_line(head, at)
        line = head[at:end]
        field = _FIELD.match(line)
        if not line.strip():
            break
        if field:
            names.add(field[1].lower())
        elif not names or line[:1] not in (b" ", b"\t"):
            return False
        at = end
    return len(names & _KNOWN) > 1


def _with_colons_closed(head: bytes) -> bytes:
    """Without the white space before colons, in the header alone: of a text that begins without an empty line, "Amount
    : 500" stays a line, so that no name is taken for a field's that mails do not have."""
    pieces: list[bytes] = []
    at = 0
    while at < len(head):
        end = _end_of_line(head, at)
        line = head[at:end]
        field = _FIELD.match(line)
        if field and line[field.end(1) : field.end(1) + 1] != b":":
            if not _is_known(field[1].lower()):
                break
            line = field[1] + line[field.end() - 1 :]
        elif not field and not _goes_on(line, is_first=at == 0):
            break
        pieces.append(line)
        at = end
    return b"".join(pieces) + head[at:]


def _is_known(name: bytes) -> bool:
    return name in _KNOWN or name.startswith(b"x-")


def _goes_on(line: bytes, *, is_first: bool) -> bool:
    return bool(line.strip()) and (line[:1] in (b" ", b"\t") or (is_first and _SEPARATOR.match(line) is not None))


def _end_of_line(head: bytes, at: int) -> int:
    match = _LINE.match(head, at)
    return match.end() if match else len(head)
