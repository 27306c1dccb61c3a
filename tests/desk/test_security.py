"""What the desk tells browsers to allow, what it refuses, and what it never says."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

import desk
from desk.security import BODY_LIMIT
from store import casework
from store.casework import NotFound
from store.database import open_database
from store.keypairs import KeyKind
from store.schema import LoginSession
from tests.desk.world import OWN_TEXT, Visitor, World, coordinator
from tests.store.world import forge_key

NOWHERE = "0" * 32


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case(html="<p>Hoi</p>", files=[("brief.txt", b"Beste")]).case_id


def _rules(world: World) -> Iterator[tuple[str, str]]:
    """Every method and path of the application, with ids that do not exist."""
    for rule in world.app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        path = rule.rule.replace("<part>", "kind").replace("<due>", "feedback")
        path = path.replace("<int:number>", "1").replace("<int:year>", "2026")
        for argument in rule.arguments - {"part", "due", "number", "year"}:
            path = path.replace(f"<{argument}>", NOWHERE)
        for method in (rule.methods or set()) & {"GET", "POST"}:
            yield method, path


def test_every_answer_forbids_what_the_pages_do_not_need(world: World, case_id: str) -> None:
    visitor = coordinator(world)
    for path in ("/", "/login", f"/cases/{case_id}", "/receipts/", "/nowhere", f"/cases/{NOWHERE}"):
        headers = visitor.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert "max-age" in headers["Strict-Transport-Security"]
        assert "Server" not in headers


def test_no_page_has_an_inline_script_style_or_handler(world: World, case_id: str) -> None:
    visitor = coordinator(world)
    for path in ("/", f"/cases/{case_id}", "/receipts/"):
        text = visitor.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert text.count("<script") == text.count('<script type="module" src="/static/') == 1


def test_every_change_without_its_token_is_refused(world: World) -> None:
    visitor = coordinator(world)
    for method, path in _rules(world):
        if method == "POST":
            answer = visitor.post(path, {"csrf_token": ""})
            assert answer.status_code == 400, path
            assert "Dit formulier is verouderd" in answer.text


def test_the_token_of_another_person_is_refused(world: World, case_id: str) -> None:
    visitor, other = coordinator(world), coordinator(world)
    other.get("/")
    answer = visitor.post(f"/cases/{case_id}/notes", {"csrf_token": other.token, "text": "van een ander"})
    assert answer.status_code == 400
    assert "van een ander" in answer.text  # given back, not saved
    assert "van een ander" not in visitor.get(f"/cases/{case_id}").text


def test_a_token_from_before_the_log_in_is_worth_nothing_after_it(world: World, case_id: str) -> None:
    visitor = Visitor(world)
    visitor.get("/login")
    before, page = visitor.token, visitor.cookie("__Host-page")
    assert page
    late = coordinator(world)
    late.set_cookie("__Host-page", page)
    assert late.post(f"/cases/{case_id}/notes", {"csrf_token": before, "text": "x"}).status_code == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_change_that_comes_from_elsewhere_is_refused_even_with_its_token(
    world: World, case_id: str, site: str
) -> None:
    visitor = coordinator(world)
    answer = visitor.post(f"/cases/{case_id}/notes", {"text": "x"}, **{"Sec-Fetch-Site": site})
    assert answer.status_code == 403


def test_every_page_needs_a_log_in(world: World) -> None:
    open_to_all = {"/login", "/logout", "/language", "/alive"}
    visitor = Visitor(world)
    visitor.get("/login")
    for method, path in _rules(world):
        if path in open_to_all:
            continue
        answer = visitor.get(path) if method == "GET" else visitor.post(path)
        if path.startswith("/login/second"):  # the second half of a log-in leads back to its first
            assert (answer.status_code, answer.location) == (303, "/login"), path
        elif path.startswith("/login/passkey"):  # a log-in of its own, where the installation has it
            assert answer.status_code == 404, path
        elif path.startswith("/live/") or "/here" in path:  # asked by a page itself, which then asks no more
            assert (answer.status_code, answer.data) == (204, b""), path
        elif method == "GET":
            assert answer.status_code == 302, path
            assert answer.location.startswith("/login?"), path
        else:
            assert answer.status_code == 403, path


def test_ids_that_do_not_exist_are_not_found_on_every_route(world: World) -> None:
    visitor = coordinator(world)
    visitor.confirm()
    valid: dict[str, Any] = {
        "version": "1",
        "value": "melding",
        "text": "x",
        "clear": "yes",
        "breach": "yes",
        "severity": "laag",
        "status": "assessing",
        "reason": "done",
        "draft": "0",
        "purpose": "status",
        "language": "nl",
    }
    for method, path in _rules(world):
        if NOWHERE not in path or path.endswith("/release"):
            continue
        answer = visitor.get(path) if method == "GET" else visitor.post(path, valid)
        assert answer.status_code == 404, path


def test_a_message_or_file_of_one_case_is_not_found_under_another(world: World, case_id: str) -> None:
    other = world.new_case().case_id
    with world.database.begin() as session:
        message = casework.view_case(session, world.ring, case_id, world.clock.now).messages[0]
    file_id = message.content["attachments"][0]["id"]
    visitor = coordinator(world)
    of_the_message = (f"messages/{message.id}/{what}" for what in ("html", "text", "original"))
    for path in (*of_the_message, f"attachments/{file_id}"):
        assert visitor.get(f"/cases/{case_id}/{path}").status_code == 200
        assert visitor.get(f"/cases/{other}/{path}").status_code == 404


def test_a_body_that_is_too_large_is_refused_with_a_page(world: World, case_id: str) -> None:
    visitor = coordinator(world)
    answer = visitor.post(f"/cases/{case_id}/notes", {"text": "x" * (BODY_LIMIT + 1)})
    assert answer.status_code == 413
    assert "Dat is te veel" in answer.text


def test_an_error_shows_and_logs_no_word_of_what_went_wrong(
    world: World, case_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError(OWN_TEXT)

    monkeypatch.setattr("desk.case.view_case", break_down)
    with caplog.at_level(logging.DEBUG):
        answer = coordinator(world).get(f"/cases/{case_id}")
    assert answer.status_code == 500
    assert "Dijkgraaf" not in answer.text
    assert "Dijkgraaf" not in caplog.text
    assert "RuntimeError" not in answer.text
    assert "RuntimeError" in caplog.text
    incident = re.search(r"Incident ([0-9a-f]{8})", caplog.text)
    assert incident
    assert incident[1] in answer.text


def test_a_database_server_that_is_away_is_told_of_on_the_page_and_named_in_the_log(
    world: World, case_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, away = coordinator(world), open_database("postgresql://meldpost@127.0.0.1:1/meldpost")
    monkeypatch.setattr("desk.case.view_case", lambda *_: away.now())
    answer = visitor.get(f"/cases/{case_id}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "De database is niet bereikbaar" in answer.text
    assert re.search(r"Incident [0-9a-f]{8}: the database server cannot be reached \(OperationalError at ", caplog.text)
    assert "127.0.0.1" not in caplog.text


def test_what_people_do_leaves_no_word_in_the_log(world: World, case_id: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        visitor = coordinator(world)
        visitor.post(f"/cases/{case_id}/notes", {"text": "Geheimwoord"})
        visitor.post(f"/cases/{case_id}/decide/kind", {"version": "oops", "value": "Geheimwoord"})
        visitor.get(f"/cases/{case_id}")
    for word in ("Geheimwoord", "Dijkgraaf", "Ramdin", "brief.txt", "reporter.example"):
        assert word not in caplog.text


def test_errors_are_pages_in_both_languages(world: World) -> None:
    assert "Hier is niets" in coordinator(world).get("/nowhere").text
    assert "There is nothing here" in coordinator(world, language="en").get("/nowhere").text
    assert coordinator(world).post("/").status_code == 405


def test_a_case_whose_key_somebody_put_there_can_be_read_and_whoever_writes_to_it_is_told(
    world: World, case_id: str
) -> None:
    visitor = coordinator(world)
    forge_key(world.database, case_id, KeyKind.CASE)
    answer = visitor.post(f"/cases/{case_id}/decide/kind", {"version": visitor.version(case_id), "value": "klacht"})
    assert answer.status_code == 500
    assert "een sleutel die niet van Meldpost komt" in answer.text
    answer = visitor.post(f"/cases/{case_id}/notes", {"text": "Een lang verhaal"})
    assert "een sleutel die niet van Meldpost komt" in answer.text
    assert "Een lang verhaal" in answer.text
    assert visitor.get(f"/cases/{case_id}").status_code == 200


def test_a_case_that_is_gone_is_a_page_and_no_error(world: World, case_id: str) -> None:
    with pytest.raises(NotFound), world.database.begin() as session:
        casework.view_case(session, world.ring, NOWHERE, world.clock.now)
    assert coordinator(world).get(f"/cases/{NOWHERE}").status_code == 404


def test_no_folder_is_listed_and_no_request_is_sent_back(world: World) -> None:
    visitor = coordinator(world)
    assert visitor.get("/static/").status_code == 404
    client = world.app.test_client()
    for path in ("/", "/login", "/static/desk.css"):
        answer = client.open(path, method="TRACE", headers={"X-Word": "Geheimwoord"})
        assert answer.status_code == 405, path
        assert "Geheimwoord" not in answer.text


@pytest.mark.parametrize("field", ["kind", "primary", "severity", "categories", "missing"])
def test_a_word_that_stands_in_no_list_is_refused(world: World, case_id: str, field: str) -> None:
    visitor = coordinator(world)
    data = {"version": visitor.version(case_id), "value": "iets_anders"}
    assert visitor.post(f"/cases/{case_id}/decide/{field}", data).status_code == 400
    assert data["version"] == visitor.version(case_id)


def test_what_stands_in_the_address_is_no_part_of_a_form(world: World, case_id: str) -> None:
    visitor = coordinator(world)
    version = visitor.version(case_id)
    assert visitor.post(f"/cases/{case_id}/decide/kind?version={version}&value=klacht").status_code == 400
    assert version == visitor.version(case_id)


def test_a_form_changes_nothing_but_what_it_asks_for(world: World, case_id: str) -> None:
    """Fields of other forms, and of the rows themselves, that somebody sends along."""
    visitor = coordinator(world)
    more = {"status": "closed", "outcome": "withdrawn", "approver": "x", "severity": "laag", "reference": "K1111-11111"}
    more |= {"member_id": "x", "desk": "x", "clear": "no", "breach": "no"}
    data = {"version": visitor.version(case_id), "value": "klacht", **more}
    assert visitor.post(f"/cases/{case_id}/decide/kind", data).status_code == 303
    with world.database.begin() as session:
        view = casework.view_case(session, world.ring, case_id, world.clock.now)
    assert (view.status, view.closing, view.first_look, view.reference) == ("received", None, None, "K2345-00000")
    assert view.report["kind"] == "klacht"
    assert view.report["severity"] == "hoog"


def test_no_script_keeps_anything_in_the_browser() -> None:
    kept = re.compile(r"localStorage|sessionStorage|indexedDB|caches\.|document\.cookie|serviceWorker")
    scripts = sorted((Path(desk.__file__).parent / "static").glob("*.js"))
    assert scripts
    assert [script.name for script in scripts if kept.search(script.read_text(encoding="utf-8"))] == []


def test_who_sends_something_after_their_session_was_ended_is_told_why_and_led_back_to_the_case(
    world: World, case_id: str
) -> None:
    visitor = coordinator(world)
    with world.database.begin() as session:
        session.execute(delete(LoginSession))
    answer = visitor.post(f"/cases/{case_id}/notes", {"text": "Zo getypt."})
    assert answer.status_code == 403
    assert "<h1>U bent uitgelogd</h1>" in answer.text
    assert "iemand beëindigde uw sessie" in answer.text
    assert "Zo getypt." in answer.text
    assert f'href="/login?then=%2Fcases%2F{case_id}"' in answer.text or f"then=/cases/{case_id}" in answer.text
