"""The life cycle of a case: its statuses and which may follow which (DESIGN, "The words")."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    RECEIVED = "received"
    ASSESSING = "assessing"
    AWAITING_REPORTER = "awaiting_reporter"
    INVESTIGATING = "investigating"
    HANDLED_IN_LINE = "handled_in_line"
    REFERRED = "referred"
    CLOSED = "closed"
    MERGED = "merged"
    SET_ASIDE = "set_aside"
    DESTROYED = "destroyed"  # its keys are gone, its rows are going


class Outcome(StrEnum):
    """How a case ended; a closed case has one, with who approved it and when (ISO 37002 §8.5 h)."""

    SUBSTANTIATED = "substantiated"
    PARTLY_SUBSTANTIATED = "partly_substantiated"
    UNSUBSTANTIATED = "unsubstantiated"
    NOT_INVESTIGATED = "not_investigated"
    HANDLED_IN_LINE = "handled_in_line"
    REFERRED = "referred"
    WITHDRAWN = "withdrawn"


class TransitionNotAllowed(Exception):
    """The case cannot go from the one status to the other; the message names both."""


_WORK = frozenset({Status.AWAITING_REPORTER, Status.INVESTIGATING, Status.HANDLED_IN_LINE, Status.REFERRED})
_ENDS = frozenset({Status.CLOSED, Status.SET_ASIDE})

TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.RECEIVED: frozenset({Status.ASSESSING}) | _WORK | _ENDS,
        Status.ASSESSING: _WORK | _ENDS,
        **{status: (_WORK - {status}) | frozenset({Status.ASSESSING}) | _ENDS for status in _WORK},
        Status.CLOSED: frozenset({Status.ASSESSING}),
        Status.SET_ASIDE: frozenset({Status.ASSESSING}),
        Status.MERGED: frozenset(),
        Status.DESTROYED: frozenset(),
    }
)
"""From each status to those that may follow. Reopening leads to `assessing`, from any end
but destruction. A merge is no change of status by hand, nor is undoing it: messages move with
it (`store/mergers.py`)."""

OPEN = frozenset(Status) - {Status.CLOSED, Status.MERGED, Status.SET_ASIDE, Status.DESTROYED}
"""Statuses in which a case still asks something of the desk."""


def check_transition(current: Status, wanted: Status) -> None:
    """Raises TransitionNotAllowed where a member may not take a case from `current` to `wanted`."""
    if wanted not in TRANSITIONS[current]:
        raise TransitionNotAllowed(f"A case that is {current} cannot become {wanted}.")
