"""Who opens a case is shown, given, taken away and kept from on its page."""

import pytest
from sqlalchemy import update

from cases.roles import Role
from store.audit import Action
from store.casework import view_case
from store.keyring import KeyRing
from store.schema import CaseFile
from tests.desk.world import OWN_TEXT, Visitor, World, coordinator, join

WHY = "Onderzoek naar de kantine."
MASKED = "Rolf Dijkgraaf vraagt leveranciers om 10 procent. Met groet, ▇▇▇"


def send(visitor: Visitor, case_id: str, action: str, member: str, **more: str) -> str:
    """Change access as a page does that was just opened; gives the page that follows."""
    sent = {"version": visitor.version(case_id), "member": member, "reason": WHY, **more}
    answer = visitor.post(f"/cases/{case_id}/access/{action}", sent)
    if answer.status_code == 400:
        return answer.text
    assert answer.status_code == 303
    return visitor.get(answer.headers["Location"].split("#")[0]).text


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case(masked_text=MASKED, files=[("brief.txt", b"x")]).case_id


def reads(world: World, ring: KeyRing, case_id: str) -> Visitor:
    visitor = coordinator(world, ring)
    assert visitor.get(f"/cases/{case_id}").status_code == 200
    return visitor


def closed_to(world: World, ring: KeyRing, case_id: str) -> Visitor:
    """For this member there is no such case: not listed, not opened, not found."""
    visitor = coordinator(world, ring)
    assert "K2345" not in visitor.get("/").text
    assert visitor.get(f"/cases/{case_id}").status_code == 404
    assert "K2345" not in visitor.search("Dijkgraaf").text
    return visitor


def test_an_investigator_has_a_queue_of_what_was_granted_and_reads_it_without_the_reporter(
    world: World, case_id: str
) -> None:
    world.new_case()
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    assert "geen enkele zaak toegang" in closed_to(world, ivo, case_id).get("/").text
    page = send(coordinator(world), case_id, "grant", ivo.member_id)
    assert "zonder wie er meldde" in page
    assert f"Gaf ivo toegang tot de zaak. Reden: {WHY}" in page
    visitor = reads(world, ivo, case_id)
    queue = visitor.get("/").text
    assert "Uw zaken" in queue
    assert "K2345-00000" in queue
    assert "K2345-00001" not in queue
    page = visitor.get(f"/cases/{case_id}").text
    assert "vraagt leveranciers om" in page
    assert "Met groet, ▇▇▇" in page
    for told in ("Ramdin", "appie@reporter.example", "brief.txt", "Melding over facturen", OWN_TEXT):
        assert told not in page


def test_who_has_no_identity_key_gets_no_file_text_or_original_by_its_address(world: World) -> None:
    taken = world.new_case(files=[("brief.txt", b"x")])
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    send(coordinator(world), taken.case_id, "grant", ivo.member_id)
    visitor = reads(world, ivo, taken.case_id)
    for part in ("text", "html", "original", "keys/1"):
        assert visitor.get(f"/cases/{taken.case_id}/messages/{taken.message_id}/{part}").status_code in (403, 404)
    contact = {"version": visitor.version(taken.case_id), "name": "Iemand anders"}
    assert visitor.post(f"/cases/{taken.case_id}/contact", contact).status_code == 403


def test_an_investigator_writes_notes_and_decides_and_the_secretary_general_only_reads(
    world: World, case_id: str
) -> None:
    ivo, sam = join(world, "ivo", Role.INVESTIGATOR), join(world, "sam", Role.SECRETARY_GENERAL)
    head = coordinator(world)
    for member in (ivo, sam):
        send(head, case_id, "grant", member.member_id, identity="yes")
    visitor = reads(world, ivo, case_id)
    assert visitor.post(f"/cases/{case_id}/notes", {"text": "Gehoord op maandag."}).status_code == 303
    sent = {"version": visitor.version(case_id), "value": "laag"}
    assert visitor.post(f"/cases/{case_id}/decide/severity", sent).status_code == 303
    status = {"version": visitor.version(case_id), "status": "assessing"}
    assert visitor.post(f"/cases/{case_id}/status", status).status_code == 303
    reader = reads(world, sam, case_id)
    page = reader.get(f"/cases/{case_id}").text
    assert "Gehoord op maandag." in page
    assert "Appie Ramdin" in page
    assert 'id="access"' not in page
    for part in ("notes", "decide/severity", "status", "first-look", "contact", "access/grant", "hold", "release"):
        assert f'action="/cases/{case_id}/{part}"' not in page
        assert reader.post(f"/cases/{case_id}/{part}").status_code == 403


def test_access_is_taken_away_on_the_page(world: World, case_id: str) -> None:
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    head = coordinator(world)
    page = send(head, case_id, "grant", ivo.member_id, identity="yes")
    assert "met wie er meldde" in page
    assert "door j.coordinator" in page
    reads(world, ivo, case_id)
    send(head, case_id, "withdraw", ivo.member_id)
    closed_to(world, ivo, case_id)
    assert head.get(f"/cases/{case_id}").status_code == 200


def test_a_member_is_kept_out_and_let_in_again_on_the_page(world: World, case_id: str) -> None:
    ben = join(world, "ben", Role.DEPUTY)
    head = coordinator(world)
    reads(world, ben, case_id)
    page = send(head, case_id, "shut-out", ben.member_id, by_request="yes")
    assert "Afgeschermd" in page
    assert f"Hield ben buiten de zaak, op verzoek van de melder. Reden: {WHY}" in page
    closed_to(world, ben, case_id)
    page = send(head, case_id, "grant", ben.member_id)
    assert "Laat het alleen uitdrukkelijk weer toe" in page
    closed_to(world, ben, case_id)
    send(head, case_id, "let-in", ben.member_id, identity="yes")
    reads(world, ben, case_id)


def test_who_keeps_themselves_out_is_led_to_the_queue(world: World, case_id: str) -> None:
    join(world, "ben", Role.DEPUTY)
    page = send(coordinator(world), case_id, "shut-out", world.ring.member_id)
    assert "Werkvoorraad" in page
    closed_to(world, world.ring, case_id)


def test_the_last_who_may_manage_access_is_not_kept_out(world: World, case_id: str) -> None:
    assert "niemand overblijven" in send(coordinator(world), case_id, "shut-out", world.ring.member_id)
    reads(world, world.ring, case_id)


def test_access_does_not_change_without_a_reason_or_by_a_page_that_is_out_of_date(world: World, case_id: str) -> None:
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    head = coordinator(world)
    assert "Schrijf op waarom" in send(head, case_id, "grant", ivo.member_id, reason=" ")
    old = head.version(case_id)
    send(head, case_id, "grant", ivo.member_id)
    for action in ("withdraw", "shut-out"):
        assert "Iemand heeft de zaak gewijzigd" in send(head, case_id, action, ivo.member_id, version=old)
    reads(world, ivo, case_id)


def test_access_changes_only_by_a_form_of_the_desk(world: World, case_id: str) -> None:
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    visitor = coordinator(world)
    sent = {"version": visitor.version(case_id), "member": ivo.member_id, "reason": WHY, "csrf_token": ""}
    for action in ("grant", "let-in", "withdraw", "shut-out"):
        assert visitor.post(f"/cases/{case_id}/access/{action}", sent).status_code == 400
    with world.database.begin() as session:
        told = {event.action for event in view_case(session, world.ring, case_id, world.clock.now).timeline}
    assert not told & {Action.ACCESS_GRANTED, Action.ACCESS_WITHDRAWN, Action.SHUT_OUT}


def test_who_keeps_a_member_out_is_told_which_linked_cases_stay_open_to_them(world: World, case_id: str) -> None:
    linked = world.new_case().case_id
    page = coordinator(world).get(f"/cases/{case_id}").text
    assert "Voor elke gekoppelde zaak geldt eigen toegang" not in page
    with world.database.begin() as session:
        session.execute(update(CaseFile).where(CaseFile.id == linked).values(linked_case_id=case_id))
    page = coordinator(world).get(f"/cases/{case_id}").text
    assert "Voor elke gekoppelde zaak geldt eigen toegang" in page
    assert f'href="/cases/{linked}#access"' in page
