"""Where in a text the words stand that were searched for: short passages, with those words marked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from store import tokens
from store.tokens import Stemmer

AROUND = 90
"""Letters before and after the first word that is marked in a passage."""


@dataclass(frozen=True)
class Stretch:
    """Letters of a passage; `marked` where they are a word that was searched for."""

    text: str
    marked: bool


Passage = tuple[Stretch, ...]


def passages(text: str, language: str | None, wanted: Collection[str], stemmer: Stemmer, most: int) -> list[Passage]:
    """At most so many passages of a text in which a word has one of the wanted stems, each whole words long."""
    languages = tokens.spoken(language)
    words = list(tokens.words(text))
    hits = [(word.start, word.end) for word in words if not stemmer.stems(word.form, languages).isdisjoint(wanted)]
    found: list[Passage] = []
    done = 0
    for start, end in hits:
        if len(found) == most:
            break
        if start < done:
            continue
        first = max(done, _word_start(text, max(0, start - AROUND)))
        done = _word_end(text, end + AROUND)
        found.append(_passage(text, first, done, [hit for hit in hits if first <= hit[0] and hit[1] <= done]))
    return found


def _passage(text: str, first: int, last: int, hits: Sequence[tuple[int, int]]) -> Passage:
    stretches: list[Stretch] = [Stretch("… ", marked=False)] if first > 0 else []
    at = first
    for start, end in hits:
        stretches += [Stretch(_line(text[at:start]), marked=False), Stretch(text[start:end], marked=True)]
        at = end
    stretches.append(Stretch(_line(text[at:last]) + (" …" if last < len(text) else ""), marked=False))
    return tuple(stretch for stretch in stretches if stretch.text)


def _line(text: str) -> str:
    """White space as one space, which stays at the ends."""
    joined = " ".join(text.split())
    before, after = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' if before else ''}{joined}{' ' if after and joined else ''}"


def _word_start(text: str, at: int) -> int:
    if at == 0 or text[at - 1].isspace():
        return at
    ahead = next((i for i in range(at, min(len(text), at + AROUND)) if text[i].isspace()), None)
    return at if ahead is None else ahead + 1


def _word_end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    back = next((i for i in range(at, max(0, at - AROUND // 2), -1) if text[i].isspace()), None)
    return at if back is None else back
