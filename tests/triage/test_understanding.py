"""What the desk may expect of a suggestion, one behaviour a test."""

import base64
import json
import random
from dataclasses import replace

import pytest

from config.taxonomy import Category, Kind, MissingField
from tests.triage import mails
from triage import InvalidReport, MailText, Report, Triage
from triage.decisions import kind_of


@pytest.mark.parametrize(
    ("mail", "language"),
    list(zip(mails.ALL, ("nl", "en", "fr", "de"), strict=True)),
    ids=("nl", "en", "fr", "de"),
)
def test_the_language_of_a_mail_is_told(triage: Triage, mail: MailText, language: str) -> None:
    assert triage.understand(mail).language == language


@pytest.mark.parametrize("mail", mails.ALL, ids=("nl", "en", "fr", "de"))
def test_a_report_of_misconduct_is_suggested_as_a_report(triage: Triage, mail: MailText) -> None:
    assert triage.understand(mail).kind is Kind.MELDING


@pytest.mark.parametrize(
    ("mail", "name"),
    list(zip(mails.ALL, ("Diederik Stokvis", "Lucas Verbeeten", "Ineke Brouwers", "Joost Kamerling"), strict=True)),
    ids=("nl", "en", "fr", "de"),
)
def test_the_person_the_report_is_about_is_named(triage: Triage, mail: MailText, name: str) -> None:
    assert name in [c.name for c in triage.understand(mail).concerned]


def test_neither_the_reporter_nor_a_witness_is_a_person_concerned(triage: Triage) -> None:
    named = {c.name for c in triage.understand(mails.DUTCH).concerned}
    assert not named & {"Hendrika Postmaat", "Wambui Njoroge"}


def test_a_bribe_is_suggested_as_a_criminal_offence(triage: Triage) -> None:
    report = triage.understand(mails.DUTCH)
    assert Category.STRAFBAAR_FEIT in [c.slug for c in report.categories]
    assert report.categories[0].slug is report.primary


def test_a_hand_on_a_thigh_is_suggested_as_transgressive(triage: Triage) -> None:
    assert Category.OVERSCHRIJDEND_GEDRAG in [c.slug for c in triage.understand(mails.ENGLISH).categories]


def test_the_reporters_own_contact_details_are_found(triage: Triage) -> None:
    contact = triage.understand(mails.DUTCH).contact
    assert contact.name == "Hendrika Postmaat"
    assert contact.email == "melder@voorbeeld.example"
    assert contact.phone == "06 - 21 43 65 87"
    assert contact.address == "Zandkuilweg 14, 7431 CK Diepenveen"


def test_what_was_found_is_not_said_to_be_missing(triage: Triage) -> None:
    report = triage.understand(mails.DUTCH)
    assert not {MissingField.PHONE, MissingField.ADDRESS, MissingField.EMAIL} & set(report.missing)
    assert all(report.missing_scores[f] <= 0.5 for f in (MissingField.PHONE, MissingField.ADDRESS))


def test_what_is_not_there_is_said_to_be_missing(triage: Triage) -> None:
    bare = replace(mails.DUTCH, own_text=mails.DUTCH.own_text.split("Zandkuilweg")[0])
    assert {MissingField.PHONE, MissingField.ADDRESS} <= set(triage.understand(bare).missing)


def test_a_phone_number_in_quoted_text_is_not_the_reporters(triage: Triage) -> None:
    own = (
        "Hierbij mijn antwoord op uw vragen over wat er op 3 juni in de wachtkamer gebeurde. Hij schreeuwde tegen mij."
    )
    mail = mails.mail(own, quoted="Integriteitscoördinator\nBel ons op 070 348 64 86")
    assert triage.understand(mail).contact.phone is None


def test_evidence_stands_in_the_mail_word_for_word(triage: Triage) -> None:
    for mail in mails.ALL:
        report = triage.understand(mail)
        assert report.evidence
        assert all(e.text in mail.own_text for e in report.evidence)


@pytest.mark.parametrize(
    "line",
    [
        "Karin Post, 06 - 55 50 19 20, Hoogeind 12 in Tiel (4001 KL).",
        "Bij mijn bericht van gisteren over de ambassade: ik woon op Hoogeind 12, 4001 KL Tiel, bel 06 - 55 50 19 20.",
    ],
)
def test_a_line_that_tells_how_to_reach_the_reporter_is_no_evidence(triage: Triage, line: str) -> None:
    text = mails.DUTCH.own_text.split("Met vriendelijke")[0].replace("Toen ik", f"{line} Toen ik")
    report = triage.understand(mails.mail(text, name="Karin Post"))
    assert report.evidence
    assert not [e for e in report.evidence if "06 - 55" in e.text]


@pytest.mark.parametrize(
    ("own", "language"),
    [
        ("Hello?", "en"),
        ("Hi", "en"),
        ("Hoi", "nl"),
        ("Bonjour", "fr"),
        ("Guten Tag", "de"),
        ("¡Hola!", "es"),
        ("Olá", "pt"),
        ("Ciao", "it"),
        ("Merhaba", "tr"),
        ("Привіт", "uk"),
        ("مرحبا", "ar"),
        ("你好", "zh"),
        ("Please call me back", "en"),
        ("Bel mij", "nl"),
        ("ok", "nl"),
        ("06 12 34 56 78", "nl"),
        ("", "nl"),
    ],
)
def test_a_greeting_is_enough_to_tell_the_language(triage: Triage, own: str, language: str) -> None:
    assert triage.understand(mails.mail(own)).language == language


NOISE = random.Random(7).randbytes(3000)


@pytest.mark.parametrize(
    "text",
    [
        NOISE.decode("latin-1"),
        NOISE.decode("utf-8", "replace"),
        NOISE.decode("cp1252", "replace"),
        base64.b64encode(NOISE).decode(),
        "",
    ],
    ids=("latin-1", "utf-8", "cp1252", "base64", "nothing"),
)
def test_of_a_mail_without_words_nothing_is_claimed(triage: Triage, text: str) -> None:
    report = triage.understand(mails.mail(text))
    assert report.kind is Kind.OVERIG
    assert max(report.kind_scores.values()) <= 0.5
    assert (report.language, report.categories, report.primary, report.evidence) == ("nl", (), None, ())
    assert (report.anonymous, report.concerned, report.missing) == (False, (), (MissingField.DESCRIPTION,))


def test_a_kind_taken_for_caution_says_so(triage: Triage) -> None:
    report = triage.understand(mails.DUTCH)
    assert report.to_wire()["chosen_with_care"] is False
    doubt = dict.fromkeys(Kind, 0.1) | {Kind.OVERIG: 0.4, Kind.MELDING: 0.3}
    cautious = replace(report, kind=kind_of(doubt), kind_scores=doubt)
    assert (cautious.kind, cautious.to_wire()["chosen_with_care"]) == (Kind.MELDING, True)
    assert "chosen_with_care" not in cautious.to_json()


def test_scores_are_probabilities_and_those_of_kinds_add_up(triage: Triage) -> None:
    for mail in mails.ALL:
        report = triage.understand(mail)
        assert sum(report.kind_scores.values()) == pytest.approx(1, abs=1e-4)
        assert all(0 <= c.score <= 1 for c in report.categories)
        assert set(report.missing_scores) == set(MissingField)


def test_a_newsletter_gets_no_categories(triage: Triage) -> None:
    text = "Nieuwsbrief oktober. Schrijf u in voor ons webinar over duurzaam inkopen. Afmelden kan onderaan."
    assert triage.understand(mails.mail(text, subject="Nieuwsbrief", name="Inkoopnetwerk")).categories == ()


def test_the_json_has_the_keys_of_the_contract(triage: Triage) -> None:
    data = json.loads(json.dumps(triage.understand(mails.DUTCH).to_json(), ensure_ascii=False))
    assert set(data) == {
        "language", "kind", "kind_scores", "categories", "primary", "severity", "severity_scores", "concerned",
        "concerned_scores", "contact", "missing", "missing_scores", "anonymous", "evidence",
    }  # fmt: skip
    assert set(data["kind_scores"]) == {k.value for k in Kind}
    assert all(set(c) == {"slug", "score", "sub"} for c in data["categories"])
    assert all(set(c) == {"name", "function"} for c in data["concerned"])
    assert set(data["contact"]) == {"name", "email", "phone", "address"}
    assert all(set(e) == {"text", "category"} for e in data["evidence"])


def test_severity_and_persons_have_scores(triage: Triage) -> None:
    for mail in mails.ALL:
        report = triage.understand(mail)
        assert sum(report.severity_scores.values()) == pytest.approx(1, abs=1e-4)
        assert len(report.concerned_scores) == len(report.concerned)
        assert all(0.2 < score <= 1 for score in report.concerned_scores)


def test_a_report_comes_through_another_process_unchanged(triage: Triage) -> None:
    for mail in mails.ALL:
        report = triage.understand(mail)
        assert Report.from_wire(json.loads(json.dumps(report.to_wire()))) == report


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "roddel"},
        {"language": 3},
        {"missing_scores": {"phone": 2}},
        {"concerned": [{"name": 1, "function": None}]},
        {"categories": [{"slug": "pesten", "score": 0.5, "sub": ["fraude"]}]},
        {"contact": None},
        {"anonymous": "yes"},
    ],
)
def test_what_does_not_follow_the_contract_is_refused(triage: Triage, change: dict[str, object]) -> None:
    with pytest.raises(InvalidReport):
        Report.from_wire({**triage.understand(mails.DUTCH).to_wire(), **change})
    with pytest.raises(InvalidReport):
        Report.from_wire("no report")
