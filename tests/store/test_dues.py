"""What is due happens once, and is forgotten by no restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cases.terms import DueKind
from store import dues
from store.dues import DueClaim, LeaseLost
from store.schema import Due
from tests.store.world import NOW, World, run_out

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
LEASE = 60.0


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case(dues={}).case_id


def open_due(world: World, case_id: str, kind: DueKind = DueKind.REMINDER, at: datetime = LONG_AGO) -> None:
    with world.db.begin() as session:
        dues.set_due(session, world.ring.desk, case_id, kind, at)


def take(world: World) -> DueClaim:
    claimed = dues.claim_due(world.db, list(DueKind), LEASE)
    assert claimed is not None
    return claimed


def kinds(world: World, case_id: str) -> list[DueKind]:
    with world.db.read() as session:
        return [due.kind for due in dues.open_dues(session, case_id)]


def test_a_due_is_claimed_by_one_and_settled_once(world: World, case_id: str) -> None:
    """mail-cases 90"""
    open_due(world, case_id)
    claimed = take(world)
    assert (claimed.case_id, claimed.kind) == (case_id, DueKind.REMINDER)
    assert dues.claim_due(world.db, list(DueKind), LEASE) is None
    with world.db.begin() as session:
        dues.settle_due(session, claimed)
    assert kinds(world, case_id) == []
    with world.db.begin() as session, pytest.raises(LeaseLost):
        dues.settle_due(session, claimed)


def test_what_is_not_due_yet_or_of_another_kind_is_left_alone(world: World, case_id: str) -> None:
    open_due(world, case_id, DueKind.REMINDER, FAR)
    open_due(world, case_id, DueKind.FEEDBACK)
    assert dues.claim_due(world.db, [DueKind.REMINDER], LEASE) is None


def test_who_lost_the_lease_settles_nothing(world: World, case_id: str) -> None:
    """mail-cases 90"""
    open_due(world, case_id)
    slow = take(world)
    run_out(world.db, Due)
    with world.db.begin() as session, pytest.raises(LeaseLost):
        dues.settle_due(session, slow)
    quick = take(world)
    with world.db.begin() as session, pytest.raises(LeaseLost):
        dues.settle_due(session, slow)
    with world.db.begin() as session:
        dues.settle_due(session, quick)


def test_a_due_that_was_cancelled_while_claimed_has_no_effect(world: World, case_id: str) -> None:
    open_due(world, case_id)
    claimed = take(world)
    with world.db.begin() as session:
        dues.cancel_dues(session, case_id)
    with world.db.begin() as session, pytest.raises(LeaseLost):
        dues.settle_due(session, claimed)


def test_what_a_person_must_do_stays_open_after_the_program_looked_at_it(world: World, case_id: str) -> None:
    open_due(world, case_id, DueKind.FIRST_LOOK)
    with world.db.begin() as session:
        dues.leave_open(session, take(world), LONG_AGO + timedelta(days=1))
    with world.db.begin() as session:
        dues.leave_open(session, take(world), None)
    assert dues.claim_due(world.db, list(DueKind), LEASE) is None
    assert kinds(world, case_id) == [DueKind.FIRST_LOOK]


def test_a_due_is_one_row_that_can_be_moved_and_opened_again(world: World, case_id: str) -> None:
    open_due(world, case_id, at=FAR)
    with world.db.begin() as session:
        dues.finish_dues(session, case_id, [DueKind.REMINDER])
    assert kinds(world, case_id) == []
    open_due(world, case_id)
    assert take(world).due_at == LONG_AGO
    with world.db.read() as session:
        assert len(session.scalars(select(Due)).all()) == 1


def test_dues_come_soonest_first(world: World, case_id: str) -> None:
    open_due(world, case_id, DueKind.FEEDBACK, NOW + timedelta(days=3))
    open_due(world, case_id, DueKind.FIRST_LOOK, NOW)
    open_due(world, case_id, DueKind.FIRST_MESSAGE, NOW + timedelta(days=1))
    assert kinds(world, case_id) == [DueKind.FIRST_LOOK, DueKind.FIRST_MESSAGE, DueKind.FEEDBACK]
