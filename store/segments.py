"""The sealed segments of the search index: who opens which, which cases they speak for, and how they are forgotten.

A segment is sealed under a random key of its own, and that key under one derived from a private key: the desk's, or a
member's own. So whoever holds that private key opens it, nobody else reads it, and nobody who only writes to the
database makes one. What the desk's key opens stands in the desk's segments; what a member opens by their own key alone,
in their own. Everything here can be made anew: backups may leave these tables out.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from store.keypairs import KeyKind, PrivateKey
from store.keyring import KeyRing
from store.rows import table_of, unindexed
from store.schema import CaseFile, KeyPair, SealedSeed, Segment, SegmentCase, SegmentPiece, new_id

PIECE = 1024 * 1024
"""Sealed bytes in a row of `segment_piece`."""
_KEY = 32
_NONCE = 12
_LABEL = b"meldpost search segment 2"
_CASES = table_of(SegmentCase)
_FILES = table_of(CaseFile)
_NEWEST = aliased(KeyPair)
_OF_CASE = (_NEWEST.owner == CaseFile.id, _NEWEST.desk == CaseFile.desk, _NEWEST.kind == KeyKind.CASE)
_PAIR_OF_CASE = (
    select(_NEWEST.id)
    .where(*_OF_CASE)
    .order_by(_NEWEST.generation.desc())
    .limit(1)
    .correlate(CaseFile)
    .scalar_subquery()
)
"""The newest key of a case."""


class Withdrawn(Exception):
    """A case is gone, or its keys were made anew, since it was read: nothing is stored of what was made of it."""


@dataclass(frozen=True)
class Audience:
    """Who opens a segment: who has the private half of the pair `id`.

    A case is among theirs when its newest key is sealed to one of `through`, and to none of `besides`.
    """

    id: str
    private: PrivateKey = field(repr=False)
    through: frozenset[str]
    besides: frozenset[str]
    is_desk: bool


@dataclass(frozen=True)
class Waiting:
    """A case whose words are not in the index as they are now."""

    case_id: str
    opened_at: datetime
    changes: int
    key_pair_id: str


@dataclass(frozen=True)
class Stored:
    """A segment in the database; `dead` of its `cases` are in a newer one."""

    id: str
    key_pair_id: str
    cases: int
    dead: int


def audiences(session: Session, ring: KeyRing) -> tuple[Audience, ...]:
    """Whose segments this ring opens, the desk's first; it makes them for the newest key of the desk's that counts."""
    found = []
    desk = _desk_pairs(session, ring)
    if desk:
        newest = desk[-1]
        found.append(Audience(newest, ring.privates[newest], frozenset(desk), frozenset(), is_desk=True))
    if ring.own in ring.privates:
        own = frozenset([ring.own])
        found.append(Audience(ring.own, ring.privates[ring.own], own, frozenset(desk), is_desk=False))
    return tuple(found)


def waiting(session: Session, desk: str, audience: Audience, most: int | None) -> list[Waiting]:
    query = _cases(audience)
    if audience.is_desk:
        query = query.where(CaseFile.desk == desk, CaseFile.changes != CaseFile.folded)
    else:
        spoken_for = (
            exists()
            .where(SegmentCase.case_id == CaseFile.id, SegmentCase.segment_id == Segment.id)
            .where(SegmentCase.live, SegmentCase.changes == CaseFile.changes, Segment.key_pair_id == audience.id)
        )
        sealed_to_them = SealedSeed.recipient_key_pair_id.in_(list(audience.through))
        theirs = select(KeyPair.owner).join(SealedSeed, SealedSeed.key_pair_id == KeyPair.id).where(sealed_to_them)
        query = query.where(CaseFile.id.in_(theirs), unindexed(CaseFile.desk) == desk, ~spoken_for)
    return _read(session, query.order_by(CaseFile.opened_at, CaseFile.id).limit(most))


def as_they_are(session: Session, desk: str, audience: Audience, case_ids: Collection[str]) -> list[Waiting]:
    """Those of these cases that are among an audience's, oldest first."""
    found = _cases(audience).where(CaseFile.id.in_(list(case_ids)), unindexed(CaseFile.desk) == desk)
    return _read(session, found.order_by(CaseFile.opened_at, CaseFile.id))


def may_be_opened(ring: KeyRing) -> ColumnElement[bool]:
    """Of cases: those with a key that is sealed to one of this ring's."""
    return exists().where(
        *_OF_CASE,
        _is_sealed_to(_NEWEST.id, list(ring.privates)),
    )


def stored(session: Session, desk: str, audience: Collection[Audience]) -> list[Stored]:
    """The segments of these audiences. Needs no key."""
    ids = [each.id for each in audience]
    rows = session.execute(
        select(Segment.id, Segment.key_pair_id, Segment.cases, Segment.dead)
        .where(Segment.desk == desk, Segment.key_pair_id.in_(ids))
        .order_by(Segment.created_at, Segment.id)
    )
    return [Stored(*row) for row in rows]


def live_cases(session: Session, segment_id: str) -> list[str]:
    """The cases that a segment speaks for."""
    return list(session.scalars(select(_CASES.c.case_id).where(_CASES.c.segment_id == segment_id, _CASES.c.live)))


def store(
    session: Session, desk: str, audience: Audience, image: bytes, read: Sequence[Waiting], now: datetime
) -> Stored:
    """Seal and store a segment made of these cases as they were read. Raises Withdrawn, and stores nothing."""
    ids = [each.case_id for each in read]
    _lock_and_check(session, desk, audience, read)
    _retire(session, audience, ids)
    segment_id, key = new_id(), os.urandom(_KEY)
    frame = AESGCM(key).encrypt(bytes(_NONCE), image, _bound_to(desk, audience.id, segment_id, len(read)))
    nonce = os.urandom(_NONCE)
    wrapped = nonce + _wrapping(audience.private).encrypt(nonce, key, _bound_to(desk, audience.id, segment_id, 0))
    session.add(
        Segment(
            id=segment_id,
            desk=desk,
            key_pair_id=audience.id,
            cases=len(read),
            dead=0,
            size=len(frame),
            wrapped_key=wrapped,
            created_at=now,
        )
    )
    session.flush()
    pieces = [
        {"segment_id": segment_id, "number": number, "frame": frame[start : start + PIECE]}
        for number, start in enumerate(range(0, len(frame), PIECE))
    ]
    session.execute(insert(table_of(SegmentPiece)), pieces)
    rows = [{"case_id": each.case_id, "segment_id": segment_id, "changes": each.changes, "live": True} for each in read]
    session.execute(insert(_CASES), rows)
    if audience.is_desk:
        of_segment = select(_CASES.c.changes).where(_CASES.c.case_id == _FILES.c.id, _CASES.c.segment_id == segment_id)
        session.execute(update(_FILES).where(_FILES.c.id.in_(ids)).values(folded=of_segment.scalar_subquery()))
    return Stored(segment_id, audience.id, len(read), 0)


def opened(session: Session, desk: str, audience: Audience, segment: Stored) -> bytes | None:
    """A segment as it was before it was sealed; None where it is gone, or is none of ours."""
    row = session.execute(select(Segment.wrapped_key, Segment.cases).where(Segment.id == segment.id)).one_or_none()
    if row is None:
        return None
    pieces = session.scalars(
        select(SegmentPiece.frame).where(SegmentPiece.segment_id == segment.id).order_by(SegmentPiece.number)
    )
    frame = b"".join(pieces)
    try:
        wrapped: bytes = row.wrapped_key
        named = _bound_to(desk, audience.id, segment.id, 0)
        key = _wrapping(audience.private).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], named)
        return AESGCM(key).decrypt(bytes(_NONCE), frame, _bound_to(desk, audience.id, segment.id, row.cases))
    except (InvalidTag, ValueError):
        return None


def forget_case(session: Session, case_id: str) -> None:
    """Throw away every segment that was ever made of a case, whoever opens it. Needs no key.

    To be called where a case is destroyed or its keys are made anew, in that transaction. The other cases of those
    segments are read again at the next log-in of somebody who may.
    """
    found = session.scalars(select(_CASES.c.segment_id).where(_CASES.c.case_id == case_id)).all()
    forget(session, found)
    session.execute(update(_FILES).where(_FILES.c.id == case_id).values(changes=_FILES.c.changes + 1))


def forget_all(session: Session, desk: str) -> None:
    """Throw the whole index of a desk away. It is made anew at the next log-ins."""
    forget(session, session.scalars(select(Segment.id).where(Segment.desk == desk)).all())


def forget(session: Session, segment_ids: Collection[str]) -> None:
    """Throw segments away, and note that their cases wait to be read again."""
    if not segment_ids:
        return
    of_these = _CASES.c.segment_id.in_(list(segment_ids))
    cases = select(_CASES.c.case_id).where(of_these, _CASES.c.live)
    session.execute(update(_FILES).where(_FILES.c.id.in_(cases)).values(folded=0))
    session.execute(delete(_CASES).where(of_these))
    session.execute(delete(SegmentPiece).where(SegmentPiece.segment_id.in_(list(segment_ids))))
    session.execute(delete(Segment).where(Segment.id.in_(list(segment_ids))))


def outlived(session: Session, desk: str, audience: Collection[Audience]) -> list[str]:
    """The desk's segments for keys of the desk that are its newest no longer, as who has the newest knows."""
    newest = next((each.id for each in audience if each.is_desk), None)
    if newest is None:
        return []
    found = (
        select(Segment.id)
        .join(KeyPair, KeyPair.id == Segment.key_pair_id)
        .where(Segment.desk == desk, KeyPair.kind == KeyKind.DESK, Segment.key_pair_id != newest)
    )
    return list(session.scalars(found))


def _desk_pairs(session: Session, ring: KeyRing) -> list[str]:
    """The ids of the desk's key pairs on this ring that count, oldest first."""
    rows = session.execute(
        select(KeyPair.id, KeyPair.generation, KeyPair.public)
        .where(KeyPair.id.in_(list(ring.privates)), KeyPair.desk == ring.desk, KeyPair.kind == KeyKind.DESK)
        .order_by(KeyPair.generation)
    ).all()
    rows = [row for row in rows if ring.privates[row.id].public.to_bytes() == row.public and row.id != ring.own]
    chain = ring.chain(session)
    if chain.newest is None:  # a desk of before there were certificates
        return [row.id for row in rows]
    newest = [row.id for row in rows if row.public == chain.newest.hybrid]
    return [*(row.id for row in rows if row.id not in newest), *newest] if newest else []


def _cases(audience: Audience) -> Any:
    """The cases of an audience, of any desk, by their newest key.

    That key is asked for case by case: joined, SQLite looks at every key of the desk first.
    """
    query = select(CaseFile.id, CaseFile.opened_at, CaseFile.changes, _PAIR_OF_CASE.label("pair")).where(
        _is_sealed_to(_PAIR_OF_CASE, audience.through)
    )
    return query.where(~_is_sealed_to(_PAIR_OF_CASE, audience.besides)) if audience.besides else query


def _read(session: Session, query: Any) -> list[Waiting]:
    return [Waiting(row.id, row.opened_at, row.changes, row.pair) for row in session.execute(query)]


def _is_sealed_to(key_pair_id: Any, recipients: Collection[str]) -> ColumnElement[bool]:
    return exists().where(SealedSeed.key_pair_id == key_pair_id, SealedSeed.recipient_key_pair_id.in_(list(recipients)))


def _lock_and_check(session: Session, desk: str, audience: Audience, read: Sequence[Waiting]) -> None:
    """Nobody makes keys anew of these cases, nor destroys one, until what is made of them is committed."""
    ids = [each.case_id for each in read]
    session.execute(select(CaseFile.id).where(CaseFile.id.in_(ids)).order_by(CaseFile.id).with_for_update()).all()
    now = {(each.case_id, each.key_pair_id) for each in as_they_are(session, desk, audience, ids)}
    if now != {(each.case_id, each.key_pair_id) for each in read}:
        raise Withdrawn("A case was destroyed, or its keys were made anew, while it was read.")


def _retire(session: Session, audience: Audience, case_ids: Sequence[str]) -> None:
    """What older segments of an audience say of these cases counts no longer; one that speaks for none goes."""
    of_audience = select(Segment.id).where(Segment.key_pair_id == audience.id)
    older = and_(_CASES.c.case_id.in_(case_ids), _CASES.c.live, _CASES.c.segment_id.in_(of_audience))
    dying = select(_CASES.c.segment_id, func.count()).where(older).group_by(_CASES.c.segment_id)
    counted = {row[0]: row[1] for row in session.execute(dying)}
    session.execute(update(_CASES).where(older).values(live=False))
    for segment_id, count in counted.items():
        session.execute(
            update(Segment)
            .where(Segment.id == segment_id)
            .values(dead=Segment.dead + count)
            .execution_options(synchronize_session=False)
        )
    empty = select(Segment.id).where(Segment.id.in_(list(counted)), Segment.dead >= Segment.cases)
    gone = session.scalars(empty).all()
    if gone:
        session.execute(delete(_CASES).where(_CASES.c.segment_id.in_(gone)))
        session.execute(delete(SegmentPiece).where(SegmentPiece.segment_id.in_(gone)))
        session.execute(delete(Segment).where(Segment.id.in_(gone)))


def _wrapping(private: PrivateKey) -> AESGCM:
    return AESGCM(HKDF(SHA256(), _KEY, None, _LABEL + b", its key").derive(private.seed))


def _bound_to(desk: str, key_pair_id: str, segment_id: str, cases: int) -> bytes:
    parts = (desk, key_pair_id, segment_id, str(cases))
    return b"".join([_LABEL, *(len(part.encode()).to_bytes(2, "big") + part.encode() for part in parts)])
