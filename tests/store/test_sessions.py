"""A session opens with its cookie alone, ends by itself, and leaves nothing; guessing gets slower and slower."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, update

from store import sessions
from store.audit import Action
from store.keyring import KeyRing
from store.schema import Audit, LoginAttempt, LoginSession
from store.sessions import Throttle
from tests.store.world import INDEX, NOW, World

DIGEST = INDEX.login("ada")


@pytest.fixture
def secret(world: World) -> bytes:
    with world.db.begin() as session:
        return sessions.start(session, world.ring, NOW)


def resumed(world: World, secret: bytes, after: timedelta) -> bool:
    ring = sessions.resume(world.db, secret, NOW + after)
    assert ring is None or ring.to_bytes() == world.ring.to_bytes()
    return ring is not None


def test_a_session_gives_the_key_ring_back_to_who_has_the_cookie(world: World, secret: bytes) -> None:
    assert resumed(world, secret, timedelta(minutes=1))
    assert not resumed(world, bytes(32), timedelta(minutes=1))


@pytest.mark.parametrize("name", ["own", "root", "role"])
def test_a_session_that_an_older_version_began_ends(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    older = json.loads(world.ring.to_bytes())
    del older[name]
    with monkeypatch.context() as patched, world.db.begin() as session:
        patched.setattr(KeyRing, "to_bytes", lambda _: json.dumps(older).encode())
        begun = sessions.start(session, world.ring, NOW)
    assert not resumed(world, begun, timedelta(minutes=1))


def test_a_session_ends_after_fifteen_idle_minutes_and_is_gone(world: World, secret: bytes) -> None:
    assert resumed(world, secret, timedelta(minutes=15))
    assert resumed(world, secret, timedelta(minutes=30))
    assert not resumed(world, secret, timedelta(minutes=45, seconds=1))
    assert not resumed(world, secret, timedelta(minutes=31))
    with world.db.read() as session:
        assert session.scalars(select(LoginSession)).all() == []


def test_a_session_ends_after_eight_hours_however_busy_it_is(world: World, secret: bytes) -> None:
    for minutes in range(10, 481, 10):
        assert resumed(world, secret, timedelta(minutes=minutes))
    assert not resumed(world, secret, timedelta(minutes=481))


def test_a_request_waits_for_no_writer_where_the_last_was_moments_ago(world: World, secret: bytes) -> None:
    with world.db.begin() as writing:
        writing.execute(update(LoginSession).values(started_at=NOW))
        assert resumed(world, secret, timedelta(seconds=29))


def test_logging_out_destroys_the_session(world: World, secret: bytes) -> None:
    with world.db.begin() as session:
        sessions.end(session, secret, NOW)
        sessions.end(session, secret, NOW)
    assert not resumed(world, secret, timedelta(0))
    with world.db.read() as session:
        actions = session.scalars(select(Audit.action).where(Audit.member_id == world.ring.member_id)).all()
    assert actions == [Action.LOGIN, Action.LOGOUT]


def test_a_member_logged_in_twice_goes_on_where_they_did_not_log_out(world: World, secret: bytes) -> None:
    with world.db.begin() as session:
        elsewhere = sessions.start(session, world.ring, NOW)
    assert sessions.resume(world.db, elsewhere, NOW) == sessions.resume(world.db, secret, NOW) == world.ring
    with world.db.begin() as session:
        sessions.end(session, secret, NOW)
    assert sessions.resume(world.db, secret, NOW) is None
    assert sessions.resume(world.db, elsewhere, NOW) == world.ring


def test_sessions_that_ended_by_themselves_are_cleared_away(world: World, secret: bytes) -> None:
    with world.db.begin() as session:
        fresh = sessions.start(session, world.ring, NOW + timedelta(minutes=20))
        sessions.end_stale(session, NOW + timedelta(minutes=20))
        assert len(session.scalars(select(LoginSession)).all()) == 1
    assert resumed(world, fresh, timedelta(minutes=21))


def test_the_database_holds_neither_the_secret_nor_a_key_in_clear(world: World, secret: bytes) -> None:
    with world.db.read() as session:
        row = session.scalars(select(LoginSession)).one()
    kept = row.id + row.frame
    assert secret not in kept
    assert all(
        private.seed not in kept and private.seed.hex().encode() not in kept for private in world.ring.privates.values()
    )


def test_a_session_put_in_the_place_of_another_does_not_open(world: World, secret: bytes) -> None:
    with world.db.begin() as session:
        other = sessions.start(session, world.ring, NOW)
        one, two = session.scalars(select(LoginSession)).all()
        one.frame, two.frame = two.frame, one.frame
    assert not resumed(world, secret, timedelta(0))
    assert not resumed(world, other, timedelta(0))


def test_guessing_gets_slower_and_a_good_log_in_forgets_it(world: World) -> None:
    throttle = Throttle()
    with world.db.begin() as session:
        now = NOW
        for failure in range(1, 12):
            assert sessions.may_try(session, DIGEST, now)
            sessions.note_try(session, [DIGEST], now)
            wait = throttle.wait_after(failure)
            assert sessions.may_try(session, DIGEST, now) == (failure < throttle.free)
            now += wait
        assert wait == timedelta(seconds=640)
        assert sessions.may_try(session, INDEX.login("bram"), NOW)
        sessions.note_success(session, DIGEST)
        assert sessions.may_try(session, DIGEST, NOW)


def test_a_try_that_was_not_made_does_not_count(world: World) -> None:
    with world.db.begin() as session:
        for _ in range(5):
            sessions.note_try(session, [DIGEST, INDEX.login("address")], NOW)
        assert not sessions.may_try(session, DIGEST, NOW)
        sessions.take_back_try(session, [DIGEST, INDEX.login("address")], NOW)
        assert sessions.may_try(session, DIGEST, NOW)


def test_of_tries_at_the_same_moment_each_counts(world: World) -> None:
    barrier = Barrier(4)

    def tries() -> None:
        barrier.wait()
        for _ in range(5):
            with world.db.begin() as session:
                sessions.note_try(session, [DIGEST], NOW)

    threads = [Thread(target=tries) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.db.read() as session:
        assert session.get_one(LoginAttempt, DIGEST).failures == 20


def test_failures_of_long_ago_are_forgotten_and_later_ones_are_not(world: World) -> None:
    with world.db.begin() as session:
        sessions.note_try(session, [DIGEST], NOW)
        later = NOW + timedelta(hours=2)
        sessions.note_try(session, [INDEX.login("bram")], later)
        sessions.end_stale(session, NOW + timedelta(days=1, minutes=1))
        assert session.scalars(select(LoginAttempt.last_at)).all() == [later]


def test_the_wait_has_an_end() -> None:
    assert Throttle().wait_after(10_000) == timedelta(minutes=15)


def test_the_secret_of_a_session_is_256_bits_that_come_once(world: World) -> None:
    with world.db.begin() as session:
        made = {sessions.start(session, world.ring, NOW) for _ in range(5)}
    assert len(made) == 5
    assert {len(secret) for secret in made} == {32}
