"""How sure the machine was of each part of a report that it has scores for, in words for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext

from config.taxonomy import Severity
from desk.words import name

Scores = Sequence[tuple[str, float]]
"""What was suggested, or could have been, and the score of each, between 0 and 1."""


def sure_of(suggested: Mapping[str, Any]) -> Mapping[str, Scores]:
    """By field; reports of before have no scores but those of kinds and of what is missing."""
    found = {
        "kind": _kinds(suggested.get("kind_scores") or {}),
        "severity": _grades(suggested.get("severity_scores") or {}),
        "concerned": _persons(suggested.get("concerned") or (), suggested.get("concerned_scores") or ()),
        "missing": _missing(suggested.get("missing") or (), suggested.get("missing_scores") or {}),
    }
    return {field: scores for field, scores in found.items() if scores}


def _kinds(scores: Mapping[str, float]) -> Scores:
    return sorted(((name(slug, "kind"), score) for slug, score in scores.items()), key=lambda one: -one[1])


def _grades(scores: Mapping[str, float]) -> Scores:
    """In the order of their weight: what lies beside the suggested one says on which side the doubt is."""
    return [(name(grade, "severity"), scores[grade]) for grade in Severity if grade in scores]


def _persons(persons: Sequence[Mapping[str, Any]], scores: Sequence[float]) -> Scores:
    """Of a merged case those of its first report: the others have no scores here."""
    called = (one.get("name") or one.get("function") or gettext("name unknown") for one in persons)
    return list(zip(called, scores, strict=False))


def _missing(fields: Sequence[str], scores: Mapping[str, float]) -> Scores:
    return [(name(slug, "missing"), scores[slug]) for slug in fields if slug in scores]
