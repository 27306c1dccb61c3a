"""What a person is told after a form: that it is done, in sight and at the place that changed; or what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from cases.roles import Role
from tests.desk.conftest import log_in, open_case
from tests.desk.world import World, coordinator, join

NewPage = Callable[..., Page]
both = pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without"])


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.className"))


@pytest.mark.system
@both
def test_what_is_saved_is_said_in_sight_and_the_focus_is_where_it_changed(
    world: World, new_page: NewPage, *, java_script: bool
) -> None:
    case_id = world.new_case().case_id
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    open_case(page, case_id)
    page.get_by_label("Nieuwe notitie").fill("Gebeld.")
    page.get_by_role("button", name="Notitie toevoegen").click()
    page.wait_for_url("**#notes")
    said = page.locator(".said")
    assert said.inner_text() == "De notitie is toegevoegd."
    assert said.get_attribute("role") == "status"
    top = said.bounding_box()
    assert top is not None
    assert 0 <= top["y"] < 720
    assert focused(page) == "notes"


@pytest.mark.system
def test_what_is_saved_is_put_into_the_live_region_once_the_page_is_there(world: World, new_page: NewPage) -> None:
    """A region that is there from the beginning is read by nobody: only what changes in it is."""
    page = new_page()
    page.add_init_script("""
        new MutationObserver((seen) => {
          for (const { target } of seen) {
            if (target.className === "said" && document.readyState === "complete") {
              document.documentElement.dataset.told = target.textContent.trim();
            }
          }
        }).observe(document, { childList: true, subtree: true });
    """)
    log_in(page)
    page.goto("/keys")
    page.get_by_role("button", name="uitzetten").click()
    page.locator("html[data-told]").wait_for(state="attached")
    assert "Sneltoetsen" in (page.locator("html").get_attribute("data-told") or "")


@pytest.mark.system
@both
def test_what_is_wrong_stands_on_top_has_the_focus_and_leads_to_the_fields(
    world: World, new_page: NewPage, *, java_script: bool
) -> None:
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.goto("/new")
    page.get_by_label("Dag waarop").fill("")
    page.get_by_role("button", name="De melding invoeren").click()
    summary = page.get_by_role("alert")
    summary.wait_for()
    assert focused(page) == "message bad faults"
    assert page.title().startswith("Fout:")
    links = {each.inner_text(): each.get_attribute("href") or "" for each in summary.get_by_role("link").all()}
    assert list(links.values()) == ["#enter-way", "#enter-received", "#enter-text"]
    for place in links.values():
        summary.locator(f'a[href="{place}"]').click()
        assert focused(page) == place[1:]
    received = page.get_by_label("Dag waarop")
    assert received.get_attribute("aria-invalid") == "true"
    assert received.get_attribute("aria-describedby") == "enter-received-hint enter-received-error"
    assert "Fout:" in page.locator("#enter-received-error").inner_text()


FORMS = {
    "a note": ("/cases/{case}/notes", {"text": ""}, ["note"]),
    "the kind": ("/cases/{case}/decide/kind", {"value": "x"}, ["field-kind-in"]),
    "persons": ("/cases/{case}/decide/concerned", {"value-0-name": "x" * 301}, ["field-concerned-in-value-0-name"]),
    "the first look": ("/cases/{case}/first-look", {}, ["look-clear", "look-breach", "look-severity"]),
    "the status": ("/cases/{case}/status", {"status": "closed"}, ["outcome", "approver"]),
    "who reported": ("/cases/{case}/contact", {"email": "x" * 301}, ["contact-email"]),
    "a reason": ("/cases/{case}/identity", {"reason": ""}, ["identity-reason"]),
    "access": ("/cases/{case}/access/grant", {"reason": " "}, ["grant-reason"]),
    "a hold": ("/cases/{case}/hold", {"reason": ""}, ["hold-reason"]),
    "a letter": ("/cases/{case}/letter", {"text": ""}, ["purpose", "letter-language", "letter-text"]),
    "a member": ("/members/add", {"login": ""}, ["login", "address", "role", "passphrase"]),
    "a passphrase": ("/own/passphrase", {}, ["before", "after", "repeated"]),
    "a search": ("/search", {"words": "x" * 400}, ["search-words"]),
    "a report": ("/new", {}, ["enter-way", "enter-received", "enter-text"]),
    "a text": ("/settings/letters/status/nl", {"seen": "0"}, ["text"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_on_top_what_is_wrong_and_leads_there(world: World, form: str) -> None:
    path, fields, places = FORMS[form]
    case_id = world.new_case().case_id
    join(world, "ivo", Role.INVESTIGATOR)
    visitor = coordinator(world, reason="" if form == "a reason" else "Behandeling.")
    page = visitor.post(path.format(case=case_id), {**fields, "version": visitor.version(case_id)})
    assert page.status_code == 400
    summary = page.text[page.text.index('class="message bad faults"') :].partition("</ul>")[0]
    assert 'role="alert" tabindex="-1" autofocus' in summary
    assert re.findall('href="#([^"]+)"', summary) == places
    for place in places:
        assert f'id="{place}"' in page.text
        described = re.search(
            rf'aria-describedby="(?:{place}-hint )?{place}-error"[^>]* aria-invalid="true"', page.text
        )
        assert described or re.search(rf'aria-invalid="true"[^>]*aria-describedby="[^"]*{place}-error', page.text), (
            place
        )


def test_where_nothing_is_wrong_nothing_is_said(world: World) -> None:
    case_id = world.new_case().case_id
    page = coordinator(world).get(f"/cases/{case_id}").text
    assert "faults" not in page
    assert "aria-invalid" not in page
    assert "<title>Fout" not in page
