"""Who is logged in now, and ending it: a member's own sessions, or those of others for who manages the members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from cases.roles import May
from store import audit
from store.audit import Action
from store.keyring import KeyRing
from store.schema import HeldLogin, LoginSession
from store.sessions import Limits


class NoSuchSession(Exception):
    """There is no such session, or not one that this member may end."""


@dataclass(frozen=True)
class Running:
    """A session. Its id opens nothing: it is a digest of what the browser's cookie holds."""

    id: bytes
    member_id: str
    started_at: datetime
    seen_at: datetime


def running(session: Session, ring: KeyRing, now: datetime, limits: Limits) -> tuple[Running, ...]:
    """The sessions that this member may see, newest first: their own, and all of the desk for who manages members."""
    columns = LoginSession.id, LoginSession.member_id, LoginSession.started_at, LoginSession.seen_at
    alive = LoginSession.seen_at >= now - limits.idle, LoginSession.started_at >= now - limits.longest
    found = session.execute(
        select(*columns).where(_theirs(ring), *alive).order_by(LoginSession.started_at.desc(), LoginSession.id)
    )
    return tuple(Running(*row) for row in found)


def end_one(session: Session, ring: KeyRing, session_id: bytes, now: datetime) -> str:
    """End one session; gives whose it was. Raises NoSuchSession."""
    wanted = select(LoginSession.member_id).where(_theirs(ring), LoginSession.id == session_id)
    member_id = session.scalar(wanted)
    if member_id is None:
        raise NoSuchSession
    _end(session, ring, [LoginSession.id == session_id], [member_id], now)
    return member_id


def end_others(session: Session, ring: KeyRing, keep: bytes, now: datetime) -> int:
    """End all sessions of this member but one; gives how many. A log-in that waits for its second factor ends too."""
    session.execute(delete(HeldLogin).where(HeldLogin.desk == ring.desk, HeldLogin.member_id == ring.member_id))
    own = [LoginSession.desk == ring.desk, LoginSession.member_id == ring.member_id, LoginSession.id != keep]
    return _end(session, ring, own, list(session.scalars(select(LoginSession.member_id).where(*own))), now)


def _end(
    session: Session, ring: KeyRing, which: Sequence[ColumnElement[bool]], of: Sequence[str], now: datetime
) -> int:
    session.execute(delete(LoginSession).where(*which))
    for member_id in of:
        audit.write(*(session, ring.desk, Action.SESSION_ENDED, now), member_id=ring.member_id, subject_id=member_id)
    session.flush()
    return len(of)


def _theirs(ring: KeyRing) -> ColumnElement[bool]:
    of_the_desk = LoginSession.desk == ring.desk
    return of_the_desk if ring.may(May.MANAGE_ACCESS) else of_the_desk & (LoginSession.member_id == ring.member_id)
