"""Who seals to a key of the desk, and who ends one, one after the other.

Whoever seals to the desk's newest key holds the desk's keys until the transaction ends; who ends a key waits for all of
them, and they for it. So nothing is committed that is sealed to a key whose private half is gone. On SQLite writing
transactions stand in line anyway; on PostgreSQL these are advisory locks, which need no right to any table.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlalchemy.orm import Session

from store.rows import GatheringSession

_DESK_KEYS = 0x6D70_6B79
"""The class of these locks, to tell them from others of the same database."""


def hold_desk_keys(session: Session, desk: str) -> None:
    """The desk's keys do not end before this transaction does. Nothing where it only reads."""
    if isinstance(session, GatheringSession):
        _lock(session, "pg_advisory_xact_lock_shared", desk)


def end_desk_keys(session: Session, desk: str) -> None:
    """Wait for all who hold the desk's keys; nobody takes hold of them before this transaction ends."""
    _lock(session, "pg_advisory_xact_lock", desk)


def _lock(session: Session, function: str, desk: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(desk.encode()).digest()[:4], "big", signed=True)
        session.execute(text(f"SELECT {function}(:class, :number)"), {"class": _DESK_KEYS, "number": number})
