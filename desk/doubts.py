"""Where a machine says that it does not know. That changes what is shown, never who sees a mail, or where it stands."""

from collections.abc import Mapping

from desk.parts import parts


def doubted(scores: Mapping[str, float], threshold: float) -> frozenset[str]:
    """The parts of a report ("kind", "primary") whose score lies below the threshold."""
    return frozenset(part for part, score in scores.items() if score < threshold)


def doubted_here(scores: Mapping[str, float]) -> frozenset[str]:
    """The same, by what this installation sets."""
    return doubted(scores, parts().settings.triage.know_threshold)
