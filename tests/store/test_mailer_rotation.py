"""A new key of the mailer: what waits is sealed anew, and then nothing is sealed to the one before."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from store import mailer_contact, mailer_rotation, outbox, sending
from store.audit import Action
from store.database import open_database
from store.database_rights import Process
from store.frame import SealError
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import DeskKeyDiffers, Pins, PublicPair, UnprovenKey, add_pair, desk_keys, newest_proven
from store.mailer_contact import Contact
from store.mailer_rotation import Progress
from store.outbox import Mail, OutboxState
from store.rotation import SEALED_TO
from store.schema import Audit, KeyPair, MailerContact, Outbox
from tests.databases import Databases
from tests.store.world import INDEX, NOW, Template, World, outgoing

WHO = Contact("jan@voorbeeld.nl", "nl", ())


def begin(world: World) -> tuple[PublicPair, PrivateKey]:
    private = generate()
    with world.db.begin() as session:
        return mailer_rotation.begin(session, world.ring.desk, INDEX, private.public, world.db.now()), private


def resume(world: World, privates: Mapping[str, PrivateKey] | None = None) -> list[Progress]:
    held = {world.keys.mailer.id: world.mailer} if privates is None else privates
    return list(mailer_rotation.resume(world.db, world.ring.desk, INDEX, held))


def known_contact(world: World) -> str:
    case_id = world.open_case().case_id
    with world.db.begin() as session:
        mailer_contact.write(session, world.keys.mailer, case_id, WHO, NOW)
    return case_id


def mail_opened_with(world: World, private: PrivateKey) -> Mail:
    claimed = sending.claim(world.db, 600, [private.public.to_bytes()])
    assert claimed is not None
    return sending.open_claim(claimed, private)


def actions(world: World) -> list[tuple[str, str | None]]:
    with world.db.read() as session:
        of_the_mailer = Audit.action.in_([Action.MAILER_KEY_ANEW, Action.MAILER_KEY_ENDED])
        found = session.execute(select(Audit.action, Audit.subject_id).where(of_the_mailer).order_by(Audit.id))
        return [(row.action, row.subject_id) for row in found]


def still_sealed_to(world: World, pair: PublicPair) -> list[Any]:
    with world.db.read() as session:
        mails = select(Outbox.id).where(Outbox.key_pair_id == pair.id, Outbox.frame.is_not(None))
        contacts = select(MailerContact.case_id).where(MailerContact.key_pair_id == pair.id)
        return [*session.scalars(mails), *session.scalars(contacts)]


def test_what_waits_is_opened_by_the_new_key_alone_and_the_old_one_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer_rotation, "BATCH", 1)
    ids, case_id = [world.enqueue() for _ in range(3)], known_contact(world)
    with world.db.read() as session:
        before = {row.id: row.frame for row in session.execute(select(Outbox.id, Outbox.frame))}
    new, private = begin(world)
    said = resume(world)
    assert [(each.done, each.total, each.lost) for each in said] == [(2, 4, 0), (3, 4, 0), (4, 4, 0)]
    assert still_sealed_to(world, world.keys.mailer) == []
    with world.db.read() as session:
        assert mailer_contact.read(session, private, case_id) == WHO
        with pytest.raises(SealError):
            mailer_contact.read(session, world.mailer, case_id)
        for row in session.scalars(select(Outbox)).all():
            assert row.frame is not None
            assert row.frame != before[row.id]
            context = outbox.frame_context(row.desk, row.id, new.generation)
            with pytest.raises(SealError):
                sending.open_sealed(row.frame, world.mailer, context)
        assert mailer_rotation.live(session, world.ring.desk) == (new,)
    assert sending.claim(world.db, 600, [world.mailer.public.to_bytes()]) is None
    assert [mail_opened_with(world, private).recipient for _ in ids] == [outgoing().recipient] * 3
    assert actions(world) == [("mailer_key_anew", new.id), ("mailer_key_ended", world.keys.mailer.id)]
    assert resume(world) == []


def test_who_pins_the_old_key_seals_to_it_until_the_end_and_nothing_after_it(world: World) -> None:
    new, private = begin(world)
    with world.db.begin() as session:
        assert desk_keys(session, world.ring.desk, world.pins).mailer == world.keys.mailer
        pinned = Pins(world.pins.to_desk, world.pins.recovery, private.public, world.pins.signing)
        assert desk_keys(session, world.ring.desk, pinned).mailer == new
    world.enqueue()
    resume(world)
    assert mail_opened_with(world, private).recipient == outgoing().recipient
    with world.db.begin() as session:
        assert desk_keys(session, world.ring.desk, pinned).mailer == new
        with pytest.raises(DeskKeyDiffers, match="rotate --mailer --pin"):
            desk_keys(session, world.ring.desk, world.pins)


def test_what_is_sealed_to_the_old_key_before_its_end_is_sealed_anew_too(world: World) -> None:
    _, private = begin(world)
    world.enqueue()
    progress = mailer_rotation.resume(world.db, world.ring.desk, INDEX, {world.keys.mailer.id: world.mailer})
    next(progress)
    late = world.enqueue()  # by a process that pins the old one, after the last batch
    list(progress)
    assert still_sealed_to(world, world.keys.mailer) == []
    with world.db.read() as session:
        row = session.get_one(Outbox, late)
        assert row.frame is not None
        sending.open_sealed(row.frame, private, outbox.frame_context(row.desk, late, 2))


def test_the_old_key_ends_when_who_is_sealing_to_it_has_committed(world: World) -> None:
    _, private = begin(world)
    ending = threading.Thread(target=resume, args=(world,))
    with world.db.begin() as session:
        to = desk_keys(session, world.ring.desk, world.pins).mailer
        ending.start()
        wait_for(lambda: not ending.is_alive() or is_waiting(world))
        outbox.enqueue(session, to, INDEX, outgoing(), NOW)
    ending.join()
    assert still_sealed_to(world, world.keys.mailer) == []
    assert mail_opened_with(world, private).recipient == outgoing().recipient


def is_waiting(world: World) -> bool:
    """For the lock that who ends a key waits for; on SQLite no other writes now anyway."""
    with world.db.read() as session:
        if session.get_bind().dialect.name != "postgresql":
            return True
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")))


def wait_for(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError("it never came")


def test_a_mail_that_is_being_sent_meanwhile_is_sent_once(world: World) -> None:
    world.enqueue()
    claimed = sending.claim(world.db, 600, [world.mailer.public.to_bytes()])
    assert claimed is not None
    begin(world)
    resume(world)
    assert sending.open_claim(claimed, world.mailer).recipient == outgoing().recipient
    assert sending.mark_sending(world.db, claimed)
    assert sending.mark_sent(world.db, claimed)


def test_what_no_seed_opens_has_failed_for_everybody_to_see(world: World) -> None:
    case_id = known_contact(world)
    damaged, good, held = world.enqueue(case_id=case_id), world.enqueue(), world.enqueue(held=True)
    with world.db.begin() as session:
        session.execute(update(Outbox).where(Outbox.id == damaged).values(frame=b"x" * 2000))
    begin(world)
    assert resume(world)[-1].lost == 1
    with world.db.read() as session:
        states = {row.id: (row.state, row.frame is None) for row in session.scalars(select(Outbox)).all()}
        told = select(Audit.case_id).where(Audit.action == Action.MAIL_FAILED, Audit.subject_id == damaged)
        assert session.scalars(told).one() == case_id
    assert states[damaged] == (OutboxState.FAILED, True)
    assert states[good] == (OutboxState.QUEUED, False)
    assert states[held] == (OutboxState.HELD, False)


def test_without_the_old_seed_what_waits_is_given_up_and_the_key_ends_all_the_same(world: World) -> None:
    case_id, waiting = known_contact(world), world.enqueue()
    begin(world)
    assert resume(world, {})[-1].lost == 2
    with world.db.read() as session:
        assert session.get_one(Outbox, waiting).state == OutboxState.FAILED
        assert session.get(MailerContact, case_id) is None
        assert len(mailer_rotation.live(session, world.ring.desk)) == 1


def test_a_key_that_somebody_wrote_into_the_database_is_not_gone_on_with(world: World) -> None:
    waiting = world.enqueue()
    with world.db.begin() as session:
        add_pair(session, world.ring.desk, KeyKind.MAILER, "", generate().public, NOW, generation=2)
    with pytest.raises(UnprovenKey):
        resume(world)
    with world.db.read() as session:
        row = session.get_one(Outbox, waiting)
        assert row.frame is not None
        assert row.key_pair_id == world.keys.mailer.id


def test_it_is_said_how_much_waits_for_the_old_key_and_when_something_was_last_sealed_to_it(world: World) -> None:
    world.enqueue()
    with world.db.read() as session:
        assert mailer_rotation.unfinished(session, world.ring.desk) is None
    new, _ = begin(world)
    with world.db.read() as session:
        begun = mailer_rotation.unfinished(session, world.ring.desk)
        since = session.get_one(KeyPair, new.id).created_at
    assert begun is not None
    assert (begun.before, begun.after, begun.since, begun.left, begun.last) == (1, 2, since, 1, None)
    with world.db.begin() as session:
        later = world.db.now()
        outbox.enqueue(session, world.keys.mailer, INDEX, outgoing(), later)
    with world.db.read() as session:
        begun = mailer_rotation.unfinished(session, world.ring.desk)
    assert begun is not None
    assert (begun.left, begun.last) == (2, later)


@pytest.mark.parametrize("process", [Process.DAEMON, Process.DESK])
def test_the_role_of_daemon_or_desk_is_enough_to_find_the_new_key_and_how_far_it_is(
    databases: Databases, template: Template, tmp_path: Path, process: Process
) -> None:
    """For `rotate --mailer --pin` and the doctor; what ends a key is the owner's."""
    url = databases.copy(template.file, tmp_path)
    world, own = template.world(url), open_database(databases.as_process(url, process))
    world.enqueue()
    new, _ = begin(world)
    with own.read() as session:
        assert mailer_rotation.live(session, world.ring.desk) == (world.keys.mailer, new)
        assert newest_proven(session, INDEX, world.ring.desk, KeyKind.MAILER, "") == new
        begun = mailer_rotation.unfinished(session, world.ring.desk)
    assert begun is not None
    assert begun.left == 1
    own.close()
    world.db.close()


def test_every_place_where_something_is_sealed_to_the_mailer_is_known() -> None:
    """A table to come is to be sealed anew, too."""
    of_the_desks_keys = {"record", "sealed_seed", "consent", "second_factor"}
    assert {table.name for table, _ in SEALED_TO} - of_the_desks_keys == {"outbox", "mailer_contact"}
