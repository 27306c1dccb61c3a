"""Members open the desk with their passphrase, and nobody learns from the database who they are."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from cases.roles import Role, holds_the_desk_key
from config.addresses import BadAddress
from store import members, records
from store.keypairs import KeyKind
from store.keyring import KeyRing, NoSuchKey, NotAllowed, newest, newest_proven
from store.members import DeskExists, FreshDesk, MemberExists, WrongLogin
from store.records import Name, RecordKind
from store.schema import Member, SealedSeed
from tests.store.world import FAST, INDEX, NOW, PASSPHRASE, SECRET, World


def add(
    world: World,
    login: str,
    holder: FreshDesk | KeyRing | None = None,
    address: str = "",
    role: Role = Role.COORDINATOR,
) -> str:
    with world.db.begin() as session:
        return members.add_member(
            session,
            holder or world.ring,
            login=login,
            address=address or f"{login}@desk.example",
            passphrase="een andere wachtzin",
            secret=SECRET,
            role=role,
            now=NOW,
            params=FAST,
        )


def unlocked(world: World, login: str) -> KeyRing:
    with world.db.read() as session:
        return members.unlock(session, world.ring.desk, login, "een andere wachtzin", SECRET, pins=world.pins)


def test_a_member_whom_another_added_opens_the_same_cases(world: World) -> None:
    taken = world.open_case()
    member_id = add(world, "bram")
    with world.db.read() as session:
        ring = members.unlock(session, world.ring.desk, " Bram", "een andere wachtzin", SECRET, pins=world.pins)
        assert ring.member_id == member_id
        case = newest_proven(session, INDEX, ring.desk, KeyKind.CASE, taken.case_id).id
        assert ring.private(session, case) == world.ring.private(session, case)
        assert members.logins(session, ring) == {world.ring.member_id: "ada", member_id: "bram"}
        assert members.notice_addresses(session, world.ring.desk) == {
            world.ring.member_id: "ada@desk.example",
            member_id: "bram@desk.example",
        }


@pytest.mark.parametrize("address", ["Bram <bram@desk.example>", "bram", "bram@desk.example, x@desk.example", "b@-.é"])
def test_nobody_becomes_a_member_with_an_address_that_no_notice_can_go_to(world: World, address: str) -> None:
    with pytest.raises(BadAddress) as raised:
        add(world, "bram", address=address)
    assert address not in str(raised.value)
    with world.db.read() as session:
        assert list(members.notice_addresses(session, world.ring.desk)) == [world.ring.member_id]


@pytest.mark.parametrize(
    ("login", "passphrase", "secret"),
    [
        ("ada", "verkeerd", SECRET),
        ("nobody", PASSPHRASE, SECRET),
        ("ada", PASSPHRASE, b"q" * 32),
        ("ada@desk.example", PASSPHRASE, SECRET),
    ],
)
def test_a_wrong_log_in_tells_nothing_of_what_was_wrong(
    world: World, login: str, passphrase: str, secret: bytes
) -> None:
    with world.db.read() as session, pytest.raises(WrongLogin, match="Log-in name or passphrase is wrong"):
        members.unlock(session, world.ring.desk, login, passphrase, secret, pins=world.pins)


def test_the_database_knows_no_log_in_names(world: World) -> None:
    with world.db.read() as session:
        row = session.scalars(select(Member)).one()
    assert b"ada" not in row.login_digest + row.wrapped_seed
    assert row.address == "ada@desk.example"


def test_a_log_in_name_is_taken_once_and_a_desk_is_made_once(world: World) -> None:
    with pytest.raises(MemberExists):
        add(world, "ADA")
    with world.db.begin() as session, pytest.raises(DeskExists):
        members.create_desk(session, world.ring.desk, NOW)


def test_seeds_of_a_fresh_desk_do_not_show_when_printed(world: World) -> None:
    shown = repr(world.fresh)
    assert repr(world.fresh.recovery_seed) not in shown
    assert repr(world.fresh.mailer_seed) not in shown


@pytest.mark.parametrize("role", list(Role))
def test_a_role_brings_the_keys_that_are_its_own_and_no_others(world: World, role: Role) -> None:
    taken = world.open_case()
    member_id = add(world, "bram", role=role)
    ring = unlocked(world, "bram")
    assert ring.role is role
    assert ring.member_id == member_id
    with world.db.read() as session:
        case = newest_proven(session, INDEX, ring.desk, KeyKind.CASE, taken.case_id).id
        if holds_the_desk_key(role):
            assert ring.private(session, case) == world.ring.private(session, case)
        else:
            assert set(ring.privates) == {ring.own}
            with pytest.raises(NoSuchKey):
                ring.private(session, case)


def test_notices_go_to_who_opens_what_comes_in(world: World) -> None:
    deputy = add(world, "bram", role=Role.DEPUTY)
    for role in (Role.AUDITOR, Role.ADMINISTRATOR, Role.INVESTIGATOR, Role.SECRETARY_GENERAL):
        add(world, role, role=role)
    with world.db.read() as session:
        assert set(members.notice_addresses(session, world.ring.desk)) == {world.ring.member_id, deputy}


def test_a_role_that_somebody_wrote_into_the_database_says_no_more_than_the_keys(world: World) -> None:
    """Anybody can seal to a public key: an auditor with such a profile still opens nothing, and manages nobody."""
    member_id = add(world, "bram", role=Role.AUDITOR)
    with world.db.begin() as session:
        own = newest(session, world.ring.desk, KeyKind.MEMBER, member_id)
        name = Name(None, member_id, RecordKind.PROFILE)
        records.write_json(session, name, {"login": "bram", "role": Role.COORDINATOR}, own, NOW, version=2)
    assert unlocked(world, "bram").role is Role.INVESTIGATOR


def test_a_role_that_the_desk_signed_says_no_more_than_the_keys_that_are_left_of_it(world: World) -> None:
    member_id = add(world, "bram", role=Role.DEPUTY)
    with world.db.begin() as session:
        own = newest(session, world.ring.desk, KeyKind.MEMBER, member_id)
        session.execute(delete(SealedSeed).where(SealedSeed.recipient_key_pair_id == own.id))
    assert unlocked(world, "bram").role is Role.INVESTIGATOR


def test_the_role_outlives_the_session(world: World) -> None:
    add(world, "bram", role=Role.AUDITOR)
    ring = unlocked(world, "bram")
    assert KeyRing.from_bytes(ring.to_bytes()) == ring


def test_only_who_manages_access_adds_members(world: World) -> None:
    add(world, "bram", role=Role.AUDITOR)
    with pytest.raises(NotAllowed):
        add(world, "chris", holder=unlocked(world, "bram"))
    with world.db.read() as session:
        assert len(session.scalars(select(Member)).all()) == 2
