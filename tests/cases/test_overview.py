"""The figures of a year: what is counted where, and that what is shown tells of no small count."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.lifecycle import Outcome, Status
from cases.overview import IN_TIME, PACES, ROWS, STILL_OPEN, Line, Pace, Row, Table, Tally, YearFigures, pace, standing
from config.taxonomy import Category, Kind, Severity

NOW = datetime(2027, 2, 1, 9, tzinfo=UTC)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def figures(lines: Iterable[Line] | Mapping[Line, int], smallest: int = 5, year: int = 2026) -> YearFigures:
    tally = Tally()
    tally.add(lines)
    return tally.figures(year, smallest, NOW, NOW.year)


def shown(table: Table) -> dict[str, int | None]:
    return {row.slug: row.count for row in table.rows if row.count != 0}


def report(**more: str | None) -> Line:
    said = {"quarter": "2026-Q1", "kind": "melding", "category": "pesten", "severity": "laag", "age": "0-1", **more}
    return Line(**said)  # type: ignore[arg-type]


def test_lines_that_are_alike_may_be_counted_beforehand() -> None:
    lines = [report()] * 7 + [report(severity="hoog")] * 5 + [Line("2026-Q2", "advies")] * 6
    assert figures(Counter(lines)) == figures(lines)


def test_only_reports_count_beyond_the_table_of_kinds() -> None:
    made = figures([report()] * 20 + [report(kind="klacht")] * 9 + [report(kind=None)] * 5)
    assert shown(made.table("kind")) == {"melding": 20, "klacht": 9, "none": 5}
    assert made.reports == 20
    assert {made.table(slug).total for slug in ROWS} == {20}
    assert shown(made.table("category")) == {"pesten": 20}


def test_what_no_row_is_for_counts_as_nothing_said() -> None:
    made = figures([report(category="iets anders", severity=None, standing="closed")] * 20)
    for slug in ("category", "severity", "standing"):
        assert shown(made.table(slug)) == {"none": 20}


def test_open_cases_count_by_age_and_ended_ones_by_how_long_they_took() -> None:
    ended = report(standing="withdrawn", closing="8-30", age=None)
    made = figures([report(age="2-7")] * 21 + [ended] * 32)
    assert (made.table("age").total, made.table("closing").total) == (21, 32)
    assert shown(made.table("age")) == {"2-7": 21}
    assert shown(made.table("closing")) == {"8-30": 32}


def test_where_few_are_open_nothing_tells_how_many() -> None:
    ended = report(standing="withdrawn", closing="8-30", age=None)
    made = figures([report()] * 2 + [ended] * 32)
    assert shown(made.table("standing")) == {STILL_OPEN: None, "withdrawn": None}
    for slug in ("age", "closing"):
        assert made.table(slug).total is None
        assert {row.count for row in made.table(slug).rows} == {None}


def test_of_a_year_with_few_reports_nothing_is_shown() -> None:
    made = figures([report()] * 4)
    assert made.reports is None
    assert all(row.count is None for table in made.tables[1:] for row in table.rows)


def test_a_year_without_anything_is_a_year_of_noughts() -> None:
    made = figures([], year=2020)
    assert made.reports == 0
    assert all(row.count == 0 for table in made.tables for row in table.rows)


LINES = st.lists(
    st.builds(
        Line,
        quarter=st.sampled_from(["2025-Q4", "2026-Q1", "2026-Q2", "2026-Q4"]),
        kind=st.sampled_from([*Kind, None]),
        category=st.sampled_from([*Category, None]),
        severity=st.sampled_from([*Severity, None]),
        standing=st.sampled_from([STILL_OPEN, *Outcome, Status.MERGED]),
        receipt=st.sampled_from(Pace),
        first_look=st.sampled_from(Pace),
        feedback=st.sampled_from(Pace),
        age=st.sampled_from(["0-1", "366+"]),
        closing=st.sampled_from(["0-1", "366+"]),
    ),
    max_size=120,
)


@given(LINES, st.integers(3, 8))
def test_no_small_count_is_shown_nor_left_over_of_a_total(lines: list[Line], smallest: int) -> None:
    made = figures(lines, smallest)
    for table in made.tables:
        counts = [row.count for row in table.rows]
        assert not any(count is not None and 0 < count < smallest for count in counts)
        if table.total is not None:
            assert table.total == 0 or table.total >= smallest
            rest, left_out = table.total - sum(count or 0 for count in counts), counts.count(None)
            assert rest == 0 or (left_out > 1 and rest >= smallest)
    open_row = next(row for row in made.table("standing").rows if row.slug == STILL_OPEN)
    if open_row.count is None:
        assert made.table("age").total is made.table("closing").total is None


@given(LINES, st.integers(3, 8))
def test_what_is_shown_is_true(lines: list[Line], smallest: int) -> None:
    counted = Counter((line.category or "none") for line in lines if line.year == 2026 and line.kind == "melding")
    for row in figures(lines, smallest).table("category").rows:
        assert row.count in (None, counted[row.slug])


@given(LINES, st.integers(3, 8))
def test_how_many_were_in_time_lies_between_the_two_numbers_shown(lines: list[Line], smallest: int) -> None:
    made = figures(lines, smallest)
    for slug in PACES:
        between = made.table(slug).between(IN_TIME)
        if between is not None:
            true = sum(
                getattr(line, slug) in IN_TIME for line in lines if line.year == 2026 and line.kind == Kind.MELDING
            )
            assert between[0] <= true <= between[1]


@given(LINES, st.integers(3, 8))
def test_figures_come_back_as_they_were_given(lines: list[Line], smallest: int) -> None:
    made = figures(lines, smallest)
    assert YearFigures.from_json(made.to_json()) == made


@pytest.mark.parametrize("broken", [{}, {"tables": 1}, {"tables": [], "made_at": "x", "year": 1}])
def test_what_is_no_figures_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        YearFigures.from_json(broken)


def test_years_are_counted_apart_and_a_year_with_few_reports_shows_no_number() -> None:
    tally = Tally()
    tally.add([report(quarter="2024-Q2")] * 3 + [report()] * 7 + [report(quarter="2025-Q1")] * 6)
    assert tally.years == (2026, 2025, 2024)
    assert tally.reports_by_year(5) == ((2024, None), (2025, 6), (2026, 7))


def test_bounds_of_rows_are_exact_where_none_of_them_is_left_out() -> None:
    table = Table("x", (Row("a", 10), Row("b", None), Row("c", None), Row("d", 0)), 30)
    assert table.between(frozenset("a")) == (10, 10)
    assert table.between(frozenset("ab")) == (10, 30)
    assert table.leaves_out
    assert table.largest == 10


@pytest.mark.parametrize(
    ("due", "done", "is_then"),
    [
        (None, None, Pace.NONE),
        (7, 0.5, Pace.IN_TIME_1),
        (7, 7, Pace.IN_TIME_7),
        (95, 30, Pace.IN_TIME_30),
        (95, 31, Pace.IN_TIME_MORE),
        (7, 8, Pace.LATE_30),
        (7, 31, Pace.LATE_MORE),
        (400, None, Pace.NOT_YET),
        (7, None, Pace.MISSED),
    ],
)
def test_a_term_is_kept_or_not(due: float | None, done: float | None, is_then: Pace) -> None:
    due_at = None if due is None else START + timedelta(days=due)
    done_at = None if done is None else START + timedelta(days=done)
    assert pace(START, due_at, done_at, NOW) is is_then


@pytest.mark.parametrize(
    ("status", "outcome", "row"),
    [
        (Status.RECEIVED, None, STILL_OPEN),
        (Status.CLOSED, "withdrawn", "withdrawn"),
        (Status.CLOSED, None, "none"),
        (Status.MERGED, None, "merged"),
        (Status.SET_ASIDE, None, "set_aside"),
    ],
)
def test_each_case_stands_in_one_row(status: Status, outcome: str | None, row: str) -> None:
    assert standing(status, outcome) == row
    assert row in ROWS["standing"]
