"""A piece of a mail's text, with what its source knew of it: which of its lines are quoted history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_BETWEEN = "\n\n"


@dataclass(frozen=True)
class Passage:
    """`history` holds numbers of lines, from 0."""

    text: str
    history: frozenset[int] = frozenset()


def joined(passages: Iterable[Passage]) -> Passage:
    """All that have words below each other, with an empty line between."""
    texts: list[str] = []
    history: set[int] = set()
    first = 0
    for each in passages:
        if each.text.strip():
            texts.append(each.text)
            history.update(first + line for line in each.history)
            first += each.text.count("\n") + _BETWEEN.count("\n")
    return Passage(_BETWEEN.join(texts), frozenset(history))
