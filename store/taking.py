"""Who has a case: the member who sees to it next, so that nobody does what another does and nothing waits for nobody.

It opens nothing and keeps nobody from the case. A member takes a case that nobody has; who manages access also gives it
to another who opens it and may write, or takes it over. Who may not open it any more does not have it any more
(`store/letting_go.py`). Each change counts the case's version up, and stands on the trail.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cases.roles import May, may
from store import audit
from store.audit import Action
from store.casework import case_row
from store.changes import claim_version
from store.grants import Person, who_has_access
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey


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
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, member_id: str, *, version: int, now: datetime
) -> int:
    """Let another member have a case. Gives the new version.

    Raises NotAllowed, NotFound, Changed, NoSuchMember, CannotHaveIt, NoSuchKey, UnprovenKey.
    """
    person = who_has_access(session, ring, index, case_id).of(member_id)
    if not may_have(person):
        raise CannotHaveIt("This member does not open this case, or may not write to it.")
    return _write(session, ring, index, case_id, member_id, version, now)


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
