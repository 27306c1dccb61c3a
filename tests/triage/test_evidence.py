"""Which sentences are shown: those that weigh most, whoever wrote them, and none that says nothing by itself."""

import pytest

from config.taxonomy import Category
from tests.triage import mails
from triage import MailText, Triage
from triage.evidence import is_whole, passages
from triage.model import Model
from triage.reading import Preparation
from triage.report import Contact

THREAT = (
    "Als je nog één keer je mond opendoet over mijn declaraties, dan zorg ik dat je contract niet wordt verlengd en "
    "dat je nergens meer aan de bak komt."
)
OWN = "Hieronder stuur ik u door wat mijn chef mij gisteren mailde. Ik weet niet wat ik hiermee aan moet."


TWO = (
    "Vorige maand nam hij stapels contant geld uit de kas mee naar huis en vervalste hij de bonnen. In de gang raakte "
    "hij mijn borsten aan en vroeg hij of ik met hem naar bed wilde."
)


def shown(triage: Triage, own: str, quoted: str = "") -> list[str]:
    return [each.text for each in triage.understand(mails.mail(own, quoted=quoted)).evidence]


def test_a_quoted_threat_is_shown_though_the_reporter_wrote_words_of_their_own(triage: Triage) -> None:
    assert THREAT in shown(triage, OWN, THREAT)


def test_what_the_reporter_tells_is_not_pushed_aside_by_a_quote_that_weighs_little(triage: Triage) -> None:
    quoted = "Beste collega, het overleg van dinsdag gaat door om tien uur. Groet, het secretariaat."
    found = shown(triage, mails.DUTCH.own_text, quoted)
    assert found
    assert all(text in mails.DUTCH.own_text for text in found)


@pytest.mark.parametrize("cry", ["1.", "DOE IETS!!!!", "Chantage!", "Fraude dus."])
def test_a_cry_of_a_word_or_two_is_no_evidence(triage: Triage, cry: str) -> None:
    text = mails.DUTCH.own_text.replace("Een week later", f"\n\n{cry}\n\nEen week later")
    found = shown(triage, text)
    assert found
    assert cry not in found


def test_where_there_is_nothing_else_a_word_or_two_are_shown() -> None:
    only = mails.mail("", quoted="Hij bedreigt!")
    preparation = Preparation()
    found = passages(
        *(Model.load(), preparation.of(only), [Category.INTIMIDATIE], Contact(None, None, None, None)),
        preparation.masking.without(),
    )
    assert [each.text for each in found] == ["Hij bedreigt!"]


@pytest.mark.parametrize("theft_first", [True, False])
def test_each_category_has_the_sentences_that_weigh_for_it(theft_first: bool) -> None:
    preparation, both = Preparation(), [Category.STRAFBAAR_FEIT, Category.OVERSCHRIJDEND_GEDRAG]
    found = passages(
        *(Model.load(), preparation.of(mails.mail(TWO)), both if theft_first else both[::-1]),
        *(Contact(None, None, None, None), preparation.masking.without()),
    )
    first, second = TWO.split(". ")
    assert (f"{first}.", Category.STRAFBAAR_FEIT) in {(each.text, each.category) for each in found}
    assert (second, Category.OVERSCHRIJDEND_GEDRAG) in {(each.text, each.category) for each in found}
    assert (second, Category.STRAFBAAR_FEIT) not in {(each.text, each.category) for each in found}


@pytest.mark.parametrize("mail", [*mails.ALL, mails.mail(TWO), mails.mail(f"{TWO}\n\n{OWN}", quoted=THREAT)])
def test_every_category_that_is_suggested_shows_what_it_rests_on(triage: Triage, mail: MailText) -> None:
    report = triage.understand(mail)
    assert report.evidence
    assert {each.category for each in report.evidence} == {each.slug for each in report.categories}
    assert report.evidence[0].category is report.primary


def test_in_scripts_without_spaces_each_sign_counts_as_a_word() -> None:
    assert is_whole("他威胁我。")
    assert not is_whole("救命")
    assert not is_whole("1. 2. 3.")
