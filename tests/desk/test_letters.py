"""Writing to the reporter: from a template to the outbox, and back."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select, update

from cases.lifecycle import Status
from cases.roles import Role
from desk.security import BODY_LIMIT
from store import letters, lookups, outbox, records
from store.keypairs import KeyKind
from store.keyring import newest_proven
from store.outbox import OutboxState, unpacked
from store.records import Name, RecordKind
from store.schema import Outbox, Record
from tests.desk.test_roles import member
from tests.desk.world import CONTACT, DESK, REPORT, Visitor, World, coordinator, found_file

REPORTER = "appie@reporter.example"
OWN_WORDS = "Goedendag,\n\nWe bespreken uw bericht volgende week.\n\nMet vriendelijke groet"


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case(
        more={"message_id": "<een@reporter.example>", "references": ["<nul@reporter.example>"]}
    ).case_id


@pytest.fixture
def visitor(world: World) -> Visitor:
    return coordinator(world)


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def text_of(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found
    return found[1].replace("\r\n", "\n").removeprefix("\n")


def write(visitor: Visitor, case_id: str, text: str = OWN_WORDS, then: str = "preview", **more: Any) -> Any:
    page = visitor.get(f"/cases/{case_id}/letter").text
    given = {name: field(page, name) for name in ("draft", "known")}
    given |= {"purpose": "status", "language": "nl", "text": text, "then": then, **more}
    return visitor.post(f"/cases/{case_id}/letter", given)


def seen_in(page: str) -> dict[str, str]:
    """What the form that sends carries of what its reader saw."""
    return {name: field(page, name) for name in ("version", "draft", "known")}


def send(visitor: Visitor, case_id: str, **more: str) -> Any:
    page = visitor.get(f"/cases/{case_id}/letter/preview").text
    given = {**seen_in(page), **more}
    return visitor.post(f"/cases/{case_id}/letter/send", given)


def waiting(world: World) -> list[Outbox]:
    with world.database.read() as session:
        return list(session.scalars(select(Outbox).where(Outbox.kind == "letter").order_by(Outbox.id)))


def state(world: World) -> list[str]:
    return [row.state for row in waiting(world)]


def status(world: World, case_id: str) -> str | None:
    with world.database.read() as session:
        return lookups.case_status(session, case_id)


def test_a_letter_begins_from_what_is_missing_in_the_language_of_the_reporter(visitor: Visitor, case_id: str) -> None:
    page = visitor.get(f"/cases/{case_id}/letter").text
    assert text_of(page).startswith("Goedendag,\n\nOp vrijdag 27 november 2026")
    assert "- uw telefoonnummer\n- uw adres" in text_of(page)
    assert "K2345-00000" in text_of(page)
    assert '<option selected value="ask">' in page


def test_a_letter_asks_for_what_is_surely_missing_and_leaves_the_rest_to_its_writer(
    world: World, visitor: Visitor
) -> None:
    scores = {"phone": 0.99, "address": 0.6}
    case_id = world.new_case(report={**REPORT, "missing_scores": scores}).case_id
    text = text_of(visitor.get(f"/cases/{case_id}/letter").text)
    assert "- uw telefoonnummer\n- uw adres [misschien staat dit al in het bericht" in text
    write(visitor, case_id, text, purpose="ask")
    assert 'name="known"' not in visitor.get(f"/cases/{case_id}/letter/preview").text, "it cannot be sent yet"
    decided = {"version": visitor.version(case_id), "value": ["phone", "address"]}
    assert visitor.post(f"/cases/{case_id}/decide/missing", decided).status_code == 303
    write(visitor, case_id, "", "begin", purpose="ask")
    text = text_of(visitor.get(f"/cases/{case_id}/letter").text)
    assert "- uw adres\n" in text
    assert "[misschien" not in text


NOTHING_TO_ASK: dict[str, dict[str, Any]] = {
    "nothing is missing": {"missing": []},
    "nothing is surely missing": {"missing_scores": {"phone": 0.6, "address": 0.6}},
    "the reporter is anonymous": {"anonymous": True},
}


@pytest.mark.parametrize("why", NOTHING_TO_ASK)
def test_where_there_is_nothing_to_ask_a_letter_begins_as_one_that_says_how_it_stands(
    world: World, visitor: Visitor, why: str
) -> None:
    case_id = world.new_case(report={**REPORT, **NOTHING_TO_ASK[why]}).case_id
    assert '<option selected value="status">' in visitor.get(f"/cases/{case_id}/letter").text


def moves_on(visitor: Visitor, case_id: str) -> bool:
    """Is the status that the letter leads to ticked beforehand?"""
    found = re.search(r'name="move_on" value="y"( checked)?', visitor.get(f"/cases/{case_id}/letter/preview").text)
    assert found
    return bool(found[1])


def test_the_case_is_to_wait_by_itself_only_for_an_answer_that_was_asked_for(
    world: World, visitor: Visitor, case_id: str
) -> None:
    asking = text_of(visitor.get(f"/cases/{case_id}/letter").text)
    write(visitor, case_id, "Dank voor uw bericht.", purpose="ask")
    assert not moves_on(visitor, case_id)
    write(visitor, case_id, asking.replace("- uw adres\n", "") + "\nNoor", purpose="ask")
    assert moves_on(visitor, case_id)
    world.clock.forward(minutes=1)
    world.further_message(case_id, own_text="Hij staat met een mes voor mijn deur.")
    write(visitor, case_id, asking, purpose="ask", known="2")
    assert not moves_on(visitor, case_id), "the reporter wrote last"
    write(visitor, case_id, asking, "drop")
    assert '<option selected value="status">' in visitor.get(f"/cases/{case_id}/letter").text


def test_another_text_and_language_can_be_chosen_and_takes_the_place_of_the_first(
    visitor: Visitor, case_id: str
) -> None:
    write(visitor, case_id, "", "begin", purpose="feedback", language="en")
    page = visitor.get(f"/cases/{case_id}/letter").text
    assert text_of(page).startswith("Good day,")
    assert "[Fill in what has been done" in text_of(page)


def begin(visitor: Visitor, case_id: str, text: str, **more: str) -> str:
    """The text of the letter once another was begun, or what `then` says."""
    write(visitor, case_id, text, **{"then": "begin", **more})
    return text_of(visitor.get(f"/cases/{case_id}/letter").text)


def test_what_was_written_is_there_to_go_back_to_when_another_text_took_its_place(
    world: World, visitor: Visitor, case_id: str
) -> None:
    offered = begin(visitor, case_id, OWN_WORDS, purpose="feedback")
    assert "[Vul in wat er is gedaan" in offered
    page = visitor.get(f"/cases/{case_id}/letter").text
    assert 'value="back"' in page
    visitor.post(
        f"/cases/{case_id}/letter/keep",
        {"draft": field(page, "draft"), "known": "1", "purpose": "feedback", "language": "nl", "text": offered},
    )
    begin(visitor, case_id, offered, purpose="closing")  # looking at further texts loses nothing either
    assert begin(visitor, case_id, offered, then="back") == OWN_WORDS
    begin(visitor, case_id, OWN_WORDS, purpose="status")
    assert begin(visitor, case_id, "Iets anders.", then="back") == OWN_WORDS
    assert begin(visitor, case_id, OWN_WORDS, then="back") == "Iets anders."
    write(visitor, case_id)
    send(visitor, case_id)
    (row,) = waiting(world)
    with world.database.read() as session:
        copy = records.opened_json(session, world.ring, Name(case_id, row.id, RecordKind.OUTGOING))
    assert "before" not in copy, "what was deleted before sending is gone"


def test_a_text_that_nobody_changed_is_nothing_to_go_back_to(visitor: Visitor, case_id: str) -> None:
    offered = text_of(visitor.get(f"/cases/{case_id}/letter").text)
    begin(visitor, case_id, offered, purpose="feedback", language="en")
    assert 'value="back"' not in visitor.get(f"/cases/{case_id}/letter").text


def test_a_draft_is_kept_sealed_and_signed_for_its_member_alone(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id, "Zwaluwstaart.", "keep")
    assert "Zwaluwstaart." in text_of(visitor.get(f"/cases/{case_id}/letter").text)
    assert "Verder met uw concept" in visitor.get(f"/cases/{case_id}").text
    assert "Zwaluwstaart" not in visitor.get(f"/cases/{case_id}").text
    with world.database.begin() as session:
        (row,) = session.scalars(select(Record).where(Record.kind == RecordKind.DRAFT))
        identity = newest_proven(session, world.index, DESK, KeyKind.IDENTITY, case_id)
        assert (row.signed_by, row.key_pair_id) == (world.ring.member_id, identity.id)
        assert b"Zwaluwstaart" not in (row.frame or b"")
        assert letters.draft_of(session, replace(world.ring, member_id="f" * 32), case_id) is None


def test_what_was_written_before_is_thrown_away_and_nobody_calls_it_damage(
    world: World, visitor: Visitor, case_id: str
) -> None:
    for text in ("Eerst.", "Dan."):
        write(visitor, case_id, text, "keep")
    with world.database.read() as session:
        assert len(session.scalars(select(Record).where(Record.kind == RecordKind.DRAFT)).all()) == 1
    write(visitor, case_id, "Dan.", "drop")
    with world.database.read() as session:
        assert session.scalars(select(Record).where(Record.kind == RecordKind.DRAFT)).all() == []
    page = visitor.get(f"/cases/{case_id}").text
    assert "beschadigd" not in page
    assert "De melder schrijven" in page
    write(visitor, case_id, "Weer.", "keep")
    assert "Weer." in text_of(visitor.get(f"/cases/{case_id}/letter").text)


def test_of_two_windows_on_one_draft_the_second_is_told_and_loses_nothing(visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id, "Uit het eerste venster.", "keep")
    answer = write(visitor, case_id, "Uit het tweede venster.", "keep", draft="0")
    assert answer.status_code == 409
    assert "Uit het tweede venster." in text_of(answer.text)
    assert "Uit het eerste venster." in answer.text
    again = write(visitor, case_id, "Uit het tweede venster.", "keep", draft=field(answer.text, "draft"))
    assert again.status_code == 303


def test_a_letter_goes_sealed_to_the_mailer_without_a_token_and_in_the_thread(
    world: World, visitor: Visitor, case_id: str
) -> None:
    assert write(visitor, case_id).status_code == 303
    page = visitor.get(f"/cases/{case_id}/letter/preview").text
    assert "We bespreken uw bericht volgende week." in page
    assert "Over uw bericht" in page
    assert REPORTER not in page
    answer = send(visitor, case_id)
    assert answer.status_code == 303
    (row,) = waiting(world)
    assert row.state == OutboxState.QUEUED
    assert row.not_before > row.created_at
    page = visitor.get(f"/cases/{case_id}").text
    section = page.split(f'id="letter-{row.id}"')[1].split("</article>")[0]
    assert "In de wachtrij" in section
    assert "We bespreken uw bericht volgende week." in section
    assert "j.coordinator" in section
    assert "De brief terughalen" in section
    with world.database.read() as session:
        assert session.scalars(select(Record).where(Record.kind == RecordKind.DRAFT)).all() == []
        copy = records.opened_json(session, world.ring, Name(case_id, row.id, RecordKind.OUTGOING))
    assert (copy["kind"], copy["to"], copy["purpose"]) == ("letter", REPORTER, "status")


def test_the_mail_answers_the_newest_message_and_carries_no_word_of_its_subject(
    world: World, visitor: Visitor, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = []
    keep = outbox.packed
    monkeypatch.setattr(outbox, "packed", lambda new: packed.append(keep(new)) or packed[-1])
    write(visitor, case_id)
    send(visitor, case_id)
    mail = unpacked(packed[0])
    found = message_from_bytes(mail.mime, policy=default)
    assert isinstance(found, EmailMessage)
    assert (mail.recipient, mail.message_id, mail.envelope_sender) == (REPORTER, "", "")
    assert mail.fulfils == ("first_message",)
    assert found["In-Reply-To"] == "<een@reporter.example>"
    assert found["References"] == "<nul@reporter.example> <een@reporter.example>"
    assert found["Subject"] == "Over uw bericht"
    assert found["Auto-Submitted"] is None


def test_a_letter_that_was_taken_back_is_the_draft_again_and_changes_nothing_of_the_case(
    world: World, visitor: Visitor, case_id: str
) -> None:
    write(visitor, case_id, purpose="ask")
    send(visitor, case_id, move_on="y")
    assert "De zaak komt dan op: Wacht op melder" in visitor.get(f"/cases/{case_id}").text
    (row,) = waiting(world)
    answer = visitor.post(f"/cases/{case_id}/letter/{row.id}/back")
    assert answer.headers["Location"].endswith("/letter")
    assert state(world) == [OutboxState.CANCELLED]
    assert waiting(world)[0].frame is None
    assert status(world, case_id) == Status.RECEIVED
    assert "volgende week" in text_of(visitor.get(f"/cases/{case_id}/letter").text)
    timeline = visitor.get(f"/cases/{case_id}").text
    assert "Ingetrokken: Brief aan de melder" in timeline


def test_a_letter_that_was_withdrawn_is_folded_and_told_apart_from_the_one_that_went(
    world: World, visitor: Visitor, case_id: str
) -> None:
    for text in ("Een eerste brief.", "De brief die ging."):
        write(visitor, case_id, text)
        send(visitor, case_id)
        if text.startswith("Een"):
            (row,) = waiting(world)
            visitor.post(f"/cases/{case_id}/letter/{row.id}/back")
            visitor.post(f"/cases/{case_id}/letter", {"draft": "1", "then": "drop"})
    for who in (visitor, coordinator(world, reason="")):
        page = who.get(f"/cases/{case_id}").text
        withdrawn = page.split(f'id="letter-{row.id}"')[1].split("</details>")[0]
        assert "Brief aan de melder, ingetrokken: niet verzonden" in withdrawn.split("</summary>")[0]
        assert page.count('class="mail letter"') == 1
        assert ("Een eerste brief." in withdrawn) is (who is visitor)


def test_minutes_are_offered_as_a_purpose_where_there_was_a_conversation_alone(
    world: World, visitor: Visitor, case_id: str
) -> None:
    spoken = world.new_case(more={"intake": {"way": "telephone"}}).case_id
    assert '<option value="minutes">' in visitor.get(f"/cases/{spoken}/letter").text
    for asked in ("", "?purpose=minutes"):
        page = visitor.get(f"/cases/{case_id}/letter{asked}").text
        assert 'value="minutes"' not in page
        assert '<option selected value="ask">' in page
    assert 'value="minutes"' not in write(visitor, case_id, "", "keep").text  # shown again with what is wrong


def test_a_letter_that_is_gone_is_not_taken_back(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    send(visitor, case_id)
    (row,) = waiting(world)
    with world.database.begin() as session:
        session.execute(update(Outbox).values(state=OutboxState.SENDING, sends=1))
    visitor.post(f"/cases/{case_id}/letter/{row.id}/back")
    assert state(world) == [OutboxState.SENDING]
    assert "Dat is te laat" in visitor.get(f"/cases/{case_id}").text


def test_who_writes_another_letter_meanwhile_keeps_it(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    send(visitor, case_id)
    write(visitor, case_id, "Een andere brief.", "keep")
    (row,) = waiting(world)
    visitor.post(f"/cases/{case_id}/letter/{row.id}/back")
    assert state(world) == [OutboxState.CANCELLED]
    assert text_of(visitor.get(f"/cases/{case_id}/letter").text).startswith("Een andere brief.")
    assert "We bespreken uw bericht volgende week." in visitor.get(f"/cases/{case_id}").text


def test_only_what_is_a_letter_of_this_case_is_taken_back(world: World, visitor: Visitor, case_id: str) -> None:
    receipt = world.hold_receipt(case_id)
    write(visitor, case_id)
    send(visitor, case_id)
    other = world.new_case().case_id
    (row,) = waiting(world)
    assert visitor.post(f"/cases/{case_id}/letter/{receipt}/back").status_code == 404
    assert visitor.post(f"/cases/{other}/letter/{row.id}/back").status_code == 404
    assert state(world) == [OutboxState.QUEUED]


def test_a_letter_can_wait_for_a_moment_on_the_clock_of_the_desk(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    world.clock.now = world.database.now().replace(microsecond=0)
    visitor = coordinator(world)
    then = (world.clock.now + timedelta(days=2)).replace(hour=8, minute=0, second=0)
    assert send(visitor, case_id, when=f"{then + timedelta(hours=1):%Y-%m-%dT%H:%M}").status_code == 303
    (row,) = waiting(world)
    assert row.not_before == then  # winter time
    said = visitor.get(f"/cases/{case_id}").text
    assert re.search(r"De brief gaat weg op [^.]+ 09:00\. Tot dan kunt u hem terughalen\.", said)
    assert "De brief is onderweg" not in said


@pytest.mark.parametrize("when", ["2026-01-01T09:00", "2036-01-01T09:00", "morgen"])
def test_a_moment_that_is_past_far_off_or_none_sends_nothing(
    world: World, visitor: Visitor, case_id: str, when: str
) -> None:
    write(visitor, case_id)
    assert send(visitor, case_id, when=when).status_code == 400
    assert waiting(world) == []


def test_what_of_the_report_would_go_out_is_named_and_has_to_be_looked_at(
    world: World, visitor: Visitor, case_id: str
) -> None:
    write(visitor, case_id, "Wij spraken met de heer Dijkgraaf over 10 procent van iedere factuur. Ik heb.")
    page = visitor.get(f"/cases/{case_id}/letter/preview").text
    warning = page.split("Uw brief vertelt iets uit de melding")[1].split("</div>")[0]
    assert "Rolf Dijkgraaf" in warning
    assert "10 procent van iedere factuur" in warning
    assert "… Wij spraken met de heer <strong>Dijkgraaf</strong> over" in warning
    assert '<a href="#told-1">“Dijkgraaf”</a>' in warning
    assert '<mark id="told-1" tabindex="-1">Dijkgraaf</mark> over ' in page
    assert f'<a class="button" href="/cases/{case_id}/letter">De brief wijzigen</a>' in warning
    assert 'href="#seen"' in warning
    assert 'id="seen"' in page
    assert send(visitor, case_id).status_code == 400
    assert waiting(world) == []
    assert send(visitor, case_id, seen="y").status_code == 303
    assert state(world) == [OutboxState.QUEUED]


def test_a_file_of_the_report_or_words_of_it_are_warned_of(world: World, visitor: Visitor) -> None:
    found = found_file("bewijs.pdf", "application/pdf", text="De afspraak over tien procent in de Zinkwerf.")
    case_id = world.new_case(found=[found]).case_id
    write(visitor, case_id, "U schreef over de afspraak over tien procent.", files=(io.BytesIO(b"x"), "bewijs.pdf"))
    warning = visitor.get(f"/cases/{case_id}/letter/preview").text.split("Uw brief vertelt")[1].split("</div>")[0]
    assert "de afspraak over tien procent" in warning
    assert "bewijs.pdf" in warning


def test_no_template_warns_of_itself(world: World, visitor: Visitor, case_id: str) -> None:
    for purpose in ("ask", "status", "feedback", "referral", "closing", "other"):
        write(visitor, case_id, "", "begin", purpose=purpose)
        page = visitor.get(f"/cases/{case_id}/letter/preview").text
        assert "Uw brief vertelt" not in page, purpose


def test_what_still_has_to_be_filled_in_keeps_a_letter_from_being_sent(
    world: World, visitor: Visitor, case_id: str
) -> None:
    write(visitor, case_id, "", "begin", purpose="feedback")
    page = visitor.get(f"/cases/{case_id}/letter/preview").text
    assert "[Vul in wat er is gedaan" in page
    assert 'name="version"' not in page.split("<main")[1]
    draft = field(visitor.get(f"/cases/{case_id}/letter").text, "draft")
    sent = {"version": visitor.version(case_id), "draft": draft, "known": "1"}
    assert visitor.post(f"/cases/{case_id}/letter/send", sent).status_code == 400
    assert waiting(world) == []


def test_files_go_along_can_be_taken_off_and_are_bounded(world: World, visitor: Visitor, case_id: str) -> None:
    content = b"%PDF" + b"x" * (BODY_LIMIT + 1)
    assert write(visitor, case_id, then="keep", files=(io.BytesIO(content), "werk/uitleg.pdf")).status_code == 303
    page = visitor.get(f"/cases/{case_id}/letter").text
    file_id = re.search(r"/letter/files/([0-9a-f]{32})", page)
    assert file_id
    assert "uitleg.pdf" in page
    assert "werk" not in page.split('class="files"')[1].split("</ul>")[0]
    assert visitor.get(f"/cases/{case_id}/letter/files/{file_id[1]}").data == content
    write(visitor, case_id, then=f"remove-{file_id[1]}")
    assert visitor.get(f"/cases/{case_id}/letter/files/{file_id[1]}").status_code == 404
    world.serve(
        world.settings.model_copy(update={"rules": world.settings.rules.model_copy(update={"letter_max_bytes": 9})})
    )
    visitor = coordinator(world)
    answer = write(visitor, case_id, "Met een bestand.", "keep", files=(io.BytesIO(b"x" * 10), "a.txt"))
    assert answer.status_code == 400
    assert "samen te groot" in answer.text
    assert "Met een bestand." in text_of(answer.text)


def test_nobody_who_is_not_logged_in_may_send_more_than_a_form(world: World, case_id: str) -> None:
    stranger = Visitor(world)
    stranger.get("/login")
    answer = stranger.post(f"/cases/{case_id}/letter", {"files": (io.BytesIO(b"x" * (BODY_LIMIT + 1)), "a")})
    assert answer.status_code == 413


def test_who_saw_an_older_case_looks_again_and_keeps_the_draft(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    page = visitor.get(f"/cases/{case_id}/letter/preview").text
    seen = seen_in(page)
    visitor.post(f"/cases/{case_id}/status", {"version": visitor.version(case_id), "status": "investigating"})
    assert visitor.post(f"/cases/{case_id}/letter/send", seen).status_code == 303
    assert waiting(world) == []
    assert "De zaak is gewijzigd terwijl u schreef" in visitor.get(f"/cases/{case_id}/letter/preview").text
    assert send(visitor, case_id).status_code == 303
    assert len(waiting(world)) == 1


WITHDRAWN = "Ik trek het in, schrijf mij hier niet meer."


def test_a_message_that_came_after_a_letter_was_begun_has_to_be_looked_at_before_it_goes(
    world: World, visitor: Visitor, case_id: str
) -> None:
    page = visitor.get(f"/cases/{case_id}/letter").text
    world.clock.forward(seconds=1)
    came = world.further_message(case_id, own_text=WITHDRAWN).message_id
    given = {"draft": "0", "known": field(page, "known"), "purpose": "status", "language": "nl", "text": OWN_WORDS}
    assert visitor.post(f"/cases/{case_id}/letter", {**given, "then": "preview"}).status_code == 303
    for place in ("letter", "letter/preview"):
        warning = visitor.get(f"/cases/{case_id}/{place}").text.split("binnen nadat u aan deze brief begon")[1]
        assert f'href="/cases/{case_id}#message-{came}"' in warning.split("</div>")[0]
    assert send(visitor, case_id).status_code == 400
    assert waiting(world) == []
    assert send(visitor, case_id, seen="y").status_code == 303
    assert len(waiting(world)) == 1


def test_who_read_the_message_that_came_and_goes_on_with_the_draft_is_warned_no_more(
    world: World, visitor: Visitor, case_id: str
) -> None:
    write(visitor, case_id, then="keep")
    world.clock.forward(seconds=1)
    world.further_message(case_id, own_text=WITHDRAWN)
    page = visitor.get(f"/cases/{case_id}").text
    found = re.search(r'href="([^"]+)">Verder met uw concept', page)
    assert found
    page = visitor.get(unescape(found[1])).text
    assert "aan deze brief begon" not in page
    given = {"draft": field(page, "draft"), "known": field(page, "known"), "purpose": "status", "language": "nl"}
    visitor.post(f"/cases/{case_id}/letter", {**given, "text": OWN_WORDS, "then": "preview"})
    assert "aan deze brief begon" not in visitor.get(f"/cases/{case_id}/letter/preview").text
    assert send(visitor, case_id).status_code == 303


def test_a_message_that_came_while_a_letter_was_looked_at_stops_it_whatever_was_ticked(
    world: World, visitor: Visitor, case_id: str
) -> None:
    write(visitor, case_id)
    seen = seen_in(visitor.get(f"/cases/{case_id}/letter/preview").text)
    world.clock.forward(seconds=1)
    world.further_message(case_id, own_text=WITHDRAWN)
    answer = visitor.post(f"/cases/{case_id}/letter/send", {**seen, "seen": "y"})
    assert answer.headers["Location"].endswith("/letter/preview")
    assert waiting(world) == []
    assert "aan deze brief begon" in visitor.get(f"/cases/{case_id}/letter/preview").text
    assert send(visitor, case_id, seen="y").status_code == 303


def test_another_draft_than_the_one_that_was_seen_is_not_sent(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    page = visitor.get(f"/cases/{case_id}/letter/preview").text
    seen = seen_in(page)
    write(visitor, case_id, "Iets anders.", "keep")
    answer = visitor.post(f"/cases/{case_id}/letter/send", seen)
    assert answer.status_code == 400
    assert "Iets anders." in answer.text
    assert waiting(world) == []


NO_WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"more": {"from": None}}, "geen adres van de melder bekend"),
    "false sender": ({"more": {"flags": ["dmarc_fail"]}}, "Volgens het domein van de afzender"),
    "machine": ({"automatic": "auto_reply"}, "Een machine heeft dit gestuurd"),
    "ourselves": ({"more": {"from": {"name": "", "address": "Integriteit+x@desk.example"}}}, "geen adres"),
    "no address": ({"more": {"from": {"name": "", "address": "a@b@c, d"}}}, "geen adres"),
    "unread": ({"state": "unreadable"}, "geen adres"),
}


@pytest.mark.parametrize("why", NO_WAYS)
def test_a_reporter_who_cannot_be_written_to_safely_gets_no_form_but_a_reason(
    world: World, visitor: Visitor, why: str
) -> None:
    message, said = NO_WAYS[why]
    case_id = world.new_case(**message).case_id
    page = visitor.get(f"/cases/{case_id}/letter").text
    assert said in page
    assert "<textarea" not in page
    for path in ("", "/send"):
        visitor.post(f"/cases/{case_id}/letter{path}", {"text": "x", "then": "preview", "version": "1", "draft": "1"})
    assert waiting(world) == []


@pytest.mark.parametrize("why", ["unknown", "false sender", "machine", "unread"])
def test_an_address_that_a_person_wrote_down_is_one_to_write_to(world: World, visitor: Visitor, why: str) -> None:
    case_id = world.new_case(**NO_WAYS[why][0]).case_id
    given = {**CONTACT, "email": "appie@thuis.example", "phone": "", "address": ""}
    visitor.post(f"/cases/{case_id}/contact", {"version": visitor.version(case_id), **given})
    write(visitor, case_id)
    assert send(visitor, case_id).status_code == 303
    (row,) = waiting(world)
    with world.database.read() as session:
        assert (
            records.opened_json(session, world.ring, Name(case_id, row.id, RecordKind.OUTGOING))["to"] == given["email"]
        )
        assert lookups.knows_address(session, DESK, case_id, world.index.address(case_id, given["email"]))


def test_a_stranger_who_joined_the_case_is_not_written_to(world: World, visitor: Visitor, case_id: str) -> None:
    stranger = {"from": {"name": "", "address": "vreemd@elders.example"}}
    world.further_message(case_id, sender_is_new=True, more=stranger)
    write(visitor, case_id)
    send(visitor, case_id)
    (row,) = waiting(world)
    with world.database.read() as session:
        copy = records.opened_json(session, world.ring, Name(case_id, row.id, RecordKind.OUTGOING))
    assert copy["to"] == REPORTER


def test_who_wrote_encrypted_is_answered_in_clear_only_after_a_warning(world: World, visitor: Visitor) -> None:
    protection = {"encrypted": "openpgp", "opened": True, "reason": "", "nested": False, "signatures": []}
    case_id = world.new_case(more={"protection": protection}).case_id
    write(visitor, case_id)
    assert "zonder versleuteling" in visitor.get(f"/cases/{case_id}/letter/preview").text
    assert send(visitor, case_id).status_code == 400
    assert send(visitor, case_id, seen="y").status_code == 303


def test_mail_that_did_not_arrive_before_is_said(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    assert "kwam eerder niet aan" not in visitor.get(f"/cases/{case_id}/letter/preview").text
    world.hold_receipt(case_id)
    with world.database.begin() as session:
        session.execute(update(Outbox).values(state=OutboxState.FAILED))
    assert "kwam eerder niet aan" in visitor.get(f"/cases/{case_id}/letter/preview").text


@pytest.mark.parametrize(
    ("found", "said"),
    [("sent", "Verzonden"), ("uncertain", "Onzeker of het is verzonden"), ("failed", "Kon niet worden bezorgd")],
)
def test_the_thread_shows_what_became_of_a_letter(
    world: World, visitor: Visitor, case_id: str, found: str, said: str
) -> None:
    write(visitor, case_id)
    send(visitor, case_id)
    with world.database.begin() as session:
        session.execute(update(Outbox).values(state=found, settled_at=world.clock.now))
    (row,) = waiting(world)
    page = visitor.get(f"/cases/{case_id}").text
    assert said in page.split(f'id="letter-{row.id}"')[1].split("</header>")[0]
    assert "De brief terughalen" not in page
    with world.database.begin() as session:
        session.execute(update(Outbox).values(state="sent", bounce_message_id="0" * 32))
    assert "niet is aangekomen" in visitor.get(f"/cases/{case_id}").text


def test_a_letter_stands_between_the_messages_that_it_came_between(
    world: World, visitor: Visitor, case_id: str
) -> None:
    world.clock.forward(minutes=5)
    write(visitor, case_id)
    send(visitor, case_id)
    world.clock.forward(minutes=5)
    second = world.further_message(case_id, own_text="Daar ben ik weer.").message_id
    (row,) = waiting(world)
    page = visitor.get(f"/cases/{case_id}").text
    assert page.index("Rolf Dijkgraaf") < page.index(f'id="letter-{row.id}"') < page.index(f'id="message-{second}"')


def test_a_letter_of_which_the_copy_was_forged_names_no_member(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    send(visitor, case_id)
    (row,) = waiting(world)
    with world.database.begin() as session:
        session.execute(update(Record).where(Record.subject_id == row.id).values(signature=b"x" * 64))
    section = visitor.get(f"/cases/{case_id}").text.split(f'id="letter-{row.id}"')[1].split("</header>")[0]
    assert "j.coordinator" not in section


def test_words_that_were_put_into_a_letter_do_not_become_a_members_draft(
    world: World, visitor: Visitor, case_id: str
) -> None:
    write(visitor, case_id, purpose="ask")
    send(visitor, case_id, move_on="y")
    (row,) = waiting(world)
    with world.database.begin() as session:
        session.execute(update(Record).where(Record.subject_id == row.id).values(signature=b"x" * 64))
    visitor.post(f"/cases/{case_id}/letter/{row.id}/back")
    assert state(world) == [OutboxState.CANCELLED]
    assert "volgende week" not in text_of(visitor.get(f"/cases/{case_id}/letter").text)


def test_a_draft_that_meldpost_did_not_write_has_no_effect(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id, "Echt.", "keep")
    with world.database.begin() as session:
        session.execute(update(Record).where(Record.kind == RecordKind.DRAFT).values(signature=b"x" * 64))
    assert "Echt." not in visitor.get(f"/cases/{case_id}/letter").text
    assert visitor.get(f"/cases/{case_id}/letter/preview").status_code == 303


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SECRETARY_GENERAL, Role.ADMINISTRATOR])
def test_who_may_not_write_has_no_way_to(world: World, case_id: str, role: Role) -> None:
    someone = member(world, role)
    assert someone.get(f"/cases/{case_id}/letter").status_code in (403, 404)
    assert someone.post(f"/cases/{case_id}/letter/send", {}).status_code in (403, 404)
    assert waiting(world) == []


def test_personal_mail_spends_nothing_of_what_receipts_have(world: World, visitor: Visitor, case_id: str) -> None:
    write(visitor, case_id)
    send(visitor, case_id)
    with world.database.read() as session:
        since = world.clock.now - timedelta(days=1)
        assert outbox.recent_count_in_case(session, case_id, since) == 0
        assert outbox.recent_count_in_all(session, DESK, since) == 0


def test_who_did_not_open_who_reported_writes_all_the_same_and_is_told_nothing_of_them(
    world: World, case_id: str
) -> None:
    visitor = coordinator(world, reason="")
    pages = [write(visitor, case_id, files=(io.BytesIO(b"x"), "uitleg.pdf")).text]
    pages.append(visitor.get(f"/cases/{case_id}/letter").text)
    pages.append(visitor.get(f"/cases/{case_id}/letter/preview").text)
    assert send(visitor, case_id).status_code == 303
    (row,) = waiting(world)
    pages.append(visitor.get(f"/cases/{case_id}").text)
    assert all(REPORTER not in page for page in pages)
    section = pages[-1].split(f'id="letter-{row.id}"')[1].split("</article>")[0]
    assert "In de wachtrij" in section
    assert "volgende week" not in section  # what was written may name them
    assert "uitleg.pdf" not in section
    with world.database.read() as session:
        copy = records.opened_json(session, world.ring, Name(case_id, row.id, RecordKind.OUTGOING))
    (file,) = copy["files"]
    assert visitor.get(f"/cases/{case_id}/letter/files/{file['id']}").status_code == 403
    assert visitor.post(f"/cases/{case_id}/letter/{row.id}/back").status_code == 303
    assert "volgende week" in text_of(visitor.get(f"/cases/{case_id}/letter").text)
