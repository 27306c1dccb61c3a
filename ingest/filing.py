"""After the commit: a mail goes from where it lies to the done folder, once, whatever crashed before."""

from ingest.digests import without_trace_fields
from ingest.intake import Intake
from ingest.raw import RawMail
from ingest.sources.imap import Account, Place
from store import ledger
from store.database import Database
from store.ledger import LedgerEntry, MailPlace, Moved
from store.lookups import IndexKey


def file_away(intake: Intake, account: Account, entry: LedgerEntry, done_folder: str) -> Moved:
    """Move a mail that has its result out of the open folder; the caller notes it. Raises the errors of the source."""
    database = intake.database
    copied = _earlier_copy(intake, account, entry, done_folder) if entry.copy_started_at else None

    def copying() -> None:
        with database.begin() as session:
            ledger.mark_copy_started(session, entry.id)

    place = account.set_aside(entry.place.uid, done_folder, copying=copying, copied=copied)
    return Moved(entry.id, _in_ledger(intake.account, place) if place else None)


def lies_here(intake: Intake, account: Account, entry: LedgerEntry) -> bool:
    """Is the mail at the place of this entry the one that was taken in from there?

    A place is no proof: with another mailbox behind the same name, or a server that counts anew, UIDVALIDITY and UID
    may be those of an earlier mail (mail-cases 6, 7). Raises Gone, and what a fetch raises.
    """
    uid = entry.place.uid
    with account.fetch(uid, account.announce(uid).size) as raw:
        return is_same(entry, entry_of(intake.database, intake.account, intake.index, raw))


def is_same(entry: LedgerEntry, found: LedgerEntry | None) -> bool:
    """Is `found`, by the bytes of a mail, this entry or the one that it is a duplicate of?"""
    return found is not None and found.id in (entry.id, entry.duplicate_of)


def entry_of(database: Database, account: str, index: IndexKey, raw: RawMail) -> LedgerEntry | None:
    """The entry that took in these bytes."""
    digests = index.raw(raw.chunks()), index.stable(without_trace_fields(raw.chunks()))
    with database.read() as session:
        return ledger.find_by_digest(session, account, *digests)


def _earlier_copy(intake: Intake, account: Account, entry: LedgerEntry, done_folder: str) -> Place | None:
    """The copy that was made before a crash, if it was: among the mails there that the ledger does not place."""
    size = account.announce(entry.place.uid).size
    uidvalidity = account.open(done_folder, readonly=True)
    try:
        with intake.database.read() as session:
            placed = ledger.done_uids(session, intake.account, done_folder, uidvalidity)
        sizes = account.sizes([uid for uid in account.uids() if uid not in placed])
        for uid in (uid for uid, other in sizes.items() if other == size):
            with account.fetch(uid, size) as raw:
                found = entry_of(intake.database, intake.account, intake.index, raw)
            if is_same(entry, found):
                return Place(done_folder, uidvalidity, uid)
        return None
    finally:
        account.open(entry.place.folder)


def _in_ledger(account: str, place: Place) -> MailPlace:
    return MailPlace(account, place.folder, place.uidvalidity, place.uid)
