"""Names that the words around them introduce, where the tagger found none: "ene Bakhuizen", "اسمه ماتيس", "Jordi,
servicedeskmedewerker".
"""

import re
from collections.abc import Callable, Iterator, Sequence

from triage.tagging import Tagged, stretch_of
from triage.tokens import CLASSES, Token
from triage.word_lists import phrases_of

_BIT = {name: 1 << i for i, name in enumerate(CLASSES)}
_NO_NAME = sum(
    _BIT[name] for name in ("function", "modifier", "ministry", "kin", "title", "greeting", "closing", "street")
)
_FAMILY = frozenset({"de", "den", "der", "van", "von", "ter", "ten", "'t", "el", "al", "bin", "ben", "di", "da", "du"})
_ARABIC_FAMILY = frozenset({"فان", "دي", "دير", "تير", "تين", "بن", "أبو", "ابو", "عبد", "آل", "بو", "أم", "ابن"})
_ARABIC = re.compile("[\u0621-\u064a]")
_PARTED = re.compile(r"[^\s'’-]+|['’-]")
_AROUND = frozenset("\"'“„«‘:(")
_BETWEEN = frozenset(
    {"de", "het", "een", "the", "a", "an", "our", "your", "onze", "jullie", "uw", "zijn", "haar", "le", "la", "votre",
     "notre", "der", "die", "ein", "eine", "el", "un", "una", "une", "o", "um", "uma", "il"}
)  # fmt: skip
"""What may stand between a comma and a function."""
_MOST = 6
"""Tokens of a name."""
_SCORE = 0.5


class Introductions:
    """Knows the words that announce a name."""

    def __init__(self) -> None:
        cues = [tuple(_PARTED.findall(phrase)) for phrase in phrases_of("introduces")]
        self._cues = sorted(cues, key=len, reverse=True)
        self._first_words = frozenset(cue[0] for cue in cues)

    def with_introduced(
        self, tagged: Sequence[Tagged], tokens: Sequence[Token], text: str, is_name: Callable[[str], bool]
    ) -> list[Tagged]:
        """The stretches, and the names introduced that none of them covers. `is_name` tells of a word with a capital
        whether it has that for being one."""
        taken = {i for t in tagged for i in range(t.first, t.last + 1)}
        found: list[Tagged] = []
        for first, last in self._spans(tokens, is_name):
            name = stretch_of("name", first, last, tokens, text, _SCORE)
            if name is not None and not taken & set(range(first, last + 1)) and "\n" not in name.text:
                found.append(name)
                taken |= set(range(first, last + 1))
        return sorted([*tagged, *found], key=lambda t: t.start) if found else list(tagged)

    def _spans(self, tokens: Sequence[Token], is_name: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
        lower = [token.text.lower() for token in tokens]
        for i, word in enumerate(lower):
            if word in self._first_words and (behind := self._behind_cue(i, lower, tokens)) is not None:
                last = _arabic(behind, tokens) if _ARABIC.match(lower[behind]) else _forward(behind, tokens, is_name)
                if last is not None:
                    yield behind, last
            elif word in (",", "(") and i and _is_work(i + 1, lower, tokens):
                first = _backward(i - 1, tokens, is_name)
                if first is not None:
                    yield first, i - 1

    def _behind_cue(self, i: int, lower: Sequence[str], tokens: Sequence[Token]) -> int | None:
        cue = next((cue for cue in self._cues if tuple(lower[i : i + len(cue)]) == cue), None)
        if cue is None:
            return None
        i += len(cue)
        while i < len(tokens) and (lower[i] in _AROUND or _is_title(tokens[i])):
            i += 1
        return i if i < len(tokens) else None


def _is_work(i: int, lower: Sequence[str], tokens: Sequence[Token]) -> bool:
    while i < len(tokens) and (lower[i] in _BETWEEN or tokens[i].classes & _BIT["modifier"]):
        i += 1
    return i < len(tokens) and bool(tokens[i].classes & _BIT["function"])


def _is_title(token: Token) -> bool:
    return len(token.text) > 1 and bool(token.classes & _BIT["title"])


def _forward(first: int, tokens: Sequence[Token], is_name: Callable[[str], bool]) -> int | None:
    """The end of the name that begins here, None where none does."""
    last = None
    for i in range(first, min(first + _MOST, len(tokens))):
        if _is_part(tokens[i], is_name):
            last = i
        elif tokens[i].text.lower() not in _FAMILY:
            break
    return last


def _backward(last: int, tokens: Sequence[Token], is_name: Callable[[str], bool]) -> int | None:
    first = None
    for i in range(last, max(last - _MOST, -1), -1):
        if _is_part(tokens[i], is_name):
            first = i
        elif first is None or tokens[i].text.lower() not in _FAMILY:
            break
    return first


def _is_part(token: Token, is_name: Callable[[str], bool]) -> bool:
    word = token.text
    capital = word[0].isupper() and word[1:].islower() and word.replace("-", "").replace("'", "").isalpha()
    return capital and not token.classes & _NO_NAME and is_name(word)


def _arabic(first: int, tokens: Sequence[Token]) -> int | None:
    """The same in a script without capitals: a word that is no work, and the next; more where a particle stands."""
    if tokens[first].classes & _NO_NAME:
        return None
    last = first
    while last + 1 < len(tokens) and last - first < _MOST and _ARABIC.match(tokens[last + 1].text):
        joined = last == first or tokens[last].text in _ARABIC_FAMILY or tokens[last + 1].text in _ARABIC_FAMILY
        if not joined or tokens[last + 1].classes & _NO_NAME:
            break
        last += 1
    return last
