"""Opening the database: SQLite by default, PostgreSQL by its URL; transactions; the schema brought up to date."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    CursorResult,
    Delete,
    Engine,
    Float,
    Update,
    bindparam,
    create_engine,
    event,
    inspect,
    make_url,
    select,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from store import database_rights, secured_line
from store.chains import ChainingSession, Chains
from store.database_rights import Process
from store.schema import UtcTime

_BUSY_TIMEOUT_MS = 30_000
_LOCK_TIMEOUT_S = 10
_VACUUM_IN_MEMORY = 256 * 1024 * 1024
"""A larger database is not written anew in memory."""
_SQLITE_SETTINGS = (
    f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}",  # first: the switch to WAL may have to wait for a lock
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a commit survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
)


class StoreError(Exception):
    """Something about the database that an administrator can put right; says how."""


class NewerTables(Exception):
    """The tables are of a version of Meldpost that this one does not know."""


class database_now(FunctionElement[datetime]):
    """The database's own clock, plus some seconds: leases of many machines are compared on one clock only."""

    type = UtcTime()
    inherit_cache = True

    def __init__(self, plus_seconds: float = 0) -> None:
        super().__init__(bindparam(None, float(plus_seconds), type_=Float()))


@compiles(database_now, "sqlite")
def _sqlite_now(element: database_now, compiler: SQLCompiler, **more: Any) -> str:
    # the form in which SQLAlchemy keeps times, so that text compares as time
    seconds = compiler.process(element.clauses, **more)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('%+.3f seconds', {seconds}))"


@compiles(database_now, "postgresql")
def _postgresql_now(element: database_now, compiler: SQLCompiler, **more: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **more)}))"


_CLOCK = select(database_now())


def clock(session: Session) -> datetime:
    """What the database's clock says."""
    return session.execute(_CLOCK).scalar_one()


def changed_rows(session: Session, statement: Update | Delete, values: Mapping[str, object] | None = None) -> int:
    """Run an UPDATE or DELETE and tell how many rows it hit: a conditional one that hit none has lost its race."""
    result = session.execute(statement, values, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount


class Database:
    """A database of one installation. Each process opens its own; nothing is connected before first use."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(meldpost_reading=True)
        self._chains = Chains()

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A writing transaction: committed at the end, rolled back as a whole by any error."""
        with ChainingSession(self._engine, expire_on_commit=False, chains=self._chains) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks; on SQLite it waits for no writer. Nothing is committed."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def own_connection(self) -> Iterator[Connection]:
        """A connection outside the pool, closed at the end; each statement on it is a transaction of its own."""
        with self._engine.connect() as pooled:
            connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            yield connection

    def now(self) -> datetime:
        with self.read() as session:
            return clock(session)

    def upgrade(self) -> None:
        """Bring the schema up to date; safe to repeat. Raises NewerTables."""
        with self._engine.begin() as connection:
            if not _known(connection):
                raise NewerTables
            command.upgrade(_alembic(connection), "head")

    def grant(self, roles: Mapping[Process, str]) -> None:
        """Give each process's role of PostgreSQL what it needs, and no more; a role that is missing is made."""
        with self._engine.begin() as connection:
            for statement in database_rights.statements(roles, self._engine.url.database or ""):
                connection.exec_driver_sql(statement)

    def rights_that_differ(self, process: Process) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What the role of this process, as which we are here, lacks on PostgreSQL, and what it has too much."""
        wanted = database_rights.wanted(process)
        with self._reading.connect() as connection:
            has = set(connection.exec_driver_sql(database_rights.HAS).scalars())
        return tuple(sorted(wanted - has)), tuple(sorted(has - wanted))

    def is_current(self) -> bool:
        with self._reading.connect() as connection:
            here = MigrationContext.configure(connection).get_current_heads()
        return set(here) == set(ScriptDirectory.from_config(_alembic(None)).get_heads())

    def is_of_a_known_version(self) -> bool:
        """Are its tables of this version, or of one before?"""
        with self._reading.connect() as connection:
            return _known(connection)

    def is_empty(self) -> bool:
        """Has it no table at all?"""
        with self._reading.connect() as connection:
            return not inspect(connection).get_table_names()

    def compact(self, tables: Collection[str]) -> bool:
        """Give free pages back, so that no file of the database holds what was deleted from these tables.

        False where something is in the way now: a reader that does not end, no room, or no right to (PostgreSQL lets
        only the owner of a table do this). What it can promise: docs/decisions/, "What emptying a database can do".
        """
        connection = self._engine.raw_connection()
        try:
            return _compact_sqlite(connection) if self.dialect == "sqlite" else _compact_postgresql(connection, tables)
        except (sqlite3.OperationalError, psycopg.OperationalError):
            return False
        finally:
            connection.invalidate()

    def close(self) -> None:
        self._engine.dispose()


def open_database(url: str) -> Database:
    """Open by URL: `sqlite:////var/lib/meldpost/meldpost.db` or `postgresql://user@host/name`."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(
            "The database URL cannot be read. Write sqlite:////path/to/meldpost.db or postgresql://user@host/name."
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            return Database(_sqlite(parsed))
        case "postgresql":
            return Database(_postgresql(parsed))
        case other:
            raise StoreError(f"Meldpost does not run on {other}: use sqlite or postgresql in the database URL.")


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("The database URL names no file: write sqlite:////path/to/meldpost.db.")
    _make_private(Path(url.database))
    # isolation_level None: the driver begins no transactions of its own, `_begin` does
    engine = create_engine(url, hide_parameters=True, connect_args={"isolation_level": None, "timeout": 30})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: URL) -> Engine:
    if not secured_line.is_safe(url):
        raise StoreError(
            "The database is on another host, and its URL does not ask for an encrypted line to a known server. Add "
            "?sslmode=verify-full&sslrootcert=/path/to/ca.pem to it, with the certificate of the authority that "
            "signed the server's; the host in the URL must be the name in that certificate."
        )
    return create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True)


def _compact_sqlite(connection: Any) -> bool:
    """VACUUM writes the file anew by way of the log, which is then cut to nothing: both are looked at, and neither may
    be left half done."""
    cursor = connection.cursor()
    size = cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
    if size > _VACUUM_IN_MEMORY:
        cursor.execute("PRAGMA temp_store = FILE")  # sealed, as all in it: not a readable byte rests
    cursor.execute("VACUUM")
    busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _compact_postgresql(connection: Any, tables: Collection[str]) -> bool:
    driver = connection.driver_connection
    driver.autocommit = True
    cursor = driver.cursor()
    cursor.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT_S}s'")
    owned = "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass"
    for table in sorted(tables):
        if not cursor.execute(owned, [table]).fetchone()[0]:
            return False  # VACUUM would only warn, and leave the table as it is
        cursor.execute(f'VACUUM (FULL) "{table}"')
    return True


def _make_private(path: Path) -> None:
    """Nobody else may read the file; SQLite gives its WAL the same rights."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(
            f"The database file cannot be opened for writing: {error.strerror}. Check its folder."
        ) from None


def _configure(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for statement in _SQLITE_SETTINGS:
        cursor.execute(statement)
    cursor.close()


def _begin(connection: Connection) -> None:
    # a deferred transaction that turns from reading to writing fails at once when another wrote: take the lock first
    reading = connection.get_execution_options().get("meldpost_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _known(connection: Connection) -> bool:
    """Are these tables of this version of Meldpost, or of one before?"""
    ours = {each.revision for each in ScriptDirectory.from_config(_alembic(None)).walk_revisions()}
    return set(MigrationContext.configure(connection).get_current_heads()) <= ours


def _alembic(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
