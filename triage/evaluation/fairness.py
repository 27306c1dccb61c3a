"""Whether a suggestion hangs on who people are: the same mail, understood again with other people, elsewhere."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from triage.evaluation.intervals import FEWEST
from triage.evaluation.swaps import Swap
from triage.labelled import Labelled, as_mail
from triage.report import MailText, Report

Understand = Callable[[MailText], Report]
SUGGESTIONS = ("kind", "primary", "severity")


@dataclass(frozen=True, slots=True)
class Moved:
    """What one swap did to the suggestions for one mail, and to each score by how much (with its sign taken off)."""

    kind: str
    to: str
    moved: frozenset[str]
    changes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Movement:
    """The same over many mails: shares of mails, and which score changes most, by its mean change.

    Looked at are scores that are shown in at least FEWEST mails; `score` is "" where none is.
    """

    mails: int
    moved: Mapping[str, float]
    any: float
    score: str
    change: float


def moves(understand: Understand, labelled: Labelled, before: Report, swaps: Iterable[Swap]) -> Iterator[Moved]:
    """One for each swap that changes the mail at all."""
    for swap in swaps:
        changed = swap.change(labelled.gold)
        if changed is None or all(changed[key] == labelled.gold[key] for key in changed):
            continue
        after = understand(as_mail({**labelled.gold, **changed}))
        moved = {s for s in SUGGESTIONS if getattr(before, s) != getattr(after, s)}
        yield Moved(swap.kind, swap.to, frozenset(moved), differences(before.to_wire(), after.to_wire()))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, float]:
    """By how much each score changed; that of a category only where it is suggested both times, else nobody sees it."""
    scores, again = _scores(before), _scores(after)
    return {name: abs(scores[name] - again[name]) for name in scores if name in again}


def _scores(said: Mapping[str, Any]) -> dict[str, float]:
    return {
        **{f"kind {k}": score for k, score in said["kind_scores"].items()},
        **{f"category {c['slug']}": c["score"] for c in said["categories"]},
        **{f"missing {f}": score for f, score in said["missing_scores"].items()},
    }


def movement(moved: Iterable[Moved]) -> Movement:
    """The shares and means over some mails."""
    rows = list(moved)
    changes: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, change in row.changes.items():
            changes[name].append(change)
    means = {name: float(np.mean(values)) for name, values in changes.items() if len(values) >= FEWEST}
    worst = max(means, key=lambda name: means[name]) if means else ""
    return Movement(
        mails=len(rows),
        moved={s: _share(s in row.moved for row in rows) for s in SUGGESTIONS},
        any=_share(bool(row.moved) for row in rows),
        score=worst,
        change=means.get(worst, 0.0),
    )


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0
