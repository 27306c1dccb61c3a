"""The measures, on answers whose figures can be worked out by hand, and against the judge's own program."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from config.taxonomy import Kind
from tests.triage.evaluation.golds import gold
from triage import Triage
from triage.evaluation.counts import Count, counts
from triage.evaluation.measures import figures_of
from triage.labelled import read

SHARED = Path(os.environ.get("MELDPOST_SHARED") or Path(__file__).parents[4] / "shared")
SCORE = SHARED / "eval" / "score.py"


def measured(*pairs: tuple[Mapping[str, Any], Mapping[str, Any]]) -> dict[str, float]:
    return figures_of(counts(told, said) for told, said in pairs)


def graded(pairs: str) -> float:
    """The kappa of pairs such as "lm": gold laag, said midden."""
    grades = {"l": "laag", "m": "midden", "h": "hoog", "a": "acuut"}
    mails = [(gold(severity=grades[g]), {"severity": grades[s]}) for g, s in pairs.split()]
    return measured(*mails)["severity_weighted_kappa"]


def test_of_no_mails_there_are_no_figures() -> None:
    assert figures_of([]) == {"mails": 0.0}


def test_kappa_is_1_for_agreement_0_for_chance_and_below_for_contradiction() -> None:
    assert graded("ll mm hh aa") == pytest.approx(1)
    assert graded("ll la al aa") == pytest.approx(0)
    assert graded("la al") == pytest.approx(-1)


def test_a_miss_by_two_steps_costs_four_times_one_by_one() -> None:
    """Of four pairs one is off, by one step (1/4) or by two (4/4); by chance it would be 64/16 both times."""
    assert graded("ll lm aa aa") == pytest.approx(1 - 0.25 / 4)
    assert graded("ll lh aa aa") == pytest.approx(1 - 1 / 4)


def test_a_grade_that_is_none_counts_as_the_farthest() -> None:
    assert measured((gold(severity="laag"), {}), (gold(severity="acuut"), {}))["severity_weighted_kappa"] == -1


def test_f1_counts_every_mention_once() -> None:
    told = gold(concerned=[{"name": "Jan de Wit", "function": None}, {"name": "Piet Vos", "function": None}])
    said = {"concerned": [{"name": "J. de Wit"}, {"name": "De Wit"}, {"name": "Klaas Kok"}]}
    found = measured((told, said))
    assert found["concerned_name_precision"] == pytest.approx(1 / 3)
    assert found["concerned_name_recall"] == pytest.approx(1 / 2)
    assert found["concerned_name_f1"] == pytest.approx(2 / 5)


@pytest.mark.parametrize(
    ("key", "there", "said", "same"),
    [
        ("phone", "06-12 34 56 78", "+31 6 12345678", True),
        ("phone", "0031612345678", "06 12 34 56 79", False),
        ("address", "Kerkpad 5, 8011 VX Zwolle", "Kerkpad 5\n8011 VX", True),
        ("address", "Kerkpad 5, 8011 VX Zwolle", "Zwolle", False),
    ],
)
def test_numbers_and_addresses_are_compared_as_the_judge_does(key: str, there: str, said: str, same: bool) -> None:
    assert measured((gold(**{key: there}), {"contact": {key: said}}))[f"{key}_f1"] == float(same)


@pytest.mark.parametrize(
    ("there", "said", "same"),
    [
        ("Jan de Wit", "De heer De Wit", True),
        ("J. de Wit", "Jan de Wit", True),
        ("María Señas", "Maria Senas", True),
        ("Jan de Wit", "Jan Kok", False),
        ("J. de Wit", "J. Kok", False),
    ],
)
def test_titles_initials_and_accents_do_not_make_another_name(there: str, said: str, same: bool) -> None:
    told, found = gold(concerned=[{"name": there, "function": None}]), {"concerned": [{"name": said}]}
    assert measured((told, found))["concerned_name_f1"] == float(same)


def test_a_mail_without_an_answer_counts_as_wrong_everywhere() -> None:
    told = gold(kind="melding", categories=["pesten"], primary="pesten", phone="06 12 34 56 78", missing=[])
    found = measured((told, {}))
    wrong = ("kind_accuracy", "language_accuracy", "primary_category_accuracy", "category_micro_f1", "phone_f1")
    assert [found[name] for name in (*wrong, "missing_exact_set", "reports_that_reach_a_person")] == [0] * 7


def test_an_email_address_is_never_held_to_be_missing_by_the_judge() -> None:
    assert measured((gold(missing=["phone"]), {"missing": ["email", "phone"]}))["missing_exact_set"] == 1


# calibration


def scored(*answers: tuple[float, bool]) -> dict[str, float]:
    """The figures of kinds suggested with these scores, right or wrong."""
    return measured(
        *(
            (gold(kind="melding" if right else "klacht"), {"kind": "melding", "kind_scores": {"melding": score}})
            for score, right in answers
        )
    )


def test_scores_that_are_right_as_often_as_they_say_have_no_calibration_error() -> None:
    assert scored((0.75, True), (0.75, True), (0.75, True), (0.75, False))["ece_kind"] == pytest.approx(0)


def test_the_calibration_error_is_the_mean_distance_of_the_bins() -> None:
    """Two bins: 0.95 and half right (off by 0.45, two of three), 0.35 and all right (off by 0.65, one of three)."""
    found = scored((0.95, True), (0.95, False), (0.35, True))
    assert found["ece_kind"] == pytest.approx((2 * 0.45 + 0.65) / 3)


def test_errors_within_a_bin_level_out_and_those_of_two_bins_do_not() -> None:
    assert scored((0.52, True), (0.58, False))["ece_kind"] == pytest.approx(0.05)
    assert scored((0.48, True), (0.52, False))["ece_kind"] == pytest.approx(0.52)


@pytest.mark.parametrize(
    ("score", "place"), [(0.0, 0), (0.1, 0), (0.10001, 1), (0.3, 2), (0.7, 6), (0.9, 8), (0.95, 9), (1.0, 9)]
)
def test_a_score_on_the_border_falls_into_the_lower_bin(score: float, place: int) -> None:
    count = Count()
    count.scored("kind", score, True)
    assert count[f"kind|n{place}"] == 1


def test_a_category_suggested_for_a_mail_that_has_none_counts_as_wrong() -> None:
    said = {"primary": "pesten", "categories": [{"slug": "pesten", "score": 0.8}]}
    found = measured((gold(), said))
    assert found["ece_primary"] == pytest.approx(0.8)
    assert found["ece_holds"] == pytest.approx(0.8)


def test_a_category_that_holds_without_being_the_primary_one_is_told_apart() -> None:
    said = {"primary": "pesten", "categories": [{"slug": "pesten", "score": 1.0}]}
    found = measured((gold(categories=["pesten", "intimidatie"], primary="intimidatie"), said))
    assert (found["ece_primary"], found["ece_holds"]) == (pytest.approx(1), pytest.approx(0))


# what is asked for


def test_what_a_receipt_would_ask_for_though_it_was_there_is_counted() -> None:
    said = {
        "missing_scores": {"phone": 0.95, "address": 0.99, "concerned_name": 0.94, "description": 1.0, "email": 1.0}
    }
    found = measured((gold(missing=["address", "description"]), said))
    assert (found["asked"], found["asked_though_there"]) == (3, pytest.approx(1 / 3))


def test_who_wants_to_stay_unknown_is_asked_nothing_about_themselves() -> None:
    said = {"missing_scores": {"phone": 0.99, "address": 0.99, "concerned_name": 0.99}, "anonymous": True}
    assert measured((gold(missing=["concerned_name"]), said))["asked"] == 1


# the judge's own program


def test_the_figures_are_those_of_the_judge(triage: Triage, tmp_path: Path) -> None:
    """On mails of the corpus, with answers of the model of which a third are spoilt or missing."""
    if not SCORE.exists():
        pytest.skip("needs shared/eval/score.py, which is not part of the project (MELDPOST_SHARED)")
    chance, rows, told, answers = random.Random(1), [], [], []
    for labelled in read()[::33]:
        said = triage.understand(labelled.mail).to_wire()
        spoilt = chance.choice((None, None, None, None, "kind", "severity", "all"))
        said = {} if spoilt == "all" else {**said, **({spoilt: chance.choice([*Kind])} if spoilt else {})}
        rows.append(counts(labelled.gold, said))
        told.append(json.dumps(labelled.gold))
        answers.extend([json.dumps({"id": labelled.gold["id"], **said})] if said else [])
    (tmp_path / "gold.jsonl").write_text("\n".join(told), encoding="utf-8")
    (tmp_path / "said.jsonl").write_text("\n".join(answers), encoding="utf-8")
    command = [sys.executable, str(SCORE), str(tmp_path / "gold.jsonl"), "--predicted", str(tmp_path / "said.jsonl")]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    judge = {name: value for name, value in json.loads(done.stdout).items() if name != "detail"}
    ours = figures_of(rows)
    assert {name: ours[name] for name in judge} == pytest.approx(judge)
