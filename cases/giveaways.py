"""What a letter would give away of a report: who it is about, words of it, files that came with it. Pure.

A warning for who writes, not a lock: a person may have a reason to name what the reporter wrote. Words that the
template itself says are no giveaway. Takes time in proportion to the texts: they are a stranger's.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from cases.names import folded, words

RUN = 5
"""So many words in a row that stand in the report, too, are its words."""
_FEWEST_LETTERS = 20
"""Shorter runs are made of words that stand anywhere ("en dat is het ook")."""
_SHORTEST_NAME = 3
_SHORTEST_TELLING = 4
_LONGEST_TEXT = 500_000
_MOST = 20

_WORD = re.compile(r"\w+(?:[.,:/@-]\w+)*")
_SENTENCE = re.compile(r"[.!?:\n]\s*$")
_NUMBER = re.compile(r"\d{3}|\d[.,:/-]\d")


class What(StrEnum):
    """What a place in a letter gives away."""

    PERSON = "person"
    PASSAGE = "passage"
    NAME = "name"
    FILE = "file"


@dataclass(frozen=True)
class Place:
    """The characters of a letter from `begin` up to `end` give these away. `persons`: who is named there."""

    begin: int
    end: int
    what: tuple[What, ...]
    persons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Giveaways:
    """What stands in a letter, as it stands there. `persons` are names of persons concerned, or of their functions;
    `passages` runs of words of the report; `names` names and numbers out of it; `files` names of its attachments.
    `places`: where in the letter that is, in order; none lie over each other."""

    persons: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()

    def __bool__(self) -> bool:
        return any((self.persons, self.passages, self.names, self.files))


def giveaways(
    letter: str,
    enclosed: Iterable[str] = (),
    *,
    template: str,
    concerned: Iterable[str],
    texts: Iterable[str],
    files: Iterable[str],
) -> Giveaways:
    """What `letter`, with the names of what is `enclosed`, would tell of a report.

    `concerned`: names and functions of the persons concerned; `texts`: all that the reporter wrote, that of files too;
    `files`: names of what came with it; `template`: what the letter began as.
    """
    outside = "\n".join([letter, *enclosed])
    said, harmless = _folded_words(outside), _folded_words(template)
    report, enclosed, files = "\n".join(texts)[:_LONGEST_TEXT], list(enclosed), list(files)
    persons = [person for person in concerned if _naming(person, harmless) & set(said)]
    runs = _runs(_folded_words(report)) - _runs(harmless)
    telling = _telling_words(report) - set(harmless)
    named = _first(name for name in files if _names_file(name, outside, enclosed))
    places = [
        *(
            Place(*found.span(), (What.PERSON,), (who,))
            for who in persons
            for found in _of(letter, _naming(who, harmless))
        ),
        *(Place(*stretch, (What.PASSAGE,)) for stretch in _stretches(letter, runs)),
        *(Place(*found.span(), (What.NAME,)) for found in _of(letter, telling)),
        *(Place(*found.span(), (What.FILE,)) for name in named for found in _of_file(letter, name)),
    ]
    return Giveaways(
        persons=_first(persons),
        passages=_first(" ".join(outside[begin:end].split()) for begin, end in _stretches(outside, runs)),
        names=_first(found[0] for found in _of(outside, telling)),
        files=named,
        places=tuple(_joined(places)),
    )


def _first(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:_MOST]


def _folded_words(text: str) -> list[str]:
    return [folded(word) for word in _WORD.findall(text)]


def _runs(said: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(said[at : at + RUN]) for at in range(len(said) - RUN + 1)}


def _naming(person: str, harmless: Iterable[str]) -> set[str]:
    """The words of this name by which it is told, but those that the template says."""
    return {word for word in words(person) if len(word) >= _SHORTEST_NAME} - set(harmless)


def _of(text: str, folded_words: Set[str]) -> Iterable[re.Match[str]]:
    """Where these words stand in a text."""
    return (word for word in _WORD.finditer(text) if folded(word[0]) in folded_words)


def _of_file(text: str, name: str) -> Iterable[re.Match[str]]:
    """Where a file is called by its name, if that is long enough to tell anything."""
    stem = _stem(name)
    return re.finditer(re.escape(stem), text, re.IGNORECASE) if len(stem) >= _SHORTEST_TELLING else iter(())


def _joined(places: Iterable[Place]) -> Iterator[Place]:
    """The places in order, those that lie over each other as one."""
    joined: Place | None = None
    for each in sorted(places, key=lambda place: (place.begin, place.end)):
        if joined is not None and each.begin < joined.end:
            joined = Place(
                joined.begin,
                max(joined.end, each.end),
                tuple(dict.fromkeys(joined.what + each.what)),
                tuple(dict.fromkeys(joined.persons + each.persons)),
            )
            continue
        if joined is not None:
            yield joined
        joined = each
    if joined is not None:
        yield joined


def _stretches(text: str, runs: set[tuple[str, ...]]) -> Iterable[tuple[int, int]]:
    """Where the longest stretches of the text begin and end that are made of these runs."""
    found = list(_WORD.finditer(text))
    said = [folded(word[0]) for word in found]
    starts = (at for at in range(len(said) - RUN + 1) if tuple(said[at : at + RUN]) in runs)
    of_the_report = {place for at in starts for place in range(at, at + RUN)}
    for begin in sorted(of_the_report):
        if begin - 1 in of_the_report:
            continue
        end = next(place for place in range(begin, len(said) + 1) if place not in of_the_report)
        first, last = found[begin].start(), found[end - 1].end()
        if len(" ".join(text[first:last].split())) >= _FEWEST_LETTERS:
            yield first, last


def _telling_words(report: str) -> set[str]:
    """Words that a reporter writes with a capital in the middle of a sentence, and numbers."""
    telling = set()
    for word in _WORD.finditer(report):
        capital = len(word[0]) >= _SHORTEST_TELLING and word[0][0].isupper()
        before = report[max(0, word.start() - 4) : word.start()]
        if _NUMBER.search(word[0]) or (capital and before.strip() and not _SENTENCE.search(before)):
            telling.add(folded(word[0]))
    return telling


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _names_file(name: str, text: str, enclosed: Iterable[str]) -> bool:
    stem = _stem(name)
    return name in enclosed or (len(stem) >= _SHORTEST_TELLING and folded(stem) in folded(text))
