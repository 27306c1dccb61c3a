"""What a member sees of a case in which somebody wrote past Meldpost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from config.taxonomy import Severity
from store import changes
from store.authentic import Standing
from store.casework import CaseView, FirstLook, view_case
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lessons import lessons
from store.records import Name, RecordKind
from store.schema import Audit, Record, new_id
from tests.store.test_authentic import LATER, add, case_pair, decide, forge, from_before, note
from tests.store.world import INDEX, NOW, World, mail


def view(world: World, case_id: str, ring: KeyRing | None = None) -> CaseView:
    with world.db.begin() as session:
        return view_case(session, ring or world.ring, case_id, LATER)


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def test_a_case_that_only_meldpost_wrote_to_shows_nothing_of_the_kind(world: World, case_id: str) -> None:
    note(world, case_id)
    decide(world, case_id)
    seen = view(world, case_id)
    assert (seen.foreign, seen.unsigned, seen.damaged) == ((), (), 0)
    assert [each.standing for each in (*seen.notes, *seen.messages)] == [Standing.GENUINE] * 2


def test_forged_decisions_have_no_effect_and_the_next_true_ones_do(world: World, case_id: str) -> None:
    decide(world, case_id, severity="acuut")
    name = Name(case_id, case_id, RecordKind.DECISIONS)
    theirs = {"severity": {"value": "laag", "by": world.ring.member_id, "at": NOW.isoformat()}}
    with world.db.begin() as session:
        forge(session, name, theirs, case_pair(session, world, case_id), version=2, member_id=world.ring.member_id)
    seen = view(world, case_id)
    assert seen.foreign == (RecordKind.DECISIONS,)
    assert (seen.decisions, seen.report["severity"]) == ({}, "midden")
    decide(world, case_id, 2, kind="klacht")
    seen = view(world, case_id)
    assert (seen.foreign, set(seen.decisions)) == ((), {"kind"})


@pytest.mark.parametrize("kind", [RecordKind.FIRST_LOOK, RecordKind.CONTACT, RecordKind.OUTCOME])
def test_a_forged_record_about_the_case_itself_has_no_effect(world: World, case_id: str, kind: RecordKind) -> None:
    by = {"by": world.ring.member_id, "at": NOW.isoformat()}
    forged = {
        RecordKind.FIRST_LOOK: {"clear": True, "breach": False, "severity": "laag", **by},
        RecordKind.CONTACT: {"value": {"name": "Eva", "email": "eva@elders.example"}, **by},
        RecordKind.OUTCOME: {"outcome": "unfounded", "approver": "Eva", **by},
    }
    before = view(world, case_id)
    with world.db.begin() as session:
        of = KeyKind.IDENTITY if kind is RecordKind.CONTACT else KeyKind.CASE
        to = newest_proven(session, INDEX, world.ring.desk, of, case_id)
        forge(session, Name(case_id, case_id, kind), forged[kind], to)
    seen = view(world, case_id)
    assert seen.foreign == (kind,)
    assert (seen.first_look, seen.contact, seen.closing) == (None, before.contact, None)
    assert seen.report == before.report


def test_a_forged_note_is_shown_as_that_without_author_or_time(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        content = {"text": "Niets aan de hand.", "by": world.ring.member_id, "at": NOW.isoformat()}
        forge(session, Name(case_id, new_id(), RecordKind.NOTE), content, case_pair(session, world, case_id))
    (found,) = view(world, case_id).notes
    assert (found.text, found.by, found.at, found.standing) == ("Niets aan de hand.", "", None, Standing.FOREIGN)


@pytest.mark.parametrize("content", [{}, {"text": 7}, {"text": None, "at": 3}])
def test_a_forged_note_of_any_shape_hides_nothing_else(world: World, case_id: str, content: dict[str, object]) -> None:
    note(world, case_id)
    with world.db.begin() as session:
        forge(session, Name(case_id, new_id(), RecordKind.NOTE), content, case_pair(session, world, case_id))
    assert {each.standing for each in view(world, case_id).notes} == {Standing.GENUINE, Standing.FOREIGN}


def test_mail_that_the_trail_does_not_know_is_marked_and_suggests_nothing(world: World) -> None:
    taken = world.open_case()
    with world.db.begin() as session:
        session.execute(delete(Audit).where(Audit.record_kind == RecordKind.REPORT))
    seen = view(world, taken.case_id)
    assert [each.standing for each in seen.messages] == [Standing.FOREIGN]
    assert seen.messages[0].content["subject"] == "Zwanenzang"
    assert (seen.suggested, seen.contact["name"]) == ({}, None)


def test_nothing_is_learned_from_mail_that_the_trail_does_not_know(world: World) -> None:
    taken = world.open_case(mail(content={"subject": "x", "text": "x", "sender_is_new": False}))
    decide(world, taken.case_id)
    assert [each.case_id for each in lessons(world.db, world.ring, LATER)] == [taken.case_id]
    with world.db.begin() as session:
        session.execute(delete(Audit).where(Audit.record_kind == RecordKind.MESSAGE))
    assert list(lessons(world.db, world.ring, LATER)) == []


def test_a_note_that_somebody_took_away_is_missed(world: World, case_id: str) -> None:
    name = note(world, case_id)
    with world.db.begin() as session:
        session.execute(delete(Record).where(Record.subject_id == name.subject_id))
    assert view(world, case_id).damaged == 1


def test_each_decision_is_told_of_who_took_it_and_not_of_who_is_said_to_have(world: World, case_id: str) -> None:
    decide(world, case_id, severity="acuut")
    bram = add(world, "bram")
    with world.db.begin() as session:
        changes.decide(*(session, bram, INDEX, case_id, {"kind": "klacht"}), version=2, now=LATER + timedelta(hours=2))
    by = {part: each.by for part, each in view(world, case_id).decisions.items()}
    assert by == {"severity": "ada", "kind": "bram"}
    with world.db.begin() as session:  # bram signs a decision, and says that ada took it
        claimed = {"primary": {"value": None, "by": world.ring.member_id, "at": LATER.isoformat()}}
        to = case_pair(session, world, case_id)
        name = Name(case_id, case_id, RecordKind.DECISIONS)
        forge(session, name, claimed, to, version=3, inside=bram.author, outside=bram.author)
    assert view(world, case_id).decisions["primary"].by == "bram"


def test_first_looks_and_notes_are_told_of_who_signed_them(world: World, case_id: str) -> None:
    bram = add(world, "bram")
    look = FirstLook(clear=True, breach=True, severity=Severity.HOOG)
    with world.db.begin() as session:
        changes.answer_first_look(session, bram, INDEX, case_id, look, version=1, now=LATER)
    note(world, case_id, ring=bram)
    seen = view(world, case_id)
    assert seen.first_look
    assert (seen.first_look.by, [each.by for each in seen.notes]) == ("bram", ["bram"])


def test_what_was_decided_before_signatures_has_effect_and_is_told_as_that(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        decided = {"severity": {"value": "acuut", "by": world.ring.member_id, "at": NOW.isoformat()}}
        to = case_pair(session, world, case_id)
        forge(session, Name(case_id, case_id, RecordKind.DECISIONS), decided, to, member_id=world.ring.member_id)
        by = {"by": world.ring.member_id, "at": NOW.isoformat()}
        forge(session, Name(case_id, new_id(), RecordKind.NOTE), {"text": "Gebeld.", **by}, to)
        session.execute(update(Record).where(Record.kind == RecordKind.MEMBER).values(signature=None))
    from_before(world)
    seen = view(world, case_id)
    assert (seen.unsigned, seen.report["severity"]) == ((RecordKind.DECISIONS,), "acuut")
    assert [(each.text, each.standing) for each in seen.notes] == [("Gebeld.", Standing.BEFORE)]
