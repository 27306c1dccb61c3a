"""What takes two members is done only when two of them signed it, for what it is and within a week."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from cases.roles import Role
from store import consent, grants, membership
from store.consent import Act, CannotConsent, ConsentNeeded
from store.keypairs import KeyKind
from store.keyring import KeyRing, NotAllowed, newest, newest_proven
from store.schema import Audit, CaseFile, Consent, KeyPair, Member, SealedSeed
from tests.store.test_membership import admit, ring
from tests.store.world import INDEX, NOW, World
from tests.store.world import new_case as take_in

SUBJECT = consent.subject_of(INDEX, Act.ADD_MEMBER, "chris", "auditor")
ABOUT = {"login": "chris", "role": "auditor"}
LATER = NOW + timedelta(days=1)


def second(world: World, role: Role = Role.DEPUTY) -> KeyRing:
    return ring(world, *admit(world, f"lid.{role}", role))


def ask(world: World) -> str:
    with world.db.begin() as session:
        return consent.ask(session, world.ring, Act.ADD_MEMBER, SUBJECT, ABOUT, NOW)


def give(world: World, by: KeyRing, consent_id: str, now: object = LATER) -> None:
    with world.db.begin() as session:
        consent.give(session, by, consent_id, now)  # type: ignore[arg-type]


def is_given(world: World, subject: bytes = SUBJECT, act: Act = Act.ADD_MEMBER, after: timedelta = timedelta()) -> bool:
    with world.db.read() as session:
        return consent.is_given(session, world.ring, act, subject, LATER + after)


def test_it_is_given_when_another_member_agrees_and_used_once(world: World) -> None:
    bram, consent_id = second(world), ask(world)
    assert not is_given(world)
    give(world, bram, consent_id)
    assert is_given(world)
    with world.db.begin() as session:
        consent.use(session, world.ring, Act.ADD_MEMBER, SUBJECT, LATER)
        with pytest.raises(ConsentNeeded):
            consent.use(session, world.ring, Act.ADD_MEMBER, SUBJECT, LATER)
    assert not is_given(world)
    with world.db.read() as session:
        found = session.scalars(select(Audit).where(Audit.subject_id == consent_id).order_by(Audit.id)).all()
    assert [(row.action, row.member_id) for row in found] == [
        ("consent_asked", world.ring.member_id),
        ("consent_given", bram.member_id),
        ("consent_used", world.ring.member_id),
    ]


def test_nobody_agrees_to_what_they_asked_for_themselves(world: World) -> None:
    consent_id = ask(world)
    with pytest.raises(CannotConsent, match="another member"):
        give(world, world.ring, consent_id)
    assert not is_given(world)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR, Role.INVESTIGATOR, Role.SECRETARY_GENERAL])
def test_only_who_manages_access_agrees(world: World, role: Role) -> None:
    consent_id = ask(world)
    with pytest.raises(NotAllowed):
        give(world, second(world, role), consent_id)


def test_it_counts_for_what_was_asked_and_nothing_else(world: World) -> None:
    give(world, second(world), ask(world))
    assert not is_given(world, consent.subject_of(INDEX, Act.ADD_MEMBER, "chris", "coordinator"))
    assert not is_given(world, act=Act.DESTROY)


def test_after_a_week_it_has_run_out(world: World) -> None:
    bram, consent_id = second(world), ask(world)
    with pytest.raises(CannotConsent):
        give(world, bram, consent_id, NOW + consent.EXPIRES_AFTER)
    give(world, bram, consent_id)
    assert is_given(world, after=timedelta(days=5))
    assert not is_given(world, after=timedelta(days=6))


def test_it_can_be_taken_back_until_it_is_used(world: World) -> None:
    bram, consent_id = second(world), ask(world)
    give(world, bram, consent_id)
    with world.db.begin() as session:
        consent.take_back(session, bram, consent_id, LATER)
    assert not is_given(world)
    with pytest.raises(CannotConsent):
        give(world, bram, consent_id)


def test_the_consent_of_who_left_since_does_not_count(world: World) -> None:
    bram, consent_id = second(world), ask(world)
    give(world, bram, consent_id)
    with world.db.begin() as session:
        membership.leave(session, world.ring, bram.member_id, LATER)
    assert not is_given(world)


def test_who_is_asked_reads_what_for_and_asking_twice_is_asking_once(world: World) -> None:
    bram = second(world)
    with world.db.begin() as session:
        for _ in range(2):
            consent.ask_once(session, world.ring, Act.ADD_MEMBER, SUBJECT, ABOUT, NOW)
    with world.db.read() as session:
        (asked,) = consent.standing(session, bram, LATER)
    assert (asked.act, asked.about, asked.asked_by, asked.given_by) == (
        Act.ADD_MEMBER,
        ABOUT,
        world.ring.member_id,
        None,
    )


def test_what_somebody_asked_who_left_since_is_asked_anew(world: World) -> None:
    bram, cato = second(world), ring(world, *admit(world, "cato", Role.DEPUTY))
    with world.db.begin() as session:
        by_bram = consent.ask(session, bram, Act.ADD_MEMBER, SUBJECT, ABOUT, NOW)
        membership.leave(session, world.ring, bram.member_id, LATER)
    with pytest.raises(CannotConsent, match="ask anew"):
        give(world, cato, by_bram)
    with world.db.begin() as session:
        consent.ask_once(session, world.ring, Act.ADD_MEMBER, SUBJECT, ABOUT, LATER)
    with world.db.read() as session:
        asked = consent.standing(session, cato, LATER)
    (mine,) = [each for each in asked if each.asked_by == world.ring.member_id]
    give(world, cato, mine.id)
    assert is_given(world)


def new_case(world: World) -> str:
    with world.db.begin() as session:
        return take_in(session, world.keys).case_id


def shut_out(world: World, member: KeyRing, case_id: str) -> None:
    list(
        grants.shut_out(
            world.db, world.ring, INDEX, world.keys, case_id, member.member_id, "over hen", by_request=False
        )
    )


def _asked_about(world: World, case_id: str) -> str:
    with world.db.begin() as session:
        case = newest_proven(session, INDEX, world.ring.desk, KeyKind.CASE, case_id)
        return consent.ask(session, world.ring, Act.EXPORT, SUBJECT, {"reference": "AB-CD"}, NOW, case)


def test_what_is_asked_about_a_case_only_those_read_and_agree_to_who_open_it(world: World) -> None:
    bram, cato = second(world), ring(world, *admit(world, "cato", Role.DEPUTY))
    case_id = new_case(world)
    shut_out(world, bram, case_id)
    consent_id = _asked_about(world, case_id)
    with world.db.read() as session:
        assert consent.standing(session, bram, LATER) == ()
        (seen,) = consent.standing(session, cato, LATER)
    assert seen.about == {"reference": "AB-CD"}
    for change in (consent.give, consent.take_back):
        with pytest.raises(consent.NeverAsked), world.db.begin() as session:
            change(session, bram, consent_id, LATER)
    give(world, cato, consent_id)
    assert is_given(world, act=Act.EXPORT)


def test_who_is_shut_out_and_writes_to_the_database_does_not_agree(world: World) -> None:
    """With their own true signature, and every row about access as they like it; they cannot say what they read."""
    bram, case_id = second(world), new_case(world)
    shut_out(world, bram, case_id)
    consent_id = _asked_about(world, case_id)
    with world.db.begin() as session:
        session.execute(update(CaseFile).values(restricted=False))
        row = session.get_one(Consent, consent_id)
        row.given_by, row.given_at = bram.member_id, LATER
        signed = consent._given(row, bram.member_id, LATER, consent._read(session, bram, row))
        row.give_signature = bram.signing_key().sign(signed)
    assert not is_given(world, act=Act.EXPORT)


@pytest.mark.parametrize("salted", [True, False])
def test_who_is_shut_out_does_not_agree_to_words_of_their_own_either(world: World, salted: bool) -> None:
    """Sealed to the desk's key, which they hold, in the place of what they cannot open."""
    bram, case_id = second(world), new_case(world)
    shut_out(world, bram, case_id)
    consent_id = _asked_about(world, case_id)
    about = {"reference": "AB-CD", **({"salt": "aa"} if salted else {})}
    with world.db.begin() as session:
        to, row = bram.to_desk(session), session.get_one(Consent, consent_id)
        context = consent._context(row.desk, row.id, to.generation)
        row.detail, row.key_pair_id = consent.seal(json.dumps(about).encode(), to.public, context), to.id
        session.flush()
        row.given_by, row.given_at = bram.member_id, LATER
        signed = consent._given(row, bram.member_id, LATER, consent._read(session, bram, row))
        row.give_signature = bram.signing_key().sign(signed)
    assert not is_given(world, act=Act.EXPORT)


def test_the_consent_of_who_was_shut_out_since_does_not_count(world: World) -> None:
    bram, case_id = second(world), new_case(world)
    give(world, bram, _asked_about(world, case_id))
    assert is_given(world, act=Act.EXPORT)
    shut_out(world, bram, case_id)
    assert not is_given(world, act=Act.EXPORT)


FORGERIES: dict[str, Callable[[World, KeyRing], dict[str, object]]] = {
    "agreed by nobody": lambda world, bram: {
        "given_by": bram.member_id,
        "given_at": LATER,
        "give_signature": b"x" * 64,
    },
    "agreed by who asked": lambda world, bram: {
        "given_by": world.ring.member_id,
        "given_at": LATER,
        "give_signature": b"x" * 64,
    },
    "for something else": lambda world, bram: {"subject": consent.subject_of(INDEX, Act.ADD_MEMBER, "mallory")},
    "for another act": lambda world, bram: {"action": Act.DESTROY},
    "not so long ago": lambda world, bram: {"asked_at": LATER},
    "asked by another": lambda world, bram: {"asked_by": bram.member_id, "given_by": world.ring.member_id},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
@pytest.mark.parametrize("agreed", [False, True])
def test_who_writes_to_the_database_gives_no_consent(
    world: World, forgery: Callable[[World, KeyRing], dict[str, object]], agreed: bool
) -> None:
    bram, consent_id = second(world), ask(world)
    if agreed:
        give(world, bram, consent_id)
    with world.db.begin() as session:
        session.execute(update(Consent).values(**forgery(world, bram)))
        row = session.get_one(Consent, consent_id)
        assert not consent.is_given(session, world.ring, Act(row.action), row.subject, LATER)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["ask", "give", "back", "use", "week"])), max_size=12))
def test_whatever_members_do_two_of_them_wanted_what_is_done(world: World, steps: list[tuple[int, str]]) -> None:
    with world.db.begin() as session:
        session.execute(Consent.__table__.delete())  # of the example before
    rings = _rings(world)
    now, asked, wanted = NOW, "", {}  # who wants it, since when
    for who, step in steps:
        by = rings[who]
        with world.db.begin() as session:
            if step == "week":
                now += consent.EXPIRES_AFTER
            elif step == "ask":
                asked, wanted = consent.ask(session, by, Act.ADD_MEMBER, SUBJECT, ABOUT, now), {by.member_id: now}
                session.execute(Consent.__table__.delete().where(Consent.id != asked))
            elif asked and step in ("give", "back"):
                try:
                    (consent.give if step == "give" else consent.take_back)(session, by, asked, now)
                except CannotConsent:
                    continue
                wanted = {**wanted, by.member_id: now} if step == "give" else {}
            elif step == "use":
                fresh = bool(wanted) and now < min(wanted.values()) + consent.EXPIRES_AFTER
                try:
                    consent.use(session, by, Act.ADD_MEMBER, SUBJECT, now)
                except ConsentNeeded:
                    assert len(wanted) < 2 or not fresh
                    continue
                assert len(wanted) == 2
                assert fresh
                wanted = {}


_KNOWN: dict[str, list[KeyRing]] = {}


def _rings(world: World) -> list[KeyRing]:
    if world.db is not _KNOWN.get("db"):
        _KNOWN.clear()
        others = [ring(world, *admit(world, f"lid.{number}", Role.DEPUTY)) for number in range(2)]
        _KNOWN.update(db=world.db, rings=[world.ring, *others])  # type: ignore[arg-type]
    return _KNOWN["rings"]


def test_who_asked_and_writes_to_the_database_does_not_agree_with_themselves(world: World) -> None:
    """With their own true signature, by a program of their own."""
    consent_id = ask(world)
    with world.db.begin() as session:
        row = session.get_one(Consent, consent_id)
        row.given_by, row.given_at = world.ring.member_id, LATER
        row.give_signature = world.ring.signing_key().sign(consent._given(row, world.ring.member_id, LATER, None))
    assert not is_given(world)


@pytest.mark.parametrize("column", ["used_at", "taken_back_at"])
def test_what_was_used_or_taken_back_does_not_count_again_because_the_database_forgot(
    world: World, column: str
) -> None:
    bram, consent_id = second(world), ask(world)
    give(world, bram, consent_id)
    with world.db.begin() as session:
        if column == "used_at":
            consent.use(session, world.ring, Act.ADD_MEMBER, SUBJECT, LATER)
        else:
            consent.take_back(session, bram, consent_id, LATER)
    with world.db.begin() as session:
        session.execute(update(Consent).values({column: None}))
    assert not is_given(world)


@pytest.mark.parametrize("left", [False, True])
def test_nobody_agrees_whose_role_as_the_desk_signed_it_does_not_hold_the_desks_key(world: World, left: bool) -> None:
    """An investigator, or a deputy who left, with their own true signature and all that they may write."""
    them = second(world, Role.DEPUTY if left else Role.INVESTIGATOR)
    if left:
        with world.db.begin() as session:
            membership.leave(session, world.ring, them.member_id, NOW)
    consent_id = ask(world)
    with world.db.begin() as session:
        own = (KeyPair.owner == them.member_id, KeyPair.kind == KeyKind.MEMBER)
        session.execute(update(Member).where(Member.id == them.member_id).values(retired_at=None))
        session.execute(update(KeyPair).where(*own).values(retired_at=None))
        desk = newest(session, them.desk, KeyKind.DESK)
        session.add(SealedSeed(key_pair_id=desk.id, recipient_key_pair_id=them.own, frame=b"forged"))
        row = session.get_one(Consent, consent_id)
        row.given_by, row.given_at = them.member_id, LATER
        row.give_signature = them.signing_key().sign(consent._given(row, them.member_id, LATER, None))
    assert not is_given(world)
