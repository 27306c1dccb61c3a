"""Letters of a person: what they begin from, what goes out, and what follows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import product

import pytest

from cases.letters import Purpose, fulfils
from cases.terms import DueKind
from config.settings import DeskSettings
from config.taxonomy import Kind, MissingField
from notify import letters
from notify.letters import LetterFacts, offered, places_left, subject_of
from notify.mime import File
from store import outbox
from store.outbox import NewOutgoing, OutboxState, OutgoingKind
from tests.notify.conftest import NOW, Box
from tests.notify.servers import DROP, ScriptedServer

FACTS = LetterFacts(
    Purpose.ASK, "nl", NOW, "7K3FM-9Q2XD", Kind.MELDING, (MissingField.PHONE, MissingField.CONCERNED_NAME)
)
REPORTER = "jan@voorbeeld.nl"
PARENT = "<eerste@voorbeeld.nl>"


def composed(desk: DeskSettings, text: str = "Goedendag,\n\nDat is gelukt.\n", **more: object) -> bytes:
    given = {"to": REPORTER, "subject": "Over uw bericht", "language": "nl", "text": text, "now": NOW, **more}
    return letters.compose_letter(desk, **given)  # type: ignore[arg-type]


def queue(box: Box, case_id: str, purpose: Purpose = Purpose.FEEDBACK, **more: object) -> str:
    outbox_id = outbox.new_outbox_id()
    new = NewOutgoing(
        id=outbox_id,
        kind=OutgoingKind.LETTER,
        case_id=case_id,
        recipient=REPORTER,
        mime=composed(box.desk, **more),
        message_id="",
        envelope_sender="",
        fulfils=tuple(fulfils(purpose)),
    )
    with box.database.begin() as session:
        outbox.enqueue(session, box.fresh.keys.mailer, box.keys.index, new, box.database.now())
    return outbox_id


def mail(data: bytes) -> EmailMessage:
    found = message_from_bytes(data, policy=default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize(("purpose", "language", "kind"), list(product(Purpose, ["nl", "en"], Kind)))
def test_every_letter_begins_with_sentences_that_are_filled_in(
    desk: DeskSettings, purpose: Purpose, language: str, kind: Kind
) -> None:
    text = offered(desk, replace(FACTS, purpose=purpose, language=language, kind=kind, answer_by=date(2026, 6, 2)))
    assert "{" not in text
    assert "None" not in text
    assert text.startswith("Goedendag," if language == "nl" else "Good day,")
    assert text.endswith(f"{desk.name}, {desk.organisation}\n")
    assert "7K3FM-9Q2XD" in text


@pytest.mark.parametrize("purpose", [Purpose.STATUS, Purpose.FEEDBACK, Purpose.CLOSING, Purpose.OTHER])
def test_what_a_person_has_to_say_themselves_is_known_until_they_say_it(desk: DeskSettings, purpose: Purpose) -> None:
    text = offered(desk, replace(FACTS, purpose=purpose))
    (place,) = places_left(text)
    assert places_left(text.replace(place, "We spreken de leidinggevende. [zie bijlage]")) == ()


def test_an_anonymous_reporter_is_asked_nothing_about_themselves(desk: DeskSettings) -> None:
    assert "uw telefoonnummer" in offered(desk, FACTS)
    text = offered(desk, replace(FACTS, anonymous=True))
    assert "uw telefoonnummer" not in text
    assert "de naam van de medewerker" in text


def test_a_complaint_and_a_question_for_advice_are_sent_to_where_they_belong(desk: DeskSettings) -> None:
    referral = replace(FACTS, purpose=Purpose.REFERRAL)
    assert desk.texts.complaints in offered(desk, replace(referral, kind=Kind.KLACHT))
    assert desk.texts.support_point in offered(desk, replace(referral, kind=Kind.ADVIES))
    assert places_left(offered(desk, replace(referral, kind=Kind.OVERIG)))


def test_the_subject_tells_nothing_and_names_the_reference_where_the_desk_wants_that(desk: DeskSettings) -> None:
    assert subject_of(desk, "nl", "7K3FM-9Q2XD") == "Over uw bericht"
    named = desk.model_copy(update={"reference_in_subject": True})
    assert subject_of(named, "en", "7K3FM-9Q2XD") == "About your message [7K3FM-9Q2XD]"


def test_a_letter_goes_out_as_a_persons_mail_that_leads_back_to_its_case(box: Box) -> None:
    case_id = box.case()
    text = "Goedendag,\n\nDat is gelukt. Eén regel die langer is dan een regel van een mail lang mag zijn, zegt men.\n"
    files = [File('uit"leg\r\nX: y.pdf', "application/pdf", b"%PDF-1.7\x00\r\n" * 40), File("Überblick.txt", "x", b"a")]
    outbox_id = queue(box, case_id, text=text, files=files, in_reply_to=PARENT, references=("<nul@voorbeeld.nl>",))
    with ScriptedServer() as server:
        box.use(server.port)
        assert box.deliver().sent == 1
    (taken,) = server.taken
    token = box.keys.token.sign(outbox_id)
    assert (taken.recipient, taken.sender) == (REPORTER, f"meldpunt+b.{token}@ministerie.example")
    found = mail(taken.data)
    assert found["Message-ID"] == f"<{token}@ministerie.example>"
    assert found["Reply-To"] == f"meldpunt+{token}@ministerie.example"
    assert found["In-Reply-To"] == PARENT
    assert found["References"] == f"<nul@voorbeeld.nl> {PARENT}"
    assert found["Subject"] == "Over uw bericht"
    assert {"Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X"}.isdisjoint(found.keys())
    assert [part.get_content_type() for part in found.iter_parts()] == [
        *("text/plain", "application/pdf", "application/octet-stream")
    ]
    body, *sent = found.iter_parts()
    assert body.get_content().replace("\r\n", "\n").rstrip() == text.rstrip()  # type: ignore[attr-defined]
    assert [part.get_filename() for part in sent] == ["uitlegX: y.pdf", "Überblick.txt"]
    assert [part.get_content() for part in sent] == [files[0].content, b"a"]  # type: ignore[attr-defined]
    assert box.is_forgotten(outbox_id)


def test_a_letter_without_files_is_plain_text_alone(box: Box) -> None:
    with ScriptedServer() as server:
        box.use(server.port)
        queue(box, box.case())
        assert box.deliver().sent == 1
    found = mail(server.taken[0].data)
    assert found.get_content_type() == "text/plain"
    assert found.get_content().replace("\r\n", "\n") == "Goedendag,\n\nDat is gelukt.\n"


def test_a_letter_that_may_have_gone_goes_once_more_under_the_same_name(box: Box) -> None:
    outbox_id = queue(box, box.case())
    with ScriptedServer({".": [DROP, "250 taken"]}) as server:
        box.use(server.port)
        assert box.deliver().uncertain == 1
        assert box.state(outbox_id) == OutboxState.UNCERTAIN
        box.pass_time()
        assert box.deliver().sent == 1
    first, second = (mail(taken.data) for taken in server.taken)
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    ("purpose", "left"), [(Purpose.STATUS, {DueKind.FEEDBACK}), (Purpose.FEEDBACK, set()), (Purpose.CLOSING, set())]
)
def test_a_letter_meets_what_was_due_when_it_went_out_and_not_before(
    box: Box, purpose: Purpose, left: set[DueKind]
) -> None:
    due = {DueKind.FIRST_MESSAGE: NOW, DueKind.FEEDBACK: NOW}
    case_id = box.case(due)
    queue(box, case_id, purpose)
    with ScriptedServer({"RCPT": ["451 later", "250 ok"]}) as server:
        box.use(server.port)
        assert box.deliver().retried == 1
        assert set(box.dues(case_id)) == set(due)
        box.pass_time()
        assert box.deliver().sent == 1
    assert set(box.dues(case_id)) == left


def test_a_letter_that_nobody_takes_meets_nothing(box: Box) -> None:
    case_id = box.case({DueKind.FEEDBACK: NOW})
    outbox_id = queue(box, case_id)
    with ScriptedServer({"RCPT": "550 no such user"}) as server:
        box.use(server.port)
        assert box.deliver().failed == 1
    assert box.state(outbox_id) == OutboxState.FAILED
    assert set(box.dues(case_id)) == {DueKind.FEEDBACK}


def test_a_letter_has_a_way_back_for_bounces_also_where_receipts_have_none(
    desk: DeskSettings, addressed: Callable[..., object]
) -> None:
    silent = desk.model_copy(update={"null_return_path": True})
    waiting = outbox.Mail(REPORTER, "", "", composed(silent))
    assert letters.completed(silent, "token", waiting, NOW).envelope_sender == "meldpunt+b.token@ministerie.example"
