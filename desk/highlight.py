"""Where in a text stands what was found in it: what a suggestion rests on, names, functions, ways to reach people.

There are two layers: a passage may be evidence, and parts may be marked in it, or across its ends. Pure.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

PARTS = ("concerned", "function", "reporter", "phone", "address", "email")
"""What a part of a text can be marked as. Of two that overlap, the one that begins first counts, then the longer."""
EVIDENCE = "evidence"

_LONGEST_EVIDENCE = 2_000
_LONGEST_PART = 200
"""What is longer is looked for by its beginning."""
_MOST = 50
"""Passages, and persons, that are looked for."""
_MOST_PLACES = 500
"""Places where one part is looked at."""
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""What triage reads as a space. All else it quotes as it stands."""

Wanted = tuple[str, str]
"""Words to look for, and which of PARTS they are."""
_Place = tuple[int, int, str]


@dataclass(frozen=True)
class Piece:
    """Words of a stretch. `part` is one of PARTS or None; `ends` is false where it goes on in the next stretch."""

    text: str
    part: str | None = None
    ends: bool = True


@dataclass(frozen=True)
class Stretch:
    """A stretch of a text; `categories` are the slugs that it is evidence of."""

    pieces: tuple[Piece, ...]
    categories: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def parts_of(concerned: Iterable[Mapping[str, Any]], contact: Mapping[str, Any]) -> list[Wanted]:
    """What to look for, of the persons concerned of a report and the contact details of its reporter."""
    wanted = []
    for person in islice(concerned, _MOST):
        wanted += [(person.get("name"), "concerned"), (person.get("function"), "function")]
    keys = {"reporter": "name", "phone": "phone", "address": "address", "email": "email"}
    wanted += [(contact.get(key), part) for part, key in keys.items()]
    return [(str(words), part) for words, part in wanted if words]


def stretches(text: str, evidence: Iterable[Mapping[str, Any]], parts: Iterable[Wanted] = ()) -> Iterator[Stretch]:
    """The text in order and complete, cut where evidence begins and ends. Overlapping evidence: the first counts, but
    one passage may be evidence of several categories.

    Evidence is marked once, where it stands first; a part wherever it stands in words of its own.
    """
    plain = _Folded(_ODD.sub(" ", text))
    marked = _apart(place for words, part in parts for place in _places_of_part(plain, words, part))
    at = 0
    shown = list(_places_of_evidence(plain, evidence))
    for start, end, _ in _apart(shown):
        if start > at:
            yield Stretch(tuple(_pieces(text, at, start, marked)))
        categories = dict.fromkeys(category for *place, category in shown if place == [start, end])
        yield Stretch(tuple(_pieces(text, start, end, marked)), tuple(categories))
        at = end
    if at < len(text):
        yield Stretch(tuple(_pieces(text, at, len(text), marked)))


def marks_in(texts: Iterable[Iterable[Stretch]]) -> list[str]:
    """What is marked in any of these texts: EVIDENCE, and PARTS in their order. A legend names just these."""
    every = [stretch for text in texts for stretch in text]
    parts = {piece.part for stretch in every for piece in stretch.pieces}
    evidence = [EVIDENCE] if any(stretch.categories for stretch in every) else []
    return [*evidence, *(part for part in PARTS if part in parts)]


def _pieces(text: str, begin: int, end: int, marked: Sequence[_Place]) -> Iterator[Piece]:
    """The text between two places, cut where parts begin and end. `marked` are apart and in order."""
    at = begin
    for start, stop, part in marked[bisect_right(marked, begin, key=lambda place: place[1]) :]:
        if start >= end:
            break
        if start > at:
            yield Piece(text[at:start])
        yield Piece(text[max(start, begin) : min(stop, end)], part, ends=stop <= end)
        at = min(stop, end)
    if at < end:
        yield Piece(text[at:end])


def _apart(places: Iterable[_Place]) -> list[_Place]:
    """In order, without those that begin within another."""
    kept: list[_Place] = []
    for place in sorted(places, key=lambda place: (place[0], -place[1])):
        if not kept or place[0] >= kept[-1][1]:
            kept.append(place)
    return kept


def _places_of_evidence(text: "_Folded", evidence: Iterable[Mapping[str, Any]]) -> Iterator[_Place]:
    for piece in islice(evidence, _MOST):
        found = text.places(str(piece.get("text") or "")[:_LONGEST_EVIDENCE])
        yield from ((*place, str(piece.get("category") or "")) for place in islice(found, 1))


def _places_of_part(text: "_Folded", words: str, part: str) -> Iterator[_Place]:
    """Wherever it stands by itself; in a script that writes words together, once where it stands at all."""
    found = list(islice(text.places(words[:_LONGEST_PART]), _MOST_PLACES))
    alone = [place for place in found if text.is_alone(*place)]
    yield from ((*place, part) for place in alone or found[:1])


class _Folded:
    """A text with its white space folded, in which words are found in time proportional to its length."""

    def __init__(self, text: str) -> None:
        self._text = text
        runs = list(re.finditer(r"\S+|\s+", text))
        self._folded = "".join(" " if run[0].isspace() else run[0] for run in runs)
        self._places = [
            at for run in runs for at in range(run.start(), run.start() + 1 if run[0].isspace() else run.end())
        ]

    def places(self, words: str) -> Iterator[tuple[int, int]]:
        """Where these words begin and end, however the white space between them is written."""
        wanted = " ".join(words.split())
        at = self._folded.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            yield self._places[at], self._places[end - 1] + 1
            at = self._folded.find(wanted, end)

    def is_alone(self, start: int, end: int) -> bool:
        """Does no letter or figure touch it?"""
        around = self._text[start - 1 : start] if start else "", self._text[end : end + 1]
        return not any(each.isalnum() or each == "_" for each in around)
