"""Whoever closes a case sees what it still asks for, and goes on or back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cases.terms import DueKind
from tests.desk.conftest import log_in
from tests.desk.test_letters import write
from tests.desk.world import Visitor, World, coordinator

CLOSED = {"status": "closed", "outcome": "unsubstantiated", "approver": "de secretaris-generaal"}


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


def close(visitor: Visitor, case_id: str, **more: str) -> tuple[int, dict[str, str]]:
    """The answer, and what it says is owed, each with its address."""
    answer = visitor.post(f"/cases/{case_id}/status", {"version": visitor.version(case_id), **CLOSED, **more})
    listed = re.findall(r'<li><a href="([^"]+)">([^<]+)</a></li>', answer.text.split("<h1>")[-1])
    return answer.status_code, {said: address for address, said in listed}


def status(visitor: Visitor, case_id: str) -> str:
    text = visitor.get(f"/cases/{case_id}").text
    found = re.search(r'id="status".*?<p>(.*?)</p>', text, re.DOTALL)
    assert found
    return found[1]


def test_what_is_still_owed_is_listed_with_the_place_to_see_to_it_and_nothing_is_closed(
    world: World, visitor: Visitor
) -> None:
    case_id = world.new_case().case_id
    world.hold_receipt(case_id)
    write(visitor, case_id, "Tot morgen.", "keep")
    visitor.post(f"/cases/{case_id}/notes/keep", {"draft": "0", "text": "Bellen."})
    code, owed = close(visitor, case_id)
    page, letter = f"/cases/{case_id}", f"/cases/{case_id}/letter"
    assert code == 409
    addresses = {said.partition(":")[0]: address for said, address in owed.items()}
    assert addresses["Eerste blik"] == f"{page}#first-look"
    assert addresses["Terugkoppeling aan de melder"] == f"{letter}?purpose=feedback"
    assert addresses["Uw brief is nog een concept"] == letter
    assert addresses["Uw notitie is nog niet toegevoegd"] == f"{page}#notes"
    assert addresses["Ontvangstbevestiging"] == f"{page}#mail"
    assert "Ontvangen" in status(visitor, case_id)


def test_who_closes_it_all_the_same_closes_it(world: World, visitor: Visitor) -> None:
    case_id = world.new_case().case_id
    assert close(visitor, case_id)[0] == 409
    assert close(visitor, case_id, all_the_same="y")[0] == 303
    assert "Gesloten" in status(visitor, case_id)


def test_a_case_that_asks_for_nothing_any_more_is_closed_without_a_question(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(dues={DueKind.REMINDER: world.clock.now}).case_id
    assert close(visitor, case_id) == (303, {})


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_is_warned_goes_back_and_closes(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    case_id = world.new_case().case_id
    page = new_page(java_script_enabled=java_script)
    log_in(page)

    def close_it() -> None:
        page.goto(f"/cases/{case_id}")
        page.locator("#status").get_by_label("Gesloten").check()
        page.locator("#status").get_by_label("Uitkomst").select_option("unsubstantiated")
        page.locator("#status").get_by_label("Goedgekeurd door").fill("de secretaris-generaal")
        page.get_by_role("button", name="Status wijzigen").click()
        expect(page.get_by_role("heading", name="Er staat nog iets open")).to_be_visible()

    close_it()
    page.get_by_role("link", name="Terug naar de zaak").click()
    expect(page.locator("#status")).to_contain_text("Ontvangen")
    close_it()
    page.get_by_role("button", name="Toch sluiten").click()
    expect(page.locator("#status")).to_contain_text("Gesloten")
