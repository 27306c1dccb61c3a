"""The way from a list to a case, on to the next, and back to the list as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from desk import queue
from tests.desk.conftest import log_in
from tests.desk.test_search import _patient as _patient
from tests.desk.world import REPORT, Visitor, World, coordinator

_LINK = re.compile(r'<a class="open ref" href="(/cases/[0-9a-f]{32}[^"]*)"')
_CASE = re.compile("/cases/([0-9a-f]{32})")


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "PAGE_SIZE", 2)


def links(page: Any) -> list[str]:
    return [each.replace("&amp;", "&") for each in _LINK.findall(page.text)]


def ids(addresses: list[str]) -> list[str]:
    return [_CASE.findall(each)[0] for each in addresses]


def goes(visitor: Visitor, case: str, way: str) -> str:
    """Where the link to the case before or after leads, from the page of a case."""
    found = re.search(rf'href="([^"]*/{way}[^"]*)"', visitor.get(case).text)
    assert found
    answer = visitor.get(found[1].replace("&amp;", "&"))
    assert answer.status_code == 302
    return str(answer.location)


def test_a_case_leads_back_to_the_page_and_filters_that_it_was_opened_from(world: World, pages_of_two: None) -> None:
    for _ in range(3):
        world.new_case()
    visitor = coordinator(world)
    (case,) = links(visitor.get("/?status=received&page=2"))
    assert case.endswith("?from=status:received,page:2,place:0")
    assert 'href="/?status=received&amp;page=2"' in visitor.get(case).text


def test_what_is_done_to_a_case_keeps_the_way_back(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    (case,) = links(visitor.get("/?status=received"))
    path, _, origin = case.partition("?")
    assert f'action="{path}/notes?{origin}"' in visitor.get(case).text
    assert visitor.post(f"{path}/notes?{origin}", {"text": "Gebeld."}).location == f"{case}#notes"
    assert "/?status=received" in visitor.post(f"{path}/notes?{origin}", {"text": ""}).text


def test_the_next_case_is_the_next_row_of_the_queue_also_on_the_next_page(world: World, pages_of_two: None) -> None:
    for _ in range(3):
        world.new_case()
    visitor = coordinator(world)
    rows = [*links(visitor.get("/")), *links(visitor.get("/?page=2"))]
    assert [goes(visitor, each, "next") for each in rows[:-1]] == rows[1:]
    assert [goes(visitor, each, "previous") for each in rows[1:]] == rows[:-1]


def test_filters_choose_the_next_case(world: World) -> None:
    for number in range(4):
        world.new_case(report={**REPORT, "severity": "hoog" if number % 2 else "laag"})
    visitor = coordinator(world)
    visitor.search("factuur")  # the index is there
    first, second = links(visitor.get("/?severity=hoog"))
    assert goes(visitor, first, "next") == second


def test_a_case_that_left_the_list_leads_to_the_one_that_came_in_its_place(world: World) -> None:
    for _ in range(3):
        world.new_case()
    visitor = coordinator(world)
    before, here, after = links(visitor.get("/?status=received"))
    (case_id,) = ids([here])
    visitor.post(f"/cases/{case_id}/status", {"version": visitor.version(case_id), "status": "assessing"})
    assert ids([goes(visitor, here, "next")]) == ids([after])
    assert ids([goes(visitor, here, "previous")]) == ids([before])


@pytest.mark.parametrize(("way", "said"), [("next", "de laatste zaak"), ("previous", "de eerste zaak")])
def test_at_the_end_of_the_list_it_says_so(world: World, way: str, said: str) -> None:
    world.new_case()
    visitor = coordinator(world)
    (case,) = links(visitor.get("/?status=received"))
    assert goes(visitor, case, way) == "/?status=received"
    assert said in visitor.get("/?status=received").text


def test_a_hit_leads_to_the_next_hit_and_back_to_the_hits(world: World) -> None:
    for _ in range(12):
        world.new_case()
    visitor = coordinator(world)
    asked = visitor.post("/search", {"words": "factuur"}).location
    hits = [*links(visitor.get(asked)), *links(visitor.get(f"{asked}?page=2"))]
    assert len(hits) == 12
    assert f'href="{asked}?page=2"' in visitor.get(hits[10]).text
    assert goes(visitor, hits[9], "next") == hits[10]
    assert goes(visitor, hits[10], "previous") == hits[9]


@pytest.mark.parametrize(
    "written", ["x", "status:nothing", "page:x", "search:zoekwoord", "status:received,page:9999999"]
)
def test_an_address_that_names_no_list_shows_the_case_all_the_same(world: World, written: str) -> None:
    case_id = world.new_case().case_id
    page = coordinator(world).get(f"/cases/{case_id}?from={written}")
    assert page.status_code == 200
    assert 'rel="next"' not in page.text


def test_nobody_goes_on_from_a_case_that_they_may_not_open(world: World) -> None:
    world.new_case()
    assert coordinator(world).get(f"/cases/{'0' * 32}/next").status_code == 404


@pytest.mark.system
@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without"])
def test_the_language_is_switched_on_the_case_and_the_way_back_stays(
    world: World, new_page: Callable[..., Page], *, java_script: bool
) -> None:
    world.new_case()
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.goto("/?status=received")
    page.locator("main a.open").click()
    page.get_by_role("button", name="English").click()
    page.get_by_role("link", name="Back to the queue").click()
    page.wait_for_url("**/?status=received")


@pytest.mark.system
def test_keys_go_from_case_to_case_and_back_to_the_list(world: World, new_page: Callable[..., Page]) -> None:
    for _ in range(2):
        world.new_case()
    page = new_page()
    log_in(page)
    page.wait_for_load_state("networkidle")
    first, second = ids([each.get_attribute("href") or "" for each in page.locator("main a.open").all()])
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{first}**")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    page.wait_for_url(f"**/cases/{second}**")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("k")
    page.wait_for_url(f"**/cases/{first}**")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("u")
    page.wait_for_url("**/")
