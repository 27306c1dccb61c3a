"""Merging two cases, undoing it, and splitting a message off, on the pages of the desk; in a browser too."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cases.roles import Role
from store import grants
from tests.desk.conftest import log_in, open_case
from tests.desk.world import Visitor, World, coordinator, join

APPIE = "appie@reporter.example"
"""From which the messages of the world come: a case knows by it who wrote."""
OTHER = {"from": {"name": "Piet", "address": "piet@elders.example"}}


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def choose(visitor: Visitor, case_id: str, reference: str) -> Any:
    visitor.get(f"/cases/{case_id}")
    return visitor.post(f"/cases/{case_id}/merge/choose", {"reference": reference})


def merge(visitor: Visitor, case_id: str, reference: str, **more: str) -> Any:
    page = choose(visitor, case_id, reference).text.split('action="/cases/')[-1]
    data = {name: field(page, name) for name in ("into", "version", "into_version")}
    return visitor.post(f"/cases/{case_id}/merge", {**data, **more})


def test_a_case_is_merged_into_the_one_whose_reference_was_given(world: World, visitor: Visitor) -> None:
    into = world.new_case(sender=APPIE, own_text="Eerste brief.").case_id
    case_id = world.new_case(sender=APPIE, own_text="Tweede brief.").case_id
    answer = choose(visitor, case_id, "k2345 00000")
    assert answer.status_code == 200
    assert "K2345-00001" in answer.text
    assert "Dat weet ik" not in answer.text
    answer = merge(visitor, case_id, "K2345-00000")
    assert (answer.status_code, answer.location) == (303, f"/cases/{into}")
    page = visitor.get(f"/cases/{into}").text
    assert "Eerste brief." in page
    assert "Tweede brief." in page
    assert "Bij deze zaak gevoegd" in page
    assert "Een andere zaak bij deze gevoegd" in page
    page = visitor.get(f"/cases/{case_id}").text
    assert "Deze zaak is samengevoegd met een andere" in page
    assert "De melder schrijven" not in page
    assert "een machine stuurde dit" not in page
    assert "K2345-00001" not in visitor.get("/").text


GRAVE = {
    "kind": "melding",
    "categories": [{"slug": "intimidatie", "score": 0.9, "sub": []}],
    "primary": "intimidatie",
    "severity": "acuut",
    "concerned": [{"name": "Joris Dol", "function": "portier"}],
}


def test_the_page_shows_what_both_say_warns_of_the_graver_and_both_stand_in_the_queue(
    world: World, visitor: Visitor
) -> None:
    into = world.new_case(sender=APPIE, report={**GRAVE, "severity": "laag", "concerned": []}).case_id
    case_id = world.new_case(sender=APPIE, more=OTHER, report=GRAVE).case_id
    page = choose(visitor, case_id, "K2345-00000").text.split("<main")[1]
    goes, stays, together = re.split("<h2>", page)[1:4]
    assert [word in goes for word in ("Acuut", "Joris Dol", "Intimidatie", "Melding")] == [True] * 4
    assert [word in stays for word in ("Laag", "Intimidatie", "Melding", "Joris Dol")] == [True, True, True, False]
    assert [word in together for word in ("Acuut", "Joris Dol")] == [True, True]
    assert "De ernstigere zaak gaat in de lichtere op" in page
    assert merge(visitor, case_id, "K2345-00000", seen="y").location == f"/cases/{into}"
    rows = visitor.get("/").text.split("<tbody")[1]
    assert [word in rows for word in ("K2345-00000", "Acuut", "Laag")] == [True, True, False]
    assert "De ernstigere zaak" not in choose(visitor, into, "K2345-00001").text


def test_the_lesser_that_goes_into_the_graver_is_no_reason_to_warn(world: World, visitor: Visitor) -> None:
    world.new_case(sender=APPIE, report=GRAVE)
    case_id = world.new_case(sender=APPIE, report={**GRAVE, "severity": "laag"}).case_id
    assert "De ernstigere zaak" not in choose(visitor, case_id, "K2345-00000").text


def test_a_merged_case_says_on_top_where_it_went_and_offers_reading_and_undoing_alone(
    world: World, visitor: Visitor
) -> None:
    into = world.new_case(sender=APPIE).case_id
    case_id = world.new_case(sender=APPIE).case_id
    before = visitor.version(case_id)
    merge(visitor, case_id, "K2345-00000")
    main = visitor.get(f"/cases/{case_id}").text.split("<main")[1]
    assert f'<a class="ref" href="/cases/{into}">K2345-00000</a>' in main.split("<section")[0]
    offered = {path.removeprefix(f"/cases/{case_id}/") for path in re.findall(r'action="([^"]+)"', main)}
    assert "merge/undo" in offered
    assert [path for path in offered if path.startswith("holder/")] == []
    assert 'id="report"' not in main
    assert 'href="#report"' not in main
    not_for_it = ("decide/", "accept", "undo", "first-look", "status", "notes", "dues/", "contact", "letter", "refer")
    assert [path for path in offered for each in not_for_it if path.startswith(each)] == []
    assert f"/cases/{case_id}/letter" not in main
    for version in (before, visitor.version(case_id)):  # as a window that was open before sends it, and then again
        answer = visitor.post(f"/cases/{case_id}/decide/kind", {"version": version, "value": "advies"})
        assert answer.status_code == 409
        assert "Vraagt advies" in answer.text
    assert "Vastgesteld" not in visitor.get(f"/cases/{case_id}").text


def test_a_merger_is_undone_on_the_page_of_the_merged_case(world: World, visitor: Visitor) -> None:
    into = world.new_case(sender=APPIE, own_text="Eerste brief.").case_id
    case_id = world.new_case(sender=APPIE, own_text="Tweede brief.").case_id
    merge(visitor, case_id, "K2345-00000")
    assert "K2345-00001" in visitor.get("/?status=merged").text
    answer = visitor.post(f"/cases/{case_id}/merge/undo", {"version": visitor.version(case_id)})
    assert answer.status_code == 303
    assert "Tweede brief." in visitor.get(f"/cases/{case_id}").text
    assert "Tweede brief." not in visitor.get(f"/cases/{into}").text
    answer = visitor.post(f"/cases/{case_id}/merge/undo", {"version": visitor.version(case_id)})
    assert "intussen gewijzigd" in visitor.get(answer.location).text


@pytest.mark.parametrize(
    ("reference", "said"),
    [("", "Er is geen zaak"), ("77777-77777", "Er is geen zaak"), ("K2345-00000", "Dat is deze zaak zelf")],
    ids=["nothing", "no case", "itself"],
)
def test_what_cannot_be_merged_is_said_and_changes_nothing(
    world: World, visitor: Visitor, reference: str, said: str
) -> None:
    case_id = world.new_case(sender=APPIE).case_id
    answer = choose(visitor, case_id, reference)
    assert answer.status_code == 303
    assert said in visitor.get(answer.location).text


def test_whoever_merges_cases_of_two_people_says_that_they_know(world: World, visitor: Visitor) -> None:
    into = world.new_case(sender=APPIE).case_id
    case_id = world.new_case(sender=APPIE, more=OTHER).case_id
    answer = merge(visitor, case_id, "K2345-00000")
    assert answer.status_code == 400
    assert "recht op antwoord" in answer.text
    assert 'id="faults"' in answer.text
    assert '<a href="#merge-seen">' in answer.text
    assert "Er is niets samengevoegd." in answer.text
    assert merge(visitor, case_id, "K2345-00000", seen="y").location == f"/cases/{into}"
    assert "afzender" in visitor.get(f"/cases/{into}").text


def test_a_case_that_was_changed_meanwhile_is_not_merged(world: World, visitor: Visitor) -> None:
    world.new_case(sender=APPIE)
    case_id = world.new_case(sender=APPIE, own_text="Tweede brief.").case_id
    answer = merge(visitor, case_id, "K2345-00000", into_version="7")
    assert "intussen gewijzigd" in visitor.get(answer.location).text
    assert "Tweede brief." in visitor.get(f"/cases/{case_id}").text


def test_a_case_that_a_member_does_not_open_is_as_if_it_were_not_there(world: World) -> None:
    world.new_case(sender=APPIE)
    case_id = world.new_case(sender=APPIE).case_id
    ring = join(world, "i.onderzoeker", Role.INVESTIGATOR)
    with world.database.begin() as session:
        grants.grant(
            *(session, world.ring, world.index, case_id, ring.member_id),
            identity=True,
            reason="onderzoek",
            now=world.clock.now,
        )
    visitor = coordinator(world, ring)
    answer = choose(visitor, case_id, "K2345-00000")
    assert "Er is geen zaak met dat kenmerk" in visitor.get(answer.location).text


def test_a_message_becomes_a_case_of_its_own(world: World, visitor: Visitor) -> None:
    case_id = world.new_case(sender=APPIE, own_text="Eerste brief.").case_id
    world.clock.forward(minutes=1)
    message_id = world.further_message(case_id, own_text="Iets heel anders.").message_id
    version = visitor.version(case_id)
    answer = visitor.post(f"/cases/{case_id}/messages/{message_id}/split", {"version": version})
    assert answer.status_code == 303
    page = visitor.get(answer.location).text
    assert "Iets heel anders." in page
    assert "Eerste brief." not in page
    assert "Hangt samen met" in page
    assert "Iets heel anders." not in visitor.get(f"/cases/{case_id}").text


def test_the_only_message_offers_no_splitting_and_is_not_split(world: World, visitor: Visitor) -> None:
    taken = world.new_case(sender=APPIE)
    assert "Hoort dit hier niet?" not in visitor.get(f"/cases/{taken.case_id}").text
    version = visitor.version(taken.case_id)
    answer = visitor.post(f"/cases/{taken.case_id}/messages/{taken.message_id}/split", {"version": version})
    assert "ten minste één bericht" in visitor.get(answer.location).text


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_merges_undoes_and_splits(world: World, new_page: Callable[..., Page], java_script: bool) -> None:
    into = world.new_case(sender=APPIE, own_text="Eerste brief.").case_id
    world.clock.forward(minutes=1)
    world.further_message(into, own_text="Iets heel anders.")
    case_id = world.new_case(sender=APPIE, own_text="Tweede brief.").case_id
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.goto(f"/cases/{case_id}")
    page.get_by_text("Deze zaak bij een andere voegen").click()
    page.get_by_label("Kenmerk van de zaak die blijft").fill("K2345-00000")
    page.get_by_role("button", name="Beide bekijken").click()
    expect(page.get_by_role("heading", name="Twee zaken samenvoegen")).to_be_visible()
    page.get_by_role("button", name="Samenvoegen", exact=True).click()
    expect(page.get_by_role("heading", name="3 berichten")).to_be_visible()
    page.locator("#merge").get_by_role("link", name="K2345-00001").click()
    page.get_by_role("button", name="Samenvoegen ongedaan maken").click()
    expect(page.get_by_role("heading", name="1 bericht")).to_be_visible()
    open_case(page, into)
    message = page.locator("article.mail").filter(has_text="Iets heel anders.")
    message.get_by_text("Hoort dit hier niet?").click()
    message.get_by_role("button", name="Hier een eigen zaak van maken").click()
    expect(page.get_by_role("status").first).to_contain_text("een eigen zaak")
    expect(page.get_by_role("heading", name="1 bericht")).to_be_visible()
