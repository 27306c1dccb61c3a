"""Is every case that the trail knows of there, or destroyed as cases are? Needs no key.

A case that is gone has a row on the trail that says so, and a declaration that a member signed: `store/destruction.py`,
`store/declarations.py`. Until a member logs in nobody has signed yet, and what a restore destroyed again may be signed
for in a declaration of after the backup; such cases are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.audit import Action
from store.authentic import Witness
from store.keyring import KeyRing
from store.records import RecordKind
from store.rows import table_of
from store.schema import Audit, CaseFile, Destruction, Record

_AUDIT = table_of(Audit)
_CASES = table_of(CaseFile)
_DESTRUCTIONS = table_of(Destruction)


@dataclass(frozen=True)
class Removed:
    """A case that is gone, with no row of its destruction. `row_id`: its last on the trail."""

    case_id: str
    row_id: int


@dataclass(frozen=True)
class Accounted:
    """`destroyed`: the cases that are gone by the trail; `undeclared`: those of them that no member signed for."""

    removed: tuple[Removed, ...]
    destroyed: frozenset[str]
    undeclared: frozenset[str]


def account(session: Session, desk: str, root: bytes | None) -> Accounted:
    """Look for every case. `root`: the desk's signing key as it is pinned; without it no signature counts."""
    on_the_trail = select(_AUDIT.c.case_id).where(_AUDIT.c.desk == desk, _AUDIT.c.action == Action.DESTROYED)
    destroyed = frozenset(filter(None, session.scalars(on_the_trail.distinct())))
    declared = frozenset(_declared(session, desk, root)) if root and destroyed else frozenset[str]()
    return Accounted(tuple(_removed(session, desk)), destroyed, destroyed - declared)


def _removed(session: Session, desk: str) -> Iterator[Removed]:
    """A case has records from its first moment on; who asks for one that never was leaves a row without."""
    gone = select(_AUDIT.c.case_id).where(
        _AUDIT.c.desk == desk, _AUDIT.c.action == Action.DESTROYED, _AUDIT.c.case_id.is_not(None)
    )
    here = select(_CASES.c.id).where(_CASES.c.desk == desk)
    found = (
        select(_AUDIT.c.case_id, func.max(_AUDIT.c.id).label("row_id"))
        .where(_AUDIT.c.desk == desk, _AUDIT.c.sha256.is_not(None), _AUDIT.c.case_id.is_not(None))
        .where(_AUDIT.c.case_id.not_in(here), _AUDIT.c.case_id.not_in(gone))
        .group_by(_AUDIT.c.case_id)
    )
    for row in session.execute(found.order_by(func.max(_AUDIT.c.id))):
        yield Removed(row.case_id, row.row_id)


def _declared(session: Session, desk: str, root: bytes) -> Iterator[str]:
    witness = Witness(session, KeyRing("", desk, "", {}, "", root))
    found = (
        select(Record, _DESTRUCTIONS.c.case_id)
        .join(_DESTRUCTIONS, _DESTRUCTIONS.c.id == Record.subject_id)
        .where(Record.desk == desk, Record.kind == RecordKind.DECLARATION, _DESTRUCTIONS.c.desk == desk)
    )
    for record, case_id in session.execute(found):
        if witness.is_signed(record):
            yield case_id
