"""Whose mails are judged by which model."""

import pytest

from triage.evaluation.run import Plan, dealt

WRITERS = ["t1", "t10", "t2", "t2", "t10", "t3"]


def test_each_writer_is_left_out_alone() -> None:
    of, names = dealt(WRITERS, Plan(folds=None))
    assert names == ["t1", "t2", "t3", "t10"]
    assert [names[group] for group in of] == WRITERS


@pytest.mark.parametrize("folds", [2, 3])
def test_writers_are_dealt_whole_into_groups(folds: int) -> None:
    of, names = dealt(WRITERS, Plan(folds=folds))
    assert len(names) == folds
    assert all(writer in names[group].split(", ") for writer, group in zip(WRITERS, of, strict=True))
    assert sorted(w for name in names for w in name.split(", ")) == sorted(set(WRITERS))
