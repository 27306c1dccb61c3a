"""Questions to a passkey: each is for one purpose and one asked, counts once, and not for long.

What is asked stands in the browser alone, and comes back in the passkey's signed answer; the database keeps a digest of
it. Whoever was asked is named by what only their browser holds: an open session, a log-in that waits, a cookie.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete
from sqlalchemy.orm import Session

from store.database import changed_rows
from store.schema import PasskeyChallenge

LIFE = timedelta(minutes=5)
_BYTES = 32


class Purpose(StrEnum):
    """What a passkey is asked for. An answer to one question is none to another."""

    ADD = "add"
    LOG_IN = "log in"  # after the passphrase
    LET_UNLOCK = "let unlock"
    UNLOCK = "unlock"  # instead of the passphrase


def ask(session: Session, purpose: Purpose, asked: bytes, now: datetime) -> bytes:
    """A new question; those that nobody answered in time go."""
    challenge = os.urandom(_BYTES)
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.made_at < now - LIFE))
    session.add(PasskeyChallenge(digest=_digest(purpose, asked, challenge), made_at=now))
    session.flush()
    return challenge


def take(session: Session, purpose: Purpose, asked: bytes, challenge: bytes, now: datetime) -> bool:
    """Was this asked, of them, for that, and not long ago? It is not asked any more: commit that, whatever follows."""
    waiting = delete(PasskeyChallenge).where(PasskeyChallenge.digest == _digest(purpose, asked, challenge))
    in_time = (PasskeyChallenge.made_at >= now - LIFE) & (PasskeyChallenge.made_at <= now)
    return changed_rows(session, waiting.where(in_time)) == 1


def _digest(purpose: Purpose, asked: bytes, challenge: bytes) -> bytes:
    parts = (purpose.encode(), asked, challenge)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
