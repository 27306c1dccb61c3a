"""What is known of a case, put together from the reports of its messages and what persons decided. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from config.taxonomy import ABOUT_THE_REPORTER, Kind, Severity

Report = Mapping[str, Any]

DECIDABLE = ("kind", "categories", "primary", "severity", "concerned", "missing")
"""Parts of a report that a person may correct; contact details are decided apart, under the identity key."""

MOST_CONCERNED = 40
"""More persons than this one case does not name: a mail that does is no list to work from."""

_WAITING: Sequence[str] = (Kind.MELDING, Kind.AANVULLING, Kind.ADVIES, Kind.KLACHT, Kind.OVERIG)
"""The kinds, what waits least first, as the queue has them."""

CONTACT_PARTS = ("name", "email", "phone", "address")


def suggested(reports: Sequence[Report], brought: Sequence[Report] = ()) -> dict[str, Any]:
    """The machine's report of a case: the first message's that was understood, with what others of its reporter add,
    and what a merger brought of another reporter.

    Something is missing only while every message lacks it; what is missing of the reporter nobody else's mail tells. A
    case is as serious as the gravest of its messages, has the categories of all, and is of the kind that waits least.
    """
    understood = [report for report in (*reports, *map(_of_another, brought)) if report]
    if not understood:
        return {}
    base = next((report for report in understood if report.get("kind")), understood[0])
    merged = dict(base)
    if merged.get("concerned"):
        merged["concerned"] = merged["concerned"][:MOST_CONCERNED]
    for later in (report for report in understood if report is not base):
        if "missing" in later:  # a robot's mail, say, was not read for what it lacks
            merged["missing"] = [slug for slug in merged.get("missing") or () if slug in later["missing"]]
        more = later.get("concerned") or ()
        if any(later is each for each in reports):
            more = _of_the_one_without(merged.get("concerned") or (), more)
        merged["concerned"] = _joined(merged.get("concerned") or (), more)
        if later.get("categories"):
            merged["categories"] = _with_categories(merged.get("categories") or (), later["categories"])
            merged["primary"] = merged.get("primary") or later.get("primary")
        if later.get("evidence"):
            merged["evidence"] = [*(merged.get("evidence") or ()), *later["evidence"]]
        if _waits_less(later.get("kind"), merged.get("kind")):
            merged["kind"], merged["kind_scores"] = later["kind"], later.get("kind_scores") or {}
        severity = gravest([merged.get("severity"), later.get("severity")])
        if severity != merged.get("severity"):
            merged["severity"], merged["severity_scores"] = severity, later.get("severity_scores") or {}
    return merged


def marks(reports: Iterable[Report]) -> list[str]:
    """What any of these messages is marked with, each once."""
    return list(dict.fromkeys(mark for report in reports for mark in report.get("marks") or ()))


_ADDS_TO_NOTHING = 0.4
"""How sure one can be at most of an addition to nothing that the desk has: it may as well be a first report."""


def may_be_a_report(card: Mapping[str, Any]) -> bool:
    """Is it shown as an addition in doubt? Who looks for reports wants to find it."""
    sure = (card.get("scores") or {}).get("kind")
    return card.get("kind") == Kind.AANVULLING and sure is not None and sure <= _ADDS_TO_NOTHING


def scores(report: Report, decided: Collection[str] = (), *, is_linked: bool = False) -> dict[str, float]:
    """How sure the machine is of the kind and of the main category that it suggests, where nobody decided on them.

    A case is begun by what joined no other. So an addition, by its words, is one in doubt where the case is linked to
    none, too: people speak of what they told before, elsewhere.
    """
    categories = {each.get("slug"): each.get("score") for each in report.get("categories") or ()}
    kind = (report.get("kind_scores") or {}).get(report.get("kind"))
    if kind is not None and report.get("kind") == Kind.AANVULLING and not is_linked:
        kind = min(kind, _ADDS_TO_NOTHING)
    found = {
        "kind": kind,
        "primary": categories.get(report.get("primary")),
    }
    return {part: score for part, score in found.items() if score is not None and part not in decided}


def card(
    reference: str, report: Report, marked: Sequence[str], sure: Mapping[str, float], alike: Mapping[str, str]
) -> dict[str, Any]:
    """What the queue shows of a case; `sure` is what `scores` gave, `alike` what tells mails like its first."""
    parts = {part: report.get(part) for part in DECIDABLE}
    told = {"alike": dict(alike)} if alike else {}
    return {"reference": reference, **parts, "marks": list(marked), "scores": dict(sure), **told}


def changed_card(card: Mapping[str, Any], decided: Mapping[str, Any]) -> dict[str, Any]:
    """The card after a person decided: of that nobody needs to know how sure a machine was."""
    left = {part: score for part, score in (card.get("scores") or {}).items() if part not in decided}
    return {**card, **decided, "scores": left}


def decided(
    report: Report,
    decisions: Mapping[str, Mapping[str, Any]],
    first_look: Report | None,
    contact: Report | None = None,
) -> dict[str, Any]:
    """A report with what persons decided in the place of suggestions.

    The severity is that of the first look or of a decision, whichever came later. What stands in the contact details
    that a person wrote down is not missing.
    """
    merged = {**report}
    if report.get("missing"):
        merged["missing"] = [slug for slug in report["missing"] if slug not in found_in(contact or {})]
    merged |= {field: decision["value"] for field, decision in decisions.items()}
    if first_look and ("severity" not in decisions or first_look["at"] > decisions["severity"]["at"]):
        merged["severity"] = first_look["severity"]
    return merged


def look_taken(first_look: Report | None) -> Report | None:
    """The answers of the first look; None where nobody gave any, or they were taken back."""
    return None if not first_look or first_look.get("taken_back") else first_look


def gravest(severities: Iterable[str | None]) -> str | None:
    """The gravest of what is known."""
    known = set(severities)
    return next((each.value for each in reversed(Severity) if each in known), None)


def graver(one: Report, other: Report) -> bool:
    """Is the one known to be more serious than the other?"""
    severities = [one.get("severity"), other.get("severity")]
    return severities[0] != severities[1] and gravest(severities) == severities[0]


def found_in(contact: Report) -> frozenset[str]:
    """Which of the required fields these contact details hold."""
    return frozenset(slug for slug in ABOUT_THE_REPORTER if contact.get(slug))


def contact(contacts: Sequence[Report], corrected: Report | None) -> dict[str, Any]:
    """Contact details: what a person wrote down, else what the earliest message that has it tells."""
    sources = [corrected or {}, *contacts]
    return {part: next((source[part] for source in sources if source.get(part)), None) for part in CONTACT_PARTS}


def contact_before(written: Sequence[Report]) -> Report | None:
    """What a person wrote down of the reporter before they wrote it last; None where there is nothing to undo.

    `written`: all that was, oldest first. With an empty `value`, the messages alone tell. What a report was entered
    with is no correction.
    """
    if not written or not written[-1]["value"]:
        return None
    first = list(written).index(written[-1])  # what an undo brought back is what it was
    if first:
        return written[first - 1]
    return None if written[0].get("entered") else {"value": {}}


def both(one: Report, other: Report) -> dict[str, Any]:
    """What two cases say together of persons concerned, categories and severity."""
    categories = _with_categories(one.get("categories") or (), other.get("categories") or ())
    return {
        "concerned": _joined(one.get("concerned") or (), other.get("concerned") or ()),
        "categories": [{"slug": each["slug"], "sub": list(each.get("sub") or ())} for each in categories],
        "primary": one.get("primary") or other.get("primary"),
        "severity": gravest([one.get("severity"), other.get("severity")]),
    }


def says(report: Report, part: str, value: Any) -> bool:
    """Does a report say this of a part already? How sure a machine is of a category is no part of it."""
    if part != "categories":
        return bool(report.get(part) == value)
    told, wanted = ({each["slug"]: set(each.get("sub") or ()) for each in of} for of in (report.get(part) or (), value))
    return told == wanted


def _with_categories(first: Sequence[Report], more: Sequence[Report]) -> list[Report]:
    """The categories of both, each once, with what both say of what kind it is."""
    joined = {category["slug"]: category for category in first}
    for category in more:
        known = joined.get(category["slug"], category)
        sub = list(dict.fromkeys([*(known.get("sub") or ()), *(category.get("sub") or ())]))
        joined[category["slug"]] = {**known, "sub": sub} if sub else known
    return list(joined.values())


def _waits_less(kind: str | None, than: str | None) -> bool:
    """Does a case of this kind wait less? That something adds to a case says nothing of what the case is."""
    if kind not in _WAITING or kind == Kind.AANVULLING:
        return False
    return than not in _WAITING or _WAITING.index(kind) < _WAITING.index(than)


def _of_another(report: Report) -> Report:
    """What a message of another reporter tells of a case: nothing of who its own reporter is."""
    if "missing" not in report:
        return report
    told = [slug for slug in report["missing"] if slug not in ABOUT_THE_REPORTER]
    return {**report, "missing": [*told, *sorted(ABOUT_THE_REPORTER)]}


def _joined(first: Sequence[Report], more: Sequence[Report]) -> list[Report]:
    """The persons of both, each once: by the longest form of the name, with the function that was told first."""
    joined = list(first)
    for person in more[:MOST_CONCERNED]:
        at = next((i for i, known in enumerate(joined) if _same_person(known, person)), None)
        if at is None:
            joined.append(person)
        else:
            known = joined[at]
            name = max((known.get("name") or "", person.get("name") or ""), key=len)
            joined[at] = {**known, "name": name or None, "function": known.get("function") or person.get("function")}
    return joined[:MOST_CONCERNED]


def _of_the_one_without(known: Sequence[Report], more: Sequence[Report]) -> Sequence[Report]:
    """The persons of a follow-up. One who is a function alone ("he is the porter") is the person without function
    whom the reporter named, where there is one such person and no other is meant."""
    nameless = [person for person in more if not person.get("name") and person.get("function")]
    named = [person for person in more if person.get("name")]
    without = [person for person in _joined(known, named) if person.get("name") and not person.get("function")]
    if len(nameless) != 1 or len(without) != 1 or any(_same_person(nameless[0], person) for person in known):
        return more
    return [*named, {**nameless[0], "name": without[0]["name"]}]


def _same_person(one: Report, other: Report) -> bool:
    """Every word of the shorter name stands in the longer one, initials for names; without names, the same function."""
    short, long = sorted(
        (_words(one.get("name")), _words(other.get("name"))), key=lambda words: (len(words), sum(map(len, words)))
    )
    if not short:
        function = _words(one.get("function"))
        return bool(function) and function == _words(other.get("function"))
    whole = any(len(word) > 1 and word in long for word in short)
    return whole and all(word in long or (len(word) == 1 and any(w.startswith(word) for w in long)) for word in short)


def _words(text: str | None) -> list[str]:
    return re.findall(r"[^\W\d_]+", (text or "").casefold())
