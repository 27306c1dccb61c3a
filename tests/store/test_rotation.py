"""A new desk key: what it is sealed to, what opens before, between and after, and what never opens again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cases.roles import Role
from store import consent, grants, membership, models, recovery, rotation, sessions
from store.audit import Action
from store.keypairs import KeyKind, generate
from store.keyring import DeskKeyDiffers, KeyRing, NoSuchKey, Pins, desk_keys, newest, newest_proven
from store.members import add_member, logins, unlock
from store.membership import UnprovenMember
from store.records import Name, RecordKind, opened_json
from store.rotation import CannotRotate, Progress
from store.schema import Audit, KeyPair, Member, PublicSigningKey, Record, SealedSeed, new_id
from tests.store.world import FAST, INDEX, NOW, PASSPHRASE, SECRET, World, new_case

LATER = NOW + timedelta(hours=1)


def rotate(world: World, ring: KeyRing | None = None, pins: Pins | None = None) -> list[Progress]:
    return list(rotation.rotate(world.db, ring or world.ring, pins or world.pins, LATER))


def pinned_anew(world: World) -> Pins:
    """As the command pins the newest key, when the rotation is done."""
    with world.db.read() as session:
        newer = world.ring.chain(session).newest
        keys = desk_keys(session, world.ring.desk, world.pins)
    assert newer
    return replace(world.pins, to_desk=keys.to_desk.public, signing=newer.signing)


def log_in(world: World, login: str = "ada", pins: Pins | None = None) -> KeyRing:
    with world.db.read() as session:
        return unlock(session, world.ring.desk, login, PASSPHRASE, SECRET, pins=pins or world.pins, params=FAST)


def add(world: World, login: str, role: Role = Role.DEPUTY) -> str:
    with world.db.begin() as session:
        return add_member(
            *(session, world.ring),
            login=login,
            address=f"{login}@desk.example",
            passphrase=PASSPHRASE,
            secret=SECRET,
            role=role,
            now=NOW,
            params=FAST,
        )


def opens(world: World, ring: KeyRing, case_id: str) -> bool:
    try:
        with world.db.read() as session:
            return bool(opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD)))
    except NoSuchKey:
        return False


def arrive(world: World, reference: str) -> str:
    """A mail, as the daemon takes it in: sealed to what the configuration pins, or to what follows it."""
    with world.db.begin() as session:
        return new_case(session, desk_keys(session, world.ring.desk, world.pins), reference=reference).case_id


def old_ring(world: World) -> KeyRing:
    """Who kept the desk's key of before, and nothing else."""
    old = world.keys.to_desk.id
    return KeyRing("", world.ring.desk, "", {old: world.ring.privates[old]})


def test_everything_opens_with_the_new_key_and_nothing_with_the_old_one(world: World) -> None:
    case_ids = [arrive(world, f"CASE-{number}") for number in range(3)]
    thief = old_ring(world)
    assert all(opens(world, replace(thief, _opened={}), each) for each in case_ids)
    progress = rotate(world)
    assert progress[-1].done == progress[-1].total > 6
    case_ids.append(arrive(world, "CASE-3"))
    pins = pinned_anew(world)
    ring = log_in(world, pins=pins)
    assert all(opens(world, ring, each) for each in case_ids)
    assert not any(opens(world, replace(thief, _opened={}), each) for each in case_ids)
    with world.db.read() as session:
        assert logins(session, ring) == {world.ring.member_id: "ada"}
        keys = desk_keys(session, world.ring.desk, pins)
    assert keys.to_desk.generation == 2
    assert set(ring.privates) == {ring.own, keys.to_desk.id}


def test_who_is_logged_in_meanwhile_goes_on_reading(world: World) -> None:
    before = arrive(world, "CASE-0")
    logged_in = replace(world.ring, _opened={})
    rotate(world)
    after = arrive(world, "CASE-1")
    assert opens(world, logged_in, before)
    assert opens(world, logged_in, after)


def test_the_recovery_pages_stay_good(world: World) -> None:
    case_id = arrive(world, "CASE-0")
    rotate(world)
    with world.db.read() as session:
        recovered = recovery.open_desk(session, world.ring.desk, pinned_anew(world), world.fresh.recovery_seed)
    assert opens(world, recovered.ring(), case_id)


def test_roles_stay_known_to_members_without_the_desk_key(world: World) -> None:
    add(world, "aud", Role.AUDITOR)
    rotate(world)
    assert log_in(world, "aud", pinned_anew(world)).role is Role.AUDITOR


def test_models_and_details_of_the_trail_that_are_sealed_to_the_desk_are_sealed_anew(world: World) -> None:
    with world.db.begin() as session:
        number = models.add(session, world.ring, INDEX, b"weights", [], {"measured": (1.0,)}, NOW)
    rotate(world)
    ring = log_in(world, pins=pinned_anew(world))
    with world.db.read() as session:
        assert models.kept(session, ring, INDEX).current == number
        assert models.in_force(session, ring, INDEX) == b"weights"
        old = session.scalars(select(Audit).where(Audit.key_pair_id == world.keys.to_desk.id)).all()
        copied = set(session.scalars(select(Audit.subject_id).where(Audit.action == Action.DETAIL_RESEALED)))
    assert {row.detail_id for row in old} == copied


def test_a_mail_between_two_batches_is_sealed_to_the_new_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    case_ids = [arrive(world, f"CASE-{number}") for number in range(3)]
    for at, _ in enumerate(rotation.rotate(world.db, world.ring, world.pins, LATER)):
        case_ids.append(arrive(world, f"NEW-{at}"))
        assert all(opens(world, log_in_cheaply(world), each) for each in case_ids)
    assert len(case_ids) > 8
    with world.db.read() as session:
        assert rotation.unfinished(session, world.ring.desk) is None


def log_in_cheaply(world: World) -> KeyRing:
    """A ring as after a log-in, without the derivation."""
    return replace(world.ring, privates={world.ring.own: world.ring.privates[world.ring.own]}, _opened={})


def break_off(progress: Iterator[Progress], after: int) -> None:
    for _, _ in zip(range(after), progress, strict=False):
        pass
    progress.close()  # type: ignore[attr-defined]


def test_one_that_broke_off_shows_and_is_taken_up_by_another_member(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    case_ids = [arrive(world, f"CASE-{number}") for number in range(4)]
    break_off(rotation.rotate(world.db, world.ring, world.pins, LATER), 3)
    add_with = replace(world, ring=log_in(world))
    add(add_with, "bo")
    with world.db.read() as session:
        found = rotation.unfinished(session, world.ring.desk)
    assert found is not None
    assert (found.before, found.after) == (1, 2)
    assert found.left > 0
    assert found.done > 0
    bo = log_in(world, "bo")
    assert all(opens(world, bo, each) for each in case_ids)
    list(rotation.resume(world.db, bo, world.pins))
    with world.db.read() as session:
        assert rotation.unfinished(session, world.ring.desk) is None
    assert all(opens(world, log_in_cheaply(world), each) for each in case_ids)
    assert not any(opens(world, replace(old_ring(world), _opened={}), each) for each in case_ids)


def test_a_rotation_while_one_is_unfinished_finishes_that_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(world, "CASE-0")
    monkeypatch.setattr(rotation, "BATCH", 1)
    break_off(rotation.rotate(world.db, world.ring, world.pins, LATER), 1)
    rotate(world, log_in(world))
    with world.db.read() as session:
        pair = newest(session, world.ring.desk, KeyKind.DESK)
    assert pair.generation == 3


def test_with_nothing_to_finish_nothing_is_done(world: World) -> None:
    assert list(rotation.resume(world.db, world.ring, world.pins)) == []


def test_who_left_opens_nothing_that_comes_in_after(world: World) -> None:
    bo_id = add(world, "bo")
    bo = log_in(world, "bo")
    with world.db.begin() as session:
        membership.leave(session, world.ring, bo_id, NOW)
        assert membership.is_rotation_due(session, world.ring.desk)
    rotate(world)
    with world.db.read() as session:
        assert not membership.is_rotation_due(session, world.ring.desk)
        sealed_to = select(SealedSeed).where(SealedSeed.recipient_key_pair_id == bo.own)
        assert session.scalars(sealed_to).all() == []
    assert not opens(world, replace(bo, _opened={}), arrive(world, "CASE-9"))


def test_who_kept_the_keys_of_a_case_opens_it_until_those_are_made_anew(world: World) -> None:
    """Which the command does after the desk's: `tests/store/test_case_rotation.py`."""
    case_id = arrive(world, "CASE-0")
    with world.db.read() as session:
        case = newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, case_id)
        kept = KeyRing("", world.ring.desk, "", {case.id: world.ring.private(session, case.id)})
    rotate(world)
    assert opens(world, replace(kept, _opened={}), case_id)
    ring = log_in(world, pins=pinned_anew(world))
    with world.db.read() as session:
        keys = desk_keys(session, world.ring.desk, world.pins)
    list(grants.renew(world.db, ring, INDEX, keys, case_id))
    assert not opens(world, replace(kept, _opened={}), case_id)
    assert opens(world, ring, case_id)


def test_a_member_whom_somebody_wrote_into_the_database_is_not_given_the_new_key(world: World) -> None:
    """Who writes to the database seals garbage to a key of their own, to be taken for a holder of the desk's key."""
    own = generate()
    bo_id = add(world, "bo")
    with world.db.begin() as session:
        pair = newest(session, world.ring.desk, KeyKind.MEMBER, bo_id)
        session.execute(update(KeyPair).where(KeyPair.id == pair.id).values(public=own.public.to_bytes()))
    with pytest.raises(UnprovenMember):
        rotate(world)
    with world.db.read() as session:
        assert newest(session, world.ring.desk, KeyKind.DESK).generation == 1


def say_that_they_hold_the_desk_key(world: World, member_id: str) -> None:
    """What somebody does who writes to the database: a row for a member, with no seal in it that opens."""
    with world.db.begin() as session:
        session.execute(update(Member).where(Member.id == member_id).values(retired_at=None))
        session.execute(update(KeyPair).where(KeyPair.owner == member_id).values(retired_at=None))
        own = newest(session, world.ring.desk, KeyKind.MEMBER, member_id)
        session.add(SealedSeed(key_pair_id=world.keys.to_desk.id, recipient_key_pair_id=own.id, frame=b"forged"))


def test_a_member_of_another_role_is_not_given_the_new_key_by_a_row_that_says_so(world: World) -> None:
    """Their key is certified, as every member's is: what counts is the role that the desk signed."""
    isa_id = add(world, "isa", Role.INVESTIGATOR)
    say_that_they_hold_the_desk_key(world, isa_id)
    with pytest.raises(UnprovenMember, match="isa"):
        rotate(world)
    assert len(log_in(world, "isa").privates) == 1


def test_a_member_who_left_is_not_given_the_new_key_by_rows_that_say_that_they_are_there(world: World) -> None:
    bo_id = add(world, "bo")
    with world.db.begin() as session:
        membership.leave(session, world.ring, bo_id, NOW)
    say_that_they_hold_the_desk_key(world, bo_id)
    with pytest.raises(UnprovenMember, match="bo"):
        rotate(world)
    with world.db.read() as session:
        assert newest(session, world.ring.desk, KeyKind.DESK).generation == 1


def test_a_new_key_that_somebody_wrote_into_the_database_is_not_gone_on_with(world: World) -> None:
    with world.db.begin() as session:
        theirs = KeyPair(
            id=new_id(), desk=world.ring.desk, owner="", kind=KeyKind.DESK, generation=2,
            public=generate().public.to_bytes(), created_at=NOW,
        )  # fmt: skip
        session.add(theirs)
    with pytest.raises(DeskKeyDiffers):
        list(rotation.resume(world.db, world.ring, world.pins))


def test_without_a_pinned_signing_key_there_is_no_rotation(world: World) -> None:
    """Daemons would stop at the new key: nothing leads to it from what they pin."""
    with pytest.raises(CannotRotate, match="meldpost doctor"):
        rotate(world, pins=replace(world.pins, signing=None))


def test_a_damaged_seed_does_not_hold_the_rest_up(world: World) -> None:
    damaged, whole = arrive(world, "CASE-0"), arrive(world, "CASE-1")
    with world.db.begin() as session:
        of = select(KeyPair.id).where(KeyPair.owner == damaged)
        to_desk = SealedSeed.recipient_key_pair_id == world.keys.to_desk.id
        session.execute(update(SealedSeed).where(SealedSeed.key_pair_id.in_(of), to_desk).values(frame=b"x"))
    progress = rotate(world)
    assert progress[-1].lost == 2
    assert opens(world, log_in_cheaply(world), whole)
    with world.db.read() as session:
        recovered = recovery.open_desk(session, world.ring.desk, world.pins, world.fresh.recovery_seed)
    assert opens(world, recovered.ring(), damaged)


def test_a_damaged_record_does_not_hold_the_rest_up(world: World) -> None:
    with world.db.begin() as session:
        models.add(session, world.ring, INDEX, b"weights", [], {}, NOW)
        session.execute(update(Record).where(Record.kind == RecordKind.MODEL).values(frame=b"x"))
    assert rotate(world)[-1].lost == 1
    with world.db.read() as session:
        assert rotation.unfinished(session, world.ring.desk) is None


def test_every_column_that_names_whom_a_row_is_sealed_to_is_looked_at() -> None:
    """A table that is new here has to be sealed anew by a rotation, or it would stop every one."""
    named = {(table.name, column.name) for table, column in rotation.SEALED_TO}  # type: ignore[attr-defined]
    assert named == {
        ("sealed_seed", "recipient_key_pair_id"),  # sealed anew
        ("record", "key_pair_id"),  # sealed anew
        ("consent", "key_pair_id"),  # sealed anew
        ("outbox", "key_pair_id"),  # never to the desk's key, but to the mailer's
        ("mailer_contact", "key_pair_id"),  # likewise
        ("second_factor", "key_pair_id"),  # to the member's own key
    }


def test_a_consent_that_was_asked_for_can_still_be_read_and_given(world: World) -> None:
    bo_id = add(world, "bo")
    subject = consent.subject_of(INDEX, consent.Act.ADD_MEMBER, "all")
    with world.db.begin() as session:
        consent_id = consent.ask(session, world.ring, consent.Act.ADD_MEMBER, subject, {"what": "all"}, NOW)
    rotate(world)
    bo = log_in(world, "bo", pinned_anew(world))
    with world.db.begin() as session:
        (asked,) = consent.standing(session, bo, LATER)
        assert asked.about == {"what": "all"}
        consent.give(session, bo, consent_id, LATER)
        assert consent.is_given(session, bo, consent.Act.ADD_MEMBER, subject, LATER)
    assert bo_id


def test_a_session_of_before_gets_the_new_key(world: World) -> None:
    with world.db.begin() as session:
        secret = sessions.start(session, world.ring, NOW)
    rotate(world)
    ring = sessions.resume(world.db, secret, NOW)
    assert ring is not None
    with world.db.read() as session:
        assert newest(session, world.ring.desk, KeyKind.DESK).id in ring.privates


def test_what_members_signed_before_stays_theirs(world: World) -> None:
    rotate(world)
    pins = pinned_anew(world)
    with world.db.read() as session:
        ring = log_in(world, pins=pins)
        counted = ring.chain(session)
        assert counted.newest is not None
        assert counted.newest.number == 2
        rows = session.scalars(select(PublicSigningKey).where(PublicSigningKey.owner == ring.member_id)).all()
    assert len(rows) == 1
