"""What the packaged model makes of mails in the shapes that real ones have.

The floors lie well below what it reaches, and far above what a model reaches that was broken or fed with other
features than it learned from. They say nothing of how good it is: `make evaluate` does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from config.taxonomy import Category, Kind
from tests.triage.sample import SAMPLES, Sample
from triage import Report, Triage
from triage.decisions import FOR_A_PERSON
from triage.evaluation.judge import same_address, same_function, same_name, same_phone
from triage.linear import Compact
from triage.masking import Mask
from triage.model import Model

REPORTS = tuple(sample for sample in SAMPLES if sample.kind in (Kind.MELDING, Kind.AANVULLING))

FLOORS = {
    "language": 0.95,
    "kind": 0.70,
    "reach a person": 0.88,
    "primary": 0.60,
    "names": 0.85,
    "functions": 0.70,
    "phones": 0.90,
    "addresses": 0.80,
}


@dataclass(frozen=True)
class Read:
    """A mail of the sample, and what was understood of it."""

    sample: Sample
    report: Report


def read(triage: Triage) -> list[Read]:
    return [Read(sample, triage.understand(sample.mail)) for sample in SAMPLES]


def shares(found: Iterable[Read]) -> dict[str, float]:
    """What is right of each part; F1 of what is found in the text."""
    all_mails = list(found)
    reports = [each for each in all_mails if each.sample in REPORTS]
    told = [each for each in all_mails if each.sample.categories]

    def f1(same: Callable[[str, str], bool], parts: Callable[[Read], tuple[Iterable[str | None], ...]]) -> float:
        wanted, right, given = 0, 0, 0
        for each in reports:
            gold, said = ([part for part in side if part] for side in parts(each))
            wanted, given = wanted + len(gold), given + len(said)
            right += sum(any(same(one, other) for other in said) for one in gold)
        return 2 * right / (wanted + given)

    return {
        "language": _mean(each.report.language == each.sample.language for each in all_mails),
        "kind": _mean(each.report.kind is each.sample.kind for each in all_mails),
        "reach a person": _mean(each.report.kind in FOR_A_PERSON for each in reports),
        "primary": _mean(each.report.primary in each.sample.categories for each in told),
        "names": f1(same_name, lambda each: ([n for n, _ in each.sample.concerned], _names(each.report))),
        "functions": f1(
            same_function,
            lambda each: ([f for _, f in each.sample.concerned], [c.function for c in each.report.concerned]),
        ),
        "phones": f1(same_phone, lambda each: ([each.sample.phone], [each.report.contact.phone])),
        "addresses": f1(same_address, lambda each: ([each.sample.address], [each.report.contact.address])),
    }


def below(found: dict[str, float]) -> set[str]:
    return {part for part, floor in FLOORS.items() if found[part] < floor}


def _mean(right: Iterable[bool]) -> float:
    return float(np.mean(list(right)))


def _names(report: Report) -> list[str | None]:
    return [each.name for each in report.concerned]


def of(shape: str, *languages: str) -> list[Sample]:
    return [each for each in SAMPLES if each.shape == shape and (not languages or each.language in languages)]


def test_there_are_forty_mails_of_all_kinds() -> None:
    assert len(SAMPLES) == 40
    assert {each.kind for each in SAMPLES} == set(Kind)


def test_the_packaged_model_stays_above_the_floors(triage: Triage) -> None:
    found = shares(read(triage))
    assert below(found) == set(), found


@pytest.mark.parametrize("part", ["text", "names", "heads"])
def test_a_model_whose_weights_are_lost_falls_below_them(part: str) -> None:
    whole = Model.load()
    if part == "text":
        empty = Compact(np.zeros_like(whole.text.codes), whole.text.scale, whole.text.bias)
        broken = replace(whole, text=empty)
    elif part == "names":
        broken = replace(whole, names=replace(whole.names, weights=np.zeros_like(whole.names.weights)))
    else:
        emptied = {name: replace(head, weights=np.zeros_like(head.weights)) for name, head in whole.heads.items()}
        broken = replace(whole, heads=emptied)
    assert below(shares(read(Triage(broken))))


def test_features_that_are_not_those_of_training_fall_below_them(monkeypatch: pytest.MonkeyPatch) -> None:
    as_it_is = Mask.of
    monkeypatch.setattr(Mask, "of", lambda mask, text: as_it_is(mask, text)[::-1])
    assert below(shares(read(Triage(Model.load()))))


@pytest.mark.parametrize("shape", ["fax", "web form", "capitals", "forwarded chain", "short first report", "thanks"])
def test_a_report_of_any_shape_reaches_a_person(triage: Triage, shape: str) -> None:
    assert len(of(shape)) == 4
    assert {triage.understand(each.mail).kind for each in of(shape)} <= set(FOR_A_PERSON)


@pytest.mark.parametrize("sample", of("web form"), ids=str)
def test_a_form_filled_in_on_a_site_gives_what_stands_in_it(triage: Triage, sample: Sample) -> None:
    report = triage.understand(sample.mail)
    assert [(each.name, each.function) for each in report.concerned] == list(sample.concerned)
    assert (report.contact.phone, report.contact.address) == (sample.phone, sample.address)
    assert report.kind is Kind.MELDING


@pytest.mark.parametrize("sample", [*of("capitals"), *of("forwarded chain")], ids=str)
def test_who_is_concerned_is_found_in_capitals_and_in_what_was_passed_on(triage: Triage, sample: Sample) -> None:
    assert _names(triage.understand(sample.mail)) == [name for name, _ in sample.concerned]


@pytest.mark.parametrize("sample", of("thanks"), ids=str)
def test_a_bribe_in_passing_within_thanks_is_suggested_as_an_offence(triage: Triage, sample: Sample) -> None:
    report = triage.understand(sample.mail)
    assert Category.STRAFBAAR_FEIT in [each.slug for each in report.categories]


@pytest.mark.parametrize("sample", of("reply that adds"), ids=str)
def test_an_answer_to_our_question_adds_to_a_report(triage: Triage, sample: Sample) -> None:
    report = triage.understand(sample.mail)
    assert report.kind is Kind.AANVULLING
    assert (report.contact.phone, report.contact.address) == (sample.phone, sample.address)


@pytest.mark.parametrize("sample", of("short first report"), ids=str)
def test_a_report_of_two_sentences_says_who_it_is_about(triage: Triage, sample: Sample) -> None:
    report = triage.understand(sample.mail)
    assert [(each.name, each.function) for each in report.concerned] == list(sample.concerned)
