"""Emptying the done folder: mails that the ledger knows and that have lain there for `keep_days` are expunged.

What somebody else put there stays. Where a server does not tell where it moved a mail to, the mails there are known by
their digests.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.secrets import Secrets
from config.settings import MailboxSettings, Settings
from ingest.filing import entry_of
from ingest.sources.imap import Account, connected
from store import ledger
from store.database import Database, open_database
from store.lookups import IndexKey

log = logging.getLogger(__name__)

MOST_STRANGERS = 200
"""Mails that are fetched in one run only to be recognised."""


def tidy(settings: Settings, secrets: Secrets, account: str) -> int:
    """Expunge what has lain long enough; gives how many. Raises what `rounds.take_in` raises of connections."""
    mailbox = settings.mailboxes[account]
    database = open_database(settings.database.url)
    try:
        index = IndexKey(secrets.key(f"index-key-{mailbox.desk}"))
        due = _Due(database, account, index, database.now() - timedelta(days=mailbox.keep_days))
        if not due.any():
            return 0
        with connected(mailbox, secrets.text(f"mailbox-password-{account}")) as connection:
            return _tidy(connection, mailbox, due)
    finally:
        database.close()


@dataclass(frozen=True)
class _Due:
    """Which mails of an account may go: those moved before `before`."""

    database: Database
    account: str
    index: IndexKey
    before: datetime

    def any(self) -> bool:
        with self.database.read() as session:
            return bool(ledger.moved_before(session, self.account, self.before))

    def in_folder(self, connection: Account, folder: str, uidvalidity: int) -> tuple[dict[int, str], set[str]]:
        """UIDs of the open folder that may go, with their entries' ids; and entries whose mail is there no more."""
        with self.database.read() as session:
            entries = ledger.moved_before(session, self.account, self.before)
            placed = ledger.done_uids(session, self.account, folder, uidvalidity)
        there = connection.uids()
        here = {
            entry.done_place.uid: entry.id
            for entry in entries
            if entry.done_place and (entry.done_place.folder, entry.done_place.uidvalidity) == (folder, uidvalidity)
        }
        found = {uid: here[uid] for uid in there if uid in here}
        gone = set(here.values()) - set(found.values())
        if len(here) < len(entries):  # of some nobody knows where they went, or the folder was made anew
            strangers = [uid for uid in there if uid not in placed]
            found |= self._recognised(connection, strangers[:MOST_STRANGERS])
            if len(strangers) <= MOST_STRANGERS:
                gone = {entry.id for entry in entries} - set(found.values())
        return found, gone

    def _recognised(self, connection: Account, uids: list[int]) -> dict[int, str]:
        found = {}
        for uid, size in connection.sizes(uids).items():
            with connection.fetch(uid, size) as raw:
                entry = entry_of(self.database, self.account, self.index, raw)
            if entry and entry.moved_at and entry.moved_at < self.before:
                found[uid] = entry.id
        return found


def _tidy(connection: Account, mailbox: MailboxSettings, due: _Due) -> int:
    folder = connection.ensure(mailbox.done_folder)
    uidvalidity = connection.open(folder)
    going, gone = due.in_folder(connection, folder, uidvalidity)
    for uid, entry_id in going.items():
        connection.expunge([uid])
        with due.database.begin() as session:
            ledger.mark_expunged(session, [entry_id])
    if gone:  # a person was faster
        with due.database.begin() as session:
            ledger.mark_expunged(session, gone)
    if going:
        log.info("%s: %d mails expunged from the done folder", due.account, len(going))
    return len(going)
