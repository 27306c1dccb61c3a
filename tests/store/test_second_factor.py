"""Second factors: what is shown counts once, only near its time, and only for who opened their key ring."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from cases.roles import Role
from store import membership, second_factor, sessions
from store.keyring import KeyRing, NotAllowed
from store.schema import SecondFactor
from store.second_factor import Kind, NoSuchFactor, WrongCode
from tests.store.test_membership import admit, ring
from tests.store.world import INDEX, NOW, World

SECRET = bytes(range(20))


def code_at(now: object = NOW, steps: int = 0, secret: bytes = SECRET) -> str:
    """What an app shows."""
    seconds = int(now.timestamp()) + steps * 30  # type: ignore[attr-defined]
    return TOTP(secret, 6, SHA1(), 30).generate(seconds).decode()


def set_up(world: World, by: KeyRing | None = None) -> tuple[str, ...]:
    with world.db.begin() as session:
        second_factor.add_totp(session, by or world.ring, SECRET, code_at(), NOW)
        return second_factor.new_codes(session, by or world.ring, INDEX, NOW)


def check(world: World, code: str, after: timedelta = timedelta(minutes=5), by: KeyRing | None = None) -> bool:
    try:
        with world.db.begin() as session:
            second_factor.check_totp(session, by or world.ring, code, NOW + after)
    except WrongCode:
        return False
    return True


def use(world: World, code: str, by: KeyRing | None = None) -> bool:
    try:
        with world.db.begin() as session:
            second_factor.use_code(session, by or world.ring, INDEX, code, NOW)
    except WrongCode:
        return False
    return True


def test_the_codes_are_those_of_rfc_6238() -> None:
    """Appendix B, the last six digits of the vectors for SHA-1."""
    secret = b"12345678901234567890"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert TOTP(secret, 6, SHA1(), 30).generate(seconds) == code.encode()
    assert second_factor.readable(secret) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize("steps", range(-3, 4))
def test_a_code_counts_for_its_own_half_minute_and_those_beside_it(world: World, steps: int) -> None:
    set_up(world)
    later = timedelta(minutes=5)
    assert check(world, code_at(NOW + later, steps)) == (abs(steps) <= 1)


def test_a_code_counts_once_and_none_from_before_it_after_it(world: World) -> None:
    set_up(world)
    later = NOW + timedelta(minutes=5)
    code, earlier, following = code_at(later), code_at(later, -1), code_at(later, 1)
    assert check(world, f"{code[:3]} {code[3:]}")
    assert not check(world, code)
    assert not check(world, earlier)
    assert check(world, following)


def test_the_code_that_set_it_up_is_used(world: World) -> None:
    set_up(world)
    assert not check(world, code_at(), timedelta(0))


@given(st.text(max_size=12))
def test_no_text_breaks_the_check_and_none_but_the_code_passes(text: str) -> None:
    step = second_factor._step_of(SECRET, text, NOW)
    right = {code_at(NOW, steps): steps for steps in (-1, 0, 1)}
    assert (step is not None) == ("".join(text.split()) in right)


def test_each_code_for_emergencies_lets_in_once_however_it_is_typed(world: World) -> None:
    codes = set_up(world)
    assert len(set(codes)) == 10
    assert use(world, f" {codes[0].upper()} ")
    assert not use(world, codes[0])
    assert use(world, codes[1].replace("-", ""))
    with world.db.read() as session:
        assert second_factor.of(session, world.ring.member_id).codes == 8


def test_new_codes_for_emergencies_end_those_before(world: World) -> None:
    codes = set_up(world)
    with world.db.begin() as session:
        second_factor.new_codes(session, world.ring, INDEX, NOW)
    assert not any(use(world, code) for code in codes)


def test_the_factors_of_one_member_are_nothing_for_another(world: World) -> None:
    bram = ring(world, *admit(world, "bram"))
    codes = set_up(world)
    later = timedelta(minutes=5)
    assert not check(world, code_at(NOW + later), later, by=bram)
    assert not use(world, codes[0], by=bram)
    assert check(world, code_at(NOW + later), later)


def test_the_database_shows_no_secret_and_no_code(world: World) -> None:
    codes = set_up(world)
    with world.db.read() as session:
        kept = [row.frame or row.digest or b"" for row in session.scalars(select(SecondFactor))]
    assert len(kept) == 11
    for secret in (SECRET, SECRET.hex().encode(), *(code.replace("-", "").encode() for code in codes)):
        assert not any(secret in each for each in kept)


def test_a_factor_is_removed_by_its_owner_alone_and_the_codes_go_with_the_last(world: World) -> None:
    bram = ring(world, *admit(world, "bram"))
    set_up(world)
    with world.db.read() as session:
        (factor_id,) = second_factor.of(session, world.ring.member_id).totp
    with world.db.begin() as session, pytest.raises(NoSuchFactor):
        second_factor.remove(session, bram, factor_id, NOW)
    with world.db.begin() as session:
        second_factor.remove(session, world.ring, factor_id, NOW)
        factors = second_factor.of(session, world.ring.member_id)
    assert not factors
    assert factors.codes == 0


def test_who_manages_access_takes_the_factors_of_another_away_and_their_sessions_end(world: World) -> None:
    bram = ring(world, *admit(world, "bram"))
    chris = ring(world, *admit(world, "chris", Role.AUDITOR))
    set_up(world, bram)
    with world.db.begin() as session:
        secret = sessions.start(session, bram, NOW)
        held = sessions.hold(session, bram, NOW)
    with world.db.begin() as session, pytest.raises(NotAllowed):
        second_factor.reset(session, chris, bram.member_id, NOW)
    with world.db.begin() as session:
        second_factor.reset(session, world.ring, bram.member_id, NOW)
        assert not second_factor.of(session, bram.member_id)
        assert sessions.held(session, held, NOW) is None
    assert sessions.resume(world.db, secret, NOW) is None


def test_who_leaves_leaves_no_factor_behind(world: World) -> None:
    bram = ring(world, *admit(world, "bram"))
    set_up(world, bram)
    with world.db.begin() as session:
        membership.leave(session, world.ring, bram.member_id, NOW)
        assert session.scalars(select(SecondFactor)).all() == []


def test_a_log_in_that_waits_for_its_second_factor_is_no_session(world: World) -> None:
    with world.db.begin() as session:
        secret = sessions.hold(session, world.ring, NOW)
    assert sessions.resume(world.db, secret, NOW) is None
    with world.db.begin() as session:
        assert sessions.held(session, secret, NOW + timedelta(minutes=5)) == world.ring
        assert sessions.held(session, secret, NOW + timedelta(minutes=5, seconds=1)) is None
        assert sessions.held(session, b"x" * 32, NOW) is None
        assert sessions.let_in(session, secret)
        assert not sessions.let_in(session, secret)


def test_a_session_is_no_log_in_that_waits(world: World) -> None:
    with world.db.begin() as session:
        secret = sessions.start(session, world.ring, NOW)
        assert sessions.held(session, secret, NOW) is None


def test_a_factor_of_another_kind_is_not_taken_for_an_app(world: World) -> None:
    with world.db.begin() as session:
        second_factor.add_sealed(session, world.ring, Kind.PASSKEY, {"secret": SECRET.hex()}, 0, NOW)
    later = timedelta(minutes=5)
    assert not check(world, code_at(NOW + later), later)


@pytest.mark.parametrize("moved", [False, True])
def test_what_somebody_damaged_or_moved_to_another_member_takes_no_code(world: World, moved: bool) -> None:
    """A log-in that is refused in words, and no page that breaks."""
    bram = ring(world, *admit(world, "bram", Role.DEPUTY))
    set_up(world, bram)
    with world.db.begin() as session:
        row = session.scalars(select(SecondFactor).where(SecondFactor.kind == Kind.TOTP)).one()
        if moved:
            row.member_id, row.key_pair_id = world.ring.member_id, world.ring.own
        else:
            row.frame = (row.frame or b"")[:-1] + b"x"
    by = world.ring if moved else bram
    assert not check(world, code_at(NOW + timedelta(minutes=5)), by=by)
