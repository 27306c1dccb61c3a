"""Who reported is closed until a member says why, on the trail, and closes again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from store.audit import Action
from store.casework import held_outgoing, view_case
from store.intake import TakenIn
from tests.desk.conftest import log_in
from tests.desk.world import OWN_TEXT, Visitor, World, coordinator, found_file

WHY = "Ik bel de melder over de facturen."
TELLING = (
    "Ramdin",
    "appie@reporter.example",
    "brief.txt",
    "Melding over facturen",
    OWN_TEXT,
    "Wij hebben uw bericht ontvangen.",
)


@pytest.fixture
def taken(world: World) -> TakenIn:
    taken = world.new_case(masked_text="Over facturen. Met groet, ▇▇▇", files=[("brief.txt", b"x")])
    world.hold_receipt(taken.case_id)
    return taken


def say_why(visitor: Visitor, case_id: str) -> str:
    assert visitor.post(f"/cases/{case_id}/identity", {"reason": WHY}).status_code == 303
    return visitor.get(f"/cases/{case_id}").text


def statuses(visitor: Visitor, taken: TakenIn) -> set[int]:
    """The answers to everything that hands on what the identity key opens."""
    parts = ("text", "html", "original", "keys/1")
    found = {visitor.get(f"/cases/{taken.case_id}/messages/{taken.message_id}/{part}").status_code for part in parts}
    found.add(visitor.get(f"/cases/{taken.case_id}/attachments/{'0' * 32}").status_code)
    contact = {"version": visitor.version(taken.case_id), "name": "Iemand anders"}
    return found | {visitor.post(f"/cases/{taken.case_id}/contact", contact).status_code}


def test_the_page_of_a_case_tells_nothing_of_who_reported_until_somebody_says_why(world: World, taken: TakenIn) -> None:
    visitor = coordinator(world, reason="")
    page = visitor.get(f"/cases/{taken.case_id}").text
    assert "Met groet, ▇▇▇" in page
    for told in TELLING:
        assert told not in page
    assert statuses(visitor, taken) == {403}
    page = say_why(visitor, taken.case_id)
    assert "Appie Ramdin" in page
    assert "brief.txt" in page
    assert 403 not in statuses(visitor, taken)


@pytest.mark.parametrize("reason", ["", "  "])
def test_no_reason_opens_nothing(world: World, taken: TakenIn, reason: str) -> None:
    visitor = coordinator(world, reason="")
    visitor.get(f"/cases/{taken.case_id}")
    page = visitor.post(f"/cases/{taken.case_id}/identity", {"reason": reason}).text
    assert "Schrijf op waarom" in page
    assert "Ramdin" not in page
    assert "Ramdin" not in visitor.get(f"/cases/{taken.case_id}").text


def test_the_reason_stands_on_the_trail_sealed_to_the_case(world: World, taken: TakenIn) -> None:
    say_why(coordinator(world, reason=""), taken.case_id)
    with world.database.begin() as session:
        view = view_case(session, world.ring, taken.case_id, world.clock.now)
    opened = [event for event in view.timeline if event.action is Action.IDENTITY_OPENED]
    assert [(event.by, event.detail["reason"]) for event in opened] == [("j.coordinator", WHY)]
    assert WHY.encode() not in b"".join(path.read_bytes() for path in world.secrets.directory.parent.glob("desk.db*"))


def test_it_is_open_for_one_case_in_one_log_in_and_closes_after_a_while(world: World, taken: TakenIn) -> None:
    other = world.new_case(masked_text="▇▇▇")
    visitor = coordinator(world, reason="")
    assert "Ramdin" in say_why(visitor, taken.case_id)
    assert "Ramdin" not in visitor.get(f"/cases/{other.case_id}").text
    assert "Ramdin" not in coordinator(world, reason="").get(f"/cases/{taken.case_id}").text
    for _ in range(6):
        world.clock.forward(minutes=9)
        assert "Ramdin" in visitor.get(f"/cases/{taken.case_id}").text
    world.clock.forward(minutes=7)
    assert "Ramdin" not in visitor.get(f"/cases/{taken.case_id}").text
    assert "Ramdin" in say_why(visitor, taken.case_id)


def test_work_on_a_case_and_its_mail_need_no_look_at_who_reported(world: World, taken: TakenIn) -> None:
    visitor = coordinator(world, reason="")
    sent = {"version": visitor.version(taken.case_id), "value": "laag"}
    assert visitor.post(f"/cases/{taken.case_id}/decide/severity", sent).status_code == 303
    assert visitor.post(f"/cases/{taken.case_id}/notes", {"text": "Gelezen."}).status_code == 303
    world.further_message(taken.case_id, report={"severity": "acuut", "kind": "aanvulling"})
    visitor.get(f"/cases/{taken.case_id}")
    visitor.get("/receipts/")
    assert visitor.post("/receipts/", {"which": "all", "shown": waiting(world)}).status_code == 303
    assert "1 mail is onderweg" in visitor.get("/receipts/").text


def waiting(world: World) -> str:
    """The mail that waits."""
    with world.database.read() as session:
        return held_outgoing(session, world.ring)[0].id


def test_while_it_is_closed_the_masked_subject_stands_there_and_which_kinds_of_files_came(world: World) -> None:
    named = found_file("foto van Appie.png", "image/png")
    odd = found_file("x", "application/x-ramdin")
    case_id = world.new_case(masked_subject="Over ▇▇▇ & co", found=[named, named, odd]).case_id
    page = coordinator(world, reason="").get(f"/cases/{case_id}").text
    assert "Bericht 1: Over ▇▇▇ &amp; co" in page
    assert "3 bijlagen (Afbeelding, een andere soort)" in page
    assert "foto van" not in page
    assert "x-ramdin" not in page


QUOTING = "Zie onder.\n\nOp maandag 2 maart 2026 om 10:30 schreef ▇▇▇ <▇▇▇>:\n> Wat daar stond."


def test_while_it_is_closed_what_a_message_quotes_is_folded(world: World, new_page: Callable[..., Page]) -> None:
    case_id = world.new_case(masked_text=QUOTING).case_id
    page = new_page()
    log_in(page)
    page.goto(f"/cases/{case_id}")
    expect(page.get_by_text("Zie onder.")).to_be_visible()
    expect(page.get_by_text("Wat daar stond.")).to_be_hidden()
    page.get_by_text("Aangehaald uit eerdere berichten").click()
    expect(page.get_by_text("Wat daar stond.")).to_be_visible()


def test_what_is_nothing_but_quoted_is_not_folded_while_it_is_closed(world: World) -> None:
    case_id = world.new_case(masked_text=QUOTING.removeprefix("Zie onder.\n\n")).case_id
    assert "Wat daar stond." in coordinator(world, reason="").get(f"/cases/{case_id}").text
