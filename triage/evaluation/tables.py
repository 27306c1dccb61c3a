"""Tables in Markdown, and how a figure is written: with its interval, or not at all where there are too few mails."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from triage.evaluation.intervals import FEWEST
from triage.evaluation.results import Figure, Group

NOT_MEASURED = "not measured"
AIMS: Mapping[str, float] = {
    "kind_accuracy": 0.95,
    "reports_that_reach_a_person": 1.0,
    "primary_category_accuracy": 0.85,
    "category_micro_f1": 0.82,
    "concerned_name_f1": 0.90,
    "concerned_function_f1": 0.82,
    "phone_f1": 0.98,
    "address_f1": 0.95,
    "missing_macro_f1": 0.93,
    "missing_exact_set": 0.75,
    "severity_weighted_kappa": 0.70,
    "language_accuracy": 0.99,
}
"""What this project set out to reach on writers whom the model has not seen."""
NAMES: Mapping[str, str] = {
    "kind_accuracy": "kind: share right",
    "kind_macro_f1": "kind: F1, mean of the kinds",
    "reports_that_reach_a_person": "reports and additions that a person must read, seen as such",
    "primary_category_accuracy": "primary category: share right",
    "category_macro_f1": "categories: F1, mean of the categories",
    "category_micro_f1": "categories: F1 over all",
    "concerned_name_f1": "names of persons concerned: F1",
    "concerned_name_precision": "names of persons concerned: precision",
    "concerned_name_recall": "names of persons concerned: recall",
    "concerned_function_f1": "functions of persons concerned: F1",
    "phone_f1": "reporter's telephone: F1",
    "address_f1": "reporter's address: F1",
    "missing_macro_f1": "missing fields: F1, mean of the fields",
    "missing_exact_set": "missing fields: all of them right",
    "severity_accuracy": "severity: share right",
    "severity_weighted_kappa": "severity: weighted kappa",
    "anonymous_f1": "wants to stay anonymous: F1",
    "language_accuracy": "language: share right",
}
"""The measures of the judge of the corpus, in words."""
_DECIMALS: Mapping[str, int] = {"reports_that_reach_a_person": 3}
"""Where 0.997 is not 1.00: each that is missed counts."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column is text, the others figures."""
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def with_interval(figure: Figure, decimal: str = ".", decimals: int = 2) -> str:
    """0.83 (0.80–0.86)"""
    value, low, high = (f"{number:.{decimals}f}" for number in (figure.value, figure.low, figure.high))
    return f"{value} ({low}–{high})".replace("-", "−").replace(".", decimal)


def measured(figure: Figure, mails: float) -> str:
    """The figure, where there are enough mails to say anything."""
    return with_interval(figure) if mails >= FEWEST else NOT_MEASURED


def told(group: Group, key: str, decimal: str = ".") -> str:
    """One of the measures of a group, where it has enough mails to say anything."""
    figure, decimals = group.figures[key], _DECIMALS.get(key, 2)
    return with_interval(figure, decimal, decimals) if group.mails >= FEWEST else NOT_MEASURED


def prose(text: str) -> str:
    """One paragraph, or item of a list, in lines of the usual length."""
    hanging = "  " if text.lstrip().startswith("- ") else ""
    return textwrap.fill(" ".join(text.split()), 118, subsequent_indent=hanging, break_on_hyphens=False)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
