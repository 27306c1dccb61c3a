"""Rounds over a Maildir, and emptying its done folder: what `rounds` and `housekeeping` do for IMAP.

In the ledger the keyed digest of a mail's unique name stands in for a UID, and the time of its file for the order of
UIDs, by which old post is told from new.
"""

import logging
import secrets as random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from config.faults import fault
from config.secrets import Secrets
from config.settings import MaildirSettings, Settings
from ingest.claims import Extend, claimed
from ingest.filing import entry_of, is_same
from ingest.intake import Intake, Reader, Understander
from ingest.outgoing import Arrival
from ingest.rechecks import recheck_one
from ingest.rounds import MOST_MAILS, RoundResult, take_in_alone
from ingest.sources.imap import FolderMissing, Gone
from ingest.sources.maildir import Lying, Maildir, NotAccessible
from ingest.take_in import Outcome
from store import ledger, mailboxes
from store.database import open_database
from store.ledger import FolderSeen, LedgerEntry, MailPlace, State
from store.lookups import IndexKey

log = logging.getLogger(__name__)

INBOX = "INBOX"
"""What the ledger calls the folder that has no name."""


def take_in(
    settings: Settings, secrets: Secrets, account: str, readers: Reader, understanders: Understander
) -> RoundResult:
    """Take in up to `MOST_MAILS` mails, unless another process is at it. Raises SourceError, and what `rounds.take_in`
    raises that is not about connections."""
    mailbox = settings.mailboxes_of(MaildirSettings)[account]
    database = open_database(settings.database.url)
    try:
        intake = Intake.prepare(settings, secrets, account, database, readers, understanders, random.randbelow)
        with claimed(database, account) as extend:
            if extend is None:
                log.info("%s: another process is at this mailbox", account)
                return RoundResult(busy=True)
            round_ = _Round(intake, mailbox, extend)
            result = RoundResult()
            if mailboxes.is_recheck_asked(database, account):
                result = round_.look_through_done_folder()
                if not result.left:
                    mailboxes.end_recheck(database, account)
            result = round_.run(result)
            if not result.missing:
                waiting = max(0, round_.seen - result.taken - result.duplicates)
                mailboxes.note_look(database, intake.desk, account, waiting)
            return result
    finally:
        understanders.end_round()
        database.close()


def tidy(settings: Settings, secrets: Secrets, account: str) -> int:
    """Remove what has lain in the done folder for `keep_days` and is in the ledger; gives how many."""
    mailbox = settings.mailboxes_of(MaildirSettings)[account]
    maildir = Maildir(mailbox.path)
    database = open_database(settings.database.url)
    try:
        index = IndexKey(secrets.key(f"index-key-{mailbox.desk}"))
        try:
            lying = {
                _place(index, account, mail, mailbox.done_folder): mail for mail in maildir.mails(mailbox.done_folder)
            }
        except FolderMissing:
            return 0
        now = database.now()
        with database.begin() as session:
            noted = ledger.moved_before(session, account, now)
            moved = {entry.done_place: entry for entry in noted if entry.done_place is not None}
            for place in lying.keys() - moved.keys():  # a crash came between the move and the note of it?
                for folder in mailbox.folders:
                    entry = ledger.find(session, replace(place, folder=folder or INBOX))
                    if entry is not None and entry.state in (State.SETTLED, State.DUPLICATE) and not entry.moved_at:
                        ledger.mark_moved(session, entry.id, place)
        with database.read() as session:
            done_with = ledger.done_with(session, account, now - timedelta(days=mailbox.keep_days))
        due = {entry.done_place: entry for entry in done_with if entry.done_place is not None}
        removed = 0
        for place, entry in due.items():
            if place in lying:
                with suppress(Gone):  # a person was faster
                    with maildir.read(lying[place]) as raw:
                        ours = is_same(entry, entry_of(database, account, index, raw))
                    if ours:
                        maildir.remove(lying[place])
                        removed += 1
            with database.begin() as session:
                ledger.mark_expunged(session, [entry.id])
        return removed
    finally:
        database.close()


class _Round:
    """A round over the folders of one Maildir; counts as it goes."""

    def __init__(self, intake: Intake, mailbox: MaildirSettings, extend: Extend) -> None:
        self._intake = intake
        self._mailbox = mailbox
        self._maildir = Maildir(mailbox.path)
        self._extend = extend
        self.seen = 0
        """Mails in the mailbox at the look."""

    def look_through_done_folder(self) -> RoundResult:
        """After a restore: what lies there and is in no ledger came before all that waits."""
        intake, folder, result = self._intake, self._mailbox.done_folder, RoundResult()
        with suppress(FolderMissing):
            for mail in self._maildir.mails(folder):
                place = _place(intake.index, intake.account, mail, folder)
                with suppress(Gone), self._maildir.read(mail) as raw:
                    arrived_at = min(datetime.fromtimestamp(mail.arrived_at, UTC), datetime.now(UTC))
                    for outcome in recheck_one(intake, place, raw, arrived_at, partial(take_in_alone, intake)):
                        result = result.counting(outcome) if outcome else replace(result, left=result.left + 1)
        return result

    def run(self, result: RoundResult) -> RoundResult:
        """Work through a snapshot of all folders; mails that were tried before wait behind the others."""
        intake, there = self._intake, self._look_around()
        missing = tuple(folder or INBOX for folder in self._mailbox.folders if folder not in there)
        if missing:
            log.error("%s: folders that are not in the Maildir: %s", intake.account, ", ".join(missing))
        seen = {folder or INBOX: FolderSeen(0, [mail.arrived_at for mail in mails]) for folder, mails in there.items()}
        most = intake.settings.rules.first_connection_max
        held_until = ledger.first_contact(intake.database, intake.account, seen, hold_above=most)
        places = {self._place(mail): mail for mails in there.values() for mail in mails}
        self.seen = len(places)
        gone = ledger.note_gone_but(intake.database, intake.account, places.keys(), missing)
        if gone:
            log.warning("%s: %d mails left the mailbox before they were taken in", intake.account, gone)
        with intake.database.read() as session:
            tried = {entry.place for entry in ledger.unfinished(session, intake.account)}

        result = replace(result, missing=missing)
        for place in sorted(places, key=lambda place: place in tried):  # a stable sort: oldest first stays
            if result.taken + result.duplicates >= MOST_MAILS:
                return replace(result, more=True)
            if not self._extend():
                log.warning("%s: another process took this mailbox over", intake.account)
                return result
            old_post = places[place].arrived_at <= held_until[place.folder]
            result = self._take_in_mail(place, places[place], result, old_post=old_post)
        return result

    def _look_around(self) -> dict[str, Sequence[Lying]]:
        """What lies in each folder that is there."""
        there: dict[str, Sequence[Lying]] = {}
        for folder in self._mailbox.folders:
            with suppress(FolderMissing):
                there[folder] = self._maildir.mails(folder)
        return there

    def _take_in_mail(self, place: MailPlace, mail: Lying, result: RoundResult, *, old_post: bool) -> RoundResult:
        """Attempt, read, take in, move. A mail that has its result from an earlier round is only moved."""
        intake = self._intake
        try:
            entry = self._begin(place, mail)
            if entry.state is State.ATTEMPTED:
                outcome = self._read_and_take_in(entry, mail, old_post=old_post)
                if outcome is None:
                    return replace(result, left=result.left + 1)
                result = result.counting(outcome)
            unique = self._maildir.set_aside(mail, self._mailbox.done_folder)
        except Gone:  # the next round notes that it is
            return result
        except NotAccessible as error:
            log.error("%s: uid %d: %s", intake.account, place.uid, error)  # noqa: TRY400 - our own sentence
            return replace(result, left=result.left + 1)
        done = _place(intake.index, intake.account, replace(mail, name=unique), self._mailbox.done_folder)
        with intake.database.begin() as session:
            ledger.mark_moved(session, entry.id, done)
        return result

    def _begin(self, place: MailPlace, mail: Lying) -> LedgerEntry:
        """Commit the attempt. A name is no proof that this is the mail that was taken in under it. Raises Gone."""
        intake = self._intake
        entry = ledger.begin_attempt(intake.database, intake.desk, place)
        fault("after-attempt")
        if entry.state is State.ATTEMPTED:
            return entry
        with self._maildir.read(mail) as raw:
            if is_same(entry, entry_of(intake.database, intake.account, intake.index, raw)):
                return entry
        log.warning("%s: uid %d: another mail has the name of one that was taken in", intake.account, place.uid)
        ledger.release_place(intake.database, entry.id)
        return ledger.begin_attempt(intake.database, intake.desk, place)

    def _read_and_take_in(self, entry: LedgerEntry, mail: Lying, *, old_post: bool) -> Outcome | None:
        try:
            raw = self._maildir.read(mail)
        except (Gone, NotAccessible):
            ledger.note_fetch_failure(self._intake.database, entry.id)
            raise
        with raw:
            fault("after-fetch")
            now = datetime.now(UTC)
            arrived_at = min(datetime.fromtimestamp(mail.arrived_at, UTC), now)
            return take_in_alone(self._intake, entry, raw, Arrival(arrived_at, now, first_connection=old_post))

    def _place(self, mail: Lying) -> MailPlace:
        return _place(self._intake.index, self._intake.account, mail, mail.folder or INBOX)


def _place(index: IndexKey, account: str, mail: Lying, folder: str) -> MailPlace:
    digest = index.place(mail.unique)
    return MailPlace(account, folder, int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big"))
