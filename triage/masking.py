"""Who people are and where, taken out of what the models of words look at: names, titles before them, sex, countries.

A suggestion hangs on what is told, not on whom it is told of: other names, another country or the other sex make the
same words here. Each name becomes one mark: in training those that the labels give, at work those that the tagger
finds.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from triage import places
from triage.features import Bag, char_bag, folded, word_bag
from triage.vocabulary import Vocabulary
from triage.wanted import Wanted
from triage.word_lists import phrases_of

MARK, PLACE = "ɸ", "ɤ"
"""Stand for a name, and for a country, city or other proper name; letters, so that they make n-grams with the words
beside them."""

_SHORTEST = 2
_MOST_WORDS = 6
"""Of one name; a mail made to cost time has more."""
_MOST_TITLES = 8
"""Titles and initials in a row: with no bound, a mail of nothing but initials costs their number squared."""
_SAME_WORD = (
    ("hij", "zij", "ze"), ("hem", "haar"), ("he", "she"), ("him", "his", "her", "hers"), ("himself", "herself"),
    ("er", "sie"), ("ihm", "ihr"), ("él", "ella"), ("il", "elle"), ("ele", "ela"), ("він", "вона"), ("هو", "هي"),
    ("on", "ona"), ("lui", "lei"),
)  # fmt: skip
"""Pronouns of either sex. Other languages may have the same words: there the whole word changes, and is none less."""


@dataclass(frozen=True, slots=True)
class Bags:
    """The n-grams of a text in which nobody is named."""

    words: Bag
    chars: Bag


class Masking:
    """Holds the titles, particles and places; made once a process."""

    def __init__(self) -> None:
        titles = "|".join(re.escape(t) for t in sorted({t.rstrip(".") for t in phrases_of("title")}, key=len)[::-1])
        self._particles = frozenset(phrases_of("particle"))
        self.titles = re.compile(
            rf"(?<!\w)(?:(?:de |el |la |the )?(?:{titles})\.?\s+|\w\.\s?){{1,{_MOST_TITLES}}}(?={MARK})", re.IGNORECASE
        )
        self._in_one = re.compile(rf"({MARK}|{PLACE})(?:[ -]+\1)+")
        self._neutral = {word: same[0] for same in _SAME_WORD for word in same[1:]}
        self._pronoun = re.compile(rf"(?<!\w)(?:{'|'.join(self._neutral)})(?!\w)")

    def without(self, names: Iterable[str] = (), vocabulary: Vocabulary | None = None) -> "Mask":
        """What takes these names out of texts, whole and in part, and proper names that are not in the vocabulary."""
        whole, single = set[str](), set[str]()
        for name in dict.fromkeys(names):
            words = name.split()[:_MOST_WORDS]
            if len(words) > 1:
                whole.update(" ".join(words[first:]) for first in range(len(words) - 1))
                single.update(filter(self._is_own, (word.strip(".,;:()\"'") for word in words)))
            else:
                single.update(words)
        return Mask(self, Wanted((name.lower() for name in whole), single), vocabulary)

    def folded(self, text: str, vocabulary: Vocabulary | None = None) -> str:
        """A text folded, in which names are marked: without titles before them, places, and what tells a sex."""
        untitled = self.titles.sub("", unicodedata.normalize("NFC", text))
        placeless = places.replaced(untitled, PLACE, vocabulary.is_unknown_name if vocabulary else places.none)
        marked = self._in_one.sub(r"\1", folded(placeless))
        return self._pronoun.sub(lambda found: self._neutral[found.group()], marked)

    def _is_own(self, word: str) -> bool:
        """Is it somebody's, by itself? In scripts without capitals every word is."""
        return len(word) >= _SHORTEST and not word[0].islower() and word.lower() not in self._particles


@dataclass(frozen=True, slots=True)
class Mask:
    """Takes the people of one mail out of its texts."""

    masking: Masking
    names: Wanted
    vocabulary: Vocabulary | None = None

    def of(self, text: str) -> str:
        """The text folded, in which nobody is named and nothing tells a sex."""
        return self.masking.folded(self.names.replaced(text, MARK), self.vocabulary)

    def bags(self, text: str, subject: str = "") -> Bags:
        """What a text tells; the words of a subject are counted once more, by themselves."""
        masked = self.of(text)
        return Bags(word_bag(masked, self.of(subject)), char_bag(masked))
