"""Who has a case open beside oneself: rows that end by themselves, and say nothing of the case.

In the database, not in memory: members of one desk may each be at a web application of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store.casework import case_row
from store.database import Database, changed_rows
from store.keyring import KeyRing
from store.members import logins
from store.schema import Message, Presence


class Doing(StrEnum):
    LOOKING = "looking"
    WRITING = "writing"


@dataclass(frozen=True)
class Present:
    """Another member. `login` is empty where the reader does not open who the members are."""

    member_id: str
    login: str
    doing: Doing


@dataclass(frozen=True)
class Stand:
    """How far a case is: how often a person wrote to it (`version`), and how many messages it has."""

    version: int
    messages: int


def note(db: Database, ring: KeyRing, case_id: str, doing: Doing, now: datetime, lasts: timedelta) -> None:
    """A member has the case open, and is taken to for so long. Raises NotFound.

    While they write in one window, looking in another says nothing more. What still holds for half of the time is not
    written again.
    """
    with db.read() as session:
        case_row(session, ring, case_id)
        row = session.get(Presence, (case_id, ring.member_id))
        known = (Doing(row.doing), row.until) if row is not None else None
    if known is not None:
        was, until = known
        writes_elsewhere = was is Doing.WRITING and doing is Doing.LOOKING and until > now
        if writes_elsewhere or (was is doing and now + lasts / 2 < until <= now + lasts):
            return
    with db.begin() as session:
        case_row(session, ring, case_id, lock=True)
        _write(session, ring, case_id, doing, now + lasts)
        session.execute(delete(Presence).where(Presence.until < now))


def stand_of(session: Session, ring: KeyRing, case_id: str) -> Stand:
    """How far the case is now. Raises NotFound."""
    version = case_row(session, ring, case_id).version
    count = select(func.count()).select_from(Message).where(Message.case_id == case_id)
    return Stand(version, session.scalars(count).one())


def first_after(session: Session, ring: KeyRing, case_id: str, known: int) -> str | None:
    """The first message that came in after so many; None where none did. Raises NotFound."""
    case_row(session, ring, case_id)
    in_order = select(Message.id).where(Message.case_id == case_id).order_by(Message.taken_in_at, Message.received_at)
    return session.scalars(in_order.offset(known).limit(1)).one_or_none()


def others(session: Session, ring: KeyRing, case_id: str, now: datetime) -> tuple[Present, ...]:
    """Who else has the case open, who writes first."""
    found = session.execute(
        select(Presence.member_id, Presence.doing)
        .where(Presence.case_id == case_id, Presence.desk == ring.desk)
        .where(Presence.member_id != ring.member_id, Presence.until > now)
        .order_by(Presence.doing.desc(), Presence.member_id)
    ).all()
    names = logins(session, ring) if found else {}
    return tuple(Present(row.member_id, names.get(row.member_id, ""), Doing(row.doing)) for row in found)


def _write(session: Session, ring: KeyRing, case_id: str, doing: Doing, until: datetime) -> None:
    values = {"doing": doing, "until": until}
    of_member = update(Presence).where(Presence.case_id == case_id, Presence.member_id == ring.member_id)
    if changed_rows(session, of_member.values(**values)):
        return
    try:
        with session.begin_nested():
            session.execute(
                insert(Presence).values(case_id=case_id, member_id=ring.member_id, desk=ring.desk, **values)
            )
    except IntegrityError:  # another window of theirs was first
        session.execute(of_member.values(**values))
