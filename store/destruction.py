"""Destroying a case: its keys first, then its rows, then what the database's free pages still hold.

The first step is one transaction: every sealed form of the case's private keys goes, with all by which anybody could
find the case. From then on nothing opens it. The rows go in small steps, each a transaction; whoever is killed between
two leaves a case that the next tick goes on with. What stays: the ledger's rows as tombstones, the trail (its details
open to nobody), one row that says when and how many, and for the desk the figures and by which rule.

No step needs a key. A due destruction is begun only where a notice of it went out (`store/retention.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Table, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from cases.lifecycle import Status
from cases.retention import ENDED
from cases.terms import DueKind
from config.faults import fault
from store import audit, dues, retention, segments
from store.audit import Action
from store.database import Database, clock
from store.dues import LeaseLost
from store.lookups import IndexKey
from store.outbox import OutboxState
from store.rows import table_of
from store.schema import (
    Attachment,
    Base,
    CaseFile,
    Destruction,
    Due,
    KeyPair,
    Lookup,
    MailerContact,
    Message,
    Outbox,
    Record,
    RecordPiece,
    SealedSeed,
    new_id,
)

LEASE_SECONDS = 300
LATER = timedelta(hours=1)
MOST_AT_ONCE = 200
PIECES_A_STEP = 16
ROWS_A_STEP = 500

OUTLIVES = frozenset({"audit", "ledger", "destruction"})
"""Tables that name a case and keep their rows when it is gone."""

_WAITING = (OutboxState.QUEUED, OutboxState.SENDING)
_CASES = table_of(CaseFile)


class NotDestroyable(Exception):
    """The case is not to be destroyed now; the message says why."""


@dataclass(frozen=True)
class Ended:
    """A case that is gone. `member_id`: who had it destroyed before its time."""

    id: str
    desk: str
    case_id: str
    member_id: str | None
    begun_at: datetime
    ended_at: datetime
    swept_at: datetime | None
    declared_at: datetime | None
    records: int
    messages: int
    attachments: int
    proven: bool


def nothing_to_tell() -> None:
    """Of what was begun, where nobody has to hear of it."""


def destroy_due(
    db: Database,
    index_of: Mapping[str, IndexKey],
    filled_in: Mapping[str, bool],
    begun: Callable[[], object] = nothing_to_tell,
) -> int:
    """One tick: begin what is due, and finish whatever was begun; gives how many cases are gone now.

    Safe to repeat, at any time and by anyone. `filled_in` says of each desk whether it has a retention table: without
    one nothing is begun. `begun` is called, each time, when the keys of all that is due are gone, and their rows are
    there.
    """
    for _ in range(MOST_AT_ONCE):
        claim = dues.claim_due(db, [DueKind.DESTROY], LEASE_SECONDS)
        if claim is None:
            break
        index = index_of.get(claim.desk)
        try:
            with db.begin() as session:
                if index is None or not filled_in.get(claim.desk):
                    dues.leave_open(session, claim, clock(session) + LATER)
                    continue
                reason = why_not(session, claim.case_id)
                if reason is not None:
                    dues.leave_open(session, claim, clock(session) + LATER)
                    continue
                dues.settle_due(session, claim)
                begin(session, claim.desk, claim.case_id, index, clock(session))
        except LeaseLost:
            continue
        fault("after-keys")
    begun()
    return finish_begun(db, index_of)


def why_not(session: Session, case_id: str) -> str | None:
    """Why this case cannot be destroyed now; None where it can. Locks the case."""
    found = select(CaseFile).where(CaseFile.id == case_id).with_for_update()
    row = session.scalars(found.execution_options(populate_existing=True)).one_or_none()
    if row is None or row.status not in ENDED:
        return "The case has not ended."
    if any(retention.is_held(session, each) for each in (case_id, *session.scalars(_merged_into(case_id)))):
        return "The case is on hold."
    if retention.has_unread(session, case_id):
        return "The case has a message that nobody has looked at."
    under_way = select(Outbox.id).where(
        Outbox.case_id == case_id, Outbox.state.in_(_WAITING), Outbox.frame.is_not(None)
    )
    if session.scalars(under_way.limit(1)).first() is not None:
        return "A mail of the case is on its way out."
    return None


def begin(
    session: Session, desk: str, case_id: str, index: IndexKey, now: datetime, member_id: str | None = None
) -> str:
    """The first step: nothing opens the case any more, nor those merged into it, and no mail finds them. Raises
    NotDestroyable."""
    reason = why_not(session, case_id)
    if reason is not None:
        raise NotDestroyable(reason)
    for merged in session.scalars(_merged_into(case_id)).all():
        _begin(session, desk, merged, index, now, member_id)
    return _begin(session, desk, case_id, index, now, member_id)


def _merged_into(case_id: str) -> Any:
    """What was merged into a case goes with it, however many mergers ago."""
    merged = select(CaseFile.id).where(CaseFile.merged_into_id == case_id, CaseFile.status == Status.MERGED)
    found = merged.cte("merged", recursive=True)
    further = select(CaseFile.id).join(found, CaseFile.merged_into_id == found.c.id)
    return select(found.union(further.where(CaseFile.status == Status.MERGED)).c.id)


def _begin(session: Session, desk: str, case_id: str, index: IndexKey, now: datetime, member_id: str | None) -> str:
    destruction = Destruction(
        id=new_id(),
        desk=desk,
        case_id=case_id,
        member_id=member_id,
        begun_at=now,
        records=_count(session, Record, Record.case_id == case_id),
        messages=_count(session, Message, Message.case_id == case_id),
        attachments=_count(session, Attachment, Attachment.message_id.in_(_messages_of(case_id))),
    )
    session.add(destruction)
    _take_keys_away(session, case_id)
    row = session.get_one(CaseFile, case_id)
    row.status = Status.DESTROYED
    row.version += 1
    row.reference_digest = index.reference(new_id())
    session.flush()
    audit.write(session, desk, Action.DESTROY_BEGUN, now, member_id=member_id, case_id=case_id)
    session.flush()
    return destruction.id


def destroy_again(session: Session, desk: str, case_id: str, index: IndexKey, now: datetime) -> None:
    """The first step for a case that a backup brought back: it was destroyed once, whatever its rows say now. Of one
    that came after the backup only that is noted."""
    row = session.get(CaseFile, case_id)
    if row is None:
        _note_again(session, desk, case_id, index, now)
        return
    if row.status == Status.DESTROYED:
        return
    session.add(
        Destruction(
            id=new_id(),
            desk=desk,
            case_id=case_id,
            begun_at=now,
            declared_at=now,  # it was, when it was destroyed first
            records=_count(session, Record, Record.case_id == case_id),
            messages=_count(session, Message, Message.case_id == case_id),
            attachments=_count(session, Attachment, Attachment.message_id.in_(_messages_of(case_id))),
        )
    )
    _take_keys_away(session, case_id)
    row.status = Status.DESTROYED
    row.reference_digest = index.reference(new_id())
    audit.write(session, desk, Action.DESTROY_BEGUN, now, case_id=case_id)
    session.flush()


def finish_begun(db: Database, index_of: Mapping[str, IndexKey]) -> int:
    """Take away all rows of the cases whose keys are gone; gives how many cases are gone now."""
    with db.read() as session:
        begun = session.execute(
            select(Destruction.id, Destruction.desk, Destruction.case_id)
            .where(Destruction.ended_at.is_(None))
            .order_by(Destruction.begun_at)
        ).all()
    gone = 0
    for row in begun:
        index = index_of.get(row.desk)
        if index is None:
            continue
        for step in _steps(row.case_id):
            while True:
                with db.begin() as session:
                    hit = _deleted(session, step)
                fault("between-steps")
                if not hit:
                    break
        with db.begin() as session:
            gone += _end(session, row.id, row.case_id, index)
    return gone


def sweep(db: Database) -> bool:
    """Empty what the database's free pages, and its log, hold of destroyed cases. False: later, something is in the
    way."""
    with db.read() as session:
        ids = session.scalars(
            select(Destruction.id).where(Destruction.ended_at.is_not(None), Destruction.swept_at.is_(None))
        ).all()
    if not ids:
        return True
    if not db.compact([table.name for table in swept_tables()]):
        return False
    with db.begin() as session:
        session.execute(update(Destruction).where(Destruction.id.in_(ids)).values(swept_at=clock(session)))
    return True


def ended(session: Session, desk: str, index: IndexKey, *, undeclared: bool = False) -> tuple[Ended, ...]:
    """The cases of a desk that are gone, newest first; with `undeclared` those that no member signed for yet."""
    query = select(Destruction).where(Destruction.desk == desk, Destruction.ended_at.is_not(None))
    if undeclared:
        query = query.where(Destruction.declared_at.is_(None))
    found = session.scalars(query.order_by(Destruction.ended_at.desc(), Destruction.id))
    return tuple(
        Ended(
            id=row.id,
            desk=row.desk,
            case_id=row.case_id,
            member_id=row.member_id,
            begun_at=row.begun_at,
            ended_at=row.ended_at or row.begun_at,
            swept_at=row.swept_at,
            declared_at=row.declared_at,
            records=row.records,
            messages=row.messages,
            attachments=row.attachments,
            proven=row.proof == _proof(row, index),
        )
        for row in found
    )


def destroyed_cases(session: Session, desk: str) -> dict[str, datetime]:
    """The cases of a desk whose keys are gone, and since when."""
    found = select(Destruction.case_id, Destruction.begun_at).where(Destruction.desk == desk)
    return {row.case_id: row.begun_at for row in session.execute(found)}


def swept_tables() -> tuple[Table, ...]:
    """The tables out of which a destruction takes rows."""
    return (*(step.table for step in _steps("")), _CASES, table_of(SealedSeed))


def _note_again(session: Session, desk: str, case_id: str, index: IndexKey, now: datetime) -> None:
    known = select(Destruction.id).where(Destruction.case_id == case_id)
    if session.scalars(known).first() is not None:
        return
    times = {"begun_at": now, "ended_at": now, "swept_at": now, "declared_at": now}
    row = Destruction(id=new_id(), desk=desk, case_id=case_id, records=0, messages=0, attachments=0, **times)
    row.proof = _proof(row, index)
    session.add(row)
    audit.write(session, desk, Action.DESTROYED, now, case_id=case_id)
    session.flush()


def _take_keys_away(session: Session, case_id: str) -> None:
    pairs = select(KeyPair.id).where(KeyPair.owner == case_id)
    session.execute(
        delete(SealedSeed).where(
            SealedSeed.key_pair_id.in_(pairs) | SealedSeed.recipient_key_pair_id.in_(pairs),
        )
    )
    segments.forget_case(session, case_id)
    for table in (MailerContact, Lookup, Outbox, Due):
        session.execute(delete(table).where(table.case_id == case_id))
    for link in (CaseFile.linked_case_id, CaseFile.merged_into_id):
        session.execute(update(CaseFile).where(link == case_id).values({link.key: None}))
    session.flush()


@dataclass(frozen=True)
class _Step:
    """Rows of one table that go, some at a time."""

    table: Table
    which: Any
    at_once: int


def _steps(case_id: str) -> Iterator[_Step]:
    """All rows that hang on a case, children before parents: found by the schema's own foreign keys, so that no table
    that comes later is forgotten."""
    pieces, records, messages = table_of(RecordPiece), table_of(Record), table_of(Message)
    yield _Step(pieces, pieces.c.record_id.in_(select(records.c.id).where(records.c.case_id == case_id)), PIECES_A_STEP)
    pairs = table_of(KeyPair)
    of_case: dict[Any, Any] = {
        _CASES.c.id: [case_id],
        messages.c.id: select(messages.c.id).where(messages.c.case_id == case_id),
        records.c.id: select(records.c.id).where(records.c.case_id == case_id),
        pairs.c.id: select(pairs.c.id).where(pairs.c.owner == case_id),
    }
    for table in reversed(Base.metadata.sorted_tables):
        if table in (pieces, _CASES):
            continue
        for column, target in _referring(table):
            if target in of_case and not (table is records and target is pairs.c.id):
                yield _Step(table, column.in_(of_case[target]), ROWS_A_STEP)
        if table is pairs:
            yield _Step(table, pairs.c.owner == case_id, ROWS_A_STEP)


def _referring(table: Table) -> Iterator[tuple[Column[Any], Column[Any]]]:
    for column in table.columns:
        for key in column.foreign_keys:
            yield column, key.column


def _deleted(session: Session, step: _Step) -> int:
    keys = list(step.table.primary_key.columns)
    some = select(*keys).where(step.which).limit(step.at_once)
    session.flush()
    named: Sequence[Any] = session.execute(some).all()
    if named:
        session.execute(delete(step.table).where(tuple_(*keys).in_([tuple(row) for row in named])))
    return len(named)


def _end(session: Session, destruction_id: str, case_id: str, index: IndexKey) -> int:
    """The last step: the case's own row, and the note that all is done."""
    found = select(Destruction).where(Destruction.id == destruction_id, Destruction.ended_at.is_(None))
    row = session.scalars(found.with_for_update()).one_or_none()
    if row is None:
        return 0  # another was faster
    session.execute(delete(CaseFile).where(CaseFile.id == case_id))
    row.ended_at = clock(session)
    row.proof = _proof(row, index)
    audit.write(session, row.desk, Action.DESTROYED, row.ended_at, member_id=row.member_id, case_id=case_id)
    session.flush()
    return 1


def _proof(row: Destruction, index: IndexKey) -> bytes:
    times = [row.begun_at.isoformat(), row.ended_at.isoformat() if row.ended_at else ""]
    counts = [str(row.records), str(row.messages), str(row.attachments)]
    return index.destruction([row.id, row.desk, row.case_id, row.member_id or "", *times, *counts])


def _messages_of(case_id: str) -> Any:
    return select(Message.id).where(Message.case_id == case_id)


def _count(session: Session, table: Any, which: Any) -> int:
    return session.scalars(select(func.count()).select_from(table).where(which)).one()
