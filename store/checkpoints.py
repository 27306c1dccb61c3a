"""Checkpoints: how far the chains of a desk's trail went at a moment, signed with a key that is not in the database.

A checkpoint names the chains that grew since the one before it, and the digest of that one, so that the newest stands
for all. It is one line of JSON, in one form only, of which a copy can be kept where nobody who writes to the database
reaches it. What a checkpoint covers cannot be changed, removed or added to unnoticed: see `store/verification.py`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from store import rows, signing
from store.rows import table_of
from store.schema import Audit, AuditCheckpoint, AuditCovered, Desk
from store.signing import SigningKey, Statement

SETTLED_AFTER = timedelta(hours=1)
"""On PostgreSQL a row can be committed after one with a higher id was: none takes longer than this."""

_AUDIT = table_of(Audit)
_CHECKPOINTS = table_of(AuditCheckpoint)
_COVERED = table_of(AuditCovered)
_DESKS = table_of(Desk)
_NEW = (
    select(_AUDIT.c.desk, _AUDIT.c.chain_id, _AUDIT.c.number, _AUDIT.c.id)
    .where(_AUDIT.c.id > bindparam("floor"))
    .order_by(_AUDIT.c.id)
)
_ALL = (
    select(_AUDIT.c.chain_id, func.max(_AUDIT.c.number).label("number"), func.max(_AUDIT.c.id).label("id"))
    .where(_AUDIT.c.desk == bindparam("desk"), _AUDIT.c.chain_id.is_not(None))
    .group_by(_AUDIT.c.chain_id)
)


class NoCheckpoint(Exception):
    """This line is no checkpoint that the desk's trail key signed."""


@dataclass(frozen=True)
class ChainHead:
    """How far a chain went: its last row."""

    chain_id: str
    number: int
    hash: bytes
    row_id: int


@dataclass(frozen=True)
class Checkpoint:
    """`rows` counts all rows of the desk's chains so far; `heads` are those of the chains that grew."""

    desk: str
    number: int
    at: datetime
    rows: int
    last_id: int
    heads: tuple[ChainHead, ...]
    previous: bytes

    def signed(self, key: SigningKey) -> bytes:
        """The line that is kept: without its end."""
        signature = key.sign(self._statement())
        return _json({**self._values(), "signature": base64.b64encode(signature).decode()})

    @classmethod
    def read(cls, line: bytes, public: bytes) -> Checkpoint:
        """Raises NoCheckpoint unless it is one that this key signed, letter by letter."""
        try:
            values = json.loads(line)
            signature = base64.b64decode(values["signature"], validate=True)
            found = cls(
                desk=str(values["desk"]),
                number=int(values["number"]),
                at=datetime.fromisoformat(values["at"]),
                rows=int(values["rows"]),
                last_id=int(values["last_id"]),
                heads=tuple(ChainHead(str(c), int(n), bytes.fromhex(h), int(i)) for c, n, h, i in values["heads"]),
                previous=bytes.fromhex(values["previous"]),
            )
            same = _json({**found._values(), "signature": values["signature"]}) == line
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
            raise NoCheckpoint from None
        if not same or not signing.verify(public, found._statement(), signature):
            raise NoCheckpoint
        return found

    def _statement(self) -> bytes:
        return signing.statement(Statement.CHECKPOINT, [_json(self._values())])

    def _values(self) -> dict[str, object]:
        return {
            "desk": self.desk,
            "number": self.number,
            "at": self.at.isoformat(),
            "rows": self.rows,
            "last_id": self.last_id,
            "heads": [[head.chain_id, head.number, head.hash.hex(), head.row_id] for head in self.heads],
            "previous": self.previous.hex(),
        }


@dataclass(frozen=True)
class Kept:
    """A checkpoint as it stands in the database."""

    number: int
    line: bytes


def digest(line: bytes) -> bytes:
    """What the next checkpoint names a checkpoint by."""
    return hashlib.sha256(line).digest()


def make(session: Session, desk: str, key: SigningKey, now: datetime, *, all_rows: bool = False) -> Kept | None:
    """Sign how far the trail goes and keep it; None where nothing was written since the last time.

    `all_rows` looks for chains that grew among all rows, not among the newest only. Raises IntegrityError where another
    process makes one at this moment.
    """
    before = session.execute(
        select(_CHECKPOINTS).where(_CHECKPOINTS.c.desk == desk).order_by(_CHECKPOINTS.c.number.desc()).limit(1)
    ).one_or_none()
    floor = 0 if all_rows or before is None else _floor(session, desk, before, now)
    ends = _ends(session, desk, floor)
    covered = _covered(session, list(ends))
    grown = [row for chain_id, row in sorted(ends.items()) if row.number > covered.get(chain_id, 0)]
    if not grown:
        return None
    checkpoint = Checkpoint(
        desk=desk,
        number=before.number + 1 if before else 1,
        at=now,
        rows=(before.rows if before else 0) + sum(row.number - covered.get(row.chain_id, 0) for row in grown),
        last_id=max([before.last_id if before else 0, *(row.id for row in grown)]),
        heads=tuple(
            ChainHead(row.chain_id, row.number, _hash(session, row.chain_id, row.number), row.id) for row in grown
        ),
        previous=digest(before.line) if before else bytes(32),
    )
    line = checkpoint.signed(key)
    _keep(session, checkpoint, line)
    return Kept(checkpoint.number, line)


def after(session: Session, desk: str, number: int) -> tuple[Kept, ...]:
    """The checkpoints of a desk after this number, oldest first."""
    found = session.execute(
        select(_CHECKPOINTS.c.number, _CHECKPOINTS.c.line)
        .where(_CHECKPOINTS.c.desk == desk, _CHECKPOINTS.c.number > number)
        .order_by(_CHECKPOINTS.c.number)
    )
    return tuple(Kept(row.number, row.line) for row in found)


def to_mail(session: Session, desk: str, most: int) -> tuple[Kept, ...]:
    """The oldest checkpoints that were not mailed yet."""
    found = session.execute(
        select(_CHECKPOINTS.c.number, _CHECKPOINTS.c.line)
        .where(_CHECKPOINTS.c.desk == desk, _CHECKPOINTS.c.mailed_at.is_(None))
        .order_by(_CHECKPOINTS.c.number)
        .limit(most)
    )
    return tuple(Kept(row.number, row.line) for row in found)


def last_mailed(session: Session, desk: str) -> datetime | None:
    return _latest(session, _CHECKPOINTS.c.mailed_at, desk)


def mark_mailed(session: Session, desk: str, up_to: int, now: datetime) -> None:
    """A mail server took them as far as this number."""
    session.execute(
        update(_CHECKPOINTS)
        .where(_CHECKPOINTS.c.desk == desk, _CHECKPOINTS.c.number <= up_to, _CHECKPOINTS.c.mailed_at.is_(None))
        .values(mailed_at=now)
    )


def unsigned_since(session: Session, desk: str) -> datetime | None:
    """When the newest checkpoint was made, or the desk, if anything was written since; None where nothing was."""
    newest = session.execute(select(_AUDIT.c.id).where(_AUDIT.c.desk == desk).order_by(_AUDIT.c.id.desc()).limit(1))
    signed = session.execute(select(func.max(_CHECKPOINTS.c.last_id)).where(_CHECKPOINTS.c.desk == desk)).scalar_one()
    if (newest.scalar_one_or_none() or 0) <= (signed or 0):
        return None
    made = session.execute(select(_DESKS.c.created_at).where(_DESKS.c.slug == desk)).scalar_one_or_none()
    return _latest(session, _CHECKPOINTS.c.at, desk) or made


def _latest(session: Session, column: ColumnElement[datetime], desk: str) -> datetime | None:
    found: datetime | None = session.execute(select(func.max(column)).where(_CHECKPOINTS.c.desk == desk)).scalar_one()
    return found


def _floor(session: Session, desk: str, before: Row[Any], now: datetime) -> int:
    """The id up to which no row can be new. Once an hour 0, for a row that was committed later than anybody thought."""
    if session.get_bind().dialect.name == "sqlite":  # writes one transaction after the other
        last_id: int = before.last_id
        return last_id
    if before.at.hour != now.hour:
        return 0
    found = select(func.max(_CHECKPOINTS.c.last_id)).where(_CHECKPOINTS.c.desk == desk)
    return session.execute(found.where(_CHECKPOINTS.c.at < now - SETTLED_AFTER)).scalar_one() or 0


def _ends(session: Session, desk: str, floor: int) -> dict[str, Any]:
    """The last row of each chain that has one after this id."""
    if not floor:
        return {row.chain_id: row for row in session.execute(_ALL, {"desk": desk})}
    new = session.execute(_NEW, {"floor": floor})  # of all desks: an index by desk leads through all that it ever wrote
    return {row.chain_id: row for row in new if row.desk == desk and row.chain_id is not None}


def _covered(session: Session, chain_ids: list[str]) -> dict[str, int]:
    found = session.execute(select(_COVERED.c.chain_id, _COVERED.c.number).where(_COVERED.c.chain_id.in_(chain_ids)))
    return {row.chain_id: row.number for row in found}


def _hash(session: Session, chain_id: str, number: int) -> bytes:
    found = select(_AUDIT.c.hash).where(_AUDIT.c.chain_id == chain_id, _AUDIT.c.number == number).limit(1)
    return session.execute(found).scalar_one() or b""


def _keep(session: Session, checkpoint: Checkpoint, line: bytes) -> None:
    rows.add(
        session,
        AuditCheckpoint,
        desk=checkpoint.desk,
        number=checkpoint.number,
        at=checkpoint.at,
        rows=checkpoint.rows,
        last_id=checkpoint.last_id,
        line=line,
        mailed_at=None,
    )
    rows.write(session)
    chain_ids = [head.chain_id for head in checkpoint.heads]
    session.execute(delete(_COVERED).where(_COVERED.c.chain_id.in_(chain_ids)))
    session.execute(
        insert(_COVERED),
        [{"chain_id": head.chain_id, "desk": checkpoint.desk, "number": head.number} for head in checkpoint.heads],
    )


def _json(values: dict[str, object]) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=True).encode()
