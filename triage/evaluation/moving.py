"""Another place for what a mail tells: countries and cities abroad become others."""

import zlib
from collections.abc import Callable

from triage.evaluation.counts import Gold
from triage.evaluation.geography import Place, places
from triage.evaluation.mentions import replaced
from triage.places import words


def moved(gold: Gold, other: Callable[[Place, int], str] = Place.other) -> dict[str, str] | None:
    """Countries and cities become others; the ministry's own country stays, and what is part of a person's name."""
    names = {word for p in gold["people"] for word in p["name"].split()}
    known = places(gold["lang"])
    shift = zlib.crc32(gold["id"].encode())
    found = {word for part in ("subject", "body") for word in words(gold[part])}
    others = {w: other(known[w], shift) for w in sorted(found) if w in known and w not in names}
    return replaced(gold, others, ("subject", "body")) if others else None


def to_towns(gold: Gold) -> dict[str, str] | None:
    """The same, to towns that are on no list of places."""
    return moved(gold, Place.town)
