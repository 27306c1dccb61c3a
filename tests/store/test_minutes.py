"""What a reporter answered to the minutes of what they said: noted, changed, taken back, and sealed apart."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from cases.minutes import MinutesAnswer
from cases.roles import Role
from store import minutes
from store.audit import Action
from store.casework import CaseView, MinutesAnswered, view_case
from store.changes import Changed
from store.keypairs import KeyKind
from store.keyring import NotAllowed
from store.schema import KeyPair, Record
from tests.store.office import Office
from tests.store.test_changes import INDEX, NOW, look
from tests.store.test_grants import grant
from tests.store.world import World

LATER = NOW + timedelta(hours=1)
DAY = date(2026, 11, 28)
WORDS = "Het was op dinsdag, zei mijn zus Sanne."


@pytest.fixture
def case_id(world: World) -> str:
    return world.open_case().case_id


def note(world: World, case_id: str, answer: MinutesAnswer, corrections: str = "") -> CaseView:
    version = look(world, case_id).version
    with world.db.begin() as session:
        about = (session, world.ring, INDEX, case_id, answer, DAY, corrections)
        minutes.note_answer(*about, version=version, now=LATER)
    return look(world, case_id)


def take_back(world: World, case_id: str) -> CaseView:
    version = look(world, case_id).version
    with world.db.begin() as session:
        minutes.take_answer_back(session, world.ring, INDEX, case_id, version=version, now=LATER)
    return look(world, case_id)


def test_what_the_reporter_answered_is_noted_changed_and_taken_back_and_each_stands_on_the_timeline(
    world: World, case_id: str
) -> None:
    assert look(world, case_id).minutes is None
    corrected = note(world, case_id, MinutesAnswer.CORRECTED, WORDS).minutes
    assert corrected == MinutesAnswered(MinutesAnswer.CORRECTED, DAY, WORDS, "ada", LATER)
    approved = note(world, case_id, MinutesAnswer.APPROVED).minutes
    assert approved == MinutesAnswered(MinutesAnswer.APPROVED, DAY, "", "ada", LATER)
    after = take_back(world, case_id)
    assert after.minutes is None
    told = [(each.action, dict(each.detail)) for each in after.timeline if each.action.startswith("minutes")]
    assert told == [
        (Action.MINUTES_ANSWERED, {"answer": "corrected", "on": "2026-11-28"}),
        (Action.MINUTES_ANSWERED, {"answer": "approved", "on": "2026-11-28"}),
        (Action.MINUTES_UNANSWERED, {}),
    ]
    with pytest.raises(Changed):
        take_back(world, case_id)
    assert note(world, case_id, MinutesAnswer.CORRECTED, WORDS).minutes is not None


def test_the_answer_is_sealed_to_the_case_and_what_has_to_stand_otherwise_to_the_identity(
    world: World, case_id: str
) -> None:
    view = note(world, case_id, MinutesAnswer.CORRECTED, WORDS)
    with world.db.read() as session:
        found = (
            select(Record.kind, KeyPair.kind)
            .join(KeyPair, KeyPair.id == Record.key_pair_id)
            .where(Record.kind.in_(["approval", "corrections"]), Record.case_id == case_id)
        )
        sealed = {row[0]: row[1] for row in session.execute(found)}
    assert sealed == {"approval": KeyKind.CASE, "corrections": KeyKind.IDENTITY}
    masked = view.without_identity().minutes
    assert masked is not None
    assert (masked.answer, masked.corrections) == (MinutesAnswer.CORRECTED, "")
    assert WORDS not in repr(view)


def test_who_was_not_given_who_reported_sees_the_answer_and_not_the_reporters_words(office: Office) -> None:
    world = office.world
    case_id = world.open_case().case_id
    note(world, case_id, MinutesAnswer.CORRECTED, WORDS)
    grant(office, "ada", case_id, "ivo")
    with office.db.begin() as session:
        seen = view_case(session, office.ring("ivo"), case_id, NOW)
    assert seen.minutes == MinutesAnswered(MinutesAnswer.CORRECTED, DAY, "", "", LATER)  # names are the desk's
    assert seen.damaged == 0


def test_who_only_reads_notes_nothing_of_the_minutes(office: Office) -> None:
    case_id = office.world.open_case().case_id
    grant(office, "ada", case_id, "sam")
    assert office.ring("sam").role is Role.SECRETARY_GENERAL
    about = (office.ring("sam"), INDEX, case_id)
    with pytest.raises(NotAllowed), office.db.begin() as session:
        minutes.note_answer(session, *about, MinutesAnswer.APPROVED, DAY, "", version=1, now=LATER)
    with pytest.raises(NotAllowed), office.db.begin() as session:
        minutes.take_answer_back(session, *about, version=1, now=LATER)
