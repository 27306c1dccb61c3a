"""The reporter's own words, their signature, and the history that a mail program put below them, in linear time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ingest import history, signature


@dataclass(frozen=True)
class SplitText:
    own: str
    signature: str = ""
    quoted: str = ""


def split(text: str, known_history: Collection[int] = ()) -> SplitText:
    """Divide a text into what its sender wrote, the signature below it, and what is quoted; in doubt it is written.

    `known_history` holds numbers of lines that are quoted for sure, as the mail's HTML says.
    """
    lines = text.split("\n")
    quoted = history.quoted(lines, known_history)
    written = [number for number, is_quoted in enumerate(quoted) if not is_quoted]
    signed = {written[place] for place in signature.places([lines[number] for number in written])}
    return SplitText(
        own=_pick(lines, [number for number in written if number not in signed]),
        signature=_pick(lines, sorted(signed)),
        quoted=_pick(lines, [number for number, is_quoted in enumerate(quoted) if is_quoted]),
    )


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the soft line breaks of format=flowed (RFC 3676 §4.2); the signature line "-- " stays one."""
    result: list[str] = []
    joining = False
    depth_before = 0
    for line in text.split("\n"):
        stripped = line.lstrip(">")
        depth = len(line) - len(stripped)
        if stripped.startswith(" "):
            stripped = stripped[1:]  # RFC 3676 §4.4: space-stuffing
        flowed = stripped.endswith(" ") and stripped != "-- "
        content = stripped[:-1] if flowed and delete_space else stripped
        if joining and depth == depth_before and stripped != "-- ":
            result[-1] += content
        else:
            result.append((">" * depth + " " if depth else "") + content)
        joining, depth_before = flowed, depth
    return "\n".join(result)


def _pick(lines: list[str], numbers: list[int]) -> str:
    return "\n".join(lines[number] for number in numbers).strip("\n")
