"""Log-in sessions, and slowing down who guesses passphrases.

A session holds the member's key ring sealed under 256 random bits that exist only in the browser's cookie: neither the
database nor the web process opens anything between two requests. Sessions end after `IDLE` without a request, after
`LONGEST` at most, and at log-out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import CursorResult, delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import audit
from store.audit import Action
from store.database import Database, changed_rows
from store.keyring import KeyRing, PublicPair
from store.schema import HeldLogin, LoginAttempt, LoginSession, Presence

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
HELD = timedelta(minutes=5)
"""How long a log-in waits for its second factor."""
NOTED_EVERY = timedelta(seconds=30)
"""How exactly the last request of a session is known."""
FAILURES_COUNT = timedelta(days=1)
"""How long failures count after the last of them: longer than any wait."""
_SECRET_BYTES = 32
_NONCE_BYTES = 12
_SESSION = b"meldpost log-in session"
_HELD_LOGIN = b"meldpost log-in that waits for its second factor"


@dataclass(frozen=True)
class Limits:
    """How long a session may be idle, and last."""

    idle: timedelta = IDLE
    longest: timedelta = LONGEST


@dataclass(frozen=True)
class Throttle:
    """After `free` wrong tries in a row each further one has to wait twice as long as the last, up to `longest`."""

    free: int = 5
    first: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(minutes=15)

    def wait_after(self, failures: int) -> timedelta:
        if failures < self.free:
            return timedelta(0)
        doublings = min(failures - self.free, 16)
        return min(self.longest, self.first * (1 << doublings))


def start(session: Session, ring: KeyRing, now: datetime) -> bytes:
    """Begin a session for who just logged in; gives the secret for the cookie."""
    secret = os.urandom(_SECRET_BYTES)
    nonce = os.urandom(_NONCE_BYTES)
    row_id = id_of(secret)
    frame = nonce + _cipher(secret).encrypt(nonce, ring.to_bytes(), row_id)
    session.add(
        LoginSession(id=row_id, desk=ring.desk, member_id=ring.member_id, started_at=now, seen_at=now, frame=frame)
    )
    audit.write_look(session, ring, Action.LOGIN, now)
    session.flush()
    return secret


def hold(session: Session, ring: KeyRing, now: datetime) -> bytes:
    """The passphrase was right, and a second factor is asked for: no session yet; gives the secret for a cookie."""
    secret, nonce = os.urandom(_SECRET_BYTES), os.urandom(_NONCE_BYTES)
    row_id = id_of(secret)
    frame = nonce + _cipher(secret, _HELD_LOGIN).encrypt(nonce, ring.to_bytes(), row_id)
    session.execute(delete(HeldLogin).where(HeldLogin.started_at < now - HELD))
    session.add(HeldLogin(id=row_id, desk=ring.desk, member_id=ring.member_id, started_at=now, frame=frame))
    session.flush()
    return secret


def held(session: Session, secret: bytes, now: datetime) -> KeyRing | None:
    """The key ring of a log-in that waits for its second factor; None where it does not (any more)."""
    row = session.get(HeldLogin, id_of(secret))
    if row is None or not timedelta(0) <= now - row.started_at <= HELD:
        return None
    nonce, sealed = row.frame[:_NONCE_BYTES], row.frame[_NONCE_BYTES:]
    try:
        return KeyRing.from_bytes(_cipher(secret, _HELD_LOGIN).decrypt(nonce, sealed, row.id))
    except (InvalidTag, KeyError):
        return None


def let_in(session: Session, secret: bytes) -> bool:
    """The held log-in ends, for its second factor was right (or it was given up). False where another was first."""
    return bool(
        cast("CursorResult[Any]", session.execute(delete(HeldLogin).where(HeldLogin.id == id_of(secret)))).rowcount
    )


def resume(
    db: Database, secret: bytes, now: datetime, limits: Limits | None = None, *, goes_on: bool = True
) -> KeyRing | None:
    """The key ring of a running session, whose idle time begins anew where it `goes_on`; None where there is none (any
    more).

    It only looks, and waits for no writer, but where the session ended or its last request is noted too long ago.
    """
    with db.read() as session:
        row = session.get(LoginSession, id_of(secret))
        if row is None:
            return None
        seen_at, frame = row.seen_at, row.frame
        runs = _runs(row, now, limits or Limits())
    if not runs:
        with db.begin() as session:
            session.execute(delete(LoginSession).where(LoginSession.id == id_of(secret)))
        return None
    try:
        opened = _cipher(secret).decrypt(frame[:_NONCE_BYTES], frame[_NONCE_BYTES:], id_of(secret))
    except InvalidTag:
        return None
    if goes_on and now - seen_at >= NOTED_EVERY:
        with db.begin() as session:
            session.execute(
                update(LoginSession)
                .where(LoginSession.id == id_of(secret), LoginSession.seen_at < now)
                .values(seen_at=now)
            )
    try:
        ring = KeyRing.from_bytes(opened)
    except KeyError:  # begun before an upgrade
        return None
    with db.read() as session:
        return ring.with_newer_keys(session)


def end(session: Session, secret: bytes, now: datetime) -> None:
    """Log out: the sealed key ring is destroyed."""
    row = session.get(LoginSession, id_of(secret))
    if row is not None:
        audit.write(session, row.desk, Action.LOGOUT, now, member_id=row.member_id)
        session.execute(delete(Presence).where(Presence.member_id == row.member_id))
        session.delete(row)
        session.flush()


def end_stale(session: Session, now: datetime, limits: Limits | None = None) -> None:
    """Destroy the sessions that ended by themselves, and forget failures of long ago."""
    limits = limits or Limits()
    session.execute(
        delete(LoginSession).where(
            (LoginSession.seen_at < now - limits.idle) | (LoginSession.started_at < now - limits.longest)
        )
    )
    session.execute(delete(LoginAttempt).where(LoginAttempt.last_at < now - FAILURES_COUNT))


def may_try(session: Session, digest: bytes, now: datetime, throttle: Throttle | None = None) -> bool:
    """Whether a log-in with this name, or from this place (`IndexKey.login`), may be tried now."""
    row, throttle = session.get(LoginAttempt, digest), throttle or Throttle()
    if row is None or row.last_at - now > throttle.longest:  # the clock was set back: nobody waits for that
        return True
    return now >= row.last_at + throttle.wait_after(row.failures)


def note_try(session: Session, digests: Iterable[bytes], now: datetime) -> None:
    """A log-in is tried, with the name and from the place of these digests. It counts as failed until it went right:
    who tries many at once is slowed down as who tries them one by one."""
    for digest in sorted(digests):  # of two that lock the same rows neither waits for the other
        if not _count(session, digest, 1, now):
            try:
                with session.begin_nested():
                    session.execute(insert(LoginAttempt).values(digest=digest, failures=1, last_at=now))
            except IntegrityError:
                _count(session, digest, 1, now)


def take_back_try(session: Session, digests: Iterable[bytes], now: datetime) -> None:
    """Nothing was tried after all."""
    for digest in sorted(digests):
        _count(session, digest, -1, now)


def note_failure(session: Session, desk: str, now: datetime, to_desk: PublicPair | None = None) -> None:
    """A log-in went wrong; that it was tried counts already. From where is sealed to the desk's key."""
    audit.write(session, desk, Action.LOGIN_FAILED, now, to=to_desk)
    session.flush()


def note_success(session: Session, digest: bytes) -> None:
    """A log-in went right: its failures are forgotten."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.digest == digest))


def _count(session: Session, digest: bytes, tries: int, now: datetime) -> bool:
    statement = update(LoginAttempt).where(LoginAttempt.digest == digest)
    return changed_rows(session, statement.values(failures=LoginAttempt.failures + tries, last_at=now)) == 1


def _runs(row: LoginSession, now: datetime, limits: Limits) -> bool:
    """One that was last seen in a time to come is over, too: the clock was set back, and nobody knows for how long."""
    return abs(now - row.seen_at) <= limits.idle and now - row.started_at <= limits.longest


def id_of(secret: bytes) -> bytes:
    """By what the session is found whose cookie holds this secret."""
    return hashlib.sha256(secret).digest()


def _cipher(secret: bytes, purpose: bytes = _SESSION) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, purpose).derive(secret))
