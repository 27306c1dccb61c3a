"""A new recovery key: the new pages open everything, the old ones nothing, wherever it is broken off."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from store import recovery, renewal, rotation
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import DeskKeyDiffers, KeyRing, Pins, UnprovenKey, desk_keys
from store.recovery import NotTheRecoveryKey
from store.renewal import CannotRenew
from store.schema import KeyPair, SealedSeed, new_id
from tests.store.test_rotation import LATER, arrive, opens
from tests.store.world import INDEX, NOW, World

NEW = generate()


def begin(world: World, private: PrivateKey = NEW) -> Pins:
    """As the command does: first the key, then the pin. Gives the pins of after."""
    with world.db.begin() as session:
        renewal.begin(session, world.ring, INDEX, world.pins, private.public, NOW)
    return replace(world.pins, recovery=private.public)


def by_pages(world: World, pins: Pins, seed: bytes) -> KeyRing:
    with world.db.read() as session:
        return recovery.open_desk(session, world.ring.desk, pins, seed).ring()


def by_key_alone(world: World, kind: KeyKind, generation: int, private: PrivateKey) -> KeyRing:
    """What a recovery key opens by itself, without the desk's."""
    with world.db.read() as session:
        of = select(KeyPair.id).where(KeyPair.kind == kind, KeyPair.generation == generation)
        return KeyRing("", world.ring.desk, "", {session.scalars(of).one(): private})


def test_the_new_pages_open_everything_and_the_old_ones_nothing(world: World) -> None:
    case_ids = [arrive(world, f"CASE-{number}") for number in range(3)]
    pins = begin(world)
    case_ids.append(arrive(world, "BETWEEN"))  # a daemon that has not read the new pin yet
    *_, last = renewal.resume(world.db, world.ring, pins)
    assert (last.done, last.closed) == (8, 0)
    assert all(opens(world, by_pages(world, pins, NEW.seed), each) for each in case_ids)
    old = PrivateKey.from_seed(world.fresh.recovery_seed)
    assert not any(opens(world, by_key_alone(world, KeyKind.RECOVERY, 1, old), each) for each in case_ids)
    assert all(opens(world, by_key_alone(world, KeyKind.RECOVERY, 2, NEW), each) for each in case_ids)
    with pytest.raises(NotTheRecoveryKey):
        by_pages(world, pins, world.fresh.recovery_seed)
    with world.db.read() as session:
        assert recovery.coverage(session, desk_keys(session, world.ring.desk, pins).recovery).missing == 0
        assert len(renewal.live(session, world.ring.desk)) == 1


def test_until_the_configuration_pins_the_new_one_the_old_pages_are_good(world: World) -> None:
    case_id = arrive(world, "CASE-0")
    begin(world)
    assert opens(world, by_pages(world, world.pins, world.fresh.recovery_seed), case_id)
    with world.db.read() as session:
        assert renewal.begun(session, world.ring.desk, INDEX) is not None


def test_one_that_broke_off_is_gone_on_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "BATCH", 1)
    case_ids = [arrive(world, f"CASE-{number}") for number in range(3)]
    pins = begin(world)
    broken: Iterator[object] = renewal.resume(world.db, world.ring, pins)
    next(broken)
    next(broken)
    broken.close()  # type: ignore[attr-defined]
    with world.db.read() as session:
        found = recovery.coverage(session, desk_keys(session, world.ring.desk, pins).recovery)
    assert 0 < found.missing < found.total
    assert all(opens(world, by_pages(world, pins, NEW.seed), each) for each in case_ids)  # by way of the desk's key
    list(renewal.resume(world.db, world.ring, pins))
    with world.db.read() as session:
        assert recovery.coverage(session, desk_keys(session, world.ring.desk, pins).recovery).missing == 0


def test_what_the_member_does_not_open_waits_for_one_who_does(world: World) -> None:
    """As a restricted case does for who is kept out of it: neither the desk nor they hold its keys."""
    shut, open_ = arrive(world, "SHUT"), arrive(world, "OPEN")
    with world.db.begin() as session:
        of = select(KeyPair.id).where(KeyPair.owner == shut)
        to_desk = SealedSeed.recipient_key_pair_id == world.keys.to_desk.id
        sealed = session.scalars(select(SealedSeed).where(SealedSeed.key_pair_id.in_(of), to_desk)).all()
        opener = replace(world.ring, _opened={})
        for row in sealed:
            opener.private(session, row.key_pair_id)
            session.delete(row)
    pins = begin(world)
    *_, last = renewal.resume(world.db, replace(world.ring, _opened={}), pins)
    assert last.closed == 2
    old = PrivateKey.from_seed(world.fresh.recovery_seed)
    assert opens(world, by_key_alone(world, KeyKind.RECOVERY, 1, old), shut)
    assert not opens(world, by_key_alone(world, KeyKind.RECOVERY, 1, old), open_)
    with world.db.read() as session:
        assert recovery.coverage(session, desk_keys(session, world.ring.desk, pins).recovery).missing == 2
    *_, last = renewal.resume(world.db, opener, pins)
    assert last.closed == 0
    assert not opens(world, by_key_alone(world, KeyKind.RECOVERY, 1, old), shut)
    assert opens(world, by_key_alone(world, KeyKind.RECOVERY, 2, NEW), shut)


def test_a_new_recovery_key_that_somebody_wrote_into_the_database_is_not_gone_on_with(world: World) -> None:
    theirs = generate()
    with world.db.begin() as session:
        row = KeyPair(
            id=new_id(), desk=world.ring.desk, owner="", kind=KeyKind.RECOVERY, generation=2,
            public=theirs.public.to_bytes(), created_at=NOW,
        )  # fmt: skip
        session.add(row)
    with world.db.read() as session, pytest.raises(UnprovenKey):
        renewal.begun(session, world.ring.desk, INDEX)
    with pytest.raises(CannotRenew):
        begin(world)
    case_id = arrive(world, "CASE-0")
    assert not opens(world, by_key_alone(world, KeyKind.RECOVERY, 2, theirs), case_id)


def test_the_pinned_key_has_to_be_there(world: World) -> None:
    begin(world)
    with world.db.begin() as session:
        session.execute(update(KeyPair).where(KeyPair.generation == 2).values(retired_at=NOW))
    with pytest.raises(DeskKeyDiffers):
        list(renewal.resume(world.db, world.ring, replace(world.pins, recovery=NEW.public)))


def test_it_goes_together_with_an_unfinished_rotation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    case_ids = [arrive(world, f"CASE-{number}") for number in range(2)]
    with world.db.begin() as session:
        rotation.begin(session, world.ring, world.pins, LATER)
    pins = begin(world)
    list(renewal.resume(world.db, world.ring, pins))
    list(rotation.resume(world.db, world.ring, pins))
    assert all(opens(world, by_pages(world, pins, NEW.seed), each) for each in case_ids)
    with world.db.read() as session:
        assert recovery.coverage(session, desk_keys(session, world.ring.desk, pins).recovery).missing == 0
