"""The machine's clock is set back: nothing opens for longer, nobody is locked out, and what is due is known."""

from __future__ import annotations

from datetime import timedelta

from store import membership, rotation, sessions
from store.verification import verify
from tests.store.test_membership import admit
from tests.store.test_second_factor import check, code_at, set_up
from tests.store.world import NOW, World

A_DAY_AGO = NOW - timedelta(days=1)


def test_a_session_does_not_go_on_a_day_longer(world: World) -> None:
    with world.db.begin() as session:
        secret = sessions.start(session, world.ring, NOW)
    assert sessions.resume(world.db, secret, NOW - timedelta(seconds=30))
    assert sessions.resume(world.db, secret, A_DAY_AGO) is None
    assert sessions.resume(world.db, secret, NOW) is None


def test_who_mistyped_a_passphrase_before_waits_no_day_for_the_next_try(world: World) -> None:
    digest = b"d" * 32
    with world.db.begin() as session:
        for _ in range(6):
            sessions.note_try(session, [digest], NOW)
        assert not sessions.may_try(session, digest, NOW)
        assert not sessions.may_try(session, digest, NOW - timedelta(seconds=30))
        assert sessions.may_try(session, digest, A_DAY_AGO)
        sessions.note_try(session, [digest], A_DAY_AGO)
        assert not sessions.may_try(session, digest, A_DAY_AGO)


def test_a_code_of_the_second_factor_that_was_used_counts_no_second_time(world: World) -> None:
    set_up(world)
    later, set_back = timedelta(minutes=5), timedelta(minutes=3)
    assert check(world, code_at(NOW + later), later)
    assert not check(world, code_at(NOW + set_back), set_back)
    assert not check(world, code_at(NOW + later), later)


def test_a_member_who_leaves_after_a_rotation_calls_for_another(world: World) -> None:
    bram, _ = admit(world, "bram")
    list(rotation.rotate(world.db, world.ring, world.pins, NOW))
    with world.db.begin() as session:
        membership.leave(session, world.ring, bram, A_DAY_AGO)
        assert membership.is_rotation_due(session, world.ring.desk)


def test_the_trail_stays_sound(world: World) -> None:
    for now in (NOW, A_DAY_AGO, NOW):
        with world.db.begin() as session:
            sessions.start(session, world.ring, now)
    with world.db.read() as session:
        assert verify(session, world.ring.desk, None).faults == ()
