"""The desk without a pointer: what a coordinator does, by keys alone, with and without JavaScript."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from cases.roles import Role
from cases.terms import DueKind
from tests.desk.hands import press, tab_to
from tests.desk.test_queue import CIRCULAR
from tests.desk.world import LOGIN, PASSPHRASE, REPORT, START, World, coordinator, join

NewPage = Callable[..., Page]
SCRIPTED = pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])


def log_in(page: Page) -> None:
    page.goto("/")
    tab_to(page, page.get_by_label("Naam"))
    page.keyboard.type(LOGIN)
    tab_to(page, page.get_by_label("Wachtzin"))
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Uitloggen")).to_be_visible(timeout=30_000)
    page.wait_for_load_state()  # a key that is pressed before the script listens is lost


@SCRIPTED
def test_the_queue_is_filtered_and_a_count_is_followed(world: World, new_page: NewPage, java_script: bool) -> None:
    world.new_case(dues={DueKind.FIRST_LOOK: START - timedelta(days=1)})
    world.new_case(report={**REPORT, "severity": "acuut"})
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    rows = page.get_by_role("row").filter(has_text="K2345")
    expect(rows).to_have_count(2)
    press(page, page.get_by_text("Filters", exact=True))
    tab_to(page, page.get_by_label("Ernst"))
    page.keyboard.type("Acuut")
    press(page, page.get_by_role("button", name="Filteren"))
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("K2345-00001")
    assert "severity=acuut" in page.url
    expect(page.get_by_label("Ernst")).to_have_value("acuut")
    press(page, page.get_by_role("link", name="Alle open zaken"))
    expect(rows).to_have_count(2)
    press(page, page.get_by_role("link", name="1 over de termijn"))
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("K2345-00000")
    assert page.url.endswith("/?due=overdue")


def test_new_mail_is_told_of_in_the_queue_and_shown_when_asked_for(world: World, new_page: NewPage) -> None:
    world.new_case()
    page = new_page()
    log_in(page)
    rows = page.get_by_role("row").filter(has_text="K2345")
    expect(rows).to_have_count(1)
    news = page.get_by_role("status")
    expect(news).to_have_text("")
    for _ in range(2):
        world.new_case()
    expect(news).to_have_text("2 nieuwe berichten. Toon ze")
    expect(rows).to_have_count(1)
    press(page, news.get_by_role("link"))
    expect(rows).to_have_count(3)
    expect(page.get_by_role("status").first).to_have_text("")
    press(page, page.get_by_role("button", name="Uitloggen"))
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()


def test_without_javascript_new_mail_is_there_after_a_reload(world: World, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    log_in(page)
    world.new_case()
    page.reload()
    expect(page.get_by_role("row").filter(has_text="K2345")).to_have_count(1)


def test_single_keys_go_through_the_queue_to_the_search_and_to_their_list(world: World, new_page: NewPage) -> None:
    for day in range(3):
        world.new_case(dues={DueKind.FIRST_LOOK: START + timedelta(days=day)})
    page = new_page()
    log_in(page)
    case = [page.get_by_role("link", name=f"K2345-0000{number}") for number in range(3)]
    for key, number in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(case[number]).to_be_focused()
    box = page.get_by_role("searchbox")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("j/k?")
    expect(box).to_have_value("j/k?")
    expect(box).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Naar de volgende zaak in de lijst")
    page.keyboard.press("j")
    expect(sheet.get_by_role("button", name="Sluiten")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="K2345-00000")).to_be_visible()


def test_single_keys_that_are_turned_off_do_nothing(world: World, new_page: NewPage) -> None:
    world.new_case()
    page = new_page()
    log_in(page)
    press(page, page.get_by_role("link", name="j.coordinator"))
    press(page, page.get_by_role("button", name="Sneltoetsen uitzetten in deze browser"))
    expect(page.get_by_role("button", name="Sneltoetsen aanzetten in deze browser")).to_be_visible()
    press(page, page.get_by_role("link", name="Werkvoorraad").first)
    case = page.get_by_role("link", name="K2345-00000")
    for key in ("j", "/", "?"):
        page.keyboard.press(key)
    expect(case).not_to_be_focused()
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_without_javascript_the_list_of_keys_is_a_page(world: World, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    log_in(page)
    press(page, page.get_by_role("contentinfo").get_by_role("link", name="Sneltoetsen"))
    expect(page.get_by_role("heading", name="Sneltoetsen")).to_be_visible()
    expect(page.get_by_text("Naar de volgende zaak in de lijst")).to_be_visible()


def test_two_members_on_one_case_see_each_other_and_what_changed(world: World, new_page: NewPage) -> None:
    case_id = world.new_case().case_id
    colleague = coordinator(world, join(world, "a.collega", Role.COORDINATOR))
    page = new_page()
    log_in(page)
    press(page, page.get_by_role("link", name="K2345-00000"))
    expect(page.get_by_role("heading", level=1, name="K2345-00000")).to_be_visible()
    news = page.get_by_role("status").first
    expect(news).to_have_text("")
    colleague.get(f"/cases/{case_id}/letter")
    expect(news).to_contain_text("a.collega schrijft een brief in deze zaak.")
    colleague.post(f"/cases/{case_id}/decide/kind", {"version": colleague.version(case_id), "value": "klacht"})
    expect(news).to_contain_text("Deze zaak is gewijzigd nadat u deze pagina opende")
    press(page, news.get_by_role("link", name="Bekijk de zaak zoals die nu is"))
    expect(page.locator("#field-kind .value")).to_have_text("Andere klacht")
    expect(page.get_by_role("status").first).not_to_contain_text("Deze zaak is gewijzigd")


@SCRIPTED
def test_what_is_sent_too_late_is_shown_beside_what_is_there_and_asked_about(
    world: World, new_page: NewPage, java_script: bool
) -> None:
    case_id = world.new_case().case_id
    colleague = coordinator(world, join(world, "a.collega", Role.COORDINATOR))
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.goto(f"/cases/{case_id}")
    colleague.post(f"/cases/{case_id}/decide/kind", {"version": colleague.version(case_id), "value": "klacht"})
    press(page, page.locator("#field-severity").get_by_role("button", name="Akkoord"))
    expect(page.get_by_role("heading", name="Iemand anders was eerder")).to_be_visible()
    press(page, page.get_by_role("button", name="Toch het mijne opslaan"))
    expect(page.locator("#field-severity .by").first).to_contain_text("Vastgesteld door j.coordinator")
    expect(page.locator("#field-kind .value")).to_have_text("Andere klacht")


@SCRIPTED
def test_a_line_of_many_mails_is_opened_and_left_again(world: World, new_page: NewPage, java_script: bool) -> None:
    for _ in range(4):
        world.new_case(own_text=CIRCULAR)
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    world.app.extensions["meldpost-desk"].indexes.wait()
    page.reload()
    rows = page.get_by_role("row").filter(has_text="K2345")
    expect(rows).to_have_count(1)
    press(page, page.get_by_role("link", name="en nog 3 van één afzender of met dezelfde tekst"))
    expect(rows).to_have_count(4)
    press(page, page.get_by_role("link", name="Terug naar alles"))
    expect(rows).to_have_count(1)
