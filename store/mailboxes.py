"""How it is with each mailbox: when it was last read, how many mails wait in it, how many still lie in its done folder.

What lies on a mail server can be read there. These are counts and times, and stand in clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store.database import Database, changed_rows, database_now
from store.schema import LYING, Ledger, MailboxLook, MailboxRecheck

STALE_AFTER = timedelta(days=1)
"""A mailbox that was not read for longer is told of: it may have stopped without a sound (mail-cases 33)."""


@dataclass(frozen=True)
class Look:
    """The last time that a mailbox was read to its end. `waiting`: mails that had no result then."""

    account: str
    looked_at: datetime
    waiting: int

    def is_stale(self, now: datetime) -> bool:
        return now - self.looked_at > STALE_AFTER


def note_look(db: Database, desk: str, account: str, waiting: int) -> None:
    """Note that a mailbox was read just now. Commits by itself."""
    values = {"looked_at": database_now(), "waiting": waiting}
    try:
        with db.begin() as session:
            if not changed_rows(session, update(MailboxLook).where(MailboxLook.account == account).values(**values)):
                session.add(MailboxLook(account=account, desk=desk, **values))
    except IntegrityError:
        pass  # another noted its first look at the same moment


def ask_recheck(session: Session, accounts: Iterable[str], now: datetime) -> None:
    """After a restore: have what lies in the done folders of these accounts looked through."""
    session.execute(delete(MailboxRecheck))
    session.add_all(MailboxRecheck(account=account, asked_at=now) for account in accounts)


def is_recheck_asked(db: Database, account: str) -> bool:
    with db.read() as session:
        return session.get(MailboxRecheck, account) is not None


def end_recheck(db: Database, account: str) -> None:
    """All that lies in the done folder has its result. Commits by itself."""
    with db.begin() as session:
        session.execute(delete(MailboxRecheck).where(MailboxRecheck.account == account))


def looks(session: Session, desk: str) -> tuple[Look, ...]:
    """The mailboxes of a desk that were ever read, by their names."""
    rows = session.scalars(select(MailboxLook).where(MailboxLook.desk == desk).order_by(MailboxLook.account))
    return tuple(Look(row.account, row.looked_at, row.waiting) for row in rows)


def lying(session: Session, desk: str) -> Mapping[str, int]:
    """How many mails that were taken in still lie in the done folder of each account."""
    query = select(Ledger.account, func.count()).where(Ledger.desk == desk, *LYING).group_by(Ledger.account)
    return {row[0]: row[1] for row in session.execute(query)}
