"""What the desk sees of a case: every look and download on the trail, and nothing of another desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from cases.lifecycle import Status
from cases.terms import DoneReason, DueKind
from config.taxonomy import MissingField, Severity
from store import casework, changes, mailer_contact
from store.audit import Action
from store.casework import CaseView, FirstLook, NotFound
from store.database import Database
from store.intake import add_message
from store.mailer_contact import Contact
from store.outbox import OutboxState
from store.queue import queue_page
from store.records import RecordKind
from store.schema import Audit
from tests.store.world import INDEX, NOW, World, damage, empty, mail, make_world

CLEAR = FirstLook(clear=True, breach=True, severity=Severity.HOOG)


def look(world: World, case_id: str) -> CaseView:
    with world.db.begin() as session:
        return casework.view_case(session, world.ring, case_id, NOW)


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def test_every_look_is_on_the_trail_with_who_looked(world: World, case_id: str) -> None:
    look(world, case_id)
    events = look(world, case_id).timeline
    assert [(event.action, event.by) for event in events] == [
        (Action.INTAKE, None),
        (Action.LOOK, "ada"),
        (Action.LOOK, "ada"),
    ]


def test_the_mailer_knows_of_a_reporter_what_it_needs_and_the_newest_of_it(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        for language in ("nl", "en"):
            contact = Contact("sanne@thuis.example", language, (MissingField.PHONE,))
            mailer_contact.write(session, world.keys.mailer, case_id, contact, NOW)
    with world.db.read() as session:
        assert mailer_contact.read(session, world.mailer, case_id) == contact


def test_a_copy_of_what_was_written_to_the_reporter_is_there_to_read(world: World, case_id: str) -> None:
    copy = {"kind": "receipt", "subject": "Ontvangen", "text": "Dank.", "to": "sanne@thuis.example"}
    world.enqueue(case_id=case_id, copy=copy)
    (mail_out,) = look(world, case_id).outgoing
    assert (mail_out.subject, mail_out.text, mail_out.to) == ("Ontvangen", "Dank.", "sanne@thuis.example")
    assert mail_out.state is OutboxState.QUEUED


def test_what_later_mails_add_is_missing_no_longer(world: World, case_id: str) -> None:
    more = mail(
        report={"missing": ["concerned_name", "address"], "concerned": [{"name": "Kees Bon"}]},
        contact={"phone": "06 2"},
    )
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, more, sender_is_new=False, now=NOW)
    view = look(world, case_id)
    assert view.report["missing"] == ["address"]
    assert [person["name"] for person in view.report["concerned"]] == ["Rolf Dijkgraaf", "Kees Bon"]
    assert view.contact["phone"] == "06 2"


def test_a_case_of_another_desk_is_as_one_that_never_was(db: Database) -> None:
    one, two = make_world(db, "een"), make_world(db, "twee")
    taken = two.open_case()
    attempts = (
        lambda session: casework.view_case(session, one.ring, taken.case_id, NOW),
        lambda session: changes.decide(session, one.ring, INDEX, taken.case_id, {"kind": "x"}, version=1, now=NOW),
        lambda session: changes.correct_contact(session, one.ring, INDEX, taken.case_id, {}, version=1, now=NOW),
        lambda session: changes.finish_due(
            session, one.ring, INDEX, taken.case_id, DueKind.FEEDBACK, DoneReason.DONE, version=1, now=NOW
        ),
        lambda session: changes.reopen_due(
            session, one.ring, INDEX, taken.case_id, DueKind.FEEDBACK, version=1, now=NOW
        ),
        lambda session: changes.answer_first_look(session, one.ring, INDEX, taken.case_id, CLEAR, version=1, now=NOW),
        lambda session: changes.change_status(
            session, one.ring, INDEX, taken.case_id, Status.SET_ASIDE, version=1, now=NOW
        ),
        lambda session: changes.add_note(session, one.ring, INDEX, taken.case_id, "x", NOW),
    )
    for attempt in attempts:
        with db.begin() as session, pytest.raises(NotFound):
            attempt(session)
    with pytest.raises(NotFound), casework.download_raw(db, one.ring, taken.case_id, taken.message_id, NOW):
        pass
    with db.read() as session:
        assert queue_page(session, one.ring).rows == ()
        assert session.scalars(select(Audit).where(Audit.desk == "een", Audit.case_id == taken.case_id)).all() == []


def test_an_attachment_of_another_case_is_not_found(world: World, case_id: str) -> None:
    other = world.open_case(reference="BBBBB-BBBBB").case_id
    attachment = look(world, other).messages[0].content["attachments"][0]["id"]
    with pytest.raises(NotFound), casework.download_attachment(world.db, world.ring, case_id, attachment, NOW):
        pass
    with pytest.raises(NotFound), casework.download_raw(world.db, world.ring, case_id, attachment, NOW):
        pass


def test_a_download_is_on_the_trail_before_it_begins(world: World, case_id: str) -> None:
    message = look(world, case_id).messages[0].id
    with casework.download_raw(world.db, world.ring, case_id, message, NOW):
        events = [event.action for event in look(world, case_id).timeline]
    assert Action.DOWNLOAD in events


def test_linked_cases_show_each_other(world: World, case_id: str) -> None:
    other = world.open_case(reference="BBBBB-BBBBB", linked_case=case_id).case_id
    assert look(world, case_id).linked_case_ids == (other,)
    assert look(world, other).linked_case_ids == (case_id,)


def test_a_case_was_received_when_its_first_mail_arrived(world: World) -> None:
    last_year = NOW - timedelta(days=400)
    case_id = world.open_case(mail(received_at=last_year)).case_id
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, mail(), sender_is_new=False, now=NOW)
    assert look(world, case_id).received_at == last_year
    with world.db.read() as session:
        assert queue_page(session, world.ring).rows[0].received_at == last_year


def test_a_reminder_that_waits_is_nothing_that_a_person_must_see_to(world: World) -> None:
    case_id = world.open_case(dues={DueKind.REMINDER: NOW, DueKind.FEEDBACK: NOW + timedelta(days=9)}).case_id
    view = look(world, case_id)
    assert view.next_due is not None
    assert view.next_due.kind is DueKind.FEEDBACK
    later = NOW + timedelta(days=1)
    assert [due.overdue(later) for due in view.dues] == [False, False]


DAMAGED = (
    RecordKind.MESSAGE,
    RecordKind.REPORT,
    RecordKind.MASKED,
    RecordKind.CARD,
    RecordKind.NOTE,
    RecordKind.DECISIONS,
    RecordKind.FIRST_LOOK,
)


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("how", [damage, empty])
def test_a_damaged_record_hides_no_other_and_is_counted(
    world: World, case_id: str, kind: RecordKind, how: Callable[..., None]
) -> None:
    with world.db.begin() as session:
        changes.add_note(session, world.ring, INDEX, case_id, "Eerste", NOW)
        changes.decide(session, world.ring, INDEX, case_id, {"kind": "melding"}, version=1, now=NOW)
        changes.answer_first_look(session, world.ring, INDEX, case_id, CLEAR, version=2, now=NOW)
        changes.add_note(session, world.ring, INDEX, case_id, "Tweede", NOW)
    whole = look(world, case_id)
    how(world.db, case_id, kind)
    view = look(world, case_id)
    assert (whole.damaged, view.damaged) == (0, 1)
    assert len(view.messages) == 1
    assert [note.text for note in view.notes] == (["Tweede"] if kind is RecordKind.NOTE else ["Eerste", "Tweede"])
    with world.db.begin() as session:
        changes.renew_card(session, world.ring, INDEX, view, NOW)
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    assert (row.case_id, row.damaged) == (case_id, kind is RecordKind.CARD)


def test_a_sender_whose_mail_is_damaged_is_taken_for_nobody_we_know(world: World, case_id: str) -> None:
    damage(world.db, case_id, RecordKind.MESSAGE)
    view = look(world, case_id)
    assert view.messages[0].sender_is_new
    assert view.contact["name"] is None


def test_a_case_without_its_identity_holds_nothing_that_the_identity_key_opens(world: World) -> None:
    case_id = world.open_case().case_id
    whole = look(world, case_id)
    assert whole.contact["name"] == "Sanne Vogel"
    masked = whole.without_identity()
    assert not masked.opens_identity
    assert masked.contact == {}
    (message,) = masked.messages
    assert message.contact == {}
    assert not {"text", "subject", "from"} & set(message.content)
    assert message.masked_text == "Zwanenzang in de ▇▇▇."
    assert not [each for each in masked.outgoing if each.subject or each.text or each.to or each.files]
