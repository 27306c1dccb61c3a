"""What came in and what became of it, in figures by which nobody is recognised. Pure.

Each case gives one line: a quarter, not a day, and bands, not numbers of days. Lines are counted by the year in which
the case came in, so that no case stands in the figures of two years, and no year can be worked out from others. What a
year's tables show of small counts: `cases/suppression.py`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cases.lifecycle import OPEN, Outcome, Status
from cases.retention import BANDS
from cases.suppression import protected, shown
from config.taxonomy import Category, Kind, Severity

NONE = "none"
"""The row of what nobody said, or what no row is for."""

STILL_OPEN = "open"
BAND_NAMES = (*(name for _, name in BANDS), "366+")


class Pace(StrEnum):
    """When something that is due to a case was done: in time or not, after how many days."""

    IN_TIME_1 = "in_time_0-1"
    IN_TIME_7 = "in_time_2-7"
    IN_TIME_30 = "in_time_8-30"
    IN_TIME_MORE = "in_time_31+"
    LATE_30 = "late_0-30"
    LATE_MORE = "late_31+"
    NOT_YET = "not_yet"  # and there is time left
    MISSED = "missed"  # not done, and it should have been
    NONE = NONE


IN_TIME = frozenset({Pace.IN_TIME_1, Pace.IN_TIME_7, Pace.IN_TIME_30, Pace.IN_TIME_MORE})
TOO_LATE = frozenset({Pace.LATE_30, Pace.LATE_MORE, Pace.MISSED})

PACES = ("receipt", "first_look", "feedback")
"""The tables of what has a term."""

ROWS: Mapping[str, tuple[str, ...]] = {
    "quarter": ("Q1", "Q2", "Q3", "Q4"),
    "category": (*Category, NONE),
    "severity": (*Severity, NONE),
    "standing": (STILL_OPEN, *Outcome, Status.SET_ASIDE, Status.MERGED, NONE),
    "receipt": tuple(Pace),
    "first_look": tuple(Pace),
    "feedback": tuple(Pace),
}
"""The tables of a year, each with its rows. They count its reports, all of them in each."""

DURATION_ROWS = (*BAND_NAMES, NONE)
KINDS = (*Kind, NONE)


@dataclass(frozen=True)
class Line:
    """What is counted of one case. `quarter`: as "2026-Q1". `standing`: still open, or how it ended. `age`: how long it
    is open; `closing`: how long it was."""

    quarter: str
    kind: str | None
    category: str | None = None
    severity: str | None = None
    standing: str = STILL_OPEN
    receipt: str = Pace.NONE
    first_look: str = Pace.NONE
    feedback: str = Pace.NONE
    age: str | None = None
    closing: str | None = None

    @property
    def year(self) -> int:
        return int(self.quarter[:4])


@dataclass(frozen=True)
class Row:
    """`count` is None where it is left out."""

    slug: str
    count: int | None


@dataclass(frozen=True)
class Table:
    """Something counted in rows. `total`: of all rows; None where it is left out, or the rows are of no one total."""

    slug: str
    rows: tuple[Row, ...]
    total: int | None

    @property
    def leaves_out(self) -> bool:
        return any(row.count is None for row in self.rows)

    @property
    def largest(self) -> int:
        return max((row.count or 0 for row in self.rows), default=0)

    def between(self, slugs: frozenset[str]) -> tuple[int, int] | None:
        """At least and at most how many are in these rows, by what is shown alone; None where the total is left out."""
        if self.total is None:
            return None
        least = sum(row.count or 0 for row in self.rows if row.slug in slugs)
        others = sum(row.count or 0 for row in self.rows if row.slug not in slugs)
        left_out_here = any(row.count is None for row in self.rows if row.slug in slugs)
        return least, self.total - others if left_out_here else least


@dataclass(frozen=True)
class YearFigures:
    """The figures of the cases that came in in one year, as they were at `made_at`. `is_over`: was the year over?"""

    year: int
    made_at: datetime
    is_over: bool
    smallest: int
    tables: tuple[Table, ...]

    @property
    def reports(self) -> int | None:
        """How many reports there were; None where that is left out."""
        return next(row.count for row in self.table("kind").rows if row.slug == Kind.MELDING)

    def table(self, slug: str) -> Table:
        return next(table for table in self.tables if table.slug == slug)

    def to_json(self) -> dict[str, Any]:
        """As it is given to who reads figures alone."""
        tables = [
            {"slug": table.slug, "total": table.total, "rows": [[row.slug, row.count] for row in table.rows]}
            for table in self.tables
        ]
        return {
            "year": self.year,
            "made_at": self.made_at.isoformat(),
            "is_over": self.is_over,
            "smallest": self.smallest,
            "tables": tables,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "YearFigures":
        """Raises KeyError, TypeError, ValueError where this is none."""
        tables = tuple(
            Table(str(table["slug"]), tuple(Row(str(slug), count) for slug, count in table["rows"]), table["total"])
            for table in given["tables"]
        )
        made_at = datetime.fromisoformat(given["made_at"])
        return cls(int(given["year"]), made_at, bool(given["is_over"]), int(given["smallest"]), tables)


@dataclass
class Tally:
    """Lines, counted. It holds counts alone, and is small however many lines there were."""

    counts: dict[int, Counter[tuple[str, str]]] = field(default_factory=dict)

    def add(self, lines: Iterable[Line] | Mapping[Line, int]) -> None:
        """Count lines; of a mapping each as often as it says."""
        for line, alike in Counter(lines).items():
            count = self.counts.setdefault(line.year, Counter())
            for place in _places(line):
                count[place] += alike

    @property
    def years(self) -> tuple[int, ...]:
        """The years in which anything came in, newest first."""
        return tuple(sorted(self.counts, reverse=True))

    def figures(self, year: int, smallest: int, now: datetime, this_year: int) -> YearFigures:
        """What may be shown of one year."""
        count = self.counts.get(year, Counter())
        kinds = Table("kind", tuple(Row(slug, shown(count["kind", slug], smallest)) for slug in KINDS), None)
        reports = next(row.count for row in kinds.rows if row.slug == Kind.MELDING)
        tables = [_table(slug, rows, reports, count, smallest) for slug, rows in ROWS.items()]
        standing = next(table for table in tables if table.slug == "standing")
        still_open = next(row.count for row in standing.rows if row.slug == STILL_OPEN)
        ended = None if reports is None or still_open is None else reports - still_open
        tables.append(_table("closing", DURATION_ROWS, ended, count, smallest))
        tables.append(_table("age", DURATION_ROWS, still_open, count, smallest))
        return YearFigures(year, now, year < this_year, smallest, (kinds, *tables))

    def reports_by_year(self, smallest: int) -> tuple[tuple[int, int | None], ...]:
        """How many reports came in in each year, oldest first."""
        return tuple((year, shown(self.counts[year]["kind", Kind.MELDING], smallest)) for year in sorted(self.counts))


def pace(start: datetime, due_at: datetime | None, done_at: datetime | None, now: datetime) -> Pace:
    """When something that was due was done; NONE where it was not due."""
    if due_at is None:
        return Pace.NONE
    if done_at is None:
        return Pace.NOT_YET if now <= due_at else Pace.MISSED
    days = max(0, (done_at - start).days)
    if done_at > due_at:
        return Pace.LATE_30 if days <= 30 else Pace.LATE_MORE
    most = {1: Pace.IN_TIME_1, 7: Pace.IN_TIME_7, 30: Pace.IN_TIME_30}
    return next((each for limit, each in most.items() if days <= limit), Pace.IN_TIME_MORE)


def standing(status: Status, outcome: str | None) -> str:
    """The row of a case that is there."""
    if status in OPEN:
        return STILL_OPEN
    return (outcome or NONE) if status is Status.CLOSED else str(status)


def _places(line: Line) -> Iterable[tuple[str, str]]:
    """In which row of which table a line counts. Only reports count beyond the table of kinds."""
    yield "kind", _row(line.kind, KINDS)
    if line.kind != Kind.MELDING:
        return
    values = {slug: getattr(line, slug) for slug in ROWS if slug != "quarter"} | {"quarter": line.quarter[5:]}
    for slug, rows in ROWS.items():
        yield slug, _row(values[slug], rows)
    if line.standing == STILL_OPEN:
        yield "age", _row(line.age, DURATION_ROWS)
    else:
        yield "closing", _row(line.closing, DURATION_ROWS)


def _row(value: str | None, rows: tuple[str, ...]) -> str:
    return value if value in rows else NONE


def _table(
    slug: str, rows: tuple[str, ...], total: int | None, count: Counter[tuple[str, str]], smallest: int
) -> Table:
    """A table of which the total is known; left out whole where the total is, for its rows would tell it."""
    if total is None:
        return Table(slug, tuple(Row(row, None) for row in rows), None)
    counts = protected([count[slug, row] for row in rows], smallest)
    return Table(slug, tuple(map(Row, rows, counts)), total)
