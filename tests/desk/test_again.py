"""A message that is read again, by real readers: what was lost is there, and what persons did stays."""

import email.policy
import html
import os
import re
import secrets as random
from collections.abc import Mapping
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from sqlalchemy import select, update

from config.secrets import write_key, write_secret
from config.settings import MailboxSettings
from config.taxonomy import Kind
from desk import again
from desk.timeline import READINGS
from ingest.intake import Intake
from ingest.isolation import ProcessLimits
from ingest.nurseries import nurseries
from ingest.outgoing import Arrival
from ingest.raw import RawMail
from ingest.readers import Readers
from ingest.take_in import take_in
from ingest.understanding import Understanders
from store import casework, ledger, lookups, models
from store.audit import Action
from store.casework import CaseView
from store.ledger import MailPlace
from store.queue import queue_page
from store.records import RecordKind
from store.schema import Record
from tests.desk.world import DESK, Visitor, World, coordinator
from tests.ingest.protection.sealing import WORDS, OpenSSL
from triage import MailText
from triage.linear import Linear
from triage.model import Model

RAW = (
    b"From: Sanne Visser <sanne@thuis.example>\r\n"
    b"To: integriteit@desk.example\r\n"
    b"Subject: Melding\r\n"
    b"Message-ID: <een@thuis.example>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Rolf Dijkgraaf, contractmanager catering, vraagt leveranciers om 10 procent van iedere factuur.\r\n"
    b"Hij neemt steekpenningen aan en laat de facturen daarna zelf goedkeuren. Ik heb de mails gezien.\r\n"
)
NO_MAIL = b"X: y\r\n" * 400_000  # more header lines than a reader takes


@pytest.fixture(scope="session")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> OpenSSL:
    return OpenSSL.in_folder(tmp_path_factory.mktemp("openssl"))


def look(world: World, case_id: str) -> CaseView:
    with world.database.begin() as session:
        return casework.view_case(session, world.ring, case_id, world.clock.now)


def read_again(visitor: Visitor, case_id: str, message_id: str, **more: Any) -> str:
    sent: Mapping[str, Any] = {"version": visitor.version(case_id), **more}
    response = visitor.post(f"/cases/{case_id}/messages/{message_id}/read-again", sent)
    assert response.status_code == 303, response.text
    return visitor.get(f"/cases/{case_id}").text


@pytest.mark.parametrize("state", ["unreadable", "too_large"])
def test_a_mail_that_was_kept_whole_becomes_readable_and_the_trail_tells(world: World, state: str) -> None:
    """mail-cases 45, 56"""
    taken = world.new_case(state=state, raw=RAW)
    page = read_again(coordinator(world), taken.case_id, taken.message_id)
    view = look(world, taken.case_id)
    message = view.messages[0]
    assert message.state == "read"
    assert message.content["subject"] == "Melding"
    assert "10 procent van iedere factuur" in page
    assert "Liet een bericht opnieuw lezen" in page
    assert view.report["kind"] == "melding"
    assert view.contact["email"] == "sanne@thuis.example"
    assert [event.by for event in view.timeline if event.action is Action.READ_AGAIN] == ["j.coordinator"]
    with world.database.read() as session:
        (row,) = queue_page(session, world.ring).rows
        assert lookups.knows_address(
            session, DESK, taken.case_id, world.index.address(taken.case_id, "sanne@thuis.example")
        )
    assert (row.kind, row.primary, row.unreadable) == ("melding", view.report["primary"], False)


def always(kind: str) -> bytes:
    """A model for which every mail is of one kind, as a desk might have trained it."""
    packaged = Model.load()
    head = packaged.heads["kind"]
    bias = np.full_like(head.bias, -20.0)
    bias[[k.value for k in Kind].index(kind)] = 20.0
    heads = {**packaged.heads, "kind": Linear(np.zeros_like(head.weights), bias)}
    return replace(packaged, heads=heads).to_bytes()


def test_a_mail_is_read_again_by_the_desks_own_model_until_a_case_that_it_saw_is_gone(world: World) -> None:
    taken = world.new_case(raw=RAW)
    with world.database.begin() as session:
        models.add(session, world.ring, world.index, always("klacht"), [taken.case_id], {}, world.clock.now)
    read_again(coordinator(world), taken.case_id, taken.message_id)
    assert look(world, taken.case_id).report["kind"] == "klacht"
    with world.database.begin() as session:
        models.add(session, world.ring, world.index, always("advies"), ["0" * 32], {}, world.clock.now)
    read_again(coordinator(world), taken.case_id, taken.message_id)
    assert look(world, taken.case_id).report["kind"] == "klacht"  # as the one before it says
    with world.database.read() as session:
        kept = models.kept(session, world.ring, world.index)
    assert (kept.current, [each.withdrawn for each in kept.versions]) == (1, [False, True])


def test_a_model_that_cannot_be_used_keeps_no_mail_from_being_read(world: World) -> None:
    taken = world.new_case(raw=RAW)
    with world.database.begin() as session:
        models.add(session, world.ring, world.index, b"of another version", [], {}, world.clock.now)
    read_again(coordinator(world), taken.case_id, taken.message_id)
    assert look(world, taken.case_id).report["kind"] == "melding"


def test_a_model_is_handed_over_in_memory_alone(world: World) -> None:
    with nurseries(world.settings, model=always("klacht")) as (_, understanders):
        arguments = psutil.Process(understanders.nursery.pid).cmdline()
        (place,) = re.findall(r"/proc/self/fd/\d+", " ".join(arguments))
        descriptor = Path(f"/proc/{understanders.nursery.pid}/fd") / Path(place).name
        assert str(descriptor.readlink()).startswith("/memfd:model")
        assert understanders.understand(MailText("Melding", "", "", "Mijn chef neemt geld aan.", "")).kind == "klacht"


def test_what_persons_decided_stays_when_a_message_is_read_again(world: World) -> None:
    taken = world.new_case(raw=RAW)
    visitor = coordinator(world)
    decided = {"version": visitor.version(taken.case_id), "value": "klacht"}
    assert visitor.post(f"/cases/{taken.case_id}/decide/kind", decided).status_code == 303
    before = look(world, taken.case_id)
    read_again(visitor, taken.case_id, taken.message_id)
    after = look(world, taken.case_id)
    assert after.report["kind"] == "klacht"
    assert after.messages[0].content["subject"] == "Melding"
    assert after.version == before.version + 1
    assert after.outgoing == before.outgoing == ()
    assert after.messages[0].received_at == before.messages[0].received_at


def test_a_mail_that_cannot_be_read_now_either_is_left_as_it_is(world: World) -> None:
    taken = world.new_case(state="unreadable", raw=NO_MAIL)
    before = look(world, taken.case_id)
    page = read_again(coordinator(world), taken.case_id, taken.message_id)
    assert "kan ook nu niet worden gelezen" in page
    assert "het kon nog steeds niet worden gelezen" in page
    after = look(world, taken.case_id)
    assert (after.version, after.messages[0].state) == (before.version, "unreadable")


def test_the_desk_says_when_a_mail_is_larger_than_it_reads(world: World) -> None:
    taken = world.new_case(state="too_large", raw=RAW * 100)
    limits = world.settings.limits.model_copy(update={"again_max_bytes": 10_000})
    settings = world.settings.model_copy(update={"limits": limits})
    world.serve(settings)
    page = read_again(coordinator(world), taken.case_id, taken.message_id)
    assert "groter dan het loket leest (10 kB)" in page
    assert look(world, taken.case_id).messages[0].state == "too_large"


def test_a_mail_that_was_damaged_in_the_database_is_told_of(world: World) -> None:
    taken = world.new_case(state="unreadable", raw=RAW)
    with world.database.begin() as session:
        raw = (Record.subject_id == taken.message_id, Record.kind == RecordKind.RAW)
        frame = session.scalars(select(Record.frame).where(*raw)).one()
        assert frame is not None
        session.execute(update(Record).where(*raw).values(frame=frame[:-1] + bytes([frame[-1] ^ 1])))
    page = read_again(coordinator(world), taken.case_id, taken.message_id)
    assert "De mail zoals hij kwam kan niet worden geopend" in page


def test_one_message_is_read_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.again.PATIENCE_SECONDS", 0)
    taken = world.new_case(state="unreadable", raw=RAW)
    with again._ONE_AT_A_TIME:
        page = read_again(coordinator(world), taken.case_id, taken.message_id)
    assert "Er wordt net een ander bericht gelezen" in page
    assert look(world, taken.case_id).messages[0].state == "unreadable"


def test_everything_that_may_come_of_a_reading_has_a_sentence_on_the_timeline() -> None:
    assert set(READINGS) == {"read", *again.FAILURES}


def test_of_two_members_at_once_one_wins_and_the_other_is_told(world: World) -> None:
    taken = world.new_case(state="unreadable", raw=RAW)
    first, second = coordinator(world), coordinator(world)
    seen = second.version(taken.case_id)
    read_again(first, taken.case_id, taken.message_id)
    page = read_again(second, taken.case_id, taken.message_id, version=seen)
    assert "Iemand was eerder" in page
    events = [event for event in look(world, taken.case_id).timeline if event.action is Action.READ_AGAIN]
    assert len(events) == 1


def test_a_message_is_read_again_for_members_of_its_desk_alone_and_with_the_token_of_a_page(world: World) -> None:
    taken = world.new_case(state="unreadable", raw=RAW)
    path = f"/cases/{taken.case_id}/messages/{taken.message_id}/read-again"
    assert Visitor(world).post(path, {"version": "1"}).status_code in (400, 403)
    visitor = coordinator(world)
    assert visitor.post(path, {"version": "1", "csrf_token": "x"}).status_code == 400
    assert visitor.post(path, {"version": ""}).status_code == 400
    elsewhere = world.new_case()
    strange = f"/cases/{elsewhere.case_id}/messages/{taken.message_id}/read-again"
    assert visitor.post(strange, {"version": "1"}).status_code == 404
    assert look(world, taken.case_id).messages[0].state == "unreadable"


def test_a_file_of_an_earlier_reading_is_not_offered_any_more(world: World) -> None:
    taken = world.new_case(raw=RAW, files=[("oud.txt", b"oud")])
    old = look(world, taken.case_id).messages[0].content["attachments"][0]["id"]
    visitor = coordinator(world)
    assert visitor.get(f"/cases/{taken.case_id}/attachments/{old}").status_code == 200
    page = read_again(visitor, taken.case_id, taken.message_id)
    assert old not in page
    assert visitor.get(f"/cases/{taken.case_id}/attachments/{old}").status_code == 404


def _take_in(world: World, raw: bytes, limits: ProcessLimits) -> tuple[str, str]:
    """Take a mail in as the daemon does, with readers that may take no more than `limits`."""
    mailbox = MailboxSettings(desk=DESK, host="127.0.0.1", user="box", security="plain")
    settings = world.settings.model_copy(update={"mailboxes": {"box": mailbox}})
    write_key(settings.secrets_dir, f"token-key-{DESK}", os.urandom(32))
    arrival = Arrival(world.clock.now, world.clock.now)
    with Readers(limits) as readers, Understanders() as understanders, RawMail.from_bytes(raw) as mail:
        readers.start()
        understanders.start()
        intake = Intake.prepare(
            settings, world.secrets, "box", world.database, readers, understanders, random.randbelow
        )
        entry = ledger.begin_attempt(world.database, DESK, MailPlace("box", "INBOX", 1, 1))
        take_in(intake, entry, mail, arrival)
    with world.database.read() as session:
        known = ledger.find(session, entry.place)
    assert known is not None
    return str(known.case_id), str(known.message_id)


def test_a_mail_that_killed_its_reader_is_read_by_one_that_may_take_more(world: World) -> None:
    """mail-cases 40, 45: the daemon keeps it whole; a member has it read when readers can."""
    mail = email.message_from_bytes(RAW, policy=email.policy.SMTP)
    assert isinstance(mail, EmailMessage)
    mail.add_attachment(os.urandom(15_000_000), maintype="application", subtype="octet-stream", filename="a.bin")
    case_id, message_id = _take_in(world, mail.as_bytes(), ProcessLimits(memory_bytes=24_000_000))
    assert look(world, case_id).messages[0].state == "unreadable"
    read_again(coordinator(world), case_id, message_id)
    message = look(world, case_id).messages[0]
    assert message.state == "read"
    assert [(file["name"], file["size"]) for file in message.content["attachments"]] == [("a.bin", 15_000_000)]
    assert "10 procent" in message.content["text"]


def test_an_encrypted_mail_is_opened_when_the_key_was_put_in_place(world: World, openssl: OpenSSL) -> None:
    """mail-cases 69"""
    closed = {"encrypted": "smime", "opened": False, "reason": "no_key", "signatures": []}
    taken = world.new_case(own_text="", report={}, more={"protection": closed}, raw=openssl.encrypt())
    visitor = coordinator(world)
    assert "Het is nog steeds versleuteld" in read_again(visitor, taken.case_id, taken.message_id)
    write_secret(world.settings.secrets_dir, f"smime-key-{DESK}", openssl.keys().smime)
    page = read_again(visitor, taken.case_id, taken.message_id)
    assert "was versleuteld" in page
    assert WORDS in html.unescape(re.sub("<[^>]+>", "", page))
    (world.settings.secrets_dir / f"smime-key-{DESK}").unlink()
    assert "Het loket heeft hier geen sleutel" in read_again(visitor, taken.case_id, taken.message_id)
    assert look(world, taken.case_id).messages[0].content["text"].strip() == WORDS
