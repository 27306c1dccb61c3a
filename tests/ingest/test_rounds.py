import base64
import email
import email.policy
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

import ingest.rounds
from cases.lifecycle import Status
from cases.roles import Role
from cases.terms import DueKind
from config.settings import MailboxSettings
from config.taxonomy import MissingField, Severity
from ingest.claims import claimed
from ingest.housekeeping import tidy
from ingest.rounds import RoundResult, ingest_files
from ingest.sources.imap import Account, BadReply, ConnectionLost
from notify.catalogue import catalogue_for
from store import dues, ledger, mailboxes, mailer_contact
from store.audit import Action
from store.keyring import DeskKeyDiffers
from store.outbox import Mail
from store.schema import CaseFile
from tests.ingest.conftest import Dovecot, NewOffice
from tests.ingest.office import ADDRESS, COORDINATOR, DESK, REPORT, Office, mail
from tests.store.office import opened_kinds


def opened(sent: Mail) -> EmailMessage:
    return email.message_from_bytes(sent.mime, policy=email.policy.default)  # type: ignore[arg-type]


# taking in


def test_a_mail_becomes_a_sealed_case_with_a_receipt_and_is_moved(any_dovecot: Dovecot, new_office: NewOffice) -> None:
    account = any_dovecot.account()
    office = new_office(account)
    sent = mail()
    any_dovecot.deliver(account, sent)
    assert office.take_in() == RoundResult(taken=1, queued=True)
    assert any_dovecot.bodies(account) == []
    assert any_dovecot.bodies(account, "Verwerkt") == [sent]
    (case,) = office.cases()
    (message,) = case.messages
    assert message.content["subject"] == "melding"
    assert message.content["from"] == {"name": "Appie Ramdin", "address": "appie@home.example"}
    assert case.contact["phone"]
    assert {due.kind for due in case.dues} >= {DueKind.RECEIPT, DueKind.FIRST_LOOK, DueKind.FEEDBACK}
    waiting = office.outgoing()
    assert sorted(each.recipient for each in waiting) == ["appie@home.example", COORDINATOR]
    receipt = opened(next(each for each in waiting if each.recipient != COORDINATOR))
    assert receipt["In-Reply-To"] == "<1.abc@home.example>"
    assert case.reference in receipt.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_mail_about_a_member_begins_without_them_and_with_the_second_recipient(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    deputy = office.join("anna", Role.DEPUTY)
    second = office.join("sg", Role.SECRETARY_GENERAL)
    office.set_people(
        {office.ring.member_id: "Rolf Dijkgraaf", deputy.member_id: "Anna de Boer"}, second_recipient=second.member_id
    )
    dovecot.deliver(account, mail())
    assert office.take_in() == RoundResult(taken=1, queued=True)
    (case_id,) = office.case_ids()
    assert opened_kinds(office.database, office.ring, case_id) == set()
    for ring in (deputy, second):
        assert opened_kinds(office.database, ring, case_id) == {"case", "identity", "trail"}
    told = sorted(each.recipient for each in office.outgoing())
    assert told == ["anna@ministry.example", "appie@home.example", "sg@ministry.example"]


def test_a_second_round_does_nothing(dovecot: Dovecot, office: Office, account: MailboxSettings) -> None:
    dovecot.deliver(account, mail())
    office.take_in()
    assert office.take_in() == RoundResult()
    assert len(office.case_ids()) == 1


def test_mails_are_taken_in_whatever_their_flags(dovecot: Dovecot, office: Office, account: MailboxSettings) -> None:
    """mail-cases 8"""
    for number, flag in enumerate((b"\\Seen", b"\\Deleted", b"\\Answered", b"\\Draft")):
        dovecot.deliver(account, mail(number), flags=(flag,))
    assert office.take_in().taken == 4
    assert dovecot.uids(account) == []


def test_a_round_ends_after_its_share_and_says_that_there_is_more(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.rounds, "MOST_MAILS", 2)
    dovecot.deliver(account, *(mail(number) for number in range(3)))
    assert office.take_in() == RoundResult(taken=2, more=True, queued=True)
    assert office.take_in() == RoundResult(taken=1, queued=True)
    assert len(office.case_ids()) == 3


def test_a_round_notes_when_it_looked_and_what_has_no_result_yet(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 33, 35"""
    monkeypatch.setattr(ingest.rounds, "MOST_MAILS", 2)
    dovecot.deliver(account, *(mail(number) for number in range(3)))
    for waiting in (1, 0):
        before = office.database.now()
        office.take_in()
        with office.database.read() as session:
            (look,) = mailboxes.looks(session, DESK)
        assert look.waiting == waiting
        assert look.looked_at >= before
    with office.database.read() as session:
        assert mailboxes.lying(session, DESK) == {look.account: 3}


def test_all_folders_are_read_and_a_missing_one_stops_nothing_but_the_mailbox_is_not_read(
    dovecot: Dovecot, new_office: NewOffice, caplog: pytest.LogCaptureFixture
) -> None:
    account = dovecot.account(folders=("INBOX", "Nowhere", "Junk"))
    office = new_office(account)
    with dovecot.client(account) as client:
        client.create_folder("Junk")
    dovecot.deliver(account, mail(1))
    dovecot.deliver(account, mail(2), folder="Junk")
    assert office.take_in() == RoundResult(taken=2, queued=True, missing=("Nowhere",))
    assert len(dovecot.uids(account, "Verwerkt")) == 2
    assert "main: folders that are not on the server: Nowhere" in caplog.text
    with office.database.read() as session:
        assert mailboxes.looks(session, DESK) == ()
    with dovecot.client(account) as client:
        client.create_folder("Nowhere")
    assert office.take_in() == RoundResult()
    with office.database.read() as session:
        assert [look.waiting for look in mailboxes.looks(session, DESK)] == [0]


def unfinished(office: Office) -> list[int]:
    with office.database.read() as session:
        return [entry.place.uid for entry in ledger.unfinished(session, "main")]


def test_a_mail_that_left_before_it_was_fetched_is_gone_and_not_begun_for_ever(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 2"""
    dovecot.deliver(account, mail(1), mail(2))
    announce = Account.announce

    def person_is_faster(self: Account, uid: int) -> Any:
        if uid == 1:
            with dovecot.client(account) as client:
                client.delete_messages([1])
                client.expunge()
        return announce(self, uid)

    with monkeypatch.context() as patch:
        patch.setattr(Account, "announce", person_is_faster)
        assert office.take_in() == RoundResult(taken=1, queued=True)
    assert unfinished(office) == [1]
    assert office.take_in() == RoundResult()
    assert unfinished(office) == []


def test_a_mail_that_cannot_be_fetched_is_named_with_how_often(
    dovecot: Dovecot,
    office: Office,
    account: MailboxSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dovecot.deliver(account, mail(1))

    def garbage(self: Account, uid: int, size: int) -> Any:
        raise BadReply("garbage")

    monkeypatch.setattr(Account, "fetch", garbage)
    for times in (1, 2):
        assert office.take_in().left == 1
        assert f"main: uid 1: not fetched, {times} times by now" in caplog.text
    with office.database.read() as session:
        (entry,) = ledger.unfinished(session, "main")
    assert (entry.place.uid, entry.fetch_failures) == (1, 2)


# nothing twice


def test_a_copy_with_other_trace_fields_is_a_duplicate_and_is_moved(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 16"""
    dovecot.deliver(account, mail(), b"Received: from elsewhere; now\r\nX-Spam: no\r\n" + mail(), mail())
    assert office.take_in() == RoundResult(taken=1, duplicates=2, queued=True)
    assert dovecot.uids(account) == []
    assert len(office.case_ids()) == 1
    assert len(office.receipts()) == 1


def test_the_same_message_id_with_other_content_is_a_new_mail_and_flagged(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 18"""
    dovecot.deliver(account, mail(), mail(text="Iets anders"))
    assert office.take_in().taken == 2
    flags = [case.messages[0].content["flags"] for case in office.cases()]
    assert sorted(flags) == [[], ["message_id_seen_before"]]


def test_mails_without_message_id_are_taken_in_each(dovecot: Dovecot, office: Office, account: MailboxSettings) -> None:
    """mail-cases 14, 15"""
    without = [mail(text=text).replace(b"Message-ID: <1.abc@home.example>\r\n", b"") for text in ("een", "twee")]
    dovecot.deliver(account, *without, without[0].replace(b"Subject", b"Message-ID: <>\r\nSubject"))
    assert office.take_in().taken == 3


def test_a_folder_that_was_made_anew_is_rescanned_without_second_cases(dovecot: Dovecot, new_office: NewOffice) -> None:
    """mail-cases 6"""
    account = dovecot.account(folders=("Post",))
    office = new_office(account)
    for mails, result in (
        ((mail(1), mail(2)), RoundResult(taken=2, queued=True)),
        ((mail(2), mail(1), mail(3)), RoundResult(taken=1, duplicates=2, queued=True)),
    ):
        with dovecot.client(account) as client:
            client.create_folder("Post")
        dovecot.deliver(account, *mails, folder="Post")
        assert dovecot.uids(account, "Post")[0] == 1
        assert office.take_in() == result
        with dovecot.client(account) as client:
            client.delete_folder("Post")
    assert len(office.case_ids()) == 3


def test_another_mailbox_behind_the_same_name_and_numbers_loses_no_mail(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 6, 7"""
    taken, other = mail(1), mail(2)
    dovecot.deliver(account, taken)
    office.take_in()
    dovecot.deliver(account, other)
    with office.database.begin() as session:  # as if the first had lain there, in a mailbox that is gone now
        session.execute(text("update ledger set uid = 2, moved_at = null, done_uid = null"))
    assert office.take_in().taken == 1
    assert len(office.case_ids()) == 2
    assert dovecot.uids(account) == []
    dovecot.deliver(account, taken)
    assert office.take_in() == RoundResult(duplicates=1)


def test_a_mail_that_a_person_removes_between_commit_and_move_is_one_case_and_stops_nothing(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 2, 3, 4, 5"""
    dovecot.deliver(account, mail(1), mail(2))
    set_aside = Account.set_aside

    def person_is_faster(self: Account, uid: int, *args: Any, **more: Any) -> Any:
        if uid == 1:
            with dovecot.client(account) as client:
                client.delete_messages([1])
                client.expunge()
        return set_aside(self, uid, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Account, "set_aside", person_is_faster)
        assert office.take_in().taken == 2
    assert office.take_in() == RoundResult()
    assert len(office.case_ids()) == 2


def test_the_same_mail_in_two_folders_is_one_case(dovecot: Dovecot, new_office: NewOffice) -> None:
    """mail-cases 16, 22"""
    account = dovecot.account(folders=("INBOX", "Important"))
    office = new_office(account)
    with dovecot.client(account) as client:
        client.create_folder("Important")
    sent = mail(1)
    dovecot.deliver(account, sent)
    dovecot.deliver(account, sent, folder="Important")
    assert office.take_in() == RoundResult(taken=1, duplicates=1, queued=True)
    assert dovecot.uids(account, "Important") == dovecot.uids(account) == []


def test_an_older_mail_that_comes_after_a_newer_one_is_taken_in(
    dovecot: Dovecot, account: MailboxSettings, office: Office
) -> None:
    """mail-cases 21: as when a person moves a report out of the junk folder"""
    long_ago = datetime.now(UTC) - timedelta(days=40)
    old = re.sub(rb"Date: [^\r]+", b"Date: " + format_datetime(long_ago).encode(), mail(2))
    with dovecot.client(account) as client:
        client.create_folder("Junk")
        client.append("Junk", old, msg_time=long_ago)
        client.append("INBOX", mail(1))
        assert office.take_in().taken == 1
        client.select_folder("Junk")
        client.move(client.search(), "INBOX")
    assert dovecot.uids(account) == [2]
    assert office.take_in().taken == 1
    assert old in office.raws()


def test_a_mail_of_a_case_that_was_destroyed_is_known_and_not_taken_in_again(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 19"""
    sent = mail()
    dovecot.deliver(account, sent)
    office.take_in()
    with office.database.begin() as session:  # destroying a case takes all its rows and leaves the ledger's
        session.execute(text("update ledger set case_id = null, message_id = null"))
    dovecot.deliver(account, sent)
    assert office.take_in() == RoundResult(duplicates=1)


def test_a_mail_that_was_committed_but_not_moved_is_only_moved(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 5"""
    dovecot.deliver(account, mail())

    def crash(*_: object, **__: object) -> None:
        raise ConnectionLost("as if killed before the move")

    with monkeypatch.context() as patch:
        patch.setattr(Account, "set_aside", crash)
        office.take_in()
    assert dovecot.uids(account) == [1]
    assert office.take_in() == RoundResult()
    assert dovecot.uids(account) == []
    assert len(office.case_ids()) == 1


def test_a_copy_begun_before_a_crash_is_found_and_not_made_again(
    dovecot_without_move: Dovecot, new_office: NewOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = dovecot_without_move
    account = server.account()
    office = new_office(account)
    server.deliver(account, mail(1), mail(2))

    def crash(*_: object) -> None:
        raise ConnectionLost("as if killed between COPY and EXPUNGE")

    with monkeypatch.context() as patch:
        patch.setattr(Account, "_expunge_one", crash)
        office.take_in()
    assert len(server.uids(account)) == 2
    assert len(server.uids(account, "Verwerkt")) == 2
    office.take_in()
    assert server.uids(account) == []
    assert len(server.uids(account, "Verwerkt")) == 2
    assert len(office.case_ids()) == 2


def test_a_mail_that_another_daemon_takes_in_at_the_same_moment_is_one_case(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 20"""
    sent = mail()
    dovecot.deliver(account, sent)
    office.take_in()
    dovecot.deliver(account, sent)
    find, calls = ledger.find_by_digest, iter((True,))
    monkeypatch.setattr(ledger, "find_by_digest", lambda *a: None if next(calls, None) else find(*a))
    assert office.take_in() == RoundResult(duplicates=1)
    assert len(office.case_ids()) == 1
    assert len(office.receipts()) == 1


def test_a_mailbox_that_another_process_reads_is_left_alone(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 20"""
    dovecot.deliver(account, mail())
    with claimed(office.database, "main"):
        assert office.take_in() == RoundResult(busy=True)
    assert office.take_in().taken == 1


# poison


def decisions(office: Office) -> list[str]:
    """Why each mail got which receipt, as the trail has it."""
    events = [event for case in office.cases() for event in case.timeline]
    return [event.detail["reason"] for event in events if event.action is Action.RECEIPT_DECIDED]


def test_why_a_mail_that_could_not_be_read_gets_no_receipt_stands_on_the_trail(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings
) -> None:
    """mail-cases 80"""
    office = new_office(account, limits={"max_parse_bytes": 10_000})
    office.reader.poison = b"poison"
    dovecot.deliver(account, mail(1, text="poison"), mail(2, text="x" * 76 + "\n") + b"y" * 20_000, mail(3))
    office.take_in()
    assert sorted(decisions(office)) == ["report", "too_large", "unreadable"]


def test_a_mail_that_kills_its_reader_is_kept_whole_after_two_attempts_and_holds_nothing_up(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 4, 38, 45, 55"""
    office.reader.poison = b"poison"
    bad = mail(1, text="poison")
    dovecot.deliver(account, bad, mail(2))
    assert office.take_in() == RoundResult(taken=2, unreadable=1, queued=True)
    assert office.reader.read_mails == 3
    assert dovecot.uids(account) == []
    assert sorted(case.messages[0].state for case in office.cases()) == ["read", "unreadable"]
    assert [each.recipient for each in office.receipts()] == ["appie@home.example"]


def test_a_mail_above_the_limit_is_kept_whole_unread(dovecot: Dovecot, new_office: NewOffice) -> None:
    """mail-cases 56"""
    account = dovecot.account()
    office = new_office(account, limits={"max_parse_bytes": 10_000})
    large = mail(text="x" * 76 + "\n") + b"y" * 20_000
    dovecot.deliver(account, large)
    assert office.take_in().unreadable == 1
    assert office.reader.read_mails == 0
    assert office.cases()[0].messages[0].state == "too_large"
    assert dovecot.bodies(account, "Verwerkt") == [large]


def test_a_mail_that_breaks_the_connection_is_isolated(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 9, 25"""
    dovecot.deliver(account, *(mail(number) for number in range(4)))
    fetch = Account.fetch

    def garbage(self: Account, uid: int, size: int) -> Any:
        if uid == 2:
            raise BadReply("garbage")
        return fetch(self, uid, size)

    monkeypatch.setattr(Account, "fetch", garbage)
    assert office.take_in() == RoundResult(taken=3, left=1, queued=True)
    assert dovecot.uids(account) == [2]
    for _ in range(3):
        assert office.take_in().left == 1
    monkeypatch.undo()
    assert office.take_in() == RoundResult(taken=1, queued=True)
    assert {case.messages[0].state for case in office.cases()} == {"read"}


def test_a_server_that_hangs_up_at_every_mail_ends_the_round(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(account, *(mail(number) for number in range(6)))

    def gone(self: Account, uid: int) -> Any:
        raise ConnectionLost("gone")

    monkeypatch.setattr(Account, "announce", gone)
    with pytest.raises(ConnectionLost):
        office.take_in()
    assert len(dovecot.uids(account)) == 6


def test_an_error_of_our_own_over_one_mail_stops_no_other(
    dovecot: Dovecot,
    office: Office,
    account: MailboxSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dovecot.deliver(account, mail(1, subject="geheim"), mail(2))
    judge = ingest.take_in.judge

    def broken(fields: Any, *rest: Any) -> Any:
        if ("Subject", "geheim") in fields:
            raise RuntimeError("geheim")
        return judge(fields, *rest)

    monkeypatch.setattr("ingest.take_in.judge", broken)
    assert office.take_in() == RoundResult(taken=1, left=1, queued=True)
    assert office.take_in().left == 1
    assert office.take_in() == RoundResult(taken=1, unreadable=1, queued=True)
    assert "RuntimeError in tests.ingest.test_rounds" in caplog.text
    assert "geheim" not in caplog.text


def test_when_the_database_is_gone_the_round_ends_nothing_is_moved_and_no_attempt_is_counted(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 3, 5, 37"""

    def rename(old: str, new: str) -> None:
        with office.database.begin() as session:
            session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    dovecot.deliver(account, mail(1), mail(2))
    for _ in range(4):
        rename("case_file", "elsewhere")
        with pytest.raises((OperationalError, ProgrammingError)):
            office.take_in()
        rename("elsewhere", "case_file")
    assert dovecot.uids(account) == [1, 2]
    assert office.take_in() == RoundResult(taken=2, queued=True)


# who may be answered


@pytest.mark.parametrize(
    "fields",
    [
        ("Auto-Submitted: auto-replied",),
        ("Precedence: bulk",),
        ("Return-Path: <>",),
        ("List-Id: <x.y>",),
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply",),
    ],
)
def test_automatic_mail_is_kept_and_never_answered(
    dovecot: Dovecot, office: Office, account: MailboxSettings, fields: tuple[str, ...]
) -> None:
    """mail-cases 70, 71, 72, 73, 74, 75, 76, 77"""
    dovecot.deliver(account, mail(fields=fields))
    assert office.take_in().taken == 1
    (case,) = office.cases()
    assert case.messages[0].content["automatic"] in ("auto_reply", "list")
    assert DueKind.FIRST_LOOK in {due.kind for due in case.dues}
    assert office.receipts() == []


def test_who_may_not_be_answered_is_done_with_and_holds_nobody_up(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 44: a sender whom nobody answers is no state of the mailbox."""
    refused = (mail(1, sender=ADDRESS), mail(2, sender="no-reply@home.example"), mail(3, fields=("Return-Path: <>",)))
    dovecot.deliver(account, *refused, mail(4))
    assert office.take_in().taken == 4
    assert dovecot.uids(account) == []
    assert office.take_in() == RoundResult()
    assert [each.recipient for each in office.receipts()] == ["appie@home.example"]


@pytest.mark.parametrize(("sender", "fields"), [("no-reply@home.example", ()), ("a@home.example", ("List-Id: <x.y>",))])
def test_what_a_robot_or_a_list_passes_on_may_be_a_report_and_members_hear_of_it(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sender: str, fields: tuple[str, ...]
) -> None:
    dovecot.deliver(account, mail(sender=sender, fields=fields))
    office.take_in()
    (case,) = office.cases()
    assert {due.kind for due in case.dues} >= {DueKind.FIRST_LOOK, DueKind.FEEDBACK}
    assert [each.recipient for each in office.outgoing()] == [COORDINATOR]


@pytest.mark.parametrize(
    ("sender", "flag"),
    [
        ("", "no_sender"),
        ("Nobody", "no_sender"),
        ('"', "no_sender"),
        ("a@evil.example, <b@good.example>", "several_senders"),
        ("a@home.example\r\nFrom: b@home.example", "several_senders"),
    ],
)
def test_without_one_sender_beyond_doubt_there_is_a_marked_case_and_no_receipt(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sender: str, flag: str
) -> None:
    """mail-cases 41, 42, 43"""
    dovecot.deliver(account, mail(sender=sender))
    assert office.take_in().taken == 1
    assert office.receipts() == []
    assert office.cases()[0].messages[0].content["flags"] == [flag]
    assert decisions(office) == ["no_sender"]


DISOWNED = "Authentication-Results: mx.ministry.example; dmarc=fail header.from=home.example"


def test_a_mail_that_its_domain_disowns_is_a_case_and_its_receipt_waits_for_a_persons_word(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 80: who is only named in From gets nothing by itself."""
    dovecot.deliver(account, mail(fields=(DISOWNED,)))
    office.take_in()
    (case,) = office.cases()
    content = case.messages[0].content
    assert content["flags"] == ["dmarc_fail"]
    assert content["authentication"] == {
        "verdict": "fail",
        "checks": [{"method": "dmarc", "result": "fail", "domain": "home.example", "aligned": True}],
    }
    assert decisions(office) == ["dmarc_fail"]
    assert [each.recipient for each in office.outgoing()] == [COORDINATOR]
    assert {each.kind: each.state for each in case.outgoing} == {"receipt": "held", "notice": "queued"}


def test_a_mail_that_its_domain_disowns_is_from_nobody_whom_the_case_knows(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    receipt = first_receipt(dovecot, office, account)
    with office.database.begin() as session:
        dues.set_due(session, "desk", office.case_ids()[0], DueKind.REMINDER, datetime.now(UTC))
    dovecot.deliver(account, mail(2, fields=(DISOWNED, f"In-Reply-To: {receipt.message_id}")))
    office.take_in()
    (case,) = office.cases()
    assert [message.sender_is_new for message in case.messages] == [False, True]
    assert DueKind.REMINDER in {due.kind for due in case.dues}


@pytest.mark.parametrize(
    ("fields", "sender", "after"),
    [
        ((), "Appie Ramdin <appie@home.example>", "assessing"),
        (("Auto-Submitted: auto-replied",), "Appie Ramdin <appie@home.example>", "awaiting_reporter"),
        ((), "Iemand Anders <anders@elsewhere.example>", "awaiting_reporter"),
        ((DISOWNED,), "Appie Ramdin <appie@home.example>", "awaiting_reporter"),
    ],
    ids=["the reporter", "a robot", "a stranger", "a false sender"],
)
def test_an_answer_of_the_reporter_alone_ends_the_waiting_for_them(
    dovecot: Dovecot, office: Office, account: MailboxSettings, fields: tuple[str, ...], sender: str, after: str
) -> None:
    receipt = first_receipt(dovecot, office, account)
    (case_id,) = office.case_ids()
    with office.database.begin() as session:
        session.get_one(CaseFile, case_id).status = Status.AWAITING_REPORTER
    dovecot.deliver(account, mail(2, sender=sender, fields=(*fields, f"In-Reply-To: {receipt.message_id}")))
    office.take_in()
    (case,) = office.cases()
    assert case.status == after
    steps = [(each.detail, each.by) for each in case.timeline if each.action is Action.STATUS]
    assert steps == ([({"from": "awaiting_reporter", "to": after, "outcome": None}, None)] * (after == "assessing"))


def test_an_answer_takes_a_case_that_waits_for_nobody_nowhere(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    receipt = first_receipt(dovecot, office, account)
    dovecot.deliver(account, mail(2, fields=(f"In-Reply-To: {receipt.message_id}",)))
    office.take_in()
    (case,) = office.cases()
    assert case.status is Status.RECEIVED


def test_where_nobody_says_who_sent_a_mail_nothing_is_said_of_it(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail(fields=(DISOWNED.replace("mx.", "elsewhere."),)))
    office.take_in()
    (case,) = office.cases()
    assert (case.messages[0].content["authentication"], case.messages[0].content["flags"]) == (None, [])
    assert len(office.receipts()) == 1


def test_a_reply_to_of_another_mailbox_is_marked(dovecot: Dovecot, office: Office, account: MailboxSettings) -> None:
    for number, to in enumerate(("victim@elsewhere.example", "other@home.example", "Appie+werk@home.example")):
        dovecot.deliver(account, mail(number, fields=(f"Reply-To: {to}",)))
    office.take_in()
    marked = ["reply_to_elsewhere"]
    assert [case.messages[0].content["flags"] for case in office.cases()] == [marked, marked, []]


def test_a_receipt_goes_to_a_reply_to_only_where_that_is_the_senders_own_mailbox(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 80"""
    for number, to in enumerate(("victim@elsewhere.example", "other@home.example", "appie+werk@home.example")):
        dovecot.deliver(account, mail(number, fields=(f"Reply-To: {to}",)))
    office.take_in()
    assert [each.recipient for each in office.receipts()] == [
        "appie@home.example",
        "appie@home.example",
        "appie+werk@home.example",
    ]


def test_who_names_a_colleague_in_reply_to_sends_them_nothing_and_costs_them_no_receipt(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings
) -> None:
    """mail-cases 73, 80"""
    office = new_office(account, rules={"per_address_per_day": 2})
    for number in range(3):
        fields = (VOUCHED, "Reply-To: appie@home.example")
        dovecot.deliver(account, mail(number, sender="evil@home.example", fields=fields))
    office.take_in()
    assert [each.recipient for each in office.receipts()] == ["evil@home.example"] * 2
    dovecot.deliver(account, mail(10, fields=(VOUCHED,)))
    office.take_in()
    assert [each.recipient for each in office.receipts()] == ["appie@home.example"]


@pytest.mark.parametrize("cap", ["per_address_per_day", "per_domain_per_day", "total_per_hour"])
def test_who_forges_a_reporters_address_costs_them_no_receipt(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings, cap: str
) -> None:
    """mail-cases 73, 74: what waits for a person's word has gone to nobody, and counts against no cap."""
    office = new_office(account, rules={cap: 2})
    dovecot.deliver(account, *(mail(number, fields=(DISOWNED,)) for number in range(3)))
    office.take_in()
    assert office.receipts() == []
    dovecot.deliver(account, mail(10, fields=(VOUCHED,)))
    office.take_in()
    assert [each.recipient for each in office.receipts()] == ["appie@home.example"]


@pytest.mark.parametrize(
    "reply_to", ["a..b(c)@home.example", '"a b"@home.example', "ANTWOORD@home.example", "antwoord+x@home.example"]
)
def test_a_reply_to_that_is_no_good_or_our_own_does_not_cost_the_receipt(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings, reply_to: str
) -> None:
    office = new_office(account, desk={"own_addresses": ["antwoord@home.example"]})
    dovecot.deliver(account, mail(fields=(f"Reply-To: {reply_to}",)))
    office.take_in()
    assert [each.recipient for each in office.receipts()] == ["appie@home.example"]


def test_mail_from_another_desk_of_the_installation_is_our_own(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings
) -> None:
    """mail-cases 75"""
    office = new_office(account, other_desk={"address": "other@ministry.example"})
    dovecot.deliver(account, mail(sender="Other desk <Other+tag@ministry.example>"))
    office.take_in()
    assert decisions(office) == ["own_mail"]
    assert office.outgoing() == []


def test_old_mail_is_answered_only_on_a_persons_word(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    office.understander.report = replace(REPORT, missing_scores={**REPORT.missing_scores, MissingField.PHONE: 0.99})
    with dovecot.client(account) as client:
        client.append("INBOX", mail(), (), datetime.now(UTC) - timedelta(days=4))
    office.take_in()
    assert office.receipts() == []
    (receipt,) = (each for each in office.cases()[0].outgoing if each.kind == "receipt")
    assert receipt.state == "held"
    assert "Binnen 3 maanden nadat u deze bevestiging hebt gekregen" in " ".join((receipt.text or "").split())
    with office.database.read() as session:
        contact = mailer_contact.read(session, office.mailer, office.case_ids()[0])
    assert contact is not None
    assert contact.asked == (MissingField.PHONE,)  # once it is released, it has its reminder like any other


def test_a_first_connection_to_a_full_mailbox_sends_nothing(dovecot: Dovecot, new_office: NewOffice) -> None:
    account = dovecot.account()
    office = new_office(account, rules={"first_connection_max": 2})
    dovecot.deliver(account, *(mail(number, sender=f"a{number}@home.example") for number in range(3)))
    assert office.take_in().taken == 3
    assert office.outgoing() == []
    dovecot.deliver(account, mail(4))
    office.take_in()
    assert [each.recipient for each in office.receipts()] == ["appie@home.example"]


@pytest.mark.parametrize(("in_each", "answered"), [(2, False), (1, True)])
def test_the_folders_of_a_mailbox_are_counted_together_at_the_first_connection(
    dovecot: Dovecot, new_office: NewOffice, in_each: int, answered: bool
) -> None:
    account = dovecot.account(folders=("INBOX", "Junk"))
    office = new_office(account, rules={"first_connection_max": 2})
    with dovecot.client(account) as client:
        client.create_folder("Junk")
    for number in range(in_each):
        dovecot.deliver(account, mail(number, sender=f"a{number}@home.example"))
        dovecot.deliver(account, mail(10 + number, sender=f"b{number}@home.example"), folder="Junk")
    assert office.take_in().taken == 2 * in_each
    assert bool(office.outgoing()) is answered


def test_receipts_to_a_robot_that_changes_its_address_wait_above_the_cap_of_its_domain(
    dovecot: Dovecot, new_office: NewOffice
) -> None:
    """mail-cases 74"""
    account = dovecot.account()
    office = new_office(account, rules={"per_domain_per_day": 2})
    dovecot.deliver(account, *(mail(number, sender=f"robot{number}@home.example") for number in range(4)))
    dovecot.deliver(account, mail(5, sender="person@elsewhere.example"))
    assert office.take_in().taken == 5
    assert sorted(decisions(office)) == ["cap_domain", "cap_domain", "report", "report", "report"]
    assert "person@elsewhere.example" in {each.recipient for each in office.receipts()}


def test_one_case_gets_no_more_than_the_cap(dovecot: Dovecot, new_office: NewOffice) -> None:
    """mail-cases 74: a robot that answers our mail from ever other addresses stays in one case."""
    account = dovecot.account()
    office = new_office(account, rules={"per_case_per_day": 3})
    receipt = first_receipt(dovecot, office, account)
    dovecot.deliver(account, *(reply_to(receipt, 2 + n, sender=f"robot{n}@elsewhere{n}.example") for n in range(5)))
    office.take_in()
    assert sorted(decisions(office)) == ["cap_case"] * 3 + ["neutral"] * 2 + ["report"]
    assert len(office.receipts()) == 2


def test_above_the_cap_of_all_receipts_wait_for_a_persons_word(dovecot: Dovecot, new_office: NewOffice) -> None:
    """mail-cases 74"""
    account = dovecot.account()
    office = new_office(account, rules={"total_per_hour": 3})
    dovecot.deliver(account, *(mail(number, sender=f"a{number}@elsewhere{number}.example") for number in range(4)))
    office.take_in()
    assert sorted(decisions(office)) == ["cap_total", "report", "report", "report"]


@pytest.mark.parametrize(
    "fields", [("Auto-Submitted: auto-replied",), ("X-Auto-Response-Suppress: All",), ("Precedence: auto_reply",), ()]
)
def test_out_of_office_opens_no_closed_case_meets_no_term_and_ends_no_reminder(
    dovecot: Dovecot, office: Office, account: MailboxSettings, fields: tuple[str, ...]
) -> None:
    """mail-cases 76"""
    receipt = first_receipt(dovecot, office, account)
    (case_id,) = office.case_ids()
    with office.database.begin() as session:
        dues.set_due(session, "desk", case_id, DueKind.REMINDER, datetime.now(UTC) + timedelta(days=14))
    before = office.case(case_id).dues
    absent = mail(
        2, fields=(f"In-Reply-To: {receipt.message_id}", *fields), subject="Automatisch antwoord: Bevestiging"
    )
    dovecot.deliver(account, absent)
    office.take_in()
    assert office.case(case_id).dues == before
    with office.database.begin() as session:
        session.execute(text("UPDATE case_file SET status = 'closed'"))
    dovecot.deliver(account, absent.replace(b"<2.abc@", b"<3.abc@"))
    office.take_in()
    (case,) = office.cases()
    assert (case.status, len(case.messages)) == ("closed", 3)
    assert office.outgoing() == []


@pytest.mark.parametrize("date", ["", "gisteren", "Mon, 99 Foo 2026 25:61:00 +9999", "Fri, 01 Jan 2100 00:00:00 +0000"])
def test_a_date_that_makes_no_sense_gives_way_to_the_servers_time_of_arrival(
    dovecot: Dovecot, office: Office, account: MailboxSettings, date: str
) -> None:
    """mail-cases 49"""
    arrived = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
    lines = mail().split(b"\r\n")
    odd = b"\r\n".join(
        f"Date: {date}\r\nResent-Date: {date}".encode() if each.startswith(b"Date:") else each for each in lines
    )
    with dovecot.client(account) as client:
        client.append("INBOX", odd, (), arrived)
    assert office.take_in().taken == 1
    (case,) = office.cases()
    assert case.messages[0].received_at == arrived
    assert len(office.receipts()) == 1


def _nested(levels: int) -> bytes:
    head = (f'Content-Type: multipart/mixed; boundary="{n}"\r\n\r\n--{n}\r\n' for n in range(levels))
    return "".join(head).encode() + b"\r\nik meld\r\n"


@pytest.mark.parametrize(
    "beyond",
    [
        pytest.param(_nested(3000), id="depth"),
        pytest.param(b"Content-Type: multipart/mixed; boundary=q\r\n\r\n" + b"--q\r\n\r\nx\r\n" * 5000, id="parts"),
        pytest.param(b"X-Long: " + b" x\r\n" * 600_000 + b"\r\nik meld\r\n", id="header"),
    ],
)
def test_a_mail_beyond_the_limits_of_the_parser_is_a_case_kept_whole(
    dovecot: Dovecot, office: Office, account: MailboxSettings, beyond: bytes
) -> None:
    """mail-cases 39, 53, 54"""
    sent = b"From: appie@home.example\r\nSubject: melding\r\nMIME-Version: 1.0\r\n" + beyond
    dovecot.deliver(account, sent, mail(2))
    assert office.take_in() == RoundResult(taken=2, unreadable=1, queued=True)
    assert sorted(case.messages[0].state for case in office.cases()) == ["read", "unreadable"]
    assert [each.recipient for each in office.receipts()] == ["appie@home.example"]
    assert sent in dovecot.bodies(account, "Verwerkt")


def test_a_picture_in_the_text_is_told_from_files_and_a_document_with_a_content_id_is_a_file(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 67"""
    picture, document = b"\x89PNG\r\n\x1a\n" + bytes(40), b"%PDF-1.4 " + bytes(40)
    letter = EmailMessage()
    letter["From"], letter["Subject"], letter["Message-ID"] = "appie@home.example", "melding", "<cid@home.example>"
    letter.set_content("Zie de foto.")
    letter.add_alternative('<p>Zie <img src="cid:foto@home.example"></p>', subtype="html")
    html = letter.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(picture, "image", "png", cid="<foto@home.example>", disposition="inline")
    letter.make_mixed()
    letter.attach(MIMEApplication(document, "pdf"))
    pdf = letter.get_payload()[-1]
    pdf["Content-ID"], pdf["Content-Disposition"] = "<bijlage@home.example>", 'attachment; filename="bewijs.pdf"'
    dovecot.deliver(account, letter.as_bytes(policy=email.policy.SMTP))
    office.take_in()
    message = office.cases()[0].messages[0]
    files = [(file["name"], file["inline"], file["content_id"]) for file in message.content["attachments"]]
    assert files[1] == ("bewijs.pdf", False, "bijlage@home.example")
    assert files[0][1:] == (True, "foto@home.example")
    assert message.content["text"].strip() == "Zie de foto."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"Een melding \xf0\x9f\x98\xa1 met \x00 erin", "Een melding \U0001f621 met"),
        (b"Een melding met \xff\xfe en \xed\xa0\x80 erin", "Een melding met"),
    ],
)
def test_emoji_nul_and_broken_utf8_are_a_case_like_any_other_and_the_original_stays(
    dovecot: Dovecot, office: Office, account: MailboxSettings, body: bytes, said: str
) -> None:
    """mail-cases 48"""
    odd = (
        b"From: Appie <appie@home.example>\r\nSubject: melding \xff =?utf-8?q?=00=ED=A0=80?=\r\n"
        b"Message-ID: <odd@home.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(body) + b"\r\n"
    )
    dovecot.deliver(account, odd)
    assert office.take_in() == RoundResult(taken=1, queued=True)
    content = office.cases()[0].messages[0].content
    assert said in content["text"]
    assert "\0" not in content["text"] + content["subject"]
    assert dovecot.bodies(account, "Verwerkt") == [odd]


def test_an_address_beyond_ascii_opens_a_case_and_its_receipt_is_written_to_it_as_it_is(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 83: whether a server can carry it shows when the receipt is handed over."""
    dovecot.deliver(account, mail(sender="J\u00fcrgen <j\u00fcrgen@b\u00fccher.example>"))
    office.take_in()
    (case,) = office.cases()
    assert case.messages[0].content["from"]["address"] == "j\u00fcrgen@b\u00fccher.example"
    (receipt,) = office.receipts()
    assert receipt.recipient == "j\u00fcrgen@xn--bcher-kva.example"
    assert "To: j\u00fcrgen@xn--bcher-kva.example\r\n".encode() in receipt.mime


def test_a_line_break_hidden_in_a_subject_gets_no_field_into_the_receipt(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 84"""
    dovecot.deliver(account, mail(subject="=?utf-8?q?hi=0D=0ABcc:_victim@elsewhere.example?="))
    office.take_in()
    subject = office.cases()[0].messages[0].content["subject"]
    assert not {"\r", "\n"} & set(subject)
    (receipt,) = office.receipts()
    assert opened(receipt)["Bcc"] is None
    assert b"victim" not in receipt.mime


def test_fields_that_look_like_our_own_steer_nothing_and_are_not_kept_as_such(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 99"""
    receipt = first_receipt(dovecot, office, account)
    (first,) = office.cases()
    forged = (f"X-Meldpost-Case: {first.case_id}", f"X-Meldpost-Reference: {first.reference}", "X-Meldpost-Receipt: no")
    dovecot.deliver(account, mail(2, fields=forged))
    office.take_in()
    second = office.cases()[1]
    assert len(office.receipts()) == 1
    assert not [name for name, _ in second.messages[0].content["headers"] if name.lower().startswith("x-meldpost")]
    assert receipt.recipient == "appie@home.example"


def test_one_address_gets_no_more_than_the_cap(dovecot: Dovecot, new_office: NewOffice) -> None:
    """mail-cases 73"""
    account = dovecot.account()
    office = new_office(account, rules={"per_address_per_day": 2})
    dovecot.deliver(account, *(mail(number) for number in range(4)))
    assert office.take_in().taken == 4
    assert len(office.receipts()) == 2
    states = [each.state for case in office.cases() for each in case.outgoing if each.kind == "receipt"]
    assert states == ["queued", "queued", "held", "held"]


def test_a_receipt_asks_only_for_what_is_almost_surely_missing_and_what_it_asked_is_kept_for_a_reminder(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    scores = {**REPORT.missing_scores, MissingField.PHONE: 0.99, MissingField.ADDRESS: 0.9}
    office.understander.report = replace(REPORT, missing=(MissingField.PHONE,), missing_scores=scores)
    receipt = first_receipt(dovecot, office, account)
    said = opened(receipt).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "telefoonnummer" in said
    with office.database.begin() as session:
        contact = mailer_contact.read(session, office.mailer, office.case_ids()[0])
        dues.set_due(session, "desk", office.case_ids()[0], DueKind.REMINDER, datetime.now(UTC))  # as when it is sent
    assert contact == mailer_contact.Contact("appie@home.example", "nl", (MissingField.PHONE,))
    dovecot.deliver(account, reply_to(receipt, 2))
    office.take_in()
    assert DueKind.REMINDER not in {due.kind for due in office.cases()[0].dues}


def test_the_day_that_a_receipt_promises_is_the_day_that_is_due(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    receipt = first_receipt(dovecot, office, account)
    (due,) = (due for due in office.cases()[0].dues if due.kind is DueKind.FEEDBACK)
    promised = due.due_at.astimezone(ZoneInfo("Europe/Amsterdam")).date()
    said = opened(receipt).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"Uiterlijk op {catalogue_for('nl').date(promised)} hoort u" in " ".join(said.split())


def test_a_member_whose_address_is_no_good_holds_up_no_mail(
    dovecot: Dovecot, office: Office, account: MailboxSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with office.database.begin() as session:
        session.execute(text("UPDATE member SET address = 'Jan <jan@ministry.example>'"))
    dovecot.deliver(account, mail())
    assert office.take_in().taken == 1
    assert [each.recipient for each in office.outgoing()] == ["appie@home.example"]
    assert "desk desk: a member gets no notice" in caplog.text
    assert "jan@" not in caplog.text


def test_a_mail_that_cannot_be_understood_gets_the_neutral_receipt(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    office.understander.report = None
    first_receipt(dovecot, office, account)
    (case,) = office.cases()
    assert case.messages[0].content["intake"]["receipt"] == "neutral"
    assert case.messages[0].content["own_text"]


# which case


def reply_to(receipt: Mail, number: int, **more: Any) -> bytes:
    return mail(
        number, fields=(f"In-Reply-To: {receipt.message_id}",), text="Mijn telefoonnummer is 06 24817703.", **more
    )


def first_receipt(dovecot: Dovecot, office: Office, account: MailboxSettings) -> Mail:
    dovecot.deliver(account, mail())
    office.take_in()
    (receipt,) = office.receipts()
    return receipt


def test_an_answer_to_our_mail_joins_its_case(dovecot: Dovecot, office: Office, account: MailboxSettings) -> None:
    """mail-cases 96"""
    receipt = first_receipt(dovecot, office, account)
    dovecot.deliver(account, reply_to(receipt, 2))
    plus = opened(receipt)["Reply-To"]
    dovecot.deliver(account, mail(3, text="Nog iets").replace(f"To: {ADDRESS}".encode(), f"To: {plus}".encode()))
    assert office.take_in().taken == 2
    (case,) = office.cases()
    assert [message.sender_is_new for message in case.messages] == [False, False, False]
    assert DueKind.REMINDER not in {due.kind for due in case.dues}


def test_a_stranger_with_the_token_joins_too_but_is_marked_and_gets_the_neutral_receipt_at_most(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    receipt = first_receipt(dovecot, office, account)
    (before,) = office.cases()
    dovecot.deliver(account, reply_to(receipt, 2, sender="stranger@elsewhere.example"))
    office.take_in()
    (case,) = office.cases()
    assert [message.sender_is_new for message in case.messages] == [False, True]
    assert case.dues == before.dues
    (answer,) = office.receipts()
    assert answer.recipient == "stranger@elsewhere.example"


@pytest.mark.parametrize(
    "field",
    [
        "In-Reply-To: <aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@ministry.example>",
        "In-Reply-To: <1.abc@home.example>",
        "References: <x@other-instance.example>",
    ],
)
def test_ids_that_we_did_not_sign_open_a_new_case(
    dovecot: Dovecot, office: Office, account: MailboxSettings, field: str
) -> None:
    """mail-cases 91, 94, 95"""
    first_receipt(dovecot, office, account)
    dovecot.deliver(account, mail(2, fields=(field,), sender="stranger@elsewhere.example"))
    office.take_in()
    first, second = office.cases()
    assert len(second.messages) == 1
    assert (first.case_id in second.linked_case_ids) == ("1.abc" in field)


def test_an_answer_to_a_merged_case_goes_to_the_survivor(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 97"""
    receipt = first_receipt(dovecot, office, account)
    dovecot.deliver(account, mail(2))
    office.take_in()
    first, second = office.case_ids()
    with office.database.begin() as session:
        merged = "UPDATE case_file SET status = 'merged', merged_into_id = :into WHERE id = :merged"
        session.execute(text(merged), {"into": second, "merged": first})
    dovecot.deliver(account, reply_to(receipt, 3))
    office.take_in()
    assert [message.sender_is_new for message in office.case(second).messages] == [False, False]


VOUCHED = "Authentication-Results: mx.ministry.example; dmarc=pass header.from=home.example"


@pytest.mark.parametrize(
    ("fields", "sender", "joins"),
    [
        ((VOUCHED,), "appie@home.example", True),
        ((), "appie@home.example", False),
        ((VOUCHED.replace("mx.", "mx2."),), "appie@home.example", False),
        ((VOUCHED,), "stranger@home.example", False),
    ],
)
def test_a_reference_joins_only_a_known_sender_for_whom_our_server_vouches(
    dovecot: Dovecot,
    office: Office,
    account: MailboxSettings,
    fields: tuple[str, ...],
    sender: str,
    joins: bool,
) -> None:
    """mail-cases 91"""
    first_receipt(dovecot, office, account)
    (case,) = office.cases()
    dovecot.deliver(account, mail(2, fields=fields, sender=sender, subject=f"Over {case.reference}"))
    office.take_in()
    cases = office.cases()
    assert [len(each.messages) for each in cases] == ([2] if joins else [1, 1])
    if not joins:
        assert case.case_id in cases[1].linked_case_ids


PARTNER = "servicedesk@partner.example"
PARTNER_PASS = "Authentication-Results: mx.ministry.example; dmarc=pass header.from=partner.example"


@pytest.mark.parametrize(
    ("domains", "fields", "sender", "joins"),
    [
        (["partner.example"], (PARTNER_PASS,), PARTNER, True),
        (["partner.example"], (), PARTNER, False),
        ([], (PARTNER_PASS,), PARTNER, False),
        (["partner.example"], (VOUCHED,), "appie@home.example", False),
    ],
)
def test_a_partner_whose_ticket_system_strips_our_references_is_known_by_its_own_number(
    dovecot: Dovecot,
    new_office: NewOffice,
    account: MailboxSettings,
    domains: list[str],
    fields: tuple[str, ...],
    sender: str,
    joins: bool,
) -> None:
    """mail-cases 98: the first answer still names ours; the number in it is what later ones are known by."""
    office = new_office(account, desk={"partner_domains": domains})
    receipt = first_receipt(dovecot, office, account)
    number = "[#2026-4711] Uw vraag"
    dovecot.deliver(
        account,
        reply_to(receipt, 2, sender=PARTNER, subject=f"Re: {number}").replace(
            b"From:", PARTNER_PASS.encode() + b"\r\nFrom:", 1
        ),
    )
    office.take_in()
    dovecot.deliver(account, mail(3, sender=sender, fields=fields, subject=number))
    office.take_in()
    assert [len(case.messages) for case in office.cases()] == ([3] if joins else [2, 1])


def test_a_mail_with_the_numbers_of_two_cases_joins_neither_and_moves_no_number(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings
) -> None:
    """mail-cases 98: else whoever has a case of that partner's gets the mails of another."""
    office = new_office(account, desk={"partner_domains": ["partner.example"]})
    for number, (sender, subject) in enumerate(
        [
            (PARTNER, "Melding [Ticket#11111]"),
            ("other@partner.example", "Melding [Ticket#22222]"),
            ("other@partner.example", "Re: [Ticket#22222] [Ticket#11111]"),
            (PARTNER, "Re: Melding [Ticket#11111]"),
            ("other@partner.example", "Re: Melding [Ticket#22222]"),
        ]
    ):
        dovecot.deliver(account, mail(number, sender=sender, subject=subject, fields=(PARTNER_PASS,)))
        office.take_in()
    first, second, both = office.cases()
    assert [len(case.messages) for case in (first, second, both)] == [2, 2, 1]
    assert set(both.linked_case_ids) & {first.case_id, second.case_id}


def test_a_mail_that_is_in_a_case_by_its_token_takes_no_number_from_another(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings
) -> None:
    """mail-cases 98"""
    office = new_office(account, desk={"partner_domains": ["partner.example"]})
    receipt = first_receipt(dovecot, office, account)
    dovecot.deliver(account, mail(2, sender=PARTNER, subject="[Ticket#11111]", fields=(PARTNER_PASS,)))
    office.take_in()
    answer = reply_to(receipt, 3, sender="other@partner.example", subject="Re: [Ticket#11111]")
    dovecot.deliver(account, f"{PARTNER_PASS}\r\n".encode() + answer)
    office.take_in()
    dovecot.deliver(account, mail(4, sender=PARTNER, subject="Re: [Ticket#11111]", fields=(PARTNER_PASS,)))
    office.take_in()
    assert [[message.content["subject"] for message in case.messages] for case in office.cases()] == [
        ["melding", "Re: [Ticket#11111]"],
        ["[Ticket#11111]", "Re: [Ticket#11111]"],
    ]


@pytest.mark.parametrize(
    ("wished", "fields", "sender", "joins"),
    [
        (True, (VOUCHED,), "appie@home.example", True),
        (True, (), "appie@home.example", False),
        (True, (VOUCHED,), "stranger@home.example", False),
        (False, (VOUCHED,), "appie@home.example", False),
    ],
)
def test_a_second_mail_with_the_same_references_joins_only_where_the_desk_wishes_it(
    dovecot: Dovecot,
    new_office: NewOffice,
    account: MailboxSettings,
    wished: bool,
    fields: tuple[str, ...],
    sender: str,
    joins: bool,
) -> None:
    """mail-cases 92"""
    office = new_office(account, desk={"join_by_references": wished})
    older = "References: <before.us@home.example>"
    dovecot.deliver(account, mail(1, fields=(older,)))
    office.take_in()
    dovecot.deliver(account, mail(2, fields=(older, *fields), sender=sender))
    office.take_in()
    cases = office.cases()
    assert [len(case.messages) for case in cases] == ([2] if joins else [1, 1])
    if not joins:
        assert cases[0].case_id in cases[1].linked_case_ids


def test_a_common_ancestor_that_never_came_to_us_links_two_mails(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 93: each referenced id is indexed, not a mail's own alone."""
    dovecot.deliver(account, mail(1, fields=("References: <ancestor@home.example> <parent@home.example>",)))
    dovecot.deliver(account, mail(2, fields=("In-Reply-To: <ancestor@home.example>",)))
    office.take_in()
    first, second = office.cases()
    assert first.case_id in second.linked_case_ids


def test_mail_to_a_case_whose_key_somebody_exchanged_stays_in_the_mailbox_and_holds_nothing_up(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    receipt = first_receipt(dovecot, office, account)
    with office.database.begin() as session:
        session.execute(text("UPDATE key_pair SET proof = :other WHERE kind = 'case'"), {"other": bytes(32)})
    dovecot.deliver(account, reply_to(receipt, 2), mail(3))
    for _ in range(4):
        office.take_in()
    assert len(dovecot.uids(account)) == 1
    assert [case.messages[0].state for case in office.cases()] == ["read", "read"]


def test_when_the_desks_key_was_exchanged_nothing_is_touched(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail())
    with office.database.begin() as session:
        mailers = "(SELECT public FROM key_pair WHERE kind = 'mailer')"
        session.execute(text(f"UPDATE key_pair SET public = {mailers} WHERE kind = 'recovery'"))
    with pytest.raises(DeskKeyDiffers):
        office.take_in()
    with office.database.read() as session:
        assert session.execute(text("SELECT count(*) FROM ledger")).scalar_one() == 0
    assert len(dovecot.uids(account)) == 1


def test_a_bounce_is_tied_to_the_mail_that_bounced_and_its_case(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 79"""
    receipt = first_receipt(dovecot, office, account)
    (before,) = office.cases()
    bounce = (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@home.example\r\nTo: {receipt.envelope_sender}\r\n"
        "Subject: Undelivered\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nno such user\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; appie@home.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    dovecot.deliver(account, bounce.encode())
    office.take_in()
    (case,) = office.cases()
    assert case.status == before.status
    assert case.messages[-1].content["automatic"] == "bounce"
    assert [each.bounced for each in case.outgoing if each.kind == "receipt"] == [True]
    assert office.outgoing() == []


def test_our_own_mail_that_comes_back_is_joined_and_never_answered(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    """mail-cases 75"""
    receipt = first_receipt(dovecot, office, account)
    dovecot.deliver(account, receipt.mime)
    office.take_in()
    assert office.outgoing() == []


def test_who_forges_a_members_address_does_not_silence_the_notice(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail(1, sender=COORDINATOR))
    office.take_in()
    assert [each.recipient for each in office.outgoing()] == [COORDINATOR, COORDINATOR]  # the receipt, and the notice


@pytest.mark.parametrize(
    ("allowed", "severity", "says_so"),
    [(True, Severity.ACUUT, True), (True, Severity.HOOG, False), (False, Severity.ACUUT, False)],
    ids=["acute", "not acute", "not allowed"],
)
def test_a_notice_says_look_today_of_what_is_acute_where_the_desk_lets_it(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings, allowed: bool, severity: Severity, says_so: bool
) -> None:
    office = new_office(account, desk={"look_today": allowed, "deputy_hours": 3})
    office.understander.report = replace(REPORT, severity=severity)
    dovecot.deliver(account, mail())
    office.take_in()
    (notice,) = (opened(each) for each in office.outgoing() if each.recipient == COORDINATOR)
    body = notice.get_body(("plain",))
    assert body is not None
    assert ("Kijk vandaag nog" in body.get_content()) == says_so
    assert notice["Subject"] == "Er staat iets voor u klaar"
    urgent = [due.due_at for due in office.cases()[0].dues if due.kind is DueKind.URGENT_LOOK]
    taken_in = office.cases()[0].messages[0].taken_in_at
    assert urgent == ([taken_in + timedelta(hours=3)] * says_so)


def test_a_members_robot_that_answers_in_no_form_that_we_know_starts_no_storm(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings
) -> None:
    """mail-cases 71, 73"""
    office = new_office(account, rules={"per_address_per_day": 4})
    dovecot.deliver(account, mail())
    written, number = 0, 1
    for _ in range(9):
        office.take_in()
        for _ in (each for each in office.outgoing() if each.recipient == COORDINATOR):
            written, number = written + 1, number + 1
            dovecot.deliver(account, mail(number, sender=COORDINATOR, subject="Ik ben er niet"))
    assert number < 9
    assert written <= 4


# housekeeping and files


def test_the_done_folder_loses_what_the_ledger_knows_and_nothing_else(
    any_dovecot: Dovecot, new_office: NewOffice
) -> None:
    account = any_dovecot.account(keep_days=0)
    office = new_office(account)
    any_dovecot.deliver(account, mail(1), mail(2))
    office.take_in()
    strange = mail(3)
    any_dovecot.deliver(account, strange, folder="Verwerkt")
    assert tidy(office.settings, office.secrets, "main") == 2
    assert any_dovecot.bodies(account, "Verwerkt") == [strange]
    assert tidy(office.settings, office.secrets, "main") == 0


def test_a_mail_whose_move_was_not_noted_before_a_crash_is_expunged_too(
    dovecot: Dovecot, new_office: NewOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = dovecot.account(keep_days=0)
    office = new_office(account)
    sent = mail(1)
    dovecot.deliver(account, sent, sent, mail(2))

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "mark_moved", lambda *_: None)  # as if killed after each move
        office.take_in()
    assert (len(dovecot.uids(account)), len(dovecot.uids(account, "Verwerkt"))) == (0, 3)
    assert office.take_in() == RoundResult()
    dovecot.deliver(account, mail(3), folder="Verwerkt")
    assert tidy(office.settings, office.secrets, "main") == 3
    assert len(dovecot.uids(account, "Verwerkt")) == 1


def test_what_lies_in_the_place_of_a_mail_of_ours_and_is_another_is_not_expunged(
    dovecot: Dovecot, new_office: NewOffice
) -> None:
    """mail-cases 7"""
    account = dovecot.account(keep_days=0)
    office = new_office(account)
    dovecot.deliver(account, mail(1))
    office.take_in()
    strange = mail(7)
    dovecot.deliver(account, strange, folder="Verwerkt")
    with office.database.begin() as session:  # as if ours had lain there, in a done folder that is gone now
        session.execute(text("update ledger set done_uid = 2"))
    tidy(office.settings, office.secrets, "main")
    assert strange in dovecot.bodies(account, "Verwerkt")


def test_mails_stay_in_the_done_folder_for_keep_days(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail(1))
    office.take_in()
    assert tidy(office.settings, office.secrets, "main") == 0
    assert len(dovecot.uids(account, "Verwerkt")) == 1


def test_files_are_taken_in_once_left_as_they_are_and_answered_only_on_a_persons_word(
    dovecot: Dovecot, office: Office, account: MailboxSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    mails = [mail(number) for number in range(3)]
    for number, each in enumerate(mails):
        (folder / f"{number}.eml").write_bytes(each.replace(b"\r\n", b"\n"))
    seen = []

    def importing() -> Any:
        arguments = (office.settings, office.secrets, "main", [folder], office.reader, office.understander)
        return ingest_files(*arguments, seen.append)

    mails[0] = mails[0].replace(b"Date: ", b"Date: Mon, 02 Mar 2020 08:00:00 +0000\r\nX-Date: ")
    (folder / "0.eml").write_bytes(mails[0])
    assert importing().taken == 3
    assert len(seen) == 3
    assert min(case.messages[0].received_at.year for case in office.cases()) == 2020
    assert min(due.due_at for case in office.cases() for due in case.dues) > datetime.now(UTC)
    assert importing().duplicates == 3
    assert office.outgoing() == []
    assert {each.state for case in office.cases() for each in case.outgoing} == {"held"}
    assert len(list(folder.iterdir())) == 3
    dovecot.deliver(account, mails[1])
    assert office.take_in() == RoundResult(duplicates=1)


def test_logs_name_no_word_of_a_mail(
    dovecot: Dovecot, office: Office, account: MailboxSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office.reader.poison = b"poison"
    dovecot.deliver(account, mail(1), mail(2, text="poison"), mail(1), mail(3, fields=("Auto-Submitted: x",)))
    office.take_in()
    for word in ("appie", "Ramdin", "Dijkgraaf", "melding", "Zinkwerf", "home.example", "24 81"):
        assert word.lower() not in caplog.text.lower()
