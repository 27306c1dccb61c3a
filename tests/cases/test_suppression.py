"""No count that was left out can be worked out: not from the total, and not by who knows the rules, too."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.suppression import LEAST, protected, shown

Shown = tuple[int | None, ...]


def worked_out(published: Shown, tables: Sequence[Sequence[int]]) -> list[int]:
    """The rows left out that have one value in every table that would have been published so."""
    return [row for row, count in enumerate(published) if count is None and len({each[row] for each in tables}) == 1]


@pytest.mark.parametrize(("smallest", "rows", "most"), [(3, 2, 24), (3, 3, 15), (3, 4, 11), (4, 3, 16), (5, 3, 18)])
def test_of_no_small_table_a_count_left_out_can_be_worked_out(smallest: int, rows: int, most: int) -> None:
    """Every table with a total up to `most`: whoever knows total, rows shown and rules is left with several tables."""
    published: dict[tuple[int, Shown], list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(most + 1), repeat=rows):
        if sum(counts) <= most:
            published[sum(counts), protected(counts, smallest)].append(counts)
    told = {key: worked_out(key[1], tables) for key, tables in published.items()}
    assert {key: rows for key, rows in told.items() if rows} == {}


COUNTS = st.lists(st.integers(0, 40) | st.integers(0, 6), min_size=2, max_size=9)
SMALLEST = st.integers(LEAST, 8)


@given(COUNTS, SMALLEST)
def test_of_any_table_each_count_left_out_could_be_another(counts: list[int], smallest: int) -> None:
    published = protected(counts, smallest)
    for row, count in enumerate(published):
        if count is None:
            others = others_published_alike(counts, row, smallest)
            assert next(others, None) is not None, (counts, smallest, published)


def others_published_alike(counts: Sequence[int], row: int, smallest: int) -> Iterator[list[int]]:
    """Tables with another count in this row that come out the same: made by moving some of it elsewhere, and where that
    changes too much, by moving between two others as well."""
    published = protected(counts, smallest)
    hidden = [each for each, count in enumerate(published) if count is None]
    for moved in moves(counts, hidden, row):
        if protected(moved, smallest) == published:
            yield moved
    for once in moves(counts, hidden, row):
        for other in hidden:
            for twice in moves(once, hidden, other):
                if twice[row] != counts[row] and protected(twice, smallest) == published:
                    yield twice


def moves(counts: Sequence[int], hidden: Sequence[int], row: int) -> Iterator[list[int]]:
    for to in hidden:
        for amount in range(-counts[to], counts[row] + 1):
            if to != row and amount:
                moved = list(counts)
                moved[row] -= amount
                moved[to] += amount
                yield moved


@given(COUNTS, SMALLEST)
def test_no_small_count_is_shown_and_what_is_shown_is_true(counts: list[int], smallest: int) -> None:
    published = protected(counts, smallest)
    assert len(published) == len(counts)
    for count, told in zip(counts, published, strict=True):
        assert told in (None, count)
        assert told is None or not 0 < told < smallest


@given(COUNTS, SMALLEST)
def test_a_table_without_small_counts_is_shown_whole(counts: list[int], smallest: int) -> None:
    large = [count + smallest + len(counts) if count else 0 for count in counts]
    assert protected(large, smallest) == tuple(large)


@pytest.mark.parametrize(
    ("counts", "published"),
    [
        ((40, 2, 12), (40, None, None)),  # the smallest of the others goes with it
        ((40, 2, 12, 12), (40, None, None, None)),  # and whichever has as many
        ((40, 4, 4, 9), (40, None, None, None)),  # else eight left over for two were four each
        ((40, 3, 4), (40, None, None)),
        ((40, 0, 0), (40, 0, 0)),
        ((1, 1, 1, 0), (None,) * 4),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_what_goes_with_a_small_count(counts: tuple[int, ...], published: Shown) -> None:
    assert protected(counts, 5) == published


def test_a_count_that_stands_alone_is_left_out_where_it_is_small() -> None:
    assert [shown(count, 5) for count in (0, 1, 4, 5)] == [0, None, None, 5]
