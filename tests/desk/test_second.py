"""A second factor at the log-in: after the passphrase, never instead of it, and set up first where the desk asks."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Literal

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select
from werkzeug.test import TestResponse

from desk.parts import equip, parts
from store import second_factor
from store.audit import Action
from store.schema import Audit
from tests.desk.world import DESK, LOGIN, PASSPHRASE, Visitor, World, coordinator

SECRET = bytes(range(20))


def code_at(now: datetime, secret: bytes = SECRET) -> str:
    return TOTP(secret, 6, SHA1(), 30).generate(int(now.timestamp())).decode()


def ask_of_everybody(world: World, second: Literal["optional", "required"] = "required") -> None:
    with world.app.app_context():
        here = parts()
        desk = here.settings.desks[DESK].model_copy(update={"second_factor": second})
        equip(world.app, replace(here, settings=here.settings.model_copy(update={"desks": {DESK: desk}})))


@pytest.fixture
def codes(world: World) -> tuple[str, ...]:
    """The coordinator has an app for codes, and these for emergencies."""
    with world.database.begin() as session:
        second_factor.add_totp(session, world.ring, SECRET, code_at(world.clock.now), world.clock.now)
        made = second_factor.new_codes(session, world.ring, world.index, world.clock.now)
    world.clock.forward(minutes=2)
    return made


def at_the_door(world: World) -> Visitor:
    visitor = Visitor(world)
    answer = visitor.log_in()
    assert (answer.status_code, answer.location) == (303, "/login/second/")
    visitor.get(answer.location)
    return visitor


def show(visitor: Visitor, code: str) -> TestResponse:
    return visitor.post("/login/second/", {"code": code})


@pytest.mark.usefixtures("codes")
def test_the_passphrase_alone_opens_no_page(world: World) -> None:
    visitor = at_the_door(world)
    assert visitor.cookie("__Host-desk") is None
    for page in ("/", "/receipts/", "/own/", "/members/"):
        assert visitor.get(page).status_code == 302
    door = visitor.cookie("__Host-door")
    assert door
    visitor.set_cookie("__Host-desk", door)
    assert visitor.get("/").status_code == 302


@pytest.mark.usefixtures("codes")
def test_a_code_of_the_app_lets_in_and_the_same_code_does_not_let_in_again(world: World) -> None:
    visitor, other = at_the_door(world), at_the_door(world)
    code = code_at(world.clock.now)
    assert show(visitor, code).status_code == 303
    assert visitor.get("/").status_code == 200
    assert visitor.cookie("__Host-door") is None
    assert show(other, code).status_code == 403


def test_a_code_for_emergencies_lets_in_once(world: World, codes: tuple[str, ...]) -> None:
    assert show(at_the_door(world), codes[0]).status_code == 303
    assert show(at_the_door(world), codes[0]).status_code == 403


@pytest.mark.usefixtures("codes")
def test_who_has_the_passphrase_cannot_guess_codes_for_long_whoever_else_logs_in(world: World) -> None:
    answers = [show(at_the_door(world), f"00000{number}").status_code for number in range(6)]
    assert answers == [403] * 5 + [429]
    with world.database.read() as session:
        failed = session.scalars(select(Audit).where(Audit.action == Action.SECOND_FACTOR_FAILED)).all()
    assert {row.member_id for row in failed} == {world.ring.member_id}
    assert len(failed) == 5


@pytest.mark.usefixtures("codes")
def test_a_log_in_waits_five_minutes_for_its_second_factor(world: World) -> None:
    visitor = at_the_door(world)
    world.clock.forward(minutes=6)
    answer = show(visitor, code_at(world.clock.now))
    assert (answer.status_code, answer.location) == (303, "/login")


@pytest.mark.usefixtures("codes")
def test_who_has_a_second_factor_cannot_set_another_up_instead_of_showing_it(world: World) -> None:
    ask_of_everybody(world)
    visitor = at_the_door(world)
    assert visitor.get("/login/second/setup").location == "/login"
    theirs = b"a" * 20
    data = {"secret": theirs.hex(), "code": code_at(world.clock.now, theirs)}
    assert visitor.post("/login/second/setup", data).location == "/login"
    assert show(visitor, code_at(world.clock.now, theirs)).status_code == 403


def test_without_a_log_in_there_is_no_door(world: World) -> None:
    for page in ("/login/second/", "/login/second/setup"):
        assert Visitor(world).get(page).location == "/login"


def secret_on(page: str) -> bytes:
    found = re.search(r'name="secret" value="([0-9a-f]+)"', page)
    assert found
    assert "<svg" in page
    return bytes.fromhex(found[1])


def test_where_the_desk_asks_everybody_who_has_none_sets_one_up_at_the_first_log_in(world: World) -> None:
    ask_of_everybody(world)
    visitor = Visitor(world)
    answer = visitor.log_in()
    assert answer.location == "/login/second/setup"
    page = visitor.get(answer.location)
    secret = secret_on(page.text)
    wrong = visitor.post("/login/second/setup", {"secret": secret.hex(), "code": "000000"})
    assert wrong.status_code == 400
    assert secret_on(wrong.text) == secret
    assert visitor.get("/").status_code == 302
    done = visitor.post("/login/second/setup", {"secret": secret.hex(), "code": code_at(world.clock.now, secret)})
    assert done.status_code == 200
    assert len(re.findall(r'<li class="ref">', done.text)) == 10
    assert visitor.get("/").status_code == 200
    assert Visitor(world).log_in().location == "/login/second/"


def test_one_sets_it_up_and_takes_it_away_on_ones_own_page(world: World) -> None:
    visitor = coordinator(world)
    visitor.confirm()
    secret = secret_on(visitor.get("/own/totp").text)
    done = visitor.post("/own/totp", {"secret": secret.hex(), "code": code_at(world.clock.now, secret)})
    assert done.status_code == 200
    own = visitor.get("/own/").text
    assert "Er zijn nog 10 noodcodes." in own
    assert Visitor(world).log_in().location == "/login/second/"
    remove = re.search(r'action="(/own/factors/[^"]+/remove)"', own)
    assert remove
    assert visitor.post(remove[1]).status_code == 303
    assert Visitor(world).log_in().location == "/"


@pytest.mark.usefixtures("codes")
def test_a_coordinator_takes_a_lost_one_away(world: World) -> None:
    visitor = coordinator(world)
    visitor.get("/members/")
    visitor.confirm()
    assert visitor.post(f"/members/{world.ring.member_id}/reset-second-factor").status_code == 303
    assert visitor.get("/").status_code == 302, "their sessions end"
    assert Visitor(world).log_in(LOGIN, PASSPHRASE).location == "/"


def test_one_comes_where_one_wanted_to_go(world: World, codes: tuple[str, ...]) -> None:
    visitor = Visitor(world)
    visitor.get("/login")
    data = {"desk": DESK, "login": LOGIN, "passphrase": PASSPHRASE, "then": "/receipts/"}
    answer = visitor.post("/login", data)
    assert answer.location == "/login/second/?then=/receipts/"
    page = visitor.get(answer.location)
    assert 'name="then" value="/receipts/"' in page.text
    assert visitor.post("/login/second/", {"code": codes[0], "then": "/receipts/"}).location == "/receipts/"
    for elsewhere in ("https://evil.example/", "//evil.example/"):
        visitor = at_the_door(world)
        code = codes[1 if elsewhere.startswith("h") else 2]
        assert visitor.post("/login/second/", {"code": code, "then": elsewhere}).location == "/"
