"""What is not for the desk: referring the reporter with a letter, and setting a case aside."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from config.settings import ReferralSettings
from tests.desk.conftest import log_in
from tests.desk.test_letters import send, status, text_of, waiting, write
from tests.desk.world import DESK, REPORT, Visitor, World, coordinator

RECHERCHE = ReferralSettings(
    name="Rijksrecherche", text="de Rijksrecherche, 070 123", text_in={"en": "the Police, 070"}
)


@pytest.fixture
def visitor(world: World) -> Visitor:
    desk = world.settings.desks[DESK].model_copy(update={"referrals": (RECHERCHE,)})
    world.serve(world.settings.model_copy(update={"desks": {DESK: desk}}))
    return coordinator(world)


@pytest.mark.parametrize(
    ("to", "named"),
    [
        ("complaints", "klachten@desk.example"),
        ("advice", "steunpunt@desk.example"),
        ("Rijksrecherche", "U kunt hiervoor terecht bij: de Rijksrecherche, 070 123"),
        ("other", "[Vul in bij wie de melder terechtkan"),
    ],
)
def test_the_letter_is_begun_for_whoever_was_chosen_whatever_the_machine_thinks(
    world: World, visitor: Visitor, to: str, named: str
) -> None:
    case_id = world.new_case().case_id
    answer = visitor.post(f"/cases/{case_id}/refer", {"to": to})
    assert (answer.status_code, answer.location) == (303, f"/cases/{case_id}/letter")
    page = visitor.get(answer.location).text
    assert named in text_of(page)
    assert '<option selected value="referral">' in page
    assert waiting(world) == []
    assert status(world, case_id) == "received"


def test_an_organisation_is_named_in_the_language_of_the_reporter(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(report={**REPORT, "language": "en"}).case_id
    visitor.post(f"/cases/{case_id}/refer", {"to": "Rijksrecherche"})
    assert "You can turn to: the Police, 070" in text_of(visitor.get(f"/cases/{case_id}/letter").text)


def test_sending_it_sets_the_case_to_referred_when_it_goes(world: World, visitor: Visitor) -> None:
    case_id = world.new_case().case_id
    visitor.post(f"/cases/{case_id}/refer", {"to": "complaints"})
    assert send(visitor, case_id, move_on="y").status_code == 303
    assert "De zaak komt dan op: Doorverwezen" in visitor.get(f"/cases/{case_id}").text


def test_a_letter_that_is_being_written_is_not_overwritten(world: World, visitor: Visitor) -> None:
    case_id = world.new_case().case_id
    write(visitor, case_id, "Al begonnen.", "keep")
    answer = visitor.post(f"/cases/{case_id}/refer", {"to": "advice"})
    page = visitor.get(answer.location).text
    assert text_of(page).startswith("Al begonnen.")
    assert "u schrijft er al een" in page


def test_where_no_letter_can_go_the_page_says_why(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(automatic="auto_reply").case_id
    page = visitor.get(visitor.post(f"/cases/{case_id}/refer", {"to": "advice"}).location).text
    assert "Hier kunt u geen brief schrijven." in page


@pytest.mark.parametrize("to", ["", "nobody", "x" * 101])
def test_to_whom_has_to_be_said(world: World, visitor: Visitor, to: str) -> None:
    case_id = world.new_case().case_id
    answer = visitor.post(f"/cases/{case_id}/refer", {"to": to})
    assert "Zeg naar wie u de melder verwijst." in visitor.get(answer.location).text


def test_a_case_that_is_set_aside_stays_findable(world: World, visitor: Visitor) -> None:
    case_id = world.new_case().case_id
    visitor.post(f"/cases/{case_id}/status", {"version": visitor.version(case_id), "status": "set_aside"})
    assert "K2345-00000" in visitor.get("/?status=set_aside").text
    page = visitor.get(f"/cases/{case_id}").text
    assert "Terzijde gelegd" in page
    assert "Niet voor dit meldpunt?" not in page


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_refers_a_complaint_and_sets_an_advertisement_aside(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    world.new_case(report={**REPORT, "kind": "klacht", "kind_scores": {"klacht": 0.9}})
    other = world.new_case().case_id
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.get_by_role("link", name="K2345-00000").click()
    page.get_by_text("De melder verwijzen").click()
    expect(page.get_by_label("De klachtenprocedure")).to_be_checked()
    page.get_by_role("button", name="De brief beginnen").click()
    expect(page.get_by_label("Brief", exact=True)).to_have_value(re.compile("klachten@desk.example"))
    page.get_by_role("button", name="Bekijken voor het versturen").click()
    page.get_by_role("button", name="Versturen").click()
    expect(page.locator("article.letter")).to_contain_text("De zaak komt dan op: Doorverwezen")
    page.goto(f"/cases/{other}")
    page.get_by_text("Terzijde leggen zonder brief").click()
    page.get_by_role("button", name="De zaak terzijde leggen").click()
    expect(page.locator("#status > p").first).to_contain_text("Terzijde gelegd")
