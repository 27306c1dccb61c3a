"""What is written anew of a message that was read again, and what is not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from store import casework, mergers, reread
from store.audit import Action
from store.casework import NotFound
from store.changes import Changed
from store.database import Database
from store.intake import TakenIn, add_message
from store.records import RecordKind
from store.reread import Before
from store.schema import Audit, Record
from tests.store.world import INDEX, NOW, World, mail, make_world

ANEW = {RecordKind.MESSAGE, RecordKind.CONTACT, RecordKind.REPORT, RecordKind.MASKED}


def known(world: World, taken: TakenIn, version: int = 1) -> Before:
    with world.db.read() as session:
        return reread.before(session, world.ring, taken.case_id, taken.message_id, version)


def write(world: World, before: Before, version: int = 1) -> int:
    new = mail(content={"subject": "Nieuw gelezen"}, message_ids=["<one@thuis.example>", "<two@thuis.example>"])
    with world.db.begin() as session:
        return reread.write_anew(session, world.ring, INDEX, before, new, version=version, now=NOW)


def test_what_is_written_anew_are_next_versions_with_the_member_on_the_trail(world: World) -> None:
    taken = world.open_case()
    before = known(world, taken)
    assert write(world, before) == 2
    with world.db.begin() as session:
        written = session.scalars(select(Record).where(Record.subject_id == taken.message_id, Record.version == 2))
        assert {RecordKind(row.kind) for row in written} == ANEW
        rows = session.scalars(select(Audit).where(Audit.subject_id == taken.message_id, Audit.record_version == 2))
        assert {row.member_id for row in rows} == {world.ring.member_id}
        view = casework.view_case(session, world.ring, taken.case_id, NOW)
    (message,) = view.messages
    assert message.content["subject"] == "Nieuw gelezen"
    assert [event.action for event in view.timeline if event.by == "ada"] == [Action.READ_AGAIN, Action.LOOK]
    assert view.timeline[1].detail == {"result": "read"}


def test_what_a_merger_brought_counts_on_when_it_is_read_again(world: World) -> None:
    into = world.open_case().case_id
    report = {"kind": "melding", "severity": "acuut", "concerned": []}
    brought = world.open_case(mail(sender="piet@elders.example", report=report), "CCCCC-DDDDD")
    with world.db.begin() as session:
        mergers.merge(session, world.ring, INDEX, brought.case_id, into, version=1, into_version=1, now=NOW)
    before = known(world, replace(brought, case_id=into), 2)
    with world.db.begin() as session:
        reread.write_anew(session, world.ring, INDEX, before, mail(report=report), version=2, now=NOW)
        assert casework.view_case(session, world.ring, into, NOW).report["severity"] == "acuut"


def test_a_third_reading_comes_after_the_second(world: World) -> None:
    taken = world.open_case()
    write(world, known(world, taken))
    assert write(world, known(world, taken, version=2), version=2) == 3


def test_the_newest_version_counts_whatever_the_clock_of_its_writer_says(world: World) -> None:
    taken = world.open_case()
    new = mail(content={"subject": "Nieuw gelezen"})
    with world.db.begin() as session:
        before = reread.before(session, world.ring, taken.case_id, taken.message_id, 1)
        early = NOW - timedelta(days=1)
        reread.write_anew(session, world.ring, INDEX, before, new, version=1, now=early)
    with world.db.begin() as session:
        view = casework.view_case(session, world.ring, taken.case_id, NOW)
    assert view.messages[0].content["subject"] == "Nieuw gelezen"


def test_a_message_that_comes_in_meanwhile_is_in_nobodys_way(world: World) -> None:
    taken = world.open_case()
    before = known(world, taken)
    later = mail(content={"subject": "Aanvulling"}, message_ids=["<three@thuis.example>"])
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, taken.case_id, later, sender_is_new=False, now=NOW + timedelta(hours=1))
    write(world, before)
    with world.db.begin() as session:
        view = casework.view_case(session, world.ring, taken.case_id, NOW)
    assert [message.content["subject"] for message in view.messages] == ["Nieuw gelezen", "Aanvulling"]


def test_who_comes_second_writes_nothing(world: World) -> None:
    taken = world.open_case()
    first, second = known(world, taken), known(world, taken)
    write(world, first)
    with pytest.raises(Changed):
        write(world, second)
    with pytest.raises(Changed):
        known(world, taken, version=1)
    with world.db.read() as session:
        assert session.scalars(select(Record.version).where(Record.subject_id == taken.message_id)).all().count(2) == 4


def test_a_message_of_another_desk_is_not_found(db: Database) -> None:
    one, two = make_world(db, "een"), make_world(db, "twee")
    taken = one.open_case()
    with pytest.raises(NotFound):
        known(two, taken)
    elsewhere = two.open_case()
    with pytest.raises(NotFound):
        known(two, TakenIn(elsewhere.case_id, taken.message_id, elsewhere.keys))
