"""Who has a case: taken, given, given back, and never a member who may not open it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cases.lifecycle import Status
from cases.roles import Role
from cases.terms import DueKind
from store import casework, changes, membership, taking
from store.audit import Action
from store.casework import CaseView, NotFound
from store.changes import Changed
from store.keyring import NotAllowed
from store.queue import NOBODY, Wanted, queue_page, taken_count
from store.taking import AnothersCase, CannotHaveIt
from tests.store.office import Office
from tests.store.test_grants import grant, shut_out, withdraw
from tests.store.world import INDEX, NOW, mail


@pytest.fixture
def case_id(office: Office) -> str:
    return office.world.open_case(mail(attachments=[])).case_id


def version(office: Office, case_id: str) -> int:
    with office.db.read() as session:
        return casework.case_row(session, office.ring("ada"), case_id).version


def take(office: Office, by: str, case_id: str) -> None:
    seen = version(office, case_id)
    with office.db.begin() as session:
        taking.take(session, office.ring(by), INDEX, case_id, version=seen, now=NOW)


def give(
    office: Office, by: str, case_id: str, to: str, *, after: timedelta | None = None, now: datetime = NOW
) -> None:
    seen = version(office, case_id)
    about = (office.ring(by), INDEX, case_id, office.id(to))
    with office.db.begin() as session:
        taking.give_to(session, *about, version=seen, now=now, tell_after=after)


def give_back(office: Office, by: str, case_id: str) -> None:
    seen = version(office, case_id)
    with office.db.begin() as session:
        taking.give_back(session, office.ring(by), INDEX, case_id, version=seen, now=NOW)


def view(office: Office, case_id: str) -> CaseView:
    with office.db.begin() as session:
        return casework.view_case(session, office.ring("cas"), case_id, NOW)


def holder(office: Office, case_id: str) -> str | None:
    found = view(office, case_id).holder
    return found.login if found else None


def test_a_case_is_taken_given_to_another_and_given_back_and_each_stands_on_the_timeline(
    office: Office, case_id: str
) -> None:
    assert holder(office, case_id) is None
    take(office, "ben", case_id)
    assert holder(office, case_id) == "ben"
    give(office, "ada", case_id, "cas")
    assert holder(office, case_id) == "cas"
    give_back(office, "cas", case_id)
    assert holder(office, case_id) is None
    told = [
        (each.action, each.by, each.detail["member_name"])
        for each in view(office, case_id).timeline
        if each.action in (Action.TAKEN, Action.GIVEN_BACK)
    ]
    assert told == [(Action.TAKEN, "ben", "ben"), (Action.TAKEN, "ada", "cas"), (Action.GIVEN_BACK, "cas", "cas")]


FIVE = timedelta(minutes=5)


def told_at(office: Office, case_id: str) -> datetime | None:
    """When whoever has the case is told of it."""
    return next((due.due_at for due in view(office, case_id).dues if due.kind is DueKind.GIVEN_NOTICE), None)


def test_who_is_given_a_case_is_told_minutes_later_together_with_what_they_were_given_meanwhile(
    office: Office, case_id: str
) -> None:
    others = [
        office.world.open_case(mail(message_ids=[f"<{at}@x>"], attachments=[]), reference=f"AAAAA-AAAA{at}").case_id
        for at in range(3)
    ]
    give(office, "ada", case_id, "ben", after=FIVE)
    give(office, "ada", others[0], "ben", after=FIVE, now=NOW + timedelta(minutes=4))
    give(office, "ada", others[1], "cas", after=FIVE, now=NOW + timedelta(minutes=4))
    give(office, "ada", others[2], "ben")
    assert [told_at(office, each) for each in (case_id, *others)] == [
        NOW + FIVE,
        NOW + FIVE,
        NOW + timedelta(minutes=9),
        None,
    ]
    due = view(office, case_id).next_due
    assert due is not None
    assert due.kind is DueKind.FIRST_LOOK  # nobody has to see to the notice


def test_nobody_is_told_of_a_case_that_they_took_themselves_or_had_already(office: Office, case_id: str) -> None:
    give(office, "ada", case_id, "ada", after=FIVE)
    assert told_at(office, case_id) is None
    give(office, "ada", case_id, "ben", after=FIVE)
    take(office, "cas", case_id)  # before ben was told
    assert told_at(office, case_id) is None
    give(office, "ada", case_id, "ben")
    give(office, "ada", case_id, "ben", after=FIVE)
    assert told_at(office, case_id) is None
    give_back(office, "ben", case_id)
    assert told_at(office, case_id) is None


def test_of_two_who_take_a_case_at_once_one_has_it(office: Office, case_id: str) -> None:
    seen = version(office, case_id)
    take(office, "ben", case_id)
    with pytest.raises(Changed), office.db.begin() as session:
        taking.take(session, office.ring("cas"), INDEX, case_id, version=seen, now=NOW)
    assert holder(office, case_id) == "ben"


def test_an_investigator_takes_a_case_of_theirs_that_nobody_has_and_no_other(office: Office, case_id: str) -> None:
    with pytest.raises(NotFound):
        take(office, "ivo", case_id)
    for member in ("ivo", "isa"):
        grant(office, "ada", case_id, member)
    take(office, "ivo", case_id)
    for refused in (take, give_back):
        with pytest.raises(AnothersCase):
            refused(office, "isa", case_id)
    with pytest.raises(NotAllowed):
        give(office, "isa", case_id, "isa")
    assert holder(office, case_id) == "ivo"
    give_back(office, "ivo", case_id)
    take(office, "isa", case_id)
    give_back(office, "ada", case_id)
    assert holder(office, case_id) is None


@pytest.mark.parametrize("member", ["ivo", "sam", "aud"], ids=["no access", "reads only", "no content"])
def test_nobody_is_given_a_case_that_they_cannot_work_on(office: Office, case_id: str, member: str) -> None:
    if member == "sam":
        grant(office, "ada", case_id, member)
        with pytest.raises(NotAllowed):
            take(office, "sam", case_id)
    with pytest.raises(CannotHaveIt):
        give(office, "ada", case_id, member)
    assert holder(office, case_id) is None


def test_nobody_is_given_a_case_that_they_are_kept_out_of(office: Office, case_id: str) -> None:
    shut_out(office, "ada", case_id, "ben")
    with pytest.raises(CannotHaveIt):
        give(office, "ada", case_id, "ben")


def _shut_out(office: Office, case_id: str) -> None:
    shut_out(office, "ada", case_id, "ben")


def _leave(office: Office, _: str) -> None:
    with office.db.begin() as session:
        membership.leave(session, office.ring("ada"), office.id("ben"), NOW)


def _other_role(office: Office, _: str) -> None:
    with office.db.begin() as session:
        membership.change_role(session, office.ring("ada"), office.id("ben"), Role.INVESTIGATOR, NOW)


@pytest.mark.parametrize("closed_to", [_shut_out, _leave, _other_role], ids=["kept out", "left", "another role"])
def test_who_may_not_open_a_case_any_more_does_not_have_it(
    office: Office, case_id: str, closed_to: Callable[[Office, str], None]
) -> None:
    take(office, "ben", case_id)
    other = office.world.open_case(mail(message_ids=["<2@x>"], attachments=[]), reference="CCCCC-DDDDD").case_id
    take(office, "cas", other)
    closed_to(office, case_id)
    assert holder(office, case_id) is None
    assert holder(office, other) == "cas"


def test_an_investigator_whose_access_is_taken_away_does_not_have_the_case(office: Office, case_id: str) -> None:
    grant(office, "ada", case_id, "ivo")
    take(office, "ivo", case_id)
    withdraw(office, "ada", case_id, "ivo")
    assert holder(office, case_id) is None


@pytest.mark.parametrize("granted", [True, False])
def test_who_loses_the_desks_key_keeps_the_cases_of_their_own(office: Office, case_id: str, granted: bool) -> None:
    with office.db.begin() as session:
        membership.change_role(session, office.ring("ada"), office.id("ben"), Role.INVESTIGATOR, NOW)
    if granted:
        grant(office, "ada", case_id, "ben")
    with office.db.begin() as session:
        membership.change_role(session, office.ring("ada"), office.id("ben"), Role.DEPUTY, NOW)
    give(office, "ada", case_id, "ben")
    with office.db.begin() as session:
        membership.change_role(session, office.ring("ada"), office.id("ben"), Role.INVESTIGATOR, NOW)
    assert holder(office, case_id) == ("ben" if granted else None)


def test_the_queue_is_chosen_by_who_has_a_case(office: Office) -> None:
    ids = [
        office.world.open_case(mail(message_ids=[f"<{at}@x>"], attachments=[]), reference=f"AAAAA-AAAA{at}").case_id
        for at in range(4)
    ]
    take(office, "ben", ids[0])
    take(office, "ada", ids[1])
    take(office, "ada", ids[3])
    with office.db.begin() as session:
        row = casework.case_row(session, office.ring("ada"), ids[3])
        changes.change_status(
            *(session, office.ring("ada"), INDEX, ids[3], Status.SET_ASIDE), version=row.version, now=NOW
        )

    def shown(wanted: Wanted) -> tuple[set[int], int]:
        with office.db.read() as session:
            page = queue_page(session, office.ring("ada"), wanted=wanted)
        return {ids.index(row.case_id) for row in page.rows}, page.total

    ada, ben = office.id("ada"), office.id("ben")
    with office.db.read() as session:
        taken = {row.case_id: row.taken_by_id for row in queue_page(session, office.ring("ada")).rows}
        assert taken_count(session, office.ring("ada")) == 1
    assert taken == {ids[0]: ben, ids[1]: ada, ids[2]: None, ids[3]: ada}
    assert shown(Wanted(taken_by_id=ada)) == ({1, 3}, 2)
    assert shown(Wanted(taken_by_id=ben)) == ({0}, 1)
    assert shown(Wanted(taken_by_id=NOBODY)) == ({2}, 1)
    assert shown(Wanted(Status.SET_ASIDE, taken_by_id=ada)) == ({3}, 1)
    assert shown(Wanted(unseen=True, taken_by_id=ben)) == ({0}, 1)
    assert shown(Wanted(taken_by_id=ada, among=frozenset(ids[2:]))) == ({3}, 1)
