"""What was decided by mistake is undone by one button."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.desk.conftest import log_in
from tests.desk.test_entering import case_of, enter
from tests.desk.world import LOGIN, Visitor, World, coordinator


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case().case_id


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


def undoing(visitor: Visitor, case_id: str, label: str) -> dict[str, list[str]]:
    """What the form of this button sends."""
    page = visitor.get(f"/cases/{case_id}").text
    forms = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if f">{label}" in form]
    assert len(forms) == 1, label
    return {
        "version": re.findall(r'name="version" value="(\d+)"', forms[0]),
        "part": re.findall(r'name="part" value="(\w+)"', forms[0]),
    }


def test_a_correction_is_undone_and_the_suggestion_stands_there_again(visitor: Visitor, case_id: str) -> None:
    path = f"/cases/{case_id}"
    assert ">Ongedaan maken<" not in visitor.get(path).text
    visitor.post(f"{path}/decide/kind", {"version": visitor.version(case_id), "value": "advies"})
    sent = undoing(visitor, case_id, "Ongedaan maken")
    assert sent["part"] == ["kind"]
    assert visitor.post(f"{path}/undo", sent).status_code == 303
    page = visitor.get(path).text
    assert "Vaststelling ongedaan gemaakt: Soort" in page
    assert ">Ongedaan maken<" not in page
    assert visitor.post(f"{path}/undo", {**sent, "version": visitor.version(case_id)}).status_code == 409


def test_a_main_category_is_undone_with_the_category_that_it_brought_along(visitor: Visitor, case_id: str) -> None:
    path = f"/cases/{case_id}"
    visitor.post(f"{path}/decide/primary", {"version": visitor.version(case_id), "value": "discriminatie"})
    page = visitor.get(path).text
    assert page.count('name="part" value="primary"') == page.count('name="part" value="categories"') == 3


CONTACT = {"name": "A. Ramdin", "email": "", "phone": "06 12345678", "address": ""}


def test_a_corrected_contact_detail_is_undone_by_who_opened_who_reported(
    world: World, visitor: Visitor, case_id: str
) -> None:
    path = f"/cases/{case_id}"
    closed = coordinator(world, reason="")
    visitor.post(f"{path}/contact", {"version": visitor.version(case_id), **CONTACT})
    sent = undoing(visitor, case_id, "Ongedaan maken")
    assert f"Vastgesteld door {LOGIN}" in visitor.get(path).text.split('id="contact"')[1].split("</section>")[0]
    assert "Vastgesteld door" not in closed.get(path).text
    assert closed.post(f"{path}/contact/undo", sent).status_code == 403
    assert visitor.post(f"{path}/contact/undo", sent).status_code == 303
    page = visitor.get(path).text
    contact = page.split('id="contact"')[1].split("</section>")[0]
    assert "<dd>Appie Ramdin</dd>" in contact
    assert "06 12345678" not in contact
    assert "Vastgesteld door" not in contact
    assert "Vaststelling ongedaan gemaakt: Contactgegevens" in page
    assert visitor.post(f"{path}/contact/undo", {"version": visitor.version(case_id)}).status_code == 409


def test_what_a_report_was_entered_with_is_no_correction_that_could_be_undone(world: World, visitor: Visitor) -> None:
    answer = enter(visitor, world, name="Sanne Boom", phone="06 1")
    case_id = case_of(answer)
    assert ">Ongedaan maken<" not in visitor.get(f"/cases/{case_id}").text
    sent = {"version": visitor.version(case_id)}
    assert visitor.post(f"/cases/{case_id}/contact/undo", sent).status_code == 409
    visitor.post(f"/cases/{case_id}/contact", {**sent, **CONTACT})
    assert visitor.post(f"/cases/{case_id}/contact/undo", {"version": visitor.version(case_id)}).status_code == 303
    assert "<dd>Sanne Boom</dd>" in visitor.get(f"/cases/{case_id}").text


def test_no_part_and_what_is_no_part_are_not_undone(visitor: Visitor, case_id: str) -> None:
    for part, status in (([], 400), (["contact"], 404)):
        sent = {"version": visitor.version(case_id), "part": part}
        assert visitor.post(f"/cases/{case_id}/undo", sent).status_code == status


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_accepting_all_and_the_first_look_are_undone(
    world: World, new_page: Callable[..., Page], case_id: str, java_script: bool
) -> None:
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.goto(f"/cases/{case_id}")
    page.get_by_role("button", name="Alle voorstellen overnemen").click()
    expect(page.locator("#field-kind .by").first).to_contain_text("Vastgesteld door")
    page.get_by_role("button", name="Dat alles ongedaan maken").click()
    expect(page.locator("#field-kind .by").first).to_contain_text("Voorstel van de machine")
    expect(page.get_by_role("button", name="Alle voorstellen overnemen")).to_be_visible()
    look = page.locator("#first-look")
    look.get_by_role("group", name="Is duidelijk").get_by_label("Ja").check()
    look.get_by_role("group", name="Kan het").get_by_label("Ja").check()
    look.get_by_role("group", name="Hoe ernstig").get_by_label("Midden").check()
    look.get_by_role("button", name="Antwoorden opslaan").click()
    expect(look).to_contain_text("Beantwoord door")
    look.get_by_role("button", name="Antwoorden terugnemen").click()
    expect(look).not_to_contain_text("Beantwoord door")
    expect(page.locator("#dues")).to_contain_text("Eerste blik")
    expect(page.locator("#timeline")).to_contain_text("Antwoorden van de eerste blik teruggenomen")
