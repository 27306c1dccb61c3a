"""Passkeys: an answer counts once, for who was asked, from the true page, and by a passkey that knew its owner."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from cases.roles import Role
from store import challenges, membership, passkeys, second_factor
from store.audit import Action
from store.challenges import Purpose
from store.keyring import KeyRing
from store.passkeys import Party, TooManyPasskeys, WrongPasskey
from store.schema import Audit, PasskeyChallenge, SecondFactor
from tests.soft_passkey import SoftPasskey, decoded, encoded
from tests.store.test_membership import admit, ring
from tests.store.world import NOW, World

DESK = Party("desk.example", "https://post.desk.example", "Meldpost")
HERE, ELSEWHERE = b"this browser", b"another browser"
LATER = NOW + timedelta(minutes=1)


def soft(**more: Any) -> SoftPasskey:
    return SoftPasskey(DESK.origin, DESK.domain, **more)


def add(
    world: World, passkey: SoftPasskey, name: str = "sleutelbos", by: KeyRing | None = None, party: Party = DESK
) -> str:
    who = by or world.ring
    with world.db.begin() as session:
        asked = passkeys.ask_for_new(session, who, party, HERE, NOW)
    with world.db.begin() as session:
        answer = passkeys.answer_to(session, Purpose.ADD, HERE, passkey.make(asked), NOW)
    with world.db.begin() as session:
        return passkeys.add(session, who, party, name, answer, NOW)


def deputy(world: World) -> KeyRing:
    return replace(ring(world, *admit(world, "bo", Role.DEPUTY)), login="bo")


def ask(world: World, by: KeyRing | None = None, now: datetime = NOW) -> dict[str, Any]:
    with world.db.begin() as session:
        return passkeys.ask_for_one(session, by or world.ring, DESK, HERE, now)


def lets_in(
    world: World,
    text: str,
    by: KeyRing | None = None,
    asked: bytes = HERE,
    now: datetime = NOW,
    purpose: Purpose = Purpose.LOG_IN,
) -> bool:
    try:
        with world.db.begin() as session:
            answer = passkeys.answer_to(session, purpose, asked, text, now)
        with world.db.begin() as session:
            passkeys.check(session, by or world.ring, DESK, answer, now)
    except WrongPasskey:
        return False
    return True


def listed(world: World) -> list[str]:
    with world.db.read() as session:
        return [each.name for each in passkeys.listed(session, world.ring)]


def trail(world: World) -> list[tuple[str, str | None]]:
    with world.db.read() as session:
        actions = [action for action in Action if action.startswith("passkey")]
        rows = session.scalars(select(Audit).where(Audit.action.in_(actions)).order_by(Audit.id))
        return [(row.action, row.subject_id) for row in rows]


def test_a_passkey_lets_in_again_and_again_and_the_trail_says_so(world: World) -> None:
    passkey = soft(counter=1)
    factor_id = add(world, passkey)
    assert listed(world) == ["sleutelbos"]
    assert lets_in(world, passkey.show(ask(world)))
    assert lets_in(world, passkey.show(ask(world)))
    with world.db.begin() as session:
        second_factor.remove(session, world.ring, factor_id, LATER)
    assert trail(world) == [
        (Action.PASSKEY_ADDED, factor_id),
        (Action.PASSKEY_USED, factor_id),
        (Action.PASSKEY_USED, factor_id),
        (Action.PASSKEY_REMOVED, factor_id),
    ]


def test_it_is_asked_to_know_its_owner_and_by_no_maker(world: World) -> None:
    with world.db.begin() as session:
        made = passkeys.ask_for_new(session, world.ring, DESK, HERE, NOW)
    assert made["attestation"] == "none"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert made["rp"]["id"] == "desk.example"
    assert made["user"]["id"] == encoded(bytes.fromhex(world.ring.member_id))
    assert len(decoded(made["challenge"])) == 32
    assert ask(world)["userVerification"] == "required"


def test_an_answer_counts_once(world: World) -> None:
    """The counter of a passkey that counts nothing would not tell."""
    passkey = soft()
    add(world, passkey)
    answer = passkey.show(ask(world))
    assert lets_in(world, answer)
    assert not lets_in(world, answer)


def test_an_answer_that_was_refused_is_not_taken_later(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    asked = ask(world)
    assert not lets_in(world, soft(credential=passkey.credential).show(asked)), "of another key"
    assert not lets_in(world, passkey.show(asked))


def test_an_answer_counts_for_five_minutes(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    in_time, late = passkey.show(ask(world)), passkey.show(ask(world))
    assert lets_in(world, in_time, now=NOW + timedelta(minutes=5))
    assert not lets_in(world, late, now=NOW + timedelta(minutes=5, seconds=1))


def test_questions_that_nobody_answered_go(world: World) -> None:
    ask(world)
    ask(world, now=NOW + timedelta(minutes=6))
    with world.db.read() as session:
        assert len(session.scalars(select(PasskeyChallenge)).all()) == 1


def test_an_answer_counts_for_who_was_asked(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    assert not lets_in(world, passkey.show(ask(world)), asked=ELSEWHERE)


def test_an_answer_to_one_question_is_none_to_another(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    with world.db.begin() as session:
        asked = passkeys.ask_for_new(session, world.ring, DESK, HERE, NOW)
    assert not lets_in(world, passkey.show(asked))


def test_a_question_of_ones_own_is_none(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    assert not lets_in(world, passkey.show({"challenge": encoded(bytes(32))}))


@pytest.mark.parametrize(
    "origin",
    ["https://desk.example", "http://post.desk.example", "https://post.desk.example:8443", "https://evil.example"],
)
def test_an_answer_given_to_another_page_does_not_count(world: World, origin: str) -> None:
    passkey = soft()
    add(world, passkey)
    assert not lets_in(world, replace(passkey, origin=origin).show(ask(world)))
    with pytest.raises(WrongPasskey):
        add(world, SoftPasskey(origin, DESK.domain))


def test_an_answer_made_for_another_domain_does_not_count(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    assert not lets_in(world, replace(passkey, domain="post.desk.example").show(ask(world)))
    with pytest.raises(WrongPasskey):
        add(world, SoftPasskey(DESK.origin, "evil.example"))


def test_a_passkey_that_did_not_know_its_owner_does_not_count(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    assert not lets_in(world, replace(passkey, knows_its_owner=False).show(ask(world)))
    with pytest.raises(WrongPasskey):
        add(world, soft(knows_its_owner=False))


@pytest.mark.parametrize("counter", [1, 6, 7])
def test_a_counter_that_stands_still_or_goes_back_shows_a_copy(world: World, counter: int) -> None:
    passkey = soft(counter=5)
    add(world, passkey)
    for _ in range(2):
        assert lets_in(world, passkey.show(ask(world)))
    assert not lets_in(world, replace(passkey, counter=counter - 1).show(ask(world)))
    assert lets_in(world, passkey.show(ask(world)))


def test_of_two_copies_that_count_alike_at_one_moment_one_gets_in(world: World) -> None:
    """Both were checked before either was counted."""
    passkey = soft(counter=5)
    factor_id = add(world, passkey)
    with world.db.begin() as session:
        assert passkeys._count(session, factor_id, 6, NOW)
        assert not passkeys._count(session, factor_id, 6, NOW)
        assert not passkeys._count(session, factor_id, 0, NOW)


def test_a_passkey_that_was_taken_away_lets_nobody_in(world: World) -> None:
    passkey, other = soft(), soft()
    factor_id = add(world, passkey)
    add(world, other, "laptop")
    answer = passkey.show(ask(world))
    with world.db.begin() as session:
        second_factor.remove(session, world.ring, factor_id, NOW)
    assert not lets_in(world, answer)
    assert listed(world) == ["laptop"]


def test_another_members_passkey_lets_nobody_in(world: World) -> None:
    bo, theirs = deputy(world), soft()
    add(world, soft())
    add(world, theirs, by=bo)
    assert not lets_in(world, theirs.show(ask(world)))
    assert lets_in(world, theirs.show(ask(world, bo)), by=bo)


def test_a_row_that_somebody_moved_to_another_member_or_damaged_does_not_open_and_holds_no_other_up(
    world: World,
) -> None:
    bo, theirs, damaged, whole = deputy(world), soft(), soft(), soft()
    moved_id, damaged_id = add(world, theirs, by=bo), add(world, damaged)
    add(world, whole, "laptop")
    with world.db.begin() as session:
        session.get_one(SecondFactor, moved_id).member_id = world.ring.member_id
        session.get_one(SecondFactor, damaged_id).frame = b"x"
    assert listed(world) == ["laptop"]
    assert not lets_in(world, theirs.show(ask(world)))
    assert not lets_in(world, damaged.show(ask(world)))
    assert lets_in(world, whole.show(ask(world)))


def test_a_passkey_made_for_another_domain_is_shown_and_not_asked(world: World) -> None:
    before = Party("old.example", "https://old.example", "Meldpost")
    add(world, SoftPasskey(before.origin, before.domain), party=before)
    assert ask(world)["allowCredentials"] == []
    assert listed(world) == ["sleutelbos"]


def test_a_passkey_made_for_another_domain_lets_nobody_in_whatever_it_answers(world: World) -> None:
    before = Party("old.example", "https://old.example", "Meldpost")
    passkey = SoftPasskey(before.origin, before.domain)
    add(world, passkey, party=before)
    assert not lets_in(world, replace(passkey, domain=DESK.domain, origin=DESK.origin).show(ask(world)))


def test_a_passkey_is_added_once_and_no_more_than_ten(world: World) -> None:
    passkey = soft()
    add(world, passkey)
    with pytest.raises(WrongPasskey):
        add(world, passkey)
    for _ in range(passkeys.MOST - 1):
        add(world, soft())
    with pytest.raises(TooManyPasskeys):
        add(world, soft())


def test_nothing_of_a_passkey_stands_readable(world: World) -> None:
    passkey = soft()
    factor_id = add(world, passkey, "sleutelbos")
    public = passkey.key.public_key().public_numbers().x.to_bytes(32, "big")
    with world.db.read() as session:
        row = session.get_one(SecondFactor, factor_id)
        assert row.frame is not None
        for hidden in (b"sleutelbos", passkey.credential, passkey.credential.hex().encode(), public.hex().encode()):
            assert hidden not in row.frame
        assert row.digest is None


def test_who_leaves_has_no_passkey_any_more(world: World) -> None:
    bo = deputy(world)
    add(world, soft(), by=bo)
    with world.db.begin() as session:
        membership.leave(session, world.ring, bo.member_id, LATER)
        assert not second_factor.of(session, bo.member_id).passkeys


@given(
    st.text(max_size=40)
    | st.recursive(
        st.none() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["response", "clientDataJSON", "id"]), inner),
    ).map(json.dumps)
)
def test_no_text_breaks_the_reading_of_an_answer(text: str) -> None:
    with pytest.raises(WrongPasskey):
        passkeys.answer_to(None, Purpose.LOG_IN, HERE, text, NOW)  # type: ignore[arg-type]


@given(
    place=st.sampled_from(["attestationObject", "authenticatorData", "signature", "rawId", "id", "type", "transports"]),
    put=st.binary(max_size=80).map(encoded) | st.text(max_size=8) | st.none() | st.lists(st.text(max_size=4)),
)
def test_no_part_of_an_answer_breaks_the_check_of_it(place: str, put: Any) -> None:
    passkey = soft()
    asked = {"challenge": encoded(bytes(32))}
    for text, check in ((passkey.make(asked), _add_nowhere), (passkey.show(asked), passkeys.credential_of)):
        answer = json.loads(text)
        (answer if place in answer else answer["response"])[place] = put
        try:
            check(passkeys.Answer(json.dumps(answer), bytes(32)))
        except WrongPasskey:
            continue


def _add_nowhere(answer: passkeys.Answer) -> None:
    passkeys._verified_new(DESK, answer)


def test_two_questions_are_never_alike(world: World) -> None:
    with world.db.begin() as session:
        assert len({challenges.ask(session, Purpose.ADD, HERE, NOW) for _ in range(100)}) == 100
