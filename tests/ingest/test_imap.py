import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from config.settings import MailboxSettings
from ingest.sources import idle, imap
from ingest.sources.idle import watch, watched_folders
from ingest.sources.imap import (
    Account,
    BadReply,
    CannotConnect,
    CannotMakeFolder,
    ConnectionLost,
    FolderMissing,
    Gone,
    MoveFailed,
    connected,
)
from tests.ingest.broken_line import SilentIdle
from tests.ingest.conftest import Dovecot
from tests.ingest.office import PASSWORD


def mail(number: int) -> bytes:
    return b"From: a@x.example\r\nSubject: %d\r\n\r\nbody %d\r\n" % (number, number)


@contextmanager
def opened(server: Dovecot, settings: MailboxSettings) -> Iterator[Account]:
    with connected(settings, PASSWORD) as account:
        account.open("INBOX")
        yield account


def not_copied() -> None:
    raise AssertionError("nothing should be copied")


def test_mails_are_listed_oldest_first_whatever_their_flags(dovecot: Dovecot) -> None:
    """mail-cases 10, 11, 8"""
    settings = dovecot.account()
    for flags in ((), (b"\\Seen",), (b"\\Deleted",), (b"\\Seen", b"\\Flagged", b"\\Answered")):
        dovecot.deliver(settings, mail(1), flags=flags)
    with opened(dovecot, settings) as account:
        assert account.uids() == [1, 2, 3, 4]


def test_more_mails_than_one_search_may_answer_are_all_listed(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 11"""
    settings = dovecot.account()
    dovecot.deliver(settings, *map(mail, range(7)))
    with dovecot.client(settings) as client:
        client.delete_messages([2, 3, 4])
        client.expunge()
    monkeypatch.setattr(imap, "UID_WINDOW", 2)
    with opened(dovecot, settings) as account:
        assert account.uids() == [1, 5, 6, 7]


def test_fetching_gives_the_bytes_in_pieces_and_marks_nothing(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 24, 56"""
    settings = dovecot.account()
    sent = mail(1) + os.urandom(1000).replace(b"\0", b"").replace(b"\n", b"").replace(b"\r", b"") + b"\r\n"
    dovecot.deliver(settings, sent)
    for size in (1 << 20, 100, len(sent)):
        monkeypatch.setattr(imap, "PIECE", size)
        with opened(dovecot, settings) as account:
            announced = account.announce(1)
            assert announced.size == len(sent)
            assert announced.arrived_at is not None
            assert announced.arrived_at.utcoffset() is not None
            with account.fetch(1, announced.size) as raw:
                assert b"".join(raw.chunks()) == sent
    with dovecot.client(settings) as client:
        assert client.get_flags([1])[1] == ()


def test_a_mail_that_is_gone_is_told_from_a_server_that_gives_none(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = dovecot.account()
    dovecot.deliver(settings, mail(1))
    with opened(dovecot, settings) as account:
        for uid, error in ((5, Gone), (1, BadReply)):
            with pytest.raises(error):
                account.announce(uid)
            with pytest.raises(error):
                account.fetch(uid, 100)
            monkeypatch.setattr(account._client, "fetch", lambda *_: {})


def test_a_mail_is_moved_alone_and_byte_for_byte(any_dovecot: Dovecot) -> None:
    """mail-cases 3, 13"""
    settings = any_dovecot.account()
    any_dovecot.deliver(settings, mail(1), mail(2))
    any_dovecot.deliver(settings, mail(3), flags=(b"\\Deleted",))
    began: list[str] = []
    with opened(any_dovecot, settings) as account:
        folder = account.ensure("Verwerkt")
        place = account.set_aside(1, folder, copying=lambda: began.append("copy"))
    assert any_dovecot.bodies(settings) == [mail(2), mail(3)]
    assert any_dovecot.bodies(settings, "Verwerkt") == [mail(1)]
    with any_dovecot.client(settings) as client:
        assert b"\\Deleted" in client.get_flags([3])[3]
        capabilities = client.capabilities()
    assert began == ([] if b"MOVE" in capabilities else ["copy"])
    assert place or b"UIDPLUS" not in capabilities
    if place:
        assert (place.folder, place.uid) == ("Verwerkt", 1)


def test_a_copy_that_is_already_there_is_not_made_again(any_dovecot: Dovecot) -> None:
    settings = any_dovecot.account()
    any_dovecot.deliver(settings, mail(1))
    with opened(any_dovecot, settings) as account:
        account.ensure("Verwerkt")
        copy = imap.Place("Verwerkt", 1, 1)
        with any_dovecot.client(settings) as client:
            client.copy([1], "Verwerkt")
        assert account.set_aside(1, "Verwerkt", copying=not_copied, copied=copy) == copy
    assert any_dovecot.uids(settings) == []
    assert any_dovecot.uids(settings, "Verwerkt") == [1]


def test_a_move_that_moved_nothing_is_noticed(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    """mail-cases 12"""
    settings = dovecot.account()
    dovecot.deliver(settings, mail(1))
    with opened(dovecot, settings) as account:
        monkeypatch.setattr(account._client, "move", lambda *_: b"OK")
        with pytest.raises(MoveFailed):
            account.set_aside(1, account.ensure("Verwerkt"), copying=not_copied)


def test_a_folder_that_is_missing_is_named_as_such(dovecot: Dovecot) -> None:
    with connected(dovecot.account(), PASSWORD) as account, pytest.raises(FolderMissing):
        account.open("Nowhere")


def test_a_wrong_password_is_said_without_it(dovecot: Dovecot) -> None:
    with pytest.raises(CannotConnect, match="refuses the log-in") as caught, connected(dovecot.account(), "wr0ng"):
        pass
    assert "wr0ng" not in str(caught.value)


def test_a_server_that_is_not_there_is_said() -> None:
    settings = MailboxSettings(desk="desk", host="127.0.0.1", port=1, security="plain", user="u")
    with pytest.raises(CannotConnect, match="cannot be reached"), connected(settings, "p"):
        pass


HANG_UP = b"+ idling, but not for long\r\n"


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_the_line_is_encrypted_and_the_certificate_checked(dovecot: Dovecot, security: str) -> None:
    port = dovecot.tls_port if security == "tls" else dovecot.port
    with connected(dovecot.account(security=security, port=port, ca_file=dovecot.ca), PASSWORD) as account:
        assert account.open("INBOX")
    for wrong in ({}, {"ca_file": dovecot.ca, "host": "127.0.0.2"}):
        settings = dovecot.account(security=security, port=port, **wrong)
        with pytest.raises(CannotConnect, match="TLS"), connected(settings, PASSWORD):
            pass


def test_a_server_without_starttls_gets_no_password() -> None:
    said: list[bytes] = []

    def answer(tag: bytes, command: bytes) -> bytes:
        said.append(command)
        return tag + b" OK done\r\n"

    settings = Script(answer, b"").settings(security="starttls")
    with pytest.raises(CannotConnect), connected(settings, PASSWORD):
        pass
    assert not any(b"LOGIN" in command or PASSWORD.encode() in command for command in said)


def test_a_done_folder_that_cannot_be_made_is_said() -> None:
    usual = script(b"")

    def refuse(tag: bytes, command: bytes) -> bytes | None:
        if command.startswith(b"LIST"):
            return tag + b" OK done\r\n"
        return tag + b" NO denied\r\n" if command.startswith(b"CREATE") else usual(tag, command)

    with connected(Script(refuse).settings(), "p") as account, pytest.raises(CannotMakeFolder, match="by hand"):
        account.ensure("Verwerkt")


class Script:
    """A server that answers as a test says; `answer` gets the command without its tag and returns the whole reply."""

    def __init__(
        self, answer: Callable[[bytes, bytes], bytes | None], capabilities: bytes = b" IDLE MOVE UIDPLUS"
    ) -> None:
        self._answer = answer
        self._capabilities = b"* CAPABILITY IMAP4rev1%s\r\n" % capabilities
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._run, daemon=True).start()

    def settings(self, **more: object) -> MailboxSettings:
        plain = {"desk": "desk", "host": "127.0.0.1", "port": self.port, "security": "plain", "user": "u"}
        return MailboxSettings.model_validate(plain | {"timeout_seconds": 5} | more)

    def close(self) -> None:
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb", buffering=0) as file:
                file.write(b"* OK hello\r\n")
                while line := file.readline():
                    tag, _, command = line.strip().partition(b" ")
                    reply = self._answer(tag, command)
                    if command == b"CAPABILITY":
                        reply = self._capabilities + tag + b" OK done\r\n"
                    if reply is None:
                        break
                    file.write(reply)
                    if reply.endswith(HANG_UP):
                        break


def script(fetch: bytes | None, rest: bytes = b"") -> Callable[[bytes, bytes], bytes | None]:
    def answer(tag: bytes, command: bytes) -> bytes | None:
        if command.startswith(b"UID FETCH"):
            return None if fetch is None else fetch + tag + b" OK done\r\n" + rest
        if command.startswith(b"UID SEARCH"):
            return b"* SEARCH 1\r\n" + tag + b" OK done\r\n"
        if command.startswith(b"LIST"):
            return b'* LIST () "/" INBOX\r\n' + tag + b" OK done\r\n"
        if command.startswith((b"SELECT", b"EXAMINE")):
            return (
                b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 2] x\r\n" + tag + b" OK [READ-WRITE] done\r\n"
            )
        return tag + b" OK done\r\n"

    return answer


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0> NIL)\r\n",
        b"* 2 FETCH (UID 2 BODY[]<0> {3}\r\nabc)\r\n",
        b"* 1 FETCH (UID 1 BODY[]<0> (((\r\n",
        b"* 1 FETCH (UID x BODY[]<0> {3}\r\nabc)\r\n",
        b"\xff\xfe garbage\r\n",
        None,
    ],
)
def test_a_reply_without_the_whole_body_is_never_a_mail(reply: bytes | None) -> None:
    """mail-cases 23, 24, 25"""
    with connected(Script(script(reply)).settings(), "p") as account:
        account.open("INBOX")
        with pytest.raises((BadReply, ConnectionLost)):
            account.fetch(1, 100)


def test_a_server_that_announces_a_wrong_size_is_believed_when_it_gives_the_same_bytes_twice() -> None:
    with connected(Script(script(b"* 1 FETCH (UID 1 BODY[]<0> {3}\r\nabc)\r\n")).settings(), "p") as account:
        account.open("INBOX")
        with account.fetch(1, 3) as raw:
            assert b"".join(raw.chunks()) == b"abc"


def test_nothing_is_searched_for_with_a_charset() -> None:
    """mail-cases 26"""
    usual = script(None)

    def refuse(tag: bytes, command: bytes) -> bytes | None:
        if command.startswith(b"UID SEARCH") and b"CHARSET" in command:
            return tag + b" NO [BADCHARSET (US-ASCII)] never heard of it\r\n"
        return usual(tag, command)

    with connected(Script(refuse).settings(), "p") as account:
        account.open("INBOX")
        assert account.uids() == [1]
        assert account.has(1)


class Wakes:
    """Counts, and lets a test wait for the next one."""

    def __init__(self) -> None:
        self._semaphore = threading.Semaphore(0)

    def __call__(self) -> None:
        self._semaphore.release()

    def wait(self) -> None:
        assert self._semaphore.acquire(timeout=20)


class Password:
    def text(self, name: str) -> str:
        assert name == "mailbox-password-main"
        return PASSWORD


@contextmanager
def watching(settings: MailboxSettings, folder: str | None = None) -> Iterator[Wakes]:
    wakes, stop = Wakes(), threading.Event()
    thread = threading.Thread(target=watch, args=(settings, "main", Password(), wakes, stop, folder))
    thread.start()
    try:
        yield wakes
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_new_mail_wakes_and_is_left_alone(dovecot: Dovecot) -> None:
    settings = dovecot.account()
    with watching(settings) as wakes:
        wakes.wait()
        for number in range(3):
            dovecot.deliver(settings, mail(number))
            wakes.wait()
    assert dovecot.uids(settings) == [1, 2, 3]


def test_each_folder_is_watched_up_to_a_bound(dovecot: Dovecot) -> None:
    """mail-cases 29"""
    settings = dovecot.account(folders=("INBOX", "Junk", "A", "B", "C"))
    assert watched_folders(settings) == ["INBOX", "Junk", "A", "B"]
    with dovecot.client(settings) as client:
        client.create_folder("Junk")
    with watching(settings, "Junk") as wakes:
        wakes.wait()
        dovecot.deliver(settings, mail(1), folder="Junk")
        wakes.wait()


def test_a_folder_that_is_not_there_is_said_and_looked_for_again(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(idle, "_FIRST_PAUSE", 0.01)
    settings = dovecot.account(folders=("INBOX", "Junk"))
    with watching(settings, "Junk") as wakes:
        while "cannot be opened on the server" not in caplog.text:
            threading.Event().wait(0.01)
        with dovecot.client(settings) as client:
            client.create_folder("Junk")
        wakes.wait()


def test_a_server_that_hangs_up_while_idle_is_connected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """mail-cases 31"""
    monkeypatch.setattr(idle, "_FIRST_PAUSE", 0.01)
    usual = script(b"")
    server = Script(lambda tag, command: HANG_UP if command == b"IDLE" else usual(tag, command))
    with watching(server.settings()) as wakes:
        for _ in range(4):
            wakes.wait()


def test_a_line_that_dies_silently_while_idle_is_given_up_and_made_anew(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 31"""
    monkeypatch.setattr(idle, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(idle, "RENEW_SECONDS", 0.5)
    settings = dovecot.account()
    with SilentIdle(dovecot.port).open() as line:
        through_it = settings.model_copy(update={"port": line.port, "timeout_seconds": 1})
        with watching(through_it) as wakes:
            wakes.wait()
            dovecot.deliver(settings, mail(1))  # nobody is told
            wakes.wait()
    assert line.lost >= 1


def test_a_server_without_idle_is_asked_again_and_again() -> None:
    usual = script(b"")

    def without_idle(tag: bytes, command: bytes) -> bytes | None:
        assert command != b"IDLE"
        return usual(tag, command)

    with watching(Script(without_idle, b"").settings(poll_seconds=1)) as wakes:
        wakes.wait()
        wakes.wait()
