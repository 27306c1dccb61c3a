"""Headers that a broken line seems to end too early: a lost indentation, a field whose name is none.

The library takes such a line for the first of the text. Where all lines down to the next empty one look like a header,
they are one: a text that stands directly below a header, without an empty line, does not look like that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import MissingHeaderBodySeparatorDefect
from email.message import Message

_BLOCK = re.compile(r"\A((?:[^\r\n]{1,2000}(?:\r\n|\r|\n)){1,50})(?=\r\n|\r|\n)")
_LINE = re.compile(r"[^\r\n]+(?:\r\n|\r|\n)")
_FIELD = re.compile(r"[!-9;-~]+[ \t]*:")
_SPACED = re.compile(r"\A([!-9;-~]+)[ \t]+:")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z-]{0,30}\*?\d?\*?=\S")
_ODD_FIELD = re.compile(r"(?:X-|Content-)\S")


def source_if_broken(part: Message, text: str) -> str | None:
    """The part as it should have been written, where `text`, its content, begins with lines of its header."""
    if not any(isinstance(each, MissingHeaderBodySeparatorDefect) for each in part.defects):
        return None
    block = _BLOCK.match(text)
    if not block:
        return None
    lines = _LINE.findall(block[1])
    if not all(_is_of_a_header(line) for line in lines):
        return None
    end = "\r\n" if lines[0].endswith("\r\n") else lines[0][-1]
    before = "".join(f"{name}: {value}{end}" for name, value in part.raw_items())
    return before + "".join(_mended(lines)) + text[block.end() :]


def _is_of_a_header(line: str) -> bool:
    return line[0] in " \t" or any(each.match(line) for each in (_FIELD, _PARAMETER, _ODD_FIELD))


def _mended(lines: list[str]) -> Iterator[str]:
    """Parameters are indented again, and names closed up to their colons; what is no field is left out, with the lines
    that continue it."""
    is_left_out = False
    for line in lines:
        if line[0] not in " \t":
            is_left_out = not (_FIELD.match(line) or _PARAMETER.match(line))
        if not is_left_out:
            yield line if line[0] in " \t" else _SPACED.sub(r"\1:", line) if _FIELD.match(line) else f"\t{line}"
