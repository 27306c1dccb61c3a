"""The sender: one round that drains the outbox over SMTP and ends.

A mail goes: claimed for a lease -> envelope accepted -> `sending`, committed -> DATA -> the server's answer -> `sent`.
The whole transaction has a hard limit below the lease (`smtp.Watchdog`), so that nobody else can hold a mail while we
still might hand it over. What was surely not taken is tried again, later each time; what may have been taken is sent
once more at most, with the same Message-ID. Two rounds at once are safe: who lost a claim marks nothing.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy.orm import Session

from access import credentials
from access.credentials import Credential
from config.faults import fault
from config.secrets import Secrets
from config.settings import Settings
from notify import letters, receipts, schedule
from notify.keys import SenderKeys, sender_keys, usable
from notify.mime import dated
from notify.smtp import Connection, Deferred, Letter, NeedsSmtputf8, NotOurs, Refused, Uncertain, Unreachable, Watchdog
from store import sending
from store.database import Database
from store.frame import SealError
from store.outbox import Mail, OutgoingKind
from store.sending import Claim

MOST_AT_ONCE = 100
UNREACHABLE_SECONDS = 5
UNREACHABLE_MOST = 300
DEFERRED_SECONDS = 60
DEFERRED_MOST = 3600
GIVE_UP_AFTER = timedelta(days=5)
"""RFC 5321 §4.5.4.1: what a server puts off is given up after four or five days."""
FAIR_CHANCE = 24
"""Attempts, most of a day with their pauses, that a mail has which waited for a person's word for longer than that."""
UNCERTAIN_SECONDS = 60
WAITED_LONG = timedelta(hours=1)

ELSEWHERE = "; what became of it was noted by another sender already"

log = logging.getLogger(__name__)


@dataclass
class DeliveryResult:
    """What one round did, in numbers. `more`: there may be more to do at once. `unreachable`: why the server was."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    uncertain: int = 0
    queued: schedule.Queued = field(default_factory=lambda: schedule.Queued(0, 0))
    more: bool = False
    unreachable: str | None = None

    @property
    def handled(self) -> int:
        return self.sent + self.retried + self.failed + self.uncertain


def deliver(
    settings: Settings,
    secrets: Secrets,
    database: Database,
    *,
    most: int = MOST_AT_ONCE,
    stopping: Callable[[], bool] = lambda: False,
) -> DeliveryResult:
    """Write what is due into the outbox, then send what waits there, `most` mails at most, none more once `stopping`.

    A server that is down ends the round and is no error. Raises ConfigError where a secret is missing.
    """
    keys = usable(database, sender_keys(settings, secrets))
    credential = credentials.of_sender(settings.smtp, secrets)
    result = DeliveryResult(queued=schedule.run_due(settings, database, keys))
    swept = sending.sweep(database)
    if swept:
        log.warning("%d mails were being handed over when their sender stopped; each is sent once more at most", swept)
    with _Sender(settings, credential, database, keys, result) as sender:
        sender.give_up_uncertain()
        while result.unreachable is None and not stopping():
            if result.handled >= most:
                result.more = True
                break
            publics = [public for held in keys.values() for public in held.mailer.publics]
            claimed = sending.claim(database, settings.smtp.lease_seconds, publics)
            if claimed is None:
                break
            sender.send(claimed)
    return result


def backoff(attempt: int, first: float, most: float) -> float:
    """Seconds until the next attempt, doubling from `first` to `most`."""
    return min(first * 2.0 ** min(attempt - 1, 30), most)


class _Sender:
    """One connection, used for mail after mail, and what becomes of each mail."""

    def __init__(
        self,
        settings: Settings,
        credential: Credential | None,
        database: Database,
        keys: Mapping[str, SenderKeys],
        result: DeliveryResult,
    ) -> None:
        self._settings = settings
        self._credential = credential
        self._database = database
        self._keys = keys
        self._result = result
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._hang_up()

    def send(self, claimed: Claim) -> None:
        """Hand one claimed mail over, and mark what became of it."""
        mail = self._opened(claimed)
        if mail is None:
            self._retry(claimed, DEFERRED_MOST)
            return
        letter = Letter(mail.envelope_sender, mail.recipient, mail.mime)
        try:
            with Watchdog(self._settings.smtp.transaction_seconds) as watchdog:
                self._hand_over(claimed, letter, watchdog)
        except NotOurs:
            log.info("mail %s is with another sender, was called off, or its desk is paused", claimed.outbox_id)
        except Deferred as error:
            self._defer(claimed, str(error))
        except Refused as error:
            self._fail(claimed, "refused", str(error))
        except NeedsSmtputf8 as error:
            self._fail(claimed, "no_smtputf8", str(error))
        except Unreachable as error:
            self._unreachable(claimed, str(error))
        except Uncertain as error:
            self._hang_up()
            self._result.uncertain += sending.mark_uncertain(self._database, claimed, UNCERTAIN_SECONDS)
            log.warning("mail %s may or may not have gone out: %s", claimed.outbox_id, error)
        else:
            fault("after-reply-before-mark")
            self._sent(claimed, mail)

    def give_up_uncertain(self) -> None:
        """What a server may have taken twice is tried no more, and counts as sent: it most likely arrived."""

        def note(session: Session, claimed: Claim, now: datetime) -> None:
            mail = self._opened(claimed)
            if mail is not None:
                self._note_what_follows(session, claimed, mail, now)
            log.warning("mail %s may or may not have gone out, twice; it is not sent again", claimed.outbox_id)

        sending.give_up_uncertain(self._database, note)

    def _opened(self, claimed: Claim) -> Mail | None:
        """None where our key does not open it: then the secret is wrong, and the mail waits for the right one."""
        try:
            mail = self._keys[claimed.desk].mailer.opening(lambda private: sending.open_claim(claimed, private))
        except (KeyError, SealError) as error:
            log.error(  # noqa: TRY400 - a traceback would say no more
                "mail %s of desk %s cannot be opened (%s); check the settings [desks] and the secret mailer-seed-%s",
                claimed.outbox_id,
                claimed.desk,
                type(error).__name__,
                claimed.desk,
            )
            return None
        if claimed.kind is OutgoingKind.LETTER:
            token = self._keys[claimed.desk].token.sign(claimed.outbox_id)
            mail = letters.completed(self._settings.desks[claimed.desk], token, mail, claimed.created_at)
        return replace(mail, mime=self._as_of_now(claimed, mail.mime))

    def _as_of_now(self, claimed: Claim, mime: bytes) -> bytes:
        """What waited long, for a person's word say, is dated when it goes out: else it would arrive among old mail."""
        now = self._database.now()
        return dated(mime, now) if now - claimed.created_at > WAITED_LONG else mime

    def _hand_over(self, claimed: Claim, letter: Letter, watchdog: Watchdog) -> None:
        marked = False

        def before_data() -> bool:
            nonlocal marked
            marked = True
            return sending.mark_sending(self._database, claimed)

        used_before = self._connection is not None
        try:
            self._connected(watchdog).hand_over(letter, watchdog, before_data)
        except Unreachable:
            self._hang_up()
            if not used_before or marked:
                raise
            # servers end a connection after so many mails; that is no reason to wait
            self._connected(watchdog).hand_over(letter, watchdog, before_data)

    def _connected(self, watchdog: Watchdog) -> Connection:
        if self._connection is None:
            self._connection = Connection.open(self._settings.smtp, self._credential, watchdog)
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _note_what_follows(self, session: Session, claimed: Claim, mail: Mail, now: datetime) -> None:
        keys = self._keys[claimed.desk]
        receipts.was_sent(session, self._settings, keys, claimed, mail.recipient, now)
        letters.was_sent(session, keys, claimed, mail, now)

    def _sent(self, claimed: Claim, mail: Mail) -> None:
        def note(session: Session, now: datetime) -> None:
            self._note_what_follows(session, claimed, mail, now)

        marked = sending.mark_sent(self._database, claimed, note)
        self._result.sent += marked
        log.info("mail %s (%s) was handed over%s", claimed.outbox_id, claimed.kind, "" if marked else ELSEWHERE)

    def _defer(self, claimed: Claim, why: str) -> None:
        if self._database.now() - claimed.created_at > GIVE_UP_AFTER and claimed.attempt >= FAIR_CHANCE:
            self._fail(claimed, "expired", f"{why}, for days")
        else:
            log.info("mail %s was put off: %s", claimed.outbox_id, why)
            self._retry(claimed, backoff(claimed.attempt, DEFERRED_SECONDS, DEFERRED_MOST))

    def _fail(self, claimed: Claim, reason: str, why: str) -> None:
        self._result.failed += sending.mark_failed(self._database, claimed, self._keys[claimed.desk].index, reason)
        log.warning("mail %s cannot be delivered: %s", claimed.outbox_id, why)

    def _unreachable(self, claimed: Claim, why: str) -> None:
        self._hang_up()
        delay = backoff(claimed.attempt, UNREACHABLE_SECONDS, UNREACHABLE_MOST)
        self._retry(claimed, delay)
        self._result.unreachable = why
        smtp = self._settings.smtp
        log.warning("the mail server %s:%d cannot be used: %s; next try in %d s", smtp.host, smtp.port, why, delay)

    def _retry(self, claimed: Claim, delay: float) -> None:
        self._result.retried += sending.mark_retry(self._database, claimed, delay)
