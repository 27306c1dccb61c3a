"""The reporter's own words, their signature, and the history that a mail program put below them, in linear time."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from ingest import history, signature

_LONGEST_GREETING = 80
_GREETING = re.compile(
    r"^(?:geachte|beste|hallo|hoi|dag|l\.?s\.?|goede(?:n|morgen|middag|navond)?|dear|hello|hi|"
    r"good (?:day|morning|afternoon)|"
    r"sehr geehrte\w?|liebe\w?|guten|bonjour|bonsoir|madame|monsieur|chère?s?|buenos|estimad\w{1,2}|buongiorno|gentile|"
    r"egregi\w|prezad\w{1,2}|olá|bom dia)\b[^.?]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SplitText:
    own: str
    signature: str = ""
    quoted: str = ""


def split(text: str, known_history: Collection[int] = (), *, sender: str = "", subject: str = "") -> SplitText:
    """Divide a text into what its sender wrote, the signature below it, and what is quoted; in doubt it is written.

    `known_history` holds numbers of lines that are quoted as the mail's HTML says. A mail that would be nothing but
    history is its sender's own, unless a program says that it passes on or answers what another wrote.
    """
    lines = text.split("\n")
    forwarded = history.is_forward(subject)
    quoted = history.quoted(lines, known_history, sender=sender, forwarded=forwarded)
    parts = _divided(lines, quoted)
    is_all = parts.quoted != "" and _is_empty(parts.own)
    if is_all and not forwarded and not history.is_anothers(lines, quoted, sender):
        return _divided(lines, history.marked(lines))
    return parts


def _divided(lines: list[str], quoted: list[bool]) -> SplitText:
    written = [number for number, is_quoted in enumerate(quoted) if not is_quoted]
    signed = {written[place] for place in signature.places([lines[number] for number in written])}
    return SplitText(
        own=_pick(lines, [number for number in written if number not in signed]),
        signature=_pick(lines, sorted(signed)),
        quoted=_pick(lines, [number for number, is_quoted in enumerate(quoted) if is_quoted]),
    )


def _is_empty(own: str) -> bool:
    """Nothing, or a greeting alone."""
    text = own.strip()
    return not text or (len(text) <= _LONGEST_GREETING and "\n" not in text and _GREETING.match(text) is not None)


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the soft line breaks of format=flowed (RFC 3676 §4.2); the signature line "-- " stays one."""
    result: list[list[str]] = []
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
            result[-1].append(content)
        else:
            result.append([">" * depth + " " if depth else "", content])
        joining, depth_before = flowed, depth
    return "\n".join("".join(pieces) for pieces in result)


def _pick(lines: list[str], numbers: list[int]) -> str:
    return "\n".join(lines[number] for number in numbers).strip("\n")
