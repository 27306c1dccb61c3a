"""New rows on their way into the database: gathered in a transaction, and written with one INSERT a table; and
`table_of` and `unindexed`, for statements that are built by hand.

What is gathered is written before anything is asked of the database in the same transaction, before the commit, and
when it grows large; so nobody sees a difference, but for the time that it takes. Whoever gathers many rows in a row,
as intake does, pays for a handful of statements.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Insert, Table, event, insert
from sqlalchemy.orm import InstrumentedAttribute, ORMExecuteState, Session

from store.schema import Base

_MOST_BYTES = 4 * 1024 * 1024
"""What is gathered at most: sealed attachments of many megabytes must not stand in memory together."""

# Parents before children: foreign keys are checked row by row.
_TABLES = {table: position for position, table in enumerate(Base.metadata.sorted_tables)}


class GatheringSession(Session):
    """A session to which rows can be added by `add`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.gathered: dict[tuple[Table, tuple[str, ...]], list[dict[str, Any]]] = {}
        self.gathered_bytes = 0

    def forget_gathered(self) -> None:
        self.gathered, self.gathered_bytes = {}, 0


def add(session: Session, kind: type[Base], /, **values: Any) -> None:
    """Add a row of the table of `kind`. Rows that it refers to were added before it."""
    gathering = _gathering(session)
    gathering.gathered.setdefault((table_of(kind), tuple(values)), []).append(values)
    gathering.gathered_bytes += sum(len(value) for value in values.values() if isinstance(value, bytes))
    if gathering.gathered_bytes > _MOST_BYTES:
        write(session)


def table_of(kind: type[Base]) -> Table:
    """The table itself, for statements that are built once: what SQLAlchemy does to one of a mapped class at each turn
    takes five times as long as the rest."""
    return cast("Table", kind.__table__)


def unindexed(column: InstrumentedAttribute[str] | Column[str]) -> ColumnElement[str]:
    """A column, for a condition by which SQLite shall look for no rows. It keeps no statistics and takes it that few
    rows are a desk's, so that it would read all of them rather than the ten that are named by their ids."""
    return column.concat("")


def write(session: Session) -> None:
    """Write what was gathered. Raises IntegrityError."""
    gathering = _gathering(session)
    session.flush()
    if not gathering.gathered:
        return
    gathered, gathering.gathered, gathering.gathered_bytes = gathering.gathered, {}, 0
    connection = session.connection()
    for table, names in sorted(gathered, key=lambda group: _TABLES[group[0]]):
        connection.execute(_insert(table), gathered[table, names])


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


def _gathering(session: Session) -> GatheringSession:
    if not isinstance(session, GatheringSession):
        raise TypeError("rows are added in a writing transaction")
    return session


@event.listens_for(GatheringSession, "do_orm_execute")
def _before_a_statement(state: ORMExecuteState) -> None:
    write(state.session)


event.listen(GatheringSession, "before_commit", write)
