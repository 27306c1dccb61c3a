"""Whether a word names what somebody does, by the way its language builds such words.

A listed word may end a compound (handelsattaché, Handelsreferent), its beginning may carry any ending (Turkish, Slavic
languages, Indonesian), or stand between what Arabic writes to it: and, for, the, and the ending for women. All lists
are in `words/`.
"""

import re
from collections.abc import Collection

from triage.word_lists import phrases_of

_LONGEST = 60
_HEAD = 5
"""Letters of the shortest listed word that may end another."""
_FEWEST = 2
"""Letters before the end of a compound."""
_VOWEL_SIGNS = re.compile("[\u064b-\u0652\u0640]")
_BEFORE = ("", "ال", "و", "وال", "لل", "بال", "كال", "فال", "ل", "ب", "ك", "ول", "وب")
_BEHIND = ("", "ة", "ات", "ين", "ون", "اً", "ا", "ه", "هم", "ها", "كم", "نا", "ته", "تها", "تهم", "تنا", "تكم")
_ARABIC = re.compile("[\u0621-\u064a]")


class Functions:
    """Knows the words."""

    def __init__(self) -> None:
        listed = frozenset(p for p in phrases_of("function") if len(p) >= _HEAD and p.isalpha())
        self._ends = listed | frozenset(phrases_of("function_ends"))
        self._begins = frozenset(phrases_of("function_begins"))
        self._arabic = frozenset(phrases_of("function_arabic"))
        self._lengths = _lengths(self._begins)
        self._shortest_end = min(map(len, self._ends))

    def __contains__(self, word: str) -> bool:
        lower = word[:_LONGEST].lower()
        if _ARABIC.match(lower):
            return self._is_arabic(lower)
        return self._ends_one(lower) or any(lower[:length] in self._begins for length in self._lengths)

    def _ends_one(self, lower: str) -> bool:
        return any(lower[cut:] in self._ends for cut in range(_FEWEST, len(lower) - self._shortest_end + 1))

    def _is_arabic(self, word: str) -> bool:
        plain = _VOWEL_SIGNS.sub("", word)
        starts = [len(each) for each in _BEFORE if plain.startswith(each)]
        ends = [len(plain) - len(each) for each in _BEHIND if plain.endswith(each)]
        return any(plain[start:end] in self._arabic for start in starts for end in ends)


def _lengths(words: Collection[str]) -> range:
    lengths = [len(word) for word in words]
    return range(min(lengths), max(lengths) + 1)
