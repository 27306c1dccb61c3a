"""How the system does, as far as the database tells: times and counts, no content and no address.

The doctor and the desk's page say the same of it, each in its own words.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import mailboxes
from store.dues import DueState
from store.ledger import DELIVERIES, IMPORTS, unfinished
from store.mailboxes import Look
from store.outbox import OutboxState, paused_at
from store.schema import AuditCheckpoint, Backup, Due, Ledger, Outbox

WAITING_TOO_LONG = timedelta(minutes=30)
"""For what the daemon does within seconds where it runs."""
FAILURES_TOLD = timedelta(days=7)


@dataclass(frozen=True)
class Account:
    """A mailbox. `lying`: mails that were taken in and can still be read on the server; `late`: begun and without a
    result for too long, of mails there (`mails`), of deliveries by LMTP, and of files."""

    name: str
    look: Look | None
    lying: int
    mails: int
    deliveries: int
    files: int


@dataclass(frozen=True)
class SystemState:
    """`queued_late`: mails that should have gone out and did not; `late`: what the daemon should have done by itself;
    `seen_at`: the last thing that only a running daemon does."""

    accounts: tuple[Account, ...]
    taken_at: datetime | None
    sent_at: datetime | None
    seen_at: datetime | None
    paused_at: datetime | None
    held: int
    queued_late: int
    uncertain: int
    failed: int
    late: int
    backup_at: datetime | None


def last_taken_in(session: Session, desk: str | None = None) -> datetime | None:
    asked = select(func.max(Ledger.settled_at))
    return session.scalar(asked if desk is None else asked.where(Ledger.desk == desk))


def last_sent(session: Session, desk: str | None = None) -> datetime | None:
    asked = select(func.max(Outbox.settled_at)).where(Outbox.state == OutboxState.SENT)
    return session.scalar(asked if desk is None else asked.where(Outbox.desk == desk))


def of(session: Session, desk: str, configured: Collection[str], now: datetime) -> SystemState:
    """The state of a desk, whose mailboxes the configuration knows as these."""
    looks = {look.account: look for look in mailboxes.looks(session, desk)}
    lying = mailboxes.lying(session, desk)
    names = sorted({*configured, *looks})
    taken, sent = last_taken_in(session, desk), last_sent(session, desk)
    checkpoint = session.scalar(select(func.max(AuditCheckpoint.at)).where(AuditCheckpoint.desk == desk))
    signs = [taken, sent, checkpoint, *(look.looked_at for look in looks.values())]
    counts = _outbox(session, desk, now)
    return SystemState(
        accounts=tuple(_account(session, name, looks.get(name), lying.get(name, 0), now) for name in names),
        taken_at=taken,
        sent_at=sent,
        seen_at=max((each for each in signs if each is not None), default=None),
        paused_at=paused_at(session, desk),
        held=counts.get(OutboxState.HELD, 0),
        queued_late=_queued_late(session, desk, now),
        uncertain=counts.get(OutboxState.UNCERTAIN, 0),
        failed=counts.get(OutboxState.FAILED, 0),
        late=_late(session, desk, now),
        backup_at=session.scalar(select(func.max(Backup.made_at))),
    )


def _account(session: Session, name: str, look: Look | None, lying: int, now: datetime) -> Account:
    late = [entry for entry in unfinished(session, name) if entry.first_seen_at < now - WAITING_TOO_LONG]
    files = sum(entry.place.folder == IMPORTS for entry in late)
    deliveries = sum(entry.place.folder == DELIVERIES for entry in late)
    return Account(name, look, lying, len(late) - files - deliveries, deliveries, files)


def _outbox(session: Session, desk: str, now: datetime) -> dict[str, int]:
    """How many mails wait for a word, and how many of the last days may not have arrived."""
    recent = (Outbox.state == OutboxState.HELD) | (Outbox.settled_at >= now - FAILURES_TOLD)
    wanted = [OutboxState.HELD, OutboxState.UNCERTAIN, OutboxState.FAILED]
    found = (
        select(Outbox.state, func.count())
        .where(Outbox.desk == desk, Outbox.state.in_(wanted), recent)
        .group_by(Outbox.state)
    )
    return {row[0]: row[1] for row in session.execute(found)}


def _queued_late(session: Session, desk: str, now: datetime) -> int:
    waiting = (Outbox.state == OutboxState.QUEUED, Outbox.not_before < now - WAITING_TOO_LONG)
    return session.scalar(select(func.count()).select_from(Outbox).where(Outbox.desk == desk, *waiting)) or 0


def _late(session: Session, desk: str, now: datetime) -> int:
    waiting = (Due.state == DueState.OPEN, Due.wake_at < now - WAITING_TOO_LONG)
    return session.scalar(select(func.count()).select_from(Due).where(Due.desk == desk, *waiting)) or 0
