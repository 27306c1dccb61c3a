"""Of what is due in one stage the gravest stands first, on whichever page it falls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import update

from cases.lifecycle import Status
from cases.terms import DueKind
from store import casework, changes
from store.intake import add_message
from store.queue import Wanted, queue_page
from store.queue_order import Order
from store.schema import CaseFile
from store.search import SearchIndex
from tests.store.search_world import ready
from tests.store.world import INDEX, NOW, World, mail

DAY = timedelta(days=1)
GRAVER_FIRST = ("acuut", "hoog", None, "midden", "laag")
KINDS = ("melding", "advies")


def ends(due_at: datetime) -> datetime:
    """A day is a stage; what is overdue today is one of its own."""
    midnight = datetime.combine(due_at.date() + DAY, time.min, due_at.tzinfo)
    return NOW if due_at < NOW < midnight else midnight


def ordered(index: SearchIndex) -> Order:
    return Order(ends, index.standing, GRAVER_FIRST, KINDS)


def case(world: World, number: int, due: timedelta | None, severity: str | None, kind: str = "melding") -> str:
    new = mail(
        attachments=[],
        message_ids=[f"<{number}@x>"],
        report={**mail().report, "severity": severity, "kind": kind},
        received_at=NOW + timedelta(seconds=number),
    )
    dues = {} if due is None else {DueKind.FIRST_LOOK: NOW + due, DueKind.FEEDBACK: NOW + due + 90 * DAY}
    case_id = world.open_case(new, reference=f"AAAAA-{number:05d}", dues=dues).case_id
    with world.db.begin() as session:
        opened = NOW + timedelta(seconds=number)
        session.execute(update(CaseFile).where(CaseFile.id == case_id).values(opened_at=opened))
    return case_id


def shown(world: World, order: Order | None, ids: Sequence[str], size: int, wanted: Wanted | None = None) -> list[int]:
    with world.db.read() as session:
        pages = [
            queue_page(session, world.ring, page=number, size=size, wanted=wanted, order=order)
            for number in range(1, len(ids) // size + 2)
        ]
    return [ids.index(row.case_id) for page in pages for row in page.rows]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_of_one_day_the_gravest_stands_first_over_all_pages(world: World, size: int) -> None:
    hour = timedelta(hours=1)
    given = [
        (DAY, "laag", "melding"),
        (DAY + hour, "acuut", "melding"),
        (DAY - hour, None, "melding"),
        (DAY, "hoog", "advies"),
        (DAY + 2 * hour, "hoog", "melding"),
        (2 * DAY, "acuut", "melding"),
        (-hour, "laag", "melding"),  # overdue since today
        (hour, "acuut", "melding"),
        (-DAY, "laag", "melding"),
        (None, "laag", "melding"),
        (None, "acuut", "melding"),
    ]
    ids = [case(world, number, *each) for number, each in enumerate(given)]
    expected = [8, 6, 7, 1, 4, 3, 2, 0, 5, 10, 9]
    assert shown(world, ordered(ready(world)), ids, size) == expected
    assert shown(world, None, ids, size) == [8, 6, 7, 2, *sorted([0, 3], key=lambda at: ids[at]), 1, 4, 5, 9, 10]


def test_what_is_newer_than_the_index_is_looked_up(world: World) -> None:
    ids = [case(world, 0, DAY, "hoog"), case(world, 1, DAY, "midden"), case(world, 2, DAY, "laag")]
    index = ready(world)
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, ids[2], {"severity": "acuut"}, version=1, now=NOW)
    ids.append(case(world, 3, DAY, "acuut"))
    assert shown(world, ordered(index), ids, 1) == [2, 3, 0, 1]


def test_a_follow_up_that_nobody_has_read_lifts_its_case_on_whichever_page_it_stands(world: World) -> None:
    ids = [case(world, number, DAY, "laag") for number in range(3)]
    with world.db.begin() as session:
        casework.view_case(session, world.ring, ids[2], NOW)
        more = mail(report={"severity": "acuut"}, attachments=[], message_ids=["<more@x>"])
        add_message(session, world.keys, INDEX, ids[2], more, sender_is_new=False, now=NOW + DAY)
    index = ready(world)
    assert shown(world, ordered(index), ids, 1) == [2, 0, 1]
    with world.db.begin() as session:
        casework.view_case(session, world.ring, ids[2], NOW)
    assert shown(world, ordered(index), ids, 1) == [0, 1, 2]


def test_cases_that_have_ended_wait_for_nobody_and_stand_by_their_age(world: World) -> None:
    ids = [case(world, number, DAY, severity) for number, severity in enumerate(["laag", "acuut", "midden"])]
    for case_id in ids:
        with world.db.begin() as session:
            changes.change_status(session, world.ring, INDEX, case_id, Status.SET_ASIDE, version=1, now=NOW)
    assert shown(world, ordered(ready(world)), ids, 1, Wanted(Status.SET_ASIDE)) == [0, 1, 2]


def test_far_down_the_order_is_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [case(world, number, DAY, severity) for number, severity in enumerate(["laag", "acuut", "midden", "hoog"])]
    monkeypatch.setattr("store.queue._FAR", 1)
    assert shown(world, ordered(ready(world)), ids, 1) == [1, 3, 2, 0]
