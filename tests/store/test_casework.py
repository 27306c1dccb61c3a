"""What the desk sees and does: every look and change on the trail, nothing of another's overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from cases.lifecycle import Outcome, Status, TransitionNotAllowed
from cases.terms import DueKind
from config.taxonomy import MissingField, Severity
from store import casework, mailer_contact
from store.audit import Action
from store.casework import CaseView, Changed, FirstLook, NotDecidable, NotFound
from store.database import Database
from store.intake import add_message
from store.keypairs import KeyKind
from store.keyring import UnprovenKey
from store.mailer_contact import Contact
from store.outbox import OutboxState, OutgoingKind
from store.queue import overdue_count, queue_page, status_counts
from store.schema import Audit, KeyPair, Record
from tests.store.world import INDEX, NOW, World, forge_key, mail, make_world

CLEAR = FirstLook(clear=True, breach=True, severity=Severity.HOOG)


def look(world: World, case_id: str) -> CaseView:
    with world.db.begin() as session:
        return casework.view_case(session, world.ring, case_id, NOW)


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def decide(world: World, case_id: str, part: str, value: object, version: int) -> int:
    with world.db.begin() as session:
        return casework.decide(session, world.ring, INDEX, case_id, part, value, version=version, now=NOW)


def test_every_look_is_on_the_trail_with_who_looked(world: World, case_id: str) -> None:
    look(world, case_id)
    events = look(world, case_id).timeline
    assert [(event.action, event.by) for event in events] == [
        (Action.INTAKE, None),
        (Action.LOOK, "ada"),
        (Action.LOOK, "ada"),
    ]


def test_a_correction_takes_the_place_of_the_suggestion_everywhere(world: World, case_id: str) -> None:
    view = look(world, case_id)
    version = decide(world, case_id, "primary", "intimidatie", view.version)
    decide(world, case_id, "missing", [], version)
    after = look(world, case_id)
    assert after.report["primary"] == "intimidatie"
    assert after.suggested["primary"] == "pesten"
    assert (after.decisions["primary"].value, after.decisions["primary"].by) == ("intimidatie", "ada")
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    assert (row.primary, row.missing) == ("intimidatie", ())
    changes = [event.detail for event in after.timeline if event.action is Action.DECIDE]
    assert changes == [{"part": "primary", "value": "intimidatie"}, {"part": "missing", "value": []}]


def test_corrected_contact_details_go_to_the_identity_key_and_not_onto_the_trail(world: World, case_id: str) -> None:
    decide(world, case_id, "contact", {"name": "Sanne Vogel-Boom", "phone": "06 1"}, 1)
    view = look(world, case_id)
    assert view.contact == {
        "name": "Sanne Vogel-Boom",
        "email": "sanne@thuis.example",
        "phone": "06 1",
        "address": None,
    }
    assert [event.detail for event in view.timeline if event.action is Action.DECIDE] == [{"part": "contact"}]
    with world.db.read() as session:
        to = (
            select(KeyPair.kind)
            .join(Record, Record.key_pair_id == KeyPair.id)
            .where(Record.kind == "contact", Record.subject_id == case_id)
        )
        assert session.scalars(to).all() == ["identity"]


def test_what_a_person_saw_before_another_wrote_cannot_overwrite_it(world: World, case_id: str) -> None:
    version = look(world, case_id).version
    decide(world, case_id, "severity", "hoog", version)
    with pytest.raises(Changed):
        decide(world, case_id, "severity", "laag", version)
    assert look(world, case_id).report["severity"] == "hoog"


def test_of_two_who_decide_at_once_one_is_told_to_look_again(world: World, case_id: str) -> None:
    barrier = Barrier(2)
    results: list[str] = []

    def write(value: str) -> None:
        barrier.wait()
        try:
            decide(world, case_id, "severity", value, 1)
            results.append(value)
        except Changed:
            results.append("changed")

    threads = [Thread(target=write, args=[value]) for value in ("laag", "hoog")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "changed" in results
    assert {look(world, case_id).report["severity"], "changed"} == set(results)


def test_a_new_mail_makes_nobody_look_again_before_they_decide(world: World, case_id: str) -> None:
    version = look(world, case_id).version
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, mail(), sender_is_new=False, now=NOW)
    decide(world, case_id, "severity", "hoog", version)


def test_only_parts_of_a_report_can_be_decided(world: World, case_id: str) -> None:
    with pytest.raises(NotDecidable):
        decide(world, case_id, "reference", "x", 1)


def test_the_first_look_is_answered_and_due_no_longer(world: World, case_id: str) -> None:
    assert DueKind.FIRST_LOOK in {due.kind for due in look(world, case_id).dues}
    with world.db.begin() as session:
        casework.answer_first_look(session, world.ring, INDEX, case_id, CLEAR, version=1, now=NOW)
    view = look(world, case_id)
    assert view.first_look is not None
    assert (view.first_look.answers, view.first_look.by) == (CLEAR, "ada")
    assert view.report["severity"] == "hoog"
    assert {due.kind for due in view.dues} == {DueKind.FEEDBACK}


@pytest.mark.parametrize("with_proof", [False, True])
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (KeyKind.CASE, lambda *to: casework.add_note(*to, "x", NOW)),
        (KeyKind.CASE, lambda *to: casework.decide(*to, "kind", "overig", version=1, now=NOW)),
        (KeyKind.CASE, lambda *to: casework.answer_first_look(*to, CLEAR, version=1, now=NOW)),
        (KeyKind.CASE, lambda *to: casework.change_status(*to, Status.ASSESSING, version=1, now=NOW)),
        (KeyKind.IDENTITY, lambda *to: casework.decide(*to, "contact", {"name": "Sanne"}, version=1, now=NOW)),
    ],
)
def test_nothing_that_a_person_writes_is_sealed_to_a_key_that_somebody_wrote_into_the_database(
    world: World, case_id: str, kind: KeyKind, change: Callable[..., object], with_proof: bool
) -> None:
    forge_key(world.db, case_id, kind, with_proof=with_proof)
    with world.db.begin() as session, pytest.raises(UnprovenKey):
        change(session, world.ring, INDEX, case_id)


def test_of_a_decided_severity_and_the_first_looks_the_later_counts(world: World, case_id: str) -> None:
    def decide_at(severity: str, version: int, minute: int) -> None:
        at = NOW + timedelta(minutes=minute)
        with world.db.begin() as session:
            casework.decide(session, world.ring, INDEX, case_id, "severity", severity, version=version, now=at)

    decide_at("laag", 1, 0)
    with world.db.begin() as session:
        at = NOW + timedelta(minutes=1)
        casework.answer_first_look(session, world.ring, INDEX, case_id, CLEAR, version=2, now=at)
    assert look(world, case_id).report["severity"] == "hoog"
    decide_at("acuut", 3, 2)
    assert look(world, case_id).report["severity"] == "acuut"


def test_a_status_changes_as_the_life_cycle_allows(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        version = casework.change_status(session, world.ring, INDEX, case_id, Status.ASSESSING, version=1, now=NOW)
    with world.db.begin() as session, pytest.raises(TransitionNotAllowed):
        casework.change_status(session, world.ring, INDEX, case_id, Status.RECEIVED, version=version, now=NOW)
    view = look(world, case_id)
    assert (view.status, view.version) == (Status.ASSESSING, 2)
    assert {"from": "received", "to": "assessing", "outcome": None} in [dict(event.detail) for event in view.timeline]


def test_a_closed_case_is_due_nothing_and_the_mailer_forgets_its_reporter(world: World, case_id: str) -> None:
    reminder = world.enqueue(case_id=case_id, kind=OutgoingKind.REMINDER)
    with world.db.begin() as session:
        contact = Contact("sanne@thuis.example", "nl", (MissingField.PHONE,))
        mailer_contact.write(session, world.keys.mailer, case_id, contact, NOW)
        casework.change_status(
            session,
            world.ring,
            INDEX,
            case_id,
            Status.CLOSED,
            version=1,
            now=NOW,
            outcome=Outcome.SUBSTANTIATED,
            approver="de secretaris-generaal",
        )
    view = look(world, case_id)
    assert view.dues == ()
    assert view.closed_at == NOW
    assert view.closing is not None
    assert (view.closing.outcome, view.closing.approver) == (Outcome.SUBSTANTIATED, "de secretaris-generaal")
    assert {each.id: each.state for each in view.outgoing} == {reminder: OutboxState.CANCELLED}
    with world.db.read() as session:
        assert mailer_contact.read(session, world.mailer, case_id) is None
    with world.db.begin() as session:
        casework.change_status(session, world.ring, INDEX, case_id, Status.ASSESSING, version=view.version, now=NOW)
    assert look(world, case_id).closed_at is None


def test_the_mailer_knows_of_a_reporter_what_it_needs_and_the_newest_of_it(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        for language in ("nl", "en"):
            contact = Contact("sanne@thuis.example", language, (MissingField.PHONE,))
            mailer_contact.write(session, world.keys.mailer, case_id, contact, NOW)
    with world.db.read() as session:
        assert mailer_contact.read(session, world.mailer, case_id) == contact


def test_notes_stay_in_order_and_name_their_author(world: World, case_id: str) -> None:
    for minute, text in enumerate(("eerste", "tweede")):
        with world.db.begin() as session:
            casework.add_note(session, world.ring, INDEX, case_id, text, NOW + timedelta(minutes=minute))
    assert [(note.text, note.by) for note in look(world, case_id).notes] == [("eerste", "ada"), ("tweede", "ada")]


def test_a_held_receipt_goes_after_one_word_which_is_on_the_trail(world: World, case_id: str) -> None:
    outbox_id = world.enqueue(case_id=case_id, held=True)
    with world.db.begin() as session:
        (waiting,) = casework.held_outgoing(session, world.ring)
        assert waiting.id == outbox_id
        assert casework.release_receipts(session, world.ring, [outbox_id], NOW) == 1
        assert casework.release_receipts(session, world.ring, [outbox_id], NOW) == 0
    events = look(world, case_id).timeline
    assert [(event.by, event.subject_id) for event in events if event.action is Action.RELEASE] == [("ada", outbox_id)]


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
        lambda session: casework.decide(session, one.ring, INDEX, taken.case_id, "kind", "x", version=1, now=NOW),
        lambda session: casework.answer_first_look(session, one.ring, INDEX, taken.case_id, CLEAR, version=1, now=NOW),
        lambda session: casework.change_status(
            session, one.ring, INDEX, taken.case_id, Status.CLOSED, version=1, now=NOW
        ),
        lambda session: casework.add_note(session, one.ring, INDEX, taken.case_id, "x", NOW),
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


def test_the_queue_puts_first_what_a_person_must_see_to_first(world: World) -> None:
    def case(reference: str, days: int | None) -> str:
        dues = {} if days is None else {DueKind.FIRST_LOOK: NOW + timedelta(days=days)}
        return world.open_case(reference=reference, dues=dues).case_id

    for reference, days in (("LATER", 9), ("NEVER", None), ("FIRST", 1), ("MIDST", 5)):
        case(f"{reference}-AAAAA", days)
    with world.db.read() as session:
        page = queue_page(session, world.ring)
        assert [row.reference[:5] for row in page.rows] == ["FIRST", "MIDST", "LATER", "NEVER"]
        assert page.rows[0].next_due is not None
        second = queue_page(session, world.ring, page=2, size=3)
        assert ([row.reference[:5] for row in second.rows], second.total) == (["NEVER"], 4)
        assert overdue_count(session, world.ring.desk, NOW + timedelta(days=6)) == 2


def test_the_queue_shows_open_cases_and_closed_ones_with_unseen_mail(world: World, case_id: str) -> None:
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    assert (row.new_messages, row.unreadable, row.kind) == (1, False, "melding")
    look(world, case_id)
    with world.db.begin() as session:
        casework.change_status(session, world.ring, INDEX, case_id, Status.SET_ASIDE, version=1, now=NOW)
        assert queue_page(session, world.ring).rows == ()
        assert len(queue_page(session, world.ring, status=[Status.SET_ASIDE]).rows) == 1
        unread = mail(state="unreadable", content={}, report={}, contact={}, attachments=[])
        add_message(session, world.keys, INDEX, case_id, unread, sender_is_new=False, now=NOW)
        (row,) = queue_page(session, world.ring).rows
        assert (row.new_messages, row.unreadable, row.status) == (1, True, Status.SET_ASIDE)
        assert status_counts(session, world.ring.desk)[Status.SET_ASIDE] == 1
