"""Terms and due dates: what the law and ISO 37002 want by when, and what the desk promises itself.

Dates are reckoned in the desk's time zone; every moment that goes in or comes out is an aware datetime in UTC.
"""

import calendar
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import holidays

from config.settings import Settings


class DueKind(StrEnum):
    """What has to happen by some time."""

    RECEIPT = "receipt"
    URGENT_LOOK = "urgent_look"  # the first look at a case whose suggested severity is `acuut`
    FIRST_LOOK = "first_look"
    FIRST_MESSAGE = "first_message"
    FEEDBACK = "feedback"
    REMINDER = "reminder"
    GIVEN_NOTICE = "given_notice"  # to the member who was given the case
    DESTROY_NOTICE = "destroy_notice"
    DESTROY = "destroy"


OF_RETENTION = (DueKind.DESTROY_NOTICE, DueKind.DESTROY)
"""The end of a case that has ended; all others are due to a case that is open."""

BY_ITSELF = (DueKind.REMINDER, DueKind.GIVEN_NOTICE, *OF_RETENTION)

OF_THE_DESK = tuple(kind for kind in DueKind if kind not in BY_ITSELF)
"""What a person has to see to; the others go by themselves."""

BY_HAND = (DueKind.RECEIPT, DueKind.FIRST_MESSAGE, DueKind.FEEDBACK)
"""What is done when a person says so. A first look is done by answering its questions, a receipt also by being sent."""


LOOKS = (DueKind.FIRST_LOOK, DueKind.URGENT_LOOK)
"""What answering the questions of the first look does."""


class DoneReason(StrEnum):
    """How something that was due came to be done."""

    DONE = "done"  # also in another way than by a mail of ours: a letter, a call
    NO_WAY = "no_way"  # the reporter cannot be reached
    UNWANTED = "unwanted"  # not wished for, or it would endanger the reporter (directive (EU) 2019/1937 art. 11(2)(b))
    NO_REPORT = "no_report"
    SENT = "sent"  # by a letter that went out


BY_SAYING = tuple(reason for reason in DoneReason if reason is not DoneReason.SENT)
"""What a person says of it."""


@dataclass(frozen=True)
class Terms:
    """Terms of one desk. `is_holiday` says of a date whether it is a public holiday."""

    receipt_days: int
    first_look_working_days: int
    first_message_working_days: int
    feedback_months: int
    reminder_days: int
    timezone: ZoneInfo
    is_holiday: Callable[[date], bool]


def terms_of(settings: Settings, desk: str) -> Terms:
    """The terms that `settings` give the desk `desk`."""
    calendar_of_country = holidays.country_holidays(settings.terms.holidays)
    return Terms(
        receipt_days=settings.terms.receipt_days,
        first_look_working_days=settings.terms.first_look_working_days,
        first_message_working_days=settings.terms.first_message_working_days,
        feedback_months=settings.terms.feedback_months,
        reminder_days=settings.rules.reminder_days,
        timezone=ZoneInfo(settings.desks[desk].timezone),
        is_holiday=calendar_of_country.__contains__,
    )


def dues_of_a_new_case(received_at: datetime, terms: Terms) -> Mapping[DueKind, datetime]:
    """What is due for a case that came in at `received_at`, before any receipt was sent.

    Feedback counts from the end of the receipt term until a receipt is known to be sent
    (directive (EU) 2019/1937 art. 9(1)(f)); `feedback_due` then moves it.
    """
    return {
        DueKind.RECEIPT: _end_of_day(_local(received_at, terms) + timedelta(days=terms.receipt_days), terms),
        DueKind.FIRST_LOOK: after_working_days(received_at, terms.first_look_working_days, terms),
        DueKind.FIRST_MESSAGE: after_working_days(received_at, terms.first_message_working_days, terms),
        DueKind.FEEDBACK: feedback_due(received_at, None, terms),
    }


def feedback_due(received_at: datetime, receipt_sent_at: datetime | None, terms: Terms) -> datetime:
    """Three months after the receipt was sent, or after day 7 where none was (directive art. 9(1)(f)).

    A receipt that was sent after day 7 does not make the term longer than day 7 plus three months.
    """
    latest = _local(received_at, terms) + timedelta(days=terms.receipt_days)
    start = latest if receipt_sent_at is None else min(latest, _local(receipt_sent_at, terms))
    return _end_of_day(add_months(start, terms.feedback_months), terms)


def reminder_due(asked_at: datetime, terms: Terms) -> datetime:
    """When a reporter is reminded, once, of what was asked at `asked_at`."""
    return asked_at + timedelta(days=terms.reminder_days)


def add_months(day: date, months: int) -> date:
    """The same day of the month, or the month's last day where there is none: 30 November + 3 = 28 February."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def after_working_days(moment: datetime, days: int, terms: Terms) -> datetime:
    """The end of the `days`-th working day after `moment`'s own day; weekends and holidays do not count."""
    day = _local(moment, terms)
    left = days
    while left or not _is_working_day(day, terms):
        day += timedelta(days=1)
        left -= left and _is_working_day(day, terms)
    return _end_of_day(day, terms)


def _is_working_day(day: date, terms: Terms) -> bool:
    return day.weekday() < calendar.SATURDAY and not terms.is_holiday(day)


def _local(moment: datetime, terms: Terms) -> date:
    return moment.astimezone(terms.timezone).date()


def _end_of_day(day: date, terms: Terms) -> datetime:
    """The last second of `day` on the desk's clock: a term that ends on a day ends with that day."""
    return datetime.combine(day, time(23, 59, 59), terms.timezone).astimezone(UTC)
