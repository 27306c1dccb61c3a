"""How good the suggestions are on mails of writers whom the model has never seen.

The measures are those of the judge of the corpus: what counts as the same name, function or number is forgiving
where a reader would be, and a mail without an answer counts as wrong.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from config.taxonomy import Category, Kind, MissingField, Severity
from triage.decisions import FOR_A_PERSON
from triage.labelled import CORPUS, REQUIRED, Labelled, read
from triage.matching import overlap, same_name
from triage.pipeline import Triage
from triage.report import Report
from triage.training import Example, Folds, Progress, fit, prepare

Answered = tuple[Labelled, Report]
ASK_THRESHOLD = 0.95


@dataclass
class Counts:
    """Hits, false alarms and misses of one label."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    def add(self, gold: bool, said: bool) -> None:
        self.hits += gold and said
        self.false += said and not gold
        self.missed += gold and not said

    def match(self, gold: Iterable[str], said: Iterable[str], same: Callable[[str, str], bool]) -> None:
        """Pairs mentions one to one, first come first served."""
        left = list(said)
        for mention in gold:
            hit = next((s for s in left if same(mention, s)), None)
            if hit is None:
                self.missed += 1
            else:
                left.remove(hit)
                self.hits += 1
        self.false += len(left)

    @property
    def f1(self) -> float:
        total = 2 * self.hits + self.false + self.missed
        return 2 * self.hits / total if total else 1.0

    @property
    def seen(self) -> bool:
        return self.hits + self.missed > 0


@dataclass
class _Tally:
    kinds: dict[Kind, Counts] = field(default_factory=lambda: {k: Counts() for k in Kind})
    categories: dict[Category, Counts] = field(default_factory=lambda: {c: Counts() for c in Category})
    missing: dict[str, Counts] = field(default_factory=lambda: {f: Counts() for f in REQUIRED})
    names: Counts = field(default_factory=Counts)
    functions: Counts = field(default_factory=Counts)
    phones: Counts = field(default_factory=Counts)
    addresses: Counts = field(default_factory=Counts)
    anonymous: Counts = field(default_factory=Counts)
    flags: dict[str, list[bool]] = field(default_factory=dict)
    severities: list[tuple[str, str]] = field(default_factory=list)
    asked: list[bool] = field(default_factory=list)

    def flag(self, name: str, value: bool) -> None:
        self.flags.setdefault(name, []).append(value)


def evaluate(
    corpus: Path = CORPUS, folds: int = 5, seed: int = 0, progress: Progress = lambda _: None, only: int | None = None
) -> dict[str, dict[str, float]]:
    """Train without each group of writers in turn and judge their mails; figures for all mails and by language.

    `only` runs that many of the folds, for when there is no time for all.
    """
    progress("reading the corpus")
    examples = prepare(read(corpus))
    groups = Folds([e.labelled.writer for e in examples], seed + 1, folds)
    answered: list[Answered] = []
    for number in range(groups.count if only is None else min(only, groups.count)):
        progress(f"writers left out: group {number + 1} of {groups.count}")
        triage = Triage(fit([e for e, g in zip(examples, groups.of, strict=True) if g != number], seed, progress))
        answered.extend(answers(triage, [e for e, g in zip(examples, groups.of, strict=True) if g == number]))
    return by_language(answered)


def answers(triage: Triage, examples: Sequence[Example]) -> list[Answered]:
    """What a model says about prepared mails."""
    return [(e.labelled, triage.understand_prepared(e.prepared, e.labelled.mail)) for e in examples]


def by_language(answered: Sequence[Answered]) -> dict[str, dict[str, float]]:
    """Figures for all mails and for every language with at least 50."""
    languages = sorted({mail.gold["lang"] for mail, _ in answered})
    groups = {lang: [a for a in answered if a[0].gold["lang"] == lang] for lang in languages}
    return {"all": figures(answered), **{lang: figures(group) for lang, group in groups.items() if len(group) >= 50}}


def figures(answered: Sequence[Answered]) -> dict[str, float]:
    """The measures over some mails."""
    tally = _Tally()
    for mail, report in answered:
        _count_labels(tally, mail.gold, report)
        if mail.is_report:
            _count_fields(tally, mail.gold, report)
    found = {name: _mean(values) for name, values in tally.flags.items()}
    return {
        "mails": float(len(answered)),
        **found,
        "kind_macro_f1": _mean(c.f1 for c in tally.kinds.values() if c.seen),
        "category_macro_f1": _mean(c.f1 for c in tally.categories.values() if c.seen),
        "category_micro_f1": _micro(tally.categories.values()),
        "concerned_name_f1": tally.names.f1,
        "concerned_function_f1": tally.functions.f1,
        "phone_f1": tally.phones.f1,
        "address_f1": tally.addresses.f1,
        "missing_macro_f1": _mean(c.f1 for c in tally.missing.values()),
        "severity_weighted_kappa": weighted_kappa(tally.severities),
        "anonymous_f1": tally.anonymous.f1,
        "asked": float(len(tally.asked)),
        "asked_though_there": _mean(not a for a in tally.asked),
    }


def _count_labels(tally: _Tally, gold: Mapping[str, Any], report: Report) -> None:
    tally.flag("kind_accuracy", report.kind == gold["kind"])
    tally.flag("language_accuracy", report.language == gold["lang"])
    for kind, counts in tally.kinds.items():
        counts.add(gold["kind"] == kind, report.kind is kind)
    if gold["categories"]:
        tally.flag("primary_category_accuracy", report.primary == gold["primary"])
        said = {c.slug for c in report.categories}
        for category, counts in tally.categories.items():
            counts.add(category in gold["categories"], category in said)


def _count_fields(tally: _Tally, gold: Mapping[str, Any], report: Report) -> None:
    tally.flag("reports_that_reach_a_person", report.kind in FOR_A_PERSON)
    concerned = gold["concerned"]
    tally.names.match(
        [c["name"] for c in concerned if c["name"]], [c.name for c in report.concerned if c.name], same_name
    )
    tally.functions.match(
        [c["function"] for c in concerned if c["function"]],
        [c.function for c in report.concerned if c.function],
        lambda a, b: overlap(a, b) >= 0.5,
    )
    tally.phones.match(_some(gold["phone"]), _some(report.contact.phone), lambda a, b: _digits(a) == _digits(b))
    tally.addresses.match(_some(gold["address"]), _some(report.contact.address), lambda a, b: overlap(a, b) >= 0.7)
    for name, counts in tally.missing.items():
        counts.add(name in gold["missing"], MissingField(name) in report.missing)
    tally.flag("missing_exact_set", {*report.missing} - {MissingField.EMAIL} == {*gold["missing"]})
    if gold["severity"]:
        tally.severities.append((gold["severity"], report.severity.value))
        tally.flag("severity_accuracy", report.severity == gold["severity"])
    tally.anonymous.add(bool(gold["anonymous"]), report.anonymous)
    tally.asked.extend(
        name in gold["missing"]
        for name in REQUIRED
        if name != "description" and report.missing_scores[MissingField(name)] >= ASK_THRESHOLD
    )


def weighted_kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Agreement on an ordered scale beyond chance, a miss by two steps counting four times one by one."""
    if not pairs:
        return 0.0
    order = list(Severity)
    gold = np.array([order.index(Severity(g)) for g, _ in pairs])
    said = np.array([order.index(Severity(s)) for _, s in pairs])
    expected = float(((gold[:, None] - said[None, :]) ** 2).mean())
    return 1 - float(((gold - said) ** 2).mean()) / expected if expected else 1.0


def _some(value: str | None) -> list[str]:
    return [value] if value else []


def _digits(phone: str) -> str:
    return re.sub(r"^00", "", re.sub(r"\D", "", phone.replace("(0)", "")))[-8:]


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(sum(found) / len(found)) if found else 0.0


def _micro(counts: Iterable[Counts]) -> float:
    found = list(counts)
    return Counts(sum(c.hits for c in found), sum(c.false for c in found), sum(c.missed for c in found)).f1
