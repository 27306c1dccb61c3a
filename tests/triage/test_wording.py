"""What words tell of, learned without some writers: no label of theirs may be seen in it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from triage.labelled import read, read_sentences
from triage.training import prepare, usage_in
from triage.wording import Example, Learning, Wording

LEFT_OUT = "t3"
USAGE = usage_in([m for m in read() if m.writer in ("t1", "t2", LEFT_OUT)])


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    mails = [m for m in read() if m.writer in ("t1", "t2", LEFT_OUT) and m.gold["primary"]]
    return prepare(mails[::4], USAGE)


def _relabelled(examples: Sequence[Example], writer: str) -> list[Example]:
    """The mails of one writer with each other's labels."""
    theirs = [e for e in examples if e.labelled.writer == writer]
    golds = iter([*theirs[1:], theirs[0]])
    return [
        replace(e, labelled=replace(e.labelled, gold=next(golds).labelled.gold)) if e.labelled.writer == writer else e
        for e in examples
    ]


def _without(examples: Sequence[Example]) -> Wording:
    out = np.array([e.labelled.writer == LEFT_OUT for e in examples])
    return Learning(examples, USAGE, read_sentences()[:60]).without([np.zeros_like(out), out])[1]


def test_what_is_learned_without_a_writer_does_not_hang_on_the_labels_of_that_writer(examples: list[Example]) -> None:
    before, after = _without(examples), _without(_relabelled(examples, LEFT_OUT))
    assert before.scores.shape[0] == sum(e.labelled.writer != LEFT_OUT for e in examples)
    assert np.allclose(before.dual, after.dual, atol=1e-3)
    assert np.allclose(before.scores, after.scores, atol=1e-3)
    assert np.allclose(before.weights()[0].bias, after.weights()[0].bias, atol=1e-3)


def test_the_scores_of_a_mail_that_is_learned_from_do_not_hang_on_the_labels_of_its_writer(
    examples: list[Example],
) -> None:
    changed = _relabelled(examples, "t1")
    before, after = _without(examples), _without(changed)
    of_first = np.array([e.labelled.writer == "t1" for e in examples if e.labelled.writer != LEFT_OUT])
    assert np.allclose(before.scores[of_first], after.scores[of_first], atol=1e-3)
    assert not np.allclose(before.scores[~of_first], after.scores[~of_first], atol=1e-2)
