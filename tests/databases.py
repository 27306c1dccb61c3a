"""The databases that tests run on: SQLite files, and databases of a PostgreSQL that is started once for a whole run.

A test takes the fixture `databases`; it, or a fixture of its folder, gets the URL of a database of its own there. Where
`BOTH` names the test's file (or its folder), the test runs once on each kind. PostgreSQL copies a template in a few
hundredths of a second; nothing there is flushed to disk (what survives a power cut is tested elsewhere).
"""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql
from sqlalchemy import Connection, create_engine, func, insert, make_url, select

from store.database import open_database
from store.database_rights import Process
from store.schema import Base
from tests.system.postgres import Postgres

KINDS = ("sqlite", "postgresql")
BOTH = (
    "store",
    "notify/test_delivery.py",
    "notify/test_schedule.py",
    "ingest/test_automatic.py",
    "ingest/test_bounces.py",
    "ingest/test_claims.py",
    "ingest/test_conflicts.py",
    "ingest/test_lmtp.py",
    "ingest/test_rounds.py",
    "ingest/test_rounds_overlap.py",
    "ingest/test_threads.py",
    "desk/test_case.py",
    "desk/test_consents.py",
    "desk/test_grants.py",
    "desk/test_login.py",
    "desk/test_mergers.py",
    "desk/test_messages.py",
    "desk/test_queue.py",
    "desk/test_retention.py",
    "desk/test_search.py",
    "desk/test_sessions.py",
    "desk/test_system.py",
    "desk/test_texts.py",
)
"""Store, intake, outbox and desk; under `tests/`. With MELDPOST_DESK_DATABASE=both all of the desk."""


def runs_on_both(file: Path) -> bool:
    inside = file.relative_to(Path(__file__).parent).as_posix()
    chosen = (*BOTH, "desk") if os.environ.get("MELDPOST_DESK_DATABASE") == "both" else BOTH
    return any(inside == name or inside.startswith(f"{name}/") for name in chosen)


ROLES = {process: f"meldpost_{process}" for process in Process}


class Databases(Protocol):
    """Where databases are made for one test. Each gives a URL, of the owner of the tables."""

    def blank(self, folder: Path) -> str:
        """One without any table."""

    def new(self, folder: Path) -> str:
        """One with the tables of now, and no row."""

    def copy(self, file: Path, folder: Path) -> str:
        """One with the rows of a SQLite file that was prepared."""

    def as_process(self, url: str, process: Process) -> str:
        """The same database as this process has it: with a role of its own, where there are roles."""


class SqliteDatabases:
    """Files in the test's own folder."""

    def __init__(self, migrated: Path) -> None:
        self._migrated = migrated

    def blank(self, folder: Path) -> str:
        return f"sqlite:///{folder / self._migrated.name}"

    def new(self, folder: Path) -> str:
        return self.copy(self._migrated, folder)

    def copy(self, file: Path, folder: Path) -> str:
        copied = folder / file.name
        if not copied.exists():  # it may have come with its folder
            shutil.copy(file, copied)
        return f"sqlite:///{copied}"

    def as_process(self, url: str, process: Process) -> str:
        return url


class PostgresTemplates:
    """The server, and a template for each SQLite file that a test wants copied."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._names = count()
        self._templates: dict[Path, str] = {}
        self._migrated = self.create("template0")
        database = open_database(server.url_of(self._migrated))
        database.upgrade()
        database.grant(ROLES)
        database.close()

    def create(self, template: str | None = None) -> str:
        """A database like the template (like one with the tables of now); gives its name."""
        name = f"test_{next(self._names)}"
        self._run(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template or self._migrated)
            )
        )
        return name

    def drop(self, name: str) -> None:
        self._run(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def with_rows_of(self, file: Path) -> str:
        """The name of the template with these rows; made when it is first wanted."""
        if file not in self._templates:
            name = self.create()
            _carry_over(f"sqlite:///{file}", self.server.url_of(name))
            self._templates[file] = name
        return self._templates[file]

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.server.url_of("postgres"), autocommit=True) as connection:
            connection.execute(statement)


class PostgresDatabases:
    """Databases on the one server, until the test ends."""

    def __init__(self, templates: PostgresTemplates) -> None:
        self.templates = templates
        self._made: list[str] = []

    def blank(self, folder: Path) -> str:
        return self._made_from("template0")

    def new(self, folder: Path) -> str:
        return self._made_from(None)

    def copy(self, file: Path, folder: Path) -> str:
        return self._made_from(self.templates.with_rows_of(file))

    def as_process(self, url: str, process: Process) -> str:
        return url.replace("//meldpost@", f"//{ROLES[process]}@")

    def drop(self) -> None:
        for name in self._made:
            self.templates.drop(name)

    def _made_from(self, template: str | None) -> str:
        name = self.templates.create(template)
        self._made.append(name)
        return self.templates.server.url_of(name)


def _carry_over(source: str, target: str) -> None:
    """Copy all rows, with the models' own types; counted ids go on after the last."""
    one = create_engine(source)
    other = create_engine(make_url(target).set(drivername="postgresql+psycopg"))
    with one.connect() as reading, other.begin() as writing:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row) for row in reading.execute(select(table)).mappings()]
            if rows:
                writing.execute(insert(table), rows)
            column = table.autoincrement_column
            if column is not None and rows:
                _count_on(writing, table.name, column.name, max(row[column.name] for row in rows))
    one.dispose()
    other.dispose()


def _count_on(connection: Connection, table: str, column: str, last: int) -> None:
    sequence = func.pg_get_serial_sequence(table, column)
    if connection.scalar(select(sequence)) is not None:
        connection.execute(select(func.setval(sequence, last)))
