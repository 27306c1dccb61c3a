"""Rows that are gathered behave as if each had been written at once."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from store import rows
from store.database import Database
from store.keypairs import KeyKind, generate
from store.keyring import add_pair
from store.schema import Audit, Desk, KeyPair, MailCap, SealedSeed, new_id
from tests.store.world import NOW, World, new_case


def _caps(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(MailCap)).one()


def test_a_gathered_row_is_there_for_who_asks_in_the_same_transaction_and_after_it(world: World) -> None:
    with world.db.begin() as session:
        rows.add(session, MailCap, id=new_id(), desk=world.ring.desk, digest=b"d" * 32, at=NOW)
        assert _caps(session) == 1
        rows.add(session, MailCap, id=new_id(), desk=world.ring.desk, digest=b"d" * 32, at=NOW)
    with world.db.read() as session:
        assert _caps(session) == 2


def test_gathered_rows_go_with_a_transaction_that_fails(world: World) -> None:
    with world.db.begin() as session:
        rows.add(session, MailCap, id=new_id(), desk=world.ring.desk, digest=b"d" * 32, at=NOW)
        session.rollback()
    with world.db.read() as session:
        assert _caps(session) == 0


def test_rows_are_written_after_those_that_they_refer_to_in_whatever_order_their_tables_were_met(world: World) -> None:
    with world.db.begin() as session:
        first = add_pair(session, world.ring.desk, KeyKind.MEMBER, new_id(), generate().public, NOW)
        rows.add(session, SealedSeed, key_pair_id=first.id, recipient_key_pair_id=first.id, frame=b"f")
        second = add_pair(session, world.ring.desk, KeyKind.MEMBER, new_id(), generate().public, NOW)
        rows.add(session, SealedSeed, key_pair_id=second.id, recipient_key_pair_id=first.id, frame=b"f")
    with world.db.read() as session:
        assert session.get(KeyPair, second.id) is not None


def test_what_refers_to_an_object_of_the_session_is_written_after_it(db: Database) -> None:
    with db.begin() as session:
        session.add(Desk(slug="x", created_at=NOW))
        rows.add(session, MailCap, id=new_id(), desk="x", digest=b"d" * 32, at=NOW)


def test_large_rows_do_not_pile_up_in_memory(world: World) -> None:
    with world.db.begin() as session:
        assert isinstance(session, rows.GatheringSession)
        pair = world.keys.mailer
        for _ in range(6):
            owner = add_pair(session, pair.desk, KeyKind.MEMBER, new_id(), generate().public, NOW)
            rows.add(session, SealedSeed, key_pair_id=owner.id, recipient_key_pair_id=pair.id, frame=bytes(1 << 20))
        assert session.gathered_bytes < 4 << 20
        written = select(func.count()).select_from(SealedSeed).where(SealedSeed.recipient_key_pair_id == pair.id)
        assert session.connection().execute(written).scalar_one() >= 4


def test_a_transaction_that_only_looks_takes_no_rows(world: World) -> None:
    with world.db.read() as session, pytest.raises(TypeError):
        rows.add(session, MailCap, id=new_id(), desk=world.ring.desk, digest=b"d" * 32, at=NOW)


def test_a_new_case_costs_one_insert_a_table(world: World) -> None:
    inserts: Counter[str] = Counter()

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO "):
            inserts[statement.split()[2]] += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        with world.db.begin() as session:
            new_case(session, world.keys)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert {"case_file", "message", "record", "audit", "due", "lookup", "key_pair"} <= inserts.keys()
    assert set(inserts.values()) == {1}


def test_the_rows_of_the_trail_keep_their_order(world: World) -> None:
    taken = world.open_case()
    with world.db.read() as session:
        query = select(Audit.action, Audit.subject_id).where(Audit.case_id == taken.case_id).order_by(Audit.id)
        trail = [tuple(row) for row in session.execute(query)]
    assert trail[-1] == ("record", taken.case_id)  # the card, last
    assert ("intake", taken.message_id) in trail
