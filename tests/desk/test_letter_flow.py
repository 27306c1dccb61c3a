"""A letter all the way: from the page to the reporter's server and back to the page; in a browser, with and without
JavaScript."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from playwright.sync_api import Page, expect

from cases.lifecycle import Status
from cases.terms import DueKind
from notify.delivery import deliver
from store.lookups import TokenKey
from tests.desk.conftest import log_in, open_who_reported
from tests.desk.test_letters import send, status, waiting, write
from tests.desk.world import World, coordinator
from tests.notify.test_smtp import AnyPort, Keeper


@pytest.fixture
def reporters_server() -> Iterator[tuple[int, Keeper]]:
    keeper = Keeper()
    server = AnyPort(keeper, hostname="127.0.0.1", port=0)
    server.start()
    yield server.port, keeper
    server.stop()


def at_once(world: World, port: int) -> None:
    """Letters go as soon as they are sent, to this port."""
    smtp = world.settings.smtp.model_copy(update={"host": "127.0.0.1", "port": port, "security": "plain"})
    rules = world.settings.rules.model_copy(update={"undo_seconds": 0})
    world.serve(world.settings.model_copy(update={"smtp": smtp, "rules": rules}))


def due_soon(world: World) -> dict[DueKind, datetime]:
    """What is due by the database's clock, too, so that no notice goes out beside the letter."""
    return dict.fromkeys([DueKind.FIRST_MESSAGE, DueKind.FEEDBACK], world.database.now() + timedelta(days=9))


def test_a_letter_goes_from_the_desk_to_the_reporters_server_and_its_answer_finds_the_case(
    world: World, reporters_server: tuple[int, Keeper]
) -> None:
    port, keeper = reporters_server
    at_once(world, port)
    case_id = world.new_case(dues=due_soon(world), more={"message_id": "<een@reporter.example>"}).case_id
    visitor = coordinator(world)
    write(visitor, case_id, "Wij deden navraag. Er volgt een gesprek, omdat dat zo hoort.", purpose="feedback")
    assert send(visitor, case_id).status_code == 303
    assert deliver(world.settings, world.mailer_secrets(), world.database).sent == 1
    (envelope,) = keeper.envelopes
    (row,) = waiting(world)
    found = message_from_bytes(envelope.content, policy=default)
    assert isinstance(found, EmailMessage)
    assert envelope.rcpt_tos == ["appie@reporter.example"]
    assert found.get_content().strip() == "Wij deden navraag. Er volgt een gesprek, omdat dat zo hoort."
    assert found["In-Reply-To"] == "<een@reporter.example>"
    ways_back = [found["Message-ID"], found["Reply-To"], envelope.mail_from]
    tokens = [re.search("[a-z2-7]{32}", way) for way in ways_back]
    assert {TokenKey(1, b"t" * 32).verify(token[0]) for token in tokens if token} == {row.id}
    assert all(tokens)
    page = visitor.get(f"/cases/{case_id}").text
    assert "Verzonden" in page.split(f'id="letter-{row.id}"')[1].split("</header>")[0]
    dues = page.split('id="dues"')[1].split("</section>")[0]
    assert dues.count("Met een brief die is verzonden") == 2
    visitor.post(f"/cases/{case_id}/dues/feedback/open", {"version": visitor.version(case_id)})
    dues = visitor.get(f"/cases/{case_id}").text.split('id="dues"')[1].split("</section>")[0]
    assert dues.count("Met een brief die is verzonden") == 1


LED_TO = {"ask": Status.AWAITING_REPORTER, "referral": Status.REFERRED}


@pytest.mark.parametrize("purpose", LED_TO)
def test_a_case_stands_where_a_letter_leads_once_it_went_where_its_writer_wants_that(
    world: World, reporters_server: tuple[int, Keeper], purpose: str
) -> None:
    port, _ = reporters_server
    at_once(world, port)
    case_id, visitor = world.new_case(dues=due_soon(world)).case_id, coordinator(world)
    secrets = world.mailer_secrets()
    choices: list[tuple[dict[str, str], Status]] = [({}, Status.RECEIVED), ({"move_on": "y"}, LED_TO[purpose])]
    for chosen, after in choices:
        write(visitor, case_id, purpose=purpose)
        send(visitor, case_id, **chosen)
        assert status(world, case_id) == Status.RECEIVED
        assert deliver(world.settings, secrets, world.database).sent == 1
        assert status(world, case_id) == after


@pytest.mark.parametrize("what", ["the reporter wrote", "it was set aside"])
def test_a_case_stays_where_it_is_when_something_happened_before_its_letter_went(
    world: World, reporters_server: tuple[int, Keeper], what: str
) -> None:
    port, _ = reporters_server
    at_once(world, port)
    case_id, visitor = world.new_case(dues=due_soon(world)).case_id, coordinator(world)
    write(visitor, case_id, purpose="ask")
    send(visitor, case_id, move_on="y")
    world.clock.forward(minutes=5)
    after = Status.RECEIVED
    if what == "the reporter wrote":
        world.further_message(case_id, own_text="Schrijf mij hier niet meer.")
    else:
        after = Status.SET_ASIDE
        visitor.post(f"/cases/{case_id}/status", {"version": visitor.version(case_id), "status": after.value})
    assert deliver(world.settings, world.mailer_secrets(), world.database).sent == 1
    assert status(world, case_id) == after


def test_a_letter_waits_until_it_can_be_taken_back_no_longer(
    world: World, reporters_server: tuple[int, Keeper]
) -> None:
    port, keeper = reporters_server
    at_once(world, port)
    rules = world.settings.rules.model_copy(update={"undo_seconds": 600})
    world.serve(world.settings.model_copy(update={"rules": rules}))
    case_id = world.new_case(dues=due_soon(world)).case_id
    visitor = coordinator(world)
    write(visitor, case_id)
    send(visitor, case_id)
    secrets = world.mailer_secrets()
    assert deliver(world.settings, secrets, world.database).handled == 0
    (row,) = waiting(world)
    visitor.post(f"/cases/{case_id}/letter/{row.id}/back")
    assert deliver(world.settings, secrets, world.database).handled == 0
    assert keeper.envelopes == []


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_writes_looks_sends_and_takes_back(
    world: World, new_page: Callable[..., Page], java_script: bool
) -> None:
    world.new_case()
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    page.get_by_role("link", name="K2345-00000").click()
    page.get_by_role("link", name="De melder schrijven").click()
    page.get_by_label("Waar de brief voor is").select_option("Vragen wat er ontbreekt")
    page.get_by_role("button", name="Met deze tekst beginnen").click()
    letter = page.get_by_label("Brief", exact=True)
    expect(letter).to_have_value(re.compile("- uw telefoonnummer"))
    letter.fill("Goedendag,\n\nKunt u ons bellen over de heer Dijkgraaf?")
    page.get_by_label("Bestanden om mee te sturen").set_input_files(
        {"name": "route.txt", "mimeType": "text/plain", "buffer": b"eerste deur links"}
    )
    page.get_by_role("button", name="Bekijken voor het versturen").click()
    expect(page.get_by_role("alert")).to_contain_text("Rolf Dijkgraaf")
    expect(page.get_by_text("route.txt")).to_be_visible()
    page.get_by_label("Ik heb de waarschuwing bekeken").check()
    waits = page.get_by_label("Zet de zaak op: Wacht op melder")
    expect(waits).not_to_be_checked()  # this letter asks something else than was offered
    waits.check()
    page.get_by_role("button", name="Versturen").click()
    sent = page.locator("article.letter")
    expect(sent).to_contain_text("In de wachtrij")
    expect(sent).not_to_contain_text("Kunt u ons bellen")  # to nobody who has not said why they look
    open_who_reported(page)
    expect(sent).to_contain_text("Kunt u ons bellen")
    page.get_by_role("button", name="De brief terughalen").click()
    expect(page.get_by_role("status").first).to_have_text("De brief is teruggehaald. Het is weer uw concept.")
    expect(page.get_by_label("Brief", exact=True)).to_have_value(re.compile("Kunt u ons bellen"))
    expect(page.get_by_role("link", name="route.txt")).to_be_visible()
    page.get_by_role("button", name="Concept weggooien").click()
    expect(page.locator("article.letter")).to_have_count(0)
    expect(page.locator("details.letter")).to_contain_text("ingetrokken")
    expect(page.locator("#status")).to_contain_text("Ontvangen")
