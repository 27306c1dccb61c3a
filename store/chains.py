"""The chains of the trail: each row carries its place in a chain and the hash of the row before it.

A chain belongs to one desk and is written by one transaction at a time. A process takes a free chain of its own for
each transaction that writes to the trail, and puts it back when the transaction is through; where none is free it
begins one. Nobody waits for a chain, so none can be part of a deadlock, and two transactions never write one together:

- a transaction that is rolled back puts its chain back as it was, so it leaves no gap;
- one whose commit failed may be there or not: its chain is left alone, and the next transaction begins another;
- a process that is killed leaves its chains at their last committed row.

The first row of a chain follows the newest row of the desk's trail that was there, of whatever chain. So the chains of
a desk hang together, and only the very first row of a desk follows none.

What a row's hash is over: every column, each with its length, but the id, which the database gives (a chain's rows
have growing ones), and the SHA-256 of a sealed detail instead of the detail, which may be destroyed with its case.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, event, select
from sqlalchemy.orm import Session, SessionTransaction

from store import rows
from store.rows import GatheringSession, table_of
from store.schema import Audit, new_id

GENESIS = bytes(32)
"""What the first row of a desk's trail follows."""

_LABEL = b"meldpost trail row 1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HASHED = (
    "chain_id", "number", "previous", "desk", "at", "action", "member_id", "case_id", "subject_id", "record_kind",
    "record_version", "sha256", "detail_id", "key_pair_id", "detail_sha256",
)  # fmt: skip
_NOTHING = dict.fromkeys(column.key for column in Audit.__table__.columns if not column.primary_key)

_AUDIT = table_of(Audit)
_NEWEST = (
    select(_AUDIT.c.hash)
    .where(_AUDIT.c.desk == bindparam("desk"), _AUDIT.c.hash.is_not(None))
    .order_by(_AUDIT.c.at.desc(), _AUDIT.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Head:
    """How far a chain goes. Number 0: it has no row yet, and `hash` is that of the row which its first will follow."""

    chain_id: str
    number: int
    hash: bytes


class Chains:
    """The chains of a process that no transaction is writing."""

    def __init__(self) -> None:
        self._free: dict[str, list[Head]] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def take(self, desk: str) -> Head | None:
        """A free chain, for one transaction alone; None where there is none."""
        with self._lock:
            self._forget_after_a_fork()
            free = self._free.get(desk)
            return free.pop() if free else None

    def put_back(self, desk: str, head: Head) -> None:
        """The chain is committed as far as `head`, and nobody writes it any more."""
        with self._lock:
            self._forget_after_a_fork()
            self._free.setdefault(desk, []).append(head)

    def _forget_after_a_fork(self) -> None:
        if self._process != os.getpid():  # they go on in the other process
            self._free, self._process = {}, os.getpid()


def add(session: Session, values: Mapping[str, Any]) -> None:
    """Add a row to the trail, at the end of the chain that this transaction writes."""
    chaining = _chaining(session)
    desk: str = values["desk"]
    head = chaining.heads.get(desk)
    if head is None:
        head = chaining.take(desk)
    detail: bytes | None = values.get("detail")
    # always with all columns: rows of one form are written together, in the order in which they were added
    row = {
        **_NOTHING,
        **values,
        "chain_id": head.chain_id,
        "number": head.number + 1,
        "previous": head.hash,
        "detail_sha256": None if detail is None else hashlib.sha256(detail).digest(),
    }
    row["hash"] = row_hash(row)
    chaining.heads[desk] = Head(head.chain_id, head.number + 1, row["hash"])
    rows.add(session, Audit, **row)


def row_hash(row: Mapping[str, Any]) -> bytes:
    """The hash of a row, by its columns."""
    return hashlib.sha256(b"".join([_LABEL, *[_encoded(row[name]) for name in _HASHED]])).digest()


def _encoded(value: str | int | bytes | datetime | None) -> bytes:
    """A column in one form: what it is, its length, and its bytes. Each row of the trail asks for fifteen of these."""
    if value is None:
        return b"-"
    if isinstance(value, str):
        kind, content = b"s", value.encode()
    elif isinstance(value, bytes):
        kind, content = b"b", value
    elif isinstance(value, int):
        kind, content = b"i", b"%d" % value
    else:  # whole microseconds, as both databases keep them
        kind, content = b"t", b"%d" % ((value - _EPOCH) // _MICROSECOND)
    return kind + len(content).to_bytes(8, "big") + content


class ChainingSession(GatheringSession):
    """A writing transaction, with the chains that it took."""

    def __init__(self, *arguments: Any, chains: Chains, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._chains = chains
        self._taken: dict[str, Head] = {}
        self._savepoints: dict[SessionTransaction, dict[str, Head]] = {}
        self.heads: dict[str, Head] = {}
        """By desk, how far the chains go in this transaction."""
        self.committing = False
        self.committed = False

    def take(self, desk: str) -> Head:
        head = self._chains.take(desk)
        if head is None:
            newest = self.connection().execute(_NEWEST, {"desk": desk}).scalar_one_or_none()
            head = Head(new_id(), 0, GENESIS if newest is None else newest)
        self._taken[desk] = head
        return head

    def begin_nested(self) -> SessionTransaction:
        rows.write(self)  # what was gathered before it does not go with it
        savepoint = super().begin_nested()
        self._savepoints[savepoint] = dict(self.heads)
        return savepoint

    def back_to(self, savepoint: SessionTransaction) -> None:
        """The rows since a savepoint are gone."""
        self.forget_gathered()
        before = self._savepoints.pop(savepoint)
        # of a chain that was taken since: from where it was taken
        self.heads = {desk: before.get(desk, self._taken[desk]) for desk in self.heads}

    def end(self) -> None:
        """The transaction is through: its chains are free again, but those of which nobody knows how far they go."""
        if not self.committed:
            self.forget_gathered()
        if self.committed or not self.committing:
            for desk, head in (self.heads if self.committed else self._taken).items():
                if head.number:
                    self._chains.put_back(desk, head)
        self._taken, self.heads, self._savepoints = {}, {}, {}
        self.committing = self.committed = False


def _chaining(session: Session) -> ChainingSession:
    if not isinstance(session, ChainingSession):
        raise TypeError("the trail is written in a writing transaction")
    return session


@event.listens_for(ChainingSession, "before_commit")
def _before_commit(session: ChainingSession) -> None:
    if session.get_nested_transaction() is None:
        rows.write(session)  # an error of these is none of the commit
        session.committing = True


@event.listens_for(ChainingSession, "after_commit")
def _after_commit(session: ChainingSession) -> None:
    if session.get_nested_transaction() is None:
        session.committed = True


@event.listens_for(ChainingSession, "after_soft_rollback")
def _after_rollback(session: ChainingSession, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.back_to(transaction)


@event.listens_for(ChainingSession, "after_transaction_end")
def _after_end(session: ChainingSession, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.end()
