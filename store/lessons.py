"""What can be learned from a desk's cases: those that a person decided on, and that the member can open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import audit, merging, records
from store.audit import Action
from store.authentic import Standing
from store.database import Database
from store.keyring import KeyRing
from store.reach import within_reach
from store.records import CANNOT_OPEN, Name, RecordKind
from store.schema import CaseFile, Message, Record

_DECIDED = (RecordKind.DECISIONS, RecordKind.FIRST_LOOK)


@dataclass(frozen=True)
class Lesson:
    """A case's first message that was understood, and what persons decided. `alone`: there is no other message."""

    case_id: str
    content: Mapping[str, Any] = field(repr=False)
    language: str
    decided: Mapping[str, Any] = field(repr=False)
    alone: bool


def lessons(db: Database, ring: KeyRing, now: datetime) -> Iterator[Lesson]:
    """All of the desk's, each with a row on the trail of its case; those that cannot be opened are left out."""
    with db.read() as session:
        query = select(Record.case_id).join(CaseFile, CaseFile.id == Record.case_id)
        query = query.where(within_reach(ring), Record.kind.in_(_DECIDED))
        case_ids = sorted({case_id for case_id in session.scalars(query) if case_id})
    for case_id in case_ids:
        with db.begin() as session:
            try:
                found = _lesson(session, ring, case_id)
            except CANNOT_OPEN:
                continue
            if found is not None:
                audit.write(session, ring.desk, Action.TAUGHT, now, member_id=ring.member_id, case_id=case_id)
        if found is not None:
            yield found


def _lesson(session: Session, ring: KeyRing, case_id: str) -> Lesson | None:
    decisions, first_look = (
        records.opened_json_or_none(session, ring, Name(case_id, case_id, kind))[0] for kind in _DECIDED
    )
    contents, reports = (
        {
            message_id: each.content
            for message_id, each in records.marked_of_case(session, ring, case_id, kind).items()
            if each and each.standing is not Standing.FOREIGN
        }
        for kind in (RecordKind.MESSAGE, RecordKind.REPORT)
    )
    rows = select(Message.id).where(Message.case_id == case_id).order_by(Message.taken_in_at, Message.received_at)
    order = session.scalars(rows).all()
    for message_id in order:
        content, report = contents.get(message_id) or {}, reports.get(message_id) or {}
        if content and report.get("kind") and not content.get("sender_is_new", True):
            decided = merging.decided({}, decisions or {}, merging.look_taken(first_look))
            return Lesson(case_id, content, str(report.get("language") or ""), decided, len(order) == 1)
    return None
