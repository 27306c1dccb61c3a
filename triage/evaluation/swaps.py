"""The same mail with other people in it, elsewhere, or of the other sex: what is told stays as it is.

Each swap takes the labels of a mail (it needs to know which words are names) and gives the changed texts, or None where
it changes nothing. Subject, body, display name and the address before the @ change alike. Names in other than Latin
letters stay. What cannot be told from other words without understanding the sentence stays too: "zijn", "haar", "her",
and the nationalities made of a country's name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from triage.evaluation.counts import Gold
from triage.evaluation.culture import CULTURES
from triage.evaluation.moving import moved, to_towns
from triage.evaluation.regendering import regendered
from triage.evaluation.renaming import renamed

Change = Callable[[Gold], dict[str, str] | None]
PEOPLE, PLACES, TOWNS, GENDERS = "people", "places", "towns", "genders"


@dataclass(frozen=True, slots=True)
class Swap:
    """One way to change a mail; `kind` is PEOPLE, PLACES, TOWNS or GENDERS, and `to` the culture where it is people."""

    kind: str
    to: str
    change: Change


def swaps_for(number: int, cultures: int = 3) -> list[Swap]:
    """The swaps for the mail of this number: places, towns, genders, and names of some cultures, in turn."""
    chosen = [CULTURES[(number + i * (len(CULTURES) // cultures)) % len(CULTURES)] for i in range(cultures)]
    return [
        *(Swap(PEOPLE, culture.name, partial(renamed, culture=culture)) for culture in chosen),
        Swap(PLACES, "other countries and cities", moved),
        Swap(TOWNS, "towns on no list", to_towns),
        Swap(GENDERS, "the other sex", regendered),
    ]
