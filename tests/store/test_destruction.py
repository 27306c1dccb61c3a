"""Destroying a case: nothing opens it from the first step on, nothing of it is left after the last."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cases.lifecycle import Outcome, Status
from cases.roles import Role
from cases.terms import DueKind
from store import audit, casework, consent, declarations, destruction, lookups, models, outbox, records, retention
from store.audit import Action
from store.casework import NotFound
from store.changes import Changed
from store.consent import ConsentNeeded
from store.database import open_database
from store.database_rights import Process
from store.destruction import NotDestroyable
from store.early_destruction import destroy_now
from store.intake import NoSuchCase, add_message
from store.keyring import KeyRing, NoSuchKey
from store.ledger import MailPlace, begin_attempt, find, settle
from store.members import logins
from store.records import Name, RecordKind
from store.retention import NoReason
from store.schema import (
    Audit,
    Base,
    CaseFile,
    Destruction,
    Due,
    KeyPair,
    Ledger,
    Outbox,
    Record,
    SealedSeed,
)
from tests.databases import Databases
from tests.store.destroying import (
    FILLED_IN,
    INDEXES,
    POLICY,
    actions,
    announced,
    end,
    is_there,
    look,
    reopen,
    secrets_of,
    settle_mail,
    tick,
)
from tests.store.test_membership import admit, ring
from tests.store.world import INDEX, NOW, Template, World, attachment, mail, new_case


@pytest.fixture
def on_sqlite(world: World) -> None:
    if world.db.dialect != "sqlite":
        pytest.skip("looks into SQLite's own files")


@pytest.fixture
def case_id(world: World) -> str:
    large = attachment(lambda: iter([os.urandom(1024 * 1024) for _ in range(3)]))
    return world.open_case(mail(attachments=[attachment(), large])).case_id


@pytest.fixture
def due(world: World, case_id: str) -> str:
    """A case with mail that went out, that has ended and whose day has come."""
    world.enqueue(case_id=case_id, copy={"kind": "receipt", "subject": "s", "text": "t", "to": "sanne@thuis.example"})
    settle_mail(world, case_id)
    end(world, case_id)
    announced(world, case_id)
    return case_id


def begin(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        destruction.begin(session, "integriteit", case_id, INDEX, NOW)


def declare(world: World) -> int:
    with world.db.begin() as session:
        return declarations.declare(session, world.ring, INDEX, logins(session, world.ring), NOW)


def test_a_due_case_is_destroyed_and_others_are_not(world: World, due: str) -> None:
    other = world.open_case(reference="CCCCC-DDDDD").case_id
    assert tick(world) == 1
    assert tick(world) == 0
    assert not is_there(world, due)
    assert look(world, other).messages[0].content["text"]


def test_nothing_that_hangs_on_a_case_is_left_of_it(world: World, due: str) -> None:
    """But the trail, the ledger, and the row that says that it is gone; and what is sealed to the desk for later."""
    with world.db.read() as session:
        pairs = session.scalars(select(KeyPair.id).where(KeyPair.owner == due)).all()
        gone = {due, *pairs, *session.scalars(select(Record.id).where(Record.case_id == due))}
        gone |= set(session.scalars(select(Outbox.id).where(Outbox.case_id == due)))
        gone |= {message.id for message in look(world, due).messages}
    assert tick(world) == 1
    left = set()
    with world.db.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                if gone & {str(value) for value in row.values()}:
                    left.add(table.name)
        order = session.scalars(select(Record).where(Record.subject_id == due)).one()
    assert left <= {"audit", "ledger", "destruction", "record"}
    assert order.kind == RecordKind.ORDER


def test_every_table_that_names_a_case_is_emptied_of_it_or_is_known_to_outlive_it() -> None:
    """Whoever adds a table with a case in it comes by here: a foreign key to the case has its rows destroyed."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("case_id") and table.name not in destruction.OUTLIVES:
                targets = {key.target_fullname for key in column.foreign_keys}
                is_a_link = table.name == "case_file"
                assert targets == {"case_file.id"} or is_a_link, f"{column} names a case and has no foreign key to it"


def test_from_the_first_step_on_nothing_opens_the_case(world: World, due: str) -> None:
    begin(world, due)
    with world.db.read() as session:
        pairs = session.scalars(select(KeyPair.id).where(KeyPair.owner == due)).all()
        assert len(pairs) == 2
        for pair_id in pairs:
            with pytest.raises(NoSuchKey):
                _fresh(world).private(session, pair_id)
        assert session.scalars(select(Record.id).where(Record.case_id == due)).first()
        with pytest.raises(NoSuchKey):
            records.opened_json(session, _fresh(world), Name(due, due, RecordKind.CARD))
        with pytest.raises(NotFound):
            casework.case_row(session, world.ring, due)


def _fresh(world: World):  # type: ignore[no-untyped-def]
    """The same member's ring, that has opened nothing yet."""
    return KeyRing.from_bytes(world.ring.to_bytes())


def test_from_the_first_step_on_no_mail_finds_the_case(world: World, due: str) -> None:
    with world.db.read() as session:
        (sent,) = session.scalars(select(Outbox.id).where(Outbox.case_id == due))
    begin(world, due)
    with world.db.read() as session:
        assert outbox.with_id(session, "integriteit", sent) is None
        assert lookups.case_by_reference(session, "integriteit", INDEX.reference("AAAAA-BBBBB")) is None
        assert lookups.message_with_id(session, "integriteit", INDEX.message_id("<one@thuis.example>")) is None
    with world.db.begin() as session, pytest.raises(NoSuchCase):
        add_message(session, world.keys, INDEX, due, mail(), sender_is_new=False, now=NOW)


def test_a_case_that_is_half_destroyed_is_not_reopened_and_is_finished_at_the_next_tick(world: World, due: str) -> None:
    begin(world, due)
    with pytest.raises(NotFound):
        reopen(world, due)
    assert tick(world) == 1
    assert not is_there(world, due)


def test_a_link_of_another_case_to_it_is_taken_off(world: World, due: str) -> None:
    other = world.open_case(reference="CCCCC-DDDDD", linked_case=due).case_id
    assert look(world, other).linked_case_ids == (due,)
    begin(world, due)
    assert look(world, other).linked_case_ids == ()


def test_the_trail_stays_with_its_digests_and_its_details_open_to_nobody(world: World, due: str) -> None:
    with world.db.read() as session:
        before = session.scalars(select(Audit).where(Audit.case_id == due).order_by(Audit.id)).all()
    assert tick(world) == 1
    with world.db.read() as session:
        after = session.scalars(select(Audit).where(Audit.case_id == due).order_by(Audit.id)).all()
        columns = [column.key for column in Audit.__table__.columns]
        assert [[getattr(row, name) for name in columns] for row in after[: len(before)]] == [
            [getattr(row, name) for name in columns] for row in before
        ]
        assert any(row.detail for row in before)
        assert all(not entry.detail for entry in _opened(world, session, due))
    assert actions(world, due)[-2:] == [Action.DESTROY_BEGUN, Action.DESTROYED]


def _opened(world: World, session: Session, case_id: str) -> tuple[audit.Entry, ...]:
    return audit.timeline(session, _fresh(world), case_id)


def test_the_ledger_stays_so_that_the_same_mail_is_not_taken_in_again(world: World, case_id: str) -> None:
    place = MailPlace("box", "INBOX", 1, 7)
    entry = begin_attempt(world.db, "integriteit", place)
    message_id = look(world, case_id).messages[0].id
    with world.db.begin() as session:
        digests = {"raw_digest": b"r" * 32, "stable_digest": b"s" * 32}
        settle(session, entry.id, **digests, case_id=case_id, message_id=message_id)
    end(world, case_id)
    announced(world, case_id)
    assert tick(world) == 1
    with world.db.read() as session:
        kept = find(session, place)
        assert kept is not None
        assert kept.case_id == case_id
        assert session.scalars(select(Ledger.raw_digest)).one() == b"r" * 32


def test_what_is_open_or_held_or_unread_or_has_mail_on_its_way_is_not_destroyed(world: World, case_id: str) -> None:
    with world.db.begin() as session, pytest.raises(NotDestroyable, match="not ended"):
        destruction.begin(session, "integriteit", case_id, INDEX, NOW)
    end(world, case_id)
    world.enqueue(case_id=case_id)
    with world.db.begin() as session, pytest.raises(NotDestroyable, match="on its way"):
        destruction.begin(session, "integriteit", case_id, INDEX, NOW)
    announced(world, case_id)
    assert tick(world) == 0
    assert is_there(world, case_id)


def test_a_clock_that_jumps_ahead_destroys_nothing_of_which_no_notice_went_out(world: World, case_id: str) -> None:
    end(world, case_id, now=NOW - timedelta(days=20_000))  # as if the database's clock said so
    assert tick(world) == 0
    assert is_there(world, case_id)


@pytest.mark.usefixtures("on_sqlite")
def test_after_the_sweep_no_file_of_the_database_holds_a_sealed_byte_of_the_case(
    world: World, due: str, tmp_path: Path
) -> None:
    wanted = list(secrets_of(world, due))
    files = [tmp_path / f"meldpost.db{end_}" for end_ in ("", "-wal", "-shm")]

    def found() -> int:
        held = b"".join(file.read_bytes() for file in files if file.exists())
        return sum(stretch in held for stretch in wanted)

    assert len(wanted) > 30
    assert found() == len(wanted)
    assert tick(world) == 1
    assert destruction.sweep(world.db)
    assert found() == 0
    with world.db.read() as session:
        assert session.scalars(select(Destruction.swept_at)).one() is not None
        assert session.execute(text("PRAGMA freelist_count")).scalar_one() == 0


@pytest.mark.usefixtures("on_sqlite")
def test_while_somebody_reads_the_sweep_waits_and_is_done_later(world: World, due: str, tmp_path: Path) -> None:
    assert tick(world) == 1
    other = open_database(f"sqlite:///{tmp_path}/meldpost.db")
    with other.read() as session:
        session.scalars(select(CaseFile.id)).all()
        assert not destruction.sweep(world.db)
        with world.db.read() as looking:
            assert looking.scalars(select(Destruction.swept_at)).one() is None
    other.close()
    assert destruction.sweep(world.db)


_TICK = """
import os, sys
os.setpgrp()
from store import destruction
from store.database import open_database
from store.lookups import IndexKey
index = {"integriteit": IndexKey(b"i" * 32)}
destruction.PIECES_A_STEP = destruction.ROWS_A_STEP = 1
destruction.destroy_due(open_database(sys.argv[1]), index, {"integriteit": True})
"""


@pytest.mark.usefixtures("on_sqlite")
@pytest.mark.parametrize("point", ["after-keys", "between-steps"])
def test_a_tick_that_is_killed_is_gone_on_with_by_the_next(world: World, due: str, tmp_path: Path, point: str) -> None:
    environment = {**os.environ, "MELDPOST_FAULT": f"{point}=kill"}
    ended = subprocess.run(
        [sys.executable, "-c", _TICK, f"sqlite:///{tmp_path}/meldpost.db"], env=environment, check=False
    )
    assert ended.returncode == -9
    assert is_there(world, due)
    with world.db.read() as session:
        pairs = select(KeyPair.id).where(KeyPair.owner == due)
        assert session.scalars(select(SealedSeed.frame).where(SealedSeed.key_pair_id.in_(pairs))).all() == []
    assert tick(world) == 1
    assert not is_there(world, due)
    assert declare(world) == 1


def test_who_hears_of_a_destruction_hears_it_when_no_key_is_left_and_before_the_rows_go(world: World, due: str) -> None:
    heard = []

    def hear() -> None:
        with world.db.read() as session:
            named = due in destruction.destroyed_cases(session, "integriteit")
        heard.append((named, is_there(world, due)))

    assert destruction.destroy_due(world.db, INDEXES, {"integriteit": True}, hear) == 1
    assert heard == [(True, True)]


def test_two_ticks_at_once_destroy_a_case_once(world: World, due: str) -> None:
    begin(world, due)
    gone: list[int] = []
    threads = [Thread(target=lambda: gone.append(destruction.finish_begun(world.db, INDEXES))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(gone) == [0, 0, 1]
    assert actions(world, due).count(Action.DESTROYED) == 1


def test_the_next_member_signs_a_declaration_that_names_no_person_of_the_case(world: World, due: str) -> None:
    assert tick(world) == 1
    assert declare(world) == 1
    assert declare(world) == 0
    with world.db.read() as session:
        (kept,) = declarations.kept(session, world.ring)
        assert retention.order_of(session, world.ring, due) == {}
    assert kept.sound
    assert kept.public == world.ring.signing_key().public
    content = dict(kept.content)
    assert (content["reference"], content["ground"], content["term"], content["selection"]) == (
        "AAAAA-BBBBB", "Archiefwet 1995", "2 months", "12.3",
    )  # fmt: skip
    assert (content["messages"], content["attachments"]) == (1, 2)
    assert (content["destroyed_by"], content["signed_by"]) == ("Meldpost", "ada")
    told = declarations.to_text(kept, {"reference": "Kenmerk", "ground": "Grond", "reason": "Reden"})
    assert "AAAAA-BBBBB" in told
    assert "Reden" not in told
    assert not {"Sanne", "Vogel", "Rolf", "Dijkgraaf", "Zwanenzang"} & set(told.replace('"', " ").split())


def test_a_declaration_that_was_changed_is_not_sound(world: World, due: str) -> None:
    assert tick(world) == 1
    declare(world)
    with world.db.read() as session:
        (kept,) = declarations.kept(session, world.ring)
    assert not replace(kept, content={**kept.content, "ground": "een andere"}).sound


def test_a_row_that_somebody_wrote_into_the_database_is_declared_by_nobody(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        times, counts = {"begun_at": NOW, "ended_at": NOW}, {"records": 1, "messages": 1, "attachments": 0}
        session.add(Destruction(id="f" * 32, desk="integriteit", case_id=case_id, proof=b"p" * 32, **times, **counts))
    assert declare(world) == 0
    with world.db.read() as session:
        assert [each.proven for each in destruction.ended(session, "integriteit", INDEX)] == [False]


def test_models_that_saw_the_case_are_withdrawn(world: World, due: str) -> None:
    with world.db.begin() as session:
        models.add(session, world.ring, INDEX, b"model", [due], {}, NOW)
    begin(world, due)
    with world.db.read() as session:
        assert models.in_force(session, world.ring, INDEX) is None  # from the first step on
    assert tick(world) == 1
    declare(world)
    with world.db.read() as session:
        assert [each.withdrawn for each in models.kept(session, world.ring, INDEX).versions] == [True]
        assert session.scalars(select(Record.id).where(Record.kind == RecordKind.MODEL)).all() == []


def _destroy_now(
    world: World, case_id: str, reason: str = "Verkeerd bezorgd.", version: int | None = None, *, two: bool = False
) -> None:
    version = look(world, case_id).version if version is None else version
    with world.db.read() as session:
        names = logins(session, world.ring)
    destroy_now(world.db, world.ring, INDEX, case_id, reason, POLICY, names, version=version, now=NOW, two=two)


def test_a_member_destroys_a_case_before_its_time_with_a_reason_that_is_declared(world: World, case_id: str) -> None:
    end(world, case_id, Outcome.SUBSTANTIATED)
    with pytest.raises(NoReason):
        _destroy_now(world, case_id, " ")
    with pytest.raises(Changed):
        _destroy_now(world, case_id, version=1)
    assert is_there(world, case_id)
    _destroy_now(world, case_id)
    assert not is_there(world, case_id)
    with world.db.read() as session:
        (kept,) = declarations.kept(session, world.ring)
    assert (kept.content["reason"], kept.content["destroyed_by"]) == ("Verkeerd bezorgd.", "ada")
    assert kept.sound
    assert Action.DESTROY_ORDERED in actions(world, case_id)


def test_what_is_on_hold_is_not_destroyed_before_its_time_either(world: World, case_id: str) -> None:
    end(world, case_id)
    with world.db.begin() as session:
        retention.hold(session, world.ring, INDEX, case_id, "Er loopt een rechtszaak.", NOW)
    with pytest.raises(NotDestroyable):
        _destroy_now(world, case_id)
    assert look(world, case_id).status is Status.CLOSED
    with world.db.read() as session:
        assert retention.order_of(session, world.ring, case_id).get("reason") is None  # taken back as a whole
        assert session.scalars(select(Due.kind).where(Due.case_id == case_id, Due.kind == DueKind.DESTROY)).all()


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a large case: many steps of each kind."""
    monkeypatch.setattr(destruction, "PIECES_A_STEP", 2)
    monkeypatch.setattr(destruction, "ROWS_A_STEP", 3)


def test_where_the_desk_wants_two_a_second_member_has_to_agree_to_an_early_destruction(
    world: World, case_id: str
) -> None:
    bram = ring(world, *admit(world, "bram", Role.DEPUTY))
    end(world, case_id)
    for _ in range(2):
        with pytest.raises(ConsentNeeded):
            _destroy_now(world, case_id, two=True)
    assert is_there(world, case_id)
    with world.db.begin() as session:
        (asked,) = consent.standing(session, bram, NOW)
        assert dict(asked.about) == {"reference": "AAAAA-BBBBB", "reason": "Verkeerd bezorgd."}
        consent.give(session, bram, asked.id, NOW)
    _destroy_now(world, case_id, two=True)
    assert not is_there(world, case_id)


@pytest.mark.parametrize("process", [Process.DAEMON, Process.DESK])
def test_daemon_and_desk_each_destroy_a_case_under_their_own_role(
    databases: Databases, template: Template, tmp_path: Path, process: Process
) -> None:
    url = databases.copy(template.file, tmp_path)
    world, own = template.world(url), open_database(databases.as_process(url, process))
    with world.db.begin() as session:
        case_id = new_case(session, world.keys).case_id
    settle_mail(world, case_id)
    end(world, case_id)
    if process is Process.DAEMON:
        announced(world, case_id)
        assert destruction.destroy_due(own, INDEXES, FILLED_IN) == 1
    else:
        names = {world.ring.member_id: "ada"}
        asked = (own, world.ring, INDEX, case_id, "Verkeerd bezorgd.", POLICY, names)
        destroy_now(*asked, version=look(world, case_id).version, now=NOW)
    assert not is_there(world, case_id)
    own.close()
    world.db.close()
