"""Mails that a mail server hands over and waits for our word: by LMTP or a pipe.

It may forget the mail as soon as we say that we have it, so that is said only after the commit. Such a mail is fresh
post, whatever its Date says, and lies nowhere: in the ledger its keyed digest stands in for a UID, so that a second
delivery, of a server that did not hear our word, finds the same row.
"""

import logging
import re
import secrets as random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from sqlalchemy.exc import DBAPIError

from config.errors import ConfigError
from config.faults import fault
from config.secrets import Secrets
from config.settings import Settings
from ingest.digests import without_trace_fields
from ingest.errors import NurseryGone
from ingest.intake import Intake, Reader, Understander
from ingest.outgoing import Arrival
from ingest.raw import RawMail
from ingest.rounds import take_in_alone
from ingest.take_in import Outcome, Result
from store import ledger, trouble
from store.database import Database, StoreError, open_database
from store.keyring import DeskKeyDiffers, NoSuchKey, UnprovenKey
from store.ledger import DELIVERIES, MailPlace, State

log = logging.getLogger(__name__)

_SAID_BY_US = (ConfigError, DeskKeyDiffers, NurseryGone, NoSuchKey, StoreError, UnprovenKey)
MOST_RECIPIENTS = 100
"""So many a transaction may have (RFC 5321 §4.5.3.1.8 asks for no less), and so many fields name them: the fields are
part of a header, whose size has a limit."""

_UNFIT = re.compile(rb"[\x00-\x20<>\x7f]")


class NotNow(Exception):
    """The mail was not taken in, and nothing of it was kept: it has to be offered again. Says why, without its content.

    `every_mail`: not this mail's fault, the next one will fare no better.
    """

    def __init__(self, message: str, *, every_mail: bool) -> None:
        super().__init__(message)
        self.every_mail = every_mail


@dataclass(frozen=True)
class Envelope:
    """What the mail server says of a mail. `sender` is "" for the null reverse-path, None where it does not say."""

    sender: str | None
    recipients: tuple[str, ...] = ()

    def trace_fields(self) -> bytes:
        """What final delivery writes above a mail (RFC 5321 §4.4): whom to tell of a failure, and as whom we got it."""
        fields = [] if self.sender is None else [b"Return-Path: <%s>\r\n" % _fit(self.sender)]
        recipients = list(dict.fromkeys(self.recipients))[:MOST_RECIPIENTS]
        fields += [b"Delivered-To: %s\r\n" % _fit(recipient) for recipient in recipients]
        return b"".join(fields)


class Deliveries:
    """Takes mails in, one after the other. After trouble with the database it is opened anew for the next mail."""

    def __init__(self, settings: Settings, secrets: Secrets, readers: Reader, understanders: Understander) -> None:
        self._settings = settings
        self._secrets = secrets
        self._readers = readers
        self._understanders = understanders
        self._database: Database | None = None
        self._intakes: dict[str, Intake] = {}

    def take_in(self, account: str, body: RawMail, envelope: Envelope) -> Outcome:
        """Take a mail in for one account and commit it. Raises NotNow."""
        try:
            intake = self._intake(account)
            with RawMail.from_chunks(_with_trace_fields(body, envelope)) as raw:
                outcome = _take_in(intake, raw)
        except Exception as error:  # noqa: BLE001 - whatever it is, the mail server must hear that it has to keep it
            self._forget()
            why = _why(error)
            log.error("%s: a delivery was put off: %s", account, why)  # noqa: TRY400 - its text may quote a mail
            raise NotNow(why, every_mail=True) from None
        if outcome is None:
            raise NotNow("this mail could not be taken in", every_mail=False)
        return outcome

    def close(self) -> None:
        self._understanders.end_round()
        self._forget()

    def _intake(self, account: str) -> Intake:
        if account not in self._intakes:
            self._database = self._database or open_database(self._settings.database.url)
            self._intakes[account] = Intake.prepare(
                self._settings,
                self._secrets,
                account,
                self._database,
                self._readers,
                self._understanders,
                random.randbelow,
            )
        return self._intakes[account]

    def _forget(self) -> None:
        self._intakes = {}
        if self._database is not None:
            self._database.close()
            self._database = None


def _take_in(intake: Intake, raw: RawMail) -> Outcome | None:
    digest = intake.index.stable(without_trace_fields(raw.chunks()))
    place = MailPlace(intake.account, DELIVERIES, int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big"))
    entry = ledger.begin_attempt(intake.database, intake.desk, place)
    fault("after-attempt")
    if entry.state is not State.ATTEMPTED:
        return Outcome(Result.DUPLICATE)
    now = datetime.now(UTC)
    return take_in_alone(intake, entry, raw, Arrival(now, now))


def _why(error: Exception) -> str:
    """What is in the way, in our own words: what others say may quote a mail."""
    if isinstance(error, _SAID_BY_US):
        return str(error)
    said = trouble.describe(error) if isinstance(error, DBAPIError) else ""
    return said or type(error).__name__


def _with_trace_fields(body: RawMail, envelope: Envelope) -> Iterator[bytes]:
    return chain((envelope.trace_fields(),), body.chunks())


def _fit(address: str) -> bytes:
    """An address as a field may hold it: what would end the field or the path is left out."""
    return _UNFIT.sub(b"", address.encode("utf-8", "surrogateescape"))
