"""A case that somebody removed is named; one that Meldpost destroyed, or that was merged, is not."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, insert, select, update

from store import audit, changes, declarations, mergers, verification
from store.audit import Action
from store.rows import table_of
from store.schema import Audit, Base, CaseFile, Destruction, KeyPair, Record, new_id
from store.verification import Verdict, Wrong
from tests.store.destroying import announced, end, look, settle_mail, tick
from tests.store.world import INDEX, NOW, World

AUDIT = table_of(Audit)
OUTLIVES = {"audit", "ledger", "destruction"}


@pytest.fixture
def case_id(world: World) -> str:
    found = world.open_case().case_id
    with world.db.begin() as session:
        changes.add_note(session, world.ring, INDEX, found, "Zwanenzang", NOW)
    look(world, found)
    return found


def verify(world: World) -> Verdict:
    with world.db.read() as session:
        return verification.verify(session, world.ring.desk, None, root=world.pins.signing)


def remove(world: World, case_id: str) -> None:
    """As somebody does who writes to the database: the case out of every table, with the details on the trail."""
    with world.db.begin() as session:
        if world.db.dialect == "sqlite":
            session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        pairs = select(KeyPair.id).where(KeyPair.owner == case_id)
        for table in reversed(Base.metadata.sorted_tables):
            if table.name in ("sealed_seed", "record_piece", "attachment"):
                column = {"sealed_seed": "key_pair_id", "record_piece": "record_id", "attachment": "message_id"}
                of = {
                    "sealed_seed": pairs,
                    "record_piece": select(Record.id).where(Record.case_id == case_id),
                    "attachment": select(Base.metadata.tables["message"].c.id).where(
                        Base.metadata.tables["message"].c.case_id == case_id
                    ),
                }
                session.execute(delete(table).where(table.c[column[table.name]].in_(of[table.name])))
            elif "case_id" in table.c and table.name not in OUTLIVES:
                session.execute(delete(table).where(table.c.case_id == case_id))
        session.execute(delete(KeyPair).where(KeyPair.owner == case_id))
        session.execute(delete(CaseFile).where(CaseFile.id == case_id))
        session.execute(update(AUDIT).where(AUDIT.c.case_id == case_id).values(detail=None))


def destroy(world: World, case_id: str) -> None:
    end(world, case_id)
    settle_mail(world, case_id)
    announced(world, case_id)
    assert tick(world) == 1


def declare(world: World) -> None:
    with world.db.begin() as session:
        assert declarations.declare(session, world.ring, INDEX, {}, NOW) == 1


def test_a_case_that_was_removed_is_named_and_so_are_its_details(world: World, case_id: str) -> None:
    other = world.open_case(reference="CCCCC-DDDDD").case_id
    assert verify(world).is_sound
    with world.db.read() as session:
        last = session.scalar(select(func.max(Audit.id)).where(Audit.case_id == case_id, Audit.sha256.is_not(None)))
        details = session.scalar(
            select(func.count()).where(Audit.case_id == case_id, Audit.detail_sha256.is_not(None)).select_from(Audit)
        )
    remove(world, case_id)
    found = verify(world)
    [named] = [each for each in found.faults if each.wrong is Wrong.CASE_REMOVED]
    assert (named.case_id, named.row_id) == (case_id, last)
    assert len([each for each in found.faults if each.wrong is Wrong.CHANGED]) == details
    assert found.gone == 0
    assert other not in {each.case_id for each in found.faults}


def test_a_case_that_was_asked_for_and_never_was_is_not_missed(world: World) -> None:
    with world.db.begin() as session:
        audit.write_look(session, world.ring, Action.LOOK_REFUSED, NOW, case_id=new_id())
    assert verify(world).is_sound


def test_a_case_that_was_destroyed_and_declared_is_accounted_for(world: World, case_id: str) -> None:
    destroy(world, case_id)
    assert verify(world).undeclared == (case_id,)
    declare(world)
    found = verify(world)
    assert (found.is_sound, found.undeclared) == (True, ())


def test_details_may_be_gone_only_where_a_member_signed_for_the_destruction(world: World, case_id: str) -> None:
    destroy(world, case_id)
    with world.db.begin() as session:
        session.execute(
            update(AUDIT).where(AUDIT.c.case_id == case_id, AUDIT.c.detail.is_not(None)).values(detail=None)
        )
    assert {each.wrong for each in verify(world).faults} <= {Wrong.CHANGED}
    declare(world)
    assert verify(world).is_sound


@pytest.mark.parametrize("what", ["signature", "signer", "frame_of_another"])
def test_a_declaration_that_no_member_signed_counts_for_nothing(world: World, case_id: str, what: str) -> None:
    destroy(world, case_id)
    declare(world)
    with world.db.begin() as session:
        row = session.scalars(select(Record).where(Record.kind == "declaration")).one()
        if what == "signature":
            row.signature = bytes(64)
        elif what == "signer":
            row.signed_by = new_id()
        else:
            row.sha256 = bytes(32)
    assert verify(world).undeclared == (case_id,)


def test_a_removed_case_with_rows_that_say_it_was_destroyed_is_told_as_signed_for_by_nobody(
    world: World, case_id: str
) -> None:
    remove(world, case_id)
    with world.db.begin() as session:
        audit.write(session, world.ring.desk, Action.DESTROY_BEGUN, NOW, case_id=case_id)
        audit.write(session, world.ring.desk, Action.DESTROYED, NOW, case_id=case_id)
        times, counts = {"begun_at": NOW, "ended_at": NOW}, {"records": 1, "messages": 1, "attachments": 0}
        session.execute(
            insert(Destruction).values(
                id=new_id(), desk=world.ring.desk, case_id=case_id, proof=b"p" * 32, **times, **counts
            )
        )
    with world.db.begin() as session:
        assert declarations.declare(session, world.ring, INDEX, {}, NOW) == 0
    assert verify(world).undeclared == (case_id,)


def test_a_case_that_was_merged_into_another_is_there(world: World, case_id: str) -> None:
    into = world.open_case(reference="CCCCC-DDDDD").case_id
    with world.db.begin() as session:
        mergers.merge(
            *(session, world.ring, INDEX, case_id, into),
            version=session.get_one(CaseFile, case_id).version,
            into_version=session.get_one(CaseFile, into).version,
            now=NOW,
        )
    assert verify(world).is_sound
    remove(world, case_id)
    assert case_id in {each.case_id for each in verify(world).faults}
