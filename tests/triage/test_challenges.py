"""Mails that mislead who looks at single words, one behaviour each."""

import pytest

from config.taxonomy import Category, Kind, MissingField
from tests.triage.mails import mail
from triage import MailText, Report, Triage
from triage.decisions import FOR_A_PERSON

THANKS = mail(
    """Beste mensen,

Hartelijk dank voor de vlotte hulp bij mijn paspoort, iedereen was even vriendelijk. De heer Olivier Spaan, consulair
medewerker, heeft het zelfs binnen een dag geregeld nadat ik hem tweehonderd euro in een envelop had gegeven. Dat is
volgens hem de gewone gang van zaken, en ik heb daar geen bonnetje van gekregen.

Vriendelijke groet,
Joke Wassenberg
""",
    subject="Bedankje",
    name="Joke Wassenberg",
)
NEGATION = mail(
    """Dag,

U vroeg of ik iets te melden had over mijn stage op de ambassade. Nee. Niemand heeft mij ooit lastiggevallen, er is geen
geld aangenomen, en er is mij niets beloofd. Ik wilde alleen vragen naar welk adres ik mijn toegangspas kan terugsturen.

Groet,
Bram Oosterlaken
""",
    subject="Toegangspas",
    name="Bram Oosterlaken",
)
COMPLAINT = mail(
    """Geachte heer/mevrouw,

Mijn visumaanvraag voor mijn zus is afgewezen omdat er een bankafschrift ontbrak. Ik wacht nu al negen weken op een
antwoord op mijn bezwaar en krijg aan de telefoon steeds een bandje. Dit is gewoon discriminatie! Andere mensen krijgen
wel op tijd antwoord. Wanneer hoor ik iets?

Samira Bouzidi
""",
    subject="Nog steeds geen antwoord op bezwaar",
    name="Samira Bouzidi",
)
SAME_SURNAME = mail(
    """Geachte coördinator,

Ik werk als chauffeur op de residentie. Peter Hollander, de tweede secretaris, noemt mij waar gasten bij zijn een
luie hond en heeft vorige week een kop koffie naar mij gegooid. Mijn vrouw heeft er met zijn vrouw over gesproken.
Ik heb dezelfde achternaam als hij, maar wij zijn geen familie.

Met vriendelijke groet,
Koos Hollander
06 41 52 63 74
""",
    subject="Gedrag van de tweede secretaris",
    name="Koos Hollander",
)
SIGNED_QUOTE = MailText(
    "Re: uw aanvraag",
    "Nadia Ferreira",
    "nadia@ngo.example",
    """Dear integrity office,

Please read the mail below which I received yesterday. He wants me to meet him at his flat before he will sign for our
grant, and he calls my body a "strong argument". I am not going and I want you to know it.

Nadia Ferreira
""",
    """Dear Nadia,

Your file is on my desk and only I decide. Come to my apartment on Friday at nine, wear something nice, you have strong
arguments. Then I will sign.

Menno Tichelaar
Senior Policy Officer, Embassy of the Kingdom of the Netherlands
""",
)
THREE = mail(
    """Geachte integriteitscoördinator,

Drie medewerkers van de afdeling Inkoop verdelen de opdrachten onder bevriende bedrijven: Gerard Pontier, hoofd inkoop,
Wietske Aldershof, contractmanager, en Luuk van Beveren, senior adviseur. Gerard Pontier tekent, Wietske Aldershof maakt
de offertes passend en Luuk van Beveren krijgt van de winnaar een percentage op zijn rekening.

Een leverancier
""",
    subject="Opdrachten",
    name="",
)
FORM = mail(
    """Naam medewerker: Evert Kuijpers
Functie: hoofd beveiliging
Beschrijving: Op 4 februari pakte hij mij bij mijn keel in de sluis en zei dat hij mij wist te vinden als ik zou praten.
Mijn naam: Latifa Haddad
Adres: Beukenlaan 9, 5616 VB Eindhoven
Telefoon: 040-555 12 98
E-mail: latifa@mailvoorbeeld.example
""",
    subject="Meldingsformulier",
    name="Latifa Haddad",
    email="latifa@mailvoorbeeld.example",
)
ATTACHED = MailText(
    "melding",
    "",
    "iemand@mailvoorbeeld.example",
    "",
    "",
    attachment_text="""Aan de integriteitscoördinator

Hierbij meld ik dat mevrouw Carla Duivenvoorde, hoofd van de afdeling Financiën op de post in Lusaka, declaraties
indient voor reizen die zij nooit heeft gemaakt. In mei waren dat er vier. Ik heb de rekeningen gezien: ze zijn vals.

Jonas Mwansa, boekhouder
""",
)


def _names(report: Report) -> set[str | None]:
    return {c.name for c in report.concerned}


def test_a_bribe_within_a_thank_you_is_seen_by_a_person_and_suggested(triage: Triage) -> None:
    report = triage.understand(THANKS)
    assert report.kind in FOR_A_PERSON
    assert Category.STRAFBAAR_FEIT in [c.slug for c in report.categories]


def test_misconduct_that_is_denied_is_not_suggested_as_a_grave_report(triage: Triage) -> None:
    report = triage.understand(NEGATION)
    assert report.kind is not Kind.MELDING or report.primary is None


def test_the_loose_word_discrimination_makes_no_report_of_a_complaint(triage: Triage) -> None:
    report = triage.understand(COMPLAINT)
    assert report.kind is Kind.KLACHT
    assert not report.concerned


def test_a_reporter_with_the_same_surname_is_told_from_the_person_concerned(triage: Triage) -> None:
    assert _names(triage.understand(SAME_SURNAME)) == {"Peter Hollander"}


def test_a_person_who_stands_only_in_the_signature_of_the_quote_is_found(triage: Triage) -> None:
    assert _names(triage.understand(SIGNED_QUOTE)) == {"Menno Tichelaar"}


def test_three_persons_concerned_are_three(triage: Triage) -> None:
    assert _names(triage.understand(THREE)) == {"Gerard Pontier", "Wietske Aldershof", "Luuk van Beveren"}


def test_a_filled_in_form_lacks_nothing(triage: Triage) -> None:
    report = triage.understand(FORM)
    assert [(c.name, c.function) for c in report.concerned] == [("Evert Kuijpers", "hoofd beveiliging")]
    assert report.contact.phone == "040-555 12 98"
    assert report.contact.address == "Beukenlaan 9, 5616 VB Eindhoven"
    assert not set(report.missing) & {
        MissingField.CONCERNED_NAME, MissingField.CONCERNED_FUNCTION, MissingField.ADDRESS, MissingField.PHONE
    }  # fmt: skip


def test_a_letter_in_an_attachment_with_nothing_beside_it_is_understood(triage: Triage) -> None:
    report = triage.understand(ATTACHED)
    assert report.kind is Kind.MELDING
    assert "Carla Duivenvoorde" in _names(report)
    assert report.primary is Category.STRAFBAAR_FEIT


@pytest.mark.parametrize("challenge", [THANKS, SAME_SURNAME, SIGNED_QUOTE, THREE, FORM, ATTACHED])
def test_every_hidden_report_reaches_a_person(triage: Triage, challenge: MailText) -> None:
    assert triage.understand(challenge).kind in FOR_A_PERSON
