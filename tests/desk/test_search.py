"""Searching at the desk: from the box on every page to the hits, and what is left of it when the member is gone."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page

from cases.roles import Role
from desk.indexes import Indexes
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


def search(visitor: Visitor, words: str, **more: str) -> Any:
    return visitor.post("/search", {"words": words, **more})


def test_hits_stand_in_their_context_with_the_words_marked(world: World) -> None:
    case_id = world.new_case().case_id
    page = search(coordinator(world), "factuur leverancier")
    assert page.status_code == 200
    assert "<mark>factuur</mark>" in page.text
    assert "<mark>leveranciers</mark>" in page.text
    assert f'href="/cases/{case_id}"' in page.text
    assert "K2345-00000" in page.text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_speaks_the_readers_language(world: World, language: str) -> None:
    visitor = coordinator(world, language=language)
    nothing = {"nl": "Geen zaak die u mag openen bevat dit.", "en": "No case that you may open holds this."}
    assert nothing[language] in search(visitor, "onvindbaar").text
    assert visitor.get("/search").status_code == 200


def test_what_is_searched_for_is_in_no_url_and_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.new_case()
    visitor = coordinator(world)
    with caplog.at_level(logging.DEBUG):
        page = search(visitor, "xylofoon facturen")
    assert "xylofoon" not in caplog.text
    urls = [part.split('"')[0] for marker in ('href="', 'action="') for part in page.text.split(marker)[1:]]
    assert not [url for url in urls if "xylofoon" in url or "words" in url]
    assert "<mark>" not in visitor.get("/search?words=facturen").text


def test_filters_choose_and_pages_go_on(world: World) -> None:
    for number in range(12):
        world.new_case(report={**REPORT, "severity": "hoog" if number % 2 else "laag"})
    visitor = coordinator(world)
    assert search(visitor, "factuur", severity="hoog").text.count('class="open ref"') == 6
    first = search(visitor, "factuur").text
    second = search(visitor, "factuur", page="2").text
    assert (first.count('class="open ref"'), second.count('class="open ref"')) == (10, 2)
    assert search(visitor, "", since="2030-01-01").text.count('class="open ref"') == 0
    assert search(visitor, "", status="received").text.count('class="open ref"') == 10
    assert search(visitor, "", status="closed").text.count('class="open ref"') == 0
    assert search(visitor, "x" * 400).status_code == 400


def test_what_a_search_showed_is_on_the_trail_of_each_case(world: World) -> None:
    case_id = world.new_case().case_id
    search(coordinator(world), "factuur")
    with world.database.read() as session:
        trail = audit.timeline(session, world.ring, case_id)
    assert [entry.action for entry in trail].count(Action.FOUND) == 1


def test_other_cases_of_the_same_person_stand_beside_a_case(world: World) -> None:
    here = world.new_case().case_id
    there = world.new_case(report={**REPORT, "concerned": [{"name": "R. Dijkgraf", "function": None}]}).case_id
    visitor = coordinator(world)
    search(visitor, "factuur")
    page = visitor.get(f"/cases/{here}").text
    assert f'href="/cases/{there}"' in page
    assert "R. Dijkgraf" in page


def test_a_case_that_came_in_since_is_found(world: World) -> None:
    visitor = coordinator(world)
    assert "K2345" not in search(visitor, "factuur").text
    world.new_case()
    assert "K2345-00000" in search(visitor, "factuur").text


def test_who_is_logged_in_while_the_desks_key_is_made_anew_goes_on_finding(world: World) -> None:
    for _ in range(AT_ONCE + 1):  # too many to be read again while somebody waits
        world.new_case()
    visitor = coordinator(world)
    search(visitor, "factuur")
    indexes(world).wait()
    for _ in rotation.rotate(world.database, world.ring, pins_of(world.settings.desks[DESK]), world.clock.now):
        continue
    assert "K2345" in search(visitor, "factuur").text
    indexes(world).wait()
    assert "K2345" in search(visitor, "factuur").text


def test_the_index_goes_with_the_last_log_out(world: World) -> None:
    world.new_case()
    one, two = coordinator(world), coordinator(world)
    search(one, "factuur")
    search(two, "factuur")
    index = next(iter(indexes(world)._held.values())).index
    one.post("/logout")
    assert index.size > 0
    two.post("/logout")
    assert (index.size, index.ready, indexes(world).count) == (0, False, 0)


def test_the_index_goes_when_nobody_does_anything(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    search(visitor, "factuur")
    index = next(iter(indexes(world)._held.values())).index
    world.clock.forward(minutes=10)
    visitor.get("/")
    world.clock.forward(minutes=10)
    indexes(world).sweep()
    assert index.size > 0
    world.clock.forward(minutes=6)
    indexes(world).sweep()
    assert (index.size, indexes(world).count) == (0, 0)


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


@pytest.mark.system
def test_a_slash_goes_to_the_search_box(world: World, new_page: Any) -> None:
    world.new_case()
    page: Page = new_page()
    log_in(page)
    page.keyboard.press("/")
    page.keyboard.type("factuur")
    page.keyboard.press("Enter")
    page.wait_for_selector("mark")
    assert page.url.endswith("/search")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-words"
    assert page.locator("mark").first.inner_text() == "factuur"
