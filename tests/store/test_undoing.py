"""What a person decided is taken back: what was before it is there again, and both stand on the timeline."""

from datetime import timedelta

import pytest

from cases.terms import DueKind
from config.taxonomy import Severity
from store import changes, undoing
from store.audit import Action
from store.casework import CaseView, ContactWritten, FirstLook
from store.changes import Changed
from store.queue import queue_page
from tests.store.office import Office
from tests.store.test_changes import INDEX, NOW, dues, look
from tests.store.world import World

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def decide(world: World, case_id: str, later: int = 0, **decided: object) -> None:
    version = look(world, case_id).version
    now = NOW + timedelta(minutes=later)
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, case_id, decided, version=version, now=now)


def undo(world: World, case_id: str, *parts: str) -> CaseView:
    view = look(world, case_id)
    with world.db.begin() as session:
        undoing.undo_decisions(
            *(session, world.ring, INDEX, case_id, parts), suggested=view.suggested, version=view.version, now=LATER
        )
    return look(world, case_id)


def answer(world: World, case_id: str, severity: Severity = Severity.LAAG) -> None:
    version = look(world, case_id).version
    answers = FirstLook(clear=True, breach=True, severity=severity)
    with world.db.begin() as session:
        changes.answer_first_look(session, world.ring, INDEX, case_id, answers, version=version, now=NOW)


def take_back(world: World, case_id: str) -> CaseView:
    view = look(world, case_id)
    with world.db.begin() as session:
        undoing.undo_first_look(
            *(session, world.ring, INDEX, case_id), suggested=view.suggested, version=view.version, now=LATER
        )
    return look(world, case_id)


def shown(world: World) -> tuple[str | None, str | None]:
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    return row.primary, row.severity


def test_each_undo_goes_one_decision_back_down_to_what_the_machine_suggests(world: World, case_id: str) -> None:
    suggested = shown(world)[0]
    decide(world, case_id, 1, primary="intimidatie")
    decide(world, case_id, 2, primary="strafbaar_feit")
    after = undo(world, case_id, "primary")
    assert (after.report["primary"], after.decisions["primary"].by) == ("intimidatie", "ada")
    assert shown(world)[0] == "intimidatie"
    after = undo(world, case_id, "primary")
    assert (after.report["primary"], dict(after.decisions)) == (suggested, {})
    assert shown(world)[0] == suggested
    with pytest.raises(Changed):
        undo(world, case_id, "primary")


def test_what_was_decided_at_once_is_undone_at_once_and_the_rest_stays(world: World, case_id: str) -> None:
    decide(world, case_id, 1, kind="advies")
    decide(world, case_id, 2, kind="melding", severity="laag")
    after = undo(world, case_id, "kind", "severity")
    assert {part: each.value for part, each in after.decisions.items()} == {"kind": "advies"}
    told = [(event.action, event.detail.get("part")) for event in after.timeline if "part" in event.detail]
    assert set(told[-4:]) == {
        (Action.DECIDE, "kind"),
        (Action.DECIDE, "severity"),
        (Action.DECISION_UNDONE, "kind"),
        (Action.DECISION_UNDONE, "severity"),
    }


def correct(world: World, case_id: str, later: int, **contact: str) -> None:
    version, now = look(world, case_id).version, NOW + timedelta(minutes=later)
    with world.db.begin() as session:
        changes.correct_contact(session, world.ring, INDEX, case_id, contact, version=version, now=now)


def undo_correction(world: World, case_id: str) -> CaseView:
    version = look(world, case_id).version
    with world.db.begin() as session:
        undoing.undo_contact(session, world.ring, INDEX, case_id, version=version, now=LATER)
    return look(world, case_id)


def test_each_undo_of_contact_details_goes_one_correction_back_down_to_what_the_messages_tell(
    world: World, case_id: str
) -> None:
    told = look(world, case_id).contact
    assert look(world, case_id).contact_written is None
    correct(world, case_id, 1, name="Sanne Boom", phone="06 1")
    correct(world, case_id, 2, name="S. Boom", phone="06 2")
    after = undo_correction(world, case_id)
    assert (after.contact["name"], after.contact["phone"]) == ("Sanne Boom", "06 1")
    assert after.contact_written == ContactWritten("ada", NOW + timedelta(minutes=1), True)
    correct(world, case_id, 3, name="Anders", phone="06 3")
    assert undo_correction(world, case_id).contact["phone"] == "06 1"
    after = undo_correction(world, case_id)
    assert (after.contact, after.contact_written) == (told, None)
    undone = [event.detail for event in after.timeline if event.action is Action.DECISION_UNDONE]
    assert undone == [{"part": "contact"}] * 3
    with pytest.raises(Changed):
        undo_correction(world, case_id)
    assert look(world, case_id).without_identity().contact_written is None


def test_who_corrected_contact_details_stands_there_also_when_another_undid_what_came_after(office: Office) -> None:
    world = office.world
    case_id = world.open_case().case_id
    correct(world, case_id, 1, phone="06 1")
    correct(world, case_id, 2, phone="06 2")
    with office.db.begin() as session:
        undoing.undo_contact(session, office.ring("ben"), INDEX, case_id, version=3, now=LATER)
    assert look(world, case_id).contact_written == ContactWritten("ada", NOW + timedelta(minutes=1), True)


def test_answers_of_the_first_look_that_are_taken_back_are_due_as_before(world: World, case_id: str) -> None:
    before, severity = dues(world, case_id)[DueKind.FIRST_LOOK], shown(world)[1]
    answer(world, case_id, Severity.ACUUT)
    assert DueKind.FIRST_LOOK not in dues(world, case_id)
    after = take_back(world, case_id)
    assert after.first_look is None
    assert dues(world, case_id)[DueKind.FIRST_LOOK] == before
    assert shown(world)[1] == severity
    assert [event.action for event in after.timeline if "first_look" in event.action] == [
        Action.FIRST_LOOK,
        Action.FIRST_LOOK_UNDONE,
    ]
    with pytest.raises(Changed):
        take_back(world, case_id)
    answer(world, case_id)
    again = look(world, case_id).first_look
    assert again is not None
    assert again.answers.severity is Severity.LAAG
