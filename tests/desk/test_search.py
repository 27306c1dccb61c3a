"""Searching at the desk: from the box on every page to the hits, and what is left of it when the member is gone."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page

from cases.roles import Role
from desk.indexes import Indexes
from desk.searches import MOST, Searches
from store import audit, rotation
from store.audit import Action
from store.keyring import pins_of
from store.search import AT_ONCE
from tests.desk.conftest import log_in
from tests.desk.world import DESK, REPORT, Visitor, World, coordinator


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who searches waits for the index, however slow the machine is."""
    monkeypatch.setattr("desk.indexes.PATIENCE", 60.0)


def indexes(world: World) -> Indexes:
    found = world.app.extensions["meldpost-desk"].indexes
    assert isinstance(found, Indexes)
    return found


@pytest.mark.parametrize("signs", ['"', "*", "( )", "%", "-", "_", "\N{GRINNING FACE}", "\0", "'"])
def test_signs_alone_find_nothing_and_that_is_said_at_the_field(world: World, signs: str) -> None:
    world.new_case()
    page = coordinator(world).search(signs)
    assert page.status_code == 400
    assert "geen woord of getal om op te zoeken" in page.text
    assert "K2345" not in page.text


@pytest.mark.parametrize("typed", ["K2345-00000", "K2345 00000", "k234500000"])
def test_a_case_is_found_by_its_reference_with_and_without_the_hyphen(world: World, typed: str) -> None:
    world.new_case()
    world.new_case()
    page = coordinator(world).search(typed).text
    assert "K2345-00000" in page
    assert "K2345-00001" not in page or page.index("K2345-00000") < page.index("K2345-00001")


def test_hits_stand_in_their_context_with_the_words_marked(world: World) -> None:
    case_id = world.new_case().case_id
    page = coordinator(world).search("factuur leverancier")
    assert page.status_code == 200
    assert "<mark>factuur</mark>" in page.text
    assert "<mark>leveranciers</mark>" in page.text
    assert f'href="/cases/{case_id}?from=search:' in page.text
    assert "K2345-00000" in page.text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_speaks_the_readers_language(world: World, language: str) -> None:
    visitor = coordinator(world, language=language)
    nothing = {"nl": "Geen zaak die u mag openen bevat dit.", "en": "No case that you may open holds this."}
    assert nothing[language] in visitor.search("onvindbaar").text
    assert visitor.get("/search").status_code == 200


def test_what_is_searched_for_is_in_no_url_and_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.new_case()
    visitor = coordinator(world)
    with caplog.at_level(logging.DEBUG):
        page = visitor.search("xylofoon facturen")
    assert "xylofoon" not in caplog.text
    urls = [part.split('"')[0] for marker in ('href="', 'action="') for part in page.text.split(marker)[1:]]
    urls.append(page.request.full_path)
    assert not [url for url in urls if "xylofoon" in url or "words" in url]
    assert "<mark>" not in visitor.get("/search?words=facturen").text


def test_filters_choose_and_pages_go_on(world: World) -> None:
    for number in range(12):
        world.new_case(report={**REPORT, "severity": "hoog" if number % 2 else "laag"})
    visitor = coordinator(world)
    assert visitor.search("factuur", severity="hoog").text.count('class="open ref"') == 6
    first = visitor.search("factuur").text
    second = visitor.search("factuur", page=2).text
    assert (first.count('class="open ref"'), second.count('class="open ref"')) == (10, 2)
    assert visitor.search("", since="2030-01-01").text.count('class="open ref"') == 0
    assert visitor.search("", status="received").text.count('class="open ref"') == 10
    assert visitor.search("", status="closed").text.count('class="open ref"') == 0
    assert visitor.search("x" * 400).status_code == 400


def test_what_a_search_showed_is_on_the_trail_of_each_case(world: World) -> None:
    case_id = world.new_case().case_id
    coordinator(world).search("factuur")
    with world.database.read() as session:
        trail = audit.timeline(session, world.ring, case_id)
    assert [entry.action for entry in trail].count(Action.FOUND) == 1


def test_other_cases_of_the_same_person_stand_beside_a_case(world: World) -> None:
    here = world.new_case().case_id
    there = world.new_case(report={**REPORT, "concerned": [{"name": "R. Dijkgraf", "function": None}]}).case_id
    visitor = coordinator(world)
    visitor.search("factuur")
    page = visitor.get(f"/cases/{here}").text
    assert f'href="/cases/{there}"' in page
    assert "R. Dijkgraf" in page


def test_a_case_that_came_in_since_is_found(world: World) -> None:
    visitor = coordinator(world)
    assert "K2345" not in visitor.search("factuur").text
    world.new_case()
    assert "K2345-00000" in visitor.search("factuur").text


def test_who_is_logged_in_while_the_desks_key_is_made_anew_goes_on_finding(world: World) -> None:
    for _ in range(AT_ONCE + 1):  # too many to be read again while somebody waits
        world.new_case()
    visitor = coordinator(world)
    visitor.search("factuur")
    indexes(world).wait()
    for _ in rotation.rotate(world.database, world.ring, pins_of(world.settings.desks[DESK]), world.clock.now):
        continue
    assert "K2345" in visitor.search("factuur").text
    indexes(world).wait()
    assert "K2345" in visitor.search("factuur").text


def test_the_index_goes_with_the_last_log_out(world: World) -> None:
    world.new_case()
    one, two = coordinator(world), coordinator(world)
    one.search("factuur")
    two.search("factuur")
    index = next(iter(indexes(world)._held.values())).index
    one.post("/logout")
    assert index.size > 0
    two.post("/logout")
    assert (index.size, index.ready, indexes(world).count) == (0, False, 0)


def test_the_index_goes_when_nobody_does_anything(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    visitor.search("factuur")
    index = next(iter(indexes(world)._held.values())).index
    world.clock.forward(minutes=10)
    visitor.get("/")
    world.clock.forward(minutes=10)
    indexes(world).sweep()
    assert index.size > 0
    world.clock.forward(minutes=6)
    indexes(world).sweep()
    assert (index.size, indexes(world).count) == (0, 0)


def test_the_cards_that_were_opened_for_a_page_go_with_the_last_log_out_or_when_nobody_does_anything(
    world: World,
) -> None:
    world.new_case()
    one, two = coordinator(world), coordinator(world)
    for visitor in (one, two):
        assert "K2345-00000" in visitor.get("/").text
    (held,) = indexes(world)._held.values()
    assert len(held.remembered) > 0
    one.post("/logout")
    assert len(held.remembered) > 0
    two.post("/logout")
    assert (len(held.remembered), indexes(world).count) == (0, 0)
    assert "K2345-00000" in coordinator(world).get("/").text
    (held,) = indexes(world)._held.values()
    assert len(held.remembered) > 0
    world.clock.forward(minutes=16)
    indexes(world).sweep()
    assert (len(held.remembered), indexes(world).count) == (0, 0)


def test_a_log_in_begins_to_read_the_index(world: World) -> None:
    world.new_case()
    visitor = Visitor(world)
    assert visitor.log_in().status_code == 303
    indexes(world).wait()
    (held,) = indexes(world)._held.values()
    assert held.index.ready
    assert held.index.size > 0


def test_who_opens_no_cases_has_no_search(world: World) -> None:
    world.new_case()
    auditor = replace(world, ring=replace(world.ring, role=Role.AUDITOR))
    visitor = coordinator(auditor)
    assert visitor.get("/search").status_code == 403
    assert "data-search" not in visitor.get("/").text


def test_a_search_is_answered_by_an_address_that_says_nothing_and_goes_on_leading_to_the_hits(world: World) -> None:
    case_id = world.new_case().case_id
    visitor = coordinator(world)
    asked = visitor.post("/search", {"words": "factuur", "severity": "hoog"})
    assert re.fullmatch("/search/[0-9a-f]{32}", asked.location)
    for _ in range(2):
        page = visitor.get(asked.location)
        assert f'href="/cases/{case_id}' in page.text
        assert 'value="factuur"' in page.text
        assert '<option selected value="hoog">' in page.text


def test_a_search_without_words_or_filters_leads_to_the_form(world: World) -> None:
    assert coordinator(world).post("/search", {"words": " "}).location == "/search"


def test_a_kept_search_is_of_its_own_session_alone(world: World) -> None:
    world.new_case()
    mine, other = coordinator(world), coordinator(world)
    asked = mine.post("/search", {"words": "factuur"}).location
    elsewhere = other.get(asked)
    assert elsewhere.status_code == 404
    assert "factuur" not in elsewhere.text
    assert "niet meer bewaard" in elsewhere.text


def test_what_was_searched_for_is_wiped_at_log_out(world: World) -> None:
    world.new_case()
    one, two = coordinator(world), coordinator(world)  # of one member, whose index stays
    asked = one.post("/search", {"words": "factuur"}).location
    two.post("/search", {"words": "leverancier"})
    (held,) = indexes(world)._held.values()
    kept = [visit.searches for visit in held.sessions.values()]
    assert [len(each) for each in kept] == [1, 1]
    one.post("/logout")
    assert sorted(len(each) for each in kept) == [0, 1]
    assert one.get(asked).status_code == 302


def test_what_was_searched_for_is_wiped_when_nobody_does_anything(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    visitor.post("/search", {"words": "factuur"})
    (held,) = indexes(world)._held.values()
    (visit,) = held.sessions.values()
    world.clock.forward(minutes=16)
    indexes(world).sweep()
    assert len(visit.searches) == 0


def test_a_session_keeps_the_searches_that_were_used_last() -> None:
    searches = Searches()
    first = searches.keep({"words": "een"})
    second = searches.keep({"words": "twee"})
    for number in range(MOST - 1):
        assert searches.find(first)
        searches.keep({"words": str(number)})
    assert (len(searches), searches.find(second), searches.find(first)) == (MOST, None, {"words": "een"})


@pytest.mark.system
@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without"])
def test_back_and_a_reload_show_the_hits_again(world: World, new_page: Any, *, java_script: bool) -> None:
    world.new_case()
    page: Page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.get_by_label("Woorden, een naam of een kenmerk").fill("factuur")
    page.get_by_role("button", name="Zoeken").click()
    page.locator("mark").first.wait_for()
    page.locator("main a.open").first.click()
    page.wait_for_url("**/cases/*")
    page.go_back()
    page.locator("mark").first.wait_for()
    page.reload()
    page.locator("mark").first.wait_for()
    assert page.get_by_label("Woorden, een naam of een kenmerk").input_value() == "factuur"


@pytest.mark.system
def test_a_slash_goes_to_the_search_box(world: World, new_page: Any) -> None:
    world.new_case()
    page: Page = new_page()
    log_in(page)
    page.keyboard.press("/")
    page.keyboard.type("factuur")
    page.keyboard.press("Enter")
    page.wait_for_selector("mark")
    assert re.fullmatch(r".*/search/[0-9a-f]{32}", page.url)
    page.wait_for_load_state()  # a key that is pressed before the script listens is lost
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-words"
    assert page.locator("mark").first.inner_text() == "factuur"
