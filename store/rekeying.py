"""Making the keys of a case anew, for given recipients, while mail keeps coming in.

`begin` writes a further generation of both key pairs: from its commit on everything new is sealed to that one, for who
seals to a case locks its row first (`keyring.newest_proven`). `go_on` seals what is there anew, a batch a transaction,
and may be stopped and taken up again at any time, by anybody who opens the keys before. `finish` destroys the private
halves of the generations before, in the transaction that proves that nothing of the case names them any more: no
record in any version, and no detail of the trail that has no copy under the new key. Rows of the trail themselves never
change, and the public halves stay for them.

Nothing is lost with a key: where a record is damaged, so that nobody can open it now, the old private half is kept, but
sealed to the new key alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from store import audit, records, segments
from store.audit import Action
from store.database import Database
from store.intake import CaseKeys
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import (
    DeskPublicKeys,
    KeyRing,
    NoSuchKey,
    PublicPair,
    UnprovenKey,
    add_pair,
    newest_proven,
    pair,
    proven_before,
    seal_seed,
)
from store.lookups import IndexKey
from store.schema import KeyPair, Record, SealedSeed

log = logging.getLogger(__name__)

BATCH_RECORDS = 32
BATCH_BYTES = 8 * 1024 * 1024
"""Sealed bytes in a transaction: a mail that comes in waits for no more, but for one large attachment."""


@dataclass(frozen=True)
class Recipients:
    """To whom the private halves of a case are sealed, beside the recovery key, which is always one.

    Their public keys are proven: the desk's by `desk_keys`, a member's by their certificate.
    """

    case: tuple[PublicPair, ...]
    identity: tuple[PublicPair, ...]


@dataclass(frozen=True)
class NewKeys:
    """The keys of a case just made; the private half that proves who made them is here for this transaction only."""

    public: CaseKeys
    identity: PrivateKey = field(repr=False)


@dataclass(frozen=True)
class Progress:
    """How many records of a case are sealed to its newest keys, of how many; `damaged` ones stay as they are."""

    done: int
    total: int
    damaged: int

    @property
    def left(self) -> int:
        return self.total - self.done - self.damaged


def rekey(
    db: Database, ring: KeyRing, index: IndexKey, keys: DeskPublicKeys, case_id: str, to: Recipients
) -> Iterator[Progress]:
    """Make a case's keys anew, from beginning to end. Read it to its end; where it stops, `resume` goes on."""
    now = db.now()
    with db.begin() as session:
        begin(session, ring, index, keys, case_id, to, now)
    yield from resume(db, ring, index, case_id)


def resume(db: Database, ring: KeyRing, index: IndexKey, case_id: str) -> Iterator[Progress]:
    """Seal all of a case to its newest keys, and destroy those before. Nothing to do is no error. Raises NoSuchKey."""
    now = db.now()
    damaged: set[str] = set()
    left = True
    while left:
        with db.begin() as session:
            progress = go_on(session, ring, index, case_id, now, damaged)
        yield progress
        left = progress.left > 0
    with db.begin() as session:  # from here on the case is locked
        while go_on(session, ring, index, case_id, now, damaged).left:
            pass
        finish(session, ring, index, case_id, now)


def take_up(db: Database, ring: KeyRing, index: IndexKey) -> tuple[str, ...]:
    """Finish what was begun for cases of the desk and left, as far as this ring opens them; gives the others."""
    with db.read() as session:
        found = unfinished(session, ring.desk)
    left = []
    for case_id in found:
        try:
            for _ in resume(db, ring, index, case_id):
                pass
        except (NoSuchKey, UnprovenKey) as error:
            log.warning("case %s: its keys are still being made anew: %s", case_id, type(error).__name__)
            left.append(case_id)
    return tuple(left)


def begin(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    keys: DeskPublicKeys,
    case_id: str,
    to: Recipients,
    now: datetime,
) -> NewKeys:
    """Write a further generation of a case's keys. Raises NoSuchKey for who cannot open what is to be sealed anew."""
    made: dict[KeyKind, tuple[PublicPair, PrivateKey]] = {}
    for kind, recipients in ((KeyKind.CASE, to.case), (KeyKind.IDENTITY, to.identity)):
        before = newest_proven(session, index, ring.desk, kind, case_id)
        for each in (*proven_before(session, index, before), before):
            ring.private(session, each.id)
        private = generate()
        added = add_pair(session, ring.desk, kind, case_id, private.public, now, index, before.generation + 1)
        for recipient in {each.id: each for each in (*recipients, keys.recovery)}.values():
            seal_seed(session, private, added, recipient)
        made[kind] = added, private
    segments.forget_case(session, case_id)  # whoever had the keys of before finds it no longer
    audit.write(session, ring.desk, Action.KEYS_ANEW, now, member_id=ring.member_id, case_id=case_id)
    session.flush()
    public = CaseKeys(case=made[KeyKind.CASE][0], identity=made[KeyKind.IDENTITY][0])
    return NewKeys(public, made[KeyKind.IDENTITY][1])


def go_on(session: Session, ring: KeyRing, index: IndexKey, case_id: str, now: datetime, damaged: set[str]) -> Progress:
    """Seal a batch of a case's records to its newest keys. `damaged` gathers those that cannot be opened.

    Raises NoSuchKey where the ring lacks a key before, UnprovenKey.
    """
    total = session.scalars(select(func.count()).select_from(Record).where(Record.case_id == case_id)).one()
    left = 0
    room = BATCH_BYTES
    for kind in (KeyKind.CASE, KeyKind.IDENTITY):
        to = newest_proven(session, index, ring.desk, kind, case_id)
        old = [each.id for each in proven_before(session, index, to)]
        for each in old:
            ring.private(session, each)
        waiting = [
            row
            for row in session.execute(
                select(Record.id, Record.size)
                .where(Record.case_id == case_id, Record.key_pair_id.in_(old))
                .order_by(Record.id)
            )
            if row.id not in damaged
        ]
        for at, row in enumerate(waiting):
            if room <= 0 or at == BATCH_RECORDS:
                left += len(waiting) - at
                break
            room -= row.size
            try:
                records.reseal(session, ring, row.id, to, now)
            except records.CANNOT_OPEN:
                damaged.add(row.id)
    return Progress(total - left - len(damaged), total, len(damaged))


def finish(session: Session, ring: KeyRing, index: IndexKey, case_id: str, now: datetime) -> None:
    """Destroy the private halves of the keys before the newest ones, as far as nothing names them any more.

    One that a damaged record names is kept, sealed to the newest key alone.
    """
    for kind in (KeyKind.CASE, KeyKind.IDENTITY):
        to = newest_proven(session, index, ring.desk, kind, case_id)
        old = proven_before(session, index, to)
        audit.reseal_details(session, ring, case_id, [each.id for each in old], to, now)
        for each in old:
            named = select(Record.id).where(Record.key_pair_id == each.id).limit(1)
            if session.scalars(named).one_or_none() is None:
                _destroy(session, ring, each, now)
            else:
                _keep_under(session, ring, each, to)
            session.execute(update(KeyPair).where(KeyPair.id == each.id).values(retired_at=now))
    session.flush()


def unfinished(session: Session, desk: str) -> tuple[str, ...]:
    """The cases whose keys were begun to be made anew, and not finished."""
    found = (
        select(KeyPair.owner)
        .where(KeyPair.desk == desk, KeyPair.kind.in_([KeyKind.CASE, KeyKind.IDENTITY]), KeyPair.retired_at.is_(None))
        .group_by(KeyPair.owner, KeyPair.kind)
        .having(func.count() > 1)
    )
    return tuple(sorted(set(session.scalars(found))))


def _destroy(session: Session, ring: KeyRing, old: PublicPair, now: datetime) -> None:
    session.execute(delete(SealedSeed).where(SealedSeed.key_pair_id == old.id))
    audit.write(
        *(session, ring.desk, Action.KEYS_DESTROYED, now),
        member_id=ring.member_id,
        case_id=old.owner,
        subject_id=old.id,
    )


def _keep_under(session: Session, ring: KeyRing, old: PublicPair, newest: PublicPair) -> None:
    private = ring.private(session, old.id)
    session.execute(delete(SealedSeed).where(SealedSeed.key_pair_id == old.id))
    seal_seed(session, private, old, newest)


def recipients_of(session: Session, key_pair_id: str) -> tuple[PublicPair, ...]:
    """To which keys a private half is sealed, as the database has it: who writes there can add a row, but no key."""
    found = session.scalars(select(SealedSeed.recipient_key_pair_id).where(SealedSeed.key_pair_id == key_pair_id))
    return tuple(pair(session, each) for each in found.all())
