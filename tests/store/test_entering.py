"""Reports that members enter: sealed as those of mails, and theirs by name."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.terms import DueKind
from store import casework, entering
from store.audit import Action
from store.casework import CaseView
from store.changes import Changed
from store.intake import TakenIn
from store.keyring import KeyRing, NotAllowed
from store.letters import NoWay, recipient_of
from tests.store.office import Office, opened_kinds
from tests.store.world import INDEX, NOW, World, mail

CONTACT = {"name": "Sanne Vogel", "email": "sanne@thuis.example", "phone": None, "address": None}
DUES = {
    DueKind.RECEIPT: NOW + timedelta(days=7),
    DueKind.FIRST_LOOK: NOW + timedelta(days=2),
    DueKind.FEEDBACK: NOW + timedelta(days=97),
}


def enter(world: World, ring: KeyRing, contact: dict[str, str | None] | None = None) -> TakenIn:
    new = mail(sender=None, message_ids=[], contact={}, content={"text": "Zwanenzang.", "from": None})
    with world.db.begin() as session:
        return entering.enter(
            *(session, ring, INDEX, world.keys, new),
            reference="AAAAA-BBBBB",
            contact=contact or {},
            due=DUES,
            restriction=None,
            now=NOW,
        )


def look(world: World, case_id: str) -> CaseView:
    with world.db.begin() as session:
        return casework.view_case(session, world.ring, case_id, NOW)


def test_a_report_that_was_entered_is_a_case_and_says_who_entered_it(world: World) -> None:
    taken = enter(world, world.ring, CONTACT)
    view = look(world, taken.case_id)
    assert (view.reference, view.messages[0].sender_is_new, view.damaged, view.foreign) == ("AAAAA-BBBBB", False, 0, ())
    assert {each.kind for each in view.dues} == set(DUES)
    assert view.contact["name"] == "Sanne Vogel"
    assert [(each.by, each.subject_id) for each in view.timeline if each.action is Action.ENTERED] == [
        ("ada", taken.message_id)
    ]


def test_a_letter_goes_to_the_address_that_was_written_down_and_to_no_other(world: World) -> None:
    known = enter(world, world.ring, CONTACT).case_id
    with world.db.read() as session:
        found = recipient_of(session, world.ring, known, ())
    assert not isinstance(found, NoWay)
    assert found.address == "sanne@thuis.example"


def test_without_an_address_there_is_no_way(world: World) -> None:
    case_id = enter(world, world.ring).case_id
    with world.db.read() as session:
        assert recipient_of(session, world.ring, case_id, ()) is NoWay.UNKNOWN


@pytest.mark.parametrize("name", ["ivo", "sam", "aud"])
def test_who_does_not_open_the_desk_enters_nothing(office: Office, name: str) -> None:
    with pytest.raises(NotAllowed):
        enter(office.world, office.ring(name))


def test_who_reported_is_sealed_apart(office: Office) -> None:
    case_id = enter(office.world, office.world.ring, CONTACT).case_id
    assert opened_kinds(office.db, office.everything_of(["ben"]), case_id) >= {"identity", "case"}
    assert opened_kinds(office.db, office.everything_of(["ivo", "sam", "aud"]), case_id) == set()


def test_a_receipt_in_the_post_shortens_the_term_of_feedback_and_never_makes_it_longer(world: World) -> None:
    for days, left in ((92, 92), (120, 97)):
        case_id = enter(world, world.ring).case_id if days == 92 else other(world)
        with world.db.begin() as session:
            entering.receipt_was_posted(
                *(session, world.ring, INDEX, case_id, NOW + timedelta(days=days)), version=1, now=NOW
            )
        due = {each.kind: each.due_at for each in look(world, case_id).dues}
        assert DueKind.RECEIPT not in due
        assert due[DueKind.FEEDBACK] == NOW + timedelta(days=left)
        with world.db.begin() as session, pytest.raises(Changed):
            entering.receipt_was_posted(*(session, world.ring, INDEX, case_id, NOW), version=2, now=NOW)


def other(world: World) -> str:
    return world.open_case(reference="CCCCC-DDDDD", dues=DUES).case_id
