"""From probabilities to suggestions: the borders, each a small rule."""

from collections.abc import Mapping, Sequence

from config.taxonomy import Kind, Severity

FOR_A_PERSON = (Kind.MELDING, Kind.ADVIES, Kind.AANVULLING)
_OTHER_NEEDS = 0.9
"""Klacht and overig are suggested only when together this probable: a report taken for spam costs more than spam."""
_ASKED = 0.95
"""What a receipt asks for is missing with at least this probability."""
_ALSO_NEEDS = 0.45
"""A second person concerned is named only when this probable: half the F1 that is reached, where F1 is highest."""


def kind_of(scores: Mapping[Kind, float]) -> Kind:
    """The likeliest kind, with the doubt on the side of a report."""
    others = sum(score for kind, score in scores.items() if kind not in FOR_A_PERSON)
    allowed = list(scores) if others >= _OTHER_NEEDS else FOR_A_PERSON
    return max(allowed, key=lambda kind: scores[kind])


def with_care(kind: Kind, scores: Mapping[Kind, float]) -> bool:
    """Was this kind taken for caution, although another has the higher score? Who is shown it should know."""
    return scores.get(kind, 0.0) < max(scores.values(), default=0.0)


def severity_of(expected: float, borders: Mapping[str, float]) -> Severity:
    """The grade for an expected grade between 0 and 3."""
    order = list(Severity)
    return order[sum(expected >= borders[f"severity {i}"] for i in (1, 2, 3))]


def chosen(scores: Sequence[float], first: float) -> list[int]:
    """Which candidates are named: the likeliest if it passes the border, others only when quite sure."""
    if not scores:
        return []
    best = max(range(len(scores)), key=lambda i: scores[i])
    return [i for i, score in enumerate(scores) if score >= max(_ALSO_NEEDS, first) or (i == best and score >= first)]


def cautious(score: float, sure: float) -> float:
    """The score, stretched so that 0.95 is reached only where scores proved sure enough to ask a person by them."""
    if score < sure:
        return min(score, score * _ASKED / sure)
    return _ASKED + (1 - _ASKED) * (score - sure) / max(1 - sure, 1e-6)
