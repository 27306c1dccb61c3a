"""Due dates, on the desk's clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.terms import DueKind, Terms, add_months, after_working_days, dues_of_a_new_case, feedback_due, reminder_due

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EASTER_MONDAY = date(2026, 4, 6)
TERMS = Terms(7, 2, 3, 3, 14, AMSTERDAM, lambda day: day == EASTER_MONDAY)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def local_date(moment: datetime) -> date:
    return moment.astimezone(AMSTERDAM).date()


def test_the_first_look_is_due_two_working_days_after_the_day_of_arrival() -> None:
    assert local_date(after_working_days(at(2026, 3, 4, 9), 2, TERMS)) == date(2026, 3, 6)


def test_weekends_and_holidays_are_no_working_days() -> None:
    good_friday = at(2026, 4, 3, 9)
    assert local_date(after_working_days(good_friday, 2, TERMS)) == date(2026, 4, 8)


def test_a_term_of_no_days_ends_with_the_next_working_day_when_mail_comes_at_the_weekend() -> None:
    assert local_date(after_working_days(at(2026, 3, 7, 12), 0, TERMS)) == date(2026, 3, 9)


def test_the_day_is_the_desks_day_and_not_the_servers() -> None:
    late_in_utc = at(2026, 3, 3, 23, 30)
    assert local_date(after_working_days(late_in_utc, 1, TERMS)) == date(2026, 3, 5)


def test_feedback_is_due_three_months_after_the_receipt_was_sent() -> None:
    assert local_date(feedback_due(at(2026, 3, 4, 9), at(2026, 3, 5, 9), TERMS)) == date(2026, 6, 5)


def test_without_a_receipt_feedback_counts_from_the_end_of_day_seven() -> None:
    assert local_date(feedback_due(at(2026, 3, 4, 9), None, TERMS)) == date(2026, 6, 11)


def test_a_receipt_that_comes_late_does_not_give_the_desk_more_time() -> None:
    received = at(2026, 3, 4, 9)
    assert feedback_due(received, received + timedelta(days=40), TERMS) == feedback_due(received, None, TERMS)


@pytest.mark.parametrize("friday_before", [at(2026, 3, 27, 9), at(2026, 10, 23, 9)])
def test_a_term_ends_with_its_day_also_when_the_clocks_change(friday_before: datetime) -> None:
    """mail-cases 89"""
    due = after_working_days(friday_before, 1, TERMS).astimezone(AMSTERDAM)
    assert (due.weekday(), due.hour, due.minute, due.second) == (0, 23, 59, 59)


@pytest.mark.parametrize("night", [at(2026, 3, 28, 12), at(2026, 10, 24, 12)])
def test_a_reminder_across_the_night_of_the_changed_clocks_is_one_moment_later_than_asked(night: datetime) -> None:
    """mail-cases 89: reckoned in UTC, where no hour comes twice and none is left out."""
    due = reminder_due(night, replace(TERMS, reminder_days=1))
    assert due - night == timedelta(days=1)
    assert due.astimezone(AMSTERDAM).utcoffset() != night.astimezone(AMSTERDAM).utcoffset()


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 1, 15), 12, date(2027, 1, 15)),
    ],
)
def test_months_end_on_the_last_day_where_there_is_no_such_day(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


NAIVE = {"min_value": datetime(2000, 1, 1), "max_value": datetime(2090, 1, 1)}  # noqa: DTZ001 - hypothesis wants it so


@given(st.datetimes(**NAIVE, timezones=st.just(UTC)))
def test_every_due_date_lies_after_the_arrival_and_in_order(received: datetime) -> None:
    dues = dues_of_a_new_case(received, TERMS)
    assert received <= dues[DueKind.FIRST_LOOK] <= dues[DueKind.FIRST_MESSAGE] <= dues[DueKind.FEEDBACK]
    assert received < dues[DueKind.RECEIPT] < dues[DueKind.FEEDBACK]
