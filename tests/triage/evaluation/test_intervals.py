"""The intervals: as wide as the writers differ, and the same each time."""

import numpy as np
import pytest

from triage.evaluation.intervals import interval, resamplings


def shares(writers: list[str], right: list[int]) -> tuple[float, float]:
    weights = resamplings(writers)
    return interval(weights @ np.array(right) / weights.sum(axis=1))


def test_what_is_always_right_has_no_width() -> None:
    assert shares(["a", "a", "b", "b"], [1, 1, 1, 1]) == (1, 1)


def test_every_resampling_draws_as_many_writers_and_the_mails_of_each() -> None:
    weights = resamplings(["a"] * 3 + ["b"] * 3, draws=20)
    assert set(weights.sum(axis=1)) == {6}
    assert all(row[:3].sum() in (0, 3, 6) for row in weights)


def test_mails_of_one_writer_bring_less_certainty_than_those_of_many() -> None:
    right = [1, 0] * 20
    low, high = shares([str(i) for i in range(40)], right)
    by_two = shares(["a", "b"] * 20, right)
    assert by_two == (0, 1), "two writers, one always right and one never: nothing is known"
    assert 0.3 < low < 0.5 < high < 0.7


def test_the_interval_of_a_share_is_about_that_of_the_binomial() -> None:
    """Of 100 independent mails 80 right: 0.80 ± 1.96 · √(0.8 · 0.2 / 100) = ± 0.078."""
    low, high = shares([str(i) for i in range(100)], [1] * 80 + [0] * 20)
    assert low == pytest.approx(0.722, abs=0.02)
    assert high == pytest.approx(0.878, abs=0.02)


def test_the_same_seed_draws_the_same() -> None:
    assert np.array_equal(resamplings(["a", "b", "b"], 10, 3), resamplings(["a", "b", "b"], 10, 3))
    assert not np.array_equal(resamplings(["a", "b", "b"], 10, 3), resamplings(["a", "b", "b"], 10, 4))
