"""How much mail came since somebody looked: counted for whoever may open it, whatever was looked at meanwhile."""

from __future__ import annotations

from datetime import timedelta

from store import arrivals, casework
from store.intake import add_message, open_case
from tests.store.world import INDEX, NOW, World, mail


def new_since(world: World, mark: arrivals.Mark) -> int:
    with world.db.read() as session:
        return arrivals.new_since(session, world.ring, mark)


def mark_now(world: World) -> arrivals.Mark:
    with world.db.read() as session:
        return arrivals.mark(session, world.ring, NOW)


def test_new_cases_and_further_mails_count_until_the_next_look(world: World) -> None:
    case_id = world.open_case().case_id
    before = mark_now(world)
    assert new_since(world, before) == 0
    world.open_case(reference="CCCCC-DDDDD")
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, mail(), sender_is_new=False, now=NOW + timedelta(minutes=1))
    assert new_since(world, before) == 2
    with world.db.begin() as session:
        casework.view_case(session, world.ring, case_id, NOW)
    assert new_since(world, before) == 2, "to have looked at a case takes none away"
    assert new_since(world, mark_now(world)) == 0


def test_a_mail_that_a_slow_clock_dates_before_the_look_counts(world: World) -> None:
    before = mark_now(world)
    with world.db.begin() as session:
        earlier = NOW - timedelta(minutes=5)
        open_case(session, world.keys, INDEX, mail(), reference="AAAAA-BBBBB", now=earlier, dues={})
    assert new_since(world, before) == 1
