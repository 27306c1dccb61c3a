"""A record that was overwritten, taken away or put there is named, without any key."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from store import changes, frames_compared, records
from store.frames_compared import Compared, Difference, Differs
from store.keyring import pair
from store.records import RecordKind
from store.rows import table_of
from store.schema import Audit, Record, RecordPiece, new_id
from tests.store.destroying import announced, end, settle_mail, tick
from tests.store.world import INDEX, NOW, World, attachment, mail

RECORDS = table_of(Record)
BIG = 3 * 1024 * 1024


@pytest.fixture
def case_id(world: World) -> str:
    found = world.open_case(mail(attachments=[attachment(lambda: iter([os.urandom(BIG)]))])).case_id
    with world.db.begin() as session:
        changes.add_note(session, world.ring, INDEX, found, "Zwanenzang", NOW)
    return found


def differences(world: World) -> list[Difference]:
    with world.db.read() as session:
        return list(frames_compared.differences(session, world.ring.desk))


def test_records_that_nobody_touched_are_those_of_the_trail(world: World, case_id: str) -> None:
    compared = Compared()
    with world.db.read() as session:
        assert list(frames_compared.differences(session, world.ring.desk, compared)) == []
        assert compared.records == len(session.scalars(select(Record.id)).all())


@pytest.mark.parametrize("kind", [RecordKind.REPORT, RecordKind.NOTE, RecordKind.MEMBER])
def test_a_frame_that_was_overwritten_is_named(world: World, case_id: str, kind: RecordKind) -> None:
    with world.db.begin() as session:
        row = session.scalars(select(Record).where(Record.kind == kind)).one()
        row.frame = os.urandom(row.size)
    [found] = differences(world)
    assert found == Difference(Differs.CHANGED, row.case_id, row.subject_id, kind, row.version)


def test_a_frame_that_was_overwritten_together_with_its_own_digest_is_named(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        row = session.scalars(select(Record).where(Record.kind == RecordKind.REPORT)).one()
        other = session.scalars(select(Record).where(Record.kind == RecordKind.NOTE)).one()
        row.frame, row.sha256 = other.frame, other.sha256
    assert [each.how for each in differences(world)] == [Differs.CHANGED]


@pytest.mark.parametrize("what", ["changed", "cut off", "swapped"])
def test_a_large_record_is_compared_over_all_its_pieces(world: World, case_id: str, what: str) -> None:
    with world.db.begin() as session:
        large = session.scalars(select(Record).where(Record.kind == RecordKind.ATTACHMENT)).one()
        pieces = session.scalars(
            select(RecordPiece).where(RecordPiece.record_id == large.id).order_by(RecordPiece.number)
        ).all()
        assert len(pieces) > 2
        if what == "changed":
            pieces[-1].frame = os.urandom(len(pieces[-1].frame))
        elif what == "cut off":
            session.delete(pieces[-1])
        else:
            pieces[0].frame, pieces[1].frame = pieces[1].frame, pieces[0].frame
    assert [(each.how, each.kind) for each in differences(world)] == [(Differs.CHANGED, RecordKind.ATTACHMENT)]


def test_a_record_that_was_taken_away_is_named(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        session.execute(delete(Record).where(Record.kind == RecordKind.NOTE))
    assert [(each.how, each.case_id, each.kind) for each in differences(world)] == [
        (Differs.MISSING, case_id, RecordKind.NOTE)
    ]


def test_a_record_that_the_trail_does_not_know_is_named(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        row = session.execute(select(RECORDS).where(RECORDS.c.kind == RecordKind.NOTE)).one()._asdict()
        session.execute(insert(RECORDS).values({**row, "id": new_id(), "version": 7}))
    assert [(each.how, each.version) for each in differences(world)] == [(Differs.UNKNOWN, 7)]


def test_bytes_of_another_kind_are_named_and_stop_nothing(world: World, case_id: str) -> None:
    if world.db.dialect != "sqlite":
        pytest.skip("PostgreSQL keeps no text in a column of bytes")
    with world.db.begin() as session:
        session.connection().exec_driver_sql("UPDATE record SET frame = 'garbage' WHERE kind = 'report'")
        session.connection().exec_driver_sql("UPDATE record SET sha256 = 'garbage' WHERE kind = 'note'")
    assert {(each.how, each.kind) for each in differences(world)} == {
        (Differs.CHANGED, RecordKind.REPORT),
        (Differs.CHANGED, RecordKind.NOTE),
    }


def test_what_was_destroyed_with_its_case_is_not_missing(world: World, case_id: str) -> None:
    end(world, case_id)
    settle_mail(world, case_id)
    announced(world, case_id)
    assert tick(world) == 1
    assert differences(world) == []


def test_a_record_that_was_written_twice_is_compared_with_the_newest_row(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        row = session.scalars(select(Record).where(Record.kind == RecordKind.REPORT)).one()
        row_id = row.id
    with world.db.begin() as session:
        records.reseal(session, world.ring, row_id, pair(session, row.key_pair_id), NOW + timedelta(hours=1))
    assert differences(world) == []
    with world.db.begin() as session:  # the row from before fits what was there before: it does not count
        before = session.scalars(
            select(Audit.sha256).where(
                Audit.subject_id == row.subject_id, Audit.action == "record", Audit.record_kind == "report"
            )
        ).one()
        session.execute(
            update(Record)
            .where(Record.subject_id == row.subject_id, Record.kind == "report")
            .values(frame=row.frame, sha256=before)
        )
    assert [each.how for each in differences(world)] == [Differs.CHANGED]
