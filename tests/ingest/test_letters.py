"""A report that stands in an attached letter is understood like one in the mail."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from config.taxonomy import Category, Kind, MissingField
from ingest.attachments.reading import read_files
from ingest.attachments.task import Budget
from ingest.letters import other_files, own_words
from ingest.mail import ParsedMail
from ingest.message import mail_text
from ingest.parse import parse_bytes
from tests.ingest import made_files as made
from tests.ingest.answers import with_files
from triage import Triage, load

LETTER = """Marieke van der Zwaan
Kastanjelaan 41
3708 GT Zeist
Telefoon 06 - 38 20 11 54

Geachte heer, mevrouw,

Hierbij meld ik dat de heer Frits Oldenhuis, hoofd facilitaire zaken, al sinds vorig jaar opdrachten gunt aan het
schoonmaakbedrijf van zijn broer, zonder dat er andere offertes zijn gevraagd. Ik heb drie facturen gezien die dubbel
zijn betaald. Zijn broer zit bij de besprekingen over de aanbesteding en krijgt de bedragen van de anderen te zien.

Hoogachtend,

Marieke van der Zwaan"""
BILL = "Factuur 12\n" + "\n".join(f"Artikel {number}   € {number},00" for number in range(60)) + "\nTel 030 - 555 12 34"
BODIES = [
    "Zie bijlage.",
    "Geachte heer, mevrouw,\n\nBijgaand stuur ik u mijn melding.\n\nMet vriendelijke groet,\nM. van der Zwaan",
    "",
]


@pytest.fixture(scope="module")
def triage() -> Triage:
    return load()


def _read(raw: bytes) -> ParsedMail:
    mail = parse_bytes(raw)
    return with_files(mail, read_files(mail, Budget.of(60), None))


def _with(*files: tuple[str, str, bytes], text: str = "Zie bijlage.") -> ParsedMail:
    raw = made.mail(*files, text=text, subject="Brief")
    return _read(raw.replace(b"From: Jan Bos <jan@home.example>", b"From: m@home.example"))


FILES = {
    "docx": ("brief.docx", made.WORD, made.docx(*LETTER.split("\n"))),
    "pdf": ("brief.pdf", "application/pdf", made.pdf(LETTER)),
    "rtf": ("brief.rtf", "application/rtf", b"{\\rtf1 " + LETTER.replace("\n", "\\par\n").encode() + b"}"),
    "txt": ("brief.txt", "text/plain", LETTER.encode()),
    "winmail.dat": (
        "winmail.dat",
        "application/ms-tnef",
        made.tnef(b"Zie bijlage.", files=[("brief.docx", made.docx(*LETTER.split("\n")))]),
    ),
}


@pytest.mark.parametrize("body", BODIES, ids=["short", "polite", "empty"])
@pytest.mark.parametrize("file", FILES)
def test_a_report_in_an_attached_letter_is_a_report(triage: Triage, file: str, body: str) -> None:
    assert triage.understand(mail_text(_with(FILES[file], text=body))).kind is Kind.MELDING


@pytest.mark.parametrize("body", BODIES, ids=["short", "polite", "empty"])
@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_report_in_an_attached_letter_is_understood_whole(
    triage: Triage, file: tuple[str, str, bytes], body: str
) -> None:
    report = triage.understand(mail_text(_with(file, text=body)))
    assert report.primary is Category.BELANGENVERSTRENGELING
    assert [(each.name, each.function) for each in report.concerned] == [("Frits Oldenhuis", "hoofd facilitaire zaken")]
    assert report.contact.phone == "06 - 38 20 11 54"
    assert report.contact.address is not None
    assert "3708 GT Zeist" in report.contact.address
    assert not {MissingField.ADDRESS, MissingField.PHONE, MissingField.CONCERNED_NAME} & set(report.missing)
    assert any("opdrachten gunt" in each.text for each in report.evidence)


def test_what_is_attached_to_a_report_is_not_the_reporters_own() -> None:
    letter_of_another = LETTER.replace("Marieke", "Ander")
    mail = _with(("brief.txt", "text/plain", letter_of_another.encode()), text=LETTER)
    assert "Ander" not in own_words(mail)
    assert "Ander" in other_files(mail)


def test_a_bill_is_no_letter_and_its_telephone_is_not_the_reporters(triage: Triage) -> None:
    mail = _with(("factuur.txt", "text/plain", BILL.encode()))
    assert own_words(mail).strip() == "Zie bijlage."
    assert "Artikel" in other_files(mail)
    assert triage.understand(mail_text(mail)).contact.phone is None


def test_a_list_of_names_in_an_archive_is_no_letter() -> None:
    members: dict[str, str | bytes] = {f"{number} " + "een naam van heel veel woorden": "" for number in range(20)}
    assert own_words(_with(("bijlagen.zip", "application/zip", made.archive(members)))).strip() == "Zie bijlage."


def test_of_several_documents_the_first_letter_is_the_reporters() -> None:
    rules = "In deze regeling wordt verstaan onder een melding wat daaronder wordt verstaan. " * 20
    mail = _with(
        ("factuur.txt", "text/plain", BILL.encode()),
        ("brief.txt", "text/plain", LETTER.encode()),
        ("regels.txt", "text/plain", rules.encode()),
    )
    assert LETTER in own_words(mail)
    assert "regeling" not in own_words(mail)
    assert "regeling" in other_files(mail)


def test_a_letter_in_a_forwarded_mail_is_somebody_elses() -> None:
    """mail-cases 63"""
    inner = EmailMessage()
    inner["Subject"] = "Doorgestuurd"
    inner.set_content("Zie de brief.")
    inner.add_attachment(LETTER.encode(), maintype="text", subtype="plain", filename="brief.txt")
    outer = EmailMessage()
    outer["From"] = "jan@home.example"
    outer.set_content("Zie bijlage.")
    outer.add_attachment(inner)
    mail = _read(outer.as_bytes())
    assert own_words(mail).strip() == "Zie bijlage."
    assert "Frits Oldenhuis" in other_files(mail)


def test_the_mail_that_a_bounce_gives_back_is_no_text_of_a_report() -> None:
    bounce = (
        b"From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=x\n\n"
        b"--x\n\nNot delivered.\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n--x\nContent-Type: message/rfc822\n\n"
        b"Subject: Ontvangstbevestiging\n\n" + LETTER.encode() + b"\n--x--\n"
    )
    mail = _read(bounce)
    assert mail.delivery_report is not None
    assert "Frits Oldenhuis" not in own_words(mail) + other_files(mail)


LETTER_OF_KAREL = """Geachte coördinator,

Hierbij meld ik dat Rolf Dijkgraaf, contractmanager catering, al twee jaar 10 procent van iedere factuur van de cateraar
op zijn eigen rekening laat storten. Ik heb de facturen gezien en de afschriften van de bank.

Met vriendelijke groet,
Karel Bok
Zinkwerf 31, 2544 EC Den Haag
06 - 24 81 77 03
"""
ABOUT_IT = (
    "Goedemiddag,\n\nIk twijfel of ik iets moet melden en wil eerst vertrouwelijk advies over de bijgevoegde mail.\n\n"
    "Groet,\nJan Reporter\n"
)


def _from(name: str, text: str, letter: str) -> ParsedMail:
    raw = made.mail(("mail_van_karel.txt", "text/plain", letter.encode()), text=text, subject="vraag")
    return _read(raw.replace(b"From: Jan Bos <jan@home.example>", f"From: {name} <x@home.example>".encode()))


@pytest.mark.parametrize(
    ("name", "text"),
    [("Jan Reporter", ABOUT_IT), ("Jan Reporter", "Zie bijlage."), ("", ABOUT_IT)],
    ids=["signed", "short", "without a name"],
)
def test_a_letter_signed_by_another_is_never_how_to_reach_the_reporter(triage: Triage, name: str, text: str) -> None:
    mail = _from(name, text, LETTER_OF_KAREL)
    assert "Karel" not in own_words(mail)
    assert "Karel" in other_files(mail)
    report = triage.understand(mail_text(mail))
    assert report.contact.phone is None
    assert report.contact.address is None
    assert "Rolf Dijkgraaf" in [each.name for each in report.concerned]


@pytest.mark.parametrize("name", ["Karel Bok", "K. Bok", "Bok, Karel", "karel bok", ""])
def test_a_letter_signed_by_the_sender_is_theirs(name: str) -> None:
    assert "06 - 24 81 77 03" in own_words(_from(name, "Zie bijlage.", LETTER_OF_KAREL))
    assert "06 - 24 81 77 03" in own_words(_from(name, "Zie bijlage.", LETTER_OF_KAREL.replace("Karel Bok\n", "")))
