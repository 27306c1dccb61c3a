"""Training on the corpus and on what a desk decided; the new model is refused where it does worse than before.

Before and after are measured by the same mails: those of every fifth writer of the corpus and every fifth case, which
neither of the two models that are compared has seen. "Before" learns from the corpus and from the cases that the model
in force has seen, "after" from the corpus and from all cases. The model that is kept then learns from everything.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from triage.evaluation.counts import Count, counts_of_known
from triage.evaluation.run import answers
from triage.labelled import CORPUS, Labelled, Sentence, read, read_sentences
from triage.model import Model
from triage.pipeline import Triage
from triage.training import Folds, Progress, fit, prepare, usage_in
from triage.vocabulary import Usage
from triage.wording import Example

FEWEST = 10
"""Cases, below which nothing is learned: there would be one or two to measure by."""
_ONE_IN = 5
_CHANCE = 0.6
"""Over the root of the number of mails: twice what chance does where one answer in ten changes."""
_MAILS = 1.5
"""One mail may fall the other way by chance, however few there are."""
_SHARES = {"kind": "kind_accuracy", "primary": "primary_category_accuracy", "severity": "severity_accuracy"}


class TooFew(ValueError):
    """There are not enough decided cases to learn from and to measure by."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure on one set of mails, before and after: a share of `count` mails, or for names an F1."""

    of: str
    name: str
    count: int
    before: float
    after: float

    @property
    def is_worse(self) -> bool:
        return self.count > 0 and self.before - self.after > max(_CHANCE / sqrt(self.count), _MAILS / self.count)


@dataclass(frozen=True, slots=True)
class Learned:
    """What was measured, and the model; None where it was refused."""

    figures: tuple[Figure, ...]
    model: Model | None


def learn(
    cases: Sequence[Labelled],
    seen_before: Collection[str] = (),
    corpus: Path = CORPUS,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> Learned:
    """Train and compare. `seen_before` are the writers of `cases` that the model in force has seen.

    Raises TooFew, BadCorpus. On the whole corpus it trains three times: a quarter of an hour and more.
    """
    if len(cases) < FEWEST:
        raise TooFew(f"There are {len(cases)} decided cases to learn from; it takes at least {FEWEST}.")
    progress("reading the corpus and the cases")
    sentences = read_sentences(corpus)
    labelled = read(corpus)
    usage = usage_in(labelled)  # of the corpus alone: no word of a case is counted
    mails, held_mails = _parted(prepare(labelled, usage), seed)
    taught, held_cases = _parted(prepare(cases, usage, names=Triage(Model.load()).names), seed)
    known = [e for e in taught if e.labelled.writer in seen_before]
    held = {"corpus": held_mails, "cases": held_cases}
    progress("training without the corrections, to compare")
    before = _measured(_fit([*mails, *known], usage, seed, sentences), held)
    progress("training with the corrections, to compare")
    after = _measured(_fit([*mails, *taught], usage, seed, sentences), held)
    figures = tuple(
        Figure(of, name, before[of, name][1], before[of, name][0], after[of, name][0]) for of, name in before
    )
    if any(figure.is_worse for figure in figures):
        return Learned(figures, None)
    progress("training on everything")
    everything = [*mails, *held_mails, *taught, *held_cases]
    return Learned(figures, fit(everything, usage, seed, progress, sentences))


def _fit(examples: Sequence[Example], usage: Usage, seed: int, sentences: Sequence[Sentence]) -> Triage:
    return Triage(fit(examples, usage, seed, sentences=sentences))


def _parted(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Those to learn from, and those of every fifth writer."""
    of = Folds([e.labelled.writer for e in examples], seed + 1, _ONE_IN).of
    learned_from = [e for e, group in zip(examples, of, strict=True) if group != 0]
    return learned_from, [e for e, group in zip(examples, of, strict=True) if group == 0]


def _measured(triage: Triage, held: dict[str, list[Example]]) -> dict[tuple[str, str], tuple[float, int]]:
    """For each set and measure the figure, and on how many it stands."""
    found = {}
    for of, examples in held.items():
        total = Count()
        for labelled, report in answers(triage, examples):
            total.update(counts_of_known(labelled, report.to_wire()))
        for name, share in _SHARES.items():
            count = total[f"{share}|of"]
            found[of, name] = (total[f"{share}|right"] / count if count else 0.0, count)
        hits, wrong = total["name|hits"], total["name|false"] + total["name|missed"]
        found[of, "names"] = (2 * hits / (2 * hits + wrong) if hits + wrong else 0.0, hits + total["name|missed"])
    return found
