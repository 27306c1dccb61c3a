"""What a person changes: every change on the trail, nothing of another's overwritten unseen, no term lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from sqlalchemy import select

from cases.lifecycle import Outcome, Status, TransitionNotAllowed
from cases.terms import BY_HAND, DoneReason, DueKind
from config.taxonomy import MissingField, Severity
from store import casework, changes, mailer_contact, outbox, records
from store.audit import Action
from store.casework import CaseView, FirstLook
from store.changes import Changed, NotApproved, NotDecidable
from store.dues import set_due
from store.intake import add_message
from store.keypairs import KeyKind
from store.keyring import UnprovenKey
from store.mailer_contact import Contact
from store.outbox import OutboxState, OutgoingKind
from store.queue import queue_page
from store.records import Name, RecordKind
from store.schema import KeyPair, Record
from tests.store.world import INDEX, NOW, World, forge_key, mail

CLEAR = FirstLook(clear=True, breach=True, severity=Severity.HOOG)


def look(world: World, case_id: str) -> CaseView:
    with world.db.begin() as session:
        view = casework.view_case(session, world.ring, case_id, NOW)
        changes.renew_card(session, world.ring, INDEX, view, NOW)
        return view


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def decide(world: World, case_id: str, part: str, value: object, version: int) -> int:
    with world.db.begin() as session:
        return changes.decide(session, world.ring, INDEX, case_id, {part: value}, version=version, now=NOW)


def correct_contact(world: World, case_id: str, contact: dict[str, object], version: int) -> int:
    with world.db.begin() as session:
        return changes.correct_contact(session, world.ring, INDEX, case_id, contact, version=version, now=NOW)


def take_to(world: World, case_id: str, status: Status, **closing: Any) -> None:
    """Take a case to a status; a closed one gets an outcome and an approver, unless said otherwise."""
    if status is Status.CLOSED:
        closing = {"outcome": Outcome.SUBSTANTIATED, "approver": "de secretaris-generaal", **closing}
    version = look(world, case_id).version
    with world.db.begin() as session:
        changes.change_status(session, world.ring, INDEX, case_id, status, version=version, now=NOW, **closing)


def finish(world: World, case_id: str, kind: DueKind, reason: DoneReason = DoneReason.DONE) -> None:
    version = look(world, case_id).version
    with world.db.begin() as session:
        changes.finish_due(session, world.ring, INDEX, case_id, kind, reason, version=version, now=NOW)


def take_back(world: World, case_id: str, kind: DueKind) -> None:
    version = look(world, case_id).version
    with world.db.begin() as session:
        changes.reopen_due(session, world.ring, INDEX, case_id, kind, version=version, now=NOW)


def dues(world: World, case_id: str) -> dict[DueKind, datetime]:
    return {due.kind: due.due_at for due in look(world, case_id).dues}


@pytest.fixture
def asked(world: World) -> str:
    """A case whose reporter will be reminded of what is missing: address and phone."""
    case_id = world.open_case().case_id
    with world.db.begin() as session:
        contact = Contact("sanne@thuis.example", "nl", (MissingField.ADDRESS, MissingField.PHONE))
        mailer_contact.write(session, world.keys.mailer, case_id, contact, NOW)
        set_due(session, world.ring.desk, case_id, DueKind.REMINDER, NOW + timedelta(days=7))
    return case_id


def is_asked(world: World, case_id: str) -> bool:
    """Will the reporter be reminded? Nothing is half done."""
    due = DueKind.REMINDER in dues(world, case_id)
    with world.db.read() as session:
        known = mailer_contact.read(session, world.mailer, case_id) is not None
    assert due == known
    return due


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
    correct_contact(world, case_id, {"name": "Sanne Vogel-Boom", "phone": "06 1"}, 1)
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


def test_several_parts_are_decided_at_once_with_a_row_on_the_trail_for_each(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        both = {"kind": "melding", "primary": "pesten"}
        assert changes.decide(session, world.ring, INDEX, case_id, both, version=1, now=NOW) == 2
    view = look(world, case_id)
    assert {part: decision.value for part, decision in view.decisions.items()} == both
    assert [event.detail["part"] for event in view.timeline if event.action is Action.DECIDE] == ["kind", "primary"]


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
        changes.answer_first_look(session, world.ring, INDEX, case_id, CLEAR, version=1, now=NOW)
    view = look(world, case_id)
    assert view.first_look is not None
    assert (view.first_look.answers, view.first_look.by) == (CLEAR, "ada")
    assert view.report["severity"] == "hoog"
    assert {due.kind for due in view.dues} == {DueKind.FEEDBACK}


@pytest.mark.parametrize("with_proof", [False, True])
@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (KeyKind.CASE, lambda *to: changes.add_note(*to, "x", NOW)),
        (KeyKind.CASE, lambda *to: changes.decide(*to, {"kind": "overig"}, version=1, now=NOW)),
        (KeyKind.CASE, lambda *to: changes.answer_first_look(*to, CLEAR, version=1, now=NOW)),
        (KeyKind.CASE, lambda *to: changes.change_status(*to, Status.ASSESSING, version=1, now=NOW)),
        (KeyKind.CASE, lambda *to: changes.finish_due(*to, DueKind.FEEDBACK, DoneReason.DONE, version=1, now=NOW)),
        (KeyKind.IDENTITY, lambda *to: changes.correct_contact(*to, {"name": "Sanne"}, version=1, now=NOW)),
    ],
)
def test_nothing_that_a_person_writes_is_sealed_to_a_key_that_somebody_wrote_into_the_database(
    world: World, case_id: str, kind: KeyKind, change: Callable[..., object], with_proof: bool
) -> None:
    forge_key(world.db, case_id, kind, with_proof=with_proof)
    with world.db.begin() as session, pytest.raises(UnprovenKey):
        change(session, world.ring, INDEX, case_id)


@pytest.fixture
def urgent(world: World, case_id: str) -> str:
    with world.db.begin() as session:
        set_due(session, world.ring.desk, case_id, DueKind.URGENT_LOOK, NOW + timedelta(hours=4))
    return case_id


def is_urgent(world: World, case_id: str) -> bool:
    return DueKind.URGENT_LOOK in {due.kind for due in look(world, case_id).dues}


def test_an_urgent_look_is_due_until_the_questions_are_answered_and_a_look_at_the_page_is_none(
    world: World, urgent: str
) -> None:
    assert is_urgent(world, urgent)
    assert is_urgent(world, urgent)
    with world.db.begin() as session:
        changes.answer_first_look(session, world.ring, INDEX, urgent, CLEAR, version=1, now=NOW)
    assert not is_urgent(world, urgent)
    take_to(world, urgent, Status.SET_ASIDE)
    take_to(world, urgent, Status.ASSESSING)
    assert not is_urgent(world, urgent)


@pytest.mark.parametrize(("severity", "hurries"), [("acuut", True), ("hoog", False)])
def test_nobody_hurries_where_a_person_says_that_it_is_not_urgent(
    world: World, urgent: str, severity: str, hurries: bool
) -> None:
    decide(world, urgent, "severity", severity, 1)
    assert is_urgent(world, urgent) == hurries


def test_of_a_decided_severity_and_the_first_looks_the_later_counts(world: World, case_id: str) -> None:
    def decide_at(severity: str, version: int, minute: int) -> None:
        at = NOW + timedelta(minutes=minute)
        with world.db.begin() as session:
            changes.decide(session, world.ring, INDEX, case_id, {"severity": severity}, version=version, now=at)

    decide_at("laag", 1, 0)
    with world.db.begin() as session:
        at = NOW + timedelta(minutes=1)
        changes.answer_first_look(session, world.ring, INDEX, case_id, CLEAR, version=2, now=at)
    assert look(world, case_id).report["severity"] == "hoog"
    decide_at("acuut", 3, 2)
    assert look(world, case_id).report["severity"] == "acuut"


def test_a_status_changes_as_the_life_cycle_allows(world: World, case_id: str) -> None:
    take_to(world, case_id, Status.ASSESSING)
    with pytest.raises(TransitionNotAllowed):
        take_to(world, case_id, Status.RECEIVED)
    view = look(world, case_id)
    assert (view.status, view.version) == (Status.ASSESSING, 2)
    assert {"from": "received", "to": "assessing", "outcome": None} in [dict(event.detail) for event in view.timeline]


def test_a_closed_case_is_due_nothing_and_nobody_writes_to_its_reporter(world: World, asked: str) -> None:
    reminder = world.enqueue(case_id=asked, kind=OutgoingKind.REMINDER)
    held, on_its_way = world.enqueue(case_id=asked, held=True), world.enqueue(case_id=asked)
    take_to(world, asked, Status.CLOSED)
    view = look(world, asked)
    assert view.dues == ()
    assert view.closed_at == NOW
    assert view.closing is not None
    assert (view.closing.outcome, view.closing.approver) == (Outcome.SUBSTANTIATED, "de secretaris-generaal")
    assert {each.id: each.state for each in view.outgoing} == {
        reminder: OutboxState.CANCELLED,
        held: OutboxState.CANCELLED,
        on_its_way: OutboxState.QUEUED,
    }
    assert not is_asked(world, asked)


@pytest.mark.parametrize("lacking", [{"outcome": None}, {"approver": ""}, {"approver": "  "}])
def test_a_case_is_closed_with_an_outcome_and_an_approver_or_not_at_all(
    world: World, case_id: str, lacking: dict[str, Any]
) -> None:
    with pytest.raises(NotApproved):
        take_to(world, case_id, Status.CLOSED, **lacking)
    assert look(world, case_id).status is Status.RECEIVED


@pytest.mark.parametrize("end", [Status.CLOSED, Status.SET_ASIDE])
def test_a_case_that_is_opened_again_is_due_what_it_was_due_when_it_was_due(
    world: World, asked: str, end: Status
) -> None:
    before = dues(world, asked)
    take_to(world, asked, end)
    assert dues(world, asked) == {}
    take_to(world, asked, Status.ASSESSING)
    assert dues(world, asked) == {kind: at for kind, at in before.items() if kind is not DueKind.REMINDER}
    assert DueKind.FEEDBACK in before
    assert look(world, asked).closed_at is None


@pytest.mark.parametrize("when", [Status.RECEIVED, Status.CLOSED])
def test_a_case_that_is_opened_again_asks_for_no_first_look_where_one_was_taken(
    world: World, case_id: str, when: Status
) -> None:
    if when is Status.CLOSED:
        take_to(world, case_id, Status.CLOSED)
    version = look(world, case_id).version
    with world.db.begin() as session:
        changes.answer_first_look(session, world.ring, INDEX, case_id, CLEAR, version=version, now=NOW)
    if when is Status.RECEIVED:
        take_to(world, case_id, Status.CLOSED)
    take_to(world, case_id, Status.ASSESSING)
    assert set(dues(world, case_id)) == {DueKind.FEEDBACK}


def test_what_was_done_before_a_case_was_closed_is_still_done_when_it_is_opened_again(
    world: World, case_id: str
) -> None:
    finish(world, case_id, DueKind.FEEDBACK)
    take_to(world, case_id, Status.CLOSED)
    take_to(world, case_id, Status.ASSESSING)
    assert set(dues(world, case_id)) == {DueKind.FIRST_LOOK}


def test_a_case_that_was_closed_and_is_set_aside_now_shows_no_outcome(world: World, case_id: str) -> None:
    for status in (Status.CLOSED, Status.ASSESSING, Status.SET_ASIDE):
        take_to(world, case_id, status)
    assert look(world, case_id).closing is None


@pytest.mark.parametrize("kind", BY_HAND)
def test_what_is_due_is_done_when_a_person_says_so_and_due_again_when_they_take_it_back(
    world: World, kind: DueKind
) -> None:
    case_id = world.open_case(dues={kind: NOW + timedelta(days=3)}).case_id
    finish(world, case_id, kind, DoneReason.NO_WAY)
    view = look(world, case_id)
    assert view.dues == ()
    assert [(each.kind, each.reason, each.by) for each in view.done] == [(kind, DoneReason.NO_WAY, "ada")]
    take_back(world, case_id, kind)
    view = look(world, case_id)
    assert dues(world, case_id) == {kind: NOW + timedelta(days=3)}
    assert view.done == ()
    details = [dict(event.detail) for event in view.timeline if event.action in (Action.DUE_DONE, Action.DUE_REOPENED)]
    assert details == [{"due": kind, "reason": "no_way"}, {"due": kind}]


@pytest.mark.parametrize("kind", [DueKind.FIRST_LOOK, DueKind.REMINDER])
def test_a_first_look_and_a_reminder_are_not_done_by_saying_so(world: World, asked: str, kind: DueKind) -> None:
    with pytest.raises(NotDecidable):
        finish(world, asked, kind)
    with pytest.raises(NotDecidable):
        take_back(world, asked, kind)
    assert kind in dues(world, asked)


def test_what_is_due_no_longer_or_not_yet_done_is_not_changed_by_who_did_not_see_that(
    world: World, case_id: str
) -> None:
    with pytest.raises(Changed):
        finish(world, case_id, DueKind.RECEIPT)
    with pytest.raises(Changed):
        take_back(world, case_id, DueKind.FEEDBACK)
    version = look(world, case_id).version
    finish(world, case_id, DueKind.FEEDBACK)
    with world.db.begin() as session, pytest.raises(Changed):
        changes.finish_due(
            session, world.ring, INDEX, case_id, DueKind.FEEDBACK, DoneReason.DONE, version=version, now=NOW
        )


def test_nothing_is_due_again_in_a_case_that_ended(world: World, case_id: str) -> None:
    finish(world, case_id, DueKind.FEEDBACK)
    take_to(world, case_id, Status.CLOSED)
    with pytest.raises(Changed):
        take_back(world, case_id, DueKind.FEEDBACK)
    assert dues(world, case_id) == {}


@pytest.mark.parametrize(
    ("missing", "still_asked"),
    [(["address", "phone"], True), (["address", "phone", "email"], True), (["address"], False), ([], False)],
)
def test_nobody_is_reminded_of_what_a_person_says_is_there(
    world: World, asked: str, missing: list[str], still_asked: bool
) -> None:
    decide(world, asked, "missing", missing, 1)
    assert is_asked(world, asked) == still_asked


@pytest.mark.parametrize(
    ("contact", "still_asked"),
    [
        ({"name": "Sanne Vogel", "email": "sanne@werk.example", "phone": None, "address": None}, True),
        ({"name": "Sanne Vogel", "email": None, "phone": "06 1", "address": None}, False),
    ],
)
def test_nobody_is_reminded_of_contact_details_that_a_person_wrote_down(
    world: World, asked: str, contact: dict[str, object], still_asked: bool
) -> None:
    queued = world.enqueue(case_id=asked, kind=OutgoingKind.REMINDER)
    correct_contact(world, asked, contact, 1)
    assert is_asked(world, asked) == still_asked
    view = look(world, asked)
    assert view.outgoing[0].id == queued
    assert (view.outgoing[0].state is OutboxState.QUEUED) == still_asked
    assert ("phone" in view.report["missing"]) == still_asked


def test_the_card_tells_what_later_mails_changed_once_a_person_looked(world: World, case_id: str) -> None:
    report = {"missing": ["address"], "severity": "acuut", "concerned": [{"name": "Kees Bon"}]}
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, case_id, mail(report=report), sender_is_new=False, now=NOW)
    look(world, case_id)
    with world.db.read() as session:
        (row,) = queue_page(session, world.ring).rows
    assert (row.missing, row.severity) == (("address",), "acuut")
    assert [person["name"] for person in row.concerned] == ["Rolf Dijkgraaf", "Kees Bon"]


def test_a_card_is_written_anew_only_where_it_says_something_else(world: World, case_id: str) -> None:
    name = Name(case_id, case_id, RecordKind.CARD)
    look(world, case_id)
    with world.db.read() as session:
        assert records.newest_version(session, world.ring.desk, name) == 1
    decide(world, case_id, "severity", "hoog", 1)
    for _ in range(2):
        look(world, case_id)
    with world.db.read() as session:
        assert records.newest_version(session, world.ring.desk, name) == 2


def test_a_card_that_a_look_renews_forgets_no_decision_of_somebody_else_at_that_moment(
    world: World, case_id: str
) -> None:
    """A look holds the case until its card is written: who decides meanwhile waits for it."""
    begun = Event()

    def decides() -> None:
        begun.set()
        decide(world, case_id, "severity", "acuut", 1)

    other = Thread(target=decides)
    with world.db.begin() as session:
        view = casework.view_case(session, world.ring, case_id, NOW)
        other.start()
        begun.wait()
        changes.renew_card(session, world.ring, INDEX, view, NOW)
    other.join()
    assert look(world, case_id).report["severity"] == "acuut"
    with world.db.read() as session:
        assert queue_page(session, world.ring).rows[0].severity == "acuut"


def test_notes_stay_in_order_and_name_their_author(world: World, case_id: str) -> None:
    for minute, text in enumerate(("eerste", "tweede")):
        with world.db.begin() as session:
            changes.add_note(session, world.ring, INDEX, case_id, text, NOW + timedelta(minutes=minute))
    assert [(note.text, note.by) for note in look(world, case_id).notes] == [("eerste", "ada"), ("tweede", "ada")]


def test_a_held_receipt_goes_after_one_word_which_is_on_the_trail(world: World, case_id: str) -> None:
    outbox_id = world.enqueue(case_id=case_id, held=True)
    with world.db.begin() as session:
        (waiting,) = casework.held_outgoing(session, world.ring)
        assert waiting.id == outbox_id
        assert changes.release_receipts(session, world.ring, INDEX, [outbox_id], NOW) == 1
        assert changes.release_receipts(session, world.ring, INDEX, [outbox_id], NOW) == 0
    events = look(world, case_id).timeline
    assert [(event.by, event.subject_id) for event in events if event.action is Action.RELEASE] == [("ada", outbox_id)]


def test_a_receipt_that_a_person_lets_go_counts_against_the_caps_from_then_on(world: World, case_id: str) -> None:
    """mail-cases 73, 74"""
    desk, later = world.ring.desk, NOW + timedelta(days=5)
    to = {"to": "sanne@thuis.example"}
    released, _ = (world.enqueue(case_id=case_id, caps=b"c" * 32, held=True, copy=to) for _ in range(2))
    unreadable = world.enqueue(case_id=case_id, held=True)
    with world.db.begin() as session:
        assert changes.release_receipts(session, world.ring, INDEX, [released, unreadable], later) == 2
    with world.db.read() as session:
        caps = INDEX.caps("Sanne+x@thuis.example", later)
        assert outbox.recent_count(session, desk, later, caps) == 1
        assert outbox.recent_count_to_domain(session, desk, later, caps) == 1
        assert outbox.recent_count_in_case(session, case_id, NOW) == 2
        assert outbox.recent_count_in_all(session, desk, NOW) == 2
