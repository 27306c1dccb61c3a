"""The lines that the figures of a desk are counted from: of each case that a member opens, and of those destroyed.

What cards say stands in the search index, which is sealed and kept up to date; times and statuses stand in clear. So no
case is opened for it, and a hundred thousand are counted in one pass. Of a destroyed case its figures stay, sealed to
the desk (`store/retention.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN, Status
from cases.overview import PACES, Line, Pace, Tally, standing
from cases.retention import band, quarter
from store import records
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.reach import within_reach
from store.records import RecordKind
from store.retention import pace_of
from store.schema import CaseFile, Due, Message, Record
from store.segment_index import Facts

_AT_ONCE = 400
_READ_AT_ONCE = 5000
_OF_A_DUE = ("state", "due_at", "settled_at")
_UNKNOWN = Facts()


class Overview:
    """What one member's figures are counted from, in memory while they are logged in. It holds no keys."""

    def __init__(self) -> None:
        self._gone: dict[str, Line] = {}

    def tally(
        self,
        session: Session,
        ring: KeyRing,
        index: IndexKey,
        facts: Mapping[str, Facts],
        timezone: ZoneInfo,
        now: datetime,
    ) -> Tally:
        """Count every case that this member reaches, and those of the desk that were destroyed. `facts`: what the
        search index knows; of a case that it does not know nothing is said but times and status."""
        tally = Tally()
        tally.add(_lines(session, ring, facts, timezone, now))
        self._open_gone(session, ring, index)
        tally.add(self._gone.values())
        return tally

    def _open_gone(self, session: Session, ring: KeyRing, index: IndexKey) -> None:
        """Open the figures of destroyed cases, each once: they never change."""
        kept = select(Record.subject_id).where(Record.desk == ring.desk, Record.case_id.is_(None))
        written = set(session.scalars(kept.where(Record.kind == RecordKind.FIGURES).distinct()))
        if not written:
            return
        ended = session.scalars(
            select(CaseFile.id).where(CaseFile.desk == ring.desk, CaseFile.status != Status.DESTROYED)
        )
        counted_elsewhere = {index.figures(case_id) for case_id in ended}
        gone = written - counted_elsewhere
        self._gone = {each: line for each, line in self._gone.items() if each in gone}
        new = sorted(gone - self._gone.keys())
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            opened = records.opened_of_subjects(session, ring, some, RecordKind.FIGURES)
            self._gone |= {each: _line_of_gone(content) for each, content in opened.items()}
            session.expunge_all()


def _lines(
    session: Session, ring: KeyRing, facts: Mapping[str, Facts], timezone: ZoneInfo, now: datetime
) -> Iterator[Line]:
    for row in session.execute(_cases(ring).execution_options(yield_per=_READ_AT_ONCE)):
        status = Status(row.status)
        start = row.received_at or row.opened_at
        known = facts.get(row.id, _UNKNOWN)
        receipt, first_look, feedback = (_pace(row, kind, start, now) for kind in PACES)
        yield Line(
            quarter=quarter(start, timezone),
            kind=known.kind,
            category=known.category,
            severity=known.severity,
            standing=standing(status, known.outcome),
            receipt=receipt,
            first_look=first_look,
            feedback=feedback,
            age=band(start, now) if status in OPEN else None,
            closing=band(start, row.closed_at),
        )


def _line_of_gone(kept: Mapping[str, Any]) -> Line:
    """Of what stays of a destroyed case; of one from before terms were noted in it, those are not known."""
    receipt, first_look, feedback = (str(kept.get(kind, Pace.NONE)) for kind in PACES)
    return Line(
        quarter=kept["quarter"],
        kind=kept.get("kind"),
        category=kept.get("category"),
        severity=kept.get("severity"),
        standing=kept["ending"],
        receipt=receipt,
        first_look=first_look,
        feedback=feedback,
        closing=kept.get("days_to_closing"),
    )


def _pace(row: Any, kind: str, start: datetime, now: datetime) -> Pace:
    state, due_at, settled_at = (getattr(row, f"{kind}_{column}") for column in _OF_A_DUE)
    return Pace.NONE if state is None else pace_of(state, start, due_at, settled_at, now)


def _cases(ring: KeyRing) -> Any:
    """The cases, each in a row with when its first mail came and what was due to it."""
    received = (
        select(Message.case_id, func.min(Message.received_at).label("received_at"))
        .where(Message.desk == ring.desk)
        .group_by(Message.case_id)
        .subquery()
    )
    due = (
        select(Due.case_id, *(_of(kind, column) for kind in PACES for column in _OF_A_DUE))
        .where(Due.desk == ring.desk, Due.kind.in_(PACES), Due.step == 0)
        .group_by(Due.case_id)
        .subquery()
    )
    of_dues = [column for column in due.c if column.name != "case_id"]
    return (
        select(CaseFile.id, CaseFile.status, CaseFile.opened_at, CaseFile.closed_at, received.c.received_at, *of_dues)
        .outerjoin(received, received.c.case_id == CaseFile.id)
        .outerjoin(due, due.c.case_id == CaseFile.id)
        .where(within_reach(ring), CaseFile.status != Status.DESTROYED)
    )


def _of(kind: str, column: str) -> Any:
    """A column of the due of this kind; there is one a case."""
    return func.max(case((Due.kind == kind, getattr(Due, column)))).label(f"{kind}_{column}")
