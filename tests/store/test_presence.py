"""Who has a case open: seen by whoever may open it, gone by itself, and written no oftener than it must be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from store import presence, sessions
from store.casework import NotFound
from store.presence import Doing
from store.schema import Presence
from tests.store.office import Office
from tests.store.test_grants import grant
from tests.store.world import NOW

LASTS = timedelta(seconds=40)


@pytest.fixture
def case_id(office: Office) -> str:
    return office.world.open_case().case_id


def note(office: Office, name: str, case_id: str, doing: Doing = Doing.LOOKING, after: float = 0) -> None:
    presence.note(office.db, office.ring(name), case_id, doing, NOW + timedelta(seconds=after), LASTS)


def seen_by(office: Office, name: str, case_id: str, after: float = 0) -> list[tuple[str, str]]:
    with office.db.read() as session:
        found = presence.others(session, office.ring(name), case_id, NOW + timedelta(seconds=after))
    return [(each.login, each.doing) for each in found]


def test_others_are_seen_while_they_are_there_and_nobody_sees_themselves(office: Office, case_id: str) -> None:
    note(office, "ada", case_id)
    note(office, "cas", case_id, Doing.WRITING)
    assert seen_by(office, "ada", case_id) == [("cas", "writing")]
    assert seen_by(office, "cas", case_id) == [("ada", "looking")]
    assert seen_by(office, "ben", case_id) == [("cas", "writing"), ("ada", "looking")]
    assert seen_by(office, "cas", case_id, after=40) == []


def test_who_writes_in_one_window_and_looks_in_another_writes(office: Office, case_id: str) -> None:
    note(office, "cas", case_id, Doing.WRITING)
    note(office, "cas", case_id, Doing.LOOKING, after=5)
    assert seen_by(office, "ada", case_id, after=6) == [("cas", "writing")]
    note(office, "cas", case_id, Doing.LOOKING, after=41)
    assert seen_by(office, "ada", case_id, after=42) == [("cas", "looking")]


def test_a_sign_is_written_anew_only_when_half_of_its_time_is_over(office: Office, case_id: str) -> None:
    note(office, "cas", case_id)
    for after in (5, 10, 19):
        note(office, "cas", case_id, after=after)
    with office.db.read() as session:
        assert session.scalars(select(Presence.until)).all() == [NOW + LASTS]
    note(office, "cas", case_id, after=21)
    assert seen_by(office, "ada", case_id, after=60) == [("cas", "looking")]


def test_a_sign_shortens_what_a_page_without_signs_was_taken_for(office: Office, case_id: str) -> None:
    presence.note(office.db, office.ring("cas"), case_id, Doing.LOOKING, NOW, timedelta(minutes=5))
    assert seen_by(office, "ada", case_id, after=299) == [("cas", "looking")]
    note(office, "cas", case_id, after=1)
    assert seen_by(office, "ada", case_id, after=42) == []


def test_rows_that_are_over_are_taken_away_by_whoever_comes_next(office: Office, case_id: str) -> None:
    note(office, "cas", case_id)
    note(office, "ada", case_id, after=41)
    with office.db.read() as session:
        assert session.scalars(select(Presence.member_id)).all() == [office.id("ada")]


def test_who_logs_out_is_gone_at_once(office: Office, case_id: str) -> None:
    with office.db.begin() as session:
        secret = sessions.start(session, office.ring("cas"), NOW)
    note(office, "cas", case_id)
    note(office, "ada", case_id)
    with office.db.begin() as session:
        sessions.end(session, secret, NOW)
    assert seen_by(office, "ada", case_id) == []
    assert seen_by(office, "cas", case_id) == [("ada", "looking")]


def test_who_may_not_open_the_case_neither_stands_there_nor_is_told(office: Office, case_id: str) -> None:
    with pytest.raises(NotFound):
        note(office, "ivo", case_id)
    grant(office, "ada", case_id, "ivo")
    note(office, "ivo", case_id)
    note(office, "ada", case_id)
    assert seen_by(office, "ada", case_id) == [("ivo", "looking")]
    assert seen_by(office, "ivo", case_id) == [("", "looking")], "without the desk's key nobody knows the members"
