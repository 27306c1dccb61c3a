"""How good the suggestions are on mails of writers whom the model has never seen.

    judged = run(Plan(folds=None, whole=True))       each writer left out once: hours
    print(page(result(judged, groups), date))

The measures are those of the judge of the corpus: what counts as the same name, function or number is forgiving where
a reader would be, and a mail without an answer counts as wrong. Beside them stand intervals, the figures of two plain
baselines, how well scores are calibrated, whether suggestions hang on names, places or gender, whether the evidence
carries the suggestion, and whether mails of different writers are nearly the same.

It reads the corpus and writes nothing: `meldpost evaluate` puts the pages in their place.
"""

from collections.abc import Sequence
from pathlib import Path

from triage.evaluation.counts import counts
from triage.evaluation.intervals import FEWEST
from triage.evaluation.measures import figures_of
from triage.evaluation.run import MELDPOST, Answered, Judged, Plan, answers, run
from triage.labelled import CORPUS
from triage.training import Progress

__all__ = ["Answered", "Judged", "Plan", "answers", "by_language", "evaluate", "figures", "run"]


def evaluate(
    corpus: Path = CORPUS,
    folds: int | None = 5,
    seed: int = 0,
    progress: Progress = lambda _: None,
    only: int | None = None,
) -> dict[str, dict[str, float]]:
    """Train without each group of writers in turn and judge their mails; figures for all mails and by language."""
    return by_language_of(run(Plan(folds, seed, only), corpus, progress))


def by_language(answered: Sequence[Answered]) -> dict[str, dict[str, float]]:
    """Figures for all mails and for every language with at least FEWEST."""
    return by_language_of([Judged(labelled, {MELDPOST: report.to_wire()}) for labelled, report in answered])


def by_language_of(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """The same for what `run` found."""
    rows = [(j.labelled.gold["lang"], counts(j.labelled.gold, j.said[MELDPOST])) for j in judged]
    languages = sorted({lang for lang, _ in rows})
    groups = {lang: [row for of, row in rows if of == lang] for lang in languages}
    enough = {lang: figures_of(group) for lang, group in groups.items() if len(group) >= FEWEST}
    return {"all": figures_of(row for _, row in rows), **enough}


def figures(answered: Sequence[Answered]) -> dict[str, float]:
    """The measures over some mails."""
    return figures_of(counts(labelled.gold, report.to_wire()) for labelled, report in answered)
