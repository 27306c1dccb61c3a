"""Mails of one sender or one wording: told apart by what is sealed, and one line of the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cases.lifecycle import Status
from cases.terms import DueKind
from store import alike, changes, records
from store.casework import view_case
from store.queue import Page, Wanted, queue_page
from store.records import RecordKind
from store.schema import Base
from tests.store.search_world import about, ready
from tests.store.world import INDEX, NOW, World, mail

CIRCULAR = "De gemeente laat de bomen aan de singel kappen zonder vergunning, en " * 3
SENDER = "sanne@thuis.example"


def case(world: World, number: int, text: str = CIRCULAR, sender: str | None = None, **more: Any) -> str:
    dues = {DueKind.FIRST_LOOK: NOW + timedelta(days=number)}
    new = mail(masked_text=text, sender=sender, message_ids=[], report=about(text, **more).report)
    return world.open_case(new, reference=f"AAAAA-{number:05d}", dues=dues).case_id


def page(world: World, number: int = 1, size: int = 50, wanted: Wanted | None = None) -> Page:
    index = ready(world)
    with world.db.read() as session:
        groups = index.alike(session, world.ring)
        return queue_page(session, world.ring, page=number, size=size, wanted=wanted, alike=groups)


def of(shown: Page) -> list[str]:
    return [row.case_id for row in shown.rows]


@pytest.mark.parametrize(
    ("sender", "contact", "report", "text", "expected"),
    [
        (SENDER, {"email": "Sanne@Thuis.example"}, {}, "", {"sender"}),
        (SENDER, {"email": "jan@elders.example"}, {}, CIRCULAR, {"wording"}),
        (SENDER, {"email": None}, {}, "", set()),
        (None, {"email": SENDER}, {}, "", set()),
        (SENDER, {"email": SENDER}, {"automatic": "auto_reply"}, "", set()),
        (None, {}, {}, "Zie de bijlage.", set()),
    ],
    ids=["the reporter", "a web form", "nobody known", "unsure", "a machine", "few words"],
)
def test_in_doubt_nothing_is_alike(
    sender: str | None, contact: dict[str, Any], report: dict[str, Any], text: str, expected: set[str]
) -> None:
    assert set(alike.marks(INDEX, sender, contact, report, text)) == expected


def test_a_wording_is_its_words_whatever_the_layout_and_numbers() -> None:
    one, other = CIRCULAR + "Kenmerk 12.", "> " + CIRCULAR.upper().replace(" ", "\n") + "Kenmerk 345!"
    assert alike.marks(INDEX, None, {}, {}, one) == alike.marks(INDEX, None, {}, {}, other)
    assert alike.marks(INDEX, None, {}, {}, one) != alike.marks(INDEX, None, {}, {}, one + " Nu.")


def test_what_tells_that_mails_are_alike_stands_nowhere_in_clear(world: World) -> None:
    case_id = case(world, 1, sender=SENDER)
    with world.db.read() as session:
        card = records.opened_of_subjects(session, world.ring, [case_id], RecordKind.CARD)[case_id]
        told = [bytes.fromhex(digest) for digest in card["alike"].values()]
        assert len(told) == 2
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                for value in row:
                    read = value if isinstance(value, bytes) else str(value).encode()
                    assert not any(digest in read or digest.hex().encode() in read for digest in told), table.name


def test_three_of_one_wording_or_one_sender_are_one_line_and_two_are_two(world: World) -> None:
    wording = [case(world, number) for number in (5, 2, 7)]
    sender = [case(world, number, f"{number} iets", sender=SENDER) for number in (3, 1, 9)]
    two = [case(world, number, CIRCULAR + "anders") for number in (4, 6)]
    shown = page(world)
    assert of(shown) == [sender[1], wording[1], two[0], two[1]]
    assert shown.folded == {
        sender[1]: frozenset({sender[0], sender[2]}),
        wording[1]: frozenset({wording[0], wording[2]}),
    }
    assert (shown.total, shown.lines) == (8, 4)
    assert [each for number in (1, 2, 3) for each in of(page(world, number, 2))] == of(shown)
    assert page(world, 2, 2).folded == {}


def test_a_mail_counts_as_one_wording_before_it_counts_as_one_sender(world: World) -> None:
    both = [case(world, number, sender=SENDER) for number in (1, 2, 3)]
    others = [case(world, number, f"{number} iets", sender=SENDER) for number in (4, 5)]
    shown = page(world)
    assert of(shown) == [both[0], *others]


def test_what_somebody_took_up_or_what_is_not_asked_for_is_in_no_line(world: World) -> None:
    ids = [case(world, number) for number in range(1, 6)]
    with world.db.begin() as session:
        changes.change_status(
            *(session, world.ring, INDEX, ids[0], Status.ASSESSING), version=1, now=NOW, outcome=None, approver=""
        )
    shown = page(world)
    assert of(shown) == ids[:2]
    assert shown.folded == {ids[1]: frozenset(ids[2:])}
    narrowed = page(world, wanted=Wanted(among=frozenset(ids[:3])))
    assert (of(narrowed), narrowed.folded) == (ids[:3], {})
    assert page(world, wanted=Wanted(Status.ASSESSING)).folded == {}


def test_a_card_that_is_written_anew_keeps_what_its_mail_was_like(world: World) -> None:
    ids = [case(world, number) for number in range(1, 4)]
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, ids[1], {"severity": "acuut"}, version=1, now=NOW)
    with world.db.begin() as session:
        changes.renew_card(session, world.ring, INDEX, view_case(session, world.ring, ids[1], NOW), NOW)
    assert page(world).folded == {ids[0]: frozenset(ids[1:])}
    assert ready(world).severities(frozenset(ids)) == {"acuut", "midden"}
