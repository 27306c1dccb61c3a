"""The lines that the figures of a desk are counted from: of each case that a member opens, and of those destroyed.

What cards say stands in the search index, which is sealed and kept up to date; times and statuses stand in clear. So no
case is opened for it, and a hundred thousand are counted in one pass. Of a destroyed case its figures stay, sealed to
the desk (`store/retention.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, Dialect, func, select, type_coerce
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN, Status
from cases.overview import PACES, Line, Pace, Tally, standing
from cases.retention import Quarters, band
from config.taxonomy import Kind
from store import records
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.reach import within_reach
from store.records import RecordKind
from store.retention import pace_of
from store.rows import unindexed
from store.schema import CaseFile, Due, Message, Record
from store.segment_index import Facts

_AT_ONCE = 400
_PLACE = {kind: number for number, kind in enumerate(PACES)}
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
) -> Counter[Line]:
    """The lines of the cases that are there, each with how many are alike."""
    connection, quarters, now = session.connection(), Quarters(timezone), now.astimezone(UTC).replace(tzinfo=None)
    reports: dict[str, _Report] = {}
    counted: Counter[Line] = Counter()
    alike: Counter[tuple[str, str | None]] = Counter()
    for case_id, status, opened_at, closed_at, received_at in connection.execute(_cases(ring, connection.dialect)):
        start, known = received_at or opened_at, facts.get(case_id, _UNKNOWN)
        if known.kind == Kind.MELDING:
            reports[case_id] = _Report(start, closed_at, status, known)
        else:  # of these only the kind is counted
            alike[quarters.of(start), known.kind] += 1
    for case_id, kind, state, due_at, settled_at in connection.execute(_dues(ring, connection.dialect)):
        if case_id in reports:
            report = reports[case_id]
            report.paces[_PLACE[kind]] = pace_of(state, report.start, due_at, settled_at, now)
    for (quarter, kind), count in alike.items():
        counted[Line(quarter, kind)] += count
    for (quarter, known, status, age, closing, paces), count in _alike(reports.values(), quarters, now).items():
        receipt, first_look, feedback = paces
        ended = standing(Status(status), known.outcome)
        of_all = (quarter, known.kind, known.category, known.severity, ended, receipt, first_look, feedback)
        counted[Line(*of_all, age, closing)] += count
    return counted


class _Report:
    """A report while what was due to it is gathered. No time in it has a zone."""

    __slots__ = ("closed_at", "known", "paces", "start", "status")

    def __init__(self, start: datetime, closed_at: datetime | None, status: str, known: Facts) -> None:
        self.start, self.closed_at, self.status, self.known = start, closed_at, status, known
        self.paces = [Pace.NONE] * len(PACES)


def _alike(
    reports: Iterable[_Report], quarters: Quarters, now: datetime
) -> Counter[tuple[str, Facts, str, str | None, str | None, tuple[Pace, ...]]]:
    """Reports of which the same is counted, with how many there are: far fewer than reports."""
    return Counter(
        (
            quarters.of(each.start),
            each.known,
            each.status,
            band(each.start, now) if each.status in OPEN else None,
            band(each.start, each.closed_at),
            tuple(each.paces),
        )
        for each in reports
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


def _cases(ring: KeyRing, dialect: Dialect) -> Any:
    """The cases, each with when its first mail came. All of them are wanted: the table is read from end to end, which
    takes half as long as by an index of the desk."""
    received = select(func.min(Message.received_at)).where(Message.case_id == CaseFile.id).scalar_subquery()
    times = (CaseFile.opened_at, CaseFile.closed_at, received)
    return select(CaseFile.id, CaseFile.status, *(_plain(each, dialect) for each in times)).where(
        within_reach(ring, by_desk=False), CaseFile.status != Status.DESTROYED
    )


def _dues(ring: KeyRing, dialect: Dialect) -> Any:
    """What was due to the cases of a desk and has a term; there is one of a kind a case."""
    times = (Due.due_at, Due.settled_at)
    return select(Due.case_id, Due.kind, Due.state, *(_plain(each, dialect) for each in times)).where(
        unindexed(Due.desk) == ring.desk, Due.kind.in_(PACES), Due.step == 0
    )


def _plain(moment: Any, dialect: Dialect) -> Any:
    """A time in UTC without a zone: to make each of hundreds of thousands aware takes longer than all else."""
    in_utc = func.timezone("UTC", moment) if dialect.name == "postgresql" else moment
    return type_coerce(in_utc, DateTime())
