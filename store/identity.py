"""Who reported a case is shown for a reason, which stands on the trail, and for a while only.

What is open is what the trail says: a row of a member, a case and a visit (a log-in of theirs) opens it from then on,
and nothing else notes it. The reason is sealed to the case's own key: who opens the case reads it, and it goes with it.
The keys themselves are on the member's ring all the time; this is about what is shown, and about what is asked.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import audit
from store.audit import Action
from store.casework import case_row, opens_identity
from store.keypairs import KeyKind
from store.keyring import KeyRing, NoSuchKey, newest_proven
from store.lookups import IndexKey
from store.schema import Audit


class IdentityClosed(Exception):
    """Who reported is asked for, and nobody said why yet, or it is too long ago."""


class NoReason(Exception):
    """Who reported is opened for a reason, which stands on the trail."""


def open_for(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, reason: str, visit: str, now: datetime
) -> None:
    """Open who reported a case, for this member and visit. Raises NotFound, NoSuchKey, UnprovenKey, NoReason."""
    case_row(session, ring, case_id)
    if not opens_identity(session, ring, case_id):
        raise NoSuchKey("This member was not given who reported this case.")
    if not reason.strip():
        raise NoReason("Say in a few words why.")
    audit.write(
        *(session, ring.desk, Action.IDENTITY_OPENED, now),
        member_id=ring.member_id,
        case_id=case_id,
        subject_id=visit,
        detail={"reason": reason.strip()},
        to=newest_proven(session, index, ring.desk, KeyKind.CASE, case_id),
    )
    session.flush()


def is_open(session: Session, ring: KeyRing, case_id: str, visit: str, now: datetime, lasts: timedelta) -> bool:
    """Did this member say in this visit why they open who reported, no longer ago than it lasts?"""
    return case_id in opened(session, ring, visit, now, lasts, case_id)


def opened(
    session: Session, ring: KeyRing, visit: str, now: datetime, lasts: timedelta, case_id: str | None = None
) -> Set[str]:
    """The cases, or whether this one is among them, of which this member said why in this visit."""
    said = (Audit.member_id == ring.member_id, Audit.subject_id == visit, Audit.action == Action.IDENTITY_OPENED)
    then = (Audit.at > now - lasts, Audit.at <= now)
    found = select(Audit.case_id).where(Audit.desk == ring.desk, *said, *then)
    if case_id is not None:
        found = found.where(Audit.case_id == case_id).limit(1)
    return {each for each in session.scalars(found) if each}
