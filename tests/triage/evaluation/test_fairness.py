"""What counts as a suggestion that moved, and by how much a score did."""

from dataclasses import replace

import pytest

from config.taxonomy import Category, Kind, Severity
from tests.triage import mails
from tests.triage.evaluation.golds import labelled, person
from triage import CategoryScore, MailText, Report, Triage
from triage.evaluation.fairness import Moved, differences, movement, moves
from triage.evaluation.swaps import GENDERS, PEOPLE, PLACES, TOWNS, swaps_for

NAMED = labelled(body="Jan Kok sloeg mij in Nairobi.", people=[person("Jan Kok")])


@pytest.fixture
def report(triage: Triage) -> Report:
    return triage.understand(mails.DUTCH)


def test_who_goes_by_a_name_is_found_out(report: Report) -> None:
    """An understanding that takes everything for a complaint unless Jan did it."""

    def by_name(mail: MailText) -> Report:
        return report if "Jan " in mail.own_text else replace(report, kind=Kind.KLACHT, severity=Severity.LAAG)

    found = {m.kind: m.moved for m in moves(by_name, NAMED, by_name(NAMED.mail), swaps_for(2))}
    assert found == {
        PEOPLE: {"kind", "severity"},
        PLACES: frozenset(),
        TOWNS: frozenset(),
        GENDERS: {"kind", "severity"},
    }


def test_who_does_not_look_at_people_moves_nowhere(report: Report) -> None:
    found = list(moves(lambda _: report, NAMED, report, swaps_for(2)))
    assert len(found) == 6
    assert all(not m.moved and set(m.changes.values()) == {0.0} for m in found)


def test_a_swap_that_changes_nothing_is_no_mail_that_stayed(report: Report) -> None:
    assert list(moves(lambda _: report, labelled(body="Iemand sloeg mij."), report, swaps_for(0))) == []


def test_scores_are_compared_where_they_are_shown_both_times(report: Report) -> None:
    before = replace(report, categories=(CategoryScore(Category.PESTEN, 0.7), CategoryScore(Category.INTIMIDATIE, 0.6)))
    after = replace(
        before,
        categories=(CategoryScore(Category.PESTEN, 0.5),),
        kind_scores={**before.kind_scores, Kind.KLACHT: before.kind_scores[Kind.KLACHT] + 0.25},
    )
    found = differences(before.to_wire(), after.to_wire())
    assert found["category pesten"] == pytest.approx(0.2)
    assert found["kind klacht"] == pytest.approx(0.25)
    assert found["kind melding"] == 0
    assert "category intimidatie" not in found


def test_shares_and_the_score_that_changes_most_are_means_over_the_mails() -> None:
    rows = [
        Moved(PEOPLE, "x", frozenset({"kind", "primary"} if i < 10 else ()), {"a": i / 100, "b": 0.1})
        for i in range(100)
    ]
    rare = Moved(PEOPLE, "x", frozenset(), {"seen once": 1.0})
    found = movement([*rows, rare])
    assert found.moved == pytest.approx({"kind": 10 / 101, "primary": 10 / 101, "severity": 0})
    assert found.any == pytest.approx(10 / 101)
    assert (found.score, found.change) == ("a", pytest.approx(0.495)), "one mail does not make a mean"
