"""What the recovery key opens, for whom, and what it does not."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update

from cases.roles import Role
from store import grants, membership, recovery, second_factor, sessions
from store.audit import Action
from store.certificates import member_keys
from store.keypairs import KeyKind, generate
from store.keyring import KeyRing, NoSuchKey
from store.members import OwnKey, WrongLogin, add_member, admit, unlock
from store.records import Name, RecordKind, opened_json
from store.recovery import NotRecoverable, NotTheRecoveryKey, OfBefore, Recovered
from store.schema import Audit, KeyPair, Member, SealedSeed
from tests.store.office import opened_kinds
from tests.store.world import FAST, INDEX, NOW, PASSPHRASE, SECRET, World

ANOTHER = "vaas drempel kubus orkaan"


def opened(world: World) -> Recovered:
    with world.db.read() as session:
        return recovery.open_desk(session, world.ring.desk, world.pins, world.fresh.recovery_seed)


def ada(world: World) -> OfBefore:
    with world.db.read() as session:
        (found,) = recovery.members(session, opened(world))
    return found


def give_back(world: World, secret: bytes = SECRET) -> None:
    with world.db.begin() as session:
        own_key = OwnKey.make(ANOTHER, secret, FAST)
        recovery.give_back(session, opened(world), INDEX, ada(world), own_key, secret=secret, now=NOW)


def log_in(world: World, passphrase: str = ANOTHER, login: str = "ada", secret: bytes = SECRET) -> KeyRing:
    with world.db.read() as session:
        return unlock(session, world.ring.desk, login, passphrase, secret, pins=world.pins)


def opens(world: World, ring: KeyRing, case_id: str) -> bool:
    with world.db.read() as session:
        return bool(opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD)))


def test_a_member_of_before_gets_in_by_a_new_passphrase_and_not_by_the_old_one(world: World) -> None:
    case_id = world.open_case().case_id
    assert ada(world) == OfBefore(world.ring.member_id, "ada", Role.COORDINATOR)
    give_back(world)
    with pytest.raises(WrongLogin):
        log_in(world, PASSPHRASE)
    ring = log_in(world)
    assert ring.member_id == world.ring.member_id
    assert opens(world, ring, case_id)
    with world.db.read() as session:
        keys = member_keys(session, ring.chain(session), ring.member_id)
    assert [each.generation for each in keys] == [1, 2]  # what was signed before stays good
    assert keys[-1].signing == ring.signing_key().public


def test_nothing_is_sealed_to_their_old_key_any_more(world: World) -> None:
    before = world.ring.own
    give_back(world)
    with world.db.read() as session:
        assert session.scalars(select(SealedSeed).where(SealedSeed.recipient_key_pair_id == before)).all() == []
        assert session.get_one(KeyPair, before).retired_at == NOW
    stolen = KeyRing("", world.ring.desk, "", {before: world.ring.privates[before]})
    with pytest.raises(NoSuchKey), world.db.read() as session:
        stolen.private(session, world.keys.to_desk.id)


def test_their_sessions_end(world: World) -> None:
    with world.db.begin() as session:
        secret = sessions.start(session, world.ring, NOW)
    give_back(world)
    assert sessions.resume(world.db, secret, NOW) is None


def test_a_new_member_opens_what_the_desk_opens(world: World) -> None:
    case_id = world.open_case().case_id
    with world.db.begin() as session:
        add_member(
            *(session, opened(world)),
            login="bo",
            address="bo@desk.example",
            passphrase=ANOTHER,
            secret=SECRET,
            role=Role.COORDINATOR,
            now=NOW,
            params=FAST,
        )
    assert opens(world, log_in(world, login="bo"), case_id)


def test_a_lost_passphrase_secret_is_no_hindrance(world: World) -> None:
    give_back(world, secret=b"n" * 32)
    assert log_in(world, secret=b"n" * 32).login == "ada"
    with pytest.raises(WrongLogin):
        log_in(world)


def test_a_role_without_the_desk_key_does_not_get_it(world: World) -> None:
    member = OfBefore(world.ring.member_id, "ada", Role.INVESTIGATOR)
    with world.db.begin() as session:
        own_key = OwnKey.make(ANOTHER, SECRET, FAST)
        recovery.give_back(session, opened(world), INDEX, member, own_key, secret=SECRET, now=NOW)
    with world.db.read() as session:
        own = select(KeyPair.id).where(KeyPair.kind == KeyKind.MEMBER)
        given = session.scalars(select(SealedSeed).where(SealedSeed.recipient_key_pair_id.in_(own))).all()
    assert given == []


def test_their_second_factors_go_with_the_key_that_opened_them(world: World) -> None:
    with world.db.begin() as session:
        secret = {"secret": second_factor.new_secret().hex()}
        second_factor.add_sealed(session, world.ring, second_factor.Kind.TOTP, secret, 0, NOW)
        second_factor.new_codes(session, world.ring, INDEX, NOW)
    give_back(world)
    with world.db.read() as session:
        left = second_factor.of(session, world.ring.member_id)
    assert not left
    assert left.codes == 0


def test_a_granted_case_comes_back_and_one_that_only_the_database_names_does_not(world: World) -> None:
    """Who writes to the database has another case's key sealed to a member's, with garbage for a frame."""
    granted, other = world.open_case(reference="AAAAA").case_id, world.open_case(reference="BBBBB").case_id
    with world.db.begin() as session:
        bo = add_member(
            *(session, world.ring),
            login="bo",
            address="bo@desk.example",
            passphrase=PASSPHRASE,
            secret=SECRET,
            role=Role.INVESTIGATOR,
            now=NOW,
            params=FAST,
        )
        grants.grant(session, world.ring, INDEX, granted, bo, identity=False, reason="onderzoek", now=NOW)
        own = session.scalars(select(KeyPair.id).where(KeyPair.owner == bo)).one()
        pair = session.scalars(select(KeyPair.id).where(KeyPair.owner == other, KeyPair.kind == KeyKind.CASE)).one()
        session.add(SealedSeed(key_pair_id=pair, recipient_key_pair_id=own, frame=b"x"))
    with world.db.begin() as session:
        who = OfBefore(bo, "bo", Role.INVESTIGATOR)
        own_key = OwnKey.make(ANOTHER, SECRET, FAST)
        recovery.give_back(session, opened(world), INDEX, who, own_key, secret=SECRET, now=NOW)
    ring = log_in(world, login="bo")
    assert opens(world, ring, granted)
    assert "identity" not in opened_kinds(world.db, ring, granted)
    with pytest.raises(NoSuchKey):
        opens(world, ring, other)


def test_it_stands_on_the_trail_with_the_numbers_of_the_shares(world: World) -> None:
    with world.db.begin() as session:
        recovery.note(session, opened(world), world.ring.member_id, (1, 3), NOW)
    with world.db.read() as session:
        row = session.scalars(select(Audit).where(Audit.action == Action.RECOVERED)).one()
    assert row.subject_id == world.ring.member_id
    assert row.key_pair_id == world.keys.to_desk.id


def test_the_seed_of_another_key_opens_nothing(world: World) -> None:
    with pytest.raises(NotTheRecoveryKey, match=world.keys.recovery.public.fingerprint()), world.db.read() as session:
        recovery.open_desk(session, world.ring.desk, world.pins, generate().seed)


def take_away(world: World) -> None:
    with world.db.begin() as session:
        session.execute(delete(SealedSeed).where(SealedSeed.recipient_key_pair_id == world.keys.recovery.id))


def damage(world: World) -> None:
    with world.db.begin() as session:
        sealed = SealedSeed.recipient_key_pair_id == world.keys.recovery.id
        session.execute(update(SealedSeed).where(sealed).values(frame=b"zwanenzang"))


@pytest.mark.parametrize("change", [take_away, damage])
def test_a_desk_key_that_is_not_sealed_to_it_is_told(world: World, change: Callable[[World], None]) -> None:
    change(world)
    with pytest.raises(NotRecoverable, match="does not open the desk's key"):
        opened(world)


def test_a_retired_member_is_not_offered(world: World) -> None:
    with world.db.begin() as session:
        session.execute(update(Member).values(retired_at=NOW))
    with world.db.read() as session:
        assert recovery.members(session, opened(world)) == ()


def test_who_left_is_not_offered_by_a_row_that_says_that_they_are_there(world: World) -> None:
    with world.db.begin() as session:
        bo = admit(
            *(session, world.ring, OwnKey(generate(), b"never opened")),
            login="bo",
            address="bo@desk.example",
            secret=SECRET,
            role=Role.DEPUTY,
            now=NOW,
        )
        membership.leave(session, world.ring, bo, NOW)
        session.execute(update(Member).values(retired_at=None))
    with world.db.read() as session:
        assert [each.login for each in recovery.members(session, opened(world))] == ["ada"]


def test_no_seed_shows_when_it_is_printed(world: World) -> None:
    assert repr(world.fresh.recovery_seed) not in repr(opened(world))
