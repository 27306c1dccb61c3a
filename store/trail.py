"""Reading the trail: a page at a time, newest first, as the rows stand in clear. Who did what, with which case, when.

Details stay sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from cases.roles import May
from store.keyring import KeyRing
from store.members import logins
from store.reach import holds_the_desk_key, within_reach
from store.records import CANNOT_OPEN
from store.rows import table_of
from store.schema import Audit, CaseFile, Member

_AUDIT = table_of(Audit)


@dataclass(frozen=True)
class Wanted:
    """Which rows: those of an action, of a member, about a case, from `since` on and before `until`."""

    action: str | None = None
    member_id: str | None = None
    case_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One row. `action` is a slug; `sealed`: it has a detail that this page does not open."""

    id: int
    at: datetime
    action: str
    member_id: str | None
    case_id: str | None
    subject_id: str | None
    record_kind: str | None
    record_version: int | None
    sealed: bool


@dataclass(frozen=True)
class Page:
    """`older`: the id before which the next page begins; None where there is no more."""

    lines: tuple[Line, ...]
    older: int | None


def page(session: Session, ring: KeyRing, wanted: Wanted, size: int, before: int | None = None) -> Page:
    """So many rows of a desk, newest first, of those with a lower id than `before`.

    Who reads cases has no rows of a restricted one that they do not open: when it was worked on, and by whom, tells
    the person concerned more than enough. An auditor opens none, and has all rows.
    """
    shown = [column for column in _AUDIT.c if column.key in Line.__dataclass_fields__]
    asked = select(*shown, _AUDIT.c.detail_id.is_not(None).label("sealed")).where(_AUDIT.c.desk == ring.desk)
    if ring.may(May.OPEN_THE_DESK):
        asked = asked.where(~_kept_from(ring))
    for column, value in ((_AUDIT.c.action, wanted.action), (_AUDIT.c.member_id, wanted.member_id)):
        if value is not None:
            asked = asked.where(column == value)
    if wanted.case_id is not None:
        asked = asked.where(_AUDIT.c.case_id == wanted.case_id)
    if wanted.since is not None:
        asked = asked.where(_AUDIT.c.at >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(_AUDIT.c.at < wanted.until)
    if before is not None:
        asked = asked.where(_AUDIT.c.id < before)
    found = session.execute(asked.order_by(_AUDIT.c.id.desc()).limit(size + 1)).all()
    lines = tuple(Line(**row._mapping) for row in found[:size])
    return Page(lines, lines[-1].id if len(found) > size else None)


def may_find(session: Session, ring: KeyRing, case_id: str) -> bool:
    """May this person learn which case of the trail has a reference that they know? Who opens cases: of those that they
    reach. Who opens none: of those that nobody is kept out of, for it may be they."""
    open_to = within_reach(ring) if holds_the_desk_key(ring) else CaseFile.restricted.is_(False) | within_reach(ring)
    found = select(CaseFile.id).where(CaseFile.id == case_id, CaseFile.desk == ring.desk, open_to)
    return session.scalar(found) is not None


def _kept_from(ring: KeyRing) -> ColumnElement[bool]:
    """For a query of the trail: rows of restricted cases that this key ring does not reach."""
    of_the_case = (CaseFile.id == _AUDIT.c.case_id, CaseFile.restricted.is_(True))
    return exists().where(*of_the_case, ~within_reach(ring, by_desk=False))


def members(session: Session, ring: KeyRing) -> Mapping[str, str]:
    """All members of the desk, past ones too, by id; their name is empty for who cannot open it."""
    try:
        names = logins(session, ring)
    except CANNOT_OPEN:
        names = {}
    ids = session.scalars(select(Member.id).where(Member.desk == ring.desk).order_by(Member.created_at))
    return {member_id: names.get(member_id, "") for member_id in ids}
