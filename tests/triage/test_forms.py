"""Forms filled in as mails: what stands behind a label is whose the label says it is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.taxonomy import Kind
from tests.triage import mails
from triage import Report, Triage
from triage.forms import Field, Forms, Part, Role

FORMS = Forms()


def understood(triage: Triage, text: str, name: str = "") -> Report:
    return triage.understand(mails.mail(text, subject="Melding", name=name))


def filled(text: str, sender: str = "") -> list[tuple[str, Role | None, str]]:
    return [("+".join(f.parts), f.role, text[f.start : f.end]) for f in FORMS.of(text, sender)]


@pytest.mark.parametrize(
    ("form", "reporter", "concerned", "function"),
    [
        (
            "Uw naam: Pieter de Wit\nNaam van de medewerker: Evert Kuijpers\nFunctie: hoofd beveiliging\n"
            "Wat is er gebeurd: Op 4 februari greep hij mij bij de keel.",
            *("Pieter de Wit", "Evert Kuijpers", "hoofd beveiliging"),
        ),
        (
            "Your name: Grace Phiri\nName of the person concerned: Mark Jansen\nPosition: visa officer\n"
            "What happened: He asked me for 300 dollars for my visa.",
            *("Grace Phiri", "Mark Jansen", "visa officer"),
        ),
        (
            "Votre nom : Aminata Diop\nNom de la personne concernée : Ineke Brouwers\n"
            "Fonction : cheffe du service consulaire\nElle m'a demandé de l'argent pour mon visa.",
            *("Aminata Diop", "Ineke Brouwers", "cheffe du service consulaire"),
        ),
        (
            "Ihr Name: Ulrike Sandmann\nName des Mitarbeiters: Joost Kamerling\nFunktion: Kulturattaché\n"
            "Er hat Geld von mir verlangt.",
            *("Ulrike Sandmann", "Joost Kamerling", "Kulturattaché"),
        ),
        (
            "Su nombre: Lucía Ferrer\nNombre de la persona denunciada: Wessel Haanappel\nCargo: jefe de prensa\n"
            "Me tocó la espalda en la fiesta.",
            *("Lucía Ferrer", "Wessel Haanappel", "jefe de prensa"),
        ),
        (
            "O seu nome: Rui Costa\nNome do funcionário: Menno Tichelaar\nFunção: adido comercial\n"
            "Pediu-me dinheiro pelo visto.",
            *("Rui Costa", "Menno Tichelaar", "adido comercial"),
        ),
        (
            "Nama Anda: Budi Santoso\nNama pegawai: Ruben Scheltema\nJabatan: petugas visa\n"
            "Dia minta uang 500 ribu kepada saya.",
            *("Budi Santoso", "Ruben Scheltema", "petugas visa"),
        ),
        (
            "Adınız: Ayşe Demir\nŞikayet edilen kişinin adı soyadı: Bram Visser\nGörevi: vize memuru\n"
            "Benden vize için para istedi.",
            *("Ayşe Demir", "Bram Visser", "vize memuru"),
        ),
        (
            "اسمك: سلمى العلوي\nاسم الموظف: كريم بنعيسى\nالوظيفة: موظف التأشيرات\nطلب مني مالا مقابل التأشيرة",
            *("سلمى العلوي", "كريم بنعيسى", "موظف التأشيرات"),
        ),
        (
            "Ваше ім'я: Олена Коваль\nПрізвище та ім'я працівника: Петро Шевченко\nПосада: консул\n"
            "Він вимагав гроші за візу.",
            *("Олена Коваль", "Петро Шевченко", "консул"),
        ),
    ],
    ids=["nl", "en", "fr", "de", "es", "pt", "id", "tr", "ar", "uk"],
)
def test_reporter_and_person_concerned_are_told_by_their_labels_in_every_language(
    triage: Triage, form: str, reporter: str, concerned: str, function: str
) -> None:
    report = understood(triage, form)
    assert [(c.name, c.function) for c in report.concerned] == [(concerned, function)]
    assert report.contact.name == reporter
    assert not set(report.missing) & {"concerned_name", "concerned_function"}


@pytest.mark.parametrize(
    "form",
    [
        "Naam betrokkene:\nmevrouw A. Bakker\nFunctie:\ntweede secretaris\nUw naam:\nPieter de Wit\n",
        "Naam betrokkene\nmevrouw A. Bakker\n\nFunctie\ntweede secretaris\n\nUw naam\nPieter de Wit\n",
        "Uw naam\tPieter de Wit\nNaam betrokkene\tmevr. A. Bakker\nFunctie\ttweede secretaris\n",
        "* Uw naam | Pieter de Wit\n* Medewerker | A. Bakker\n* Functie | tweede secretaris\n",
        "1. Naam en functie van de betrokkene: A. Bakker, tweede secretaris\n2. Mijn naam: Pieter de Wit\n",
        "Naam: Pieter de Wit; naam medewerker: A. Bakker; functie: tweede secretaris\n",
        "Melder\nNaam: Pieter de Wit\nBetrokkene\nNaam: A. Bakker\nFunctie: tweede secretaris\n",
        "Betrokkene: A. Bakker, tweede secretaris\nMelder: Pieter de Wit\n",
    ],
    ids=["below", "below without colon", "tabs", "table", "numbered", "one line", "headings", "roles alone"],
)
def test_a_form_may_be_filled_in_in_many_ways(triage: Triage, form: str) -> None:
    report = understood(triage, f"{form}\nZij nam drie keer geld aan voor een visum, zegt de kassier.\n")
    assert [(c.name, c.function) for c in report.concerned] == [("A. Bakker", "tweede secretaris")]
    assert report.contact.name == "Pieter de Wit"


def test_how_to_reach_the_reporter_is_not_how_to_reach_the_person_concerned(triage: Triage) -> None:
    report = understood(
        triage,
        "Gegevens betrokkene\nNaam: Evert Kuijpers\nTelefoon: 070 348 64 86\nAdres: Bezuidenhout 67, 2594 AC Den Haag\n"
        "Gegevens melder\nNaam: Latifa Haddad\nTelefoon: 040-555 12 98\nAdres: Beukenlaan 9, Eindhoven\n"
        "Hij sloeg mij op 3 mei in de gang.",
    )
    assert [c.name for c in report.concerned] == ["Evert Kuijpers"]
    assert (report.contact.phone, report.contact.address) == ("040-555 12 98", "Beukenlaan 9, Eindhoven")


def test_a_name_in_lower_case_behind_a_label_is_a_name(triage: Triage) -> None:
    report = understood(triage, "uw naam: piet smit\nnaam medewerker: jan de vries\nhij sloeg mij op 3 mei")
    assert [c.name for c in report.concerned] == ["jan de vries"]
    assert report.contact.name == "piet smit"


@pytest.mark.parametrize("nothing", ["weet ik niet", "Onbekend", "n.v.t.", "-", "", "unknown", "anoniem"])
def test_who_fills_in_nothing_names_nobody(triage: Triage, nothing: str) -> None:
    report = understood(triage, f"Uw naam: {nothing}\nNaam medewerker: {nothing}\n\nHij vroeg 200 euro aan de balie.")
    assert [c.name for c in report.concerned if c.name] == []
    assert report.contact.name is None


def test_a_witness_behind_a_label_is_not_concerned(triage: Triage) -> None:
    report = understood(
        triage,
        "Naam medewerker: Evert Kuijpers\nNaam getuige: Anna Blok\nUw leidinggevende: Joris Post\nHij sloeg mij.",
    )
    assert [c.name for c in report.concerned] == ["Evert Kuijpers"]


def test_a_name_that_is_the_senders_is_the_reporters() -> None:
    text = "Naam: Latifa Haddad\nFunctie: kok\n"
    assert filled(text, "Latifa Haddad") == [
        ("name", Role.REPORTER, "Latifa Haddad"),
        ("function", Role.REPORTER, "kok"),
    ]
    assert [role for _, role, _ in filled(text)] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "Hij zei tegen de medewerker van de balie dat het zo was: Jan moest weg.",
        "Ik zeg u: de naam van de straat is mooi.",
        "Relatie tot de betrokkene: Jan is mijn buurman.",
        "Naam van mijn bedrijf: Jansen Bouw",
        "http://voorbeeld.example/naam",
    ],
)
def test_a_sentence_with_a_colon_is_no_form(text: str) -> None:
    assert filled(text) == []


@given(st.text(alphabet=st.sampled_from("naam Functie:|\n\t,;Uw betrokkene: Jan"), max_size=200))
def test_every_field_stands_in_the_text(text: str) -> None:
    for field in FORMS.of(text):
        assert isinstance(field, Field)
        assert set(field.parts) <= set(Part)
        assert 0 <= field.start < field.end <= len(text)


FILLED_IN = """Naam melder: Youssef Amrani
Adres: Stationsstraat 44, 3511 EE Utrecht
Telefoon: 030-2345671
E-mail: y.amrani@voorbeeld.example
Naam van degene over wie u meldt: mevrouw C. Vermeer
Functie: teamleider visumverwerking
Wat is er gebeurd?: Zij noemt mij in het werkoverleg een vieze buitenlander en legt sollicitanten met een hoofddoek weg.
Wilt u anoniem blijven?: {anonymous}
"""


def of_the_site(triage: Triage, anonymous: str = "nee") -> Report:
    mail = mails.mail(FILLED_IN.format(anonymous=anonymous), subject="Melding", name="")
    return triage.understand(replace(mail, from_email="webformulier@ministerie.example"))


def test_the_one_about_whom_a_report_is_has_the_function_below(triage: Triage) -> None:
    assert [(c.name, c.function) for c in of_the_site(triage).concerned] == [
        ("C. Vermeer", "teamleider visumverwerking")
    ]


def test_the_address_in_a_form_comes_before_that_of_the_site_that_sent_it(triage: Triage) -> None:
    assert of_the_site(triage).contact.email == "y.amrani@voorbeeld.example"


def test_what_a_form_says_of_persons_is_no_evidence(triage: Triage) -> None:
    shown = [each.text for each in of_the_site(triage).evidence]
    assert shown
    assert not [text for text in shown if "Amrani" in text or "Functie" in text]


@pytest.mark.parametrize(("ticked", "anonymous"), [("ja", True), ("Ja, graag", True), ("nee", False)])
def test_who_ticks_that_they_stay_anonymous_does(triage: Triage, ticked: str, anonymous: bool) -> None:
    assert of_the_site(triage, ticked).anonymous is anonymous


def test_what_was_left_empty_is_nothing() -> None:
    assert filled("Your name: Ann Cole\nYour phone number: (not filled in)\n") == [("name", Role.REPORTER, "Ann Cole")]


def test_their_position_is_that_of_the_person_concerned() -> None:
    assert ("function", Role.CONCERNED, "Head of Consular Affairs") in filled(
        "Your name: Ann Cole\nWho is it about?: Deirdre Walsh\nTheir position: Head of Consular Affairs\n"
    )


def test_a_form_filled_in_whole_is_a_report_and_no_addition(triage: Triage) -> None:
    report = of_the_site(triage)
    assert (report.kind, report.kind_scores[Kind.AANVULLING]) == (Kind.MELDING, 0.0)
    assert sum(report.kind_scores.values()) == pytest.approx(1, abs=1e-5)


def test_a_form_in_an_answer_may_add_to_a_report(triage: Triage) -> None:
    mail = mails.mail(FILLED_IN.format(anonymous="nee"), subject="Re: uw melding", name="")
    assert triage.understand(mail).kind_scores[Kind.AANVULLING] > 0
