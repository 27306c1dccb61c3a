"""A passkey that opens its member's access by itself: by what it computes and what it signs, both, and while it may."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from store import membership, passkeys, second_factor, unlocking
from store.audit import Action
from store.challenges import Purpose
from store.keyring import KeyRing
from store.passkeys import WrongPasskey
from store.schema import Audit, SecondFactor
from tests.soft_passkey import SoftPasskey
from tests.store.make_vectors import FOLDER
from tests.store.test_passkeys import DESK, HERE, add, deputy, soft
from tests.store.world import INDEX, NOW, SECRET, World

PRF = bytes(range(32))


def ask(world: World, purpose: Purpose) -> dict[str, Any]:
    with world.db.begin() as session:
        return unlocking.ask(session, purpose, world.ring.desk, DESK, HERE, NOW)


def set_up(world: World, passkey: SoftPasskey, by: KeyRing | None = None, prf: bytes = PRF) -> None:
    text = passkey.show(ask(world, Purpose.LET_UNLOCK))
    with world.db.begin() as session:
        answer = passkeys.answer_to(session, Purpose.LET_UNLOCK, HERE, text, NOW)
    with world.db.begin() as session:
        unlocking.set_up(session, by or world.ring, INDEX, DESK, answer, prf, SECRET, NOW)


def unlock(
    world: World, passkey: SoftPasskey, prf: bytes = PRF, secret: bytes = SECRET, text: str | None = None
) -> KeyRing:
    text = text or passkey.show(ask(world, Purpose.UNLOCK))
    with world.db.begin() as session:
        answer = passkeys.answer_to(session, Purpose.UNLOCK, HERE, text, NOW)
    with world.db.begin() as session:
        return unlocking.unlock(session, INDEX, world.ring.desk, DESK, answer, prf, secret, world.pins, NOW)


def refuses(world: World, passkey: SoftPasskey, **more: Any) -> bool:
    try:
        unlock(world, passkey, **more)
    except WrongPasskey:
        return True
    return False


@pytest.fixture
def passkey(world: World) -> SoftPasskey:
    made = soft(counter=1)
    add(world, made)
    set_up(world, made)
    return made


def test_it_opens_what_its_members_passphrase_opens_and_knows_their_name(world: World, passkey: SoftPasskey) -> None:
    ring = unlock(world, passkey)
    assert ring.privates == world.ring.privates
    assert (ring.member_id, ring.login, ring.role) == (world.ring.member_id, world.ring.login, world.ring.role)
    with world.db.read() as session:
        assert session.scalars(select(Audit.id).where(Audit.action == Action.PASSKEY_UNLOCKS)).one()
        assert [each.unlocks for each in passkeys.listed(session, world.ring)] == [True]


def test_nothing_opens_without_what_it_computes_or_without_the_secret(world: World, passkey: SoftPasskey) -> None:
    assert refuses(world, passkey, prf=bytes(32))
    assert refuses(world, passkey, prf=b"")
    assert refuses(world, passkey, secret=os.urandom(32))
    assert not refuses(world, passkey)


def test_what_it_computes_is_worth_nothing_without_what_it_signs(world: World, passkey: SoftPasskey) -> None:
    assert refuses(world, soft(credential=passkey.credential))
    assert refuses(world, replace(passkey, knows_its_owner=False))
    assert refuses(world, replace(passkey, origin="https://evil.example"))
    assert refuses(world, replace(passkey, counter=1))


def test_an_answer_opens_once(world: World, passkey: SoftPasskey) -> None:
    text = passkey.show(ask(world, Purpose.UNLOCK))
    assert not refuses(world, passkey, text=text)
    assert refuses(world, passkey, text=text)


def test_an_answer_given_for_something_else_opens_nothing(world: World, passkey: SoftPasskey) -> None:
    assert refuses(world, passkey, text=passkey.show(ask(world, Purpose.LET_UNLOCK)))


def test_a_passkey_that_computes_nothing_stays_a_second_factor(world: World) -> None:
    made = soft()
    add(world, made)
    with pytest.raises(WrongPasskey):
        set_up(world, made, prf=b"")
    assert refuses(world, made)
    with world.db.read() as session:
        assert second_factor.of(session, world.ring.member_id).passkeys


def test_it_opens_nothing_once_it_is_taken_away_or_its_member_is_gone(world: World) -> None:
    bo, made = deputy(world), soft()
    factor_id = add(world, made, by=bo)
    set_up(world, made, by=bo)
    assert unlock(world, made).member_id == bo.member_id
    with world.db.begin() as session:
        row = session.get_one(SecondFactor, factor_id)
        kept = {"id": "f" * 32, "desk": row.desk, "member_id": row.member_id, "kind": row.kind, "digest": row.digest}
        kept |= {"key_pair_id": row.key_pair_id, "frame": row.frame, "counter": 0, "created_at": NOW}
        kept |= {"wrapped_seed": row.wrapped_seed}
        second_factor.remove(session, bo, factor_id, NOW)
    assert refuses(world, made)
    with world.db.begin() as session:
        membership.leave(session, world.ring, bo.member_id, NOW)
        session.add(SecondFactor(**kept))  # by somebody who writes to the database
    assert refuses(world, made)


def test_it_opens_nothing_for_another_member_however_rows_are_moved(world: World, passkey: SoftPasskey) -> None:
    bo = deputy(world)
    with world.db.begin() as session:
        moved = update(SecondFactor).where(SecondFactor.member_id == world.ring.member_id)
        session.execute(moved.values(member_id=bo.member_id))
    assert refuses(world, passkey)


def test_what_is_forgotten_opens_nothing_and_the_passkey_stays(world: World, passkey: SoftPasskey) -> None:
    with world.db.begin() as session:
        membership.forget_unlocking(session, world.ring.member_id)
    assert refuses(world, passkey)
    with world.db.read() as session:
        assert [each.unlocks for each in passkeys.listed(session, world.ring)] == [False]
        assert session.scalars(select(SecondFactor.digest)).all() == [None]


def test_neither_what_it_computes_nor_the_seed_stands_in_the_database(world: World, passkey: SoftPasskey) -> None:
    seed = world.ring.privates[world.ring.own].seed
    with world.db.read() as session:
        for row in session.scalars(select(SecondFactor)):
            kept = b"".join((row.frame or b"", row.wrapped_seed or b"", row.digest or b""))
            for hidden in (PRF, seed, passkey.credential):
                assert hidden not in kept
                assert hidden.hex().encode() not in kept


@pytest.mark.parametrize("at", [0, 4, 5, 21, 33, 65])
def test_a_wrapping_of_which_a_bit_was_turned_opens_nothing(at: int) -> None:
    wrapped = bytearray(unlocking.wrap(bytes(32), PRF, SECRET, b"here"))
    assert unlocking.unwrap(bytes(wrapped), PRF, SECRET, b"here") == bytes(32)
    with pytest.raises(WrongPasskey):
        unlocking.unwrap(bytes(wrapped), PRF, SECRET, b"there")
    wrapped[at] ^= 1
    with pytest.raises(WrongPasskey):
        unlocking.unwrap(bytes(wrapped), PRF, SECRET, b"here")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*passkey-seed*.json")), ids=lambda path: path.stem)
def test_a_vector_of_a_seed_under_a_passkey_does_as_it_says(path: Path) -> None:
    vector = json.loads(path.read_text())
    wrapped, computed, secret, credential = (
        bytes.fromhex(vector[part]) for part in ("wrapped", "computed", "secret", "credential")
    )
    place = unlocking._place(vector["desk"], vector["member"], credential)
    if path.stem.startswith("good"):
        assert unlocking.unwrap(wrapped, computed, secret, place).hex() == vector["seed"]
    else:
        with pytest.raises(WrongPasskey):
            unlocking.unwrap(wrapped, computed, secret, place)
