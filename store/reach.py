"""Which cases a key ring reaches, asked of the database: what is listed, counted and opened by it are these alone.

This only keeps the pages true. What protects a case is that its keys are sealed to nobody else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, aliased

from store.keypairs import KeyKind
from store.keyring import KeyRing
from store.rows import unindexed
from store.schema import CaseFile, KeyPair, SealedSeed


def within_reach(ring: KeyRing, *, by_desk: bool = True) -> ColumnElement[bool]:
    """For a query of cases: those whose keys are sealed to the desk's key, for who has it, and those granted. Not
    `by_desk`: the query names its cases by their ids, or reads all of them."""
    return within_reach_of(ring.desk, ring.own, holds_the_desk_key=holds_the_desk_key(ring), by_desk=by_desk)


@lru_cache(256)
def within_reach_of(desk: str, own: str, *, holds_the_desk_key: bool, by_desk: bool = True) -> ColumnElement[bool]:
    """The same by what it is of a key ring that counts. Built once for each: nearly every statement of a page has
    it."""
    granted = CaseFile.id.in_(_granted_to(own))
    of_the_desk = (CaseFile.desk if by_desk else unindexed(CaseFile.desk)) == desk
    return of_the_desk & (or_(CaseFile.restricted.is_(False), granted) if holds_the_desk_key else granted)


def holds_the_desk_key(ring: KeyRing) -> bool:
    """Is there any key of the desk's on this ring?"""
    return any(key_pair_id != ring.own for key_pair_id in ring.privates)


def reaches(session: Session, ring: KeyRing, case_id: str) -> bool:
    """Does this key ring reach the case?"""
    return session.scalars(select(CaseFile.id).where(CaseFile.id == case_id, within_reach(ring))).first() is not None


def kept_from(session: Session, case_ids: Collection[str]) -> Mapping[str, Collection[str]]:
    """Of these cases the restricted ones, each with the members who open it all the same. Needs no key."""
    restricted = select(CaseFile.id).where(CaseFile.id.in_(case_ids), CaseFile.restricted.is_(True))
    return {case_id: _members_of(session, case_id) for case_id in session.scalars(restricted)}


@dataclass(frozen=True)
class Openers:
    """Of a restricted case: who opens `all` of it, and who holds the desk's key and opens none of it (`kept_out`)."""

    all: frozenset[str]
    kept_out: frozenset[str]


def openers_of(session: Session, desk: str, case_id: str) -> Openers | None:
    """Who opens a case by keys of their own, as the rows say; None where the desk's key opens it. Needs no key.

    The case's row is locked: nobody is put out of it meanwhile. A cleared `restricted` alone opens nothing: the newest
    keys must be sealed to a key of the desk, too.
    """
    row = session.scalars(select(CaseFile).where(CaseFile.id == case_id).with_for_update()).one_or_none()
    case, identity = (_sealed_to(session, desk, kind, case_id) for kind in (KeyKind.CASE, KeyKind.IDENTITY))
    if row is None or (not row.restricted and any(kind is KeyKind.DESK for kind, _ in identity)):
        return None
    of_the_desk = _members(_sealed_to(session, desk, KeyKind.DESK, ""))
    return Openers(_members(case) & _members(identity), of_the_desk - _members(case))


def _members(recipients: Collection[tuple[KeyKind, str]]) -> frozenset[str]:
    return frozenset(owner for kind, owner in recipients if kind is KeyKind.MEMBER)


def _sealed_to(session: Session, desk: str, kind: KeyKind, owner: str) -> list[tuple[KeyKind, str]]:
    """The kinds and owners of the keys that the newest generation of a key is sealed to."""
    to, of = aliased(KeyPair), (KeyPair.desk == desk, KeyPair.kind == kind, KeyPair.owner == owner)
    newest = select(KeyPair.id).where(*of).order_by(KeyPair.generation.desc()).limit(1).scalar_subquery()
    found = (
        select(to.kind, to.owner)
        .join(SealedSeed, SealedSeed.recipient_key_pair_id == to.id)
        .where(SealedSeed.key_pair_id == newest)
    )
    return [(KeyKind(each), whose) for each, whose in session.execute(found)]


def _members_of(session: Session, case_id: str) -> set[str]:
    of, to = aliased(KeyPair), aliased(KeyPair)
    found = (
        select(to.owner)
        .join(SealedSeed, SealedSeed.recipient_key_pair_id == to.id)
        .join(of, of.id == SealedSeed.key_pair_id)
        .where(of.owner == case_id, of.kind == KeyKind.CASE, to.kind == KeyKind.MEMBER)
    )
    return set(session.scalars(found))


def _granted_to(own: str) -> Select[Any]:
    return (
        select(KeyPair.owner)
        .join(SealedSeed, SealedSeed.key_pair_id == KeyPair.id)
        .where(KeyPair.kind == KeyKind.CASE, SealedSeed.recipient_key_pair_id == own)
    )
