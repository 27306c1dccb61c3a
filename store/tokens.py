"""From text to the words that an index holds: folded, and stemmed in Dutch, English, or both.

What is searched for is stemmed in both languages, so that a word finds its other forms in a text of either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import snowballstemmer

from cases.names import folded

DUTCH, ENGLISH = "nl", "en"
LONGEST = 40
"""Letters of a word that count."""
FORGIVEN = 5
"""Letters of the shortest word in which an edit is forgiven."""
_WORD = re.compile(r"[^\W_]+")
_ALGORITHMS = {DUTCH: "dutch", ENGLISH: "english"}
_COMMON = (
    "de het een en van in is op te dat die er niet ik je hij zij wij we zijn was met voor aan als om dan maar bij ook "
    "nog of uit naar heb heeft hebben had mijn door over ze zich dit wordt werd deze hun hem haar u uw me mij wat "
    "the a an and of to in is it that this was for on with as at by be are have has had i he she they you not but or "
    "from my his her their our your its were been"
)
_SAY_NOTHING = frozenset(_COMMON.split())
"""Words that stand in nearly every text of a language, folded."""


@dataclass(frozen=True)
class Word:
    """A word as it stands in a text: where it begins and ends, and its folded form."""

    start: int
    end: int
    form: str


def words(text: str) -> Iterator[Word]:
    """The words of a text, in order."""
    for found in _WORD.finditer(text):
        yield Word(found.start(), found.end(), folded(found[0])[:LONGEST])


def says_nothing(form: str) -> bool:
    return form in _SAY_NOTHING or (len(form) == 1 and not form.isdigit())


def spoken(language: str | None) -> tuple[str, ...]:
    """The languages by which the words of a text are stemmed: its own, or both where that is neither."""
    return (language,) if language in _ALGORITHMS else (DUTCH, ENGLISH)


@dataclass
class Stemmer:
    """Stems words and remembers which; goes with the index that it is made for, since what it remembers is content."""

    _stemmers: dict[str, Any] = field(default_factory=dict, repr=False)
    _known: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def stems(self, form: str, languages: Iterable[str] = (DUTCH, ENGLISH)) -> frozenset[str]:
        """The stems of a folded word in these languages; a word with a figure in it is its own."""
        if not form.isalpha():
            return frozenset([form])
        return frozenset(self._stem(form, language) for language in languages)

    def _stem(self, form: str, language: str) -> str:
        known = self._known.get((language, form))
        if known is None:
            if language not in self._stemmers:
                self._stemmers[language] = snowballstemmer.stemmer(_ALGORITHMS[language])
            known = self._known[language, form] = str(self._stemmers[language].stemWord(form)) or form
        return known
