"""Where a desk asks for two members, nobody gets access before a second one agreed on the page."""

import re
from dataclasses import replace

import pytest

from desk.parts import equip, parts
from store import membership
from store.membership import NoSuchMember
from tests.desk.test_members import add, listed, offered
from tests.desk.world import DESK, Visitor, World, coordinator

NEW = {"login": "c.nieuw", "address": "c@desk.example", "role": "deputy"}


@pytest.fixture(autouse=True)
def second(world: World) -> Visitor:
    """A second coordinator, logged in; from then on new access takes two."""
    words = add(world, "b.tweede")
    with world.app.app_context():
        here = parts()
        desk = here.settings.desks[DESK].model_copy(update={"two_members": ("add_member",)})
        equip(world.app, replace(here, settings=here.settings.model_copy(update={"desks": {DESK: desk}})))
    visitor = Visitor(world)
    visitor.log_in("b.tweede", words)
    return visitor


def ask(world: World, visitor: Visitor, **changes: str) -> int:
    words = offered(visitor.get("/members/add").text)
    return visitor.post("/members/add", {**NEW, "passphrase": words, **changes}).status_code


def is_member(world: World, login: str) -> bool:
    try:
        return listed(world, login).left_at is None
    except NoSuchMember:
        return False


def agree(visitor: Visitor) -> str:
    page = visitor.get("/consents/").text
    found = re.search(r'action="(/consents/[^"]+/give)"', page)
    assert found
    visitor.post(found[1])
    return found[1]


def test_a_member_is_added_when_another_agreed_and_it_is_asked_again(world: World, second: Visitor) -> None:
    first = coordinator(world)
    assert ask(world, first) == 303
    assert not is_member(world, "c.nieuw")
    page = first.get("/consents/").text
    assert "c.nieuw" in page
    assert "Ik stem in" not in page, "not to what one asked for oneself"
    agree(second)
    assert ask(world, first) == 200
    assert is_member(world, "c.nieuw")
    assert ask(world, first, login="d.nieuw", address="d@desk.example") == 303, "each takes its own"


def test_nobody_agrees_to_their_own_request_by_a_form_of_their_own(world: World, second: Visitor) -> None:
    first = coordinator(world)
    ask(world, first)
    found = re.search(r'action="(/consents/[^"]+/give)"', second.get("/consents/").text)
    assert found
    first.get("/consents/")
    first.post(found[1])
    assert ask(world, first) == 303
    assert not is_member(world, "c.nieuw")


def test_consent_to_one_role_is_none_to_another(world: World, second: Visitor) -> None:
    first = coordinator(world)
    ask(world, first, role="auditor")
    agree(second)
    assert ask(world, first) == 303
    assert not is_member(world, "c.nieuw")
    assert ask(world, first, role="auditor") == 200
    member_id = listed(world, "c.nieuw").id
    first.get("/members/")
    assert first.post(f"/members/{member_id}/role", {"role": "deputy"}).location == "/consents/"
    with world.database.read() as session:
        assert member_id not in membership.holders(session, DESK)


def test_what_was_taken_back_is_not_done(world: World, second: Visitor) -> None:
    first = coordinator(world)
    ask(world, first)
    path = agree(second)
    second.post(path.replace("/give", "/take-back"))
    assert ask(world, first) == 303
    assert not is_member(world, "c.nieuw")
