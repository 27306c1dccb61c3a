"""A trail of a few chains and checkpoints, and what somebody does to it who writes to the database without the key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from store import audit, checkpoints, verification
from store.audit import Action
from store.chains import row_hash
from store.database import Database, open_database
from store.keypairs import KeyKind, generate
from store.keyring import PublicPair
from store.members import create_desk
from store.rows import table_of
from store.schema import Audit, AuditCheckpoint, new_id
from store.signing import SigningKey
from store.verification import Verdict
from tests.store.world import NOW

DESK = "integriteit"
KEY = SigningKey(b"t" * 32)
TO = PublicPair("a" * 32, DESK, KeyKind.CASE, "c" * 32, 1, generate().public)
AUDIT = table_of(Audit)
CHECKPOINTS = table_of(AuditCheckpoint)

Rows = list[dict[str, Any]]


def make_desk(db: Database) -> None:
    db.upgrade()
    with db.begin() as session:
        create_desk(session, DESK, NOW)


def write(db: Database, count: int = 1, at: datetime = NOW) -> None:
    """One transaction with so many rows, each with a sealed detail."""
    with db.begin() as session:
        write_in(session, count, at)


def write_in(session: Session, count: int = 1, at: datetime = NOW) -> None:
    for _ in range(count):
        audit.write(
            session, DESK, Action.NOTE, at, member_id="m" * 32, subject_id=new_id(), detail={"part": "x"}, to=TO
        )


def checkpoint(db: Database, at: datetime = NOW, **more: Any) -> bytes | None:
    with db.begin() as session:
        made = checkpoints.make(session, DESK, KEY, at, **more)
    return made.line if made else None


def verify(db: Database, outside: list[bytes] | None = None, key: SigningKey | None = KEY) -> Verdict:
    with db.read() as session:
        return verification.verify(session, DESK, key.public if key else None, outside)


def trail_of_three_chains(folder: Path) -> list[bytes]:
    """Three processes write in turn, with a checkpoint now and then and one at the end; gives the copies of those."""
    url = f"sqlite:///{folder}/trail.db"
    first = open_database(url)
    make_desk(first)
    second, third = open_database(url), open_database(url)
    lines: list[bytes | None] = []
    for turn, (db, count) in enumerate([(first, 2), (second, 3), (first, 1), (third, 2), (second, 1), (third, 2)]):
        at = NOW + timedelta(minutes=turn)
        write(db, count, at)
        if turn in (1, 3, 5):
            lines.append(checkpoint(first, at))
    for db in (first, second, third):
        db.close()
    return [line for line in lines if line]


def rows(db: Database) -> Rows:
    with db.read() as session:
        return [dict(row._mapping) for row in session.execute(select(AUDIT).order_by(AUDIT.c.id))]


def chains(found: Rows) -> Mapping[str, Rows]:
    kept: dict[str, Rows] = {}
    for row in found:
        kept.setdefault(row["chain_id"], []).append(row)
    return kept


def replace(db: Database, found: Rows) -> None:
    """Put these rows in the place of all, with every index that would be in the way gone."""
    with db.begin() as session:
        session.connection().exec_driver_sql("DROP INDEX IF EXISTS ix_audit_chain_id_number")
        session.execute(delete(AUDIT))
        if found:
            session.execute(insert(AUDIT), found)


def hashed_anew(chain: Rows, start: int) -> None:
    """Compute the chain anew from a position on, as somebody does who knows how."""
    for position in range(start, len(chain)):
        row = chain[position]
        row["number"] = position + 1
        if position:
            row["previous"] = chain[position - 1]["hash"]
        row["hash"] = row_hash(row)


def forge_checkpoint(db: Database, number: int, **values: Any) -> None:
    with db.begin() as session:
        session.execute(update(CHECKPOINTS).where(CHECKPOINTS.c.number == number).values(**values))


def remove_checkpoints(db: Database, start: int, end: int) -> None:
    with db.begin() as session:
        session.execute(delete(CHECKPOINTS).where(CHECKPOINTS.c.number >= start, CHECKPOINTS.c.number < end))
