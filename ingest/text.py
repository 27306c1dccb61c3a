"""The reporter's own words and the history that a mail program put below them, told apart in linear time."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEPARATOR_WORDS = re.compile(
    r"^[-_=*]{2,}\s*(?:oorspronkelijke? (?:bericht|e-?mail)|original (?:message|appointment)|doorgestuurd bericht|"
    r"forwarded message|message d'origine|message transféré|ursprüngliche nachricht|weitergeleitete nachricht|"
    r"reply message|antwoord bericht)\s*[-_=*]{2,}\s*$",
    re.IGNORECASE,
)
_BEGIN_FORWARD = re.compile(
    r"^(?:begin doorgestuurd bericht|begin forwarded message|début du message réexpédié|"
    r"anfang der weitergeleiteten nachricht)\s*:$",
    re.IGNORECASE,
)
_ATTRIBUTION_START = re.compile(r"^(?:op|on|le|am|den|il|el)\s", re.IGNORECASE)
_ATTRIBUTION_END = re.compile(
    r"(?:\bschreef\b|\bheeft\b.*\bgeschreven\b|\bwrote\b|\ba écrit\b|\bschrieb\b|\bhet volgende geschreven\b)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\*?(van|from|de|von|verzonden|sent|envoyé|gesendet|datum|date|aan|to|à|an|cc|onderwerp|subject|objet|betreff)\s{0,3}:",
    re.IGNORECASE,
)
_FROM_LABELS = {"van", "from", "de", "von"}
_WHEN_LABELS = {"verzonden", "sent", "envoyé", "gesendet", "datum", "date"}
_LONGEST_LINE = 1000


@dataclass(frozen=True)
class SplitText:
    own: str
    quoted: str


def split(text: str) -> SplitText:
    """Divide a text into what its sender wrote and what is quoted; when in doubt it is the sender's."""
    lines = text.split("\n")
    quoted = [False] * len(lines)
    at = 0
    while at < len(lines):
        if lines[at].startswith((">", " >")):
            quoted[at] = True
            at += 1
            continue
        if _starts_history(lines, at):
            quoted[at:] = [True] * (len(lines) - at)
            break
        length = _attribution(lines, at)
        if length:
            after = _next_filled(lines, at + length)
            if after is None or not lines[after].lstrip().startswith(">"):
                quoted[at:] = [True] * (len(lines) - at)
                break
            quoted[at:after] = [True] * (after - at)
            at = after
            continue
        at += 1
    return SplitText(_pick(lines, quoted, wanted=False), _pick(lines, quoted, wanted=True))


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


def _starts_history(lines: list[str], at: int) -> bool:
    line = lines[at].strip()
    if len(line) > _LONGEST_LINE:
        return False
    if len(line) >= 8 and not line.strip("_-"):  # Outlook draws a line above its block
        below = _next_filled(lines, at + 1)
        return below is not None and _header_block(lines, below)
    return bool(_SEPARATOR_WORDS.match(line) or _BEGIN_FORWARD.match(line)) or _header_block(lines, at)


def _header_block(lines: list[str], at: int) -> bool:
    """An Outlook block: From, and within the next lines Sent or Date and at least one more label (To, Subject)."""
    first = _LABEL.match(lines[at].strip())
    if not first or first[1].lower() not in _FROM_LABELS:
        return False
    labels = set()
    filled = 0
    for line in lines[at + 1 : at + 12]:
        if not line.strip():
            continue
        filled += 1
        if filled > 6:
            break
        match = _LABEL.match(line[:_LONGEST_LINE].strip())
        if match:
            labels.add(match[1].lower())
    return bool(labels & _WHEN_LABELS) and len(labels) >= 2


def _attribution(lines: list[str], at: int) -> int:
    """How many lines the words "On ... wrote:" take here; 0 for none. Mail programs wrap them over up to four."""
    line = lines[at].strip()
    if not line or len(line) > _LONGEST_LINE:
        return 0
    if line.endswith(":") and "@" in line and _ATTRIBUTION_END.search(line[-80:]):
        return 1  # "2026-01-01 12:00 GMT+01:00 Jan <jan@example.nl> schreef:"
    if not _ATTRIBUTION_START.match(line):
        return 0
    joined = ""
    for length, part in enumerate(lines[at : at + 4], start=1):
        if not part.strip() or len(part) > _LONGEST_LINE:
            return 0
        joined += " " + part.strip()
        if joined.endswith(":"):
            return length if _ATTRIBUTION_END.search(joined) and any(c.isdigit() for c in joined) else 0
    return 0


def _next_filled(lines: list[str], at: int) -> int | None:
    for index in range(at, min(at + 4, len(lines))):
        if lines[index].strip():
            return index
    return None


def _pick(lines: list[str], quoted: list[bool], *, wanted: bool) -> str:
    return "\n".join(line for line, is_quoted in zip(lines, quoted, strict=True) if is_quoted is wanted).strip("\n")
