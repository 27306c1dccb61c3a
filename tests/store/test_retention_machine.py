"""Ending, holding, reopening, time, notices and destroying, in any order: a case goes when it has to, and only then."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, update

from cases.lifecycle import Outcome
from cases.terms import DueKind
from store import destruction, dues, retention
from store.dues import DueState
from store.keyring import KeyRing, NoSuchKey
from store.schema import CaseFile, Due, KeyPair, SealedSeed
from tests.store.destroying import POLICY, end, reopen, tick
from tests.store.world import INDEX, Template, World, folder_in_memory

OUTCOMES = (Outcome.WITHDRAWN, Outcome.SUBSTANTIATED, Outcome.REFERRED)


def kept_for(outcome: Outcome, closed_at: datetime) -> int | None:
    """Whole days from closing to the end of the term; None for good."""
    rule_of = POLICY.rule_for(outcome, "pesten")
    assert rule_of
    ends_at = rule_of.ends_at(closed_at, POLICY.timezone)
    return None if ends_at is None else (ends_at - closed_at).days


def machine(template: Template) -> type[RuleBasedStateMachine]:
    class Cases(RuleBasedStateMachine):
        """`world` is what Meldpost does; the fields beside it are what should be."""

        cases = Bundle("cases")

        def __init__(self) -> None:
            super().__init__()
            self.folder = folder_in_memory()
            self.world: World = template.copy(Path(self.folder.name))
            self.now = self.world.db.now()
            self.day = 0
            self.closed: dict[str, tuple[Outcome, int]] = {}
            self.held: set[str] = set()
            self.told: dict[str, int] = {}
            self.gone: set[str] = set()
            self.half: set[str] = set()
            self.all: set[str] = set()

        @rule(target=cases)
        def comes_in(self) -> str:
            case_id = self.world.open_case(reference=f"AAAAA-{len(self.all):05d}").case_id
            self.all.add(case_id)
            return case_id

        @rule(case_id=cases, outcome=st.sampled_from(OUTCOMES))
        def is_closed(self, case_id: str, outcome: Outcome) -> None:
            if case_id not in self.gone | self.half and case_id not in self.closed:
                end(self.world, case_id, outcome, now=self.now)
                self.closed[case_id] = (outcome, self.day)

        @rule(case_id=cases)
        def is_opened_again(self, case_id: str) -> None:
            if case_id in self.closed and case_id not in self.gone | self.half:
                reopen(self.world, case_id)
                del self.closed[case_id]
                self.told.pop(case_id, None)

        @rule(case_id=cases)
        def is_held(self, case_id: str) -> None:
            if case_id not in self.gone | self.half | self.held:
                with self.world.db.begin() as session:
                    retention.hold(session, self.world.ring, INDEX, case_id, "waarom", self.now)
                self.held.add(case_id)

        @rule(case_id=cases)
        def is_let_go(self, case_id: str) -> None:
            if case_id in self.held:
                with self.world.db.begin() as session:
                    retention.lift(session, self.world.ring, INDEX, case_id, "daarom", POLICY, self.now)
                self.held.discard(case_id)
                self.told.pop(case_id, None)

        @rule(days=st.sampled_from([1, 20, 35, 70, 4000]))
        def time_passes(self, days: int) -> None:
            """The database's clock cannot be set: what is compared with it goes back instead."""
            self.day += days
            with self.world.db.begin() as session:
                for row in session.scalars(select(Due)):
                    row.due_at -= timedelta(days=days)
                    row.wake_at = row.wake_at and row.wake_at - timedelta(days=days)

        @rule()
        def members_are_told(self) -> None:
            """What `notify.schedule` does with a due notice, without the mail."""
            with self.world.db.begin() as session:
                waiting = (Due.kind == DueKind.DESTROY_NOTICE, Due.state == DueState.OPEN, Due.due_at <= self.now)
                for case_id in session.scalars(select(Due.case_id).where(*waiting)).all():
                    if case_id not in self.held:
                        dues.finish_dues(session, case_id, [DueKind.DESTROY_NOTICE])
                        dues.wake(session, case_id, DueKind.DESTROY, self.now + POLICY.notice)
                        self.told[case_id] = self.day

        @rule(case_id=cases, held=st.booleans(), days=st.sampled_from([20, 35]))
        def comes_to_its_end(self, case_id: str, held: bool, days: int) -> None:
            """All that leads to the day of its destruction, so that what may stop it is tried often."""
            self.is_closed(case_id, Outcome.WITHDRAWN)
            self.time_passes(70)
            self.members_are_told()
            if held:
                self.is_held(case_id)
            self.time_passes(days)
            self.daemon_ticks()

        @rule()
        def daemon_ticks(self) -> None:
            with self.world.db.begin() as session:  # what was put off for an hour is looked at
                woken = (Due.kind == DueKind.DESTROY, Due.wake_at <= self.now + timedelta(hours=2))
                session.execute(update(Due).where(*woken).values(wake_at=self.now))
            tick(self.world)
            self.gone |= self.half
            self.half.clear()
            for case_id in [each for each in self.closed if self._is_due(each)]:
                self.gone.add(case_id)
                del self.closed[case_id]

        @rule(case_id=cases)
        def daemon_is_killed_after_the_first_step(self, case_id: str) -> None:
            if case_id in self.closed and self._is_due(case_id):
                with self.world.db.begin() as session:
                    destruction.begin(session, "integriteit", case_id, INDEX, self.now)
                self.half.add(case_id)
                del self.closed[case_id]

        def _is_due(self, case_id: str) -> bool:
            outcome, on = self.closed[case_id]
            days = kept_for(outcome, self.now)
            told = self.told.get(case_id)
            return (
                days is not None
                and case_id not in self.held
                and told is not None
                and self.day >= told + 30
                and self.day > on + days
            )

        @invariant()
        def what_should_be_gone_is_gone_and_nothing_else(self) -> None:
            with self.world.db.read() as session:
                there = set(session.scalars(select(CaseFile.id)))
                opened = self._openable(session)
            assert there == self.all - self.gone
            assert opened == there - self.half

        @precondition(lambda self: self.half)
        @invariant()
        def of_what_is_half_gone_no_sealed_key_is_left(self) -> None:
            with self.world.db.read() as session:
                pairs = select(KeyPair.id).where(KeyPair.owner.in_(self.half))
                assert not session.scalars(select(SealedSeed.frame).where(SealedSeed.key_pair_id.in_(pairs))).all()

        def _openable(self, session: Any) -> set[str]:
            ring = KeyRing.from_bytes(self.world.ring.to_bytes())
            opened = set()
            for pair in session.scalars(select(KeyPair).where(KeyPair.owner != "", KeyPair.kind == "case")):
                try:
                    ring.private(session, pair.id)
                except NoSuchKey:
                    continue
                opened.add(pair.owner)
            return opened

        def teardown(self) -> None:
            self.world.db.close()
            self.folder.cleanup()

    return Cases


def test_a_case_is_destroyed_when_its_time_has_come_and_never_before(template: Template) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine(template),
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
