"""Shows in a text the places that a suggestion rests on."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_EVIDENCE = 2_000


@dataclass(frozen=True)
class Stretch:
    """A part of a text; `category` is the slug that it is evidence of, or None."""

    text: str
    category: str | None = None


def stretches(text: str, evidence: Iterable[Mapping[str, Any]]) -> Iterator[Stretch]:
    """The text in order and complete, cut where evidence begins and ends. Overlapping evidence: the first counts."""
    at = 0
    for start, end, category in sorted(_places(text, evidence)):
        if start < at:
            continue
        if start > at:
            yield Stretch(text[at:start])
        yield Stretch(text[start:end], category)
        at = end
    if at < len(text):
        yield Stretch(text[at:])


def _places(text: str, evidence: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, int, str]]:
    """Where each piece stands, however its white space was folded."""
    for piece in evidence:
        words = str(piece.get("text") or "")[:_LONGEST_EVIDENCE].split()
        found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
        if found:
            yield found.start(), found.end(), str(piece.get("category") or "")
