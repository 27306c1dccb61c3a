"""What was typed and not sent is not lost without a word."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.desk.conftest import log_in, open_case
from tests.desk.world import World

NewPage = Callable[..., Page]


class Asked:
    """Each time that the browser asked whether to leave; `stay` is what is answered."""

    def __init__(self, page: Page) -> None:
        self.times, self.stay = 0, True
        page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        assert dialog.type == "beforeunload"
        self.times += 1
        if self.stay:
            dialog.dismiss()
        else:
            dialog.accept()


def _type_a_note(page: Page) -> None:
    page.get_by_label("Nieuwe notitie").fill("Morgen bellen.")


def _correct_the_kind(page: Page) -> None:
    page.locator("#field-kind").get_by_text("Verbeteren").click()
    page.locator("#field-kind").get_by_label("Vraagt advies").check()


def _correct_a_person(page: Page) -> None:
    page.locator("#field-concerned").get_by_text("Verbeteren").click()
    page.locator("#field-concerned").get_by_label("Naam").first.fill("R. Dijkgraaf")


def _write_a_name_down(page: Page) -> None:
    page.locator("#contact").get_by_text("Verbeteren").click()
    page.locator("#contact").get_by_label("Naam").fill("Appie R.")


@pytest.mark.parametrize("change", [_type_a_note, _correct_the_kind, _correct_a_person, _write_a_name_down])
def test_who_leaves_a_changed_form_by_another_button_or_a_link_is_asked_first(
    world: World, new_page: NewPage, change: Callable[[Page], None]
) -> None:
    case_id = world.new_case().case_id
    page = new_page()
    log_in(page)
    open_case(page, case_id)
    page.wait_for_load_state()  # the script runs after what is seen
    asked = Asked(page)
    change(page)
    for times, leave in enumerate(
        (
            *([] if change is _type_a_note else [page.get_by_role("button", name="English")]),  # a note goes along
            page.get_by_role("link", name="Werkvoorraad").first,
            page.locator("#field-severity").get_by_role("button", name="Akkoord"),
        ),
        start=1,
    ):
        leave.click(no_wait_after=True)
        expect(page.get_by_role("button", name="Nederlands")).to_have_attribute("aria-pressed", "true")
        assert (asked.times, page.url.partition("#")[0].endswith(f"/cases/{case_id}")) == (times, True)
    asked.stay = False
    page.get_by_role("link", name="Werkvoorraad").first.click()
    expect(page.get_by_role("heading", name="Werkvoorraad")).to_be_visible()


def test_nobody_is_asked_who_sends_the_form_that_they_changed_or_changed_none(world: World, new_page: NewPage) -> None:
    case_id = world.new_case().case_id
    page = new_page()
    log_in(page)
    open_case(page, case_id)
    page.wait_for_load_state()  # the script runs after what is seen
    asked = Asked(page)
    page.get_by_label("Woorden, een naam of een kenmerk").fill("factuur")
    _type_a_note(page)
    page.get_by_role("button", name="Notitie toevoegen").click()
    expect(page.locator("#notes .note")).to_contain_text(["Morgen bellen."])
    page.get_by_role("link", name="Werkvoorraad").first.click()
    expect(page.get_by_role("heading", name="Werkvoorraad")).to_be_visible()
    assert asked.times == 0


def test_a_form_that_came_back_is_not_left_without_being_asked(world: World, new_page: NewPage) -> None:
    page = new_page()
    log_in(page)
    page.goto("/new")
    asked = Asked(page)
    page.get_by_label("Naam", exact=True).fill("Appie Ramdin")
    page.get_by_role("button", name="Melding invoeren").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert asked.times == 0
    page.wait_for_load_state()
    page.get_by_role("link", name="Werkvoorraad").first.click(no_wait_after=True)
    expect(page.get_by_role("alert")).to_be_visible()
    assert asked.times == 1


def test_who_would_lose_chosen_files_by_choosing_the_other_language_is_told_so_first(
    world: World, new_page: NewPage
) -> None:
    page = new_page()
    log_in(page)
    page.goto("/new")
    page.wait_for_load_state()
    said: list[str] = []
    goes = False

    def answer(dialog: Dialog) -> None:
        said.append(dialog.message)
        if goes:
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", answer)
    page.get_by_label("Wat er is gezegd of geschreven").fill("Zij vertelde dit.")
    files = page.get_by_label("Scan, foto's of pdf")
    files.set_input_files({"name": "scan.png", "mimeType": "image/png", "buffer": b"x"})
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Nieuwe melding")).to_be_visible()
    assert files.evaluate("one => one.files.length") == 1
    goes = True
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="New report")).to_be_visible()
    expect(page.get_by_text("Choose your files again.")).to_be_visible()
    assert [each.partition("taal")[0] for each in said] == ["Bestanden gaan niet mee naar de andere "] * 2
    page.get_by_role("button", name="Nederlands").click()  # no file is chosen: nobody is asked
    expect(page.get_by_role("heading", name="Nieuwe melding")).to_be_visible()
    assert len(said) == 2


def test_a_page_with_typed_text_still_leaves_the_screen_when_the_session_ends(world: World, new_page: NewPage) -> None:
    case_id = world.new_case().case_id
    page = new_page()
    page.clock.install()
    log_in(page)
    page.goto(f"/cases/{case_id}")
    asked = Asked(page)
    _type_a_note(page)
    world.clock.forward(minutes=16)
    page.clock.run_for(16 * 60 * 1000)
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()
    assert asked.times == 0
