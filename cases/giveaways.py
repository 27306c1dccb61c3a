"""What a letter would give away of a report: who it is about, words of it, files that came with it. Pure.

A warning for who writes, not a lock: a person may have a reason to name what the reporter wrote. Words that the
template itself says are no giveaway. Takes time in proportion to the texts: they are a stranger's.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Giveaways:
    """What stands in a letter, as it stands there. `persons` are names of persons concerned, or of their functions;
    `passages` runs of words of the report; `names` names and numbers out of it; `files` names of its attachments."""

    persons: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

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
    report = "\n".join(texts)[:_LONGEST_TEXT]
    return Giveaways(
        persons=_first(person for person in concerned if _names(person, said, harmless)),
        passages=_first(_passages(outside, _runs(_folded_words(report)) - _runs(harmless))),
        names=_first(_telling(outside, _telling_words(report) - set(harmless))),
        files=_first(name for name in files if _names_file(name, outside, enclosed)),
    )


def _first(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:_MOST]


def _folded_words(text: str) -> list[str]:
    return [folded(word) for word in _WORD.findall(text)]


def _runs(said: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(said[at : at + RUN]) for at in range(len(said) - RUN + 1)}


def _names(person: str, said: Sequence[str], harmless: Sequence[str]) -> bool:
    """Is a word of this name said that the template does not say?"""
    telling = {word for word in words(person) if len(word) >= _SHORTEST_NAME}
    return bool(telling & (set(said) - set(harmless)))


def _passages(text: str, runs: set[tuple[str, ...]]) -> Iterable[str]:
    """The longest stretches of the text that are made of these runs, as they stand there."""
    found = list(_WORD.finditer(text))
    said = [folded(word[0]) for word in found]
    starts = (at for at in range(len(said) - RUN + 1) if tuple(said[at : at + RUN]) in runs)
    of_the_report = {place for at in starts for place in range(at, at + RUN)}
    for begin in sorted(of_the_report):
        if begin - 1 in of_the_report:
            continue
        end = next(place for place in range(begin, len(said) + 1) if place not in of_the_report)
        stretch = " ".join(text[found[begin].start() : found[end - 1].end()].split())
        if len(stretch) >= _FEWEST_LETTERS:
            yield stretch


def _telling_words(report: str) -> set[str]:
    """Words that a reporter writes with a capital in the middle of a sentence, and numbers."""
    telling = set()
    for word in _WORD.finditer(report):
        capital = len(word[0]) >= _SHORTEST_TELLING and word[0][0].isupper()
        before = report[max(0, word.start() - 4) : word.start()]
        if _NUMBER.search(word[0]) or (capital and before.strip() and not _SENTENCE.search(before)):
            telling.add(folded(word[0]))
    return telling


def _telling(text: str, telling: set[str]) -> Iterable[str]:
    return (word[0] for word in _WORD.finditer(text) if folded(word[0]) in telling)


def _names_file(name: str, text: str, enclosed: Iterable[str]) -> bool:
    stem = name.rpartition(".")[0] or name
    return name in enclosed or (len(stem) >= _SHORTEST_TELLING and folded(stem) in folded(text))
