"""Who finds a session open does not change what lets its member in: the passphrase is asked once more."""

import re

import pytest

from store import second_factor
from tests.desk.test_second import SECRET, code_at, secret_on
from tests.desk.test_sessions import is_in, session_id
from tests.desk.world import PASSPHRASE, Visitor, World, coordinator

ASKED = "Uw wachtzin nog eens"


@pytest.fixture
def visitor(world: World) -> Visitor:
    """The coordinator, who has an app for codes."""
    with world.database.begin() as session:
        second_factor.add_totp(session, world.ring, SECRET, code_at(world.clock.now), world.clock.now)
        second_factor.new_codes(session, world.ring, world.index, world.clock.now)
    found = coordinator(world)
    found.get("/own/")
    return found


def factors(world: World) -> second_factor.Factors:
    with world.database.read() as session:
        return second_factor.of(session, world.ring.member_id)


def buttons(world: World) -> tuple[str, ...]:
    """What changes the second factors of the coordinator, by a button alone."""
    (app,) = factors(world).totp
    return "/own/codes", f"/own/factors/{app}/remove", f"/members/{world.ring.member_id}/reset-second-factor"


def test_no_second_factor_changes_before_the_passphrase_was_given_once_more(world: World, visitor: Visitor) -> None:
    before = factors(world)
    for path in buttons(world):
        for sent in ({}, {"passphrase": "iets anders"}, {"passphrase": ""}):
            assert ASKED in visitor.post(path, sent).text
    assert ASKED in visitor.get("/own/totp").text
    theirs = b"a" * 20
    data = {"secret": theirs.hex(), "code": code_at(world.clock.now, theirs)}
    assert visitor.post("/own/totp", data).location == "/own/totp"
    assert factors(world) == before


def test_a_button_does_what_it_says_when_the_passphrase_comes_with_it(world: World, visitor: Visitor) -> None:
    codes, remove, _ = buttons(world)
    assert ASKED not in visitor.post(codes, {"passphrase": PASSPHRASE}).text
    assert visitor.post(remove).location == "/own/"
    assert not factors(world)


def test_a_page_opens_when_the_passphrase_was_given_and_asks_again_after_five_minutes(
    world: World, visitor: Visitor
) -> None:
    then = re.search(r'name="then" value="([^"]*)"', visitor.get("/own/totp").text)
    assert then
    assert visitor.confirm(then=then[1]).location == "/own/totp"
    secret_on(visitor.get("/own/totp").text)
    world.clock.forward(minutes=5)
    assert ASKED in visitor.get("/own/totp").text


def test_what_was_confirmed_in_one_log_in_counts_in_no_other(world: World, visitor: Visitor) -> None:
    visitor.confirm()
    page, other = visitor.cookie("__Host-page"), coordinator(world)
    assert page
    other.set_cookie("__Host-page", page)
    assert ASKED in other.get("/own/totp").text


def test_the_passphrase_cannot_be_guessed_there(world: World, visitor: Visitor) -> None:
    assert [visitor.confirm("iets anders").status_code for _ in range(6)] == [403] * 5 + [429]
    assert visitor.confirm().status_code == 429


def test_after_it_nobody_is_led_to_another_site(world: World, visitor: Visitor) -> None:
    assert visitor.confirm(then="//evil.example/").location == "/own/"


def test_no_other_session_ends_before_the_passphrase_was_given_once_more(world: World, visitor: Visitor) -> None:
    other = coordinator(world)
    for path in (f"/settings/sessions/{session_id(other)}/end", "/settings/sessions/others/end"):
        assert ASKED in visitor.post(path).text
    assert is_in(other)
    assert visitor.post("/settings/sessions/others/end", {"passphrase": PASSPHRASE}).status_code == 303
    assert not is_in(other)
