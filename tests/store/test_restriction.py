"""A case that names a member is never sealed to them, from its first row on."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from store import arrivals, casework, grants, segments
from store.audit import Action
from store.casework import NotFound
from store.intake import TakenIn, add_message
from store.keypairs import KeyKind, generate
from store.keyring import KeyRing
from store.membership import leave
from store.queue import look_count, overdue_count, queue_page, status_counts
from store.restriction import restriction
from store.schema import CaseFile, KeyPair, SealedSeed
from store.search import Query, SearchIndex
from tests.store.office import Office, opened_kinds
from tests.store.test_grants import ALL, grant, opens, shut_out
from tests.store.world import INDEX, NOW, mail, new_case


def take_in(office: Office, about: str, *among: str) -> TakenIn:
    """A mail that names a member; it may be opened by these."""
    with office.db.begin() as session:
        ids = [office.id(name) for name in among]
        kept = restriction(session, office.world.ring.desk, office.world.pins, [office.id(about)], ids)
        assert kept is not None
        return new_case(session, office.world.keys, mail(attachments=[]), restriction=kept)


def found(office: Office, ring: KeyRing) -> list[str]:
    """What a member finds by the index that they make themselves of all that they open."""
    index = SearchIndex()
    index.refresh(office.db, ring, now=NOW)
    with office.db.read() as session:
        return list(index.search(session, ring, Query(text="zwanenzang")).case_ids)


def test_who_is_named_opens_lists_and_finds_nothing_with_the_whole_database_and_all_their_keys(office: Office) -> None:
    case_id = take_in(office, "ben", "ada", "ben", "cas", "sam").case_id
    assert opens(office, "ben", case_id) == set()
    assert opened_kinds(office.db, office.everything_of(["ben", "ivo", "aud"]), case_id) == set()
    for name in ("ada", "cas", "sam"):
        assert opens(office, name, case_id) == ALL, name
    ring = office.ring("ben")
    assert found(office, ring) == []
    assert found(office, office.ring("cas")) == [case_id]
    with office.db.read() as session:
        assert not queue_page(session, ring).rows
        assert sum(status_counts(session, ring).values()) == 0
        assert overdue_count(session, ring, NOW.replace(year=2030)) == 0
        assert look_count(session, ring) == 0
        assert arrivals.mark(session, ring, NOW).known == 0
        assert not segments.stored(session, ring.desk, segments.audiences(session, ring))
        with pytest.raises(NotFound):
            casework.case_row(session, ring, case_id)
        with office.db.begin() as writing:  # who writes to the database changes what is listed, and opens no more by it
            writing.execute(update(CaseFile).values(restricted=False))
    assert opens(office, "ben", case_id) == set()


def test_no_key_of_the_case_is_ever_sealed_to_who_is_named_or_to_the_desk(office: Office) -> None:
    case_id = take_in(office, "ben", "ada", "ben", "cas").case_id
    with office.db.read() as session:
        of = select(KeyPair.id).where(KeyPair.owner == case_id)
        to = select(SealedSeed.recipient_key_pair_id).where(SealedSeed.key_pair_id.in_(of))
        recipients = session.execute(select(KeyPair.kind, KeyPair.owner).where(KeyPair.id.in_(to))).all()
    assert {tuple(each) for each in recipients} == {
        (KeyKind.RECOVERY, ""),
        (KeyKind.MEMBER, office.id("ada")),
        (KeyKind.MEMBER, office.id("cas")),
    }


def test_it_stays_so_when_mail_comes_and_when_access_changes(office: Office) -> None:
    case_id = take_in(office, "ben", "ada", "ben", "cas").case_id
    with office.db.begin() as session:
        add_message(session, office.world.keys, INDEX, case_id, mail(), sender_is_new=False, now=NOW)
    grant(office, "ada", case_id, "ivo")
    shut_out(office, "ada", case_id, "cas")
    assert opens(office, "ben", case_id) == opens(office, "cas", case_id) == set()
    assert opens(office, "ada", case_id) == ALL
    assert opens(office, "ivo", case_id) == {"case", "trail"}
    with pytest.raises(grants.ShutOut):
        grant(office, "ada", case_id, "ben")
    grant(office, "ada", case_id, "ben", identity=True, again=True)
    assert opens(office, "ben", case_id) == ALL


def test_that_a_member_was_kept_out_stands_on_the_trail(office: Office) -> None:
    case_id = take_in(office, "ben", "ada", "cas").case_id
    with office.db.begin() as session:
        timeline = casework.view_case(session, office.ring("ada"), case_id, NOW).timeline
    (told,) = [event for event in timeline if event.action is Action.SHUT_OUT]
    assert (told.by, told.detail["member_name"], told.detail["at_intake"]) == (None, "ben", True)


def test_a_case_is_sealed_to_no_key_that_the_desk_did_not_certify_and_to_nobody_who_left(office: Office) -> None:
    with office.db.begin() as session:
        of_sam = select(KeyPair).where(KeyPair.owner == office.id("sam"))
        session.scalars(of_sam).one().public = generate().public.to_bytes()
        leave(session, office.ring("ada"), office.id("cas"), NOW)
    case_id = take_in(office, "ben", "ada", "ben", "cas", "sam").case_id
    with office.db.read() as session:
        access = grants.who_has_access(session, office.ring("ada"), INDEX, case_id)
    assert [person.member.login for person in access.people if person.opens] == ["ada"]


def test_where_nobody_else_could_open_it_there_is_no_restriction(office: Office) -> None:
    with office.db.read() as session:
        desk, pins = office.world.ring.desk, office.world.pins
        assert restriction(session, desk, pins, [office.id("ben")], [office.id("ben")]) is None
        assert restriction(session, desk, pins, [office.id("ben")], ["0" * 32]) is None
