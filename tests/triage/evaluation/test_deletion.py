"""The test of the evidence: it must fail for evidence that carries nothing."""

from dataclasses import replace

import pytest

from config.taxonomy import Category
from tests.triage import mails
from triage import CategoryScore, Evidence, MailText, Report, Triage
from triage.evaluation.deletion import deletion, score_of, sentences_of, without
from triage.report import Contact

CARRIES = "Hij eiste geld voor mijn visum."
TEXT = f"Ik was bij de balie. {CARRIES} Daarna ging ik naar huis. Het regende die dag. Mijn broer wachtte buiten."


@pytest.fixture
def shown(triage: Triage) -> Report:
    """A report that shows the sentence that carries it."""
    return replace(
        triage.understand(mails.DUTCH),
        primary=Category.STRAFBAAR_FEIT,
        categories=(CategoryScore(Category.STRAFBAAR_FEIT, 0.9),),
        evidence=(Evidence(CARRIES, Category.STRAFBAAR_FEIT),),
        contact=Contact(None, None, None, None),
    )


def by_money(shown: Report, mail: MailText) -> Report:
    """Understands money and nothing else."""
    score = 0.9 if "geld" in mail.own_text else 0.2
    return replace(shown, categories=(CategoryScore(Category.STRAFBAAR_FEIT, score),))


def test_evidence_that_carries_the_suggestion_holds(shown: Report) -> None:
    found = deletion(lambda mail: by_money(shown, mail), mails.mail(TEXT), shown)
    assert found is not None
    assert found.evidence == pytest.approx(0.7)
    assert found.random == pytest.approx(0)
    assert found.holds


def test_evidence_that_carries_nothing_does_not(shown: Report) -> None:
    idle = replace(shown, evidence=(Evidence("Het regende die dag.", Category.STRAFBAAR_FEIT),))
    found = deletion(lambda mail: by_money(shown, mail), mails.mail(TEXT), idle)
    assert found is not None
    assert found.evidence == pytest.approx(0)
    assert not found.holds


def test_evidence_of_another_category_is_not_taken_out(shown: Report) -> None:
    idle = Evidence("Het regende die dag.", Category.PESTEN)
    more = replace(shown, evidence=(*shown.evidence, idle))
    found = [deletion(lambda mail: by_money(shown, mail), mails.mail(TEXT), report) for report in (shown, more)]
    assert found[0] == found[1]


def test_a_category_that_is_no_longer_suggested_counts_as_0(shown: Report) -> None:
    assert score_of(replace(shown, categories=()), Category.STRAFBAAR_FEIT) == 0


def test_random_sentences_are_drawn_from_all_those_shown_too(shown: Report) -> None:
    """Of two sentences one carries it, so about every second draw takes that one out."""
    short = mails.mail(f"{CARRIES} Daarna ging ik naar huis.")
    found = deletion(lambda mail: by_money(shown, mail), short, shown)
    assert found is not None
    assert 0 < found.random < found.evidence


def test_where_nothing_else_can_be_taken_out_nothing_is_tested(shown: Report) -> None:
    assert deletion(lambda mail: by_money(shown, mail), mails.mail(CARRIES), shown) is None
    assert deletion(lambda mail: by_money(shown, mail), mails.mail(TEXT), replace(shown, evidence=())) is None


def test_a_line_with_a_number_is_not_drawn_in_place_of_evidence(shown: Report) -> None:
    signed = replace(shown, contact=Contact(None, None, "06 - 21 43 65 87", "Kerkpad 5, 8011 VX Zwolle"))
    mail = mails.mail(f"{CARRIES}\n\nBel 06 - 21 43 65 87\nKerkpad 5, 8011 VX Zwolle")
    assert deletion(lambda mail: by_money(shown, mail), mail, signed) is None


def test_the_evidence_is_taken_out_of_own_words_and_else_of_quoted_ones() -> None:
    mail = mails.mail("Een zin. Nog een zin.", quoted="Een zin. Oud nieuws hier.")
    left = without(mail, ["Een zin.", "Oud nieuws hier."])
    assert (left.own_text.strip(), left.quoted_text.strip()) == ("Nog een zin.", "Een zin.")


def test_greetings_are_no_sentences() -> None:
    assert sentences_of(mails.mail("Dag,\n\nDit is een zin. Nee!\nEn dit ook een.")) == [
        "Dit is een zin.",
        "En dit ook een.",
    ]
