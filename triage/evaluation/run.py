"""Writers left out in turn: a model is trained without them, and asked about their mails."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from triage.evaluation import baselines
from triage.evaluation.counts import Said
from triage.evaluation.deletion import Deletion, deletion
from triage.evaluation.fairness import Moved, moves
from triage.evaluation.side_by_side import side_by_side
from triage.evaluation.swaps import swaps_for
from triage.fitting import Mask
from triage.labelled import CORPUS, BadCorpus, Labelled, read, read_sentences
from triage.pipeline import Triage
from triage.pretrained import Pretrained
from triage.reading import Preparation
from triage.report import Report
from triage.training import Folds, Progress, fit_around, prepare, usage_in
from triage.wording import Example, Learning, Wording

Answered = tuple[Labelled, Report]
MELDPOST = "meldpost"
_PLAIN_GROUPS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How to measure.

    `folds` is the number of groups that the writers are dealt into; None leaves each writer out alone. `only` runs
    that many of the groups, for when there is no time for all. `whole` adds the baselines, the swaps and the deletion
    of evidence, which take about as long again as training a small model. `pipeline` names a pretrained one to build
    on. `processes` is how many groups are measured at a time: each takes a core and two gigabytes.
    `probe_every`: of so many mails of a group one is swapped, and has its evidence deleted.
    """

    folds: int | None = 5
    seed: int = 0
    only: int | None = None
    whole: bool = False
    pipeline: str = ""
    processes: int = 1
    probe_every: int = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """One mail, what was said of it by each way of understanding, and what the tests on it showed."""

    labelled: Labelled
    said: Mapping[str, Said]
    moved: tuple[Moved, ...] = ()
    deletion: Deletion | None = None


@dataclass
class _Clock:
    """Says what is done, and about how long the rest takes."""

    groups: Sequence[str]
    progress: Progress
    began: float = field(default_factory=time.monotonic)

    def tell(self, number: int) -> None:
        done, took = number + 1, time.monotonic() - self.began
        left = took / done * (len(self.groups) - done) / 60
        self.progress(f"{self.groups[number]} left out ({done} of {len(self.groups)}, about {left:.0f} minutes left)")


def run(plan: Plan, corpus: Path = CORPUS, progress: Progress = lambda _: None) -> list[Judged]:
    """Every mail of the corpus, judged by models that have seen no mail of its writer; raises BadCorpus, BadPipeline,
    WorkerGone."""
    pretrained = Pretrained.open(plan.pipeline) if plan.pipeline else None
    progress("reading the corpus")
    mails = read(corpus)
    groups, names = dealt([m.writer for m in mails], plan)
    _check(mails, groups)
    usage = usage_in(mails)
    examples = prepare(mails, usage, pretrained)
    progress("learning words without each group")
    left_out = [np.array(groups) == number for number in range(len(names[: plan.only]))]
    wordings = Learning(examples, usage, read_sentences(corpus), pretrained).without(left_out)
    plain = _plain(plan, mails, progress) if plan.whole else {}
    clock, found = _Clock(names[: plan.only], progress), list[Judged]()
    work = [partial(_judged, plan, wording, examples, out) for wording, out in zip(wordings, left_out, strict=True)]
    for number, judged in enumerate(side_by_side(work, plan.processes)):
        clock.tell(number)
        found.extend(replace(j, said={**j.said, **plain.get(j.labelled.gold["id"], {})}) for j in judged)
    return found


def _judged(plan: Plan, wording: Wording, examples: Sequence[Example], left_out: Mask) -> list[Judged]:
    """The mails left out, by a model trained on the others."""
    known = [e for e, out in zip(examples, left_out, strict=True) if not out]
    asked = [e for e, out in zip(examples, left_out, strict=True) if out]
    with threadpool_limits(1):
        triage = Triage(fit_around(wording, known, plan.seed), Preparation(wording.learning.pretrained))
        return [
            _probed(triage, number // plan.probe_every, *answer)
            if plan.whole and number % plan.probe_every == 0
            else _said(*answer)
            for number, answer in enumerate(answers(triage, asked))
        ]


def _plain(plan: Plan, mails: Sequence[Labelled], progress: Progress) -> dict[str, dict[str, Said]]:
    """What the baselines say of each mail, by its id. Fitting n-grams takes a minute: at most ten groups of writers
    are left out."""
    progress("learning the plain ways beside it")
    groups, names = dealt([m.writer for m in mails], plan)
    if len(names) > _PLAIN_GROUPS:
        groups, names = dealt([m.writer for m in mails], replace(plan, folds=_PLAIN_GROUPS))
    left_out = [np.array(groups) == number for number in range(len(names))]
    work = [partial(_plain_without, mails, out, plan.seed) for out in left_out]
    return {id_: said for part in side_by_side(work, plan.processes) for id_, said in part.items()}


def _plain_without(mails: Sequence[Labelled], left_out: Mask, seed: int) -> dict[str, dict[str, Said]]:
    known = [m for m, out in zip(mails, left_out, strict=True) if not out]
    asked = [m for m, out in zip(mails, left_out, strict=True) if out]
    with threadpool_limits(1):
        learned = baselines.Ngrams(known, seed).answers(asked)
    keywords = baselines.Keywords()
    return {
        m.gold["id"]: {baselines.KEYWORDS: keywords.answer(m), baselines.NGRAMS: said}
        for m, said in zip(asked, learned, strict=True)
    }


def _check(mails: Sequence[Labelled], groups: Sequence[int]) -> None:
    """Training deals the writers it knows into groups once more, and needs two for that."""
    for number in set(groups):
        if len({m.writer for m, group in zip(mails, groups, strict=True) if group != number}) < 2:
            raise BadCorpus(
                "Without one group of writers there is one writer left, or none, and nothing can be learned. "
                "Spread the mails over more files, one a writer, or leave out fewer at a time."
            )


def dealt(writers: Sequence[str], plan: Plan) -> tuple[Sequence[int], list[str]]:
    """The group of each mail, and a name for each group."""
    if plan.folds is None:
        names = sorted(set(writers), key=lambda w: (len(w), w))
        return [names.index(w) for w in writers], names
    folds = Folds(writers, plan.seed + 1, plan.folds)
    of = np.asarray(folds.of).tolist()
    return of, [", ".join(sorted({w for w, g in zip(writers, of, strict=True) if g == n})) for n in range(folds.count)]


def answers(triage: Triage, examples: Sequence[Example]) -> list[Answered]:
    """What a model says about prepared mails."""
    return [(e.labelled, triage.understand_prepared(e.prepared, e.labelled.mail)) for e in examples]


def _said(labelled: Labelled, report: Report) -> Judged:
    return Judged(labelled, {MELDPOST: report.to_wire()})


def _probed(triage: Triage, number: int, labelled: Labelled, report: Report) -> Judged:
    return replace(
        _said(labelled, report),
        moved=tuple(moves(triage.understand, labelled, report, swaps_for(number))),
        deletion=deletion(triage.understand, labelled.mail, report),
    )
