"""Who reported is closed until a member says why, on the trail, and closes again."""

import pytest

from store.audit import Action
from store.casework import held_outgoing, view_case
from store.intake import TakenIn
from tests.desk.world import OWN_TEXT, Visitor, World, coordinator

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
