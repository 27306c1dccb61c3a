"""What a passphrase is worth to who guesses by words: fewer bits than its letters, where it is made of language.

The guesser knows how often people use which word (`common_words.txt`), writes them with and without spaces, and gets
what grammar demands for nothing. What no list holds counts as a rare word where its letters run as those of words do,
and letter by letter where they do not.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

_RARE_BITS = 14.0
"""Of a word that no list holds: it is one among some 16,000."""
_FUNCTION_WORDS = 112
"""So many of the most frequent words are, nearly all, articles, pronouns, prepositions and auxiliary verbs."""
_IN_A_SENTENCE_BITS = 10.0
"""The most that a word adds where others of its sentence lead to it."""
_SENTENCE = 0.25
"""The share of function words from which on words make a sentence."""
_JOINED_BITS = 3.0
"""Where a word ends inside a run of letters; else chance words of random letters would count as words."""
_SHORTEST_JOINED, _SHORTEST_RARE_JOINED, _LONGEST = 3, 6, 20
_FREQUENT = 8
"""In so many listed words a trigram stands that is counted as one that words have."""
_LIKE_WORDS, _LIKE_WORDS_JOINED = 0.65, 0.85
"""The share of such trigrams from which on letters look like a word; inside a longer run chance has more tries."""
_LETTER, _DIGIT, _SIGN = math.log2(26), math.log2(10), 5.0
_RUN = re.compile(r"[^\W\d_]+|\s+|.", re.DOTALL)


@cache
def _ranks() -> dict[str, int]:
    text = resources.files("store").joinpath("common_words.txt").read_text(encoding="utf-8")
    listed = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {word: rank for rank, word in enumerate(listed)}


@cache
def _trigrams() -> frozenset[str]:
    counted = Counter(each for word in _ranks() for each in set(_trigrams_of(f" {word} ")))
    return frozenset(each for each, count in counted.items() if count >= _FREQUENT)


def _trigrams_of(word: str) -> list[str]:
    return [word[at : at + 3] for at in range(len(word) - 2)]


@dataclass(frozen=True)
class _Part:
    text: str
    bits: float
    joins: float = 0.0
    is_word: bool = False

    @property
    def is_function_word(self) -> bool:
        return self.is_word and _ranks().get(self.text, _FUNCTION_WORDS) < _FUNCTION_WORDS


def bits_as_words(passphrase: str, offered: Collection[str], known: Sequence[str] = ()) -> float:
    """How many bits it takes to guess this by words. `offered` is the list of Meldpost's own words, known to all;
    `known` is what is known of the person."""
    free = frozenset(run for each in known for run in _RUN.findall(each.casefold()) if run.isalpha())
    words = {word: math.log2(len(offered)) for word in offered}
    parts = [part for run in _RUN.findall(passphrase.casefold()) for part in _parts(run, words, free)]
    found = [part for part in parts if part.is_word]
    functional = sum(part.is_function_word for part in found)
    most = _IN_A_SENTENCE_BITS if found and functional >= _SENTENCE * len(found) else math.inf
    seen: set[str] = set()
    return sum(_counted(part, most, seen) for part in parts)


def _counted(part: _Part, most: float, seen: set[str]) -> float:
    """A word that comes again adds that it does."""
    if not part.is_word:
        return part.bits
    bits = min(part.bits, most, 1.0 if part.text in seen else math.inf)
    seen.add(part.text)
    return bits + part.joins


def _parts(run: str, offered: dict[str, float], free: Collection[str]) -> Iterator[_Part]:
    """The cheapest way to write this run of letters as words and single letters."""
    if not run.isalpha():
        yield _Part(run, 0.0 if run.isspace() else _DIGIT if run.isdigit() else _SIGN)
        return
    best: list[tuple[float, _Part | None, int]] = [(0.0, None, 0)]
    for end in range(1, len(run) + 1):
        ways = [(best[end - 1][0] + _LETTER, _Part(run[end - 1], _LETTER), end - 1)]
        for start in range(max(0, end - _LONGEST), end):
            word = _word(run[start:end], offered, free, whole=end - start == len(run))
            if word is not None:
                ways.append((best[start][0] + word.bits + word.joins, word, start))
        best.append(min(ways, key=lambda way: way[0]))
    at = len(run)
    while at:
        _, part, at = best[at]
        if part is not None:
            yield part


def _word(text: str, offered: dict[str, float], free: Collection[str], *, whole: bool) -> _Part | None:
    joins = 0.0 if whole else _JOINED_BITS
    if text in free:
        return _Part(text, 0.0, joins, is_word=True)
    if not whole and len(text) < _SHORTEST_JOINED:
        return None
    least = _LIKE_WORDS if whole else _LIKE_WORDS_JOINED
    bits = offered.get(text, math.inf)
    if text in _ranks():
        rank = _ranks()[text]
        bits = min(bits, math.log2(rank) if rank >= _FUNCTION_WORDS else 0.0)
    elif (whole and len(text) <= _LONGEST) or len(text) >= _SHORTEST_RARE_JOINED:
        bits = min(bits, _RARE_BITS if _like_words(text) >= least else math.inf)
    return None if bits == math.inf else _Part(text, bits, joins, is_word=True)


def _like_words(text: str) -> float:
    """The share of its trigrams that words have."""
    trigrams = _trigrams_of(f" {text} ")
    return sum(each in _trigrams() for each in trigrams) / len(trigrams)
