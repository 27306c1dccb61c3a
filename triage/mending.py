"""Where a name or a function really begins and ends, by rules that hold in any mail.

The tagger learns from neighbours and misses what a reader never would: "medewerker kreeg" is no function, "señor" is
nobody's work, and in "programme officer John Smith" two things stand side by side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from triage.linear import Floats
from triage.tagging import Tag, Tagged, stretch_of
from triage.tokens import CLASSES, Token
from triage.word_lists import phrases_of

_BIT = {name: 1 << i for i, name in enumerate(CLASSES)}
_WORK = _BIT["function"] | _BIT["modifier"] | _BIT["ministry"]
_AGREED = 0.25
"""From this probability on the tagger's second thought, that a word belongs to a name, counts."""
_PARTICLES = frozenset(
    {"de", "den", "der", "van", "ter", "ten", "'t", "el", "al", "ben", "bin", "ibn", "du", "da", "dos", "del"}
)
_OF = frozenset(
    {"van", "of", "bij", "voor", "at", "for", "du", "de", "von", "der", "des", "del", "della", "do", "da", "di"}
)
"""Behind these a name belongs to the function: "directeur van Skytulp"."""
_FORMS = frozenset({"mister", "mijnheer", "signori", "senhores", "señores"})
_ARTICLES = frozenset({"de", "het", "een", "the", "a", "el", "la", "los", "le", "die", "der", "das", "il", "o"})
_NO_NAME = 5
"""Letters from which on "unknown" and the like are nobody's name; Na and Yok are."""
_ALSO_GIVEN = frozenset({"don", "pan", "mas", "bay", "bu", "lord"})
"""Titles that are somebody's own name as well: they stay."""


class Mending:
    """Knows the words at which a function ends, and those that stand where a name is not known."""

    def __init__(self) -> None:
        self._ends = frozenset(phrases_of("verb"))
        self._nobody = frozenset(p for p in phrases_of("label_nothing") if len(p) >= _NO_NAME)

    def of(self, tagged: Sequence[Tagged], odds: Floats, tokens: Sequence[Token], text: str) -> list[Tagged]:
        """The stretches, mended, in order."""
        named = {t.text.casefold() for t in tagged if t.kind == "name"}
        mended: list[Tagged] = []
        for stretch in tagged:
            if stretch.kind == "function":
                mended.extend(self._function(stretch, odds, tokens, text, named))
            elif stretch.kind == "name" and stretch.text.casefold() in self._nobody:
                continue
            elif stretch.kind == "name":
                mended.extend(_name(stretch, tokens, text))
            else:
                mended.append(stretch)
        return _apart(mended, tokens, text)

    def _function(
        self, stretch: Tagged, odds: Floats, tokens: Sequence[Token], text: str, named: set[str]
    ) -> Iterator[Tagged]:
        first, last = stretch.first, stretch.last
        head = next((i for i in range(first, last + 1) if tokens[i].classes & _BIT["function"]), None)
        if head is None:
            if all(_is_title(t) or t.text.lower() in _ARTICLES for t in tokens[first : last + 1]):
                return
            head = first
        end = next((i for i in range(head + 1, last + 1) if self._ends_it(tokens[i])), last + 1)
        begins = next((i for i in range(head + 1, end) if _begins_name(i, odds, tokens, named)), end)
        while head + 1 < begins < end and _goes_before(begins, odds, tokens):
            begins -= 1
        before = begins
        while before > head + 1 and _is_title(tokens[before - 1]):
            before -= 1
        yield from _again(stretch, first, before - 1, tokens, text)
        if begins < end:
            name_end = begins
            while name_end + 1 < end and _goes_on(tokens[name_end + 1]):
                name_end += 1
            name = replace(stretch, kind="name", score=_share(odds, begins, name_end))
            yield from _again(name, begins, name_end, tokens, text)

    def _ends_it(self, token: Token) -> bool:
        return token.text in self._ends and not token.classes & _WORK


def _name(stretch: Tagged, tokens: Sequence[Token], text: str) -> Iterator[Tagged]:
    """Without the title before it; a given name with the family name that a particle begins."""
    first, last = stretch.first, stretch.last
    while first < last and _is_title(tokens[first]) and tokens[first].text.lower() not in _ALSO_GIVEN:
        first += 1
    if first == last and _is_title(tokens[first]) and tokens[first].text.islower():
        return
    if _is_capitalised(tokens[first]) and (first == last or tokens[last].text.lower() in _PARTICLES):
        last = _family_name(last, tokens, text)
    elif first == last and tokens[first].text.isupper() and tokens[first].classes & _BIT["first_name"]:
        last = _family_name_in_capitals(last, tokens, text)
    if (first, last) == (stretch.first, stretch.last):
        yield stretch
    else:
        yield from _again(stretch, first, last, tokens, text)


def _family_name(last: int, tokens: Sequence[Token], text: str) -> int:
    """Where the name ends that "Thijmen" begins: behind particles and one capitalised word that is no work."""
    i = last + 1
    while i < len(tokens) and tokens[i].text in _PARTICLES and i - last <= 3:
        i += 1
    begun = i > last + 1 or tokens[last].text.lower() in _PARTICLES
    if not begun or i >= len(tokens) or not _is_capitalised(tokens[i]) or tokens[i].classes & _WORK:
        return last
    between = text[tokens[last].end : tokens[i].start]
    return i if not set(between) & set(",.;:()\n") else last


def _family_name_in_capitals(last: int, tokens: Sequence[Token], text: str) -> int:
    """Where all is in capitals a name ends nowhere by itself: "WIM TERLAAK," is one, for nothing goes on behind it and
    no list knows the word; "WIM NIMMT WEIN" is not."""
    i = last + 1
    while i < len(tokens) and tokens[i].text.isupper() and tokens[i].text.lower() in _PARTICLES:
        i += 1
    if i >= len(tokens) or not (tokens[i].text.isupper() and tokens[i].text.isalpha()) or tokens[i].classes:
        return last
    behind = text[tokens[i].end : tokens[i].end + 1]
    is_one = not set(text[tokens[last].end : tokens[i].start]) - {" "}
    return i if is_one and behind in {"", ",", ".", ";", ")", "(", "\n"} else last


def _begins_name(i: int, odds: Floats, tokens: Sequence[Token], named: set[str]) -> bool:
    token = tokens[i]
    if not _is_capitalised(token) or token.classes & (_WORK | _BIT["title"]) or tokens[i - 1].text in _OF:
        return False
    after_title = bool(tokens[i - 1].classes & _BIT["title"])
    known = token.classes & _BIT["first_name"] or any(token.text.casefold() in name.split() for name in named)
    return after_title or bool(known) or _share(odds, i, i) >= _AGREED


def _goes_before(begins: int, odds: Floats, tokens: Sequence[Token]) -> bool:
    """Is the word before it part of the name? So it is when the tagger takes this one for the middle of a name."""
    before = tokens[begins - 1]
    middle = odds[begins, Tag.NAME_GOES_ON] > odds[begins, Tag.NAME]
    return bool(middle) and _is_capitalised(before) and not before.classes & _WORK


def _goes_on(token: Token) -> bool:
    return (
        (_is_capitalised(token) and not token.classes & _WORK) or token.text in _PARTICLES or token.text in ("-", ".")
    )


def _is_title(token: Token) -> bool:
    """A form of address; a single letter ("M.") is rather an initial."""
    word = token.text.lower()
    return word in _FORMS or (bool(token.classes & _BIT["title"]) and len(word.strip(".")) > 1)


def _is_capitalised(token: Token) -> bool:
    """Jansen, O'Neill and van-der-Meer's Meer, not HR and not TalentBridge."""
    word = token.text
    return len(word) > 1 and word[0].isupper() and word[1:].islower()


def _share(odds: Floats, first: int, last: int) -> float:
    return float(np.mean(odds[first : last + 1, [Tag.NAME, Tag.NAME_GOES_ON]].sum(axis=1)))


def _again(stretch: Tagged, first: int, last: int, tokens: Sequence[Token], text: str) -> Iterator[Tagged]:
    if last >= first:
        again = stretch_of(stretch.kind, first, last, tokens, text, stretch.score)
        if again is not None:
            yield again


def _apart(tagged: Sequence[Tagged], tokens: Sequence[Token], text: str) -> list[Tagged]:
    """A name that was made longer takes the place of what it now covers; halves of a name that were parted are one."""
    kept: list[Tagged] = []
    for stretch in tagged:
        before = kept[-1] if kept else None
        if before and stretch.first <= before.last:
            continue
        if before and before.kind == stretch.kind == "name" and "\n" not in text[before.end : stretch.start]:
            whole = stretch_of("name", before.first, stretch.last, tokens, text, stretch.score)
            if whole and stretch.first == before.last + 1:
                kept[-1] = whole
                continue
        kept.append(stretch)
    return kept
