"""What is asked for every mail and of every case takes no longer as the years go by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from cases.terms import DueKind
from store import audit, casework, dues, ledger, outbox, segments
from store.database import open_database
from store.keyring import KeyRing
from store.overview import Overview
from store.queue import NOBODY, Wanted, look_count, overdue_count, queue_page, taken_count
from store.queue_order import Order
from store.search import PAGE, Query
from tests.store.search_world import about, another_member, grant, ready
from tests.store.world import INDEX, NOW, Template, World

SINCE = NOW - timedelta(hours=1)
RING = KeyRing("member", "desk", "co", {})
CAPS = INDEX.caps("a@x.example", NOW)
_TABLES = "(audit|case_file|key_pair|record|sealed_seed)"
_READS_ALL = re.compile(
    rf"SCAN {_TABLES}|SEARCH {_TABLES}\w* USING (COVERING )?INDEX (?!ix_case_file_to_fold)\w+ \(desk=\?\)"
)


@pytest.mark.parametrize(
    ("ask", "plan"),
    [
        (lambda s: outbox.recent_count_in_all(s, "desk", SINCE), "COVERING INDEX ix_outbox_desk_not_before"),
        (lambda s: outbox.recent_count(s, "desk", SINCE, CAPS), "COVERING INDEX ix_mail_cap_desk_digest_at"),
        (lambda s: outbox.recent_count_to_domain(s, "desk", SINCE, CAPS), "COVERING INDEX ix_mail_cap_desk_digest_at"),
        (lambda s: outbox.unreachable_members(s, "desk", SINCE), "INDEX ix_outbox_bounced"),
        (lambda s: ledger.unfinished(s, "desk"), "INDEX ix_ledger_account_state"),
        (lambda s: ledger.find_by_digest(s, "desk", b"r", b"s"), "MULTI-INDEX OR"),
        (lambda s: dues.open_dues(s, "case"), "INDEX ix_due_case_id_state"),
        (lambda s: dues.finish_dues(s, "case", list(DueKind)), "INDEX ix_due_case_id_state"),
        (lambda s: audit.timeline(s, RING, "case"), "INDEX ix_audit_desk_case_id_at"),
    ],
    ids=[
        "in all",
        "to an address",
        "to a domain",
        "members away",
        "without a result",
        "known already",
        "due of a case",
        "done of a case",
        "trail of a case",
    ],
)
def test_it_is_found_by_an_index(
    ask: Callable[[Session], object], plan: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('plans')}/meldpost.db")
    database.upgrade()
    asked: list[tuple[str, object]] = []
    try:
        with database.read() as session:
            connection = session.connection()
            listen = ("before_cursor_execute", lambda _c, _k, statement, values, *_: asked.append((statement, values)))
            event.listen(connection, *listen)
            ask(session)
            event.remove(connection, *listen)
            ((statement, values),) = asked
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    finally:
        database.close()
    assert plan in " / ".join(step.detail for step in steps)
    assert "SCAN" not in " / ".join(step.detail for step in steps)


@pytest.fixture
def world(template: Template, tmp_path: Path) -> Iterator[World]:
    made = template.copy(tmp_path)
    yield made
    made.db.close()


@contextmanager
def planned(session: Session) -> Iterator[list[str]]:
    """How SQLite finds what is asked for meanwhile, step by step, the statement with each step."""
    connection = session.connection()
    asked: list[tuple[str, Any]] = []
    steps: list[str] = []
    listen = ("before_cursor_execute", lambda _c, _k, statement, values, *_: asked.append((statement, values)))
    event.listen(connection, *listen)
    yield steps
    event.remove(connection, *listen)
    for statement, values in asked:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        steps += [f"{step.detail} / {statement}" for step in found]


def test_the_cases_of_a_page_are_read_by_their_own_rows(world: World) -> None:
    """SQLite takes it that few rows are a desk's, and would rather read all of these than those of ten cases."""
    for number in range(2 * PAGE):
        new = about("Een tekst over inkoop.", "Rolf Dijkgraaf")
        case_id = world.open_case(new, reference=f"AAAAA-{number:05d}").case_id
        world.enqueue(case_id=case_id, held=True)
    index = ready(world)
    with world.db.read() as session, planned(session) as steps:
        found = index.search(session, world.ring, Query("inkoop"))
        hits = index.present(session, world.ring, found, 1)
        assert len(hits) == PAGE
        assert index.others_naming(session, world.ring, hits[0].case_id, ["Rolf Dijkgraaf"])
        (audience, _) = segments.audiences(session, world.ring)
        assert segments.as_they_are(session, world.ring.desk, audience, found.case_ids)
        assert casework.opens_identity(session, world.ring, hits[0].case_id)
        assert queue_page(session, world.ring, size=PAGE).total == 2 * PAGE
        assert casework.held_outgoing(session, world.ring)
    assert not [step for step in steps if _READS_ALL.match(step)]


@pytest.mark.parametrize("holds_the_desk_key", [True, False], ids=["the desk's key", "a key of their own alone"])
def test_what_waits_for_the_index_is_found_without_all_that_does_not(world: World, holds_the_desk_key: bool) -> None:
    case_id = world.open_case().case_id
    member = another_member(world, holds_the_desk_key=holds_the_desk_key)
    grant(world, case_id, member)
    with world.db.read() as session:
        every = segments.audiences(session, member)
        with planned(session) as steps:
            waiting = [each for audience in every for each in segments.waiting(session, member.desk, audience, 10)]
    assert [each.case_id for each in waiting] == [case_id]
    assert not [step for step in steps if _READS_ALL.match(step)]


def test_all_cases_are_counted_in_the_order_in_which_they_stand(world: World) -> None:
    world.open_case()
    with world.db.read() as session, planned(session) as steps:
        Overview().tally(session, world.ring, INDEX, {}, ZoneInfo("Europe/Amsterdam"), NOW)
    assert [step.split(" / ")[0] for step in steps if step.startswith("SCAN")] == ["SCAN case_file", "SCAN due"]
    assert any("message USING INDEX ix_message_case_id (case_id=?)" in step for step in steps)


def test_the_queue_is_counted_by_the_indexes_made_for_it(world: World) -> None:
    world.open_case()
    with world.db.read() as session, planned(session) as steps:
        assert queue_page(session, world.ring).total == 1
        overdue_count(session, world.ring, NOW)
        look_count(session, world.ring)
    read = [step.split(" / ")[0] for step in steps]
    assert not [step for step in read if "ix_message_taken_in" in step]
    assert any("COVERING INDEX ix_message_unseen (desk=? AND seen_at=?)" in step for step in read)
    assert any("COVERING INDEX ix_due_of_cases (desk=? AND state=?)" in step for step in read)
    assert any("COVERING INDEX ix_due_of_a_kind (desk=? AND kind=? AND state=?)" in step for step in read)


def _plans(steps: list[str], *words: str) -> list[str]:
    """How what names these is found, step by step."""
    return [step.split(" / ")[0] for step in steps if all(word in step for word in words)]


@pytest.mark.parametrize("linked", [False, True], ids=["to none", "to another"])
def test_linked_cases_are_found_in_either_direction_by_an_index(world: World, linked: bool) -> None:
    first = world.open_case().case_id
    more = {"linked_case": first} if linked else {}
    second = world.open_case(reference="CCCCC-DDDDD", **more).case_id
    with world.db.read() as session:
        row = casework.case_row(session, world.ring, second)
        with planned(session) as steps:
            assert casework._linked(session, world.ring, row) == ((first,) if linked else ())
    found = _plans(steps, "linked_case_id =")
    assert any("INDEX ix_case_file_linked_case_id" in step for step in found)
    assert not [step for step in found if step.startswith("SCAN") or _READS_ALL.match(step)]


def test_the_few_cases_kept_from_the_desk_are_found_by_an_index_of_their_own(world: World) -> None:
    world.open_case()
    with world.db.read() as session, planned(session) as steps:
        overdue_count(session, world.ring, NOW)
    assert any("COVERING INDEX ix_case_file_restricted" in step for step in _plans(steps, "restricted"))


def test_a_page_far_down_is_read_by_indexes_that_hold_all_that_it_asks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.open_case(reference=f"AAAAA-{number:05d}")
    monkeypatch.setattr("store.queue._FAR", 1)
    with world.db.read() as session, planned(session) as steps:
        assert len(queue_page(session, world.ring, page=3, size=1).rows) == 1
    assert any("COVERING INDEX ix_due_queue" in step for step in _plans(steps, "ORDER BY due.due_at"))
    assert not _plans(steps, "ORDER BY due.due_at", "case_file")
    read = _plans(steps, "group_concat(case_file.id")
    assert any("COVERING INDEX ix_case_file_queue" in step for step in read)
    assert not [step for step in read if step.startswith("SCAN case_file")]


def test_the_cases_that_somebody_has_are_found_by_an_index_and_those_of_nobody_counted_by_one(world: World) -> None:
    world.open_case()
    with world.db.read() as session, planned(session) as steps:
        queue_page(session, world.ring, wanted=Wanted(taken_by_id=world.ring.member_id))
        taken_count(session, world.ring)
    found = _plans(steps, "taken_by_id = ")
    assert sum("INDEX ix_case_file_taken (desk=? AND taken_by_id=?" in step for step in found) >= 3
    with world.db.read() as session, planned(session) as steps:
        queue_page(session, world.ring, wanted=Wanted(taken_by_id=NOBODY))
    counted = _plans(steps, "count(*)", "taken_by_id IS NULL")
    assert any("COVERING INDEX ix_case_file_queue" in step for step in counted)


def test_what_puts_a_day_in_order_is_read_by_the_ids_of_its_cases(world: World) -> None:
    world.open_case()
    index = ready(world)
    order = Order(lambda due_at: due_at + timedelta(days=1), index.standing, ("acuut",), ("melding",))
    with world.db.read() as session, planned(session) as steps:
        assert queue_page(session, world.ring, order=order).total == 1
    for asked in ("case_file.changes != case_file.folded", "message.seen_at IS NULL AND (EXISTS"):
        found = _plans(steps, asked)
        assert found, asked
        assert not [step for step in found if step.startswith("SCAN") or _READS_ALL.match(step)], found
