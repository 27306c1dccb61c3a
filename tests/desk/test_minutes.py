"""The reporter's approval of the minutes of what they said: noted on the page of the case, and taken back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from cases.roles import Role
from tests.desk.conftest import log_in, open_who_reported
from tests.desk.test_entering import case_of, enter
from tests.desk.test_grants import send
from tests.desk.world import LOGIN, Visitor, World, coordinator, join

WORDS = "Niet in maart, maar in april <b>betaald</b>."
CORRECTED = {"answer": "corrected", "answered": "{day}", "corrections": WORDS}
APPROVED = {"answer": "approved", "answered": "{day}", "corrections": ""}


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


@pytest.fixture
def case_id(world: World, visitor: Visitor) -> str:
    """Of a conversation four days ago."""
    return case_of(enter(visitor, world, way="in_person", received=f"{world.clock.now - timedelta(days=4):%d-%m-%Y}"))


def note(world: World, visitor: Visitor, case_id: str, sent: dict[str, str], days_ago: int = 1, path: str = "") -> str:
    """As from a page that was just opened; gives the page that follows."""
    day = f"{world.clock.now - timedelta(days=days_ago):%d-%m-%Y}"
    data = {name: value.format(day=day) for name, value in sent.items()}
    answer = visitor.post(f"/cases/{case_id}/minutes{path}", {"version": visitor.version(case_id), **data})
    assert answer.status_code in (303, 400), answer.status_code
    return visitor.get(f"/cases/{case_id}").text if answer.status_code == 303 else answer.text


def section(page: str) -> str:
    return page.split('id="minutes"')[1].split("</section>")[0]


def test_an_approval_with_corrections_is_noted_with_its_day_and_taken_back(
    world: World, visitor: Visitor, case_id: str
) -> None:
    assert "niet genoteerd dat de melder" in section(visitor.get(f"/cases/{case_id}").text)
    page = note(world, visitor, case_id, CORRECTED)
    shown = section(page)
    assert "Goedgekeurd met verbeteringen</span> <small>" in shown
    assert "Niet in maart, maar in april &lt;b&gt;betaald&lt;/b&gt;." in shown
    assert f"Genoteerd door {LOGIN}" in shown
    assert "Noteerde dat de melder het verslag goedkeurde met verbeteringen, op " in page.split('id="timeline"')[1]
    page = note(world, visitor, case_id, APPROVED)
    assert "Goedgekeurd zoals het is</span>" in section(page)
    assert "Niet in maart" not in section(page)
    page = note(world, visitor, case_id, {}, path="/undo")
    assert "niet genoteerd dat de melder" in section(page)
    assert "Nam terug wat er van het verslag was genoteerd" in page.split('id="timeline"')[1]
    again = visitor.post(f"/cases/{case_id}/minutes/undo", {"version": visitor.version(case_id)})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("sent", "days_ago", "said"),
    [
        ({**CORRECTED, "corrections": ""}, 1, "Schrijf op wat er anders moet staan."),
        ({**APPROVED, "corrections": "x"}, 1, "laat dit leeg"),
        ({**APPROVED, "answer": ""}, 1, "Kies een van deze."),
        ({**APPROVED, "answered": ""}, 1, "Vul een dag in."),
        (APPROVED, -1, "vanaf die van het gesprek"),
        (APPROVED, 5, "vanaf die van het gesprek"),
    ],
    ids=["no words", "words", "no answer", "no day", "a day to come", "before the conversation"],
)
def test_what_makes_no_sense_is_said_and_kept(
    world: World, visitor: Visitor, case_id: str, sent: dict[str, str], days_ago: int, said: str
) -> None:
    page = note(world, visitor, case_id, sent, days_ago)
    assert said in section(page)
    assert "<details open>" in section(page)
    assert "niet genoteerd dat de melder" in section(visitor.get(f"/cases/{case_id}").text)


def test_the_answer_is_noted_and_corrections_are_read_by_who_opened_who_reported(
    world: World, visitor: Visitor, case_id: str
) -> None:
    closed = coordinator(world, reason="")
    shown = section(closed.get(f"/cases/{case_id}").text)
    assert "Open eerst wie er meldde" in shown
    assert "<form" not in shown
    note(world, visitor, case_id, CORRECTED)
    shown = section(closed.get(f"/cases/{case_id}").text)
    assert "Goedgekeurd met verbeteringen" in shown
    assert "Niet in maart" not in shown
    for path in ("", "/undo"):
        sent = {"version": visitor.version(case_id), **APPROVED}
        assert closed.post(f"/cases/{case_id}/minutes{path}", sent).status_code == 403
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    send(visitor, case_id, "grant", ivo.member_id)
    shown = section(coordinator(world, ivo, reason="").get(f"/cases/{case_id}").text)
    assert "Goedgekeurd met verbeteringen" in shown
    assert "Niet in maart" not in shown


def test_of_what_was_no_conversation_there_are_no_minutes_to_approve(world: World, visitor: Visitor) -> None:
    case_id = world.new_case().case_id
    assert 'id="minutes"' not in visitor.get(f"/cases/{case_id}").text
    sent = {"version": visitor.version(case_id), "answer": "approved", "answered": f"{world.clock.now:%d-%m-%Y}"}
    assert visitor.post(f"/cases/{case_id}/minutes", sent).status_code == 404


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_notes_the_answer_of_a_reporter_and_takes_it_back(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    case_id = world.new_case(more={"intake": {"way": "in_person"}}).case_id
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.goto(f"/cases/{case_id}")
    open_who_reported(page)
    minutes = page.locator("#minutes")
    minutes.get_by_text("Het antwoord van de melder noteren").click()
    minutes.get_by_label("Goedgekeurd met verbeteringen").check()
    minutes.get_by_label("Dag van het antwoord").fill(f"{world.clock.now:%d/%m/%Y}")
    minutes.get_by_label("Wat er anders moet staan").fill("Niet in maart, maar in april.")
    minutes.get_by_role("button", name="Opslaan").click()
    expect(minutes.locator(".tag")).to_have_text("Goedgekeurd met verbeteringen")
    expect(minutes.locator(".words")).to_have_text("Niet in maart, maar in april.")
    minutes.get_by_role("button", name="Terugdraaien").click()
    expect(minutes).to_contain_text("niet genoteerd dat de melder")


def test_a_page_that_is_out_of_date_notes_nothing_and_shows_what_was_sent(
    world: World, visitor: Visitor, case_id: str
) -> None:
    seen = visitor.version(case_id)
    visitor.post(f"/cases/{case_id}/decide/kind", {"version": seen, "value": "advies"})
    day = f"{world.clock.now:%d-%m-%Y}"
    sent = {**CORRECTED, "answered": day, "version": seen}
    answer = visitor.post(f"/cases/{case_id}/minutes", sent)
    assert answer.status_code == 409
    assert "Niet in maart" in answer.text
    assert "niet genoteerd dat de melder" in section(visitor.get(f"/cases/{case_id}").text)
