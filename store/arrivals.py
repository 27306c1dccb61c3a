"""How many messages came in since somebody looked: counted in clear, without a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.keyring import KeyRing
from store.reach import within_reach
from store.schema import CaseFile, Message

SLACK = timedelta(minutes=10)
"""Clocks of several machines differ, and what was taken in is there only once it is committed."""


@dataclass(frozen=True)
class Mark:
    """What was there when somebody looked: so many messages were taken in from `since` on."""

    since: datetime
    known: int


def mark(session: Session, ring: KeyRing, now: datetime) -> Mark:
    """As it is now, for a later `new_since`."""
    since = (now - SLACK).replace(microsecond=0)
    return Mark(since, _taken_in(session, ring, since))


def new_since(session: Session, ring: KeyRing, earlier: Mark) -> int:
    """How many messages of cases that the member's keys reach came since."""
    return max(0, _taken_in(session, ring, earlier.since) - earlier.known)


def _taken_in(session: Session, ring: KeyRing, since: datetime) -> int:
    query = select(func.count()).select_from(Message).join(CaseFile, CaseFile.id == Message.case_id)
    query = query.where(Message.desk == ring.desk, Message.taken_in_at >= since, within_reach(ring))
    return session.scalars(query).one()
