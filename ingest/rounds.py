"""One round: take in what lies in a mailbox, or in files, and come to an end.

A round is a short-lived process's work. Mail by mail: the attempt is committed, the bytes are fetched, the mail is
read, understood and committed, and only then moved. While a mail is read, the one before is committed, and the one
before that moved. One mail's failure stops no other; a database that is gone stops all.
"""

import logging
import secrets as random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError

from access import credentials
from access.credentials import Credential
from config.errors import ConfigError
from config.faults import fault
from config.secrets import Secrets
from config.settings import MailboxSettings, Settings
from ingest.claims import Extend, claimed
from ingest.errors import NurseryGone
from ingest.filing import file_away, lies_here
from ingest.intake import Intake, Reader, Understander
from ingest.outgoing import Arrival
from ingest.raw import RawMail
from ingest.rechecks import recheck
from ingest.sources import files
from ingest.sources.imap import (
    Account,
    BadReply,
    ConnectionLost,
    FolderMissing,
    Gone,
    MoveFailed,
    SourceError,
    connected,
)
from ingest.take_in import Outcome, ReadMail, Result, commit, read
from ingest.take_in import take_in as take_in_mail
from store import ledger, mailboxes
from store.database import open_database
from store.keyring import DeskKeyDiffers, NoSuchKey, UnprovenKey
from store.ledger import IMPORTS, FolderSeen, LedgerEntry, MailPlace, Moved, State

log = logging.getLogger(__name__)

MOST_MAILS = 50
MAX_LOST = 3
"""So many times in a row a connection may be lost over a mail; then it is not the mails' fault and the round ends."""

STOPS_ALL = (OperationalError, InterfaceError, ProgrammingError, DeskKeyDiffers, NurseryGone, ConfigError)
"""Failures that are no mail's own: the round ends, and nothing more is touched. A table or a right that is missing is a
ProgrammingError in PostgreSQL, and an OperationalError in SQLite."""


_Step = TypeVar("_Step")


@dataclass(frozen=True)
class RoundResult:
    """What a round did. `taken` are new mails, `unreadable` those of them that were kept whole; `left` had no result
    this time. `more`: there is more to do at once; `queued`: something waits in the outbox; `busy`: another process is
    at this mailbox, and nothing was done. `missing` folders are not there, so that the mailbox was not read."""

    taken: int = 0
    duplicates: int = 0
    unreadable: int = 0
    left: int = 0
    more: bool = False
    queued: bool = False
    busy: bool = False
    missing: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Was all done that there was to do?"""
        return not (self.left or self.busy or self.missing)

    def counting(self, outcome: Outcome) -> "RoundResult":
        new = outcome.result is not Result.DUPLICATE
        return replace(
            self,
            taken=self.taken + new,
            duplicates=self.duplicates + (not new),
            unreadable=self.unreadable + (outcome.result in (Result.UNREADABLE, Result.TOO_LARGE)),
            queued=self.queued or outcome.queued,
        )


@dataclass(frozen=True)
class FilesResult:
    """What became of the mails in files; `unreadable` ones are counted as taken, too."""

    taken: int = 0
    duplicates: int = 0
    unreadable: int = 0
    failed: int = 0


def take_in(
    settings: Settings, secrets: Secrets, account: str, readers: Reader, understanders: Understander
) -> RoundResult:
    """Take in up to `MOST_MAILS` mails of a mailbox, unless another process is at it.

    Raises CannotConnect, ConnectionLost, BadReply, ConfigError, DeskKeyDiffers, NurseryGone and the database's errors;
    what was committed by then stands, and the rest is as it was.
    """
    database = open_database(settings.database.url)
    try:
        intake = Intake.prepare(settings, secrets, account, database, readers, understanders, random.randbelow)
        mailbox = settings.mailboxes_of(MailboxSettings)[account]
        credential = credentials.of_mailbox(mailbox, account, secrets)
        with claimed(database, account) as extend:
            if extend is None:
                log.info("%s: another process is at this mailbox", account)
                return RoundResult(busy=True)
            round_ = _Round(intake, mailbox, credential, extend, recheck=mailboxes.is_recheck_asked(database, account))
            result = round_.run()
            if round_.rechecked:
                mailboxes.end_recheck(database, account)
            if not result.missing:
                mailboxes.note_look(database, intake.desk, account, round_.waiting)
            return result
    finally:
        understanders.end_round()
        database.close()


def ingest_files(
    settings: Settings,
    secrets: Secrets,
    account: str,
    paths: Iterable[Path],
    readers: Reader,
    understanders: Understander,
    progress: Callable[[FilesResult], None],
) -> FilesResult:
    """Take in mails from files, as of the mailbox `account`. Receipts wait for a person; the files stay as they are.

    Raises CannotRead, and what `take_in` raises.
    """
    database = open_database(settings.database.url)
    result = FilesResult()
    try:
        intake = Intake.prepare(settings, secrets, account, database, readers, understanders, random.randbelow)
        for mail in files.mails(paths):
            with mail.open() as raw:
                outcome = _take_in_file(intake, raw, mail.kept_at)
            if outcome is None:
                result = replace(result, failed=result.failed + 1)
            else:
                counted = RoundResult(result.taken, result.duplicates, result.unreadable).counting(outcome)
                result = FilesResult(counted.taken, counted.duplicates, counted.unreadable, result.failed)
            progress(result)
        return result
    finally:
        understanders.end_round()
        database.close()


def _take_in_file(intake: Intake, raw: RawMail, kept_at: datetime) -> Outcome | None:
    """A file has no UID: its keyed digest stands in for one, so that a second import finds the same row."""
    digest = intake.index.raw(raw.chunks())
    place = MailPlace(intake.account, IMPORTS, int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big"))
    entry = ledger.begin_attempt(intake.database, intake.desk, place)
    if entry.state is not State.ATTEMPTED:
        return Outcome(Result.DUPLICATE)
    return take_in_alone(intake, entry, raw, Arrival(None, kept_at, imported=True))


def take_in_alone(intake: Intake, entry: LedgerEntry, raw: RawMail, arrival: Arrival) -> Outcome | None:
    """Take one mail in so that whatever is wrong with it stays its own; None where there is no result."""
    return _alone(intake, entry, lambda: take_in_mail(intake, entry, raw, arrival))


def _alone(intake: Intake, entry: LedgerEntry, step: Callable[[], _Step]) -> _Step | None:
    try:
        return step()
    except STOPS_ALL:
        with suppress(DBAPIError):  # not the mail's fault: that was no attempt
            ledger.note_fetch_failure(intake.database, entry.id)
        raise
    except (NoSuchKey, UnprovenKey) as error:  # of the case that it belongs to; again no fault of the mail
        ledger.note_fetch_failure(intake.database, entry.id)
        log.error("%s: uid %d: not taken in: %s", intake.account, entry.place.uid, error)  # noqa: TRY400
        return None
    except Exception as error:  # noqa: BLE001 - whatever one mail brings about must not stop the others
        log.error("%s: uid %d: not taken in: %s", intake.account, entry.place.uid, _where(error))  # noqa: TRY400
        return None


def _where(error: Exception) -> str:
    """What went wrong, and in which line of ours; the message of an error may quote a mail."""
    trace, last = error.__traceback__, ""
    while trace is not None:
        last = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} in {last}"


class _ClaimLost(Exception):
    """Another process took the mailbox over."""


class _Round:
    """A round over the folders of one mailbox; counts as it goes."""

    def __init__(
        self, intake: Intake, mailbox: MailboxSettings, credential: Credential, extend: Extend, *, recheck: bool
    ) -> None:
        self._intake = intake
        self._mailbox = mailbox
        self._credential = credential
        self._extend = extend
        self._recheck = recheck
        self.rechecked = False
        """Was the done folder looked through to its end, and has everything in it its result?"""
        self._result = RoundResult()
        self._tried = 0
        self._in_hand: _InHand | None = None
        self._moved: list[Moved] = []
        self.waiting = 0
        """Mails in the mailbox that have no result yet."""

    def run(self) -> RoundResult:
        """Work through a snapshot of all folders."""
        try:
            with ThreadPoolExecutor(2) as self._helpers:
                self._work_off_all()
        finally:
            self._put_back()
            self._note_moved()
        return self._result

    def _work_off_all(self) -> None:
        """A connection that a mail breaks is made anew for the others."""
        plans: deque[_Plan] | None = None
        lost = 0
        while plans is None or plans:
            tried = self._tried
            try:
                with connected(self._mailbox, self._credential) as account:
                    if plans is None and self._recheck:
                        self._look_through_done_folder(account)
                    plans = self._plans(self._look_around(account)) if plans is None else plans
                    while plans:
                        self._work_off(account, plans[0])
                        plans.popleft()
            except _ClaimLost:
                log.warning("%s: another process took this mailbox over", self._intake.account)
                break
            except (ConnectionLost, BadReply) as error:
                self._commit(self._taken_from_hand())
                lost = lost + 1 if self._tried <= tried + 1 else 1
                if plans is None or lost >= MAX_LOST:
                    raise
                log.warning("%s: %s; connecting again", self._intake.account, error)

    def _look_through_done_folder(self, account: Account) -> None:
        """First of all: what lies there came before all that waits."""
        left = self._result.left
        done_folder = account.ensure(self._mailbox.done_folder)
        for outcome in recheck(self._intake, account, done_folder, partial(take_in_alone, self._intake)):
            if outcome is None:
                self._result = replace(self._result, left=self._result.left + 1)
            else:
                self._result = self._result.counting(outcome)
            if not self._extend():
                raise _ClaimLost
        self.rechecked = self._result.left == left

    def _look_around(self, account: Account) -> dict[str, FolderSeen]:
        """What lies in each folder now. Nothing is marked or changed."""
        there, missing = {}, []
        for folder in self._mailbox.folders:
            try:
                uidvalidity = account.open(folder, readonly=True)
            except FolderMissing:
                missing.append(folder)
            else:
                there[folder] = FolderSeen(uidvalidity, account.uids())
        if missing:
            log.error("%s: folders that are not on the server: %s", self._intake.account, ", ".join(missing))
            self._result = replace(self._result, missing=tuple(missing))
        self.waiting = sum(len(seen.uids) for seen in there.values())
        return there

    def _plans(self, there: dict[str, FolderSeen]) -> deque["_Plan"]:
        """Oldest first; mails that were tried before wait behind the others, so that they hold nothing up."""
        intake = self._intake
        most = intake.settings.rules.first_connection_max
        held_until = ledger.first_contact(intake.database, intake.account, there, hold_above=most)
        gone = ledger.note_gone(intake.database, intake.account, there, self._result.missing)
        if gone:
            log.warning("%s: %d mails left the mailbox before they were taken in", intake.account, gone)
        with intake.database.read() as session:
            tried = {entry.place for entry in ledger.unfinished(session, intake.account)}

        plans: deque[_Plan] = deque()
        for folder, seen in there.items():
            places = [MailPlace(intake.account, folder, seen.uidvalidity, uid) for uid in seen.uids]
            ordered = sorted(places, key=lambda place: (place in tried, place.uid))
            if ordered:
                uids = deque(place.uid for place in ordered)
                again = frozenset(place.uid for place in places if place in tried)
                plans.append(_Plan(folder, seen.uidvalidity, held_until[folder], uids, again))
        return plans

    def _work_off(self, account: Account, plan: "_Plan") -> None:
        try:
            uidvalidity = account.open(plan.folder)
        except FolderMissing:
            return
        if uidvalidity != plan.uidvalidity:
            return  # the folder was made anew: the next round looks at it afresh (mail-cases 6)
        done_folder = account.ensure(self._mailbox.done_folder)
        while plan.uids:
            if self._result.taken + self._result.duplicates + (self._in_hand is not None) >= MOST_MAILS:
                self._result = replace(self._result, more=True)
                plan.uids.clear()
            elif not self._extend():
                raise _ClaimLost
            else:
                self._tried += 1
                self._take_in_mail(account, plan, plan.uids.popleft(), done_folder)
        self._finish(account, plan, done_folder)

    def _take_in_mail(self, account: Account, plan: "_Plan", uid: int, done_folder: str) -> None:
        """Attempt, fetch, read; meanwhile the mail before is committed, and the one before that is moved.

        A mail that was tried before goes by itself: should it end this process, that costs no other an attempt.
        """
        if uid in plan.tried:
            self._finish(account, plan, done_folder)
        intake = self._intake
        place = MailPlace(intake.account, plan.folder, plan.uidvalidity, uid)
        with suppress(Gone):  # the next round notes that it is
            entry = self._begin(account, place)
            if entry.state is not State.ATTEMPTED:
                plan.to_move.append(entry)
                self.waiting -= 1
                return
            raw, arrived_at = self._fetch(account, entry)
            arrival = Arrival(arrived_at, datetime.now(UTC), first_connection=uid <= plan.held_until_uid)
            moving = self._beside(self._move, account, plan.to_move, done_folder)
            committing = self._beside(self._commit, self._taken_from_hand())
            with moving, committing:
                found = _alone(intake, entry, lambda: read(intake, entry, raw, arrival))
                self._in_hand = _InHand(plan, entry, raw, found)
        if uid in plan.tried:
            self._finish(account, plan, done_folder)

    def _finish(self, account: Account, plan: "_Plan", done_folder: str) -> None:
        """Commit and move all that is under way."""
        self._commit(self._taken_from_hand())
        self._move(account, plan.to_move, done_folder)

    def _taken_from_hand(self) -> "_InHand | None":
        held, self._in_hand = self._in_hand, None
        return held

    def _commit(self, held: "_InHand | None") -> None:
        """Commit what was read; what was committed is to be moved."""
        if held is None:
            return
        with held.raw:
            outcome: Outcome | None
            match held.found:
                case ReadMail() as found:
                    outcome = _alone(self._intake, held.entry, lambda: commit(found))
                case other:
                    outcome = other
        if outcome is None:
            self._result = replace(self._result, left=self._result.left + 1)
        else:
            self._result = self._result.counting(outcome)
            held.plan.to_move.append(held.entry)
            self.waiting -= 1

    def _put_back(self) -> None:
        """A round that ends too early commits no more: that was no attempt at the mail which it holds."""
        held = self._taken_from_hand()
        if held is not None:
            held.raw.close()
            with suppress(DBAPIError):
                ledger.note_fetch_failure(self._intake.database, held.entry.id)

    def _begin(self, account: Account, place: MailPlace) -> LedgerEntry:
        """Commit the attempt. Raises Gone where a mail that has its result is not here any more."""
        intake = self._intake
        entry = ledger.begin_attempt(intake.database, intake.desk, place, self._moved)
        self._moved.clear()
        fault("after-attempt")
        if entry.state is State.ATTEMPTED or lies_here(intake, account, entry):
            return entry
        log.warning("%s: uid %d: another mail lies in the place of one that was taken in", intake.account, place.uid)
        ledger.release_place(intake.database, entry.id)
        return ledger.begin_attempt(intake.database, intake.desk, place)

    def _fetch(self, account: Account, entry: LedgerEntry) -> tuple[RawMail, datetime | None]:
        """A mail's bytes and when it arrived. Raises Gone, and ConnectionLost and BadReply where the connection is of
        no use any more."""
        intake, uid = self._intake, entry.place.uid
        try:
            announced = account.announce(uid)
            raw = account.fetch(uid, announced.size)
        except SourceError as error:
            ledger.note_fetch_failure(intake.database, entry.id)
            times = entry.fetch_failures + 1
            log.warning("%s: uid %d: not fetched, %d times by now: %s", intake.account, uid, times, error)
            if not isinstance(error, Gone):
                self._result = replace(self._result, left=self._result.left + 1)
            raise
        fault("after-fetch")
        return raw, announced.arrived_at

    @contextmanager
    def _beside(self, work: Callable[..., None], *arguments: object) -> Iterator[None]:
        """Meanwhile this is done in another thread, and is done at the end, whatever came."""
        doing = self._helpers.submit(work, *arguments)
        try:
            yield
        finally:
            wait([doing])
        doing.result()

    def _move(self, account: Account, entries: deque[LedgerEntry], done_folder: str) -> None:
        """Move what has its result; where it lies now is noted with the next attempt."""
        while entries:
            entry = entries.popleft()
            try:
                self._moved.append(file_away(self._intake, account, entry, done_folder))
            except (MoveFailed, Gone) as error:
                uid = entry.place.uid
                log.warning("%s: uid %d: taken in, but not moved yet: %s", self._intake.account, uid, error)

    def _note_moved(self) -> None:
        if self._moved:
            with self._intake.database.begin() as session:
                for each in self._moved:
                    ledger.mark_moved(session, each.entry_id, each.to)


@dataclass(frozen=True)
class _Plan:
    """What a round means to do in one folder: mails to take in, and those that were, to move. `tried` are those of them
    that had an attempt without a result in an earlier round."""

    folder: str
    uidvalidity: int
    held_until_uid: int
    uids: deque[int]
    tried: frozenset[int]
    to_move: deque[LedgerEntry] = field(default_factory=deque)


@dataclass(frozen=True)
class _InHand:
    """A mail between its two steps. `found` is None where it could not even be read."""

    plan: _Plan
    entry: LedgerEntry
    raw: RawMail
    found: ReadMail | Outcome | None
