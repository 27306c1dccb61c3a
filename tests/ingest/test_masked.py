"""What stands under the case's key, without who wrote it."""

from __future__ import annotations

from datetime import UTC, datetime

from ingest.automatic import Verdict
from ingest.message import read_message
from ingest.parse import parse_bytes
from ingest.raw import RawMail
from store.intake import NewMessage

HEAD = b"From: Jan de Vries <jan@home.example>\nContent-Type: text/plain; charset=utf-8\n"
LETTER = (
    "Geachte coördinator,\n\nHierbij meld ik intimidatie door Rolf Dijkgraaf.\n{}\n\nDaarna heeft hij mij geduwd. "
    "Petra Bos was daarbij.\n\nMet vriendelijke groet,\nJan de Vries"
)


def _masked(text: str, subject: str = "melding", head: bytes = HEAD) -> str:
    return _read(text, subject, head).masked_text


def _read(text: str, subject: str = "melding", head: bytes = HEAD) -> NewMessage:
    data = head + f"Subject: {subject}\n\n{text}".encode()
    mail = parse_bytes(data)
    with RawMail.from_bytes(data) as raw:
        return read_message(
            raw,
            mail,
            None,
            Verdict(None, own_mail=False, reason=""),
            datetime.now(UTC),
            authentication=None,
            flags=(),
            decided={},
        )


def test_a_subject_is_masked_as_the_text_is() -> None:
    subject = _read(LETTER.format(""), "Melding van Jan de Vries (06 - 24 81 77 03) over Dijkgraaf").masked_subject
    assert subject.startswith("Melding van ▇▇▇")
    assert subject.endswith("over Dijkgraaf")
    assert "81 77" not in subject


def test_what_was_told_stands_in_the_masked_text_to_its_end() -> None:
    masked = _masked(LETTER.format('Op 3 maart 2026 om 10:30 schreef Rolf aan mij:\n\n"Je ligt eruit."'))
    assert "Petra Bos was daarbij." in masked
    assert "Vries" not in masked


def test_a_memo_has_a_masked_text() -> None:
    head = "Van: Jan de Vries (jan@home.example)\nAan: Coördinator\nDatum: 12 maart 2026\nOnderwerp: melding\n\n"
    masked = _masked(head + LETTER.format(""))
    assert "Petra Bos was daarbij." in masked
    assert "jan@home.example" not in masked


def test_where_own_words_are_few_the_whole_text_is_masked_with_all_numbers_and_addresses_in_it() -> None:
    passed_on = (
        "Zie onder.\n\n-----Oorspronkelijk bericht-----\nVan: Jan <j.vries@work.example>\n\n"
        + LETTER.format("")
        + "\n06 - 24 81 77 03\n"
    )
    masked = _masked(passed_on, "FW: melding")
    assert "Petra Bos was daarbij." in masked
    assert "81 77" not in masked
    assert "j.vries" not in masked


def test_every_word_of_a_name_with_a_comma_in_it_is_masked() -> None:
    head = HEAD.replace(b"Jan de Vries", b"Vries, Jan de")
    masked = _masked(LETTER.format("Bos noemt mij Vries."), head=head)
    assert "Vries" not in masked
    assert "Jan" not in masked
    assert "Petra Bos was daarbij." in masked
