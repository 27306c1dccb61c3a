"""What a run found, worked out: figures with intervals for all mails, by language and label, and the other tests."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import methodcaller

import numpy as np

from triage.evaluation.counts import BINS, counts
from triage.evaluation.fairness import Moved, Movement, movement
from triage.evaluation.intervals import interval, resamplings
from triage.evaluation.leaks import Pair, nearest
from triage.evaluation.measures import CALIBRATED, CATEGORIES, KINDS, MISSING, Sums, Table, figures
from triage.evaluation.run import MELDPOST, Judged
from triage.linear import Floats


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the bounds between which it lies in 95 of 100 resamplings."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Label:
    """One kind, category or missing field: in how many mails it holds, and how well it was told."""

    name: str
    there: int
    precision: Figure
    recall: Figure
    f1: Figure


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores between two bounds: how many, their mean, and the share that was right."""

    count: int
    score: float
    right: float


@dataclass(frozen=True, slots=True)
class Group:
    """Some mails, and the figures of one way of understanding them."""

    name: str
    mails: int
    figures: Mapping[str, Figure]
    labels: tuple[Label, ...]
    bins: Mapping[str, tuple[Bin, ...]]
    asked: Mapping[str, tuple[int, int]]
    """For each field: how often a receipt would ask for it, and how often of those it was there."""
    reaching: tuple[int, int]
    """How many reports and additions were seen as what a person must read, and of how many."""


@dataclass(frozen=True, slots=True)
class Result:
    """All that the pages tell."""

    mails: int
    writers: int
    groups: int
    """How many groups of writers were left out in turn."""
    ways: Mapping[str, Group]
    """All mails, by each way of understanding them."""
    languages: tuple[Group, ...]
    movements: Mapping[tuple[str, str], Movement]
    """By kind of swap and what to; "" as what to for all of that kind."""
    deletion: Figure | None
    deletions: int
    pairs: tuple[Pair, ...]

    @property
    def own(self) -> Group:
        return self.ways[MELDPOST]


def result(judged: Sequence[Judged], groups: int, seed: int = 0) -> Result:
    """Works everything out; takes some seconds."""
    ways = list(dict.fromkeys(way for j in judged for way in j.said))
    by_language: dict[str, list[Judged]] = {}
    for j in judged:
        by_language.setdefault(j.labelled.gold["lang"], []).append(j)
    most_first = sorted(by_language.items(), key=lambda item: (-len(item[1]), item[0]))
    held, deletions = _deletion(judged, seed)
    return Result(
        mails=len(judged),
        writers=len({j.labelled.writer for j in judged}),
        groups=groups,
        ways={way: group(way, judged, way, seed) for way in ways},
        languages=tuple(group(lang, mails, MELDPOST, seed) for lang, mails in most_first),
        movements=_movements(m for j in judged for m in j.moved),
        deletion=held,
        deletions=deletions,
        pairs=tuple(nearest([j.labelled for j in judged])),
    )


def group(name: str, judged: Sequence[Judged], way: str = MELDPOST, seed: int = 0) -> Group:
    """The figures of one way over some mails."""
    table = Table([counts(j.labelled.gold, j.said.get(way, {})) for j in judged])
    whole, drawn = table.whole(), table.sums(resamplings([j.labelled.writer for j in judged], seed=seed))

    def figure(of: Callable[[Sums], Floats]) -> Figure:
        return Figure(float(of(whole)[0]), *interval(of(drawn)))

    values, spread = figures(whole), figures(drawn)
    return Group(
        name=name,
        mails=len(judged),
        figures={key: Figure(float(values[key][0]), *interval(spread[key])) for key in values},
        labels=tuple(
            Label(
                label,
                int(whole.there(label)[0]),
                figure(methodcaller("precision", label)),
                figure(methodcaller("recall", label)),
                figure(methodcaller("f1", label)),
            )
            for label in (*KINDS, *CATEGORIES, *MISSING)
        ),
        bins={name: _bins(whole, name) for name in CALIBRATED},
        asked={label: _rate(whole, f"asked_though_there {label.removeprefix('missing ')}")[::-1] for label in MISSING},
        reaching=_rate(whole, "reports_that_reach_a_person"),
    )


def _bins(sums: Sums, name: str) -> tuple[Bin, ...]:
    found = []
    for b in range(BINS):
        count, score, right = (float(sums[f"{name}|{what}{b}"][0]) for what in ("n", "score", "right"))
        found.append(Bin(int(count), score / count if count else 0.0, right / count if count else 0.0))
    return tuple(found)


def _rate(sums: Sums, name: str) -> tuple[int, int]:
    """In how many it was so, and of how many."""
    return int(sums[f"{name}|right"][0]), int(sums[f"{name}|of"][0])


def _movements(moved: Iterable[Moved]) -> dict[tuple[str, str], Movement]:
    rows: dict[tuple[str, str], list[Moved]] = {}
    for one in moved:
        rows.setdefault((one.kind, ""), []).append(one)
        rows.setdefault((one.kind, one.to), []).append(one)
    return {key: movement(found) for key, found in rows.items()}


def _deletion(judged: Sequence[Judged], seed: int) -> tuple[Figure | None, int]:
    tried = [(j.labelled.writer, j.deletion.holds) for j in judged if j.deletion is not None]
    if not tried:
        return None, 0
    held = np.array([[float(holds)] for _, holds in tried])
    weights = resamplings([writer for writer, _ in tried], seed=seed)
    return Figure(float(held.mean()), *interval((weights @ held)[:, 0] / weights.sum(axis=1))), len(tried)
