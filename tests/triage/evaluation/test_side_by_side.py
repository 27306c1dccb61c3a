"""Work in several processes."""

import os
from functools import partial

import pytest

from triage.evaluation.side_by_side import WorkerGone, side_by_side


def _square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def test_results_come_in_the_order_of_the_work_each_from_a_process_of_its_own() -> None:
    done = list(side_by_side([partial(_square, n) for n in range(7)], 3))
    assert [result for result, _ in done] == [0, 1, 4, 9, 16, 25, 36]
    assert len({process for _, process in done} | {os.getpid()}) == 8


def test_a_large_result_does_not_keep_its_process_waiting_for_ever() -> None:
    assert [len(r) for r in side_by_side([partial(bytes, 3_000_000)] * 4, 2)] == [3_000_000] * 4


def test_a_process_that_is_killed_is_named_and_nothing_hangs() -> None:
    with pytest.raises(WorkerGone):
        list(side_by_side([partial(os._exit, 1), partial(_square, 2)], 2))
