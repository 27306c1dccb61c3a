"""After a restore: what lies in the done folder and is in no ledger is taken in again, where it lies.

A backup is older than the mailbox: mail that was taken in since was moved to the done folder, and the ledger that knew
of it is gone. It is old post now; no mail goes out for it by itself, since its receipt may have gone. What was of a
case that is destroyed is in the ledger, and stays destroyed.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from ingest.filing import entry_of
from ingest.intake import Intake
from ingest.outgoing import Arrival
from ingest.raw import RawMail
from ingest.sources.imap import Account, FolderMissing, Gone
from ingest.take_in import Outcome
from store import ledger
from store.ledger import LedgerEntry, MailPlace, State

TakeIn = Callable[[LedgerEntry, RawMail, Arrival], Outcome | None]
"""Takes one mail in so that whatever is wrong with it stays its own; None where there is no result."""


def recheck(intake: Intake, account: Account, done_folder: str, take_in: TakeIn) -> Iterator[Outcome | None]:
    """What became of each mail that no ledger knew. Raises what a fetch raises, but for Gone."""
    try:
        uidvalidity = account.open(done_folder, readonly=True)
    except FolderMissing:
        return  # nothing was ever taken in from here
    with intake.database.read() as session:
        placed = ledger.done_uids(session, intake.account, done_folder, uidvalidity)
    for uid in account.uids():
        if uid not in placed:
            try:
                announced = account.announce(uid)
                raw = account.fetch(uid, announced.size)
            except Gone:
                continue
            with raw:
                place = MailPlace(intake.account, done_folder, uidvalidity, uid)
                yield from recheck_one(intake, place, raw, announced.arrived_at, take_in)


def recheck_one(
    intake: Intake, place: MailPlace, raw: RawMail, arrived_at: datetime | None, take_in: TakeIn
) -> Iterator[Outcome | None]:
    """The same for one mail; nothing where it is known. Where it lies is noted, so that it leaves in its time; a second
    copy beside one that is noted has a row of its own."""
    known = entry_of(intake.database, intake.account, intake.index, raw)
    if known is not None and not _lies_beside(known.done_place, place):
        _note_place(intake, known, place)
        return
    entry = ledger.begin_attempt(intake.database, intake.desk, place)
    if entry.state is not State.ATTEMPTED:  # another mail lay there, in the time of the backup
        ledger.release_place(intake.database, entry.id)
        entry = ledger.begin_attempt(intake.database, intake.desk, place)
    outcome = take_in(entry, raw, Arrival(arrived_at, datetime.now(UTC), first_connection=True))
    if outcome is not None:
        _note_place(intake, entry, place)
    yield outcome


def _lies_beside(known: MailPlace | None, place: MailPlace) -> bool:
    return known is not None and known != place and replace(known, uid=place.uid) == place


def _note_place(intake: Intake, entry: LedgerEntry, place: MailPlace) -> None:
    with intake.database.begin() as session:
        ledger.mark_moved(session, entry.id, place)
