"""When a case goes: by the table, on the desk's own calendar, and never without a row for it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cases.lifecycle import Outcome, Status
from cases.retention import (
    Policy,
    Quarters,
    band,
    ending_of,
    gone_for_good,
    quarter,
    rules_of,
)
from config.retention import ANY, ENDINGS, TWO_MONTHS, RetentionRow
from config.taxonomy import Category

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
CLOSED = datetime(2026, 12, 31, 22, 30, tzinfo=UTC)  # half past eleven in the evening in Amsterdam


def row(term: str, outcome: str = ANY, category: str = ANY) -> RetentionRow:
    return RetentionRow(outcome=outcome, category=category, term=term, ground="Archiefwet", selection="12.3")


def policy(*rows: RetentionRow) -> Policy:
    return Policy(rules_of(rows), timedelta(days=30), AMSTERDAM)


def test_an_empty_table_has_no_rule_for_anything() -> None:
    empty = policy()
    assert not empty.is_filled_in
    assert all(empty.rule_for(ending, category) is None for ending in ENDINGS for category in (None, *Category))


def test_the_most_exact_row_counts_and_the_outcome_before_the_category() -> None:
    table = policy(
        row("1 year"), row("2 years", category="pesten"), row("3 years", "substantiated"),
        row("4 years", "substantiated", "pesten"),
    )  # fmt: skip
    found = {
        (ending, category): rule.term
        for ending in ("substantiated", "withdrawn")
        for category in ("pesten", "discriminatie", None)
        if (rule := table.rule_for(ending, category))
    }
    assert found == {
        ("substantiated", "pesten"): "4 years",
        ("substantiated", "discriminatie"): "3 years",
        ("substantiated", None): "3 years",
        ("withdrawn", "pesten"): "2 years",
        ("withdrawn", "discriminatie"): "1 year",
        ("withdrawn", None): "1 year",
    }


def test_a_row_for_one_category_says_nothing_of_a_case_without_one() -> None:
    assert policy(row("2 years", category="pesten")).rule_for("withdrawn", None) is None


@pytest.mark.parametrize(
    ("term", "last_day"),
    [("2 months", date(2027, 2, 28)), ("1 year", date(2027, 12, 31)), ("90 days", date(2027, 3, 31))],
)
def test_a_case_is_kept_to_the_end_of_its_last_day_where_the_desk_is(term: str, last_day: date) -> None:
    (rule,) = rules_of([row(term)])
    ends = rule.ends_at(CLOSED, AMSTERDAM)
    assert ends is not None
    local = ends.astimezone(AMSTERDAM)
    assert (local.date(), local.hour, local.minute) == (last_day, 23, 59)


def test_what_is_kept_for_good_has_no_day() -> None:
    (rule,) = rules_of([row("keep")])
    assert rule.keeps
    assert rule.ends_at(CLOSED, AMSTERDAM) is None


@given(st.sampled_from(["day", "days", "month", "months", "year", "years"]), st.integers(1, 9999), st.datetimes())
def test_no_term_ends_before_the_day_of_closing_or_breaks_the_calendar(unit: str, number: int, at: datetime) -> None:
    closed = at.replace(year=2020 + at.year % 80, tzinfo=UTC)
    (rule,) = rules_of([row(f"{number} {unit}")])
    ends = rule.ends_at(closed, AMSTERDAM)
    assert ends is None or ends > closed


def test_every_outcome_and_setting_aside_can_stand_in_the_table() -> None:
    assert set(ENDINGS) == {*Outcome, "set_aside"}
    assert ending_of(Status.SET_ASIDE, None) == "set_aside"
    assert ending_of(Status.CLOSED, Outcome.WITHDRAWN) == "withdrawn"
    assert ending_of(Status.ASSESSING, None) is None


def test_the_ready_choice_lets_every_case_go_two_months_after_closing() -> None:
    table = Policy(rules_of(TWO_MONTHS), timedelta(days=30), AMSTERDAM)
    rules = {table.rule_for(ending, category) for ending in ENDINGS for category in (None, *Category)}
    assert {rule.months for rule in rules if rule} == {2}


@pytest.mark.parametrize("term", ["2", "0 days", "two years", "-1 year", "2 weeks", "2  years", ""])
def test_a_term_that_nobody_can_read_is_refused(term: str) -> None:
    with pytest.raises(ValueError, match="write a term like"):
        row(term)


def test_a_case_is_gone_for_good_when_the_last_key_file_of_before_is() -> None:
    assert gone_for_good(date(2026, 12, 20), 30) == date(2027, 1, 19)


def test_figures_name_quarters_and_bands_and_no_day() -> None:
    assert quarter(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), AMSTERDAM) == "2027-Q1"
    assert [band(CLOSED, CLOSED + timedelta(days=days)) for days in (0, 1, 2, 7, 8, 90, 91, 365, 366, 4000)] == [
        "0-1", "0-1", "2-7", "2-7", "8-30", "31-90", "91-180", "181-365", "366+", "366+",
    ]  # fmt: skip
    assert band(CLOSED, None) is None


@given(
    st.timedeltas(timedelta(days=-12_000), timedelta(days=12_000)).map(lambda before: CLOSED - before),
    st.sampled_from(["Europe/Amsterdam", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago"]),
)
@example(datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), "Europe/Amsterdam")
@example(datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "Europe/Amsterdam")
@example(datetime(2026, 3, 31, 22, 0, tzinfo=UTC), "Europe/Amsterdam")
def test_quarters_of_many_moments_are_those_of_each(moment: datetime, zone: str) -> None:
    assert Quarters(ZoneInfo(zone)).of(moment.replace(tzinfo=None)) == quarter(moment, ZoneInfo(zone))
