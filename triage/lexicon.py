"""Hand-written stems that hint at a kind of mail or at danger, in the languages of the desk.

A hint carries over to languages with few training mails; the models learn how far to trust each.
"""

import re
from collections.abc import Mapping, Sequence

from triage.word_lists import phrases_of

HINTS = ("advies", "klacht", "aanvulling", "overig", "danger")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_OPEN = 5
"""From this length on a stem may begin a longer word; a shorter one stands alone, or with one letter more."""


class Hints:
    """Counts, for each of HINTS, the words of a text that begin with one of its stems."""

    def __init__(self) -> None:
        stems = {stem: i for i, hint in enumerate(HINTS) for stem in phrases_of(f"hint_{hint}")}
        self._by_stem: Mapping[str, int] = stems
        self._longest = max(map(len, stems))

    def counts(self, words: Sequence[str]) -> list[int]:
        counts = [0] * len(HINTS)
        for word in words:
            for length in range(2, min(len(word), self._longest) + 1):
                hint = self._by_stem.get(word[:length])
                if hint is not None and (length >= _OPEN or length >= len(word) - 1):
                    counts[hint] += 1
        return counts


def words(text: str) -> list[str]:
    """The words of a text in lower case, numbers left out."""
    return [w.group().lower() for w in _WORD.finditer(text)]
