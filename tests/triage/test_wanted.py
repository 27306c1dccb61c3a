"""Names found in one pass: the same as by looking for each, at a cost that does not hang on how many there are."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from triage.masking import MARK, Masking
from triage.wanted import Wanted

MASKING = Masking()


def names(number: int) -> list[str]:
    """As many different ones, each of two words that begin alike."""
    return [f"Voor{_letters(i)} Achter{_letters(i)}" for i in range(number)]


def _letters(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in f"{number:04}")


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """How many lines of Python ran: a cost that is the same on every machine."""
    lines, before = [0], sys.gettrace()

    def trace(_: FrameType, event: str, __: Any) -> Any:
        lines[0] += event == "line"
        return trace

    sys.settrace(trace)
    try:
        yield lambda: lines[0]
    finally:
        sys.settrace(before)


def cost(text: str, told: list[str]) -> int:
    wanted = Wanted((name.lower() for name in told), ())
    with counted() as lines:
        wanted.replaced(text, MARK)
        return lines()


def test_ten_times_as_many_names_cost_no_more_in_the_same_text() -> None:
    text = " ".join(f"{name} nam geld aan." for name in names(50))
    assert cost(text, names(500)) <= 1.05 * cost(text, names(50))


def test_twice_the_text_costs_twice_as_much() -> None:
    text = " ".join(f"{name} nam geld aan." for name in names(200))
    assert cost(text + text, names(500)) <= 2.05 * cost(text, names(500))


def test_five_hundred_people_are_all_taken_out() -> None:
    told = names(500)
    text = ". ".join(f"{name} nam geld aan" for name in told)
    assert MASKING.without(told).of(text) == ". ".join(f"{MARK} nam geld aan" for _ in told)


def test_titles_and_initials_in_a_row_are_looked_at_a_bounded_number_of_times() -> None:
    """The pattern for them began anew at each initial and ran to the end: 13,000 of them took half a minute."""
    assert MASKING.without(["Jansen"]).of("J. P. Jansen nam geld aan.") == f"{MARK} nam geld aan."
    quantifier = MASKING.titles.pattern.split(")")[-2]
    assert "+" not in quantifier
    text = "a. " * 13_000
    assert MASKING.without().of(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("jan de vries ging", "X ging"),
        ("JAN  DE\nVRIES ging", "X ging"),
        ("Vries ging", "X ging"),
        ("vries ging", "vries ging"),
        ("Vriesland", "Vriesland"),
        ("deVries", "deVries"),
        ("(Vries)", "(X)"),
        ("Vries' en Vries’s en Vriess", "X' en X en X"),
        ("jan de Vriesland", "jan de Vriesland"),
        ("", ""),
    ],
)
def test_whole_names_in_any_case_and_their_parts_as_they_are_written(text: str, left: str) -> None:
    assert Wanted(["jan de vries", "de vries"], ["Vries"]).replaced(text, "X") == left


def test_the_longest_name_that_ends_where_a_word_does_is_taken() -> None:
    assert Wanted(["jan de", "jan de vries", "jan de vries pol"], []).replaced("Jan de Vries Polder", "X") == "X Polder"


def test_without_names_a_text_stays_as_it_is() -> None:
    assert Wanted([], ["", " "]).replaced("Jan", "X") == "Jan"
