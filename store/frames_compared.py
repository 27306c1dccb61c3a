"""Are the sealed records those that were written? Compares each with the digest that the trail holds of it.

Needs no key: the trail has the SHA-256 of every frame. One pass over all records, in constant memory. Who can also
write to the trail can put a digest there that fits; that row is what `store/verification.py` looks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select, type_coerce
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import NullType

from store.audit import Action
from store.records import RecordKind
from store.rows import table_of
from store.schema import Audit, Record, RecordPiece

_AUDIT = table_of(Audit)
_RECORDS = table_of(Record)
_PIECES = table_of(RecordPiece)
_AT_ONCE = 64
"""Rows in memory: a frame in a row has at most a piece's size."""

_MAY_BE_GONE = (
    *(RecordKind.DRAFT, RecordKind.ENCLOSURE, RecordKind.NOTE_DRAFT),
    *(RecordKind.ORDER, RecordKind.PROFILE, RecordKind.MODEL),
)
"""What Meldpost itself takes away: a letter that went out or was thrown away, the order for a case that is gone, the
own copy of a member who left, a model that saw a case which is gone."""

_NEWEST_ALONE = (RecordKind.FIGURES, RecordKind.GIVEN_FIGURES)
"""Of which only the newest version is kept."""


class Differs(StrEnum):
    """How a record is not as the trail says."""

    CHANGED = "changed"
    MISSING = "missing"
    UNKNOWN = "unknown"  # there, but not on the trail


@dataclass(frozen=True)
class Difference:
    """One record that is not as it was written. `subject_id`, `kind` and `version` name it."""

    how: Differs
    case_id: str | None
    subject_id: str
    kind: str
    version: int


@dataclass
class Compared:
    """How many records were looked at; filled while `differences` is read."""

    records: int = 0


def differences(session: Session, desk: str, compared: Compared | None = None) -> Iterator[Difference]:
    """Every record of a desk that is not the one that the trail speaks of, and every one that is missing, but those of
    cases whose destruction stands on the trail."""
    count = compared or Compared()
    for row in _there(session, desk):
        count.records += 1
        if row.known is None:
            yield _of(Differs.UNKNOWN, row)
        elif row.known != row.sha256 or _digest(session, row) != row.known:
            yield _of(Differs.CHANGED, row)
    yield from (_of(Differs.MISSING, row) for row in _missing(session, desk))


def _there(session: Session, desk: str) -> Iterator[Row[Any]]:
    newest = (
        select(_raw(_AUDIT.c.sha256))
        .where(_AUDIT.c.desk == desk, _AUDIT.c.sha256.is_not(None))
        .where(_AUDIT.c.subject_id == _RECORDS.c.subject_id, _AUDIT.c.record_kind == _RECORDS.c.kind)
        .where(_AUDIT.c.record_version == _RECORDS.c.version)
        .order_by(_AUDIT.c.id.desc())
        .limit(1)
    )
    named = (_RECORDS.c.id, _RECORDS.c.case_id, _RECORDS.c.subject_id, _RECORDS.c.kind, _RECORDS.c.version)
    raw = (_raw(_RECORDS.c.sha256).label("sha256"), _raw(_RECORDS.c.frame).label("frame"))
    return _streamed(
        session, select(*named, *raw, newest.scalar_subquery().label("known")).where(_RECORDS.c.desk == desk)
    )


def _missing(session: Session, desk: str) -> Iterator[Row[Any]]:
    there, later, begun = aliased(_RECORDS), aliased(_AUDIT), aliased(_AUDIT)
    same = (there.c.subject_id == _AUDIT.c.subject_id, there.c.kind == _AUDIT.c.record_kind)
    one = (there.c.version == _AUDIT.c.record_version) | (
        _AUDIT.c.record_kind.in_(_NEWEST_ALONE) & (there.c.version > _AUDIT.c.record_version)
    )
    # rows about the same version that came later say where it belongs now: one row each, the newest
    newer = select(later.c.id).where(
        later.c.desk == desk,
        later.c.sha256.is_not(None),
        later.c.subject_id == _AUDIT.c.subject_id,
        later.c.record_kind == _AUDIT.c.record_kind,
        later.c.record_version == _AUDIT.c.record_version,
        later.c.id > _AUDIT.c.id,
    )
    destroyed = select(begun.c.case_id).where(
        begun.c.desk == desk, begun.c.action.in_((Action.DESTROY_BEGUN, Action.DESTROYED)), begun.c.case_id.is_not(None)
    )
    found = (
        select(
            _AUDIT.c.case_id,
            _AUDIT.c.subject_id,
            _AUDIT.c.record_kind.label("kind"),
            _AUDIT.c.record_version.label("version"),
        )
        .where(_AUDIT.c.desk == desk, _AUDIT.c.sha256.is_not(None), _AUDIT.c.record_kind.not_in(_MAY_BE_GONE))
        .where(_AUDIT.c.case_id.is_(None) | _AUDIT.c.case_id.not_in(destroyed))
        .where(~select(there.c.id).where(there.c.desk == desk, *same, one).exists(), ~newer.exists())
        .order_by(_AUDIT.c.id)
    )
    return _streamed(session, found)


def _digest(session: Session, row: Row[Any]) -> bytes | None:
    """The SHA-256 of a frame, piece by piece; None where there is no frame."""
    pieces: Iterable[Any] = [row.frame] if row.frame is not None else _pieces(session, row.id)
    digest = hashlib.sha256()
    for piece in pieces:
        if not isinstance(piece, bytes):  # SQLite keeps whatever somebody writes
            return None
        digest.update(piece)
    return digest.digest()


def _pieces(session: Session, record_id: str) -> Iterator[Any]:
    found = select(_raw(_PIECES.c.frame).label("frame")).where(_PIECES.c.record_id == record_id)
    for row in session.execute(found.order_by(_PIECES.c.number), execution_options={"yield_per": 1}):
        yield row.frame


def _raw(column: Any) -> Any:
    """A column as the database gives it, of whatever type: reading it raises nothing."""
    return type_coerce(column, NullType())


def _streamed(session: Session, query: Any) -> Iterator[Row[Any]]:
    return iter(session.execute(query, execution_options={"yield_per": _AT_ONCE}))


def _of(how: Differs, row: Row[Any]) -> Difference:
    return Difference(how, row.case_id, row.subject_id, row.kind, row.version)
