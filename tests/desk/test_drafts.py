"""What is typed is kept as a draft, sealed, for who typed it alone, until it is sent or added."""

import io
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from cases.roles import Role
from store.keypairs import KeyKind
from store.records import RecordKind
from store.schema import CaseFile, KeyPair, Record
from tests.desk.conftest import log_in
from tests.desk.test_unsent import Asked
from tests.desk.world import Visitor, World, coordinator, join

NewPage = Callable[..., Page]


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case().case_id


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


def kept_note(visitor: Visitor, case_id: str) -> tuple[str, str]:
    """The note that stands in the form of the page, and its version."""
    page = visitor.get(f"/cases/{case_id}").text
    form = page[page.index('id="note-form"') :]
    version = re.search(r'name="draft" value="(\d+)"', form)
    text = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", form, re.DOTALL)
    assert version
    assert text
    return text[1], version[1]


def test_a_note_that_is_kept_is_sealed_to_the_case_and_seen_by_its_writer_alone(
    world: World, visitor: Visitor, case_id: str
) -> None:
    answer = visitor.post(f"/cases/{case_id}/notes/keep", {"draft": "0", "text": "Morgen bellen."})
    assert (answer.status_code, answer.json["draft"]) == (200, 1)
    assert answer.json["said"].startswith("Om ")
    assert kept_note(visitor, case_id) == ("Morgen bellen.", "1")
    with world.database.read() as session:
        kind = select(KeyPair.kind).join(Record, Record.key_pair_id == KeyPair.id)
        assert session.scalars(kind.where(Record.kind == RecordKind.NOTE_DRAFT)).all() == [KeyKind.CASE]
    colleague = coordinator(world, join(world, "a.collega", Role.COORDINATOR))
    assert kept_note(colleague, case_id) == ("", "0")
    assert 'class="note"' not in colleague.get(f"/cases/{case_id}").text


def test_a_draft_goes_once_its_note_is_added_and_nobody_calls_it_damage(
    world: World, visitor: Visitor, case_id: str
) -> None:
    visitor.post(f"/cases/{case_id}/notes/keep", {"draft": "0", "text": "Morgen"})
    visitor.post(f"/cases/{case_id}/notes", {"draft": "1", "text": "Morgen bellen."})
    page = visitor.get(f"/cases/{case_id}").text
    assert '<div class="words">Morgen bellen.</div>' in page
    assert "beschadigd" not in page
    assert kept_note(visitor, case_id) == ("", "0")


def test_a_note_is_kept_by_a_button_and_thrown_away_by_another(visitor: Visitor, case_id: str) -> None:
    visitor.post(f"/cases/{case_id}/notes", {"draft": "0", "text": "Morgen bellen.", "then": "keep"})
    assert kept_note(visitor, case_id) == ("Morgen bellen.", "1")
    visitor.post(f"/cases/{case_id}/notes", {"draft": "1", "text": "Morgen bellen.", "then": "drop"})
    assert kept_note(visitor, case_id) == ("", "0")
    assert visitor.post(f"/cases/{case_id}/notes/keep", {"draft": "0", "text": "Anders."}).json["draft"] == 2
    assert visitor.post(f"/cases/{case_id}/notes/keep", {"draft": "2", "text": ""}).json == {"draft": 0, "said": ""}


def test_of_two_windows_on_one_note_the_second_is_told_and_loses_nothing(visitor: Visitor, case_id: str) -> None:
    visitor.post(f"/cases/{case_id}/notes/keep", {"draft": "0", "text": "Uit het eerste venster."})
    by_itself = visitor.post(f"/cases/{case_id}/notes/keep", {"draft": "0", "text": "Uit het tweede."})
    assert by_itself.status_code == 409
    assert "in een ander venster gewijzigd" in by_itself.json["said"]
    by_button = visitor.post(f"/cases/{case_id}/notes", {"draft": "0", "text": "Uit het tweede.", "then": "keep"})
    assert by_button.status_code == 409
    assert "Uit het eerste venster." in by_button.text
    assert "Uit het tweede.</textarea>" in by_button.text
    visitor.post(f"/cases/{case_id}/notes", {"draft": "0", "text": "Uit het tweede."})
    assert kept_note(visitor, case_id) == ("Uit het eerste venster.", "1")


def test_a_note_goes_along_to_the_other_language(visitor: Visitor, case_id: str) -> None:
    answer = visitor.post(f"/cases/{case_id}/notes", {"draft": "0", "text": "Morgen bellen.", "then": "speak-en"})
    assert answer.status_code == 303
    assert kept_note(visitor, case_id) == ("Morgen bellen.", "1")
    page = visitor.get(f"/cases/{case_id}").text
    assert "New note" in page
    assert 'form="note-form"' in page


def test_a_letter_goes_along_to_the_other_language(visitor: Visitor, case_id: str) -> None:
    letter = {"draft": "0", "purpose": "status", "language": "nl", "text": "Tot volgende week."}
    assert visitor.post(f"/cases/{case_id}/letter", {**letter, "then": "speak-en"}).status_code == 303
    page = visitor.get(f"/cases/{case_id}/letter").text
    assert "Tot volgende week.</textarea>" in page
    assert "Write to the reporter" in page
    assert visitor.post(f"/cases/{case_id}/letter", {**letter, "text": "", "then": "speak-nl"}).status_code == 303


@pytest.mark.parametrize("text", ["Met een bijlage.", ""], ids=["with text", "without text"])
def test_the_files_of_a_letter_go_along_to_the_other_language(visitor: Visitor, case_id: str, text: str) -> None:
    letter = {"draft": "0", "purpose": "status", "language": "nl", "text": text, "then": "speak-en"}
    chosen = {"files": (io.BytesIO(b"x"), "uitleg.pdf")}
    assert visitor.post(f"/cases/{case_id}/letter", {**letter, **chosen}).status_code == 303
    page = visitor.get(f"/cases/{case_id}/letter").text
    assert "Write to the reporter" in page
    assert "uitleg.pdf</a>" in page
    assert f"{text}</textarea>" in page


def test_a_letter_that_comes_back_says_that_its_files_have_to_be_chosen_again(visitor: Visitor, case_id: str) -> None:
    letter = {"draft": "0", "purpose": "status", "language": "nl", "text": "Een eerste.", "then": "keep"}
    visitor.post(f"/cases/{case_id}/letter", letter)
    for files in ([], [(io.BytesIO(b"x"), "uitleg.pdf")]):
        answer = visitor.post(f"/cases/{case_id}/letter", {**letter, "text": "Een ander.", "files": files})
        assert answer.status_code == 409
        assert ("Kies uw bestanden opnieuw." in answer.text) == bool(files)


def test_a_new_report_says_before_files_are_chosen_that_they_do_not_go_along(visitor: Visitor) -> None:
    page = visitor.get("/new").text
    said = "Bestanden gaan niet mee naar de andere taal"
    assert said in page.split('id="enter-files-hint"')[1].split("</p>")[0]
    assert page.split("<header")[1].split("</header>")[0].count(f'data-loses-files="{said}') == 2


def test_a_new_report_goes_along_to_the_other_language_and_is_not_entered(world: World, visitor: Visitor) -> None:
    typed = {"way": "phone", "received": "2026-11-02", "text": "Zij vertelde dit.", "name": "Appie Ramdin"}
    answer = visitor.post("/new", {**typed, "then": "speak-en"})
    assert answer.status_code == 200
    assert "New report" in answer.text
    assert "Zij vertelde dit.</textarea>" in answer.text
    assert 'value="Appie Ramdin"' in answer.text
    assert "data-unsent" in answer.text
    with world.database.read() as session:
        assert session.scalars(select(CaseFile)).all() == []


def test_a_letter_is_kept_by_itself_with_the_files_that_it_has(visitor: Visitor, case_id: str) -> None:
    letter = {"draft": "0", "purpose": "status", "language": "nl", "text": "Tot volgende week."}
    first = visitor.post(f"/cases/{case_id}/letter/keep", letter)
    assert first.json["draft"] == 1
    second = visitor.post(f"/cases/{case_id}/letter/keep", {**letter, "draft": "1", "text": "Tot morgen."})
    assert second.json["draft"] == 2
    assert "Tot morgen.</textarea>" in visitor.get(f"/cases/{case_id}/letter").text
    assert visitor.post(f"/cases/{case_id}/letter/keep", letter).status_code == 409
    assert visitor.post(f"/cases/{case_id}/letter/keep", {**letter, "text": ""}).status_code == 400
    assert "Tot morgen.</textarea>" in visitor.get(f"/cases/{case_id}/letter").text


@pytest.mark.parametrize(("path", "label"), [("letter", "Brief"), ("", "Nieuwe notitie")], ids=["a letter", "a note"])
def test_what_is_typed_is_kept_by_itself_and_is_there_again(
    world: World, new_page: NewPage, case_id: str, path: str, label: str
) -> None:
    page = new_page()
    log_in(page)
    page.goto(f"/cases/{case_id}/{path}".rstrip("/"))
    page.wait_for_load_state()
    asked = Asked(page)
    page.get_by_label(label, exact=True).fill("Tot volgende week.")
    said = page.locator("[data-said]")
    expect(said).to_contain_text("bewaard als uw concept", timeout=15_000)
    expect(said).to_have_attribute("role", "status")
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    page.get_by_role("link", name="Werkvoorraad").first.click()
    expect(page.get_by_role("heading", name="Werkvoorraad")).to_be_visible()
    assert asked.times == 0
    page.goto(f"/cases/{case_id}/{path}".rstrip("/"))
    expect(page.get_by_label(label, exact=True)).to_have_value("Tot volgende week.")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="English")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("main form textarea").filter(has_text="Tot volgende week.")).to_be_visible()


def test_what_cannot_be_kept_is_said_and_asked_about(world: World, new_page: NewPage, case_id: str) -> None:
    page = new_page()
    log_in(page)
    page.goto(f"/cases/{case_id}")
    page.wait_for_load_state()
    asked = Asked(page)
    page.route("**/notes/keep", lambda route: route.abort())
    page.get_by_label("Nieuwe notitie").fill("Morgen bellen.")
    expect(page.locator("[data-said]")).to_contain_text("Nu niet bewaard", timeout=15_000)
    page.get_by_role("link", name="Werkvoorraad").first.click(no_wait_after=True)
    expect(page.get_by_label("Nieuwe notitie")).to_have_value("Morgen bellen.")
    assert asked.times == 1


def test_without_javascript_a_note_goes_along_with_the_language(world: World, new_page: NewPage, case_id: str) -> None:
    page = new_page(java_script_enabled=False)
    log_in(page)
    page.goto(f"/cases/{case_id}")
    page.get_by_label("Nieuwe notitie").fill("Morgen bellen.")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_label("New note")).to_have_value("Morgen bellen.")
