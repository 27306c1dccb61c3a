"""Rows of the trail, read so that no value in them can stop who reads.

SQLite keeps a text where a number or a time belongs, if somebody writes one. Such a row is `spoilt`, and stands for
itself with a value of the right type in the place of each wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, Select, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from store.rows import table_of
from store.schema import Audit, UtcTime

_AUDIT = table_of(Audit)
_UNKNOWN = datetime(1, 1, 1, tzinfo=UTC)
_TYPES: Mapping[str, type] = {
    column.name: datetime if isinstance(column.type, UtcTime) else column.type.python_type for column in _AUDIT.columns
}


class LooseRow(SimpleNamespace):
    """A row of the trail, by its columns' names. `spoilt`: a value is not of its column's type."""

    spoilt: bool

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def columns(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "spoilt"}


def trail_rows() -> Select[Any]:
    """All columns, of whatever type the database has them."""
    columns: list[Any] = [type_coerce(column, NullType()).label(column.name) for column in _AUDIT.columns]
    return select(*columns)


def read(session: Session, query: Select[Any], at_once: int) -> Iterator[LooseRow]:
    """The rows of a query that began with `trail_rows`."""
    return map(_read, session.execute(query, execution_options={"yield_per": at_once}))


def _read(found: Row[Any]) -> LooseRow:
    row, spoilt = found._asdict(), False
    read: dict[str, Any] = {}
    for name, wanted in _TYPES.items():
        value = _time(row[name]) if wanted is datetime else row[name]
        if value is not None and not isinstance(value, wanted):
            spoilt, value = True, _UNKNOWN if wanted is datetime else None
        read[name] = value
    if read["at"] is None:
        spoilt, read["at"] = True, _UNKNOWN
    return LooseRow(**read, spoilt=spoilt)


def _time(value: Any) -> Any:
    """A time as the store gives it; what is none stays what it is."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
