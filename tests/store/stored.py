"""Databases of each schema that there ever was, as they were: SQL dumps in `databases/`, by their revision.

`python -m tests.store.stored` adds those of revisions that have none yet; it changes none that is there. Each table has
two rows of made-up values, the second with nothing in it where there may be nothing.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Column, Connection, DateTime, Integer, LargeBinary, MetaData, Table, select

from store.database import Database, _alembic, open_database

FOLDER = Path(__file__).parent / "databases"
AT = datetime(2026, 3, 2, 9, 0, 0, 123456)  # noqa: DTZ001 - as SQLite keeps it
Rows = Mapping[str, list[dict[str, Any]]]


def revisions() -> list[str]:
    """All revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_alembic(None))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def stored() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.sql"))


def restore(revision: str, file: Path) -> None:
    """Make a SQLite file of a dump."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((FOLDER / f"{revision}.sql").read_text(encoding="utf-8"))


def upgrade_to(database: Database, revision: str) -> None:
    with database._engine.begin() as connection:
        command.upgrade(_alembic(connection), revision)


def read(connection: Connection) -> Rows:
    """All rows of all tables, with times as SQLite has them."""
    tables = reflected(connection)
    return {
        table.name: sorted(
            (
                {name: _plain(value) for name, value in row.items()}
                for row in connection.execute(select(table)).mappings()
            ),
            key=repr,
        )
        for table in tables.sorted_tables
    }


def write(connection: Connection, rows: Rows) -> None:
    for table in reflected(connection).sorted_tables:
        for row in rows.get(table.name, ()):
            connection.execute(
                table.insert().values({name: _zoned(value, table.c[name]) for name, value in row.items()})
            )


def reflected(connection: Connection) -> MetaData:
    tables = MetaData()
    tables.reflect(connection, only=lambda name, _: name != "alembic_version")
    return tables


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        case memoryview():
            return bytes(value)
        case _:
            return value


def _zoned(value: Any, column: Column[Any]) -> Any:
    zoned = isinstance(column.type, DateTime) and column.type.timezone
    return value.replace(tzinfo=UTC) if zoned and isinstance(value, datetime) else value


def _made_up(tables: MetaData) -> Rows:
    made: dict[str, list[dict[str, Any]]] = {}
    for table in tables.sorted_tables:
        made[table.name] = []
        for number in (1, 2):
            made[table.name].append(dict(_row(table, number, made)))
    return made


def _row(table: Table, number: int, made: Rows) -> Iterator[tuple[str, Any]]:
    for column in table.columns:
        key = next(iter(column.foreign_keys), None)
        if key is not None and key.column.table is table:
            yield column.name, None if number == 1 else made[table.name][0][key.column.name]
        elif number == 2 and column.nullable and not column.primary_key:
            yield column.name, None
        elif key is not None:
            yield column.name, made[key.column.table.name][number - 1][key.column.name]
        else:
            yield column.name, _value(column, number)


def _value(column: Column[Any], number: int) -> Any:
    match column.type:
        case LargeBinary():
            return f"{column.name} {number}".encode().ljust(32)[:32]
        case DateTime():
            return AT.replace(day=number)
        case Boolean():
            return number == 1
        case Integer():
            return number
        case _:
            return f"{column.name}-{number}"[:16]


def _dump(revision: str, folder: Path) -> str:
    file = folder / f"{revision}.db"
    database = open_database(f"sqlite:///{file}")
    upgrade_to(database, revision)
    with database._engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        write(connection, _made_up(reflected(connection)))
    database.close()
    with closing(sqlite3.connect(file)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for revision in revisions():
            file = FOLDER / f"{revision}.sql"
            if not file.exists():
                file.write_text(_dump(revision, Path(folder)), encoding="utf-8")
                sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
