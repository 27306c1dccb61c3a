"""The desk's queue: pages by what stands in clear, and the cards of one page opened."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN, Status
from cases.terms import DueKind
from store import records
from store.dues import DueState, OpenDue
from store.keyring import KeyRing
from store.records import RecordKind
from store.schema import CaseFile, Due, Message


@dataclass(frozen=True)
class QueueRow:
    """One case in the queue; the parts from `reference` to `concerned` come from its sealed card."""

    case_id: str
    status: Status
    opened_at: datetime
    next_due: OpenDue | None
    new_messages: int
    unreadable: bool
    reference: str
    kind: str | None
    categories: tuple[Mapping[str, Any], ...]
    primary: str | None
    severity: str | None
    missing: tuple[str, ...]
    concerned: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Page:
    """`total` counts all cases that the page is one of; pages are numbered from 1."""

    rows: tuple[QueueRow, ...]
    number: int
    size: int
    total: int


def queue_page(
    session: Session,
    ring: KeyRing,
    *,
    page: int = 1,
    size: int = 50,
    status: Collection[Status] | None = None,
) -> Page:
    """A page of the queue: what a person has to see to first comes first.

    Without `status`: every case that is open, or has a message that nobody has looked at.
    """
    due = _soonest_due(ring.desk)
    unseen = _messages(ring.desk, Message.seen_at.is_(None))
    chosen = (
        CaseFile.status.in_(list(status))
        if status is not None
        else CaseFile.status.in_(OPEN) | unseen.c.count.is_not(None)
    )
    query = (
        select(CaseFile, func.coalesce(unseen.c.count, 0))
        .outerjoin(due, due.c.case_id == CaseFile.id)
        .outerjoin(unseen, unseen.c.case_id == CaseFile.id)
        .where(CaseFile.desk == ring.desk, chosen)
    )
    total = session.scalars(select(func.count()).select_from(query.with_only_columns(CaseFile.id).subquery())).one()
    last = case((due.c.due_at.is_(None), 1), else_=0)  # neither database sorts NULLs as the other does
    ordered = query.order_by(last, due.c.due_at, CaseFile.opened_at, CaseFile.id)
    found = [(row, count) for row, count in session.execute(ordered.offset((page - 1) * size).limit(size))]
    return Page(_rows(session, ring, found), page, size, total)


def status_counts(session: Session, desk: str) -> Mapping[Status, int]:
    """How many cases have each status."""
    query = select(CaseFile.status, func.count()).where(CaseFile.desk == desk).group_by(CaseFile.status)
    found = {Status(status): count for status, count in session.execute(query)}
    return {status: found.get(status, 0) for status in Status}


def overdue_count(session: Session, desk: str, now: datetime) -> int:
    """How many cases have something that should have happened by now."""
    query = select(func.count(Due.case_id.distinct())).where(
        Due.desk == desk, Due.state == DueState.OPEN, Due.kind.in_(_OF_THE_DESK), Due.due_at < now
    )
    return session.scalars(query).one()


_OF_THE_DESK = tuple(kind for kind in DueKind if kind is not DueKind.REMINDER)
"""What a person has to see to; reminders to reporters go by themselves."""


def _soonest_due(desk: str) -> Any:
    return (
        select(Due.case_id, func.min(Due.due_at).label("due_at"))
        .where(Due.desk == desk, Due.state == DueState.OPEN, Due.kind.in_(_OF_THE_DESK))
        .group_by(Due.case_id)
        .subquery()
    )


def _messages(desk: str, which: ColumnElement[bool]) -> Any:
    return (
        select(Message.case_id, func.count().label("count"))
        .where(Message.desk == desk, which)
        .group_by(Message.case_id)
        .subquery()
    )


def _rows(session: Session, ring: KeyRing, found: list[tuple[CaseFile, int]]) -> tuple[QueueRow, ...]:
    ids = [row.id for row, _ in found]
    cards = records.opened_of_subjects(session, ring, ids, RecordKind.CARD)
    unreadable: set[str] = set(session.scalars(_unreadable(ids)))
    dues: dict[str, OpenDue] = {}
    for due in session.scalars(
        select(Due)
        .where(Due.case_id.in_(ids), Due.state == DueState.OPEN, Due.kind.in_(_OF_THE_DESK))
        .order_by(Due.due_at, Due.kind)
    ):
        dues.setdefault(due.case_id, OpenDue(DueKind(due.kind), due.step, due.due_at))
    return tuple(
        _row(row, count, cards[row.id], dues.get(row.id), unreadable=row.id in unreadable) for row, count in found
    )


def _row(
    row: CaseFile, new_messages: int, card: Mapping[str, Any], next_due: OpenDue | None, *, unreadable: bool
) -> QueueRow:
    return QueueRow(
        case_id=row.id,
        status=Status(row.status),
        opened_at=row.opened_at,
        next_due=next_due,
        new_messages=new_messages,
        unreadable=unreadable,
        reference=card["reference"],
        kind=card.get("kind"),
        categories=tuple(card.get("categories") or ()),
        primary=card.get("primary"),
        severity=card.get("severity"),
        missing=tuple(card.get("missing") or ()),
        concerned=tuple(card.get("concerned") or ()),
    )


def _unreadable(case_ids: list[str]) -> Select[str]:
    return select(Message.case_id).where(Message.case_id.in_(case_ids), Message.state != "read").distinct()
