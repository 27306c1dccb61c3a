"""A sealed key that cannot be what Meldpost wrote is told from one that may be, without any key."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import select

from store import recovery
from store.frame import HEADER_SIZE
from store.schema import SealedSeed
from store.seeds_examined import odd_seeds
from tests.store.world import World


def test_what_meldpost_sealed_is_in_order(world: World) -> None:
    world.open_case()
    with world.db.read() as session:
        assert list(odd_seeds(session, world.ring.desk)) == []
        assert recovery.coverage(session, world.keys.recovery).missing == 0


@pytest.mark.parametrize("what", ["random", "cut off", "of another generation"])
def test_a_copy_for_the_recovery_key_that_was_overwritten_does_not_count(world: World, what: str) -> None:
    world.open_case()
    with world.db.begin() as session:
        found = select(SealedSeed).where(SealedSeed.recipient_key_pair_id == world.keys.recovery.id)
        seed = session.scalars(found).first()
        assert seed
        match what:
            case "random":
                seed.frame = os.urandom(len(seed.frame))
            case "cut off":
                seed.frame = seed.frame[:-1]
            case _:
                seed.frame = seed.frame[:7] + b"\0\0\0\7" + seed.frame[11:HEADER_SIZE] + seed.frame[HEADER_SIZE:]
    with world.db.read() as session:
        assert [each.key_pair_id for each in odd_seeds(session, world.ring.desk)] == [seed.key_pair_id]
        assert recovery.coverage(session, world.keys.recovery).missing == 1
