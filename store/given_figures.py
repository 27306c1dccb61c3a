"""Figures that were given to those who read figures alone: auditors, and the secretary-general.

They hold no key that opens a card, so the figures of a year are made by who does, hold back what might tell of anybody,
and are sealed to each reader's own key, signed by who gives them.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.overview import YearFigures
from cases.roles import May, Role, holds_the_desk_key, may
from store import audit, membership, records
from store.audit import Action
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest
from store.membership import UnprovenMember
from store.records import Name, RecordKind
from store.schema import Record


class YearNotOver(Exception):
    """The figures of a year are given when it is over: who gets them twice would see what came in between."""


def give(session: Session, ring: KeyRing, figures: YearFigures, now: datetime) -> int:
    """Seal the figures of a year to each who reads figures alone, in the place of those they have of it. Gives to how
    many. A member whose key the desk did not certify gets none. Raises YearNotOver, NotAllowed."""
    if not figures.is_over:
        raise YearNotOver("This year is not over.")
    given = 0
    for member in membership.listed(session, ring):
        if member.left_at is not None or member.role is None or not _reads_figures_alone(member.role):
            continue
        own = newest(session, ring.desk, KeyKind.MEMBER, member.id)
        try:
            membership.refuse_unproven(session, ring, own)
        except UnprovenMember:
            continue
        name = Name(None, _subject(member.id, figures.year), RecordKind.GIVEN_FIGURES)
        version = records.next_version(session, ring.desk, name)
        records.destroy(session, ring.desk, name)
        records.write_json(session, name, figures.to_json(), own, now, version=version, by=ring.author)
        given += 1
    if given:
        audit.write(session, ring.desk, Action.FIGURES_GIVEN, now, member_id=ring.member_id)
        session.flush()
    return given


def given_to(session: Session, ring: KeyRing) -> tuple[YearFigures, ...]:
    """The figures that this member was given, newest year first; without any that nobody of the desk wrote."""
    found = select(Record.subject_id).where(
        Record.desk == ring.desk, Record.kind == RecordKind.GIVEN_FIGURES, Record.key_pair_id == ring.own
    )
    subjects = session.scalars(found.distinct()).all()
    opened = records.opened_of_subjects(session, ring, subjects, RecordKind.GIVEN_FIGURES)
    given = [YearFigures.from_json(content) for content in opened.values()]
    return tuple(sorted(given, key=lambda each: each.year, reverse=True))


def _reads_figures_alone(role: Role) -> bool:
    return may(role, May.READ_FIGURES) and not holds_the_desk_key(role)


def _subject(member_id: str, year: int) -> str:
    """One record for each reader and year."""
    return hashlib.sha256(f"figures given to {member_id} of {year}".encode()).hexdigest()[:32]
