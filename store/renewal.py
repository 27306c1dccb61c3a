"""A new recovery key, when somebody who keeps a share of the old one leaves, or a page is missing.

`begin` writes its public half, proven by the index key, and seals the desk's own keys to it. Then the configuration
pins it, so that intake seals to it. `resume` seals to it, a batch a transaction, whatever the desk has besides, and may
be killed and taken up again. At its end nothing is sealed to the old recovery key any more, so that old pages open
nothing in the database; but for cases that who renews it does not open themselves: those wait for a member who does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from cases.roles import May
from store import audit, rows
from store.audit import Action
from store.database import Database, clock
from store.keypairs import KeyKind, PublicKey
from store.keyring import (
    KeyRing,
    NoSuchKey,
    Pins,
    PublicPair,
    add_pair,
    desk_keys,
    newest_proven,
    pair,
    seal_seed,
)
from store.locks import end_desk_keys
from store.lookups import IndexKey
from store.schema import CaseFile, Desk, KeyPair, SealedSeed

BATCH = 100
_KINDS = (KeyKind.DESK, KeyKind.CASE, KeyKind.IDENTITY)


class CannotRenew(Exception):
    """The recovery key is not made anew; says what is in the way."""


@dataclass(frozen=True)
class Progress:
    """How many keys were sealed to the new recovery key, of how many; `closed` are those this member does not open."""

    done: int
    total: int
    closed: int


def begin(session: Session, ring: KeyRing, index: IndexKey, pins: Pins, public: PublicKey, now: datetime) -> PublicPair:
    """Write down a new recovery key, with the desk's own keys sealed to it. It counts once the configuration pins it.

    Raises CannotRenew, NotAllowed, NoSuchKey, DeskKeyDiffers.
    """
    _one_at_a_time(session, ring)
    if len(live(session, ring.desk)) > 1:
        raise CannotRenew("A new recovery key was begun already. Finish that one first.")
    before = desk_keys(session, ring.desk, pins).recovery
    generation = before.generation + 1
    added = add_pair(session, ring.desk, KeyKind.RECOVERY, "", public, now, index, generation)
    rows.write(session)
    own = select(KeyPair.id).where(KeyPair.desk == ring.desk, KeyPair.kind == KeyKind.DESK, KeyPair.owner == "")
    for key_pair_id in session.scalars(own.where(KeyPair.retired_at.is_(None))).all():
        seal_seed(session, ring.private(session, key_pair_id), pair(session, key_pair_id), added)
    audit.write(*(session, ring.desk, Action.RECOVERY_RENEWED, now), member_id=ring.member_id, subject_id=added.id)
    session.flush()
    return added


def begun(session: Session, desk: str, index: IndexKey) -> PublicPair | None:
    """The new recovery key of a renewal that is not finished; None where there is none. Raises UnprovenKey for one that
    somebody else wrote."""
    if len(live(session, desk)) < 2:
        return None
    return newest_proven(session, index, desk, KeyKind.RECOVERY, "")


def live(session: Session, desk: str) -> list[str]:
    """The ids of the desk's recovery pairs to which something may be sealed, oldest first. Needs no key."""
    found = select(KeyPair.id).where(KeyPair.desk == desk, KeyPair.kind == KeyKind.RECOVERY, KeyPair.owner == "")
    return list(session.scalars(found.where(KeyPair.retired_at.is_(None)).order_by(KeyPair.generation)))


def resume(db: Database, ring: KeyRing, pins: Pins) -> Iterator[Progress]:
    """Seal to the pinned recovery key what is not, and take away what is sealed to those before. Nothing to do is no
    error. Raises NotAllowed, DeskKeyDiffers."""
    closed: set[str] = set()
    total = done = 0
    while True:
        with db.begin() as session:
            _one_at_a_time(session, ring)
            to = desk_keys(session, ring.desk, pins).recovery
            total = total or _missing(session, to, closed)
            done += _seal_batch(session, ring, to, closed)
            left = _missing(session, to, closed)
        yield Progress(done, max(total, done), len(closed))
        if not left and _finished(db, ring, pins, closed):
            return


def _finished(db: Database, ring: KeyRing, pins: Pins, closed: set[str]) -> bool:
    """Nothing is sealed to the old recovery keys any more, but what waits for another member; False where a mail came
    in meanwhile."""
    with db.begin() as session:
        _one_at_a_time(session, ring)
        end_desk_keys(session, ring.desk)
        to, now = desk_keys(session, ring.desk, pins).recovery, clock(session)
        if _missing(session, to, closed):
            return False
        old = [each for each in live(session, ring.desk) if pair(session, each).generation < to.generation]
        to_old = SealedSeed.recipient_key_pair_id.in_(old)
        session.execute(delete(SealedSeed).where(to_old, SealedSeed.key_pair_id.not_in(closed)))
        waiting = set(session.scalars(select(SealedSeed.recipient_key_pair_id).where(to_old)))
        over = [each for each in old if each not in waiting]
        session.execute(update(KeyPair).where(KeyPair.id.in_(over)).values(retired_at=now))
        for each in over:
            audit.write(
                *(session, ring.desk, Action.RECOVERY_KEY_ENDED, now), member_id=ring.member_id, subject_id=each
            )
    return True


def _seal_batch(session: Session, ring: KeyRing, to: PublicPair, closed: set[str]) -> int:
    found = session.execute(
        select(KeyPair.id, KeyPair.owner).where(*_needing(to, closed)).order_by(KeyPair.id).limit(BATCH)
    ).all()
    # as who makes the keys of a case anew does: no key that they end is sealed meanwhile
    cases = select(CaseFile.id).where(CaseFile.id.in_({row.owner for row in found})).order_by(CaseFile.id)
    session.execute(cases.with_for_update()).all()
    ids: Sequence[str] = session.scalars(
        select(KeyPair.id).where(KeyPair.id.in_([row.id for row in found]), *_needing(to, closed))
    ).all()
    done = 0
    for key_pair_id in ids:
        try:
            private = ring.private(session, key_pair_id)
        except NoSuchKey:
            closed.add(key_pair_id)
            continue
        seal_seed(session, private, pair(session, key_pair_id), to)
        done += 1
    rows.write(session)
    return done


def _missing(session: Session, to: PublicPair, closed: set[str]) -> int:
    return session.scalars(select(func.count()).select_from(KeyPair).where(*_needing(to, closed))).one()


def _needing(to: PublicPair, closed: set[str]) -> tuple[ColumnElement[bool], ...]:
    """Key pairs in force, or sealed to a recovery key before, which are not sealed to this one."""
    before = aliased(KeyPair)
    sealed = exists().where(SealedSeed.key_pair_id == KeyPair.id, SealedSeed.recipient_key_pair_id == to.id)
    sealed_before = (
        exists()
        .where(SealedSeed.key_pair_id == KeyPair.id, SealedSeed.recipient_key_pair_id == before.id)
        .where(before.desk == to.desk, before.kind == KeyKind.RECOVERY)
    )
    in_force = or_(KeyPair.retired_at.is_(None), sealed_before)
    return (KeyPair.desk == to.desk, KeyPair.kind.in_(_KINDS), in_force, ~sealed, KeyPair.id.not_in(list(closed)))


def _one_at_a_time(session: Session, ring: KeyRing) -> None:
    ring.require(May.MANAGE_ACCESS)
    session.execute(select(Desk.slug).where(Desk.slug == ring.desk).with_for_update(key_share=True))
