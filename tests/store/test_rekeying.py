"""The keys of a case are made anew while mail comes in, and nothing is sealed to a dead key, lost or left open."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

from store import audit, casework, changes, records, rekeying
from store.audit import Action
from store.database import Database
from store.intake import TakenIn, add_message
from store.keypairs import KeyKind, generate
from store.keyring import KeyRing, NoSuchKey
from store.records import RecordKind
from store.rekeying import Recipients
from store.schema import Audit, KeyPair, Record, RecordPiece, SealedSeed, new_id
from tests.store.world import INDEX, NOW, Template, World, attachment, damage, folder_in_memory, mail, make_template

LARGE = 3 * records.PIECE + 17


@pytest.fixture
def taken(world: World) -> TakenIn:
    large = attachment(lambda: iter([b"zwanenzang" * 1000] * (LARGE // 10_000)))
    taken = world.open_case(mail(attachments=[large]))
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, taken.case_id, {"severity": "hoog"}, version=1, now=NOW)
        changes.decide(session, world.ring, INDEX, taken.case_id, {"severity": "laag"}, version=2, now=NOW)
        changes.add_note(session, world.ring, INDEX, taken.case_id, "Bel terug.", NOW)
    return taken


def to_desk(world: World) -> Recipients:
    return Recipients((world.keys.to_desk,), (world.keys.to_desk,))


def rekey(world: World, case_id: str, to: Recipients | None = None) -> None:
    for _ in rekeying.rekey(world.db, world.ring, INDEX, world.keys, case_id, to or to_desk(world)):
        pass


def view(world: World, case_id: str, ring: KeyRing | None = None) -> casework.CaseView:
    with world.db.begin() as session:
        return casework.view_case(session, ring or fresh(world), case_id, NOW + timedelta(days=1))


def fresh(world: World) -> KeyRing:
    """The member's key ring as after a new log-in: it remembers no key of a case."""
    return KeyRing.from_bytes(world.ring.to_bytes())


def old_privates(world: World, case_id: str) -> KeyRing:
    """What somebody kept who could open a case: the private halves of its keys as they are now."""
    with world.db.read() as session:
        pairs = session.scalars(select(KeyPair).where(KeyPair.owner == case_id, KeyPair.retired_at.is_(None))).all()
        return KeyRing("thief", world.ring.desk, "", {each.id: world.ring.private(session, each.id) for each in pairs})


def opens(db: Database, ring: KeyRing, case_id: str) -> set[tuple[str, int]]:
    """Which records of a case, in any version, this key ring opens from the database."""
    found = set()
    with db.read() as session:
        for row in session.scalars(select(Record).where(Record.case_id == case_id)):
            try:
                b"".join(records._open(session, ring, row))
            except records.CANNOT_OPEN:
                continue
            found.add((row.kind, row.version))
    return found


def test_everything_of_a_case_reads_as_before(world: World, taken: TakenIn) -> None:
    before = view(world, taken.case_id)
    all_before = opens(world.db, fresh(world), taken.case_id)
    with world.db.read() as session:
        ages = {(row.subject_id, row.kind, row.version): row.created_at for row in session.scalars(select(Record))}
    rekey(world, taken.case_id)
    after = view(world, taken.case_id)
    assert (after.messages[0].content, after.notes, after.decisions) == (
        before.messages[0].content,
        before.notes,
        before.decisions,
    )
    assert opens(world.db, fresh(world), taken.case_id) == all_before
    with world.db.read() as session:
        left = {(row.subject_id, row.kind, row.version): row.created_at for row in session.scalars(select(Record))}
        assert left == ages
        pieces = set(session.scalars(select(RecordPiece.record_id)))
        assert pieces <= set(session.scalars(select(Record.id)))


def test_an_attachment_of_many_pieces_is_whole(world: World, taken: TakenIn) -> None:
    rekey(world, taken.case_id)
    about = view(world, taken.case_id).messages[0].content["attachments"][0]
    with casework.download_attachment(world.db, fresh(world), taken.case_id, about["id"], NOW) as download:
        digest = hashlib.sha256(b"".join(download.chunks)).hexdigest()
    assert digest == hashlib.sha256(b"zwanenzang" * 1000 * (LARGE // 10_000)).hexdigest()


def test_the_details_of_the_trail_stay_readable_and_its_rows_stay_as_they_were(world: World, taken: TakenIn) -> None:
    with world.db.read() as session:
        rows = [(row.id, row.detail, row.key_pair_id) for row in session.scalars(select(Audit).order_by(Audit.id))]
    rekey(world, taken.case_id)
    rekey(world, taken.case_id)
    with world.db.read() as session:
        found = session.scalars(select(Audit).order_by(Audit.id).limit(len(rows)))
        assert [(row.id, row.detail, row.key_pair_id) for row in found] == rows
        told = [each.detail for each in audit.timeline(session, fresh(world), taken.case_id) if each.detail]
    assert told == [{"part": "severity", "value": "hoog"}, {"part": "severity", "value": "laag"}]


def test_the_newest_row_about_a_version_holds_the_digest_of_its_frame(world: World, taken: TakenIn) -> None:
    rekey(world, taken.case_id)
    with world.db.read() as session:
        for row in session.scalars(select(Record).where(Record.case_id == taken.case_id)):
            frame = row.frame or b"".join(records._pieces(session, row.id))
            about = session.scalars(
                select(Audit)
                .where(Audit.subject_id == row.subject_id, Audit.record_kind == row.kind)
                .where(Audit.record_version == row.version)
                .order_by(Audit.id)
            ).all()
            assert [each.action for each in about] == [Action.RECORD, Action.RESEALED]
            assert about[-1].sha256 == row.sha256 == hashlib.sha256(frame).digest()


def test_who_kept_the_private_halves_of_before_opens_nothing(world: World, taken: TakenIn) -> None:
    thief = old_privates(world, taken.case_id)
    assert opens(world.db, thief, taken.case_id)
    rekey(world, taken.case_id)
    assert opens(world.db, thief, taken.case_id) == set()
    assert opens(world.db, fresh(world), taken.case_id)


def test_who_no_longer_gets_the_keys_opens_nothing_with_their_whole_ring(world: World, taken: TakenIn) -> None:
    rekey(world, taken.case_id, Recipients((), ()))
    assert opens(world.db, fresh(world), taken.case_id) == set()
    with world.db.read() as session:
        assert all(not each.detail for each in audit.timeline(session, fresh(world), taken.case_id))
    recovery = KeyRing("", world.ring.desk, "", {world.keys.recovery.id: recovery_key(world)})
    assert opens(world.db, recovery, taken.case_id), "the paper stays good"


def recovery_key(world: World) -> rekeying.PrivateKey:
    return rekeying.PrivateKey.from_seed(world.fresh.recovery_seed)


def test_nothing_in_the_database_leads_to_the_private_halves_of_before(world: World, taken: TakenIn) -> None:
    rekey(world, taken.case_id)
    with world.db.read() as session:
        dead = session.scalars(select(KeyPair).where(KeyPair.owner == taken.case_id, KeyPair.generation == 1)).all()
        assert len(dead) == 2
        assert all(each.retired_at for each in dead)
        named = select(SealedSeed).where(SealedSeed.key_pair_id.in_([each.id for each in dead]))
        assert session.scalars(named).all() == []
        assert rekeying.unfinished(session, world.ring.desk) == ()


def test_it_goes_on_where_it_was_stopped(world: World, taken: TakenIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "BATCH_RECORDS", 2)
    thief = old_privates(world, taken.case_id)
    progress = rekeying.rekey(world.db, world.ring, INDEX, world.keys, taken.case_id, to_desk(world))
    next(progress)
    stopped = next(progress)
    progress.close()  # type: ignore[attr-defined]
    assert 0 < stopped.done < stopped.total
    with world.db.read() as session:
        assert rekeying.unfinished(session, world.ring.desk) == (taken.case_id,)
    assert view(world, taken.case_id).damaged == 0, "half-way it reads as ever"
    last = list(rekeying.resume(world.db, fresh(world), INDEX, taken.case_id))[-1]
    assert (last.done, last.left, last.damaged) == (last.total, 0, 0)
    assert opens(world.db, thief, taken.case_id) == set()
    with world.db.read() as session:
        assert rekeying.unfinished(session, world.ring.desk) == ()


def test_mail_that_comes_in_half_way_is_sealed_to_the_newest_key(world: World, taken: TakenIn) -> None:
    thief = old_privates(world, taken.case_id)
    progress = rekeying.rekey(world.db, world.ring, INDEX, world.keys, taken.case_id, to_desk(world))
    next(progress)
    with world.db.begin() as session:
        later = add_message(
            session, world.keys, INDEX, taken.case_id, mail(message_ids=["<2@x>"]), sender_is_new=False, now=NOW
        )
    assert later.keys.case.generation == later.keys.identity.generation == 2
    list(progress)
    assert len(view(world, taken.case_id).messages) == 2
    assert opens(world.db, thief, taken.case_id) == set()


def test_anew_once_more_before_the_first_time_was_finished(world: World, taken: TakenIn) -> None:
    next(rekeying.rekey(world.db, world.ring, INDEX, world.keys, taken.case_id, to_desk(world)))
    rekey(world, taken.case_id)
    with world.db.read() as session:
        kept = select(KeyPair.generation).where(KeyPair.owner == taken.case_id, KeyPair.retired_at.is_(None))
        assert set(session.scalars(kept)) == {3}
    assert view(world, taken.case_id).damaged == 0


def test_what_nobody_can_open_now_is_kept_with_its_key_for_the_new_recipients_alone(
    world: World, taken: TakenIn
) -> None:
    with world.db.read() as session:
        whole = session.scalars(select(Record.frame).where(Record.kind == RecordKind.REPORT)).one()
    damage(world.db, taken.case_id, RecordKind.REPORT)
    rekey(world, taken.case_id)
    rekey(world, taken.case_id)
    with world.db.read() as session:
        dead = select(KeyPair.id).where(KeyPair.owner == taken.case_id, KeyPair.generation == 1)
        to = session.scalars(select(SealedSeed.recipient_key_pair_id).where(SealedSeed.key_pair_id.in_(dead))).all()
        kinds = {(row.kind, row.generation) for row in session.scalars(select(KeyPair).where(KeyPair.id.in_(to)))}
        assert kinds == {("case", 3)}
        assert rekeying.unfinished(session, world.ring.desk) == ()
    with world.db.begin() as session:  # a backup has it whole
        session.execute(update(Record).where(Record.kind == RecordKind.REPORT).values(frame=whole))
    assert view(world, taken.case_id).damaged == 0
    rekey(world, taken.case_id, Recipients((), ()))
    assert opens(world.db, fresh(world), taken.case_id) == set()


def test_who_cannot_open_a_case_cannot_make_its_keys_anew(world: World, taken: TakenIn) -> None:
    stranger = KeyRing("x", world.ring.desk, "x", {})
    with pytest.raises(NoSuchKey):
        next(rekeying.rekey(world.db, stranger, INDEX, world.keys, taken.case_id, to_desk(world)))
    with world.db.read() as session:
        assert rekeying.unfinished(session, world.ring.desk) == ()


def test_a_key_of_before_that_somebody_wrote_into_the_database_holds_nothing_up(world: World, taken: TakenIn) -> None:
    with world.db.begin() as session:
        true = session.scalars(
            select(KeyPair).where(KeyPair.owner == taken.case_id, KeyPair.kind == KeyKind.CASE)
        ).one()
        about = {"desk": true.desk, "owner": true.owner, "kind": true.kind, "created_at": NOW}
        forged = KeyPair(id=new_id(), generation=0, public=generate().public.to_bytes(), proof=true.proof, **about)
        session.add(forged)
        session.flush()
        seed = SealedSeed(key_pair_id=forged.id, recipient_key_pair_id=world.keys.to_desk.id, frame=b"nothing")
        session.add(seed)
    rekey(world, taken.case_id)
    assert [note.text for note in view(world, taken.case_id).notes] == ["Bel terug."]


def test_the_trail_tells_of_it(world: World, taken: TakenIn) -> None:
    rekey(world, taken.case_id)
    told = [event.action for event in view(world, taken.case_id).timeline]
    assert told.count(Action.KEYS_ANEW) == 1
    assert told.count(Action.KEYS_DESTROYED) == 2


class Meanwhile(RuleBasedStateMachine):
    """Mail, notes and decisions come at any moment; it stops and goes on at any moment, and begins anew."""

    template: Template

    @initialize()
    def a_case(self) -> None:
        self.folder = folder_in_memory()
        self.world = self.template.copy(Path(self.folder.name))
        self.case_id = self.world.open_case(mail(attachments=[])).case_id
        self.thief: dict[str, rekeying.PrivateKey] = {}
        self.mails, self.notes, self.version = 1, 0, 1
        self.begun = False

    @rule()
    def begin(self) -> None:
        self.thief |= old_privates(self.world, self.case_id).privates if not self.begun else {}
        with self.world.db.begin() as session:
            to = to_desk(self.world)
            rekeying.begin(session, fresh(self.world), INDEX, self.world.keys, self.case_id, to, NOW)
        self.begun = True

    @precondition(lambda self: self.begun)
    @rule()
    def a_batch(self) -> None:
        with self.world.db.begin() as session:
            rekeying.go_on(session, fresh(self.world), INDEX, self.case_id, NOW, set())

    @precondition(lambda self: self.begun)
    @rule()
    def to_the_end(self) -> None:
        list(rekeying.resume(self.world.db, fresh(self.world), INDEX, self.case_id))
        self.begun = False
        assert opens(self.world.db, KeyRing("", "integriteit", "", self.thief), self.case_id) == set()

    @rule()
    def mail_comes(self) -> None:
        with self.world.db.begin() as session:
            new = mail(message_ids=[f"<{self.mails}@x>"], attachments=[])
            add_message(session, self.world.keys, INDEX, self.case_id, new, sender_is_new=False, now=NOW)
        self.mails += 1

    @rule()
    def a_note(self) -> None:
        with self.world.db.begin() as session:
            changes.add_note(session, self.world.ring, INDEX, self.case_id, "Bel terug.", NOW)
        self.notes += 1

    @rule(severity=st.sampled_from(["laag", "hoog"]))
    def a_decision(self, severity: str) -> None:
        with self.world.db.begin() as session:
            self.version = changes.decide(
                *(session, self.world.ring, INDEX, self.case_id, {"severity": severity}),
                version=self.version,
                now=NOW,
            )

    @invariant()
    def it_reads_as_ever(self) -> None:
        if not hasattr(self, "case_id"):
            return
        seen = view(self.world, self.case_id)
        assert (len(seen.messages), len(seen.notes), seen.damaged) == (self.mails, self.notes, 0)
        assert sum(event.action is Action.DECIDE and bool(event.detail) for event in seen.timeline) == self.version - 1

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.db.close()
            self.folder.cleanup()


@pytest.fixture(scope="module")
def machine_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("rekeying"))


def test_whatever_happens_meanwhile(machine_template: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "BATCH_RECORDS", 2)
    Meanwhile.template = machine_template
    run_state_machine_as_test(
        Meanwhile,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
