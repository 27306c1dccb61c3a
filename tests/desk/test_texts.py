"""Texts of the desk's own in the place of those that letters begin from."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from cases.letters import Purpose
from cases.roles import Role
from notify.letter_texts import built_in
from store import letter_texts
from store.records import RecordKind
from store.schema import Record
from tests.desk.conftest import log_in
from tests.desk.test_letters import field, text_of
from tests.desk.world import Visitor, World, coordinator, join

STATUS = "/settings/letters/status/nl"
OWN = "Beste melder,\n\nUw bericht kwam op {received}.\n\nUw kenmerk: {reference}.\n\n[Vul dit eens in.]\n\n{desk}\n"


def keep(visitor: Visitor, text: str = OWN, then: str = "keep", **changed: str) -> int:
    page = visitor.get(STATUS).text
    return visitor.post(STATUS, {"seen": field(page, "seen"), "text": text, "then": then, **changed}).status_code


def begun(visitor: Visitor, case_id: str) -> str:
    return text_of(visitor.get(f"/cases/{case_id}/letter?purpose=status").text)


def test_a_letter_begins_with_the_text_of_the_desk_filled_in_from_the_case(world: World) -> None:
    case_id, visitor = world.new_case().case_id, coordinator(world)
    assert keep(visitor) == 303
    text = begun(visitor, case_id)
    assert text.startswith("Beste melder,\n\nUw bericht kwam op ")
    assert "27 november 2026" in text
    assert "Uw kenmerk: K2345-00000." in text
    assert text.rstrip().endswith("Integriteitscoördinator")
    assert "{" not in text


def test_a_place_to_fill_in_of_the_desks_own_holds_the_letter_back(world: World) -> None:
    case_id, visitor = world.new_case().case_id, coordinator(world)
    keep(visitor)
    page = visitor.get(f"/cases/{case_id}/letter?purpose=status").text
    sent = {"draft": field(page, "draft"), "purpose": "status", "language": "nl", "text": text_of(page)}
    visitor.post(f"/cases/{case_id}/letter", {**sent, "then": "preview"})
    page = visitor.get(f"/cases/{case_id}/letter/preview").text
    assert "[Vul dit eens in.]" in page
    assert f'action="/cases/{case_id}/letter/send"' not in page


def test_other_purposes_and_languages_keep_the_text_of_meldpost(world: World) -> None:
    visitor = coordinator(world)
    keep(visitor)
    assert "Beste melder" in text_of(visitor.get(STATUS).text)
    for other in ("/settings/letters/status/en", "/settings/letters/closing/nl"):
        assert "Beste melder" not in visitor.get(other).text


def test_going_back_brings_the_text_of_meldpost_and_loses_no_version(world: World) -> None:
    case_id, visitor = world.new_case().case_id, coordinator(world)
    before = begun(visitor, case_id)
    keep(visitor)
    assert keep(visitor, then="default", text="") == 303
    assert begun(visitor, case_id) == before
    assert text_of(visitor.get(STATUS).text) == built_in(Purpose.STATUS, "nl")
    assert "Uw kenmerk: {reference}" in visitor.get(STATUS).text
    assert text_of(visitor.get(f"{STATUS}?version=1").text) == OWN


def test_each_version_says_who_wrote_it_and_only_the_newest_is_in_use(world: World) -> None:
    keep(coordinator(world))
    deputy = coordinator(world, join(world, "d.plaatsvervanger", Role.DEPUTY))
    keep(deputy, OWN.replace("Beste", "Geachte"))
    page = deputy.get(STATUS).text
    versions = re.findall(r"<summary>(\d): ([\w.]+),", page)
    assert versions == [("2", "d.plaatsvervanger"), ("1", "j.coordinator")]
    assert page.count("nu in gebruik") == 1


def test_looking_at_it_shows_a_letter_of_a_made_up_case_and_keeps_nothing(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    page = visitor.post(STATUS, {"seen": "0", "text": OWN, "then": "preview"}).text
    assert "Uw kenmerk: K2345-67890." in page
    assert "K2345-00000" not in page
    with world.database.read() as session:
        assert letter_texts.newest(session, world.ring, Purpose.STATUS, "nl") == 0


@pytest.mark.parametrize(
    "text",
    [
        "Beste {melder}",
        "Beste {desk.__class__}",
        "Beste {desk!r}",
        "Beste {desk:>9}",
        "Beste {0}",
        "Beste {}",
        "Beste {",
        "Beste }",
    ],
)
def test_a_text_that_cannot_be_filled_in_is_given_back_and_not_kept(world: World, text: str) -> None:
    visitor = coordinator(world)
    visitor.get(STATUS)
    answer = visitor.post(STATUS, {"seen": "0", "text": text, "then": "keep"})
    assert answer.status_code == 400
    assert "kan niet worden ingevuld" in answer.text
    assert unescape(text_of(answer.text)) == text


def test_who_changes_a_text_that_another_changed_meanwhile_sees_theirs_first(world: World) -> None:
    visitor = coordinator(world)
    keep(visitor)
    answer = visitor.post(STATUS, {"seen": "0", "text": "Anders.", "then": "keep"})
    assert answer.status_code == 409
    assert text_of(answer.text) == "Anders."
    assert (
        visitor.post(STATUS, {"seen": field(answer.text, "seen"), "text": "Anders.", "then": "keep"}).status_code == 303
    )


def test_a_text_that_somebody_put_into_the_database_counts_for_nothing(world: World) -> None:
    case_id, visitor = world.new_case().case_id, coordinator(world)
    keep(visitor)
    with world.database.begin() as session:
        session.execute(update(Record).where(Record.kind == RecordKind.LETTER_TEXT).values(signature=b"0" * 64))
    assert "Beste melder" not in begun(visitor, case_id)
    assert "(onbekend)" not in visitor.get(STATUS).text


def test_no_word_of_a_text_lies_readable_in_the_database(world: World) -> None:
    keep(coordinator(world))
    with world.database.read() as session:
        (row,) = session.scalars(select(Record).where(Record.kind == RecordKind.LETTER_TEXT)).all()
        assert row.frame is not None
        assert b"Beste melder" not in row.frame
        assert row.signed_by is not None


def test_a_paragraph_without_its_reference_is_left_out(world: World) -> None:
    visitor = coordinator(world)
    keep(visitor, "Hallo.\n\nUiterlijk {answer_by}.\n\nDag.")
    case_id = world.new_case(dues={}).case_id
    with world.database.begin() as session:
        from store.schema import Due

        session.execute(update(Due).where(Due.case_id == case_id).values(state="done"))
    assert begun(visitor, case_id) == "Hallo.\n\nDag.\n"


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_changes_a_text_looks_at_it_keeps_it_and_goes_back(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.get_by_role("navigation", name="Hoofdmenu").get_by_role("link", name="Instellingen").click()
    page.get_by_role("link", name="Teksten van brieven").click()
    page.get_by_role("link", name="Laten weten hoe het ermee staat, Nederlands").click()
    page.get_by_label("Tekst").fill("Beste melder,\n\nUw kenmerk is {reference}.")
    page.get_by_role("button", name="Bekijken", exact=True).click()
    expect(page.get_by_role("region", name="Hoe een brief zou beginnen")).to_contain_text("K2345-67890")
    page.get_by_role("button", name="Deze tekst bewaren").click()
    expect(page.get_by_role("status").first).to_have_text("Brieven beginnen voortaan met deze tekst.")
    page.get_by_role("button", name="Terug naar de tekst van Meldpost").click()
    expect(page.get_by_role("status").first).to_have_text("Brieven beginnen weer met de tekst van Meldpost.")
    expect(page.get_by_label("Tekst")).to_have_value(re.compile("^Goedendag,"))
