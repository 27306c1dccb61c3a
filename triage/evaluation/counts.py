"""What one mail adds to the measures: numbers that can be summed over any mails, and over any resampling of them.

An answer is looked at as the JSON of the contract (`Report.to_wire`), so that a baseline that fills in only some keys
is measured in the same way. A mail without an answer ({}) counts as wrong everywhere, as it does for the judge.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from config.taxonomy import ABOUT_THE_REPORTER, Category, Kind, Severity
from triage.decisions import FOR_A_PERSON
from triage.evaluation import judge
from triage.labelled import REQUIRED, Labelled

Gold = Mapping[str, Any]
Said = Mapping[str, Any]

BINS = 10
"""Of equal width: (0, 0.1], (0.1, 0.2] ... (0.9, 1]; a score of 0 falls into the first."""
ASK_THRESHOLD = 0.95
"""The default of the setting of that name: from this score on a receipt asks for the field."""
_REPORTS = ("melding", "aanvulling")


class Count(Counter[str]):
    """Named sums. `label` and `match` add to NAME|hits, |false and |missed, `rate` to NAME|right and |of."""

    def rate(self, name: str, right: bool) -> None:
        self[f"{name}|right"] += int(right)
        self[f"{name}|of"] += 1

    def label(self, name: str, gold: bool, said: bool) -> None:
        self[f"{name}|hits"] += int(gold and said)
        self[f"{name}|false"] += int(said and not gold)
        self[f"{name}|missed"] += int(gold and not said)

    def match(self, name: str, gold: Iterable[str], said: Iterable[str], same: Callable[[str, str], bool]) -> None:
        """Pairs mentions one to one, first come first served."""
        left = list(said)
        for mention in gold:
            hit = next((s for s in left if same(mention, s)), None)
            if hit is not None:
                left.remove(hit)
            self[f"{name}|{'missed' if hit is None else 'hits'}"] += 1
        self[f"{name}|false"] += len(left)

    def scored(self, name: str, score: float, right: bool) -> None:
        """One score, and whether what it speaks for is so: to its bin."""
        place = max(0, math.ceil(round(score * BINS, 9)) - 1)
        self[f"{name}|n{place}"] += 1
        self[f"{name}|score{place}"] += score  # type: ignore[assignment]
        self[f"{name}|right{place}"] += int(right)


def counts(gold: Gold, said: Said) -> Count:
    """What this mail and this answer add."""
    count = Count(mails=1)
    _kind(count, gold, said)
    _categories(count, gold, said)
    count.rate("language_accuracy", said.get("language") == gold["lang"])
    if gold["kind"] in _REPORTS:
        count.rate("reports_that_reach_a_person", said.get("kind") in FOR_A_PERSON)
        _persons(count, gold, said)
        _contact(count, gold, said)
        _missing(count, gold, said)
        _severity(count, gold, said)
        count.label("anonymous", bool(gold["anonymous"]), bool(said.get("anonymous")))
    return count


def counts_of_known(labelled: Labelled, said: Said) -> Count:
    """What a mail adds of which a person said only some things: the kind, the categories, the names, the severity."""
    gold, count = labelled.gold, Count(mails=1)
    if "kind" in labelled.known:
        _kind(count, gold, said)
    if "categories" in labelled.known:
        _categories(count, gold, said)
    if "name" in labelled.known and (gold["kind"] is None or labelled.is_report):
        _persons(count, gold, said)
    _severity(count, gold, said)
    return count


def _kind(count: Count, gold: Gold, said: Said) -> None:
    kind = said.get("kind")
    count.rate("kind_accuracy", kind == gold["kind"])
    for k in Kind:
        count.label(f"kind {k}", gold["kind"] == k, kind == k)
    if kind is not None and "kind_scores" in said:
        count.scored("kind", said["kind_scores"][kind], kind == gold["kind"])


def _categories(count: Count, gold: Gold, said: Said) -> None:
    primary = said.get("primary")
    scores = {c["slug"]: c.get("score") for c in said.get("categories") or []}
    if gold["categories"]:
        count.rate("primary_category_accuracy", primary == gold["primary"])
        for c in Category:
            count.label(f"category {c}", c in gold["categories"], c in scores)
    score = scores.get(primary)
    if score is not None:
        count.scored("primary", score, primary == gold["primary"])
        count.scored("holds", score, primary in gold["categories"])


def _persons(count: Count, gold: Gold, said: Said) -> None:
    told, found = gold["concerned"], said.get("concerned") or []
    for name, key, same in (("name", "name", judge.same_name), ("function", "function", judge.same_function)):
        count.match(name, [c[key] for c in told if c.get(key)], [c[key] for c in found if c.get(key)], same)


def _contact(count: Count, gold: Gold, said: Said) -> None:
    contact = said.get("contact") or {}
    for key, same in (("phone", judge.same_phone), ("address", judge.same_address)):
        count.match(key, _some(gold[key]), _some(contact.get(key)), same)


def _missing(count: Count, gold: Gold, said: Said) -> None:
    lacks = set(said.get("missing") or ()) if said else None
    count.rate("missing_exact_set", lacks is not None and lacks - {"email"} == set(gold["missing"]))
    for field in REQUIRED:
        count.label(f"missing {field}", field in gold["missing"], lacks is not None and field in lacks)
    scores, hidden = said.get("missing_scores") or {}, ABOUT_THE_REPORTER if said.get("anonymous") else ()
    for field in REQUIRED:
        if scores.get(field, 0.0) >= ASK_THRESHOLD and field not in hidden:
            count.rate("asked_though_there", field not in gold["missing"])
            count.rate(f"asked_though_there {field}", field not in gold["missing"])


def _severity(count: Count, gold: Gold, said: Said) -> None:
    """A grade that is none counts as the farthest one."""
    if not gold["severity"]:
        return
    grade = said.get("severity")
    if grade not in list(Severity):
        grade = Severity.LAAG if gold["severity"] != Severity.LAAG else Severity.ACUUT
    count.rate("severity_accuracy", grade == gold["severity"])
    count[f"severity {gold['severity']}>{grade}"] += 1


def _some(value: str | None) -> list[str]:
    return [value] if value else []
