"""Names that the words around them announce."""

import pytest

from tests.triage import mails
from triage import Triage
from triage.introduced import Introductions
from triage.tokens import Tokens

KNOWN = frozenset({"Ik", "She", "De", "Wij", "Mijn"})
"""Words with a capital that are in use without one."""


@pytest.fixture(scope="module")
def introductions() -> Introductions:
    return Introductions()


def names_in(introductions: Introductions, text: str) -> list[str]:
    found = introductions.with_introduced([], Tokens().of(text), text, lambda word: word not in KNOWN)
    return [each.text for each in found]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Maandag kwam ene Bakhuizen naar buiten.", "Bakhuizen"),
        ("Er is een bewaker die Wouter van Goor heet, hij heet Wouter van Goor.", "Wouter van Goor"),
        ("a consular assistant named Berber, I forget", "Berber"),
        ('the others called him "Ties" all night', "Ties"),
        ("Il s'appelle Thibaut Renders et travaille là.", "Thibaut Renders"),
        ("ein gewisser Joost Kuiper rief an", "Joost Kuiper"),
        ("un tal Sjaak me llamó", "Sjaak"),
        ("Namanya Bas dan dia", "Bas"),
        ("Його звати Дірк Фербек і він", "Дірк Фербек"),
        ("ملحق تجاري اسمه يورن فان هاستيرت قال لي", "يورن فان هاستيرت"),
        ("Jordi, servicedeskmedewerker, vertelde mij", "Jordi"),
        ("Toen kwam Leo de Kanter, onze planner, erbij.", "Leo de Kanter"),
        ("Wilfred (baliechef) ging naar achteren", "Wilfred"),
    ],
)
def test_a_name_that_is_announced_is_found(introductions: Introductions, text: str, name: str) -> None:
    assert names_in(introductions, text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "Ik weet niet hoe hij heet. Ik heb het gevraagd.",
        "He is called. She left.",
        "Het heet integriteit.",
        "De consul, hoofd van de post, kwam.",
        "de man die zo heet\nWij gingen weg",
        "اسمه السفير",
    ],
)
def test_what_is_nobodys_name_is_not(introductions: Introductions, text: str) -> None:
    assert names_in(introductions, text) == []


def test_a_name_that_was_found_already_stays_as_it_is(triage: Triage) -> None:
    text = mails.DUTCH.own_text
    found = triage.understand(mails.DUTCH).concerned
    again = triage.understand(mails.mail(text.replace("de heer Diederik Stokvis", "ene Diederik Stokvis"))).concerned
    assert [each.name for each in found] == [each.name for each in again] == ["Diederik Stokvis"]
