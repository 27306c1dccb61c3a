"""Logging in and out: who gets in, for how long, and what a guesser learns."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from desk.parts import equip, parts
from store.audit import Action
from store.members import WrongLogin
from store.passphrase import Derivations, TooManyDerivations
from store.schema import Audit
from store.sessions import Throttle
from tests.desk.world import DESK, LOGIN, PASSPHRASE, Visitor, World, coordinator


def test_without_a_log_in_every_page_leads_to_it_and_back(world: World) -> None:
    case_id = world.new_case().case_id
    visitor = Visitor(world)
    answer = visitor.get(f"/cases/{case_id}")
    assert answer.status_code == 302
    assert answer.location == f"/login?then=/cases/{case_id}"
    visitor.get(answer.location)
    answer = visitor.post(
        "/login", {"desk": DESK, "login": LOGIN, "passphrase": PASSPHRASE, "then": f"/cases/{case_id}"}
    )
    assert answer.status_code == 303
    assert answer.location == f"/cases/{case_id}"


def test_name_and_passphrase_open_the_queue(world: World) -> None:
    world.new_case()
    assert "K2345-00000" in coordinator(world).get("/").text


def test_an_unknown_name_and_a_wrong_passphrase_get_the_same_answer(world: World) -> None:
    unknown = Visitor(world).log_in("niemand", PASSPHRASE)
    wrong = Visitor(world).log_in(LOGIN, "iets anders dan de wachtzin")
    assert unknown.status_code == wrong.status_code == 403
    assert "horen niet bij elkaar" in unknown.text
    assert _message(unknown.text) == _message(wrong.text)


def test_what_was_typed_as_a_name_is_kept_and_the_passphrase_is_not(world: World) -> None:
    answer = Visitor(world).log_in("typfout", "geheime wachtzin van mij")
    assert 'value="typfout"' in answer.text
    assert "geheime wachtzin" not in answer.text


def test_a_form_without_a_name_says_what_is_missing(world: World) -> None:
    answer = Visitor(world).log_in("", "")
    assert answer.status_code == 400
    assert "Vul uw naam in." in answer.text
    assert "Vul uw wachtzin in." in answer.text


def test_after_some_failures_even_the_right_passphrase_has_to_wait(world: World) -> None:
    for _ in range(5):
        assert Visitor(world).log_in(LOGIN, "fout").status_code == 403
    assert Visitor(world).log_in().status_code == 429
    world.clock.forward(minutes=15)
    assert Visitor(world).log_in().status_code == 303


@pytest.mark.parametrize(("language", "words"), [("nl", "over een minuut opnieuw"), ("en", "again in a minute")])
def test_who_logs_in_while_others_do_is_asked_to_try_again_in_a_minute(world: World, language: str, words: str) -> None:
    derivations = Derivations(at_once=1, patience_seconds=0)
    with world.app.app_context():
        equip(world.app, replace(parts(), derivations=derivations))
    with derivations:
        answer = Visitor(world, language).log_in()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert words in answer.text
    assert Visitor(world).log_in().status_code == 303


def test_a_failure_is_one_row_on_the_trail(world: World) -> None:
    Visitor(world).log_in(LOGIN, "fout")
    with world.database.read() as session:
        assert len(session.scalars(select(Audit).where(Audit.action == Action.LOGIN_FAILED)).all()) == 1


def test_who_tries_many_passphrases_at_once_gets_no_more_tries_than_one_by_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another try comes while the first ones are still being looked at: each is counted before it is made."""
    answers: list[int] = []

    def while_it_is_looked_at(*_: object, **__: object) -> None:
        if len(answers) < 7:
            answers.append(0)
            answers.append(Visitor(world).log_in(LOGIN, "fout").status_code)
        raise WrongLogin

    monkeypatch.setattr("desk.login.unlock", while_it_is_looked_at)
    for _ in range(10):
        Visitor(world).log_in(LOGIN, "fout")
    with world.database.read() as session:
        tried = session.scalars(select(Audit).where(Audit.action == Action.LOGIN_FAILED)).all()
    assert len(tried) == Throttle().free


def test_who_is_turned_away_because_many_log_in_at_once_has_not_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise TooManyDerivations

    with monkeypatch.context() as patched:
        patched.setattr("desk.login.unlock", busy)
        for _ in range(6):
            assert Visitor(world).log_in().status_code == 503
    assert Visitor(world).log_in().status_code == 303


def test_failures_count_for_names_that_do_not_exist_too(world: World) -> None:
    for _ in range(5):
        Visitor(world).log_in("niemand", "fout")
    assert Visitor(world).log_in("niemand", "fout").status_code == 429


@pytest.fixture
def failures_allowed(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many failures one place is allowed: fewer than in earnest, since each costs a derivation."""
    monkeypatch.setattr("desk.login.PLACE", Throttle(free=2))
    return 2


def test_who_tries_many_names_from_one_place_has_to_wait_and_others_do_not(world: World, failures_allowed: int) -> None:
    for number in range(failures_allowed):
        assert Visitor(world, address="198.51.100.9").log_in(f"naam{number}", "fout").status_code == 403
    assert Visitor(world, address="198.51.100.9").log_in().status_code == 429
    assert Visitor(world, address="198.51.100.10").log_in().status_code == 303


def test_an_address_that_visitors_claim_for_themselves_is_not_believed(world: World, failures_allowed: int) -> None:
    for number in range(failures_allowed):
        visitor = Visitor(world)
        visitor.get("/login")
        data = {"desk": DESK, "login": f"naam{number}", "passphrase": "fout"}
        visitor.post("/login", data, **{"X-Forwarded-For": f"203.0.113.{number}"})
    assert Visitor(world).log_in().status_code == 429


def test_a_session_ends_after_a_quarter_of_an_hour_without_a_request(world: World) -> None:
    visitor = coordinator(world)
    world.clock.forward(minutes=14)
    assert visitor.get("/").status_code == 200
    world.clock.forward(minutes=14)
    assert visitor.get("/").status_code == 200
    world.clock.forward(minutes=16)
    assert visitor.get("/").status_code == 302


def test_a_session_ends_after_eight_hours_whatever_happens(world: World) -> None:
    visitor = coordinator(world)
    for _ in range(48):
        world.clock.forward(minutes=10)
        assert visitor.get("/").status_code == 200
    world.clock.forward(minutes=1)
    assert visitor.get("/").status_code == 302


def test_logging_out_ends_the_session_on_the_server(world: World) -> None:
    visitor = coordinator(world)
    secret = visitor.cookie("__Host-desk")
    assert secret
    assert visitor.post("/logout").status_code == 303
    assert visitor.cookie("__Host-desk") is None
    thief = Visitor(world)
    thief.set_cookie("__Host-desk", secret)
    assert thief.get("/").status_code == 302


def test_a_secret_planted_before_the_log_in_opens_nothing_after_it(world: World) -> None:
    planted = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    visitor = Visitor(world)
    visitor.set_cookie("__Host-desk", planted)
    visitor.log_in()
    assert visitor.cookie("__Host-desk") != planted
    attacker = Visitor(world)
    attacker.set_cookie("__Host-desk", planted)
    assert attacker.get("/").status_code == 302


def test_logging_in_again_ends_the_session_before_it(world: World) -> None:
    visitor = coordinator(world)
    first = visitor.cookie("__Host-desk")
    assert first
    visitor.post("/login", {"desk": DESK, "login": LOGIN, "passphrase": PASSPHRASE})
    assert visitor.cookie("__Host-desk") != first
    thief = Visitor(world)
    thief.set_cookie("__Host-desk", first)
    assert thief.get("/").status_code == 302


def test_cookies_are_for_this_host_alone_and_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    visitor = Visitor(world)
    visitor.get("/login")
    answer = visitor.post("/login", {"desk": DESK, "login": LOGIN, "passphrase": PASSPHRASE})
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"__Host-desk", "__Host-page", "__Host-door"}
    for cookie in cookies:
        parts = {part.strip() for part in cookie.split(";")[1:]}
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= parts
        assert not any(part.startswith("Domain") for part in parts)


def test_a_garbled_cookie_is_no_log_in_and_no_error(world: World) -> None:
    for garbled in ("x", "%%%", "é", "A" * 3000):
        visitor = Visitor(world)
        visitor.set_cookie("__Host-desk", garbled)
        assert visitor.get("/").status_code == 302


def test_after_the_log_in_nobody_is_sent_to_another_site(world: World) -> None:
    for then in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ):
        visitor = Visitor(world)
        visitor.get("/login")
        answer = visitor.post("/login", {"desk": DESK, "login": LOGIN, "passphrase": PASSPHRASE, "then": then})
        assert answer.location == "/"


def _message(text: str) -> str:
    return text[text.index('role="alert"') : text.index("</p>", text.index('role="alert"'))]


def test_a_field_without_a_mistake_says_nothing_of_one(world: World) -> None:
    case_id = world.new_case().case_id
    for page in (Visitor(world).get("/login").text, coordinator(world).get(f"/cases/{case_id}").text):
        assert "None" not in page
        assert "aria-invalid" not in page
