"""What may happen to a case."""

import pytest

from cases.lifecycle import OPEN, TRANSITIONS, Status, TransitionNotAllowed, check_transition


def test_a_case_that_has_ended_can_be_reopened_and_nothing_else() -> None:
    for status in (Status.DESTROYED, Status.MERGED):
        assert TRANSITIONS[status] == frozenset()
    for status in set(Status) - OPEN - {Status.DESTROYED, Status.MERGED}:
        assert TRANSITIONS[status] == {Status.ASSESSING}


def test_every_open_case_can_be_closed_or_set_aside() -> None:
    for status in OPEN:
        assert {Status.CLOSED, Status.SET_ASIDE} <= TRANSITIONS[status]


def test_a_merge_is_no_change_of_status_by_hand() -> None:
    assert all(Status.MERGED not in targets for targets in TRANSITIONS.values())


def test_no_status_follows_itself_and_received_never_comes_back() -> None:
    for status, targets in TRANSITIONS.items():
        assert status not in targets
        assert Status.RECEIVED not in targets


def test_a_forbidden_transition_names_both_statuses() -> None:
    with pytest.raises(TransitionNotAllowed, match=r"closed.*investigating"):
        check_transition(Status.CLOSED, Status.INVESTIGATING)
