"""Passkeys at the desk, in a real browser with an authenticator of its own."""

import html
import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect
from sqlalchemy import select

from config.settings import WebSettings
from desk.parts import equip, parts
from store import membership, passkeys
from store.audit import Action
from store.schema import Audit, SecondFactor
from tests.desk.conftest import log_in
from tests.desk.test_second import ask_of_everybody, at_the_door
from tests.desk.world import LOGIN, PASSPHRASE, Visitor, World, coordinator
from tests.soft_passkey import SoftPasskey, decoded, encoded

AUTHENTICATOR = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "hasPrf": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def world(world: World) -> World:
    """A desk that knows its own address, and has passkeys."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    web = WebSettings(port=port, public_url=f"http://localhost:{port}", passkey_domain="localhost")
    world.serve(world.settings.model_copy(update={"web": web}))
    return world


@pytest.fixture
def new_page(chromium: Browser, server: Any, world: World) -> Iterator[Callable[[], Page]]:
    contexts = []

    def make() -> Page:
        context = chromium.new_context(base_url=world.settings.web.public_url, locale="nl-NL")
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def authenticator(page: Page, **more: Any) -> tuple[CDPSession, str]:
    """Give the page's browser an authenticator, which says yes to what it is asked."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | more})
    return devtools, made["authenticatorId"]


def add_passkey(page: Page, name: str = "sleutelbos") -> None:
    page.goto("/own/")
    page.get_by_role("link", name="Een passkey of beveiligingssleutel toevoegen").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Uw toegang")
    if page.get_by_label("Wachtzin").count():  # not a second time within five minutes
        page.get_by_label("Wachtzin").fill(PASSPHRASE)
        page.get_by_role("button", name="Verder").click()
    page.get_by_label("Naam", exact=True).fill(name)
    page.get_by_role("button", name="De passkey maken").click()
    expect(page.get_by_role("button", name="De passkey maken")).to_have_count(0)


def log_out(page: Page) -> None:
    page.goto("/own/")
    page.get_by_role("button", name="Uitloggen").click()
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()


def to_the_door(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Naam").fill(LOGIN)
    page.get_by_label("Wachtzin").fill(PASSPHRASE)
    page.get_by_role("button", name="Inloggen", exact=True).click()
    expect(page.get_by_role("heading", name="Nog één ding")).to_be_visible()


def done(world: World) -> list[str]:
    with world.database.read() as session:
        actions = [action for action in Action if action.startswith("passkey")]
        return list(session.scalars(select(Audit.action).where(Audit.action.in_(actions)).order_by(Audit.id)))


def test_a_member_adds_a_passkey_logs_out_and_logs_in_with_it(world: World, new_page: Callable[[], Page]) -> None:
    page = new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    authenticator(page)
    log_in(page)
    add_passkey(page)
    expect(page.get_by_role("heading", name="Noodcodes")).to_be_visible()
    expect(page.locator("li.ref")).to_have_count(10)
    page.goto("/own/")
    expect(page.get_by_text("sleutelbos")).to_be_visible()
    log_out(page)

    to_the_door(page)
    page.get_by_role("button", name="Uw passkey gebruiken").click()
    page.wait_for_url("**/")
    expect(page.get_by_role("heading", name="Werkvoorraad")).to_be_visible()
    assert done(world) == [Action.PASSKEY_ADDED, Action.PASSKEY_USED]
    assert complaints == []


def test_a_passkey_with_the_prf_extension_opens_the_desk_by_itself_until_the_passphrase_changes(
    world: World, new_page: Callable[[], Page], caplog: pytest.LogCaptureFixture
) -> None:
    """One without the extension stays a second factor."""
    caplog.set_level(logging.DEBUG)
    let_passkeys_unlock(world)
    page = new_page()
    devtools, without = authenticator(page, hasPrf=False)
    log_in(page)
    add_passkey(page)
    let_unlock(page)
    expect(page.get_by_text("kan op zichzelf niets openen")).to_be_visible()
    devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": without})
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    add_passkey(page, "laptop")
    let_unlock(page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    expect(page.get_by_text("opent deze passkey op zichzelf uw toegang")).to_be_visible()
    log_out(page)

    page.get_by_role("button", name="Inloggen met een passkey").click()
    expect(page.get_by_role("heading", name="Werkvoorraad")).to_be_visible()
    computed = {prf for body in sent for prf in parse_qs(body).get("prf", [])}
    assert [len(decoded(prf)) for prf in computed] == [32]
    for prf in computed:
        assert prf not in caplog.text
    with world.database.read() as session:
        seeds = session.scalars(select(SecondFactor.wrapped_seed).where(SecondFactor.wrapped_seed.is_not(None))).all()
        assert len(seeds) == 1
    with world.database.begin() as session:
        membership.forget_unlocking(session, world.ring.member_id)  # as another passphrase does, below
    log_out(page)
    page.get_by_role("button", name="Inloggen met een passkey").click()
    expect(page.get_by_text("niet aanvaard")).to_be_visible()


def let_passkeys_unlock(world: World) -> None:
    web = world.settings.web.model_copy(update={"passkey_unlocks": True})
    with world.app.app_context():
        here = parts()
        equip(world.app, replace(here, settings=here.settings.model_copy(update={"web": web})))


def let_unlock(page: Page) -> None:
    page.goto("/own/unlocking")
    page.get_by_label("Wachtzin").fill(PASSPHRASE)
    page.get_by_role("button", name="Een passkey mijn toegang laten openen").click()


def test_a_passkey_that_does_not_know_its_owner_lets_nobody_in(world: World, new_page: Callable[[], Page]) -> None:
    page = new_page()
    devtools, made = authenticator(page)
    log_in(page)
    add_passkey(page)
    log_out(page)
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": made, "isUserVerified": False})
    to_the_door(page)
    page.get_by_role("button", name="Uw passkey gebruiken").click()
    expect(page.get_by_text("Er antwoordde geen passkey")).to_be_visible()
    page.goto("/own/")
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()


def test_a_passkey_that_was_taken_away_is_not_asked_any_more(world: World, new_page: Callable[[], Page]) -> None:
    page = new_page()
    authenticator(page)
    log_in(page)
    add_passkey(page)
    page.goto("/own/")
    page.get_by_role("button", name="Weghalen").click()
    expect(page.get_by_text("sleutelbos")).to_have_count(0)
    log_out(page)
    log_in(page)
    assert done(world) == [Action.PASSKEY_ADDED, Action.PASSKEY_REMOVED]


def test_where_the_desk_asks_everybody_a_passkey_is_set_up_at_the_first_log_in(
    world: World, new_page: Callable[[], Page]
) -> None:
    ask_of_everybody(world)
    page = new_page()
    authenticator(page)
    page.goto("/")
    page.get_by_label("Naam").fill(LOGIN)
    page.get_by_label("Wachtzin").fill(PASSPHRASE)
    page.get_by_role("button", name="Inloggen", exact=True).click()
    page.get_by_role("link", name="Liever een passkey of beveiligingssleutel").click()
    page.get_by_label("Naam").fill("laptop")
    page.get_by_role("button", name="De passkey maken").click()
    expect(page.get_by_role("heading", name="Noodcodes")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Werkvoorraad")).to_be_visible()


def asked_on(page: str) -> dict[str, Any]:
    found = re.search(r"data-asked=(\"|')(.+?)\1", page)
    assert found
    question: dict[str, Any] = json.loads(html.unescape(found[2]))
    return question


@pytest.fixture
def passkey(world: World) -> SoftPasskey:
    """The coordinator has added this one."""
    made = SoftPasskey(world.settings.web.passkey_origin, "localhost", counter=1)
    visitor = coordinator(world)
    visitor.confirm()
    answer = made.make(asked_on(visitor.get("/own/passkey").text))
    assert visitor.post("/own/passkey", {"name": "laptop", "credential": answer}).status_code == 200
    return made


def show(visitor: Visitor, answer: str) -> int:
    return visitor.post("/login/second/passkey", {"credential": answer}).status_code


def test_the_answer_at_one_door_opens_no_other(world: World, passkey: SoftPasskey) -> None:
    visitor, other = at_the_door(world), at_the_door(world)
    answer = passkey.show(asked_on(visitor.get("/login/second/").text))
    assert show(other, answer) == 403
    assert other.get("/").status_code == 302
    assert show(visitor, answer) == 303
    assert visitor.get("/").status_code == 200


def test_an_answer_seen_once_opens_no_door(world: World, passkey: SoftPasskey) -> None:
    visitor = at_the_door(world)
    door = visitor.cookie("__Host-door")
    answer = passkey.show(asked_on(visitor.get("/login/second/").text))
    assert show(visitor, answer) == 303
    thief = at_the_door(world)
    assert door
    thief.set_cookie("__Host-door", door)
    assert thief.post("/login/second/passkey", {"credential": answer}).location == "/login"
    thief = at_the_door(world)
    assert show(thief, answer) == 403
    assert done(world) == [Action.PASSKEY_ADDED, Action.PASSKEY_USED, Action.PASSKEY_REFUSED]


def test_guesses_with_a_passkey_count_as_guesses_of_a_code(world: World, passkey: SoftPasskey) -> None:
    theirs = SoftPasskey(passkey.origin, "localhost", credential=passkey.credential)
    visitor = at_the_door(world)
    answers = [show(visitor, theirs.show(asked_on(visitor.get("/login/second/").text))) for _ in range(6)]
    assert answers == [403] * 5 + [429]
    assert visitor.post("/login/second/", {"code": "123456"}).status_code == 429


def test_who_has_a_second_factor_cannot_add_a_passkey_instead_of_showing_it(world: World, passkey: SoftPasskey) -> None:
    visitor = at_the_door(world)
    assert visitor.get("/login/second/setup/passkey").location == "/login"
    theirs = SoftPasskey(passkey.origin, "localhost")
    answer = theirs.make(asked_on(visitor.get("/login/second/").text))
    data = {"name": "hun", "credential": answer}
    assert visitor.post("/login/second/setup/passkey", data).location == "/login"


def test_where_the_installation_has_no_passkeys_none_is_offered_or_taken(world: World, passkey: SoftPasskey) -> None:
    world.serve(world.settings.model_copy(update={"web": WebSettings(port=0)}))
    visitor = coordinator(world)
    assert "/own/passkey" not in visitor.get("/own/").text
    visitor.confirm()
    assert visitor.get("/own/passkey").status_code == 404
    door = at_the_door(world)
    assert "data-asked" not in door.get("/login/second/").text
    assert show(door, passkey.show({"challenge": "AAAA"})) == 404


@pytest.mark.usefixtures("passkey")
def test_one_may_have_ten_passkeys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MOST", 1)
    visitor = coordinator(world)
    visitor.confirm()
    answer = SoftPasskey(world.settings.web.passkey_origin, "localhost").make(
        asked_on(visitor.get("/own/passkey").text)
    )
    refused = visitor.post("/own/passkey", {"name": "nog een", "credential": answer})
    assert refused.status_code == 400
    assert "zoveel passkeys als één lid mag hebben" in refused.text


def test_who_found_a_session_open_lets_no_passkey_of_theirs_unlock_it(world: World, passkey: SoftPasskey) -> None:
    let_passkeys_unlock(world)
    visitor = coordinator(world)
    answer = passkey.show(asked_on(visitor.get("/own/unlocking").text))
    data = {"passphrase": "not that", "credential": answer, "prf": encoded(bytes(32))}
    refused = visitor.post("/own/unlocking", data)
    assert refused.status_code == 403 or refused.status_code == 400
    assert encoded(bytes(32)) not in refused.text
    with world.database.read() as session:
        assert session.scalars(select(SecondFactor.wrapped_seed)).first() is None


def test_where_passkeys_do_not_unlock_what_was_set_up_goes(world: World, passkey: SoftPasskey) -> None:
    let_passkeys_unlock(world)
    visitor = coordinator(world)
    answer = passkey.show(asked_on(visitor.get("/own/unlocking").text))
    data = {"passphrase": PASSPHRASE, "credential": answer, "prf": encoded(bytes(range(32)))}
    assert visitor.post("/own/unlocking", data).status_code == 303
    world.serve(world.settings)
    assert "/login/passkey" not in Visitor(world).get("/login").text
    at_the_door(world)
    with world.database.read() as session:
        assert session.scalars(select(SecondFactor.wrapped_seed)).first() is None


def test_another_passphrase_ends_what_passkeys_unlock(world: World, passkey: SoftPasskey) -> None:
    let_passkeys_unlock(world)
    visitor = coordinator(world)
    answer = passkey.show(asked_on(visitor.get("/own/unlocking").text))
    data = {"passphrase": PASSPHRASE, "credential": answer, "prf": encoded(bytes(range(32)))}
    assert visitor.post("/own/unlocking", data).status_code == 303
    after = "boomgaard fluitketel wandelpad zeventien kroonluchter aardbei orkaan"
    changed = {"before": PASSPHRASE, "after": after, "repeated": after}
    assert visitor.post("/own/passphrase", changed).status_code == 303
    with world.database.read() as session:
        assert session.scalars(select(SecondFactor.wrapped_seed)).first() is None
