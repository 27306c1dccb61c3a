"""Members see where they are logged in and end it; who manages the members sees and ends all sessions of the desk."""

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from cases.roles import Role
from store import sessions
from store.audit import Action
from store.keyring import KeyRing
from store.schema import Audit
from tests.desk.conftest import log_in
from tests.desk.world import DESK, PASSPHRASE, Visitor, World, coordinator, join


def ids_on(page: str) -> list[str]:
    return re.findall(r"/settings/sessions/([0-9a-f]{64})/end", page)


def session_id(visitor: Visitor) -> str:
    secret = base64.urlsafe_b64decode(visitor.cookie("__Host-desk") or "")
    return sessions.id_of(secret).hex()


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/settings/").status_code == 200


def investigator(world: World) -> tuple[KeyRing, Visitor]:
    ring = join(world, "i.onderzoeker", Role.INVESTIGATOR)
    return ring, coordinator(world, ring)


def test_a_member_sees_each_of_their_sessions_and_which_is_this_one(world: World) -> None:
    visitor, elsewhere = coordinator(world), coordinator(world)
    page = visitor.get("/settings/sessions").text
    assert set(ids_on(page)) == {session_id(visitor), session_id(elsewhere)}
    assert page.count("nu, hier") == 1


def test_a_session_that_is_ended_opens_nothing_any_more(world: World) -> None:
    visitor, elsewhere = coordinator(world), coordinator(world)
    visitor.confirm()
    assert visitor.post(f"/settings/sessions/{session_id(elsewhere)}/end").status_code == 303
    assert not is_in(elsewhere)
    assert is_in(visitor)


def test_all_others_end_at_once_and_this_one_goes_on(world: World) -> None:
    visitor, *elsewhere = (coordinator(world) for _ in range(3))
    _, other_member = investigator(world)
    visitor.confirm()
    visitor.post("/settings/sessions/others/end")
    assert [is_in(each) for each in elsewhere] == [False, False]
    assert is_in(visitor)
    assert is_in(other_member)


def test_a_log_in_that_waits_for_its_second_factor_ends_with_the_others(world: World) -> None:
    visitor = coordinator(world)
    with world.database.begin() as session:
        waiting = sessions.hold(session, world.ring, world.clock.now)
    visitor.confirm()
    visitor.post("/settings/sessions/others/end")
    with world.database.read() as session:
        assert sessions.held(session, waiting, world.clock.now) is None


def test_ending_the_session_of_this_very_page_is_to_log_out(world: World) -> None:
    visitor = coordinator(world)
    visitor.get("/settings/sessions")
    answer = visitor.post(f"/settings/sessions/{session_id(visitor)}/end")
    assert answer.location == "/login"
    assert not is_in(visitor)


def test_who_manages_the_members_sees_and_ends_those_of_others(world: World) -> None:
    _, theirs = investigator(world)
    visitor = coordinator(world)
    page = visitor.get("/settings/sessions").text
    assert session_id(theirs) in ids_on(page)
    assert "i.onderzoeker" in page
    visitor.confirm()
    visitor.post(f"/settings/sessions/{session_id(theirs)}/end")
    assert not is_in(theirs)


def test_nobody_else_sees_or_ends_a_session_of_another(world: World) -> None:
    visitor = coordinator(world)
    _, theirs = investigator(world)
    assert ids_on(theirs.get("/settings/sessions").text) == [session_id(theirs)]
    theirs.confirm()
    assert theirs.post(f"/settings/sessions/{session_id(visitor)}/end").status_code == 404
    assert is_in(visitor)


def test_a_session_that_ran_out_is_not_shown(world: World) -> None:
    coordinator(world)
    world.clock.forward(minutes=16)
    visitor = coordinator(world)
    assert ids_on(visitor.get("/settings/sessions").text) == [session_id(visitor)]


def test_who_ended_whose_session_stands_on_the_trail(world: World) -> None:
    ring, theirs = investigator(world)
    visitor = coordinator(world)
    visitor.confirm()
    visitor.post(f"/settings/sessions/{session_id(theirs)}/end")
    with world.database.read() as session:
        row = session.scalars(select(Audit).where(Audit.action == Action.SESSION_ENDED)).one()
        assert (row.desk, row.member_id, row.subject_id) == (DESK, world.ring.member_id, ring.member_id)


@pytest.mark.parametrize("written", ["zz", "00", "0" * 64])
def test_what_names_no_session_is_not_found(world: World, written: str) -> None:
    visitor = coordinator(world)
    visitor.confirm()
    assert visitor.post(f"/settings/sessions/{written}/end").status_code == 404


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_member_finds_the_page_by_the_menu_and_ends_a_forgotten_session(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    forgotten = coordinator(world)
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.get_by_role("navigation", name="Hoofdmenu").get_by_role("link", name="Instellingen").click()
    page.get_by_role("link", name="Sessies").click()
    page.get_by_role("button", name="Al mijn andere sessies beëindigen").click()
    page.get_by_label("Wachtzin").fill(PASSPHRASE)
    page.get_by_role("button", name="Verder").click()
    expect(page.get_by_role("status").first).to_have_text("1 andere sessie is beëindigd.")
    assert not is_in(forgotten)
