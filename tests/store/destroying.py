"""Cases that end, are due, and are destroyed; and everywhere that something of them could still lie."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from cases.lifecycle import Outcome, Status
from cases.retention import Policy, rules_of
from cases.terms import DueKind
from config.retention import RetentionRow
from store import casework, changes, destruction, dues
from store.schema import Audit, CaseFile, Due, KeyPair, Outbox, Record, RecordPiece, SealedSeed
from tests.store.world import INDEX, NOW, World

TABLE = (
    RetentionRow(term="2 months", ground="Archiefwet 1995", selection="12.3"),
    RetentionRow(outcome="substantiated", term="10 years", ground="Archiefwet 1995", selection="12.1"),
    RetentionRow(outcome="referred", term="keep", ground="Archiefwet 1995", selection="12.9"),
)
POLICY = Policy(rules_of(TABLE), timedelta(days=30), ZoneInfo("Europe/Amsterdam"))
NONE = Policy((), timedelta(days=30), ZoneInfo("Europe/Amsterdam"))
FILLED_IN = {"integriteit": True}
INDEXES = {"integriteit": INDEX}


def look(world: World, case_id: str) -> casework.CaseView:
    with world.db.begin() as session:
        return casework.view_case(session, world.ring, case_id, NOW)


def end(
    world: World,
    case_id: str,
    outcome: Outcome = Outcome.WITHDRAWN,
    policy: Policy = POLICY,
    now: datetime = NOW,
) -> None:
    """Close a case, after a look at it."""
    version = look(world, case_id).version
    with world.db.begin() as session:
        changes.change_status(
            *(session, world.ring, INDEX, case_id, Status.CLOSED),
            version=version,
            now=now,
            outcome=outcome,
            approver="de secretaris-generaal",
            policy=policy,
        )


def reopen(world: World, case_id: str) -> None:
    version = look(world, case_id).version
    with world.db.begin() as session:
        changes.change_status(session, world.ring, INDEX, case_id, Status.ASSESSING, version=version, now=NOW)


def settle_mail(world: World, case_id: str) -> None:
    with world.db.begin() as session:
        session.execute(update(Outbox).where(Outbox.case_id == case_id).values(state="sent", frame=None))


def announced(world: World, case_id: str) -> None:
    """The notice went out long enough ago, and the day has come."""
    with world.db.begin() as session:
        session.execute(update(Due).where(Due.case_id == case_id, Due.kind == DueKind.DESTROY).values(due_at=NOW))
        dues.finish_dues(session, case_id, [DueKind.DESTROY_NOTICE])
        dues.wake(session, case_id, DueKind.DESTROY, NOW)


def tick(world: World, filled_in: dict[str, bool] | None = None) -> int:
    return destruction.destroy_due(world.db, INDEXES, FILLED_IN if filled_in is None else filled_in)


def is_there(world: World, case_id: str) -> bool:
    with world.db.read() as session:
        return session.get(CaseFile, case_id) is not None


def secrets_of(world: World, case_id: str) -> Iterator[bytes]:
    """Stretches of all that is sealed of a case: its seeds, and its records' ciphertext."""
    with world.db.read() as session:
        pairs = select(KeyPair.id).where(KeyPair.owner == case_id)
        records = select(Record.id).where(Record.case_id == case_id)
        frames: list[Any] = [
            *session.scalars(select(SealedSeed.frame).where(SealedSeed.key_pair_id.in_(pairs))),
            *session.scalars(select(Record.frame).where(Record.case_id == case_id, Record.frame.is_not(None))),
            *session.scalars(select(RecordPiece.frame).where(RecordPiece.record_id.in_(records))),
        ]
    for frame in frames:
        yield from (frame[start : start + 24] for start in range(40, len(frame) - 24, max(24, len(frame) // 4)))


def actions(world: World, case_id: str) -> list[str]:
    with world.db.read() as session:
        return list(session.scalars(select(Audit.action).where(Audit.case_id == case_id).order_by(Audit.id)))
