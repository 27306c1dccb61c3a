"""Telephone numbers and postal addresses, as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.triage import mails
from triage import Triage
from triage.addresses import address_spans
from triage.language import Languages
from triage.phones import Phone, phones


def likely_phone(text: str, language: str, signature_start: int | None = None) -> Phone | None:
    """The best number, where it is likely to be one."""
    best = next(iter(phones(text, language, signature_start)), None)
    return best if best is not None and best.score >= 2 else None


@pytest.mark.parametrize(
    ("typed", "language"),
    [
        ("06-12 34 56 78", "nl"),
        ("06 - 24 81 77 03", "nl"),
        ("+31 6 12345678", "nl"),
        ("(070) 348 64 86", "nl"),
        ("070-5553316", "nl"),
        ("06 4555 02xx", "nl"),
        ("0032 478 55 12 90", "nl"),
        ("+254 7 2233 8190", "en"),
        ("+44 7700 900 142", "en"),
        ("06 44 55 09 17", "fr"),
        ("0151 555 480 07", "de"),
    ],
)
def test_a_number_is_given_back_as_typed(typed: str, language: str) -> None:
    text = f"Dit is mijn verhaal over het loket.\n\nGroet,\nAnna\n{typed}\n"
    found = likely_phone(text, language, text.index("Groet"))
    assert found is not None
    assert found.text == typed


@pytest.mark.parametrize(
    "text",
    [
        "Het gebeurde op 12-03-2024 rond tien uur.",
        "De factuur van € 12.500 was vals.",
        "Mijn dossiernummer is 2024 118 334.",
        "IBAN NL91 ABNA 0417 1643 00",
        "Het kostte 125 000 euro en duurde tot 2023-11-04.",
        "kamer 4.12, vlucht KL 0565",
    ],
)
def test_dates_amounts_and_file_numbers_are_no_telephone(text: str) -> None:
    assert likely_phone(text, "nl") is None


@pytest.mark.parametrize(
    ("number", "language"),
    [
        ("712 044 910", "es"),
        ("9814 5520", "en"),
        ("71 555 903", "fr"),
        ("514-555-0163", "en"),
        ("(81) 9 5550-0316", "pt"),
        ("93x 218 044", "pt"),
        ("4000 6613", "es"),
    ],
)
def test_a_bare_number_is_one_where_people_sign(number: str, language: str) -> None:
    told = "This is what I saw at the counter of the visa section. "
    signed = f"{told}\n\nRegards,\nAnna, {number}\n"
    found = likely_phone(signed, language, signed.index("Regards"))
    assert found is not None
    assert found.text == number
    last = f"{told}{number}."
    found = likely_phone(last, language, len(last))
    assert found is not None
    assert found.text == number


@pytest.mark.parametrize(
    "line",
    [
        "9814 5520 m²",
        "12 03 2024",
        "KvK 71 555 903",
        "C.C. 11.7xx.xxx",
        "2024-2025",
        "dossier 4000 6613",
        "€ 12 345 678",
    ],
)
def test_other_figures_that_end_a_signature_are_no_telephone(line: str) -> None:
    text = f"Dit is mijn verhaal.\n\nGroet,\nAnna\n{line}\n"
    assert likely_phone(text, "nl", text.index("Groet")) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "Jort wil dat best bevestigen, 06 43 99 15 20 is zijn nummer.",
        "06 43 99 15 20 is for my husband, so better not call.",
        "Call my brother's phone 06 43 99 15 20",
        "Liefst op het nummer van Greetje: 06 43 99 15 20",
        "06 43 99 15 20 (my man's number, he knows)",
    ],
)
def test_a_number_that_is_said_to_be_anothers_is_not_the_reporters(sentence: str) -> None:
    assert likely_phone(sentence, "nl", 0) is None


def test_of_two_numbers_that_are_as_likely_the_first_counts() -> None:
    text = "Groet,\nAnna\nT: 0513-41 27 60   M: 06-2285 1147\n"
    found = likely_phone(text, "nl", 0)
    assert found is not None
    assert found.text == "0513-41 27 60"


@pytest.mark.parametrize("number", ["+31612345678", "06 12 34 56 78", "(070) 348 64 86"])
def test_a_number_in_brackets_is_given_back_without_them(number: str) -> None:
    found = likely_phone(f"Bel mij ({number}) gerust.", "nl")
    assert found is not None
    assert found.text == number


@pytest.mark.parametrize(
    "sentence",
    [
        "Het nummer van de ambassade is 070-348 64 86.",
        "Het telefoonnummer van uw kantoor (070 348 64 86) was bezet.",
        "Ik heb de ambassade gebeld op 070-348 64 86 en niemand nam op.",
        "The embassy's number is +31 70 348 6486.",
        "I called the consulate on +31 70 348 6486 twice.",
        "Le numéro de l'ambassade est le 01 40 62 33 00.",
        "Die Nummer der Botschaft ist 030 20 95 60.",
        "El número de la embajada es 91 353 75 00.",
        "O número da embaixada é 21 391 49 00.",
        "Nomor kedutaan adalah 021 524 8200.",
        "Büyükelçiliğin numarası 0312 409 18 00.",
        "Номер посольства 044 490 82 00.",
        "رقم السفارة 0537 21 96 00",
    ],
)
def test_the_number_of_an_office_is_not_the_reporters(sentence: str) -> None:
    language = Languages().of(sentence)
    assert likely_phone(sentence, language, len(sentence)) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "Ik sta bij de ambassade, mijn nummer is 06 12 34 56 78.",
        "I work at the embassy and you can reach me on 06 12 34 56 78.",
        "Bel mij op kantoor 06 12 34 56 78.",
        "My number at the office is 06 12 34 56 78.",
        "My office number is 06 12 34 56 78.",
    ],
)
def test_a_number_is_the_reporters_own_though_an_office_is_named(sentence: str) -> None:
    found = likely_phone(sentence, "nl", len(sentence))
    assert found is not None
    assert found.text == "06 12 34 56 78"


def test_the_number_beneath_an_office_in_a_signature_is_the_reporters() -> None:
    text = "Dit is mijn verhaal.\n\nGroet,\nAnna\nAmbassade Nairobi, tel. +254 20 428 8000\n"
    found = likely_phone(text, "nl", text.index("Groet"))
    assert found is not None
    assert found.text == "+254 20 428 8000"


def test_a_fax_is_no_telephone_under_one_letter_either() -> None:
    text = "Groet, Ingrid Maas\nT +62 21 524 8200 | F +62 21 570 0734\n"
    found = likely_phone(text, "nl", 0)
    assert found is not None
    assert found.text == "+62 21 524 8200"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("我的电话13812345678谢谢", "13812345678"),
        ("手机：138 1234 5678。", "138 1234 5678"),
        ("请打+86 138 1234 5678联系我", "+86 138 1234 5678"),
        ("电话：+86-10-8532-0200", "+86-10-8532-0200"),
    ],
)
def test_a_chinese_number_is_found_between_characters(text: str, number: str) -> None:
    found = likely_phone(text, "zh")
    assert found is not None
    assert found.text == number


@given(st.text(alphabet=" 0123456789+-()/.x\n", max_size=80))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    for phone in phones(text, "nl"):
        assert text[phone.start : phone.end] == phone.text


@given(st.from_regex(r"06[- ]?[1-5][0-9]{7}", fullmatch=True))
def test_every_dutch_mobile_number_is_found(number: str) -> None:
    found = likely_phone(f"U kunt mij bellen op {number}.", "nl")
    assert found is not None
    assert found.text == number


@pytest.mark.parametrize(
    "address",
    [
        "Zinkwerf 31, 2544 EC Den Haag",
        "Hooigracht 19c\n2312 KM Leiden",
        "Postbus 3071, 6802 DB Arnhem",
        "Lange Lozanastraat 210 bus 4, 2018 Antwerpen",
        "9 rue des Tanneurs, 59000 Lille",
        "Olgastraße 57, 89073 Ulm",
    ],
)
def test_an_address_is_given_back_as_typed(address: str) -> None:
    text = f"Ik wil iets melden over de balie.\n\nMet groet,\nAnna Blok\n{address}\n"
    assert address in [span.text for span in address_spans(text)]


@pytest.mark.parametrize(
    "address",
    ["Plot 18, Lumumba Avenue, Kampala", "P.O. Box 519, Zomba", "14 Gana Street, Maitama, Abuja"],
)
def test_addresses_abroad_are_found_in_a_signature(triage: Triage, address: str) -> None:
    text = f"Your officer asked me for money at the gate.\n\nKind regards,\nGrace Phiri\n{address}\n+260 97 555 0131\n"
    assert triage.understand(mails.mail(text)).contact.address == address


@pytest.mark.parametrize(
    ("sentence", "address"),
    [
        ("Mijn adres is Kerkpad 5, 8011 VX Zwolle. Bel mij gerust.", "Kerkpad 5, 8011 VX Zwolle"),
        ("Karin Post, 06 - 55 50 19 20, Hoogeind 12 in Tiel (4001 KL)", "Hoogeind 12 in Tiel (4001 KL)"),
        ("Ik woon aan de Burg. Loeffstraat 7, 2040 Antwerpen. Dank u.", "Burg. Loeffstraat 7, 2040 Antwerpen"),
        ("Ich wohne in der Ahornstraße 57, 04109 Leipzig. Bitte nicht anrufen.", "Ahornstraße 57, 04109 Leipzig"),
        ("Meine Anschrift: Lindenstr. 5, 10115 Berlin. Danke", "Lindenstr. 5, 10115 Berlin"),
        ("Meine Anschrift ist Am Anger 4, 99084 Erfurt.", "Am Anger 4, 99084 Erfurt"),
        ("Ich wohne Auf der Heide 12, 29221 Celle.", "Auf der Heide 12, 29221 Celle"),
        ("Ich wohne am Anger 4, 99084 Erfurt.", "Anger 4, 99084 Erfurt"),
        ("J'habite au 9 rue des Merles, 59000 Lille. Merci de m'écrire.", "9 rue des Merles, 59000 Lille"),
        ("Vivo en la calle Olmo 31, 47001 Valladolid. Espero noticias.", "calle Olmo 31, 47001 Valladolid"),
        ("Resido en Avenida de la Paz, 14, 46001 Valencia", "Avenida de la Paz, 14, 46001 Valencia"),
        ("C/ Mayor 12, 3º B, 28013 Madrid", "C/ Mayor 12, 3º B, 28013 Madrid"),
        ("calle Sol 17\n41710 Utrera (Sevilla)", "calle Sol 17\n41710 Utrera (Sevilla)"),
        ("I live at 41 Tanner Row, York YO1 6JB. You can write to me.", "41 Tanner Row, York YO1 6JB"),
        ("Flat 3, 12 Bell Lane, Hove\nBN3 2PL", "Flat 3, 12 Bell Lane, Hove\nBN3 2PL"),
        ("My address is 118 Maple Street, Apt 4B, Dayton, OH 45402.", "118 Maple Street, Apt 4B, Dayton, OH 45402"),
    ],
)
def test_an_address_ends_with_its_sentence_and_begins_behind_the_verb(
    triage: Triage, sentence: str, address: str
) -> None:
    story = "Een medewerker van de balie vroeg mij om geld voor een visum.\n\n"
    assert triage.understand(mails.mail(f"{story}{sentence}")).contact.address == address


def test_who_says_that_the_address_stays_out_gave_none(triage: Triage) -> None:
    text = "Mijn adres kan ik hier niet neerzetten dat snapt u. bellen kan 06 1940 3352 maar liever niet overdag."
    contact = triage.understand(mails.mail(text)).contact
    assert (contact.address, contact.phone) == (None, "06 1940 3352")


@given(st.text(alphabet=st.sampled_from("abcXYZ 0123,.\n-'ßé"), max_size=120))
def test_every_address_found_stands_in_the_text(text: str) -> None:
    for span in address_spans(text):
        assert text[span.start : span.end] == span.text
