"""Who is named, and by what: spans that end where a reader would end them, one entry a person."""

import pytest

from tests.triage import mails
from triage import Report, Triage
from triage.lower_case import with_lower_case
from triage.tagging import stretch_of
from triage.tokens import Tokens


def _about(triage: Triage, text: str) -> Report:
    return triage.understand(mails.mail(text, subject="Melding", name="Anna Blok"))


SPANISH = (
    "Buenas tardes:\n\nEl jefe de prensa, el señor Wessel Haanappel, me tocó la espalda en la fiesta y me dijo que sin "
    "cenar con él no habría contrato. Le dije que no y lo intentó otra vez.\n\nSaludos,\nLucía Ferrer"
)
UNKNOWN = (
    "Gisteren zag ik wat mijn zus van een medewerker kreeg: geld, zodat zij niets zou zeggen over de vervalste bonnen."
)
PARTICLES = (
    "De secretaris van de sportclub van de ambassade, Roderik de Graaff, haalt al maanden geld uit de kas. "
    "Toen ik Roderik de bonnen vroeg, werd hij boos. Meneer De Graaff zei dat ik mijn mond moest houden."
)
SIDE_BY_SIDE = (
    "The programme officer Peter Whitlock asked me for 500 dollars before he would sign our grant. "
    "When I refused he said that our file would be lost."
)


@pytest.mark.parametrize("text", [SPANISH, UNKNOWN, PARTICLES, SIDE_BY_SIDE])
def test_a_form_of_address_is_no_function_and_no_function_ends_in_a_verb(triage: Triage, text: str) -> None:
    functions = {c.function for c in _about(triage, text).concerned if c.function}
    assert not {f.split()[-1].lower() for f in functions} & {"señor", "kreeg", "mister", "meneer", "heer"}


def test_a_name_behind_a_function_is_a_name(triage: Triage) -> None:
    report = _about(triage, SIDE_BY_SIDE)
    assert [(c.name, c.function) for c in report.concerned] == [("Peter Whitlock", "programme officer")]
    assert "concerned_name" not in report.missing


def test_the_longest_form_of_a_name_stands_for_one_person(triage: Triage) -> None:
    assert [c.name for c in _about(triage, PARTICLES).concerned if c.name] == ["Roderik de Graaff"]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Consul General Maria Lopez took 500 dollars from the cash desk.", ("Maria Lopez", "Consul General")),
        ("Der Leiter der Visastelle Herr Müller verlangte Geld von mir.", ("Müller", "Leiter der Visastelle")),
        (
            "Afdelingshoofd Consulaire Zaken Petra Jonker sloeg mij.",
            ("Petra Jonker", "Afdelingshoofd Consulaire Zaken"),
        ),
        ("De penningmeester Karim El Amrani nam geld uit de kas.", ("Karim El Amrani", "penningmeester")),
        ("De directeur van Brinkwerk, Els ten Cate, vroeg smeergeld.", ("Els ten Cate", "directeur van Brinkwerk")),
    ],
)
def test_function_and_name_are_parted(triage: Triage, sentence: str, expected: tuple[str, str]) -> None:
    assert expected in [(c.name, c.function) for c in _about(triage, sentence).concerned]


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("head of security)", "head of security"),
        ("head (acting", "head"),
        ("attaché (press)", "attaché (press)"),
        ("head of security),", "head of security"),
        ("(head of security", "head of security"),
        ("hoofd]", "hoofd"),
        ("hoofd visum", "hoofd visum"),
        (")(", ""),
    ],
)
def test_a_function_has_its_brackets_in_pairs_and_no_loose_signs_behind_it(typed: str, whole: str) -> None:
    tokens = Tokens().of(typed)
    found = stretch_of("function", 0, len(tokens) - 1, tokens, typed, 1.0)
    assert (found.text if found else "") == whole


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("toen kwam dhr. pietersen binnen", ["pietersen"]),
        ("mr smith asked me for money", ["smith"]),
        ("ik sprak mw de vries gisteren", ["de vries"]),
        ("gisteren heeft jan de vries mij geslagen", ["jan de vries"]),
        ("jan de portier deed open", []),
        ("jan van de balie deed open", []),
        ("mevrouw riep dat het niet kon", []),
        ("dr werd weer gebeld", []),
        ("dhr\npietersen", []),
    ],
)
def test_a_name_in_lower_case_is_one_where_nothing_else_can_stand(typed: str, names: list[str]) -> None:
    assert [t.text for t in with_lower_case([], Tokens().of(typed), typed)] == names
