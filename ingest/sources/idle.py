"""Waiting for mail: IDLE (RFC 2177) where the server has it, NOOP where it has not. Only ever a hint.

The connection is read-only (EXAMINE), fetches nothing, and a lost one costs no more than the time until the next poll.
"""

import imaplib
import logging
import select
import time
from collections.abc import Callable, Iterable
from threading import Event
from typing import Any

from imapclient import IMAPClient

from access import credentials
from config.errors import ConfigError
from config.secrets import Secrets
from config.settings import MailboxSettings
from ingest.sources.imap import NONSENSE, CannotConnect, Throttled, log_in
from ingest.sources.throttling import asked_to_rest

log = logging.getLogger(__name__)

RENEW_SECONDS = 300
"""IDLE is begun anew this often: NATs forget silent connections long before the 29 minutes of RFC 2177 §3."""

_GLANCE_SECONDS = 1.0
"""How long a stop may go unnoticed."""

_EMPTY_ANSWERS = 10
"""A closed connection is readable for ever and gives nothing (imapclient 4.1); so, once or twice, does a TLS ticket."""

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0


MOST_WATCHED = 4
"""Folders of one mailbox that are watched, each by a connection of its own; the others are looked at each poll."""


def watched_folders(mailbox: MailboxSettings) -> list[str]:
    return list(mailbox.folders[:MOST_WATCHED])


def watch(
    mailbox: MailboxSettings,
    account: str,
    secrets: Secrets,
    wake: Callable[[], None],
    stop: Event,
    folder: str | None = None,
) -> None:
    """Call `wake` after each connect and whenever mail may have come into the folder (the first one, where none is
    named); end soon after `stop`.

    Connects again by itself, each time after a longer pause; the log has one line for each time that it is lost.
    """
    pause = _FIRST_PAUSE
    while not stop.is_set():
        began = time.monotonic()
        reason, at_least = _once(mailbox, account, secrets, wake, stop, folder or mailbox.folders[0])
        if stop.is_set():
            return
        if time.monotonic() - began > _LONGEST_PAUSE:
            pause = _FIRST_PAUSE
        rest = max(pause, at_least)
        log.warning("%s: not waiting for mail for %d s (polls go on): %s", account, rest, reason)
        stop.wait(rest)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _once(
    mailbox: MailboxSettings, account: str, secrets: Secrets, wake: Callable[[], None], stop: Event, folder: str
) -> tuple[str, float]:
    """One connection, until it is lost or `stop`; gives the reason, and the seconds that the server asks us to wait."""
    client = None
    try:
        client = log_in(mailbox, credentials.of_mailbox(mailbox, account, secrets))
        _wait(client, mailbox, wake, stop, folder)
    except (CannotConnect, ConfigError) as error:
        return str(error), 0.0
    except Throttled as error:
        return str(error), error.seconds or 0.0
    except (OSError, EOFError, *NONSENSE) as error:
        asked = asked_to_rest(error)
        if asked is not None:
            return "the server asks us to wait", asked.seconds or 0.0
        return f"the server hung up or made no sense: {type(error).__name__}", 0.0
    finally:
        if client is not None:
            _hang_up(client)
    return "stopped", 0.0


def _wait(client: IMAPClient, mailbox: MailboxSettings, wake: Callable[[], None], stop: Event, folder: str) -> None:
    try:
        client.select_folder(folder, readonly=True)
    except imaplib.IMAP4.error as error:
        if isinstance(error, imaplib.IMAP4.abort) or asked_to_rest(error) is not None:
            raise
        raise CannotConnect("a folder of the setting `folders` cannot be opened on the server") from None
    idles = client.has_capability("IDLE")
    while not stop.is_set():
        if idles:
            client.idle()
        wake()  # for what came before, or in one packet with the answer to IDLE, where nobody would look at it
        if idles:
            _idle(client, wake, stop)
        elif not stop.wait(mailbox.poll_seconds):
            client.noop()


def _idle(client: IMAPClient, wake: Callable[[], None], stop: Event) -> None:
    readable = select.poll()
    readable.register(client.socket(), select.POLLIN)
    until = time.monotonic() + RENEW_SECONDS
    empty = 0
    while time.monotonic() < until:
        if stop.is_set():
            return
        if not readable.poll(_GLANCE_SECONDS * 1000):
            continue
        answers = client.idle_check(timeout=0)
        empty = 0 if answers else empty + 1
        if empty >= _EMPTY_ANSWERS:
            raise ConnectionResetError
        if _has_news(answers):
            wake()
    client.idle_done()
    client.noop()


def _has_news(answers: Iterable[tuple[Any, ...]]) -> bool:
    """Does one of the untagged answers tell of mails in the folder?"""
    return any(len(answer) > 1 and answer[1] == b"EXISTS" for answer in answers)


def _hang_up(client: IMAPClient) -> None:
    """Without a word: LOGOUT hangs while the connection idles."""
    try:
        client.shutdown()
    except (OSError, imaplib.IMAP4.error):
        log.debug("a connection was already closed")
