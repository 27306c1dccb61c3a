"""Emptying the done folder: mails that the ledger knows are expunged when nobody needs them there any more.

That is when they have lain there for `keep_days`, when a checked backup on another disk holds them, or when their case
is destroyed. What somebody else put there stays. Where nobody knows where a mail went (the server did not tell, or a
crash came between the move and the note of it) the mails there are recognised by their digests.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from access import credentials
from config.secrets import Secrets
from config.settings import MailboxSettings, Settings
from ingest.filing import entry_of, is_same
from ingest.sources.imap import Account, connected
from store import ledger
from store.database import Database, open_database
from store.ledger import LedgerEntry, MailPlace
from store.lookups import IndexKey

log = logging.getLogger(__name__)

MOST_STRANGERS = 200
"""Mails that are fetched in one run only to be recognised."""


def tidy(settings: Settings, secrets: Secrets, account: str) -> int:
    """Expunge what has lain long enough; gives how many. Raises what `rounds.take_in` raises of connections."""
    mailbox = settings.mailboxes_of(MailboxSettings)[account]
    database = open_database(settings.database.url)
    try:
        index = IndexKey(secrets.key(f"index-key-{mailbox.desk}"))
        with connected(mailbox, credentials.of_mailbox(mailbox, account, secrets)) as connection:
            folder = connection.ensure(mailbox.done_folder)
            done = _DoneFolder(database, account, index, connection, folder, connection.open(folder))
            done.find_places(mailbox.folders)
            return done.expunge(database.now() - timedelta(days=mailbox.keep_days))
    finally:
        database.close()


@dataclass(frozen=True)
class _DoneFolder:
    """The done folder of an account, open on a connection."""

    database: Database
    account: str
    index: IndexKey
    connection: Account
    folder: str
    uidvalidity: int

    def find_places(self, folders: Sequence[str]) -> None:
        """Note where mails lie of which that was not known; those that are nowhere any more need no care."""
        with self.database.read() as session:
            lost = ledger.not_placed(session, self.account, folders, self.folder, self.uidvalidity)
            placed = ledger.done_uids(session, self.account, self.folder, self.uidvalidity)
        if not lost:
            return
        strangers = [uid for uid in self.connection.uids() if uid not in placed]
        newest = strangers[-MOST_STRANGERS:]
        missing = {entry.id: entry for entry in lost}
        for uid, size in self.connection.sizes(newest).items():
            with self.connection.fetch(uid, size) as raw:
                known = entry_of(self.database, self.account, self.index, raw)
            entry = _one_of(missing.values(), known.id) if known else None
            if entry:
                del missing[entry.id]
                with self.database.begin() as session:
                    ledger.mark_moved(session, entry.id, MailPlace(self.account, self.folder, self.uidvalidity, uid))
        if len(newest) == len(strangers):
            self._mark_expunged(entry for entry in missing.values() if entry.moved_at)

    def expunge(self, before: datetime) -> int:
        with self.database.read() as session:
            entries = ledger.done_with(session, self.account, before)
        due = {
            entry.done_place.uid: entry
            for entry in entries
            if entry.done_place and (entry.done_place.folder, entry.done_place.uidvalidity) == self._here
        }
        there = set(self.connection.uids()) & due.keys()
        self._mark_expunged(entry for uid, entry in due.items() if uid not in there)  # a person was faster
        expunged = 0
        for uid, size in self.connection.sizes(sorted(there)).items():
            if self._is_there(uid, size, due[uid]):
                self.connection.expunge([uid])
                expunged += 1
            else:
                log.warning("%s: uid %d of the done folder is another mail; left alone", self.account, uid)
            self._mark_expunged([due[uid]])
        return expunged

    def _is_there(self, uid: int, size: int, entry: LedgerEntry) -> bool:
        """What is expunged is gone for good: that its place is that of a mail of ours is not enough (mail-cases 7)."""
        with self.connection.fetch(uid, size) as raw:
            return is_same(entry, entry_of(self.database, self.account, self.index, raw))

    @property
    def _here(self) -> tuple[str, int]:
        return self.folder, self.uidvalidity

    def _mark_expunged(self, entries: Iterable[LedgerEntry]) -> None:
        ids = [entry.id for entry in entries]
        if ids:
            with self.database.begin() as session:
                ledger.mark_expunged(session, ids)


def _one_of(missing: Iterable[LedgerEntry], known: str) -> LedgerEntry | None:
    """The entry with this id or, where that one's place is known, a duplicate of it."""
    found = [entry for entry in missing if known in (entry.id, entry.duplicate_of)]
    return min(found, key=lambda entry: entry.id != known, default=None)
