"""Who can open what, and the keys that nobody can put in the place of the desk's own."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from config.errors import ConfigError
from config.settings import DeskSettings
from store import keyring, records, rekeying
from store.frame import SealError
from store.intake import add_message
from store.keypairs import KeyKind, generate
from store.keyring import DeskKeyDiffers, KeyRing, NoSuchKey, Pins, UnprovenKey
from store.records import Name, RecordKind
from store.schema import Desk, KeyPair, SealedSeed
from store.sealing import seal
from tests.store.world import INDEX, NOW, World, forge_key, mail


def pins(world: World, **changes: Any) -> Pins:
    keys = world.keys
    pinned = {"to_desk": keys.to_desk.public, "recovery": keys.recovery.public, "mailer": keys.mailer.public}
    return Pins(**{**pinned, **changes})


def _id(session: Session, world: World, case_id: str, kind: KeyKind = KeyKind.CASE) -> str:
    return keyring.newest_proven(session, INDEX, world.ring.desk, kind, case_id).id


def test_the_desks_keys_are_given_when_the_database_agrees_with_the_configuration(world: World) -> None:
    with world.db.read() as session:
        assert keyring.desk_keys(session, world.ring.desk, pins(world)) == world.keys


@pytest.mark.parametrize("which", ["to_desk", "recovery", "mailer"])
def test_a_key_that_the_configuration_does_not_pin_stops_intake(world: World, which: str) -> None:
    other = pins(world, **{which: generate().public})
    with world.db.read() as session, pytest.raises(DeskKeyDiffers, match="Nothing is taken in"):
        keyring.desk_keys(session, world.ring.desk, other)


def test_a_newer_desk_key_that_somebody_wrote_into_the_database_stops_intake(world: World) -> None:
    theirs = generate().public.to_bytes()
    with world.db.begin() as session:
        session.add(
            KeyPair(
                id="e" * 32, desk=world.ring.desk, owner="", kind="desk", generation=2, public=theirs, created_at=NOW
            )
        )
    with world.db.read() as session, pytest.raises(DeskKeyDiffers):
        keyring.desk_keys(session, world.ring.desk, pins(world))


@pytest.mark.parametrize("kind", [KeyKind.CASE, KeyKind.IDENTITY])
@pytest.mark.parametrize("with_proof", [False, True])
def test_no_later_mail_is_sealed_to_a_key_that_somebody_wrote_into_the_database(
    world: World, kind: KeyKind, with_proof: bool
) -> None:
    taken = world.open_case()
    forge_key(world.db, taken.case_id, kind, with_proof=with_proof)
    with world.db.begin() as session, pytest.raises(UnprovenKey):
        add_message(session, world.keys, INDEX, taken.case_id, mail(), sender_is_new=False, now=NOW)


@pytest.mark.parametrize("kind", [KeyKind.CASE, KeyKind.IDENTITY])
def test_no_later_mail_is_sealed_to_a_key_of_before_since_somebody_says_that_the_newest_ended(
    world: World, kind: KeyKind
) -> None:
    """Who opened the case until its keys were made anew would open what comes in."""
    taken = world.open_case()
    desk = rekeying.Recipients((world.keys.to_desk,), (world.keys.to_desk,))
    list(rekeying.rekey(world.db, world.ring, INDEX, world.keys, taken.case_id, desk))
    with world.db.begin() as session:
        of_case = (KeyPair.owner == taken.case_id, KeyPair.kind == kind)
        session.execute(update(KeyPair).where(*of_case, KeyPair.generation == 2).values(retired_at=NOW))
        session.execute(update(KeyPair).where(*of_case, KeyPair.generation == 1).values(retired_at=None))
    with world.db.begin() as session, pytest.raises(UnprovenKey):
        add_message(session, world.keys, INDEX, taken.case_id, mail(), sender_is_new=False, now=NOW)


def test_pins_come_from_the_settings_of_the_desk(world: World) -> None:
    keys = world.keys
    encoded = [base64.b64encode(pair.public.to_bytes()).decode() for pair in (keys.to_desk, keys.recovery, keys.mailer)]
    settings = SimpleNamespace(public_key=encoded[0], recovery_key=encoded[1], mailer_key=encoded[2])
    settings.signing_key = ""
    assert keyring.pins_of(cast("DeskSettings", settings)) == pins(world)
    settings.signing_key = base64.b64encode(world.fresh.signing_key).decode()
    assert keyring.pins_of(cast("DeskSettings", settings)) == world.pins


@pytest.mark.parametrize("bad", ["no base64", "AAAA", "ö"])
def test_a_signing_key_that_is_none_is_told_by_its_name(world: World, bad: str) -> None:
    good = base64.b64encode(world.keys.to_desk.public.to_bytes()).decode()
    settings = SimpleNamespace(public_key=good, recovery_key=good, mailer_key=good, signing_key=bad)
    with pytest.raises(ConfigError, match="signing_key"):
        keyring.pins_of(cast("DeskSettings", settings))


@pytest.mark.parametrize("bad", ["", "no base64", "AAAA"])
def test_a_pin_that_is_no_key_is_told_by_its_name(world: World, bad: str) -> None:
    good = base64.b64encode(world.keys.to_desk.public.to_bytes()).decode()
    settings = SimpleNamespace(public_key=good, recovery_key=bad, mailer_key=good)
    with pytest.raises(ConfigError, match="recovery_key"):
        keyring.pins_of(cast("DeskSettings", settings))


def test_a_key_ring_survives_its_session_and_does_not_show(world: World) -> None:
    taken = world.open_case()
    again = KeyRing.from_bytes(world.ring.to_bytes())
    assert (again.member_id, again.desk, again.login) == (world.ring.member_id, world.ring.desk, "ada")
    with world.db.read() as session:
        case, identity = (_id(session, world, taken.case_id, kind) for kind in (KeyKind.CASE, KeyKind.IDENTITY))
        assert again.private(session, case) == world.ring.private(session, case)
        assert again.private(session, identity) != again.private(session, case)
    assert all(private.seed.hex() not in repr(again) for private in again.privates.values())


def test_a_ring_without_the_desk_key_opens_no_case(world: World) -> None:
    taken = world.open_case()
    own = {id_: key for id_, key in world.ring.privates.items() if id_ != world.keys.to_desk.id}
    ring = KeyRing(world.ring.member_id, world.ring.desk, "ada", own)
    with world.db.begin() as session:
        session.execute(delete(SealedSeed).where(SealedSeed.recipient_key_pair_id == world.ring.own))
    with world.db.read() as session, pytest.raises(NoSuchKey):
        ring.private(session, _id(session, world, taken.case_id))


def test_a_seed_moved_from_another_case_opens_nothing(world: World) -> None:
    one, two = world.open_case(reference="AAAAA-AAAAA"), world.open_case(reference="BBBBB-BBBBB")
    with world.db.begin() as session:
        pairs = {row.owner: row.id for row in session.scalars(select(KeyPair).where(KeyPair.kind == KeyKind.CASE))}
        to_desk = SealedSeed.recipient_key_pair_id == world.keys.to_desk.id
        other = session.scalars(select(SealedSeed.frame).where(SealedSeed.key_pair_id == pairs[two.case_id], to_desk))
        statement = update(SealedSeed).where(SealedSeed.key_pair_id == pairs[one.case_id], to_desk)
        session.execute(statement.values(frame=other.one()))
    with world.db.read() as session, pytest.raises(NoSuchKey):
        world.ring.private(session, _id(session, world, one.case_id))


def test_a_key_with_its_seed_copied_to_another_case_opens_nothing_there(world: World) -> None:
    """Its public half fits, and the desk could open it: it would be open to whoever opens the other case."""
    one, other = world.open_case(), world.open_case(reference="BBBBB-BBBBB")
    desk = world.keys.to_desk.id
    with world.db.begin() as session:
        true, theirs = (_id(session, world, taken.case_id) for taken in (one, other))
        session.get_one(KeyPair, theirs).public = session.get_one(KeyPair, true).public
        copied = session.get_one(SealedSeed, (true, desk)).frame
        session.get_one(SealedSeed, (theirs, desk)).frame = copied
    with world.db.read() as session, pytest.raises(NoSuchKey):
        world.ring.private(session, theirs)


def test_a_seed_that_somebody_else_sealed_to_the_desk_is_not_taken_for_the_cases(world: World) -> None:
    """Anybody can seal to a public key; the seed must still be that of the key pair it claims to be."""
    taken = world.open_case()
    with world.db.begin() as session:
        case = keyring.newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, taken.case_id)
        desk = world.keys.to_desk
        forged = seal(generate().seed, desk.public, keyring._seed_context(case, desk))
        rows = (SealedSeed.key_pair_id == case.id, SealedSeed.recipient_key_pair_id == desk.id)
        session.execute(update(SealedSeed).where(*rows).values(frame=forged))
    with world.db.read() as session, pytest.raises(NoSuchKey):
        world.ring.private(session, _id(session, world, taken.case_id))


def test_a_record_moved_to_another_case_does_not_open(world: World) -> None:
    one, two = world.open_case(reference="AAAAA-AAAAA"), world.open_case(reference="BBBBB-BBBBB")
    name = Name(one.case_id, one.message_id, RecordKind.MESSAGE)
    with world.db.begin() as session:
        row = records._newest(session, world.ring.desk, name)
        other = records._newest(session, world.ring.desk, Name(two.case_id, two.message_id, RecordKind.MESSAGE))
        row.frame, row.key_pair_id = other.frame, other.key_pair_id
    with world.db.read() as session, pytest.raises(SealError):
        records.opened(session, world.ring, name)


def test_an_older_version_in_the_place_of_a_newer_one_does_not_open(world: World) -> None:
    taken = world.open_case()
    name = Name(taken.case_id, taken.case_id, RecordKind.CARD)
    with world.db.begin() as session:
        to = keyring.newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, taken.case_id)
        old = records._newest(session, world.ring.desk, name)
        records.write_json(session, name, {"reference": "x"}, to, NOW, version=2)
        records._newest(session, world.ring.desk, name).frame = old.frame
    with world.db.read() as session, pytest.raises(SealError):
        records.opened(session, world.ring, name)


def test_a_cases_key_is_not_to_be_had_without_its_proof(world: World) -> None:
    taken = world.open_case()
    with world.db.read() as session, pytest.raises(ValueError, match="newest_proven"):
        keyring.newest(session, world.ring.desk, KeyKind.CASE, taken.case_id)


def test_a_desk_without_keys_is_told_so(world: World) -> None:
    with world.db.begin() as session:
        session.add(Desk(slug="leeg", created_at=NOW))
        session.flush()
        with pytest.raises(NoSuchKey, match="leeg"):
            keyring.newest(session, "leeg", KeyKind.DESK)
