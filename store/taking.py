"""Who has a case: the member who sees to it next, so that nobody does what another does and nothing waits for nobody.

It opens nothing and keeps nobody from the case. A member takes a case that nobody has; who manages access also gives it
to another who opens it and may write, or takes it over. Who may not open it any more does not have it any more
(`store/letting_go.py`). Each change counts the case's version up, and stands on the trail.

Who is given a case is told by mail some minutes later, if they have it by then: the due row of that, like any, is
seen to by the daemon (`notify/schedule.py`), for the desk signs no mail.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN
from cases.roles import May, may
from cases.terms import DueKind
from store import audit, dues
from store.audit import Action
from store.casework import case_row
from store.changes import claim_version
from store.dues import DueState
from store.grants import Person, who_has_access
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.schema import CaseFile, Due


class AnothersCase(Exception):
    """Another member has this case: only who manages access takes it over, or gives it back for them."""


class CannotHaveIt(Exception):
    """This member does not open the case, or may not write to it."""


def take(session: Session, ring: KeyRing, index: IndexKey, case_id: str, *, version: int, now: datetime) -> int:
    """Have a case from now on. Gives the new version. Raises NotAllowed, NotFound, Changed, AnothersCase."""
    ring.require(May.WRITE)
    if not _may_move(session, ring, case_id):
        raise AnothersCase("Another member has this case. Ask them, or the coordinator.")
    return _write(session, ring, index, case_id, ring.member_id, version, now)


def give_to(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    member_id: str,
    *,
    version: int,
    now: datetime,
    tell_after: timedelta | None = None,
) -> int:
    """Let another member have a case. Gives the new version.

    `tell_after`: how long after that they are told by mail; None: they are not. Nobody is told of what they did.
    Raises NotAllowed, NotFound, Changed, NoSuchMember, CannotHaveIt, NoSuchKey, UnprovenKey.
    """
    person = who_has_access(session, ring, index, case_id).of(member_id)
    if not may_have(person):
        raise CannotHaveIt("This member does not open this case, or may not write to it.")
    had_it = case_row(session, ring, case_id).taken_by_id == member_id
    given = _write(session, ring, index, case_id, member_id, version, now)
    if tell_after is not None and not had_it and member_id != ring.member_id:
        at = _told_with_others(session, ring.desk, member_id, now + tell_after)
        dues.set_due(session, ring.desk, case_id, DueKind.GIVEN_NOTICE, at)
    return given


def give_back(session: Session, ring: KeyRing, index: IndexKey, case_id: str, *, version: int, now: datetime) -> int:
    """Nobody has the case from now on. Gives the new version. Raises NotAllowed, NotFound, Changed, AnothersCase."""
    ring.require(May.WRITE)
    if not _may_move(session, ring, case_id):
        raise AnothersCase("Another member has this case. Ask them, or the coordinator.")
    return _write(session, ring, index, case_id, None, version, now)


def may_have(person: Person) -> bool:
    """Can this member be given the case, as things stand?"""
    role = person.member.role
    return person.opens and not person.shut_out and role is not None and may(role, May.WRITE)


def holders(session: Session, case_ids: Collection[str]) -> Mapping[str, str]:
    """Who has which of these cases, by case, as far as they are open. Needs no key."""
    found = select(CaseFile.id, CaseFile.taken_by_id).where(
        CaseFile.id.in_(case_ids), CaseFile.taken_by_id.is_not(None), CaseFile.status.in_(list(OPEN))
    )
    return {case_id: member_id for case_id, member_id in session.execute(found) if member_id}


def _told_with_others(session: Session, desk: str, member_id: str, at: datetime) -> datetime:
    """When a member is told of a case that was given to them: with those that they are to be told of before `at`."""
    theirs = (
        select(func.min(Due.due_at))
        .join(CaseFile, CaseFile.id == Due.case_id)
        .where(Due.desk == desk, Due.kind == DueKind.GIVEN_NOTICE, Due.state == DueState.OPEN)
        .where(CaseFile.taken_by_id == member_id)
    )
    first = session.scalars(theirs).one()
    return at if first is None else min(first, at)


def _may_move(session: Session, ring: KeyRing, case_id: str) -> bool:
    row = case_row(session, ring, case_id, lock=True)
    return row.taken_by_id in (None, ring.member_id) or ring.may(May.MANAGE_ACCESS)


def _write(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, member_id: str | None, version: int, now: datetime
) -> int:
    row = claim_version(session, ring, case_id, version)
    before = row.taken_by_id
    if member_id == before:
        return row.version
    row.taken_by_id = member_id
    dues.cancel_dues(session, case_id, [DueKind.GIVEN_NOTICE])
    audit.write(
        *(session, ring.desk, Action.TAKEN if member_id else Action.GIVEN_BACK, now),
        member_id=ring.member_id,
        case_id=case_id,
        subject_id=member_id or before,
        detail={"member": member_id or before},
        to=newest_proven(session, index, ring.desk, KeyKind.CASE, case_id),
    )
    session.flush()
    return row.version
