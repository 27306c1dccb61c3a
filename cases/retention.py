"""Retention: how long a case is kept after it ended, on what ground, and when it is destroyed. Pure.

Until an organisation has filled its table in, no case has a rule and none is destroyed. Dates are reckoned in the
desk's time zone; a term that ends on a day ends with that day.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from cases.lifecycle import Outcome, Status
from cases.terms import add_months
from config.retention import ANY, KEEP, TERM, RetentionRow
from config.settings import Settings

SET_ASIDE = "set_aside"
ENDED = frozenset({Status.CLOSED, Status.SET_ASIDE})
"""Only what has ended is destroyed."""

_LAST_YEAR = 9000
_Day = TypeVar("_Day", date, datetime)


@dataclass(frozen=True)
class Rule:
    """One row of the table. `months` or `days` is 0; both are where a case is kept for good."""

    outcome: str
    category: str
    term: str
    ground: str
    selection: str
    months: int = 0
    days: int = 0

    @property
    def keeps(self) -> bool:
        """Is a case to which this applies never destroyed?"""
        return not (self.months or self.days)

    def ends_at(self, closed_at: datetime, timezone: ZoneInfo) -> datetime | None:
        """The end of the last day on which a case is kept; None for good."""
        if self.keeps:
            return None
        closed_on = closed_at.astimezone(timezone).date()
        if closed_on.year + self.months // 12 > _LAST_YEAR:
            return None  # longer than a calendar has days for
        last = add_months(closed_on, self.months)
        return _end_of_day(last + timedelta(days=self.days), timezone)


@dataclass(frozen=True)
class Policy:
    """The table of one desk, and how long before a destruction its members hear of it."""

    rules: tuple[Rule, ...]
    notice: timedelta
    timezone: ZoneInfo

    @property
    def is_filled_in(self) -> bool:
        return bool(self.rules)

    def rule_for(self, ending: str, category: str | None) -> Rule | None:
        """What applies to a case that ended so, with this main category; None where the table says nothing."""
        wanted = [(ending, category or ANY), (ending, ANY), (ANY, category or ANY), (ANY, ANY)]
        by_place = {(rule.outcome, rule.category): rule for rule in self.rules}
        return next((by_place[place] for place in wanted if place in by_place), None)

    def notice_at(self, destroy_at: datetime) -> datetime:
        """When members are to hear of it."""
        return destroy_at - self.notice


def policy_of(settings: Settings, desk: str) -> Policy:
    """What `settings` say for the desk `desk`."""
    of_desk = settings.desks[desk]
    return Policy(
        rules=rules_of(of_desk.retention_rows),
        notice=timedelta(days=of_desk.retention_notice_days),
        timezone=ZoneInfo(of_desk.timezone),
    )


def rules_of(rows: Sequence[RetentionRow]) -> tuple[Rule, ...]:
    return tuple(_rule(row) for row in rows)


def ending_of(status: Status, outcome: Outcome | None) -> str | None:
    """The row of the table that a case belongs to; None while it has not ended."""
    if status is Status.SET_ASIDE:
        return SET_ASIDE
    return outcome.value if status is Status.CLOSED and outcome is not None else None


def gone_for_good(destroyed: _Day, key_backup_days: int) -> _Day:
    """When the last backup of its keys is removed that was made before a case was destroyed."""
    return destroyed + timedelta(days=key_backup_days)


def quarter(moment: datetime, timezone: ZoneInfo) -> str:
    """The quarter, as "2026-Q1": what is left of a date in the figures."""
    day = moment.astimezone(timezone).date()
    return f"{day.year}-Q{(day.month + 2) // 3}"


class Quarters:
    """The same of many moments, given in UTC without a zone."""

    def __init__(self, timezone: ZoneInfo) -> None:
        self._timezone = timezone
        self._of_years: dict[int, tuple[list[datetime], list[str]]] = {}

    def of(self, moment: datetime) -> str:
        begins, names = self._of_years.get(moment.year) or self._in(moment.year)
        return names[bisect_right(begins, moment)]

    def _in(self, year: int) -> tuple[list[datetime], list[str]]:
        """When each quarter begins that a year in UTC has a part in, but the first."""
        firsts = [datetime(year, month, 1, tzinfo=self._timezone) for month in (1, 4, 7, 10)]
        firsts.append(datetime(year + 1, 1, 1, tzinfo=self._timezone))
        begins = [each.astimezone(UTC).replace(tzinfo=None) for each in firsts]
        names = [f"{year - 1}-Q4", *(f"{year}-Q{number}" for number in (1, 2, 3, 4)), f"{year + 1}-Q1"]
        return self._of_years.setdefault(year, (begins, names))


BANDS = ((1, "0-1"), (7, "2-7"), (30, "8-30"), (90, "31-90"), (180, "91-180"), (365, "181-365"))


def band(start: datetime, end: datetime | None) -> str | None:
    """How many days lie between, roughly enough to point at nobody; None where the end never came."""
    if end is None:
        return None
    days = max(0, (end - start).days)
    return next((name for most, name in BANDS if days <= most), "366+")


def _rule(row: RetentionRow) -> Rule:
    months = days = 0
    if row.term != KEEP:
        found = TERM.fullmatch(row.term)
        assert found  # the settings checked it
        number, unit = int(found[1]), found[2].removesuffix("s")
        months = number * {"year": 12, "month": 1}.get(unit, 0)
        days = number if unit == "day" else 0
    return Rule(row.outcome, row.category, row.term, row.ground, row.selection, months, days)


def _end_of_day(day: date, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(23, 59, 59), timezone).astimezone(UTC)
