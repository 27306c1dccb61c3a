"""The ways that a mail can go in the benchmark: the whole one, the floor, and reading alone."""

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from config.settings import Settings
from config.taxonomy import Kind, MissingField, Severity
from ingest.intake import Understander
from ingest.isolation import LIMITS_ONLY, Layer
from ingest.parse import parse_bytes
from ingest.raw import RawMail
from ingest.readers import Readers
from ingest.sources.imap import connected
from meldpost import work
from meldpost.supervisor import Supervisor, Work
from store.frame import Context
from store.keypairs import PublicKey
from store.sealing import seal_stream
from triage import Contact, MailText, Report


class WithoutTriage:
    """Stands where triage stands, and has the same answer to every mail at once: a report without a telephone number.

    What follows from such an answer is done: a full receipt that asks for it, its days, and what the mailer keeps.
    """

    def understand(self, _: MailText) -> Report:
        return Report(
            language="nl",
            kind=Kind.MELDING,
            kind_scores={Kind.MELDING: 1.0},
            categories=(),
            primary=None,
            severity=Severity.MIDDEN,
            concerned=(),
            contact=Contact(None, None, None, None),
            missing=(MissingField.PHONE,),
            missing_scores={MissingField.PHONE: 1.0},
            anonymous=False,
            evidence=(),
        )

    def end_round(self) -> None:
        """Nothing is kept."""


class Intake:
    """As the daemon does it: IMAP, attempt, isolated reader, triage, one transaction with its receipt, move; in rounds
    of fifty mails, each round a process of its own."""

    def __init__(self, config: Path, account: str, readers: Readers, understanders: Understander) -> None:
        context = get_context("forkserver")
        # what stands in for triage comes from this module, which no worker of the daemon has to load
        context.set_forkserver_preload([*work.PRELOAD, "bench.ways"])
        arguments = (config, 30, account, readers, understanders)
        self._supervisor = Supervisor([Work("round", work.take_in_mail, arguments, 600)], context)

    def run(self) -> None:
        self._supervisor.wake("round")
        self._supervisor.run(until_idle=True)
        if self._supervisor.failed:
            raise RuntimeError("a round failed; its log line says why")


class Floor:
    """The least that any system must do which keeps mail sealed: fetch, parse in the same isolated reader, seal, commit
    one by one. No ledger, no thread, no understanding, no receipt, no audit, no move; one process for all."""

    def __init__(self, settings: Settings, account: str, readers: Readers, database: Path, key: PublicKey) -> None:
        self._mailbox = settings.mailboxes[account]
        self._password = settings.secrets().text(f"mailbox-password-{account}")
        self._readers = readers
        self._database = database
        self._key = key

    def run(self) -> None:
        with closing(sqlite3.connect(self._database, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("CREATE TABLE IF NOT EXISTS mail (uid INTEGER, raw BLOB, content BLOB)")
            with connected(self._mailbox, self._password) as account:
                account.open("INBOX", readonly=True)
                for uid in account.uids():
                    with account.fetch(uid, account.announce(uid).size) as raw:
                        self._keep(database, uid, raw)

    def _keep(self, database: sqlite3.Connection, uid: int, raw: RawMail) -> None:
        mail = self._readers.read(raw)
        content = {"subject": mail.subject, "text": mail.text, "html": mail.html, "headers": mail.headers}
        sealed = b"".join(seal_stream(raw.chunks(), self._key, _context(uid, "raw")))
        about = b"".join(seal_stream([json.dumps(content).encode()], self._key, _context(uid, "message")))
        database.execute("INSERT INTO mail VALUES (?, ?, ?)", (uid, sealed, about))  # commits by itself


def reading(mails: Sequence[bytes]) -> dict[str, float]:
    """Seconds for a mail, read in an isolated process, in one with limits alone, and in this process."""
    found = {}
    for name, layers in (("isolated", None), ("limits", LIMITS_ONLY), ("process", Layer.NONE)):
        with Readers(layers=layers).start() as readers:
            found[name] = _each(mails, partial(_read, readers))
    found["inline"] = _each(mails, parse_bytes)
    return found


def _read(readers: Readers, mail: bytes) -> object:
    with RawMail.from_bytes(mail) as raw:
        return readers.read(raw)


def _each(mails: Sequence[bytes], read: Callable[[bytes], object]) -> float:
    for mail in mails[:5]:
        read(mail)
    began = time.perf_counter()
    for mail in mails:
        read(mail)
    return (time.perf_counter() - began) / len(mails)


def _context(uid: int, kind: str) -> Context:
    return Context("bench", "", kind, str(uid), 1, 1)
