"""Retention as who holds no key sees it: what goes when, what keeps it, and how far what went is gone.

All of it stands in clear: ids, times, counts. References do not; the page of the desk has those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from cases.lifecycle import Status
from cases.retention import ENDED, gone_for_good
from cases.terms import DueKind
from store.dues import DueState
from store.schema import LYING, CaseFile, Destruction, Due, Ledger, LegalHold, Message


class Keeps(StrEnum):
    """What keeps a case from being destroyed when its day has come."""

    NOTICE = "notice"  # the members have not heard of it yet
    HOLD = "hold"
    UNREAD = "unread"  # a message that nobody looked at


@dataclass(frozen=True)
class ToGo:
    """A case that has a day. `may_go_at`: when the program looks at it, None while the notice has not gone out."""

    case_id: str
    destroy_at: datetime
    may_go_at: datetime | None
    keeps: tuple[Keeps, ...]


@dataclass(frozen=True)
class Gone:
    """A case whose keys are destroyed. `ended_at`: its rows are, too; `swept_at`: the database's free pages hold none
    of them. `lying`: mails of it that still lie, readable, in done folders."""

    case_id: str
    begun_at: datetime
    ended_at: datetime | None
    swept_at: datetime | None
    lying: int

    def for_good_at(self, key_backup_days: int) -> datetime | None:
        """When nothing of it is left anywhere, as far as that is known: neither here nor in key files of backups of
        before, where `meldpost backup` removes those each day. None while something lies here still."""
        if self.swept_at is None or self.lying:
            return None
        return max(gone_for_good(self.begun_at, key_backup_days), self.swept_at)


def to_go(session: Session, desk: str) -> tuple[ToGo, ...]:
    """The cases of a desk that have a day on which they go, soonest first."""
    held = exists().where(LegalHold.case_id == CaseFile.id, LegalHold.lifted_at.is_(None))
    unread = exists().where(Message.case_id == CaseFile.id, Message.seen_at.is_(None))
    query = (
        select(CaseFile.id, Due.due_at, Due.wake_at, held.label("held"), unread.label("unread"))
        .join(Due, Due.case_id == CaseFile.id)
        .where(CaseFile.desk == desk, Due.kind == DueKind.DESTROY, Due.state == DueState.OPEN)
        .order_by(Due.due_at, CaseFile.id)
    )
    return tuple(
        ToGo(row.id, row.due_at, row.wake_at, _keeps(row.wake_at, held=row.held, unread=row.unread))
        for row in session.execute(query)
    )


def without_a_day(session: Session, desk: str) -> int:
    """How many cases that have ended nothing destroys."""
    dated = exists().where(Due.case_id == CaseFile.id, Due.kind == DueKind.DESTROY, Due.state == DueState.OPEN)
    query = select(func.count()).where(CaseFile.desk == desk, CaseFile.status.in_(list(ENDED)), ~dated)
    return session.execute(query).scalar_one()


def gone(session: Session, desk: str) -> tuple[Gone, ...]:
    """The cases of a desk that are destroyed, or are being, newest first."""
    counted = select(Ledger.case_id, func.count()).where(Ledger.desk == desk, *LYING).group_by(Ledger.case_id)
    lying = {row[0]: row[1] for row in session.execute(counted)}
    found = session.scalars(
        select(Destruction).where(Destruction.desk == desk).order_by(Destruction.begun_at.desc(), Destruction.id)
    )
    return tuple(
        Gone(row.case_id, row.begun_at, row.ended_at, row.swept_at, lying.get(row.case_id, 0)) for row in found
    )


def half_destroyed(session: Session, desk: str) -> int:
    """How many cases are marked destroyed, of whose destruction nothing is noted."""
    noted = exists().where(Destruction.case_id == CaseFile.id)
    query = select(func.count()).where(CaseFile.desk == desk, CaseFile.status == Status.DESTROYED, ~noted)
    return session.execute(query).scalar_one()


def _keeps(wake_at: datetime | None, *, held: bool, unread: bool) -> tuple[Keeps, ...]:
    said = ((Keeps.NOTICE, wake_at is None), (Keeps.HOLD, held), (Keeps.UNREAD, unread))
    return tuple(keeps for keeps, is_so in said if is_so)
