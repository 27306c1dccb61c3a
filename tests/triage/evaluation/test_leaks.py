"""Near-duplicates across writers are found, and the corpus has none."""

import pytest

from tests.triage.evaluation.golds import labelled
from triage.evaluation.leaks import NEAR, nearest, shingles
from triage.labelled import read

STORY = "Op 12 maart vroeg het hoofd visumzaken mij om 400 dollar, contant, om mijn aanvraag bovenop te leggen."


def test_no_two_mails_of_different_writers_in_the_corpus_are_nearly_the_same() -> None:
    pairs = nearest(read())
    assert [pair for pair in pairs if pair.share >= NEAR] == []


def test_a_mail_that_another_writer_changed_a_little_is_found() -> None:
    copied = STORY.replace("12 maart", "9 mei").replace("400 dollar", "700 euro")
    mails = [
        labelled("a", "a-1", body=STORY),
        labelled("b", "b-1", body=copied),
        labelled("b", "b-2", body="Iets anders."),
    ]
    first = nearest(mails)[0]
    assert (first.first, first.second) == ("a-1", "b-1")
    assert first.share >= NEAR


def test_mails_of_one_writer_may_resemble_each_other() -> None:
    assert nearest([labelled("a", "a-1", body=STORY), labelled("a", "a-2", body=STORY)]) == []


def test_the_share_is_that_of_the_runs_of_eight_characters() -> None:
    """abcdefghij has three runs, abcdefghix too; the first two are the same: 2 of 4."""
    mails = [labelled("a", "a-1", body="abcdefghij"), labelled("b", "b-1", body="ABCDEFGHIX")]
    assert nearest(mails)[0].share == pytest.approx(2 / 4)


def test_case_spacing_and_figures_do_not_count() -> None:
    rows = shingles(["Betaal 400 euro  nu", "betaal 700\neuro nu"])
    assert (rows[0] != rows[1]).nnz == 0


def test_more_near_duplicates_than_are_shown_are_all_counted() -> None:
    mails = [labelled(str(i), f"{i}-1", body=STORY) for i in range(5)]
    assert len(nearest(mails, most=2)) == 10
