"""What has to happen by when. Time lives in rows: a restart or a second daemon changes nothing.

A due is open until it is settled or cancelled; `wake_at` is when the program looks at it next. A claim is one
conditional UPDATE on the database's clock, and settling it in the transaction of its effect makes the effect happen
once: a claim whose lease ran out settles nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases.terms import OF_THE_DESK, DueKind
from store import rows
from store.database import Database, changed_rows, database_now
from store.schema import Due, new_id


class LeaseLost(Exception):
    """The claim ran out, or the due was cancelled meanwhile: roll back, another sees to it."""


class DueState(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class OpenDue:
    kind: DueKind
    step: int
    due_at: datetime

    def overdue(self, now: datetime) -> bool:
        """Should a person have seen to it by now?"""
        return self.kind in OF_THE_DESK and self.due_at < now


@dataclass(frozen=True)
class DueClaim:
    id: str
    token: str
    desk: str
    case_id: str
    kind: DueKind
    step: int
    due_at: datetime


def set_due(
    session: Session,
    desk: str,
    case_id: str,
    kind: DueKind,
    due_at: datetime,
    *,
    step: int = 0,
    asleep: bool = False,
) -> None:
    """Open a due, or open it again and move it. The program looks at one that is `asleep` only after `wake`."""
    found = select(Due).where(Due.case_id == case_id, Due.kind == kind, Due.step == step).with_for_update()
    row = session.scalars(found.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        row = Due(id=new_id(), desk=desk, case_id=case_id, kind=kind, step=step)
        session.add(row)
    row.due_at = due_at
    row.wake_at = None if asleep else due_at
    row.state = DueState.OPEN
    row.claim = row.lease_until = row.settled_at = None
    session.flush()


def wake(session: Session, case_id: str, kind: DueKind, not_before: datetime) -> None:
    """Have the program look at an open due when it is due, but not before that moment."""
    session.flush()
    found = select(Due).where(Due.case_id == case_id, Due.kind == kind, Due.state == DueState.OPEN).with_for_update()
    for row in session.scalars(found.execution_options(populate_existing=True)):
        row.wake_at = max(row.due_at, not_before)
    session.flush()


def set_first_dues(session: Session, desk: str, case_id: str, due_at: Mapping[DueKind, datetime]) -> None:
    """Open the dues of a case that is new in this transaction, and so has none."""
    for kind, at in due_at.items():
        rows.add(
            session,
            Due,
            id=new_id(),
            desk=desk,
            case_id=case_id,
            kind=kind,
            step=0,
            due_at=at,
            wake_at=at,
            state=DueState.OPEN,
        )


def open_dues(session: Session, case_id: str) -> tuple[OpenDue, ...]:
    """What is due for a case, soonest first."""
    found = session.scalars(
        select(Due).where(Due.case_id == case_id, Due.state == DueState.OPEN).order_by(Due.due_at, Due.kind)
    )
    return tuple(OpenDue(DueKind(row.kind), row.step, row.due_at) for row in found)


def finish_dues(session: Session, case_id: str, kinds: Iterable[DueKind]) -> int:
    """What was due was done (by a person, or by an event). Tells how many were open."""
    return _end(session, case_id, kinds, DueState.DONE)


def cancel_dues(session: Session, case_id: str, kinds: Iterable[DueKind] = tuple(DueKind)) -> int:
    """What was due is no longer. Tells how many were open."""
    return _end(session, case_id, kinds, DueState.CANCELLED)


def reopen_dues(session: Session, case_id: str, kinds: Iterable[DueKind], was: DueState) -> int:
    """What was done or cancelled is due again, when it was due before. Tells how many were so."""
    session.flush()
    return changed_rows(
        session,
        update(Due)
        .where(Due.case_id == case_id, Due.kind.in_(list(kinds)), Due.state == was)
        .values(state=DueState.OPEN, settled_at=None),
    )


def claim_due(db: Database, kinds: Iterable[DueKind], lease_seconds: float) -> DueClaim | None:
    """Take the soonest due that wants the program's attention, for a while; None when there is none."""
    wanted = list(kinds)
    while True:
        with db.begin() as session:
            claimable = (
                Due.kind.in_(wanted),
                Due.state == DueState.OPEN,
                Due.wake_at <= database_now(),
                Due.lease_until.is_(None) | (Due.lease_until < database_now()),
            )
            row = session.scalars(
                select(Due).where(*claimable).order_by(Due.wake_at, Due.id).limit(1).with_for_update(skip_locked=True)
            ).one_or_none()
            if row is None:
                return None
            token = new_id()
            taken = (
                update(Due)
                .where(Due.id == row.id, *claimable)
                .values(claim=token, lease_until=database_now(lease_seconds))
            )
            if changed_rows(session, taken) == 1:
                return DueClaim(row.id, token, row.desk, row.case_id, DueKind(row.kind), row.step, row.due_at)


def settle_due(session: Session, claim: DueClaim) -> None:
    """Note in the transaction of its effect that a claimed due is done. Raises LeaseLost."""
    _write_claimed(session, claim, {"state": DueState.DONE, "settled_at": database_now()})


def leave_open(session: Session, claim: DueClaim, wake_at: datetime | None) -> None:
    """Note in the transaction of its effect that a person still has to see to a due. Raises LeaseLost.

    The program looks at it again at `wake_at`; never, where that is None.
    """
    _write_claimed(session, claim, {"wake_at": wake_at})


def _write_claimed(session: Session, claim: DueClaim, values: dict[str, object]) -> None:
    statement = (
        update(Due)
        .where(
            Due.id == claim.id,
            Due.claim == claim.token,
            Due.state == DueState.OPEN,
            Due.lease_until > database_now(),
        )
        .values(**values, claim=None, lease_until=None)
    )
    if changed_rows(session, statement) != 1:
        raise LeaseLost("This due was claimed too long ago, or is open no longer.")


def _end(session: Session, case_id: str, kinds: Iterable[DueKind], state: DueState) -> int:
    session.flush()
    return changed_rows(
        session,
        update(Due)
        .where(Due.case_id == case_id, Due.kind.in_(list(kinds)), Due.state == DueState.OPEN)
        .values(state=state, settled_at=database_now(), claim=None, lease_until=None),
    )
