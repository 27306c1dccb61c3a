"""The day of a case: set at its end, by how it ended; moved when that changes; stopped by a hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cases.lifecycle import Outcome, Status
from cases.overview import PACES, Pace
from cases.retention import rules_of
from cases.terms import DueKind
from config.retention import RetentionRow
from config.taxonomy import Severity
from store import changes, dues, records, retention
from store.audit import Action
from store.casework import FirstLook
from store.intake import add_message
from store.lookups import IndexKey
from store.records import RecordKind
from store.retention import NoReason, OnHold
from store.schema import Due, Record
from tests.store.destroying import NONE, POLICY, actions, announced, end, look, reopen, tick
from tests.store.world import INDEX, NOW, World, mail

TWO_MONTHS_ON = datetime(2026, 5, 2, 21, 59, 59, tzinfo=UTC)


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def day(world: World, case_id: str) -> datetime | None:
    with world.db.read() as session:
        return retention.destroy_at(session, case_id)


def wakes(world: World, case_id: str, kind: DueKind) -> datetime | None:
    with world.db.read() as session:
        return session.scalars(select(Due.wake_at).where(Due.case_id == case_id, Due.kind == kind)).one()


def hold(world: World, case_id: str, reason: str = "Er loopt een rechtszaak.") -> None:
    with world.db.begin() as session:
        retention.hold(session, world.ring, INDEX, case_id, reason, NOW)


def lift(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        retention.lift(session, world.ring, INDEX, case_id, "De rechtszaak is voorbij.", POLICY, NOW)


def test_closing_sets_the_day_by_the_outcome(world: World, case_id: str) -> None:
    end(world, case_id)
    assert day(world, case_id) == TWO_MONTHS_ON
    reopen(world, case_id)
    assert day(world, case_id) is None
    end(world, case_id, Outcome.SUBSTANTIATED)
    assert day(world, case_id) == datetime(2036, 3, 2, 22, 59, 59, tzinfo=UTC)


def test_a_case_that_no_rule_is_for_or_that_is_kept_for_good_has_no_day(world: World, case_id: str) -> None:
    end(world, case_id, policy=NONE)
    assert day(world, case_id) is None
    reopen(world, case_id)
    end(world, case_id, Outcome.REFERRED)
    assert day(world, case_id) is None
    with world.db.read() as session:
        assert [each.case_id for each in retention.without_rule(session, world.ring)] == [case_id]


def test_setting_a_case_aside_sets_its_day_too(world: World, case_id: str) -> None:
    version = look(world, case_id).version
    with world.db.begin() as session:
        changes.change_status(
            session, world.ring, INDEX, case_id, Status.SET_ASIDE, version=version, now=NOW, policy=POLICY
        )
    assert day(world, case_id) == TWO_MONTHS_ON


def test_a_category_that_is_decided_after_closing_moves_the_day(world: World, case_id: str) -> None:
    by_category = replace(
        POLICY,
        rules=rules_of(
            [
                RetentionRow(category="pesten", term="2 months", ground="x"),
                RetentionRow(category="discriminatie", term="1 year", ground="x"),
            ]
        ),
    )
    end(world, case_id, policy=by_category)
    assert day(world, case_id) == TWO_MONTHS_ON
    version = look(world, case_id).version
    decided = {"primary": "discriminatie"}
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, case_id, decided, version=version, now=NOW, policy=by_category)
    assert day(world, case_id) == datetime(2027, 3, 2, 22, 59, 59, tzinfo=UTC)


def test_a_destruction_sleeps_until_its_notice_has_gone_out(world: World, case_id: str) -> None:
    end(world, case_id)
    assert wakes(world, case_id, DueKind.DESTROY) is None
    assert wakes(world, case_id, DueKind.DESTROY_NOTICE) == TWO_MONTHS_ON - timedelta(days=30)


def test_applying_a_table_gives_a_day_to_what_ended_before_there_was_one_and_leaves_others(world: World) -> None:
    early, late, running = (world.open_case(reference=f"AAAAA-0000{n}").case_id for n in range(3))
    end(world, early, policy=NONE)
    end(world, late)
    with world.db.begin() as session:
        dues.finish_dues(session, late, [DueKind.DESTROY_NOTICE])  # it went out: nobody hears of it twice
    assert retention.plan_all(world.db, world.ring, INDEX, POLICY, NOW) == 1
    assert retention.plan_all(world.db, world.ring, INDEX, POLICY, NOW) == 0
    assert (day(world, early), day(world, late), day(world, running)) == (TWO_MONTHS_ON, TWO_MONTHS_ON, None)
    with world.db.read() as session:
        open_ones = {due.kind for due in dues.open_dues(session, late)}
    assert open_ones == {DueKind.DESTROY}


def test_a_case_on_hold_is_not_destroyed_and_its_members_hear_anew_when_it_is_lifted(
    world: World, case_id: str
) -> None:
    end(world, case_id)
    hold(world, case_id)
    announced(world, case_id)
    assert tick(world) == 0
    assert look(world, case_id).reference
    lift(world, case_id)
    assert wakes(world, case_id, DueKind.DESTROY) is None
    assert wakes(world, case_id, DueKind.DESTROY_NOTICE) == NOW
    announced(world, case_id)
    assert tick(world) == 1


def test_holding_and_lifting_are_on_the_trail_with_their_reasons(world: World, case_id: str) -> None:
    hold(world, case_id)
    lift(world, case_id)
    told = [event for event in look(world, case_id).timeline if event.action in (Action.HOLD_SET, Action.HOLD_LIFTED)]
    assert [(event.by, event.detail["reason"]) for event in told] == [
        ("ada", "Er loopt een rechtszaak."),
        ("ada", "De rechtszaak is voorbij."),
    ]


def test_a_hold_wants_a_reason_and_there_is_one_at_a_time(world: World, case_id: str) -> None:
    with pytest.raises(NoReason):
        hold(world, case_id, "  ")
    with pytest.raises(OnHold):
        lift(world, case_id)
    hold(world, case_id)
    with pytest.raises(OnHold):
        hold(world, case_id)
    assert actions(world, case_id).count(Action.HOLD_SET) == 1


def test_figures_stay_of_a_destroyed_case_and_nobody_without_the_index_key_knows_whose(
    world: World, case_id: str
) -> None:
    version = look(world, case_id).version
    with world.db.begin() as session:
        answers = FirstLook(clear=True, breach=True, severity=Severity.HOOG)
        changes.answer_first_look(
            session, world.ring, INDEX, case_id, answers, version=version, now=NOW + timedelta(days=3)
        )
    end(world, case_id, Outcome.SUBSTANTIATED)
    with world.db.read() as session:
        assert retention.figures(session, world.ring, INDEX) == ()  # the case itself still counts
        written = session.scalars(select(Record).where(Record.kind == RecordKind.FIGURES)).all()
    assert [row.case_id for row in written] == [None]
    assert case_id not in {row.subject_id for row in written}
    assert IndexKey(b"x" * 32).figures(case_id) != INDEX.figures(case_id)
    announced(world, case_id)
    assert tick(world) == 1
    with world.db.read() as session:
        (figures,) = retention.figures(session, world.ring, INDEX)
        terms = {kind: figures[kind] for kind in PACES}  # by the database's clock, which no test sets
        assert set(terms.values()) <= set(Pace)
        assert terms["receipt"] == Pace.NONE
        assert figures == (
            {
                "quarter": "2026-Q1",
                "ending": "substantiated",
                "kind": "melding",
                "category": "pesten",
                "severity": "hoog",
                "days_to_receipt": None,
                "days_to_first_look": "2-7",
                "days_to_closing": "0-1",
                **terms,
            }
        )


def test_a_message_that_nobody_looked_at_keeps_a_case(world: World, case_id: str) -> None:
    end(world, case_id)
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, mail(), sender_is_new=False, now=NOW)
    announced(world, case_id)
    assert tick(world) == 0
    look(world, case_id)
    announced(world, case_id)
    assert tick(world) == 1


def test_without_a_table_nothing_is_destroyed_whatever_the_dues_say(world: World, case_id: str) -> None:
    end(world, case_id)
    announced(world, case_id)
    assert tick(world, {"integriteit": False}) == 0
    with world.db.read() as session:
        assert records.opened_of_subjects(session, world.ring, [case_id], RecordKind.CARD)
