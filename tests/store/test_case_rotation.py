"""After the desk's key, those of its cases: who took keys out of the database opens nothing by them any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from store import case_rotation, grants, membership, rekeying, rotation
from store.case_rotation import behind, count_behind
from store.grants import Renewing
from store.intake import add_message
from store.keypairs import KeyKind
from store.keyring import DeskPublicKeys, KeyRing, NotAllowed, desk_keys, newest_proven
from store.members import ring_of
from tests.store.office import Office, opened_kinds
from tests.store.world import INDEX, NOW, mail, new_case

ALL = {"case", "identity"}


@pytest.fixture
def case_ids(office: Office) -> list[str]:
    return [arrive(office, f"CASE-{number}") for number in range(3)]


def arrive(office: Office, reference: str) -> str:
    """As the daemon takes a mail in."""
    with office.db.begin() as session:
        return new_case(session, keys_in(office, session), mail(attachments=[], message_ids=[]), reference).case_id


def keys(office: Office) -> DeskPublicKeys:
    with office.db.read() as session:
        return keys_in(office, session)


def keys_in(office: Office, session: Session) -> DeskPublicKeys:
    return desk_keys(session, office.world.ring.desk, office.world.pins)


def ring(office: Office, name: str) -> KeyRing:
    """As after a new log-in."""
    of = office.rings[name]
    with office.db.read() as session:
        return ring_of(session, of.desk, of.member_id, of.login, of.privates[of.own], office.world.pins)


def rotate_the_desk(office: Office) -> None:
    list(rotation.rotate(office.db, ring(office, "ada"), office.world.pins, NOW))


def resume(office: Office, by: str = "ada") -> list[Renewing]:
    return list(case_rotation.resume(office.db, ring(office, by), INDEX, keys(office)))


def grant(office: Office, case_id: str, to: str, *, identity: bool = False) -> None:
    with office.db.begin() as session:
        about = (session, office.ring("ada"), INDEX, case_id, office.id(to))
        grants.grant(*about, identity=identity, reason="Onderzoek.", now=NOW)


def kept_keys(office: Office, case_id: str) -> KeyRing:
    """Who took the keys of a case out of the database while they had the desk's."""
    of = ring(office, "ada")
    with office.db.read() as session:
        pairs = [newest_proven(session, INDEX, of.desk, kind, case_id) for kind in (KeyKind.CASE, KeyKind.IDENTITY)]
        return KeyRing("", of.desk, "", {each.id: of.private(session, each.id) for each in pairs})


def opens(office: Office, name: str, case_id: str) -> set[str]:
    return opened(office, ring(office, name), case_id)


def opened(office: Office, by: KeyRing, case_id: str) -> set[str]:
    """Of which of the case's keys; rows of the trail are never changed, so an old key opens their details still."""
    return opened_kinds(office.db, replace(by, _opened={}), case_id) - {"trail"}


def number_behind(office: Office) -> int:
    with office.db.read() as session:
        return count_behind(session, office.world.ring.desk)


def test_who_took_the_keys_of_cases_opens_nothing_by_them_any_more(office: Office, case_ids: list[str]) -> None:
    thieves = {case_id: kept_keys(office, case_id) for case_id in case_ids}
    rotate_the_desk(office)
    assert number_behind(office) == 3
    assert all(opened(office, each, case_id) for case_id, each in thieves.items())
    assert [(each.done, each.total, each.left) for each in resume(office)] == [(1, 3, ()), (2, 3, ()), (3, 3, ())]
    with office.db.begin() as session:
        found = newest_proven(session, INDEX, office.world.ring.desk, KeyKind.CASE, case_ids[0])
        assert found.generation == 2
    for case_id, each in thieves.items():
        assert not opened(office, each, case_id)
        assert opens(office, "ada", case_id) == ALL
    assert number_behind(office) == 0
    assert resume(office) == []


def test_everybody_keeps_the_access_that_they_had(office: Office, case_ids: list[str]) -> None:
    grant(office, case_ids[0], "ivo")
    grant(office, case_ids[1], "isa", identity=True)
    rotate_the_desk(office)
    resume(office)
    assert opens(office, "ivo", case_ids[0]) == {"case"}
    assert opens(office, "isa", case_ids[1]) == ALL
    assert opens(office, "ivo", case_ids[1]) == opens(office, "isa", case_ids[0]) == set()
    assert opens(office, "ben", case_ids[2]) == ALL


def test_an_investigator_who_left_with_a_key_opens_nothing_that_comes_after(
    office: Office, case_ids: list[str]
) -> None:
    grant(office, case_ids[0], "ivo", identity=True)
    thief = kept_keys(office, case_ids[0])
    with office.db.begin() as session:
        membership.leave(session, office.ring("ada"), office.id("ivo"), NOW)
    rotate_the_desk(office)
    resume(office)
    assert not opened(office, thief, case_ids[0])
    assert opened(office, office.ring("ivo"), case_ids[0]) == set()


def test_one_that_broke_off_is_gone_on_with_by_another_member_and_does_no_case_twice(
    office: Office, case_ids: list[str]
) -> None:
    rotate_the_desk(office)
    steps = case_rotation.resume(office.db, ring(office, "ada"), INDEX, keys(office))
    next(steps)
    close(steps)
    assert number_behind(office) == 2
    assert [(each.done, each.total) for each in resume(office, "cas")] == [(1, 2), (2, 2)]
    generations = set()
    with office.db.begin() as session:
        for case_id in case_ids:
            found = newest_proven(session, INDEX, office.world.ring.desk, KeyKind.IDENTITY, case_id)
            generations.add(found.generation)
    assert generations == {2}


def test_a_case_whose_keys_were_half_made_anew_is_finished_first(office: Office, case_ids: list[str]) -> None:
    rotate_the_desk(office)
    steps = grants.renew(office.db, ring(office, "ada"), INDEX, keys(office), case_ids[1])
    next(steps)
    close(steps)
    with office.db.read() as session:
        assert rekeying.unfinished(session, office.world.ring.desk) == (case_ids[1],)
    assert [each.total for each in resume(office)] == [2, 2]
    with office.db.read() as session:
        assert rekeying.unfinished(session, office.world.ring.desk) == ()
    assert opens(office, "ada", case_ids[1]) == ALL


def test_a_case_that_came_in_after_the_desks_new_key_is_not_behind(office: Office) -> None:
    rotate_the_desk(office)
    arrive(office, "CASE-9")
    assert number_behind(office) == 0


def test_later_mail_makes_no_case_behind_or_done(office: Office, case_ids: list[str]) -> None:
    rotate_the_desk(office)
    with office.db.begin() as session:
        later = mail(attachments=[], message_ids=[])
        add_message(session, keys(office), INDEX, case_ids[0], later, sender_is_new=False, now=NOW)
    assert number_behind(office) == 3


def test_a_restricted_case_waits_for_a_member_who_opens_it(office: Office, case_ids: list[str]) -> None:
    shutting = grants.shut_out(
        *(office.db, office.ring("cas"), INDEX, office.world.keys, case_ids[0], office.id("ada"), "Gaat over ada."),
        by_request=False,
    )
    list(shutting)
    rotate_the_desk(office)
    assert [(each.done, each.total, each.left) for each in resume(office)] == [(1, 2, ()), (2, 2, ())]
    with office.db.read() as session:
        assert behind(session, ring(office, "ada")) == ()
        assert behind(session, ring(office, "ben")) == (case_ids[0],)
    resume(office, "ben")
    assert number_behind(office) == 0
    assert opens(office, "ada", case_ids[0]) == set()
    assert opens(office, "cas", case_ids[0]) == ALL


def test_without_a_rotation_nothing_is_behind(office: Office, case_ids: list[str]) -> None:
    assert number_behind(office) == 0
    assert resume(office) == []


def test_who_may_not_manage_access_makes_no_keys_anew(office: Office, case_ids: list[str]) -> None:
    grant(office, case_ids[0], "ivo", identity=True)
    rotate_the_desk(office)
    with pytest.raises(NotAllowed):
        resume(office, "ivo")
    assert number_behind(office) == 3


def close(steps: Iterator[Renewing] | Iterator[rekeying.Progress]) -> None:
    """Stop it where it is."""
    steps.close()  # type: ignore[union-attr]
