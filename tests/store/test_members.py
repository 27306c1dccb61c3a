"""Members open the desk with their passphrase, and nobody learns from the database who they are."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cases.roles import Role
from config.addresses import BadAddress
from store import members
from store.keypairs import KeyKind
from store.keyring import newest_proven
from store.members import DeskExists, FreshDesk, MemberExists, WrongLogin
from store.schema import Member
from tests.store.world import FAST, INDEX, NOW, PASSPHRASE, SECRET, World


def add(world: World, login: str, holder: FreshDesk | None = None, address: str = "") -> str:
    with world.db.begin() as session:
        return members.add_member(
            session,
            holder or world.ring,
            login=login,
            address=address or f"{login}@desk.example",
            passphrase="een andere wachtzin",
            secret=SECRET,
            role=Role.COORDINATOR,
            now=NOW,
            params=FAST,
        )


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
