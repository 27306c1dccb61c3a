"""Whether two names can be one person's, however each was written down. Pure.

Letters, marks and order may differ, a given name may be an initial, what stands between given name and family name
("van der") may be left out, and in a word that is long enough one letter may be wrong, missing, too much or swapped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]+")
_NOT_TELLING = (
    "van de den der ter ten te het t in op aan bij voor uit onder d le la les l du des von zu zum zur el al bin ibn "
    "ben bint da do dos das di del della y e en of the"
)
_TITLES = "dhr heer mevr mevrouw mw mej meneer mr mrs ms miss dr drs ir ing prof bc ba bsc ma msc llm phd jhr sir"
_LEFT_OUT = frozenset(_NOT_TELLING.split()) | frozenset(_TITLES.split())
_FORGIVING = 4
"""Words shorter than this have to be spelled alike."""
_MOST_WORDS = 8
"""Of a longer name the first words count."""


def words(name: str | None) -> list[str]:
    """The words of a name that tell people apart, small and without accents; initials are words of one letter."""
    plain = folded(name or "").replace("'", " ").replace("’", " ")
    found = [word for run in _WORD.findall(plain) for word in ([run] if not _are_initials(run, plain) else run)]
    return [word for word in found if word not in _LEFT_OUT][:_MOST_WORDS]


def folded(text: str) -> str:
    """Small letters without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).replace("ø", "o").replace("ł", "l")


def likeness(one: Sequence[str], other: Sequence[str]) -> int:
    """How alike two names are that can be one person's, given as `words`; 0 where they cannot.

    Every word of the shorter name must be found in the longer one, each in another, and one of them whole.
    """
    short, long = sorted((list(one), list(other)), key=len)
    left, score, whole = list(long), 0, False
    for word in sorted(short, key=len, reverse=True):  # initials last: they are content with what is left
        found = max(left, key=lambda each: _alike(word, each), default="")
        how = _alike(word, found) if found else 0
        if not how:
            return 0
        left.remove(found)
        score += how
        whole = whole or min(len(word), len(found)) > 1
    return score if whole else 0


def one_edit(one: str, other: str) -> bool:
    """Is one letter changed, missing, too much, or are two neighbours swapped? Equal words are not one edit apart."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) > len(other):
        one, other = other, one
    at = next((i for i, letter in enumerate(one) if letter != other[i]), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return one[at + 1 :] == other[at + 1 :] or swapped


def _alike(one: str, other: str) -> int:
    if one == other:
        return 4 if len(one) > 1 else 1
    if len(one) == 1 or len(other) == 1:
        return 1 if one[0] == other[0] else 0
    return 3 if min(len(one), len(other)) >= _FORGIVING and one_edit(one, other) else 0


def _are_initials(run: str, plain: str) -> bool:
    """ "JP" as in "J.P." stands apart already; here: letters of which none is a vowel, or "th", before a full stop."""
    return len(run) in (2, 3) and f"{run}." in plain and not set(run) & set("aeiouy") and run not in _LEFT_OUT
