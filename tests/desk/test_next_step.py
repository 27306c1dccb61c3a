"""The page of a case says first what it needs next, and that alone stands out among all that it offers."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page

from cases.roles import Role
from cases.terms import DueKind
from tests.desk.conftest import log_in
from tests.desk.test_grants import send
from tests.desk.world import START, Visitor, World, coordinator, join

LOOK = {"clear": "yes", "breach": "yes", "severity": "midden"}
STANDS_OUT = """() => [...document.querySelectorAll("main button, main a.button")].filter(
    one => !one.classList.contains("quiet") && one.checkVisibility()).map(one => one.textContent.trim())"""


def step(visitor: Visitor, case_id: str) -> tuple[str, str] | None:
    """Where it leads, and what it says."""
    found = re.search(r'id="next-step" href="([^"]+)">([^<]+)<', visitor.get(f"/cases/{case_id}").text)
    return (found[1], found[2]) if found else None


def change(visitor: Visitor, case_id: str, path: str, **sent: str) -> None:
    answer = visitor.post(f"/cases/{case_id}/{path}", {"version": visitor.version(case_id), **sent})
    assert answer.status_code == 303


def test_what_a_case_needs_next_follows_from_what_is_due_and_its_status(world: World) -> None:
    dues = {
        DueKind.FIRST_LOOK: START + timedelta(days=2),
        DueKind.FIRST_MESSAGE: START + timedelta(days=3),
        DueKind.RECEIPT: START + timedelta(days=7),
    }
    case_id = world.new_case(dues=dues).case_id
    visitor, letter = coordinator(world), f"/cases/{case_id}/letter?known=1"
    assert step(visitor, case_id) == ("#first-look", "Vragen van de eerste blik beantwoorden")
    change(visitor, case_id, "first-look", **LOOK)
    assert step(visitor, case_id) == (letter, "De melder schrijven")
    waiting = world.hold_receipt(case_id)
    assert step(visitor, case_id) == ("#mail", "Beslissen over de ontvangstbevestiging die wacht")
    change(visitor, case_id, "release", mail=waiting)
    change(visitor, case_id, "dues/first_message/done", reason="done")
    assert step(visitor, case_id) == ("#dues", "Ontvangstbevestiging regelen")
    change(visitor, case_id, "dues/receipt/done", reason="done")
    assert step(visitor, case_id) == ("#status", "Bepalen hoe het verder gaat met de zaak")
    change(visitor, case_id, "status", status="set_aside")
    assert step(visitor, case_id) is None


def test_who_only_reads_is_told_to_do_nothing(world: World) -> None:
    case_id = world.new_case().case_id
    sam = join(world, "sam", Role.SECRETARY_GENERAL)
    send(coordinator(world), case_id, "grant", sam.member_id)
    assert step(coordinator(world, sam), case_id) is None


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_one_thing_stands_out_on_a_case_with_its_own_form(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    case_id = world.new_case().case_id
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.goto(f"/cases/{case_id}")
    assert page.evaluate(STANDS_OUT) == ["Vragen van de eerste blik beantwoorden", "Antwoorden opslaan"]
    assert page.locator("#next-step").bounding_box()["y"] < 720  # type: ignore[index]
