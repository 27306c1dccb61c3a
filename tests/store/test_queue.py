"""The queue: which cases it shows, in which order, and what nobody has looked at yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from cases.lifecycle import Status
from cases.terms import LOOKS, DueKind
from store import casework, changes
from store.dues import finish_dues
from store.intake import add_message
from store.queue import Span, Wanted, due_count, look_count, overdue_count, queue_page, status_counts
from store.schema import CaseFile
from tests.store.world import INDEX, NOW, World, mail


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def look(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        casework.view_case(session, world.ring, case_id, NOW)


def test_the_queue_puts_first_what_a_person_must_see_to_first(world: World) -> None:
    def case(reference: str, days: int | None) -> str:
        dues = {} if days is None else {DueKind.FIRST_LOOK: NOW + timedelta(days=days)}
        return world.open_case(reference=reference, dues=dues).case_id

    for reference, days in (("LATER", 9), ("NEVER", None), ("FIRST", 1), ("MIDST", 5)):
        case(f"{reference}-AAAAA", days)
    with world.db.read() as session:
        page = queue_page(session, world.ring)
        assert [row.reference[:5] for row in page.rows] == ["FIRST", "MIDST", "LATER", "NEVER"]
        assert page.rows[0].next_due is not None
        second = queue_page(session, world.ring, page=2, size=3)
        assert ([row.reference[:5] for row in second.rows], second.total) == (["NEVER"], 4)
        assert overdue_count(session, world.ring, NOW + timedelta(days=6)) == 2


def test_the_queue_shows_open_cases_and_closed_ones_with_unseen_mail(world: World, case_id: str) -> None:
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    assert (row.new, row.follow_ups, row.unreadable, row.kind) == (True, 0, False, "melding")
    look(world, case_id)
    with world.db.begin() as session:
        changes.change_status(session, world.ring, INDEX, case_id, Status.SET_ASIDE, version=1, now=NOW)
        assert queue_page(session, world.ring).rows == ()
        assert len(queue_page(session, world.ring, wanted=Wanted(Status.SET_ASIDE)).rows) == 1
        unread = mail(state="unreadable", content={}, report={}, contact={}, attachments=[])
        add_message(session, world.keys, INDEX, case_id, unread, sender_is_new=False, now=NOW)
        (row,) = queue_page(session, world.ring).rows
        assert (row.new, row.follow_ups, row.unreadable, row.status) == (False, 1, True, Status.SET_ASIDE)
        assert status_counts(session, world.ring)[Status.SET_ASIDE] == 1


@pytest.mark.parametrize(("severities", "graver"), [(["laag"], None), (["acuut", "laag"], "acuut"), ([None], None)])
@pytest.mark.parametrize("sender_is_new", [False, True])
def test_an_acute_mail_that_adds_to_a_case_shows_before_anybody_looked(
    world: World, case_id: str, severities: list[str | None], graver: str | None, sender_is_new: bool
) -> None:
    look(world, case_id)
    for severity in severities:
        with world.db.begin() as session:
            more = mail(report={"severity": severity})
            add_message(session, world.keys, INDEX, case_id, more, sender_is_new=sender_is_new, now=NOW)
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    assert (row.new, row.follow_ups, row.severity, row.graver) == (False, len(severities), "midden", graver)
    look(world, case_id)
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    assert (row.follow_ups, row.graver) == (0, None)


def test_a_follow_up_that_nobody_could_open_is_told_of_until_somebody_looked(world: World, case_id: str) -> None:
    """mail-cases 69"""
    look(world, case_id)
    for report in ({"automatic": None, "marks": ["encrypted"]}, {"severity": "laag"}):
        with world.db.begin() as session:
            add_message(session, world.keys, INDEX, case_id, mail(report=report), sender_is_new=False, now=NOW)
    with world.db.read() as session:
        assert [row.unassessed for row in queue_page(session, world.ring).rows] == [True]
    look(world, case_id)
    with world.db.read() as session:
        assert [row.unassessed for row in queue_page(session, world.ring).rows] == [False]


def test_the_overdue_are_those_that_the_queue_shows_as_such(world: World) -> None:
    past, soon = NOW - timedelta(days=1), NOW + timedelta(days=1)
    for number, dues in enumerate(
        (
            {DueKind.FIRST_MESSAGE: past, DueKind.FEEDBACK: past},
            {DueKind.REMINDER: past, DueKind.FEEDBACK: soon},
            {DueKind.REMINDER: past},
            {DueKind.RECEIPT: past},
        )
    ):
        world.open_case(reference=f"AAAAA-AAAA{number + 2}", dues=dues)
    with world.db.read() as session:
        rows = queue_page(session, world.ring).rows
        late = [row.next_due is not None and row.next_due.overdue(NOW) for row in rows]
        assert late == [True, True, False, False]
        assert overdue_count(session, world.ring, NOW) == 2


def test_a_case_waits_for_a_first_look_once_until_nothing_of_that_is_due(world: World) -> None:
    soon = NOW + timedelta(days=2)
    both = world.open_case(
        reference="AAAAA-AAAA2", dues={DueKind.FIRST_LOOK: soon, DueKind.URGENT_LOOK: NOW, DueKind.FEEDBACK: soon}
    ).case_id
    world.open_case(reference="AAAAA-AAAA3", dues={DueKind.FIRST_LOOK: NOW - timedelta(days=1)})
    world.open_case(reference="AAAAA-AAAA4", dues={DueKind.FEEDBACK: soon})
    with world.db.begin() as session:
        assert look_count(session, world.ring) == 2
        finish_dues(session, both, LOOKS)
        assert look_count(session, world.ring) == 1


def test_pages_go_on_from_what_is_due_to_what_is_not(world: World) -> None:
    """Cases with something due by when that is, each once, then the others by age; whatever the size of a page."""
    expected = []
    for number, days in enumerate((3, None, 1, None, 2, None, None)):
        dues = (
            {}
            if days is None
            else {DueKind.FIRST_LOOK: NOW + timedelta(days=days), DueKind.FEEDBACK: NOW + timedelta(days=9)}
        )
        case_id = world.open_case(reference=f"AAAAA-AAAA{number + 2}", dues=dues).case_id
        with world.db.begin() as session:
            session.execute(
                update(CaseFile).where(CaseFile.id == case_id).values(opened_at=NOW + timedelta(hours=number))
            )
        expected.append((days or 99, number, case_id))
    ordered = [case_id for _, _, case_id in sorted(expected)]
    for size in (1, 2, 3, 4, 50):
        for status in (None, Status.RECEIVED):
            with world.db.read() as session:
                wanted = Wanted(status)
                pages = [queue_page(session, world.ring, page=n, size=size, wanted=wanted) for n in range(1, 9)]
            assert [row.case_id for page in pages for row in page.rows] == ordered
            assert {page.total for page in pages} == {7}


def test_what_is_wanted_of_the_queue_combines_and_is_counted_as_it_is_shown(world: World) -> None:
    day = timedelta(days=1)
    given: list[dict[DueKind, timedelta]] = [
        {DueKind.FIRST_LOOK: -day, DueKind.FEEDBACK: 90 * day},
        {DueKind.FIRST_LOOK: day, DueKind.FEEDBACK: 3 * day},
        {DueKind.FEEDBACK: 30 * day},
        {},
        {},
    ]
    ids = []
    for number, dues in enumerate(given):
        at = {kind: NOW + after for kind, after in dues.items()}
        ids.append(world.open_case(reference=f"AAAAA-AAAA{number + 2}", dues=at).case_id)
    look(world, ids[0])
    look(world, ids[3])
    week = Span(NOW + 7 * day, NOW, (DueKind.FEEDBACK,))
    wanted = {
        Wanted(due=Span(NOW)): [0],
        Wanted(due=week): [1],
        Wanted(unseen=True): [1, 2, 4],
        Wanted(unseen=True, due=Span(NOW)): [],
        Wanted(among=frozenset(ids[1:4])): [1, 2, 3],
        Wanted(Status.RECEIVED, unseen=True, among=frozenset(ids[2:])): [2, 4],
        Wanted(Status.CLOSED, among=frozenset(ids)): [],
    }
    for each, expected in wanted.items():
        for size in (1, 2, 50):
            with world.db.read() as session:
                pages = [queue_page(session, world.ring, page=n, size=size, wanted=each) for n in range(1, 6)]
            shown = [ids.index(row.case_id) for page in pages for row in page.rows]
            assert (sorted(shown), {page.total for page in pages}) == (expected, {len(expected)}), each
    with world.db.read() as session:
        assert (due_count(session, world.ring, Span(NOW)), due_count(session, world.ring, week)) == (1, 1)


def test_what_was_counted_by_status_gives_the_same_total(world: World, case_id: str) -> None:
    """Open cases, and those that have ended and have mail that nobody has looked at: more than their statuses say."""
    world.open_case(reference="BBBBB-BBBBB")
    set_aside = world.open_case(reference="CCCCC-CCCCC").case_id
    for each in (case_id, set_aside):
        look(world, each)
        with world.db.begin() as session:
            changes.change_status(session, world.ring, INDEX, each, Status.SET_ASIDE, version=1, now=NOW)
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, set_aside, mail(), sender_is_new=False, now=NOW)
    expected = {None: 2, Status.RECEIVED: 1, Status.SET_ASIDE: 2, Status.CLOSED: 0}
    for status, total in expected.items():
        with world.db.read() as session:
            by_status = status_counts(session, world.ring)
            known = queue_page(session, world.ring, wanted=Wanted(status), by_status=by_status)
            counted = queue_page(session, world.ring, wanted=Wanted(status))
        assert (known.total, counted.total) == (total, total), status
