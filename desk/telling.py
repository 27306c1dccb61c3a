"""A letter with the places marked where it tells something of the report, each with the words around it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cases.giveaways import Place

_AROUND = 40
"""So many characters on either side show where a place is."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a letter. `place`: what it tells; None where that is nothing. `before` and `after`: what stands
    around it, on one line."""

    text: str
    place: Place | None = None
    before: str = ""
    after: str = ""


def pieces(letter: str, places: Sequence[Place]) -> Iterator[Piece]:
    """The whole letter, in order; `places` are in order, and none lie over each other."""
    done = 0
    for place in places:
        if place.begin > done:
            yield Piece(letter[done : place.begin])
        before, after = letter[: place.begin], letter[place.end :]
        around = (_on_one_line(before[-_AROUND:]), _on_one_line(after[:_AROUND]))
        yield Piece(letter[place.begin : place.end], place, *around)
        done = place.end
    if done < len(letter):
        yield Piece(letter[done:])


def _on_one_line(text: str) -> str:
    """With its space at the ends: it tells whether a word goes on."""
    start, end = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' if start else ''}{' '.join(text.split())}{' ' if end else ''}"
