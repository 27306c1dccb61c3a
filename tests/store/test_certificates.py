"""Whose signing keys count, whatever somebody writes into the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cases.roles import Role
from store import certificates, keyring, members
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import DeskKeyDiffers, KeyRing, Pins
from store.schema import KeyPair, Member, PublicSigningKey, new_id
from store.signing import Signer, SigningKey
from tests.store.world import FAST, NOW, PASSPHRASE, SECRET, World

LATER = NOW + timedelta(days=1)


def rotate(session: Session, world: World, generation: int, by: PrivateKey, *, certified: bool = True) -> PrivateKey:
    """A newer desk key, as a rotation writes it, or as somebody does who has only the database."""
    fresh = generate()
    desk = world.ring.desk
    before = world.ring.chain(session)
    old = (KeyPair.desk == desk, KeyPair.kind == KeyKind.DESK)
    session.execute(update(KeyPair).where(*old).values(retired_at=LATER))
    session.add(
        KeyPair(
            id=new_id(),
            desk=desk,
            owner="",
            kind=KeyKind.DESK,
            generation=generation,
            public=fresh.public.to_bytes(),
            created_at=LATER,
        )
    )
    session.flush()
    if certified:
        certificates.certify_next(session, before, fresh, generation, by)
    return fresh


def desk_key(world: World) -> PrivateKey:
    return world.fresh.privates[world.keys.to_desk.id]


def row(session: Session, owner: str = "") -> PublicSigningKey:
    return session.scalars(select(PublicSigningKey).where(PublicSigningKey.owner == owner)).one()


def counting(session: Session, world: World, member_id: str | None = None) -> tuple[bytes, ...]:
    found = certificates.member_keys(session, world.ring.chain(session), member_id or world.ring.member_id)
    return tuple(each.signing for each in found)


def test_a_fresh_desk_and_its_member_have_signing_keys_that_count(world: World) -> None:
    with world.db.read() as session:
        (generation,) = world.ring.chain(session).generations
        assert (generation.number, generation.signing) == (1, world.fresh.signing_key)
        assert generation.hybrid == world.keys.to_desk.public.to_bytes()
        assert counting(session, world) == (world.ring.signing_key().public,)


def test_a_signing_key_is_not_to_be_found_in_the_database(world: World) -> None:
    with world.db.read() as session:
        kept = [
            each.public + each.certificate + each.own_signature for each in session.scalars(select(PublicSigningKey))
        ]
    seeds = [world.ring.signing_key()._seed, SigningKey.of(desk_key(world), Signer.DESK)._seed]
    assert not any(seed in each for seed in seeds for each in kept)


def test_newer_desk_keys_are_taken_when_each_is_certified_by_the_one_before(world: World) -> None:
    with world.db.begin() as session:
        second = rotate(session, world, 2, desk_key(world))
        third = rotate(session, world, 3, second)
    with world.db.read() as session:
        assert keyring.desk_keys(session, world.ring.desk, world.pins).to_desk.public == third.public
        assert keyring.desk_keys(session, world.ring.desk, world.pins).to_desk.generation == 3
        pinned_anew = replace(world.pins, to_desk=second.public)
        assert keyring.desk_keys(session, world.ring.desk, pinned_anew).to_desk.public == third.public


@pytest.mark.parametrize("way", ["no_row", "own_certificate", "wrong_generation", "hybrid_swapped", "unpinned"])
def test_a_newer_desk_key_without_an_unbroken_chain_stops_intake(world: World, way: str) -> None:
    with world.db.begin() as session:
        match way:
            case "no_row":
                rotate(session, world, 2, desk_key(world), certified=False)
            case "own_certificate":
                theirs = rotate(session, world, 2, desk_key(world), certified=False)
                certificates.certify_next(session, world.ring.chain(session), theirs, 2, theirs)
            case "wrong_generation":
                rotate(session, world, 2, desk_key(world))
                session.execute(update(PublicSigningKey).where(PublicSigningKey.generation == 2).values(generation=3))
                session.execute(update(KeyPair).where(KeyPair.generation == 2).values(generation=3))
            case "hybrid_swapped":
                rotate(session, world, 2, desk_key(world))
                theirs_public = generate().public.to_bytes()
                session.execute(update(KeyPair).where(KeyPair.generation == 2).values(public=theirs_public))
            case "unpinned":
                rotate(session, world, 2, desk_key(world))
    pins = replace(world.pins, signing=None) if way == "unpinned" else world.pins
    with world.db.read() as session, pytest.raises(DeskKeyDiffers, match="Nothing is taken in"):
        keyring.desk_keys(session, world.ring.desk, pins)


def test_who_had_an_earlier_desk_key_cannot_lead_past_the_pinned_one(world: World) -> None:
    """A member who left knows the first generation. The second is pinned since: one of theirs leads nowhere."""
    with world.db.begin() as session:
        true = rotate(session, world, 2, desk_key(world))
        session.execute(delete(PublicSigningKey).where(PublicSigningKey.generation == 2))
        session.execute(delete(KeyPair).where(KeyPair.generation == 2))
        theirs = rotate(session, world, 2, desk_key(world))
        rotate(session, world, 3, theirs)
    signing = SigningKey.of(true, Signer.DESK).public
    for pins in (replace(world.pins, to_desk=true.public), replace(world.pins, to_desk=true.public, signing=signing)):
        with world.db.read() as session, pytest.raises(DeskKeyDiffers):
            keyring.desk_keys(session, world.ring.desk, pins)


def test_the_hybrid_key_of_the_pinned_generation_itself_is_not_to_be_swapped(world: World) -> None:
    with world.db.begin() as session:
        second = rotate(session, world, 2, desk_key(world))
        theirs = generate().public.to_bytes()
        session.execute(update(KeyPair).where(KeyPair.generation == 2).values(public=theirs))
    with world.db.read() as session:
        assert not certificates.chain(session, world.ring.desk, SigningKey.of(second, Signer.DESK).public).generations


def test_a_rotation_certifies_members_anew_and_the_old_desk_key_certifies_nobody_any_more(world: World) -> None:
    with world.db.begin() as session:
        rotate(session, world, 2, desk_key(world))
        assert counting(session, world) == (world.ring.signing_key().public,)
    intruder = generate()
    with world.db.begin() as session:
        forge_member(session, world, "f" * 32, intruder, by=desk_key(world))
        assert counting(session, world, "f" * 32) == ()


def test_a_rotation_gives_no_certificate_to_a_member_that_somebody_wrote_into_the_database(world: World) -> None:
    with world.db.begin() as session:
        forge_member(session, world, "f" * 32, generate(), by=generate())
        rotate(session, world, 2, desk_key(world))
        assert counting(session, world, "f" * 32) == ()


@pytest.mark.parametrize("column", ["public", "owner", "generation", "created_at", "certificate", "own_signature"])
def test_a_members_row_in_which_anything_is_changed_counts_no_more(world: World, column: str) -> None:
    theirs = SigningKey.of(generate(), Signer.MEMBER)
    changes = {
        "public": theirs.public,
        "owner": "f" * 32,
        "generation": 2,
        "created_at": LATER,
        "certificate": theirs.sign(b"x"),
        "own_signature": theirs.sign(b"x"),
    }
    with world.db.begin() as session:
        if column in ("owner", "generation"):
            pair = select(KeyPair).where(KeyPair.owner == world.ring.member_id)
            setattr(session.scalars(pair).one(), column, changes[column])
        setattr(row(session, world.ring.member_id), column, changes[column])
        session.flush()
        assert counting(session, world, str(changes["owner"]) if column == "owner" else None) == ()


def test_a_member_whose_hybrid_key_was_swapped_has_no_signing_key_that_counts(world: World) -> None:
    with world.db.begin() as session:
        pair = session.scalars(select(KeyPair).where(KeyPair.owner == world.ring.member_id)).one()
        pair.public = generate().public.to_bytes()
        session.flush()
        assert counting(session, world) == ()


def test_the_desks_own_row_cannot_be_dated_otherwise(world: World) -> None:
    """Since when everything is signed: who could move that could show what they wrote as older than signatures."""
    with world.db.begin() as session:
        row(session).created_at = LATER
        session.flush()
        assert world.ring.chain(session).generations == ()


def forge_member(session: Session, world: World, member_id: str, private: PrivateKey, by: PrivateKey) -> None:
    """A member whom somebody wrote into the database, certified by a key that they have."""
    session.add(
        Member(
            id=member_id,
            desk=world.ring.desk,
            login_digest=b"f" * 32,
            address="f@desk.example",
            wrapped_seed=b"f",
            created_at=NOW,
        )
    )
    session.flush()
    keyring.add_pair(session, world.ring.desk, KeyKind.MEMBER, member_id, private.public, NOW)
    certificates.certify_member(session, world.ring.desk, member_id, private, 1, by, NOW)


# What a desk from before there were signing keys goes through


def from_before(world: World) -> Pins:
    with world.db.begin() as session:
        session.execute(delete(PublicSigningKey))
    return replace(world.pins, signing=None)


def log_in(world: World, pins: Pins) -> KeyRing:
    with world.db.read() as session:
        ring = members.unlock(session, world.ring.desk, "ada", PASSPHRASE, SECRET, pins=pins)
    with world.db.begin() as session:
        members.complete_signing_keys(session, ring, pins, LATER)
    return ring


def test_a_desk_from_before_gets_its_signing_keys_when_a_member_logs_in(world: World) -> None:
    pins = from_before(world)
    ring = log_in(world, pins)
    with world.db.read() as session:
        (generation,) = ring.chain(session).generations
        assert (generation.signing, generation.since) == (world.fresh.signing_key, LATER)
        assert counting(session, world) == (ring.signing_key().public,)
        before = [each.id for each in session.scalars(select(PublicSigningKey))]
    log_in(world, pins)
    log_in(world, world.pins)
    with world.db.read() as session:
        assert [each.id for each in session.scalars(select(PublicSigningKey))] == before


def test_a_pinned_signing_key_that_was_taken_away_is_not_written_anew(world: World) -> None:
    from_before(world)
    ring = log_in(world, world.pins)
    with world.db.read() as session:
        assert ring.chain(session).generations == ()
        assert session.scalars(select(PublicSigningKey)).all() == []


def test_a_false_row_in_a_members_place_is_replaced_when_they_log_in(world: World) -> None:
    with world.db.begin() as session:
        row(session, world.ring.member_id).public = SigningKey.of(generate(), Signer.MEMBER).public
    log_in(world, world.pins)
    with world.db.read() as session:
        assert counting(session, world) == (world.ring.signing_key().public,)


def test_a_second_member_of_a_desk_from_before_is_certified_when_they_log_in(world: World) -> None:
    with world.db.begin() as session:
        bram = members.add_member(
            *(session, world.ring),
            login="bram",
            address="bram@desk.example",
            passphrase=PASSPHRASE,
            secret=SECRET,
            role=Role.DEPUTY,
            now=NOW,
            params=FAST,
        )
    pins = from_before(world)
    log_in(world, pins)
    with world.db.read() as session:
        assert counting(session, world, bram) == ()
        ring = members.unlock(session, world.ring.desk, "bram", PASSPHRASE, SECRET, pins=pins)
    with world.db.begin() as session:
        members.complete_signing_keys(session, ring, pins, LATER)
        assert counting(session, world, bram) == (ring.signing_key().public,)


def test_who_opens_the_desk_is_not_deceived_by_a_pin_that_is_somebody_elses(world: World) -> None:
    """The pinned signing key was read from a database that somebody wrote to, and stands with the desk's own public
    key: nothing binds the two but the private half."""
    theirs = generate()
    with world.db.begin() as session:
        session.execute(delete(PublicSigningKey).where(PublicSigningKey.owner == ""))
        true_public = world.keys.to_desk.public.to_bytes()
        key = SigningKey.of(theirs, Signer.DESK)
        stated = certificates._Named(world.ring.desk, "", 1, NOW).statement(key.public, true_public)
        named = {"desk": world.ring.desk, "owner": "", "generation": 1, "created_at": NOW, "public": key.public}
        signature = key.sign(stated)
        session.add(PublicSigningKey(id=new_id(), own_signature=signature, certificate=signature, **named))
        session.flush()
        assert certificates.chain(session, world.ring.desk, key.public).generations
        ring = replace(world.ring, root=key.public)
        assert ring.chain(session).generations == ()
