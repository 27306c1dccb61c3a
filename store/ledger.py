"""What was done with each mail of each account, so that none is lost and none is taken in twice.

A mail is known by its place (account, folder, UIDVALIDITY, UID) and by two keyed digests; each is unique per account in
the database. `begin_attempt` commits by itself before a byte of the mail is touched; `settle` belongs to the intake
transaction, and who loses a race there gets `AlreadyTakenIn` and rolls everything back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import rows
from store.database import Database, changed_rows, clock, database_now
from store.rows import table_of
from store.schema import LYING, Backup, Destruction, Ledger, Mailbox, MailboxClaim, new_id


class AlreadyTakenIn(Exception):
    """Another took this mail in first. Roll back; `find` or `find_by_digest` then tell where it is."""


class State(StrEnum):
    """`gone`: tried without a result, and since then not in the mailbox any more. Whoever meets it again goes on."""

    ATTEMPTED = "attempted"
    SETTLED = "settled"
    DUPLICATE = "duplicate"
    GONE = "gone"


_WITH_RESULT = (State.SETTLED, State.DUPLICATE)
_WITHOUT_RESULT = (State.ATTEMPTED, State.GONE)

# What is asked for every mail is built once, on the table itself (`store.rows.table_of`).
_LEDGER = table_of(Ledger)
_OF_THE_ENTRY = _LEDGER.c.id == bindparam("entry_id")
_AT_PLACE = select(_LEDGER).where(
    *(_LEDGER.c[name] == bindparam(name) for name in ("account", "folder", "uidvalidity", "uid"))
)
_AT_PLACE_LOCKED = _AT_PLACE.with_for_update()
_SAME_BYTES = _LEDGER.c.raw_digest == bindparam("raw_digest")
_BY_DIGEST = (
    select(_LEDGER)
    .where(_LEDGER.c.account == bindparam("account"))
    .where(_SAME_BYTES | (_LEDGER.c.stable_digest == bindparam("stable_digest")))
    .order_by(_SAME_BYTES.desc())
    .limit(1)
)
_ATTEMPT_AGAIN = update(_LEDGER).where(_OF_THE_ENTRY).values(state=State.ATTEMPTED, attempts=_LEDGER.c.attempts + 1)
_SETTLE = (
    update(_LEDGER)
    .where(_OF_THE_ENTRY, _LEDGER.c.state.in_(_WITHOUT_RESULT))
    .values(
        state=State.SETTLED,
        settled_at=database_now(),
        **{name: bindparam(name) for name in ("raw_digest", "stable_digest", "case_id", "message_id")},
    )
)
_MOVED = update(_LEDGER).where(_OF_THE_ENTRY, _LEDGER.c.state.in_(_WITH_RESULT)).values(moved_at=database_now())
_MOVED_THERE = _MOVED.values({name: bindparam(name) for name in ("done_folder", "done_uidvalidity", "done_uid")})

IMPORTS = "import"
"""The folder of mails that came from files; a path may tell who wrote them."""

DELIVERIES = "delivery"
"""The folder of mails that a mail server handed over, by LMTP or a pipe: they lie nowhere."""


RELEASED = "released"
"""The folder of mails in whose place another mail lies now: the server, or the mailbox behind the name, is another."""


DESTROYED = "destroyed"
"""The folder of mails of destroyed cases that were taken in after the backup that was restored."""


@dataclass(frozen=True)
class Tombstone:
    """By what a mail of a destroyed case is known."""

    desk: str
    account: str
    case_id: str
    raw_digest: bytes
    stable_digest: bytes


@dataclass(frozen=True)
class MailPlace:
    """Where a mail lies. The numbers are unsigned 32-bit in IMAP (RFC 9051 §2.3.1.1)."""

    account: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True)
class LedgerEntry:
    """One row of the ledger. `attempts` counts the one that has just begun."""

    id: str
    place: MailPlace
    state: State
    attempts: int
    fetch_failures: int
    first_seen_at: datetime
    case_id: str | None
    message_id: str | None
    duplicate_of: str | None
    copy_started_at: datetime | None
    moved_at: datetime | None
    done_place: MailPlace | None


@dataclass(frozen=True)
class Moved:
    """A mail that went to the done folder; `to` is its place there, None where the server did not tell."""

    entry_id: str
    to: MailPlace | None


@dataclass(frozen=True)
class FolderSeen:
    """A folder as it is now: all mails in it, oldest first."""

    uidvalidity: int
    uids: Sequence[int]


def begin_attempt(db: Database, desk: str, place: MailPlace, moved: Sequence[Moved] = ()) -> LedgerEntry:
    """Commit that this mail is about to be touched. A mail that has its result already is given as it is.

    `moved` are others whose new place is noted in the same commit: each commit is a flush of the disk.
    """
    try:
        return _begin_attempt(db, desk, place, moved)
    except IntegrityError:  # another noted the same new place at the same moment: its row is there now
        return _begin_attempt(db, desk, place, moved)


def note_fetch_failure(db: Database, entry_id: str) -> None:
    """Take an attempt back that never got at the mail's bytes (line dropped, server refused): not the mail's fault."""
    with db.begin() as session:
        session.execute(
            update(Ledger)
            .where(Ledger.id == entry_id, Ledger.state == State.ATTEMPTED, Ledger.attempts > 0)
            .values(attempts=Ledger.attempts - 1, fetch_failures=Ledger.fetch_failures + 1)
        )


def release_place(db: Database, entry_id: str) -> None:
    """Another mail lies where this one lay: free the place for it. What was taken in stays known by its digests."""
    with db.begin() as session:
        session.execute(
            update(Ledger)
            .where(Ledger.id == entry_id)
            .values(folder=RELEASED, uidvalidity=int(entry_id[:8], 16), uid=int(entry_id[8:16], 16))
        )


def find(session: Session, place: MailPlace) -> LedgerEntry | None:
    row = session.execute(_AT_PLACE, _named(place)).one_or_none()
    return None if row is None else _entry(row)


def find_by_digest(session: Session, account: str, raw_digest: bytes, stable_digest: bytes) -> LedgerEntry | None:
    """The entry that took in the same mail, or the same but for trace fields, from this account."""
    sought = {"account": account, "raw_digest": raw_digest, "stable_digest": stable_digest}
    row = session.execute(_BY_DIGEST, sought).one_or_none()
    return None if row is None else _entry(row)


def settle(
    session: Session, entry_id: str, *, raw_digest: bytes, stable_digest: bytes, case_id: str, message_id: str
) -> None:
    """Note the result in the intake transaction. Raises AlreadyTakenIn: then roll the whole transaction back."""
    result = {"raw_digest": raw_digest, "stable_digest": stable_digest, "case_id": case_id, "message_id": message_id}
    rows.write(session)
    try:
        hit = changed_rows(session, _SETTLE, {"entry_id": entry_id, **result})
    except IntegrityError:
        raise AlreadyTakenIn("This mail was taken in from another place of this account.") from None
    if hit != 1:
        raise AlreadyTakenIn("This mail has its result already.")


def settle_duplicate(session: Session, entry_id: str, of: str) -> None:
    """Note that this is a second copy of the mail of another entry. Raises AlreadyTakenIn."""
    source = session.get_one(Ledger, of)
    statement = (
        update(Ledger)
        .where(Ledger.id == entry_id, Ledger.state.in_(_WITHOUT_RESULT))
        .values(
            state=State.DUPLICATE,
            duplicate_of=of,
            case_id=source.case_id,
            message_id=source.message_id,
            settled_at=database_now(),
        )
    )
    if changed_rows(session, statement) != 1:
        raise AlreadyTakenIn("This mail has its result already.")


def mark_copy_started(session: Session, entry_id: str) -> None:
    """Note that the mail is being copied to the done folder: only for servers that cannot MOVE."""
    session.execute(
        update(Ledger)
        .where(Ledger.id == entry_id, Ledger.state.in_(_WITH_RESULT))
        .values(copy_started_at=database_now())
    )


def mark_moved(session: Session, entry_id: str, done_place: MailPlace | None) -> None:
    """Note that the mail lies in the done folder now, and where, if the server told (COPYUID, RFC 4315 §3)."""
    if done_place is None:
        session.execute(_MOVED, {"entry_id": entry_id})
        return
    there = {
        "done_folder": done_place.folder,
        "done_uidvalidity": done_place.uidvalidity,
        "done_uid": done_place.uid,
    }
    session.execute(_MOVED_THERE, {"entry_id": entry_id, **there})


def mark_expunged(session: Session, entry_ids: Iterable[str]) -> None:
    session.execute(
        update(Ledger)
        .where(Ledger.id.in_(list(entry_ids)), Ledger.moved_at.is_not(None))
        .values(expunged_at=database_now())
    )


def moved_before(session: Session, account: str, when: datetime) -> list[LedgerEntry]:
    """Mails that have lain in the done folder since before `when` and were not expunged yet."""
    found = session.scalars(
        select(Ledger)
        .where(Ledger.account == account, Ledger.moved_at < when, Ledger.expunged_at.is_(None))
        .order_by(Ledger.moved_at)
    )
    return [_entry(row) for row in found]


def done_with(session: Session, account: str, before: datetime) -> list[LedgerEntry]:
    """Mails in the done folder that nobody needs there any more: moved there before that moment, or before a checked
    backup on another disk was begun, or of a case that is destroyed."""
    held = select(func.max(Backup.made_at)).scalar_subquery()
    destroyed = Ledger.case_id.in_(select(Destruction.case_id))
    found = session.scalars(
        select(Ledger)
        .where(Ledger.account == account, *LYING, (Ledger.moved_at <= before) | (Ledger.moved_at < held) | destroyed)
        .order_by(Ledger.moved_at)
    )
    return [_entry(row) for row in found]


def write_tombstone(session: Session, mail: Tombstone) -> None:
    """A mail of a destroyed case is known for ever, also by a ledger that never heard of it."""
    same = (Ledger.raw_digest == mail.raw_digest) | (Ledger.stable_digest == mail.stable_digest)
    if session.scalars(select(Ledger.id).where(Ledger.account == mail.account, same).limit(1)).first() is not None:
        return
    entry_id = new_id()
    session.add(
        Ledger(
            id=entry_id,
            desk=mail.desk,
            account=mail.account,
            folder=DESTROYED,
            uidvalidity=int(entry_id[:8], 16),
            uid=int(entry_id[8:16], 16),
            state=State.SETTLED,
            attempts=0,
            fetch_failures=0,
            raw_digest=mail.raw_digest,
            stable_digest=mail.stable_digest,
            case_id=mail.case_id,
            first_seen_at=clock(session),
            settled_at=clock(session),
        )
    )
    session.flush()


def unfinished(session: Session, account: str) -> list[LedgerEntry]:
    """Mails of an account that were tried and have no result, oldest first. They are in the mailbox still, or came from
    a file (`IMPORTS`); `fetch_failures` tells how often the server did not give one."""
    found = session.scalars(
        select(Ledger)
        .where(Ledger.account == account, Ledger.state == State.ATTEMPTED)
        .order_by(Ledger.first_seen_at, Ledger.uid)
    )
    return [_entry(row) for row in found]


def note_gone(
    db: Database, account: str, there: Mapping[str, FolderSeen], missing: Collection[str] = frozenset()
) -> int:
    """What was tried and is in the mailbox no more has its end; gives how many those were. Commits by itself.

    `there` are all folders of the account, but the `missing` ones: of what lies in those nobody knows.
    """
    left = {MailPlace(account, name, seen.uidvalidity, uid) for name, seen in there.items() for uid in seen.uids}
    return note_gone_but(db, account, left, missing)


def note_gone_but(
    db: Database, account: str, left: Collection[MailPlace], missing: Collection[str] = frozenset()
) -> int:
    """The same, where `left` are the places of all mails that are in the mailbox. Files and deliveries that were not
    taken in are no concern of a mailbox."""
    with db.begin() as session:
        gone = [
            entry.id
            for entry in unfinished(session, account)
            if entry.place.folder not in (IMPORTS, DELIVERIES, *missing) and entry.place not in left
        ]
        for entry_id in gone:
            session.execute(
                update(Ledger).where(Ledger.id == entry_id, Ledger.state == State.ATTEMPTED).values(state=State.GONE)
            )
    return len(gone)


def not_placed(
    session: Session, account: str, folders: Iterable[str], done_folder: str, done_uidvalidity: int
) -> list[LedgerEntry]:
    """Mails of these folders that have their result, and of which nobody knows where in the done folder they lie: moved
    by a server that does not tell, or just before a crash, or into a folder that was made anew since."""
    found = session.scalars(
        select(Ledger).where(
            Ledger.account == account,
            Ledger.folder.in_(list(folders)),
            Ledger.state.in_(_WITH_RESULT),
            Ledger.expunged_at.is_(None),
            Ledger.done_uid.is_(None)
            | (Ledger.done_folder != done_folder)
            | (Ledger.done_uidvalidity != done_uidvalidity),
        )
    )
    return [_entry(row) for row in found]


def done_uids(session: Session, account: str, done_folder: str, uidvalidity: int) -> set[int]:
    """UIDs in the done folder of mails that were moved there by us."""
    query = select(Ledger.done_uid).where(
        Ledger.account == account, Ledger.done_folder == done_folder, Ledger.done_uidvalidity == uidvalidity
    )
    return {uid for uid in session.scalars(query) if uid is not None}


def first_contact(db: Database, account: str, there: Mapping[str, FolderSeen], *, hold_above: int) -> dict[str, int]:
    """Up to which UID the mail of each folder was there when it was first seen, if it was more than `hold_above` then:
    that is no fresh post, and none of it is answered by itself. Commits by itself.

    Folders that are seen for the first time together are one mailbox: what they hold is counted together.
    """
    try:
        return _first_contact(db, account, there, hold_above)
    except IntegrityError:  # another saw them at the same moment
        return _first_contact(db, account, there, hold_above)


def claim_mailbox(db: Database, account: str, holder: str, seconds: float) -> bool:
    """Take or extend the right to read an account, if no other holder's claim runs."""
    try:
        with db.begin() as session:
            if session.get(MailboxClaim, account) is None:
                session.add(MailboxClaim(account=account, holder=None, lease_until=None))
    except IntegrityError:
        pass  # another added the row: the claim below decides
    with db.begin() as session:
        free = MailboxClaim.holder.is_(None) | (MailboxClaim.holder == holder)
        statement = (
            update(MailboxClaim)
            .where(MailboxClaim.account == account, free | (MailboxClaim.lease_until < database_now()))
            .values(holder=holder, lease_until=database_now(seconds))
        )
        return changed_rows(session, statement) == 1


def release_mailbox(db: Database, account: str, holder: str) -> None:
    """Give the claim back; no effect for who does not hold it."""
    with db.begin() as session:
        session.execute(
            update(MailboxClaim)
            .where(MailboxClaim.account == account, MailboxClaim.holder == holder)
            .values(holder=None, lease_until=None)
        )


def mailbox_holder(db: Database, account: str) -> str | None:
    """Who holds the claim on an account, in force or run out."""
    with db.read() as session:
        return session.scalars(select(MailboxClaim.holder).where(MailboxClaim.account == account)).one_or_none()


def _begin_attempt(db: Database, desk: str, place: MailPlace, moved: Sequence[Moved]) -> LedgerEntry:
    with db.begin() as session:
        for each in moved:
            mark_moved(session, each.entry_id, each.to)
        row = session.execute(_AT_PLACE_LOCKED, _named(place)).one_or_none()
        if row is not None and row.state in _WITH_RESULT:
            return _entry(row)
        if row is None:
            entry = _first_attempt(place, clock(session))
            ours = {"id": entry.id, "desk": desk, **_named(place)}
            begun = {"state": entry.state, "attempts": entry.attempts, "fetch_failures": entry.fetch_failures}
            rows.add(session, Ledger, **ours, **begun, first_seen_at=entry.first_seen_at)
            return entry
        entry = _entry(row)
        session.execute(_ATTEMPT_AGAIN, {"entry_id": entry.id})
        return replace(entry, state=State.ATTEMPTED, attempts=entry.attempts + 1)


def _first_contact(db: Database, account: str, there: Mapping[str, FolderSeen], hold_above: int) -> dict[str, int]:
    with db.begin() as session:
        known = {name: session.get(Mailbox, (account, name, seen.uidvalidity)) for name, seen in there.items()}
        fresh = {name: there[name] for name, row in known.items() if row is None}
        hold = sum(len(seen.uids) for seen in fresh.values()) > hold_above
        held = {name: row.held_until_uid for name, row in known.items() if row is not None}
        for name, seen in fresh.items():
            held[name] = max(seen.uids, default=0) if hold else 0
            session.add(
                Mailbox(
                    account=account,
                    folder=name,
                    uidvalidity=seen.uidvalidity,
                    held_until_uid=held[name],
                    first_seen_at=clock(session),
                )
            )
        return held


def _first_attempt(place: MailPlace, now: datetime) -> LedgerEntry:
    return LedgerEntry(
        id=new_id(),
        place=place,
        state=State.ATTEMPTED,
        attempts=1,
        fetch_failures=0,
        first_seen_at=now,
        case_id=None,
        message_id=None,
        duplicate_of=None,
        copy_started_at=None,
        moved_at=None,
        done_place=None,
    )


def _named(place: MailPlace) -> dict[str, object]:
    return {"account": place.account, "folder": place.folder, "uidvalidity": place.uidvalidity, "uid": place.uid}


def _entry(row: Ledger | Row[Any]) -> LedgerEntry:
    done = None
    if row.done_folder is not None and row.done_uidvalidity is not None and row.done_uid is not None:
        done = MailPlace(row.account, row.done_folder, row.done_uidvalidity, row.done_uid)
    return LedgerEntry(
        id=row.id,
        place=MailPlace(row.account, row.folder, row.uidvalidity, row.uid),
        state=State(row.state),
        attempts=row.attempts,
        fetch_failures=row.fetch_failures,
        first_seen_at=row.first_seen_at,
        case_id=row.case_id,
        message_id=row.message_id,
        duplicate_of=row.duplicate_of,
        copy_started_at=row.copy_started_at,
        moved_at=row.moved_at,
        done_place=done,
    )
