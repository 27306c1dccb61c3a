"""Files that programs older than MIME wrote into the text of a mail: `begin 644 name`, lines, `end`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message

_BEGIN = re.compile(r"^begin [0-7]{3,4} (\S.{0,200})$")
_MOST = 100


def taken_out(text: str) -> tuple[str, tuple[Message, ...]]:
    """The text without its encoded files, and those as parts with that transfer encoding.

    A block is only taken for a file when each of its lines is one of uuencode: anything else is somebody's text.
    """
    if "begin " not in text:
        return text, ()
    lines = text.split("\n")
    kept: list[str] = []
    files: list[Message] = []
    at = 0
    while at < len(lines):
        match = _BEGIN.match(lines[at]) if len(files) < _MOST else None
        end = _end(lines, at + 1) if match else None
        if match is None or end is None:
            kept.append(lines[at])
            at += 1
            continue
        files.append(_part(match[1], lines[at:end]))
        at = end
    return "\n".join(kept), tuple(files)


def _end(lines: Sequence[str], at: int) -> int | None:
    """The place behind the line "end", or None where the lines before it are not all encoded ones."""
    first = at
    while at < len(lines) and _is_encoded(lines[at]):
        at += 1
    return at + 1 if at > first and at < len(lines) and lines[at].rstrip() == "end" else None


def _is_encoded(line: str) -> bool:
    """A character for the number of bytes, then four for each three; zeros at the end may be gone, a checksum added."""
    if not all(" " <= character <= "`" for character in line):
        return False
    bytes_in_line = (ord(line[0]) - 32) & 63 if line else 0
    return len(line.rstrip()) - 1 <= (bytes_in_line + 2) // 3 * 4 + 2


def _part(name: str, block: Sequence[str]) -> Message:
    part = Message()
    part["Content-Type"] = "application/octet-stream"
    part.add_header("Content-Disposition", "attachment", filename=name)
    part["Content-Transfer-Encoding"] = "x-uuencode"
    part.set_payload("".join((line or "`") + "\n" for line in block))
    return part
