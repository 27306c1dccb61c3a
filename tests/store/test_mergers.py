"""Merging cases, undoing that, and splitting a message off: what moves, what stays, and who may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cases.lifecycle import Status
from cases.terms import DueKind, Terms
from store import casework, changes, destruction, grants, lookups, mergers, outbox, records, retention, splitting
from store.audit import Action
from store.authentic import Written, signed
from store.casework import CaseView, NotFound
from store.changes import Changed
from store.dues import finish_dues
from store.intake import NewMessage, add_message
from store.keyring import KeyRing, NotAllowed, pair
from store.letters import NoWay, recipient_of
from store.mergers import CannotMerge
from store.outbox import OutgoingKind
from store.records import RecordKind
from store.schema import CaseFile, KeyPair, Lookup, Record
from store.splitting import CannotSplit
from tests.store.office import Office, opened_kinds
from tests.store.world import INDEX, NOW, World, damage, mail, outgoing

SANNE, PIET = "sanne@thuis.example", "piet@elders.example"
TERMS = Terms(7, 2, 3, 3, 14, ZoneInfo("Europe/Amsterdam"), lambda _: False)


def written(sender: str, words: str) -> NewMessage:
    content = {"subject": words, "text": words, "own_text": words, "from": {"name": "", "address": sender}}
    return mail(sender=sender, content=content, message_ids=[f"<{words}@thuis.example>"], masked_text=words)


def look(world: World, case_id: str, ring: KeyRing | None = None) -> CaseView:
    with world.db.begin() as session:
        return casework.view_case(session, ring or world.ring, case_id, NOW)


@pytest.fixture
def into(world: World) -> str:
    return world.open_case(written(SANNE, "eerste"), "AAAAA-BBBBB").case_id


@pytest.fixture
def case_id(world: World) -> str:
    dues = {DueKind.FIRST_LOOK: NOW + timedelta(days=1), DueKind.FEEDBACK: NOW + timedelta(days=50)}
    return world.open_case(written(SANNE, "tweede"), "CCCCC-DDDDD", dues=dues).case_id


def merge(world: World, case_id: str, into: str, ring: KeyRing | None = None, **more: int) -> None:
    with world.db.begin() as session:
        mergers.merge(
            *(session, ring or world.ring, INDEX, case_id, into), **{"version": 1, "into_version": 1, **more}, now=NOW
        )


def undo(world: World, case_id: str, ring: KeyRing | None = None) -> None:
    with world.db.begin() as session:
        version = casework.case_row(session, ring or world.ring, case_id).version
        mergers.undo(session, ring or world.ring, INDEX, case_id, version=version, now=NOW)


def split(world: World, case_id: str, message_id: str, ring: KeyRing | None = None) -> str:
    with world.db.begin() as session:
        version = casework.case_row(session, ring or world.ring, case_id).version
        return splitting.split_off(
            *(session, ring or world.ring, INDEX, world.keys, case_id, message_id),
            reference="EEEEE-FFFFF",
            terms=TERMS,
            version=version,
            now=NOW,
        )


def further(world: World, case_id: str, words: str, sender: str = SANNE, *, new: bool = False) -> str:
    with world.db.begin() as session:
        at = NOW + timedelta(hours=1)
        message = replace(written(sender, words), received_at=at)
        return add_message(session, world.keys, INDEX, case_id, message, sender_is_new=new, now=at).message_id


def texts(view: CaseView) -> list[str]:
    return sorted(each.content["text"] for each in view.messages)


def keys_of(world: World, case_id: str, kinds: tuple[RecordKind, ...]) -> set[str]:
    """To whose keys the records of these kinds in a case are sealed."""
    found = select(KeyPair.owner).join(Record, Record.key_pair_id == KeyPair.id)
    with world.db.read() as session:
        return set(session.scalars(found.where(Record.case_id == case_id, Record.kind.in_(kinds))))


def test_a_merged_case_lies_in_the_other_under_its_keys_and_can_be_opened_whole(
    world: World, case_id: str, into: str
) -> None:
    merge(world, case_id, into)
    view = look(world, into)
    assert texts(view) == ["eerste", "tweede"]
    assert [each.sender_is_new for each in view.messages] == [False, False]
    assert (view.damaged, view.foreign) == (0, ())
    attachment = view.messages[1].content["attachments"][0]["id"]
    with casework.download_attachment(world.db, world.ring, into, attachment, NOW) as file:
        assert b"".join(file.chunks) == b"%PDF zwanenzang"
    with casework.download_raw(world.db, world.ring, into, view.messages[1].id, NOW) as raw:
        assert b"Zwanenzang in de kantine." in b"".join(raw.chunks)
    content = (RecordKind.RAW, RecordKind.MESSAGE, RecordKind.REPORT, RecordKind.ATTACHMENT)
    assert keys_of(world, into, content) == {into}
    assert keys_of(world, case_id, content) == set()
    left = look(world, case_id)
    assert (left.status, left.merged_into, left.messages, left.damaged) == (Status.MERGED, into, (), 0)


def test_both_cases_say_who_merged_them(world: World, case_id: str, into: str) -> None:
    merge(world, case_id, into)
    rows = {
        each: [(event.action, event.by, event.subject_id) for event in look(world, each).timeline]
        for each in (case_id, into)
    }
    assert (Action.MERGED, "ada", into) in rows[case_id]
    assert (Action.MERGED_HERE, "ada", case_id) in rows[into]


def test_the_old_reference_and_mails_lead_to_the_survivor(world: World, case_id: str, into: str) -> None:
    receipt = world.enqueue(case_id=case_id, copy={"to": SANNE})
    merge(world, case_id, into)
    with world.db.read() as session:
        found = lookups.case_by_reference(session, world.ring.desk, INDEX.reference("CCCCC-DDDDD"))
        assert found == case_id
        assert lookups.surviving_case(session, found) == into
        row = outbox.with_id(session, world.ring.desk, receipt)
        assert row is not None
        assert lookups.surviving_case(session, row.case_id or "") == into
        answered = lookups.message_with_id(session, world.ring.desk, INDEX.message_id("<tweede@thuis.example>"))
        assert answered is not None
        assert answered.case_id == into


def test_what_was_due_to_the_one_is_due_to_the_other_on_its_own_day(world: World, case_id: str, into: str) -> None:
    merge(world, case_id, into)
    due = {(each.kind, each.due_at) for each in look(world, into).dues}
    assert due == {
        (DueKind.FIRST_LOOK, NOW + timedelta(days=2)),
        (DueKind.FIRST_LOOK, NOW + timedelta(days=1)),
        (DueKind.FEEDBACK, NOW + timedelta(days=97)),
        (DueKind.FEEDBACK, NOW + timedelta(days=50)),
    }
    assert look(world, case_id).dues == ()


def test_a_look_that_was_taken_is_not_asked_for_again(world: World, case_id: str, into: str) -> None:
    with world.db.begin() as session:
        finish_dues(session, into, [DueKind.FIRST_LOOK])
    merge(world, case_id, into)
    assert {each.kind for each in look(world, into).dues} == {DueKind.FEEDBACK}


def test_a_receipt_that_is_on_its_way_meets_its_own_term(world: World, into: str) -> None:
    receipt_due = NOW + timedelta(days=7)
    one = world.open_case(written(SANNE, "x"), "GGGGG-HHHHH", dues={DueKind.RECEIPT: receipt_due}).case_id
    other = world.open_case(written(SANNE, "y"), "JJJJJ-KKKKK", dues={DueKind.RECEIPT: receipt_due}).case_id
    world.enqueue(case_id=one)
    merge(world, one, into)
    assert {each.kind for each in look(world, one).dues} == {DueKind.RECEIPT}
    merge(world, other, into, into_version=2)
    assert DueKind.RECEIPT in {each.kind for each in look(world, into).dues}
    assert look(world, other).dues == ()


def test_a_sender_whom_the_survivor_does_not_know_stays_marked_and_gets_no_letter_of_it(
    world: World, into: str
) -> None:
    other = world.open_case(written(PIET, "van piet"), "GGGGG-HHHHH").case_id
    with world.db.read() as session:
        assert mergers.consider(session, world.ring, INDEX, other, into).strangers
    merge(world, other, into)
    assert [each.sender_is_new for each in look(world, into).messages] == [False, True]
    with world.db.read() as session:
        recipient = recipient_of(session, world.ring, into, ())
        assert recipient_of(session, world.ring, other, ()) is NoWay.MERGED
    assert not isinstance(recipient, NoWay)
    assert recipient.address == SANNE


GRAVE = {
    "kind": "melding",
    "categories": [{"slug": "intimidatie", "score": 0.9, "sub": []}],
    "primary": "intimidatie",
    "severity": "acuut",
    "missing": [],
    "concerned": [{"name": "Joris Dol", "function": "portier"}],
}
BOTH_CATEGORIES = ["pesten", "intimidatie"]


def grave(world: World, sender: str = PIET, reference: str = "GGGGG-HHHHH") -> str:
    return world.open_case(replace(written(sender, "dreigt"), report=GRAVE), reference).case_id


def decide(world: World, case_id: str, **parts: object) -> None:
    with world.db.begin() as session:
        version = casework.case_row(session, world.ring, case_id).version
        changes.decide(session, world.ring, INDEX, case_id, parts, version=version, now=NOW)


def merge_as_they_are(world: World, case_id: str, into: str) -> None:
    versions = [look(world, each).version for each in (case_id, into)]
    merge(world, case_id, into, version=versions[0], into_version=versions[1])


def card_of(world: World, case_id: str) -> Mapping[str, Any]:
    with world.db.read() as session:
        return records.opened_of_subjects(session, world.ring, [case_id], RecordKind.CARD)[case_id]


def about(of: Mapping[str, Any]) -> tuple[Any, ...]:
    categories = [each["slug"] for each in of["categories"]]
    return of["severity"], [each["name"] for each in of["concerned"]], categories, of["primary"]


TOGETHER = ("acuut", ["Rolf Dijkgraaf", "Joris Dol"], BOTH_CATEGORIES, "pesten")


@pytest.mark.parametrize("sender", [SANNE, PIET], ids=["the same reporter", "another"])
def test_the_case_that_stays_says_who_and_how_serious_of_both_on_its_card_at_once(
    world: World, into: str, sender: str
) -> None:
    other = grave(world, sender)
    merge(world, other, into)
    assert about(card_of(world, into)) == TOGETHER
    view = look(world, into)
    assert about(view.report) == TOGETHER
    assert view.decisions == {}
    assert (view.contact["name"], view.report["missing"]) == (
        "Sanne Vogel",
        ["address", "phone"] if sender == PIET else [],
    )


def test_an_empty_case_is_about_what_is_merged_into_it(world: World) -> None:
    paper = world.open_case(replace(written(SANNE, "brief"), report={"marks": []}), "JJJJJ-KKKKK").case_id
    merge(world, grave(world), paper)
    assert about(card_of(world, paper)) == ("acuut", ["Joris Dol"], ["intimidatie"], "intimidatie")


def test_what_persons_decided_in_either_case_is_decided_in_the_one_that_stays(world: World, into: str) -> None:
    other = grave(world)
    persons = [{"name": "Joris Dol", "function": "portier"}, {"name": "Els Kuik", "function": None}]
    decide(world, other, concerned=persons)
    decide(world, into, severity="laag", categories=[{"slug": "pesten", "sub": []}], primary="pesten")
    merge_as_they_are(world, other, into)
    view, expected = (
        look(world, into),
        ("acuut", ["Rolf Dijkgraaf", "Joris Dol", "Els Kuik"], BOTH_CATEGORIES, "pesten"),
    )
    assert about(view.report) == about(card_of(world, into)) == expected
    assert {part: each.by for part, each in view.decisions.items()} == dict.fromkeys(
        ("concerned", "severity", "categories", "primary"), "ada"
    )


def test_what_a_person_called_less_grave_does_not_come_back_as_the_machines_word(world: World, into: str) -> None:
    other = grave(world)
    decide(world, other, severity="laag", concerned=[])
    merge_as_they_are(world, other, into)
    assert about(look(world, into).report)[:2] == ("midden", ["Rolf Dijkgraaf"])


def test_undoing_a_merger_undoes_what_it_decided_and_leaves_what_was_decided_since(world: World, into: str) -> None:
    other = grave(world)
    decide(world, into, severity="laag", concerned=[{"name": "Rolf Dijkgraaf", "function": "chef"}])
    before = {each: look(world, each) for each in (other, into)}
    merge_as_they_are(world, other, into)
    decide(world, into, concerned=[{"name": "Els Kuik", "function": None}])
    undo(world, other)
    view = look(world, into)
    assert about(view.report) == about(card_of(world, into)) == ("laag", ["Els Kuik"], ["pesten"], "pesten")
    assert view.decisions["severity"] == before[into].decisions["severity"]
    assert about(look(world, other).report) == about(card_of(world, other)) == about(before[other].report)


def test_what_a_merger_brought_counts_on_through_another_merger_and_back(world: World, into: str) -> None:
    other, third = grave(world), world.open_case(written("els@weg.example", "derde"), "JJJJJ-KKKKK").case_id
    merge(world, other, into)
    merge_as_they_are(world, into, third)
    assert look(world, third).report["severity"] == "acuut"
    undo(world, into)
    assert look(world, third).report["severity"] == "midden"
    assert about(look(world, into).report) == TOGETHER


def test_a_merger_is_undone_to_what_was_before(world: World, case_id: str, into: str) -> None:
    before = {each: look(world, each) for each in (case_id, into)}
    merge(world, case_id, into)
    undo(world, case_id)
    for each, seen in before.items():
        view = look(world, each)
        assert (texts(view), view.status, view.dues) == (texts(seen), seen.status, seen.dues)
        assert (view.damaged, view.foreign, view.merged_into) == (0, (), None)
        assert view.contact == seen.contact
        assert Action.MERGER_UNDONE in {event.action for event in view.timeline}
    assert keys_of(world, case_id, (RecordKind.RAW, RecordKind.MASKED)) == {case_id}


def test_after_undoing_what_was_done_meanwhile_stays_done(world: World, case_id: str, into: str) -> None:
    merge(world, case_id, into)
    with world.db.begin() as session:
        finish_dues(session, into, [DueKind.FIRST_LOOK])
    undo(world, case_id)
    assert {each.kind for each in look(world, case_id).dues} == {DueKind.FEEDBACK}


def test_a_stranger_of_a_merger_that_was_undone_is_a_stranger_again(world: World, into: str) -> None:
    other = world.open_case(written(PIET, "van piet"), "GGGGG-HHHHH").case_id
    merge(world, other, into)
    undo(world, other)
    assert [each.sender_is_new for each in look(world, other).messages] == [False]
    with world.db.read() as session:
        digest = INDEX.address(into, PIET)
        assert session.scalars(select(Lookup).where(Lookup.digest == digest)).all() == []


def test_a_merger_can_be_done_again_after_it_was_undone(world: World, case_id: str, into: str) -> None:
    merge(world, case_id, into)
    undo(world, case_id)
    merge(world, case_id, into, version=3, into_version=3)
    assert texts(look(world, into)) == ["eerste", "tweede"]
    assert look(world, into).damaged == 0


def test_whoever_saw_another_version_of_either_merges_nothing(world: World, case_id: str, into: str) -> None:
    for seen in ({"version": 2}, {"into_version": 2}):
        with pytest.raises(Changed):
            merge(world, case_id, into, **seen)
    assert texts(look(world, case_id)) == ["tweede"]


def test_a_case_is_not_merged_into_itself_one_that_ended_or_while_it_is_held_or_written_to(
    world: World, case_id: str, into: str
) -> None:
    def why(one: str, other: str) -> str:
        with world.db.read() as session, pytest.raises(CannotMerge) as refused:
            mergers.consider(session, world.ring, INDEX, one, other)
        return refused.value.why

    assert why(case_id, case_id) == "same"
    with world.db.begin() as session:
        retention.hold(session, world.ring, INDEX, case_id, "rechtszaak", NOW)
    assert why(case_id, into) == "held"
    letter = world.enqueue(case_id=into, kind=OutgoingKind.LETTER)
    assert why(into, case_id) == "letter"
    with world.db.begin() as session:
        outbox.take_back(session, world.ring.desk, letter, world.ring.member_id, NOW)
        changes.change_status(session, world.ring, INDEX, into, Status.SET_ASIDE, version=1, now=NOW)
    assert why(case_id, into) == "ended"


def test_a_damaged_message_is_left_where_it_is(world: World, case_id: str, into: str) -> None:
    damage(world.db, case_id, RecordKind.ATTACHMENT)
    with pytest.raises(mergers.CannotMove):
        merge(world, case_id, into)
    assert texts(look(world, case_id)) == ["tweede"]
    assert texts(look(world, into)) == ["eerste"]


def test_what_meldpost_did_not_write_gets_no_better_standing_by_moving(world: World, case_id: str, into: str) -> None:
    with world.db.begin() as session:
        row = session.scalars(select(Record).where(Record.case_id == case_id, Record.kind == RecordKind.REPORT)).one()
        to = pair(session, row.key_pair_id)
        sealed = records._seal(session, Written.of(row), [signed(Written.of(row), {"kind": "overig"}, None)], to)
        row.frame, row.sha256, row.size = sealed.frame, sealed.sha256, sealed.size
    with pytest.raises(mergers.CannotMove):
        merge(world, case_id, into)


# who may


def test_only_who_opens_both_merges_them(office: Office) -> None:
    world = office.world
    one = world.open_case(written(SANNE, "een"), "AAAAA-BBBBB").case_id
    other = world.open_case(written(SANNE, "twee"), "CCCCC-DDDDD").case_id
    with world.db.begin() as session:
        grants.grant(session, world.ring, INDEX, one, office.id("ivo"), identity=True, reason="x", now=NOW)
    for case_ids in ((one, other), (other, one)):
        with pytest.raises(NotFound):
            merge(world, *case_ids, ring=office.ring("ivo"))
    with world.db.begin() as session:
        grants.grant(session, world.ring, INDEX, other, office.id("ivo"), identity=False, reason="x", now=NOW)
    with pytest.raises(CannotMerge, match="identity"):
        merge(world, one, other, ring=office.ring("ivo"))
    assert texts(look(world, one)) == ["een"]


def test_who_reads_only_merges_nothing(office: Office) -> None:
    world = office.world
    one = world.open_case(written(SANNE, "een"), "AAAAA-BBBBB").case_id
    other = world.open_case(written(SANNE, "twee"), "CCCCC-DDDDD").case_id
    for each in (one, other):
        with world.db.begin() as session:
            grants.grant(session, world.ring, INDEX, each, office.id("sam"), identity=True, reason="x", now=NOW)
    with pytest.raises(NotAllowed):
        merge(world, one, other, ring=office.ring("sam"))


def restrict(office: Office, case_id: str, name: str) -> None:
    world = office.world
    for _ in grants.shut_out(
        *(world.db, world.ring, INDEX, world.keys, case_id, office.id(name)), "over deze persoon", by_request=False
    ):
        pass


def test_nobody_reads_by_a_merger_what_they_are_kept_out_of(office: Office) -> None:
    world = office.world
    secret = world.open_case(written(SANNE, "geheim"), "AAAAA-BBBBB").case_id
    plain = world.open_case(written(SANNE, "gewoon"), "CCCCC-DDDDD").case_id
    third = world.open_case(written(SANNE, "derde"), "EEEEE-FFFFF").case_id
    restrict(office, secret, "ben")
    restrict(office, third, "cas")
    for other in (plain, third):
        with pytest.raises(CannotMerge, match="restricted"), world.db.read() as session:
            mergers.consider(session, office.ring("ada"), INDEX, secret, other)
    merge(world, plain, secret, ring=office.ring("ada"))
    assert texts(look(world, secret, office.ring("ada"))) == ["geheim", "gewoon"]
    everything = office.everything_of(["ben"])
    assert "identity" not in opened_kinds(world.db, everything, secret)


# splitting


def test_a_message_that_is_split_off_is_a_case_with_terms_from_the_day_it_came(world: World, into: str) -> None:
    message_id = further(world, into, "iets anders")
    made = split(world, into, message_id)
    view, left = look(world, made), look(world, into)
    assert (texts(view), texts(left)) == (["iets anders"], ["eerste"])
    assert (view.status, view.reference, view.linked_case_ids) == (Status.RECEIVED, "EEEEE-FFFFF", (into,))
    assert (view.damaged, left.damaged, view.foreign, left.foreign) == (0, 0, (), ())
    assert view.suggested["kind"] == "melding"
    assert {each.kind for each in view.dues} == {
        *(DueKind.RECEIPT, DueKind.FIRST_LOOK, DueKind.FIRST_MESSAGE, DueKind.FEEDBACK)
    }
    assert keys_of(world, made, (RecordKind.RAW, RecordKind.REPORT, RecordKind.CARD)) == {made}
    assert Action.SPLIT_OFF in {event.action for event in left.timeline}
    assert Action.SPLIT_FROM in {event.action for event in view.timeline}


def test_answers_to_a_message_that_was_split_off_and_to_its_receipt_reach_the_new_case(world: World, into: str) -> None:
    message_id = further(world, into, "iets anders")
    with world.db.begin() as session:
        at = NOW + timedelta(hours=1)
        new = outgoing(case_id=into, copy={"to": SANNE})
        outbox.enqueue(session, world.keys.mailer, INDEX, new, at)
    made = split(world, into, message_id)
    with world.db.read() as session:
        row = outbox.with_id(session, world.ring.desk, new.id)
        answered = lookups.message_with_id(session, world.ring.desk, INDEX.message_id("<iets anders@thuis.example>"))
        assert row is not None
        assert answered is not None
        assert (row.case_id, answered.case_id) == (made, made)
        assert lookups.knows_address(session, world.ring.desk, made, INDEX.address(made, SANNE))
    assert look(world, made).outgoing[0].to == SANNE
    assert look(world, into).outgoing == ()


def test_a_stranger_who_is_split_off_is_the_reporter_of_their_own_case_and_unknown_to_the_old(
    world: World, into: str
) -> None:
    message_id = further(world, into, "van piet", PIET, new=True)
    made = split(world, into, message_id)
    assert [each.sender_is_new for each in look(world, made).messages] == [False]
    with world.db.read() as session:
        assert not lookups.knows_address(session, world.ring.desk, into, INDEX.address(into, PIET))


def test_splitting_is_undone_by_merging(world: World, into: str) -> None:
    message_id = further(world, into, "iets anders")
    made = split(world, into, message_id)
    merge(world, made, into, into_version=2)
    assert texts(look(world, into)) == ["eerste", "iets anders"]


def test_the_only_message_of_a_case_and_one_of_another_case_are_not_split_off(
    world: World, case_id: str, into: str
) -> None:
    only = look(world, into).messages[0].id
    with pytest.raises(CannotSplit, match="only_one"):
        split(world, into, only)
    with pytest.raises(NotFound):
        split(world, case_id, only)


def test_a_case_that_somebody_is_kept_out_of_is_split_into_one_that_they_are_kept_out_of(office: Office) -> None:
    world = office.world
    secret = world.open_case(written(SANNE, "geheim"), "AAAAA-BBBBB").case_id
    message_id = further(world, secret, "ook geheim")
    restrict(office, secret, "ben")
    made = split(world, secret, message_id, office.ring("ada"))
    assert texts(look(world, made, office.ring("ada"))) == ["ook geheim"]
    assert opened_kinds(world.db, office.everything_of(["ben"]), made) == set()
    with pytest.raises(NotFound):
        look(world, made, office.ring("ben"))


def test_who_opens_single_cases_only_splits_none(office: Office) -> None:
    world = office.world
    one = world.open_case(written(SANNE, "een"), "AAAAA-BBBBB").case_id
    message_id = further(world, one, "twee")
    with world.db.begin() as session:
        grants.grant(session, world.ring, INDEX, one, office.id("ivo"), identity=True, reason="x", now=NOW)
    with pytest.raises(NotAllowed):
        split(world, one, message_id, office.ring("ivo"))


# the end


def test_a_merged_case_is_destroyed_with_the_one_it_went_into(world: World, case_id: str, into: str) -> None:
    third = world.open_case(written(SANNE, "derde"), "GGGGG-HHHHH").case_id
    merge(world, third, case_id)
    merge(world, case_id, into, version=2)
    look(world, into)
    with world.db.begin() as session:
        changes.change_status(session, world.ring, INDEX, into, Status.SET_ASIDE, version=2, now=NOW)
        destruction.begin(session, world.ring.desk, into, INDEX, NOW)
    assert destruction.finish_begun(world.db, {world.ring.desk: INDEX}) == 3
    with world.db.read() as session:
        assert session.scalars(select(CaseFile.id)).all() == []
        assert session.scalars(select(Record).where(Record.case_id.is_not(None))).all() == []
