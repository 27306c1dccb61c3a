"""Servers that want to be left alone: in their own words, over a line, and through a whole round."""

import imaplib
import threading
from collections.abc import Callable

import pytest
from imapclient.exceptions import IMAPClientError, ProtocolError

from ingest.sources import idle
from ingest.sources.imap import CannotConnect, Throttled, connected
from ingest.sources.throttling import LONGEST_SECONDS, Rest, asked_to_rest, rest_in
from tests.ingest.conftest import NewOffice
from tests.ingest.test_imap import Password, Script, script


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("Request is throttled. Suggested Backoff Time: 92415 milliseconds", Rest(92.415)),
        ("[UNAVAILABLE] Server busy. Retry-After: 120", Rest(120.0)),
        ("Too many requests, try again in 5 minutes", Rest(300.0)),
        ("slow down, backoff 30 s", Rest(30.0)),
        ("Retry-After: 999999999", Rest(LONGEST_SECONDS)),
        ("User is authenticated but not connected.", Rest(None)),
        ("[THROTTLED] slow", Rest(None)),
        ("[ALERT] Too many simultaneous connections. (Failure)", Rest(None)),
        ("[OVERQUOTA] Account exceeded command or bandwidth limits.", Rest(None)),
        ("[OVERQUOTA] Mailbox is full", None),
        ("[AUTHENTICATIONFAILED] Authentication failed.", None),
        ("Session expired, please login again.", None),
        ("", None),
    ],
)
def test_a_servers_wish_is_understood_in_its_own_words(said: str, rest: Rest | None) -> None:
    """mail-cases 28, 30"""
    assert rest_in(said) == rest


@pytest.mark.parametrize(
    "error",
    [
        imaplib.IMAP4.abort("unexpected response: b'Subject: server busy, retry-after: 3000'"),
        ProtocolError("throttled"),
        ValueError("throttled"),
        IMAPClientError("x" * 1000 + "throttled"),
    ],
)
def test_a_mails_own_words_are_not_taken_for_the_servers(error: Exception) -> None:
    assert asked_to_rest(error) is None


Answer = Callable[[bytes, bytes], bytes | None]


def saying(words: bytes, to: bytes, *, bye: bool = False) -> Answer:
    """A server that answers so to one command, and as usual to the others."""
    usual = script(b"")

    def answer(tag: bytes, command: bytes) -> bytes | None:
        if not command.startswith(to):
            return usual(tag, command)
        return b"* BYE " + words + b"\r\n" if bye else tag + b" NO " + words + b"\r\n"

    return answer


@pytest.mark.parametrize("bye", [True, False])
@pytest.mark.parametrize("command", [b"LOGIN", b"EXAMINE"])
def test_a_wish_to_rest_is_told_from_a_refusal_and_from_a_lost_line(command: bytes, bye: bool) -> None:
    """mail-cases 28"""
    server = Script(saying(b"Request is throttled. Suggested Backoff Time: 92415 milliseconds", command, bye=bye))
    with pytest.raises(Throttled, match="92 s") as caught, connected(server.settings(), "p") as account:
        account.open("INBOX", readonly=True)
    assert caught.value.seconds == 92.415


def test_a_log_in_without_a_mailbox_behind_it_is_told_with_what_may_be_wrong() -> None:
    """mail-cases 28"""
    server = Script(saying(b"User is authenticated but not connected.", b"LIST"))
    with (
        pytest.raises(Throttled, match="may the user open this mailbox") as caught,
        connected(server.settings(), "p") as account,
    ):
        account.open("INBOX")
    assert caught.value.seconds is None


def test_a_refused_password_stays_a_refused_password() -> None:
    server = Script(saying(b"[AUTHENTICATIONFAILED] no", b"LOGIN"))
    with pytest.raises(CannotConnect, match="check the user name"), connected(server.settings(), "p"):
        pass


def test_a_round_ends_at_once_where_the_server_wants_to_rest(new_office: NewOffice) -> None:
    """mail-cases 28, 30"""
    logins: list[bytes] = []
    throttled = saying(b"[THROTTLED] Retry-After: 60", b"UID FETCH")

    def answer(tag: bytes, command: bytes) -> bytes | None:
        logins.extend([command] if command.startswith(b"LOGIN") else [])
        return throttled(tag, command)

    office = new_office(Script(answer).settings())
    with pytest.raises(Throttled) as caught:
        office.take_in()
    assert caught.value.seconds == 60
    assert len(logins) == 1  # it did not connect again, as it does when a line is lost


def test_the_watch_rests_as_long_as_the_server_asks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """mail-cases 28"""
    monkeypatch.setattr(idle, "_FIRST_PAUSE", 0.01)
    waited: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            self.set()
            return True

    server = Script(saying(b"Suggested Backoff Time: 92415 milliseconds", b"EXAMINE"))
    idle.watch(server.settings(), "main", Password(), lambda: None, Stop())  # type: ignore[arg-type]
    assert waited == [92.415]
    assert "not waiting for mail for 92 s" in caplog.text
