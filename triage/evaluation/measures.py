"""From sums to figures. Every figure is worked out for many resamplings at once: arrays in, arrays out."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from config.taxonomy import Category, Kind, Severity
from triage.evaluation.counts import BINS, Count
from triage.labelled import REQUIRED
from triage.linear import Floats

KINDS, CATEGORIES = [f"kind {k}" for k in Kind], [f"category {c}" for c in Category]
MISSING = [f"missing {f}" for f in REQUIRED]
CALIBRATED = ("kind", "primary", "holds")
"""What scores speak for: the kind is right; the primary category is the primary one; that category holds at all."""


class Table:
    """One row for each mail, one column for each sum."""

    def __init__(self, mails: Sequence[Mapping[str, float]]) -> None:
        self._columns = {name: i for i, name in enumerate(sorted({name for m in mails for name in m}))}
        self.rows = np.zeros((len(mails), len(self._columns)))
        for i, mail in enumerate(mails):
            for name, value in mail.items():
                self.rows[i, self._columns[name]] = value

    def sums(self, weights: Floats) -> "Sums":
        """The sums for each row of weights (resamplings × mails)."""
        totals = weights @ self.rows
        return Sums({name: totals[:, i] for name, i in self._columns.items()}, len(weights))

    def whole(self) -> "Sums":
        """The sums over all mails, once."""
        return self.sums(np.ones((1, len(self.rows))))


class Sums:
    """Sums by name; what was never counted is 0."""

    def __init__(self, sums: Mapping[str, Floats], size: int) -> None:
        self._sums, self._none = sums, np.zeros(size)

    def __getitem__(self, name: str) -> Floats:
        return self._sums.get(name, self._none)

    def share(self, name: str) -> Floats:
        """How often it was right; 0 where it was never tried."""
        return divided(self[f"{name}|right"], self[f"{name}|of"])

    def precision(self, label: str) -> Floats:
        return divided(self[f"{label}|hits"], self[f"{label}|hits"] + self[f"{label}|false"], 1.0)

    def recall(self, label: str) -> Floats:
        return divided(self[f"{label}|hits"], self[f"{label}|hits"] + self[f"{label}|missed"], 1.0)

    def f1(self, label: str) -> Floats:
        hits = 2 * self[f"{label}|hits"]
        return divided(hits, hits + self[f"{label}|false"] + self[f"{label}|missed"], 1.0)

    def there(self, label: str) -> Floats:
        """In how many mails the label holds, or how many mentions there are."""
        return self[f"{label}|hits"] + self[f"{label}|missed"]

    def macro(self, labels: Sequence[str]) -> Floats:
        """The mean F1 of the labels that occur."""
        occurs = np.array([self.there(label) > 0 for label in labels])
        return divided((occurs * np.array([self.f1(label) for label in labels])).sum(axis=0), occurs.sum(axis=0))

    def micro(self, labels: Sequence[str]) -> Floats:
        hits, false, missed = (sum((self[f"{x}|{what}"] for x in labels), self._none) for what in _PARTS)
        return divided(2 * hits, 2 * hits + false + missed)

    def kappa(self) -> Floats:
        """Severity: agreement beyond chance, quadratically weighted (a miss by two steps counts four times one)."""
        order = list(Severity)
        seen = np.array([[self[f"severity {g}>{s}"] for s in order] for g in order])
        total = seen.sum(axis=(0, 1))
        cost = np.array([[(i - j) ** 2 for j in range(len(order))] for i in range(len(order))])[:, :, None]
        by_chance = divided(seen.sum(axis=1)[:, None] * seen.sum(axis=0)[None, :], total)
        expected = (cost * by_chance).sum(axis=(0, 1))
        return np.where(total > 0, 1 - divided((cost * seen).sum(axis=(0, 1)), expected), 0.0)

    def ece(self, name: str) -> Floats:
        """Expected calibration error: how far score and share of right ones lie apart, over bins of equal width."""
        apart = sum((abs(self[f"{name}|score{b}"] - self[f"{name}|right{b}"]) for b in range(BINS)), self._none)
        return divided(apart, sum((self[f"{name}|n{b}"] for b in range(BINS)), self._none))


_PARTS = ("hits", "false", "missed")


def figures(sums: Sums) -> dict[str, Floats]:
    """All measures, under the names that the judge of the corpus gives them, and some of our own behind those."""
    return {
        "mails": sums["mails"],
        "kind_accuracy": sums.share("kind_accuracy"),
        "kind_macro_f1": sums.macro(KINDS),
        "reports_that_reach_a_person": sums.share("reports_that_reach_a_person"),
        "primary_category_accuracy": sums.share("primary_category_accuracy"),
        "category_macro_f1": sums.macro(CATEGORIES),
        "category_micro_f1": sums.micro(CATEGORIES),
        "concerned_name_f1": sums.f1("name"),
        "concerned_name_precision": sums.precision("name"),
        "concerned_name_recall": sums.recall("name"),
        "concerned_function_f1": sums.f1("function"),
        "phone_f1": sums.f1("phone"),
        "address_f1": sums.f1("address"),
        "missing_macro_f1": np.mean([sums.f1(label) for label in MISSING], axis=0),
        "missing_exact_set": sums.share("missing_exact_set"),
        "severity_accuracy": sums.share("severity_accuracy"),
        "severity_weighted_kappa": sums.kappa(),
        "anonymous_f1": sums.f1("anonymous"),
        "language_accuracy": sums.share("language_accuracy"),
        "asked": sums["asked_though_there|of"],
        "asked_though_there": sums.share("asked_though_there"),
        **{f"ece_{name}": sums.ece(name) for name in CALIBRATED},
    }


def figures_of(mails: Iterable[Count]) -> dict[str, float]:
    """The measures over some mails, as plain numbers."""
    rows = list(mails)
    if not rows:
        return {"mails": 0.0}
    return {name: float(value[0]) for name, value in figures(Table(rows).whole()).items()}


def divided(above: Floats, below: Floats, otherwise: float = 0.0) -> Floats:
    """A fraction, or what is meant by it where there is nothing to divide by."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), otherwise)
