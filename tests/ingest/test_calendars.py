"""What an invitation says, in words for a person."""

from __future__ import annotations

import pytest

from ingest.calendars import summary
from ingest.parse import parse_bytes

EVENT = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Amsterdam\r\nBEGIN:STANDARD\r\n"
    "DTSTART:19700101T000000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nSUMMARY:Gesprek over\r\n  melding\r\n"
    "DTSTART;TZID=Europe/Amsterdam:20260202T100000\r\nDTEND:20260202T100000Z\r\nLOCATION:Kamer 3\\, boven\r\n"
    'ORGANIZER;CN="de Vries: Jan":mailto:jan@example.org\r\nATTENDEE;CN=B:mailto:b@example.org\r\n'
    "BEGIN:VALARM\r\nDESCRIPTION:herinnering\r\nEND:VALARM\r\nDESCRIPTION:Hij nam\\ngeld aan\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
WORDS = """\
Method: REQUEST
Summary: Gesprek over melding
Start: 2026-02-02 10:00 (Europe/Amsterdam)
End: 2026-02-02 10:00 UTC
Location: Kamer 3, boven
Organizer: de Vries: Jan <jan@example.org>
Attendee: B <b@example.org>
Description: Hij nam
geld aan"""


def test_an_invitation_is_said_in_words() -> None:
    """mail-cases 66"""
    assert summary(EVENT) == WORDS


def test_an_invitation_beside_a_text_is_a_file_with_its_summary() -> None:
    """mail-cases 66"""
    mail = parse_bytes(
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\nKomt u?\r\n"
        b"--x\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n" + EVENT.encode() + b"\r\n--x--\r\n"
    )
    assert mail.text.strip() == "Komt u?"
    (invitation,) = mail.attachments
    assert invitation.text == WORDS
    assert b"".join(invitation.chunks()).rstrip() == EVENT.encode().rstrip()


def test_a_calendar_alone_is_the_text_too() -> None:
    """mail-cases 66"""
    mail = parse_bytes(b"Content-Type: text/calendar\r\n\r\n" + EVENT.encode())
    assert mail.text == mail.attachments[0].text == WORDS


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", ""),
        ("junk", ""),
        ("BEGIN:VEVENT\nSUMMARY:x", "Summary: x"),
        ("BEGIN:VEVENT\nfoo bar\nSUMMARY;=:y\nSUMMARY:x\nEND:VEVENT", "Summary: x"),
        (
            "BEGIN:VEVENT\nDTSTART;TZID=Europe/Amsterdam:20260202T100000Z",
            "Start: 2026-02-02 10:00 UTC (Europe/Amsterdam)",
        ),
        ("BEGIN:VEVENT\nDTSTART:morgen\nDTEND;VALUE=DATE:20260203", "Start: morgen\nEnd: 2026-02-03"),
        ("BEGIN:VCALENDAR\nSUMMARY:buiten\nBEGIN:VTODO\nDUE:20260203T0900\nEND:VTODO", "Due: 2026-02-03"),
        ("BEGIN:VEVENT\nSUMMARY:een\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:twee", "Summary: een\nSummary: twee"),
    ],
)
def test_what_is_broken_in_a_calendar_costs_only_itself(source: str, words: str) -> None:
    """mail-cases 66"""
    assert summary(source) == words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("ACCEPTED", " (accepted)"),
        ("declined", " (declined)"),
        ("TENTATIVE", " (tentative)"),
        ("DELEGATED", " (delegated)"),
        ("NEEDS-ACTION", ""),
        ("X-OTHER", ""),
    ],
)
def test_the_answer_to_an_invitation_says_who_comes(said: str, words: str) -> None:
    """mail-cases 66"""
    source = f"METHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;CN=B;PARTSTAT={said}:mailto:b@example.org\nEND:VEVENT"
    assert summary(source) == f"Method: REPLY\nAttendee: B <b@example.org>{words}"


def test_a_heap_of_calendars_is_summarised_in_part() -> None:
    part = b"--x\r\nContent-Type: text/calendar\r\n\r\n" + EVENT.encode() + b"\r\n"
    mail = parse_bytes(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + part * 30 + b"--x--\r\n")
    assert [bool(each.text) for each in mail.attachments] == [True] * 10 + [False] * 20
