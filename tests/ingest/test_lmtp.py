"""LMTP over real sockets: what the mail server is told, and what then is in the queue."""

import select as polling
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from sqlalchemy import select

from config.settings import LmtpMailboxSettings, LmtpSettings
from ingest.deliveries import MOST_RECIPIENTS, Deliveries, Envelope
from ingest.raw import RawMail, RawWriter
from ingest.sources import lmtp
from ingest.sources.lmtp import MOST_MAILS, Post, serve
from ingest.take_in import Outcome, Result
from store.outbox import OutboxState
from store.schema import Ledger, Outbox
from tests.databases import Databases
from tests.ingest.office import ADDRESS, Founded, Office, mail, open_office

MAILBOX = {"kind": "lmtp", "desk": "desk"}
LISTEN = {"listen": "127.0.0.1:0", "max_bytes": 200_000, "timeout_seconds": 5}
NewDesk = Callable[..., Office]


@pytest.fixture
def new_desk(databases: Databases, tmp_path: Path, founded: Founded) -> Iterator[NewDesk]:
    with ExitStack() as stack:

        def make(**more: Any) -> Office:
            mailbox = {**MAILBOX, **more.pop("mailbox", {})}
            asked = {"lmtp": LISTEN, **more}
            return stack.enter_context(open_office(tmp_path, founded, mailbox, databases=databases, **asked))

        yield make


@pytest.fixture
def desk(new_desk: NewDesk) -> Office:
    return new_desk()


@pytest.fixture
def patient_desk(new_desk: NewDesk) -> Office:
    """Hangs up on nobody for being silent."""
    return new_desk(lmtp={**LISTEN, "timeout_seconds": 60})


@dataclass
class Serving:
    """One worker's life, in a thread."""

    post: Post
    port: int
    alive: int = 0

    @contextmanager
    def line(self) -> Iterator[smtplib.LMTP]:
        with smtplib.LMTP("127.0.0.1", self.port, local_hostname="mx.example", timeout=30) as line:
            line.ehlo()
            yield line

    @contextmanager
    def silent_line(self) -> Iterator[socket.socket]:
        """That was greeted and has said nothing."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as line:
            assert line.recv(100).startswith(b"220 ")
            yield line


@contextmanager
def serving(office: Office) -> Iterator[Serving]:
    settings = office.settings
    accounts = settings.mailboxes_of(LmtpMailboxSettings)
    recipients = {address: account for account in accounts for address in settings.lmtp_recipients(account)}
    deliveries = Deliveries(settings, office.secrets, office.reader, office.understander)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Serving(Post(settings.lmtp, recipients, deliveries.take_in, lambda _: None), listener.getsockname()[1])

        def live() -> None:
            found.alive += 1

        thread = threading.Thread(target=serve, args=([listener], found.post, live, 0.6))
        thread.start()
        try:
            yield found
        finally:
            thread.join(60)
            deliveries.close()
            assert not thread.is_alive()


def data(line: smtplib.LMTP, content: bytes) -> list[bytes]:
    """DATA with these very bytes, up to the last answer; gives all answers."""
    line.docmd("DATA")
    line.send(content + b"\r\n.\r\n")
    line.send(b"NOOP\r\n")
    answers = []
    while (answer := line.getreply())[1] != b"2.0.0 OK":
        answers.append(b"%d %s" % answer)
    return answers


def envelope(line: smtplib.LMTP, *recipients: str, sender: str = "<appie@home.example>") -> list[int]:
    line.docmd("MAIL", f"FROM:{sender}")
    return [line.docmd("RCPT", f"TO:<{recipient}>")[0] for recipient in recipients]


def test_a_mail_is_a_case_when_the_mail_server_is_told_so(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        assert line.sendmail("appie@home.example", [ADDRESS], mail()) == {}
        assert len(desk.case_ids()) == 1
    (receipt,) = desk.receipts()
    assert receipt.recipient == "appie@home.example"


def test_what_is_kept_is_the_mail_as_it_came_under_what_the_envelope_said(desk: Office) -> None:
    sent = b"From: a@home.example\r\n\r\n..dots\r\n.\n.\r\nlone LF\nend\r\0" + b"x" * 100_000
    with serving(desk) as server, server.line() as line:
        envelope(line, f"{ADDRESS.replace('@', '+tag@')}")
        stuffed = b"\r\n".join(b"." + part if part.startswith(b".") else part for part in sent.split(b"\r\n"))
        assert data(line, stuffed) == [b"250 2.0.0 Taken in"]
    expected = (
        b"Return-Path: <appie@home.example>\r\nDelivered-To: integriteit+tag@ministry.example\r\n" + sent + b"\r\n"
    )
    assert desk.raws() == [expected]


def test_an_unknown_recipient_is_refused_and_the_others_are_served(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        assert envelope(line, "someone@ministry.example", ADDRESS, "no-address") == [550, 250, 550]
        assert data(line, mail()) == [b"250 2.0.0 Taken in"]
        assert envelope(line, "someone@ministry.example") == [550]
        assert line.docmd("DATA")[0] == 503
    assert len(desk.case_ids()) == 1


def test_every_address_of_the_desk_is_taken_in_with_any_tag_and_one_mail_to_two_of_them_is_one_case(
    new_desk: NewDesk,
) -> None:
    desk = new_desk(desk={"bounce_address": "bounces@ministry.example", "own_addresses": ["oud@ministry.example"]})
    to = ["Integriteit+x@Ministry.Example", "bounces+b0123@ministry.example", "oud@ministry.example"]
    with serving(desk) as server, server.line() as line:
        assert envelope(line, *to) == [250, 250, 250]
        assert data(line, mail()) == [b"250 2.0.0 Taken in"] * 3
    assert len(desk.case_ids()) == 1
    assert len(desk.receipts()) == 1


def test_one_mail_to_two_desks_is_a_case_at_each_and_one_may_fail_alone(new_desk: NewDesk) -> None:
    """mail-cases 17"""
    other = {"address": "steunpunt@ministry.example"}
    desk = new_desk(
        other_desk=other,
        mailboxes={"main": MAILBOX, "second": {"kind": "lmtp", "desk": "other"}},
    )
    with serving(desk) as server, server.line() as line:
        envelope(line, "steunpunt@ministry.example", ADDRESS)
        # the other desk's keys are not in this database: for that desk the mail cannot be taken in
        assert data(line, mail()) == [b"451 4.3.0 Not taken in now, please try again", b"250 2.0.0 Taken in"]
    (raw,) = desk.raws()
    assert b"steunpunt" not in raw


def test_a_mail_that_comes_again_is_no_second_case_and_gets_the_same_word(desk: Office) -> None:
    content = mail()
    with serving(desk) as server, server.line() as line:
        for received in (b"", b"Received: from a by b; Mon, 2 Mar 2026 08:00:00 +0000\r\n"):
            envelope(line, ADDRESS)
            assert data(line, received + content) == [b"250 2.0.0 Taken in"]
    assert len(desk.case_ids()) == 1
    assert len(desk.receipts()) == 1


def test_a_mail_with_the_null_reverse_path_gets_no_receipt(desk: Office) -> None:
    """mail-cases 70"""
    with serving(desk) as server, server.line() as line:
        envelope(line, ADDRESS, sender="<>")
        assert data(line, b"Return-Path: <appie@home.example>\r\n" + mail()) == [b"250 2.0.0 Taken in"]
    assert len(desk.case_ids()) == 1
    assert desk.receipts() == []


@pytest.mark.parametrize(
    "sender",
    [
        "<foo..bar@home.example>",
        '<"jan de boer"@home.example>',
        "<@relay.example,@b.example:jan@home.example>",
        "<jan.@home.example>",
        "<j\u00e4n@b\u00fccher.example> SMTPUTF8",
        "<jan@home.example> BODY=8BITMIME SIZE=1000",
        "<a\rb\0@x.example>",
    ],
)
def test_no_sender_is_refused_for_how_the_address_is_written(desk: Office, sender: str) -> None:
    with serving(desk) as server, server.line() as line:
        line.command_encoding = "utf-8"
        line.send(f"MAIL FROM:{sender}\r\n".encode())
        assert line.getreply()[0] == 250
        line.docmd("RCPT", f"TO:<{ADDRESS}>")
        assert data(line, mail()) == [b"250 2.0.0 Taken in"]
    (raw,) = desk.raws()
    assert raw.startswith(b"Return-Path: <")
    assert raw.split(b"\r\n")[1] == f"Delivered-To: {ADDRESS}".encode()


def test_a_mail_that_is_too_large_is_refused_and_the_connection_goes_on(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        assert line.docmd("MAIL", "FROM:<a@home.example> SIZE=200001") == (
            552,
            b"5.3.4 Error: message size exceeds fixed maximum message size",
        )
        envelope(line, ADDRESS, ADDRESS)
        assert data(line, b"x\r\n" * 100_000) == [b"552 5.3.4 Larger than this desk takes in"] * 2
        envelope(line, ADDRESS)
        assert data(line, mail()) == [b"250 2.0.0 Taken in"]
    assert len(desk.case_ids()) == 1


def test_lines_of_any_length_are_taken_as_they_are(desk: Office) -> None:
    content = b"From: a@home.example\r\n\r\n" + b"x" * 150_000
    with serving(desk) as server, server.line() as line:
        envelope(line, ADDRESS)
        assert data(line, content) == [b"250 2.0.0 Taken in"]
    (raw,) = desk.raws()
    assert raw.endswith(b"\r\n" + b"x" * 150_000 + b"\r\n")


def test_any_content_comes_through_as_it_was_sent() -> None:
    """Before any of it is read: the protocol alone, with what hypothesis thinks of."""
    received: list[bytes] = []

    def keep(_: str, body: RawMail, __: Envelope) -> Outcome:
        received.append(b"".join(body.chunks()))
        return Outcome(Result.TAKEN)

    settings = LmtpSettings(listen="127.0.0.1:0", max_bytes=2_000_000)
    pieces = st.sampled_from([b".", b"..", b"\r\n", b"\n", b"\r", b"\r\n.", b"\n.\n", b"\0", b"x", b"y" * 66_000, b" "])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        post = Post(settings, {ADDRESS: "main"}, keep, lambda _: None)
        worker = threading.Thread(target=serve, args=([listener], post, lambda: None, 0.6))
        worker.start()
        with smtplib.LMTP("127.0.0.1", listener.getsockname()[1], local_hostname="mx.example", timeout=30) as line:
            line.ehlo()

            @settings_of_hypothesis(max_examples=150, deadline=None)
            @given(st.lists(pieces, max_size=12).map(b"".join))
            def comes_through(content: bytes) -> None:
                envelope(line, ADDRESS)
                line.docmd("DATA")
                stuffed = b"\r\n".join(
                    b"." + part if part.startswith(b".") else part for part in content.split(b"\r\n")
                )
                line.send(stuffed + b"\r\n.\r\n")
                assert line.getreply()[0] == 250
                assert received.pop() == content + b"\r\n"
                post.mails = 0

            comes_through()
        worker.join(30)


def test_only_cr_lf_ends_a_mail(desk: Office) -> None:
    smuggled = b"a\n.\nMAIL FROM:<x@y>\r.\rRCPT\n.\r\nmore"
    with serving(desk) as server, server.line() as line:
        envelope(line, ADDRESS)
        assert data(line, b"From: a@home.example\r\n\r\n" + smuggled) == [b"250 2.0.0 Taken in"]
    (raw,) = desk.raws()
    assert smuggled in raw


def test_commands_may_come_all_at_once(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        both = b"".join(
            b"MAIL FROM:<a@home.example>\r\nRCPT TO:<" + ADDRESS.encode() + b">\r\nDATA\r\n" + mail(n) + b"\r\n.\r\n"
            for n in (1, 2)
        )
        line.send(both)
        replies = [line.getreply()[0] for _ in range(8)]
    assert replies == [250, 250, 354, 250] * 2
    assert len(desk.case_ids()) == 2


def test_what_it_can_do_is_said(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        assert set(line.esmtp_features) == {"size", "8bitmime", "smtputf8", "pipelining", "enhancedstatuscodes"}
        assert line.docmd("EHLO", "x")[0] == 500
        assert line.docmd("VRFY", ADDRESS)[0] == 252


def test_an_empty_mail_is_a_mail(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        envelope(line, ADDRESS)
        line.docmd("DATA")
        line.send(b".\r\n")
        assert line.getreply()[0] == 250
    assert len(desk.case_ids()) == 1


def test_a_connection_that_breaks_in_the_middle_of_a_mail_leaves_nothing(desk: Office) -> None:
    with serving(desk) as server:
        with server.line() as line:
            envelope(line, ADDRESS)
            line.docmd("DATA")
            line.send(mail()[:300])
            line.close()
        with server.line() as line:
            envelope(line, ADDRESS)
            assert data(line, mail()) == [b"250 2.0.0 Taken in"]
    assert len(desk.case_ids()) == 1


def test_a_slow_connection_holds_no_other_up(desk: Office) -> None:
    content = mail(1)
    with serving(desk) as server, server.line() as slow:
        envelope(slow, ADDRESS)
        slow.docmd("DATA")
        slow.send(content[:300])
        with server.line() as line:
            envelope(line, ADDRESS)
            assert data(line, mail(2, sender="b@home.example")) == [b"250 2.0.0 Taken in"]
        slow.send(content[300:] + b"\r\n.\r\n")
        assert slow.getreply()[0] == 250
    assert len(desk.case_ids()) == 2
    assert any(raw.endswith(content + b"\r\n") for raw in desk.raws())


def test_more_connections_than_the_setting_allows_wait_for_their_turn(new_desk: NewDesk) -> None:
    desk = new_desk(lmtp={**LISTEN, "connections": 1})
    with serving(desk) as server:
        with server.line() as first:
            second = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            assert first.noop()[0] == 250
            assert polling.select([second], [], [], 0)[0] == []
        with second:
            assert second.recv(100).startswith(b"220 ")


def test_where_a_mail_cannot_be_received_to_its_end_the_rest_of_it_is_no_command(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = b"x" * 300_000 + f"\r\nMAIL FROM:<a@b>\r\nRCPT TO:<{ADDRESS}>\r\nDATA\r\nFrom: x\r\n\r\n".encode()

    def refuse(*_: object) -> None:
        raise MemoryError

    with serving(desk) as server:
        with monkeypatch.context() as patch, server.line() as line:
            patch.setattr(RawWriter, "write", refuse)
            envelope(line, ADDRESS)
            line.docmd("DATA")
            line.send(commands)
            with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
                data(line, b"")
        with server.line() as line:
            envelope(line, ADDRESS)
            assert data(line, mail()) == [b"250 2.0.0 Taken in"]
    assert len(desk.case_ids()) == 1


def test_while_the_database_is_gone_the_mail_server_keeps_the_mail(
    desk: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if desk.database.dialect != "sqlite":
        pytest.skip("takes the database away in SQLite's way; tests/system/test_database_away.py stops PostgreSQL")
    where = tmp_path / "meldpost.db"
    away = tmp_path / "away"
    with serving(desk) as server:
        desk.database.close()
        for path in tmp_path.glob("meldpost.db*"):
            path.rename(away.with_name(path.name.replace("meldpost", "away")))
        where.mkdir()
        with server.line() as line:
            envelope(line, ADDRESS)
            assert data(line, mail()) == [b"451 4.3.0 Not taken in now, please try again"]
            assert line.docmd("MAIL", "FROM:<a@home.example>")[0] == 421
        assert "a delivery was put off: The database file cannot be opened" in caplog.text
        where.rmdir()
        for path in tmp_path.glob("away.db*"):
            path.rename(path.with_name(path.name.replace("away", "meldpost")))
    with serving(desk) as server, server.line() as line:
        envelope(line, ADDRESS)
        assert data(line, mail()) == [b"250 2.0.0 Taken in"]
    assert len(desk.case_ids()) == 1


def test_a_mail_that_kills_its_reader_is_kept_whole_at_once(desk: Office) -> None:
    """mail-cases 38"""
    desk.reader.poison = b"poison"
    with serving(desk) as server, server.line() as line:
        envelope(line, ADDRESS)
        assert data(line, mail(text="poison")) == [b"250 2.0.0 Taken in"]
        envelope(line, ADDRESS)
        assert data(line, mail(2)) == [b"250 2.0.0 Taken in"]
    assert sorted(message.state for case in desk.cases() for message in case.messages) == ["read", "unreadable"]


def test_what_is_delivered_is_fresh_post_whatever_its_date_says(desk: Office) -> None:
    old = b"Date: Mon, 2 Mar 2020 08:00:00 +0000\r\n"
    content = old + b"\r\n".join(line for line in mail().split(b"\r\n") if not line.startswith(b"Date:"))
    with serving(desk) as server, server.line() as line:
        for number in range(25):
            envelope(line, ADDRESS)
            data(line, content.replace(b"<1.abc", b"<%d.abc" % number).replace(b"appie@", b"a%d@" % number))
    with desk.database.read() as session:
        assert OutboxState.HELD not in set(session.scalars(select(Outbox.state)))
        assert set(session.scalars(select(Ledger.folder))) == {"delivery"}


def _read_to_the_end(line: socket.socket) -> bytes:
    received = b""
    while piece := line.recv(65536):
        received += piece
    return received


def test_after_very_many_mails_a_connection_is_told_to_come_again(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        server.post.mails = MOST_MAILS
        assert line.docmd("MAIL", "FROM:<a@home.example>")[0] == 421


def test_a_connection_without_a_transaction_does_not_keep_a_worker_from_its_end(patient_desk: Office) -> None:
    with serving(patient_desk) as server, server.line() as spoke, server.silent_line() as silent:
        server.post.mails = MOST_MAILS
        assert spoke.getreply() == (421, b"4.3.2 Please connect again")
        assert _read_to_the_end(silent) == b"421 4.3.2 Please connect again\r\n"


def test_a_transaction_that_is_open_may_end_after_the_last_mail_and_then_the_line_ends(desk: Office) -> None:
    with serving(desk) as server, server.line() as line:
        envelope(line, ADDRESS)
        server.post.mails = MOST_MAILS
        line.docmd("DATA")
        line.send(mail() + b"\r\n.\r\n")
        assert line.getreply()[0] == 250
        assert line.getreply()[0] == 421
    assert len(desk.case_ids()) == 1


def test_a_transaction_that_does_not_end_is_cut_off_after_the_last_mail(patient_desk: Office) -> None:
    with serving(patient_desk) as server, server.silent_line() as line:
        line.sendall(b"LHLO x\r\nMAIL FROM:<a@home.example>\r\n")
        while b"2.1.0" not in line.recv(1000):
            pass
        server.post.settings = server.post.settings.model_copy(update={"timeout_seconds": 0})
        server.post.mails = MOST_MAILS
        with suppress(ConnectionResetError):
            assert _read_to_the_end(line) == b""


def test_a_connection_has_a_longest_life(patient_desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lmtp, "LONGEST_SECONDS", 0.0)
    with serving(patient_desk) as server, server.silent_line() as line, suppress(ConnectionResetError):
        assert _read_to_the_end(line) == b""


def test_so_many_commands_without_a_mail_end_a_connection(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lmtp, "MOST_ANSWERS", 20)
    content = mail()  # once, for its Date
    with serving(desk) as server:
        with server.line() as line:
            for _ in range(3):  # a mail gives it as many again
                for _ in range(10):
                    assert line.docmd("NOOP")[0] == 250
                envelope(line, ADDRESS)
                assert data(line, content) == [b"250 2.0.0 Taken in"]
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            rest = f"LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<{ADDRESS}>\r\nDATA\r\n".encode() + mail(2) + b"\r\n.\r\n"
            line.sendall(b"RSET\r\n" * 30 + rest)  # all at once: what comes after the last answer is not looked at
            answers = _read_to_the_end(line).split(b"\r\n")
    assert answers[-2:] == [b"421 4.7.0 Too many commands without a mail", b""]
    assert len(answers) == 22
    assert len(desk.case_ids()) == 1


def test_more_recipients_than_a_transaction_may_have_are_to_be_sent_anew(desk: Office) -> None:
    to = [ADDRESS.replace("@", f"+{number}@") for number in range(MOST_RECIPIENTS + 20)]
    with serving(desk) as server, server.line() as line:
        assert envelope(line, *to) == [250] * MOST_RECIPIENTS + [452] * 20
        assert data(line, mail()) == [b"250 2.0.0 Taken in"] * MOST_RECIPIENTS
    (case,) = desk.cases()
    assert [message.state for message in case.messages] == ["read"]


def test_no_more_fields_name_recipients_than_a_header_has_room_for() -> None:
    to = tuple(f"desk+{number}@ministry.example" for number in range(5000))
    fields = Envelope("a@home.example", to).trace_fields()
    assert fields.count(b"Delivered-To: ") == MOST_RECIPIENTS
