"""A new generation of the desk's key, while mail keeps coming in and members work.

`begin` commits the new pair: certified by the one before, its private half sealed to recovery and to each member who
holds the desk's key. From then on everything new is sealed to it. `resume` seals anew, a batch a transaction, what is
sealed to the generations before, and may be killed and taken up again at any time by anybody who holds the desk's keys.
In the transaction that proves that nothing names an old generation any more its private half is destroyed.

What cannot be opened now is not kept for later: it is damaged, and with the key of its generation it would open as
little. Seeds of cases are sealed to the recovery key, too.

Who had the old key knows what they saw, and what was sealed to it in backups that they hold. They open nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, func, select, update
from sqlalchemy.orm import Session

from cases.roles import May
from store import audit, certificates, consent, records, rows, segments
from store.audit import Action
from store.database import Database, clock
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import KeyRing, NoSuchKey, Pins, PublicPair, add_pair, desk_keys, newest, pair, seal_seed
from store.locks import end_desk_keys
from store.members import write_profile
from store.membership import entitled
from store.records import RecordKind
from store.schema import Audit, Base, CaseFile, Desk, KeyPair, Member, Record, SealedSeed, Segment
from store.signing import DESK, Author, Signer, SigningKey

BATCH = 100
"""Seeds, or records, in a transaction: a mail that comes in waits for no more."""


class CannotRotate(Exception):
    """The desk's key is not made anew; says what is in the way."""


@dataclass(frozen=True)
class Unfinished:
    """A rotation that was begun: from which generation to which, and how much is still sealed to the one before."""

    before: int
    after: int
    since: datetime
    left: int
    done: int


@dataclass(frozen=True)
class Progress:
    """How much was sealed anew, of how much. `lost` of these could not be opened, and opens nowhere any more."""

    done: int
    total: int
    lost: int


@dataclass
class _Lost:
    """What no key opens: found while sealing anew."""

    seeds: int = 0
    records: set[str] = field(default_factory=set)


def rotate(db: Database, ring: KeyRing, pins: Pins, now: datetime) -> Iterator[Progress]:
    """Make the desk's key anew, from beginning to end; first what was left unfinished. Read it to its end.

    Raises CannotRotate, NotAllowed, UnprovenMember, DeskKeyDiffers.
    """
    yield from resume(db, ring, pins)
    with db.begin() as session:
        begin(session, ring, pins, now)
    yield from resume(db, ring, pins)


def begin(session: Session, ring: KeyRing, pins: Pins, now: datetime) -> PublicPair:
    """Write a new generation of the desk's key. Raises as `rotate`."""
    _prepare(session, ring, pins)
    keys = desk_keys(session, ring.desk, pins)
    if len(_live(session, ring.desk)) > 1:
        raise CannotRotate("A rotation of the desk's key was begun already. Finish that one first.")
    before = ring.chain(session)
    if before.newest is None or not before.holds(keys.to_desk.generation, keys.to_desk.public.to_bytes()):
        raise CannotRotate("The desk has no signing key that certifies a new one. Log in once, and look at the trail.")
    recipients = entitled(session, ring)
    by, private = ring.private(session, keys.to_desk.id), generate()
    generation = keys.to_desk.generation + 1
    added = add_pair(session, ring.desk, KeyKind.DESK, "", private.public, now, generation=generation)
    rows.write(session)
    certificates.certify_next(session, before, private, generation, by)
    for recipient in (keys.recovery, *recipients):
        seal_seed(session, private, added, recipient)
    _write_profiles(session, ring, added, private, now)
    audit.write(*(session, ring.desk, Action.ROTATION_BEGUN, now), member_id=ring.member_id, subject_id=added.id)
    session.flush()
    return added


def resume(db: Database, ring: KeyRing, pins: Pins) -> Iterator[Progress]:
    """Seal to the newest generation what older ones are named by, and destroy those. Nothing to do is no error.

    Raises NoSuchKey for who does not hold all of them, NotAllowed, DeskKeyDiffers.
    """
    lost, total = _Lost(), 0
    while True:
        with db.begin() as session:
            _prepare(session, ring, pins)
            old = _old(session, ring, pins)
            if not old:
                return
            total = total or _left(session, old)
            left = _go_on(session, ring, old, lost)
        yield Progress(max(0, total - left), total, lost.seeds + len(lost.records))
        if not left and _finished(db, ring, pins, lost):
            return


def unfinished(session: Session, desk: str) -> Unfinished | None:
    """The rotation that was begun and not finished, if there is one. Needs no key."""
    live = _live(session, desk)
    if len(live) < 2:
        return None
    old, new = live[:-1], live[-1]
    left = _left(session, old)
    since = session.get_one(KeyPair, new.id).created_at
    return Unfinished(old[-1].generation, new.generation, since, left, _named(session, new.id))


def _prepare(session: Session, ring: KeyRing, pins: Pins) -> None:
    """One change of a desk's keys or members at a time."""
    ring.require(May.MANAGE_ACCESS)
    if pins.signing is None:
        raise CannotRotate(
            "The configuration does not pin the desk's signing key, by which a new key is known to be genuine. "
            "`meldpost doctor` shows the line to put there."
        )
    session.execute(select(Desk.slug).where(Desk.slug == ring.desk).with_for_update(key_share=True))


def _live(session: Session, desk: str) -> list[PublicPair]:
    """The generations of the desk's key whose private halves are there, oldest first."""
    found = select(KeyPair.id).where(
        KeyPair.desk == desk, KeyPair.kind == KeyKind.DESK, KeyPair.owner == "", KeyPair.retired_at.is_(None)
    )
    return [pair(session, each) for each in session.scalars(found.order_by(KeyPair.generation)).all()]


def _old(session: Session, ring: KeyRing, pins: Pins) -> list[PublicPair]:
    """The generations before the newest one, which is proven. Raises NoSuchKey, DeskKeyDiffers."""
    proven = desk_keys(session, ring.desk, pins).to_desk
    ring.private(session, proven.id)
    return [each for each in _live(session, ring.desk) if each.generation < proven.generation]


def _go_on(session: Session, ring: KeyRing, old: list[PublicPair], lost: _Lost) -> int:
    """Seal a batch anew; tells how much is left."""
    to = ring.to_desk(session)
    now = clock(session)
    for each in old:
        ring.private(session, each.id)
    ids = [each.id for each in old]
    room = BATCH - _seeds_anew(session, ring, ids, to, lost)
    if room > 0:
        room -= _records_anew(session, ring, ids, to, room, lost, now)
    if room > 0:
        consent.seal_anew(session, ring, ids, to)
        _details_anew(session, ring, ids, to, now)
    rows.write(session)
    return _left(session, old) - len(lost.records)


def _seeds_anew(session: Session, ring: KeyRing, old: list[str], to: PublicPair, lost: _Lost) -> int:
    to_old = SealedSeed.recipient_key_pair_id.in_(old)
    chosen = select(SealedSeed.key_pair_id, KeyPair.owner).join(KeyPair, KeyPair.id == SealedSeed.key_pair_id)
    found = session.execute(chosen.where(to_old).order_by(SealedSeed.key_pair_id).limit(BATCH)).all()
    if not found:
        return 0
    # as who makes the keys of a case anew does: what they take away is not sealed anew meanwhile
    cases = select(CaseFile.id).where(CaseFile.id.in_({row.owner for row in found})).order_by(CaseFile.id)
    session.execute(cases.with_for_update()).all()
    wanted = [row.key_pair_id for row in found]
    still = select(SealedSeed.key_pair_id).where(to_old, SealedSeed.key_pair_id.in_(wanted))
    ids = list(dict.fromkeys(session.scalars(still)))
    there = select(SealedSeed.key_pair_id).where(
        SealedSeed.recipient_key_pair_id == to.id, SealedSeed.key_pair_id.in_(ids)
    )
    sealed = set(session.scalars(there))
    for key_pair_id in ids:
        try:
            private = ring.private(session, key_pair_id)
        except NoSuchKey:
            lost.seeds += 1
            continue
        if key_pair_id not in sealed:
            seal_seed(session, private, pair(session, key_pair_id), to)
    session.execute(delete(SealedSeed).where(to_old, SealedSeed.key_pair_id.in_(ids)))
    return len(found)


def _records_anew(
    session: Session, ring: KeyRing, old: list[str], to: PublicPair, most: int, lost: _Lost, now: datetime
) -> int:
    naming = select(Record.id).where(Record.key_pair_id.in_(old)).order_by(Record.id)
    ids = [each for each in session.scalars(naming).all() if each not in lost.records][:most]
    for record_id in ids:
        try:
            records.reseal(session, ring, record_id, to, now)
        except records.CANNOT_OPEN:
            lost.records.add(record_id)
    return len(ids)


def _details_anew(session: Session, ring: KeyRing, old: list[str], to: PublicPair, now: datetime) -> None:
    cases = select(Audit.case_id).where(Audit.desk == ring.desk, Audit.key_pair_id.in_(old)).distinct()
    for case_id in session.scalars(cases).all():
        audit.reseal_details(session, ring, case_id, old, to, now)


def _finished(db: Database, ring: KeyRing, pins: Pins, lost: _Lost) -> bool:
    """Destroy the private halves of the old generations, if nothing names them; False where something does again."""
    with db.begin() as session:
        _prepare(session, ring, pins)
        end_desk_keys(session, ring.desk)  # who sealed to an old one has committed now
        old = _old(session, ring, pins)
        ids, now = [each.id for each in old], clock(session)
        if _left(session, old) > len(lost.records):
            return False
        _details_anew(session, ring, ids, ring.to_desk(session), now)
        outlived = select(Segment.id).where(Segment.key_pair_id.in_(ids))
        segments.forget(session, session.scalars(outlived).all())
        session.execute(delete(SealedSeed).where(SealedSeed.key_pair_id.in_(ids)))
        session.execute(update(KeyPair).where(KeyPair.id.in_(ids)).values(retired_at=now))
        for each in ids:
            audit.write(
                *(session, ring.desk, Action.DESK_KEY_DESTROYED, now), member_id=ring.member_id, subject_id=each
            )
    return True


def _left(session: Session, old: Iterable[PublicPair]) -> int:
    return sum(_named(session, each.id) for each in old)


def _named(session: Session, key_pair_id: str) -> int:
    """How many rows name this key pair as the one that they are sealed to."""
    return sum(
        session.scalars(select(func.count()).select_from(table).where(column == key_pair_id)).one()
        for table, column in SEALED_TO
    )


_MADE_ANEW = (Audit.__tablename__, Segment.__tablename__)
"""Rows of the trail have copies instead; what the search index holds is thrown away, and read anew."""


def _sealed_to() -> Iterator[tuple[Table, ColumnElement[str]]]:
    for table in Base.metadata.sorted_tables:
        if table.name in _MADE_ANEW:
            continue
        for column in table.columns:
            of = table.name == SealedSeed.__tablename__ and column.name == "key_pair_id"  # what is sealed, not to whom
            if column.name.endswith("key_pair_id") and not of:
                yield table, column


SEALED_TO = tuple(_sealed_to())
"""Every column that names the key pair which its row is sealed to: those of tables to come, too."""


def _write_profiles(session: Session, ring: KeyRing, to: PublicPair, private: PrivateKey, now: datetime) -> None:
    """Who each member is, signed by the new key: they know it by the newest one alone."""
    ids = session.scalars(select(Member.id).where(Member.desk == ring.desk, Member.retired_at.is_(None))).all()
    profiles: Mapping[str, Mapping[str, str]] = records.opened_of_subjects(session, ring, ids, RecordKind.MEMBER)
    by = Author(DESK, SigningKey.of(private, Signer.DESK))
    for member_id, profile in sorted(profiles.items()):
        own = newest(session, ring.desk, KeyKind.MEMBER, member_id)
        write_profile(session, member_id, profile, to, own, by, now)
