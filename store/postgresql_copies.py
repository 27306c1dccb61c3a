"""A PostgreSQL database taken apart into two archives of `pg_dump`, and put together again in a schema beside its own.

Both archives are of one moment: they share a snapshot. What is restored grows in a schema of its own, and takes the
place of the tables that are there in one transaction; those are kept in a schema that only their owner enters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from store import postgresql_programs as programs
from store import secured_line, trouble
from store.copies import LEFT_OUT, OF_CASES, OF_CONTENT, OF_MAILS, BackupError, Destroyed, Taken, destroyed_of
from store.copy_text import copied_rows
from store.database import Database, StoreError, open_database

_MAGIC = b"PGDMP"
_FRESH = "meldpost_restored"
_BEFORE = "meldpost_before"

_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_NOT_OURS = f"{_TABLES} AND NOT pg_has_role(current_user, relowner, 'USAGE')"
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> pg_backend_pid()"
)
_PUT_ASIDE = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'replaced_') ORDER BY nspname"
_MAY_ENTER = (
    "SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END "
    "FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public' AND grantee <> nspowner"
)


@dataclass(frozen=True)
class PostgresqlCopies:
    """Of the database at this URL, which is that of the owner of the tables."""

    url: str

    def take(self, content: Path, keys: Path) -> Taken:
        self._refuse_older_programs()
        try:
            with _Opened(self.url) as database, database.read() as session:
                connection = session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                if _column(connection, _NOT_OURS):
                    raise BackupError(
                        "This role may not read all that a backup holds. Give the URL of the owner of the tables, by "
                        "MELDPOST_DATABASE__OWNER_URL."
                    )
                tables = _column(connection, _TABLES)
                taken = Taken(
                    schema=_column(connection, "SELECT version_num FROM alembic_version")[0],
                    cases=int(_column(connection, "SELECT count(*) FROM case_file")[0]),
                    destroyed=_destroyed(connection),
                )
                snapshot = _column(connection, "SELECT pg_export_snapshot()")[0]
                self._dump(snapshot, tables, content, keys)
        except SQLAlchemyError as error:
            raise _unusable(error) from None
        return taken

    def is_elsewhere(self, folder: Path) -> bool:
        """Where a server of this machine keeps its files is not told to everybody."""
        return not secured_line.is_on_this_machine(make_url(self.url))

    def prove(self, file: Path) -> None:
        with file.open("rb") as opened:
            if opened.read(len(_MAGIC)) != _MAGIC:
                raise BackupError(f"{file} is of an SQLite database, and database.url names a PostgreSQL.")
        programs.run("pg_restore", ["--file=-", str(file)])  # reads and unpacks all of it

    def rows(self, file: Path, table: str) -> Iterator[Mapping[str, Any]]:
        with programs.read_from("pg_restore", ["--file=-", "--data-only", f"--table={table}", str(file)]) as lines:
            yield from copied_rows(lines)

    def is_there(self) -> bool:
        try:
            with _Opened(self.url) as database:
                return not database.is_empty()
        except SQLAlchemyError as error:
            raise _unusable(error) from None

    def destroyed(self) -> Destroyed:
        with suppress(SQLAlchemyError), _Opened(self.url) as database, database.read() as session:
            return _destroyed(session.connection())
        return Destroyed()

    def put_together(self, content: Path, keys: Path) -> str:
        """In one transaction, after which the tables that are there stand where they stood."""
        self._refuse_other_programs()
        self._refuse_company()
        self.discard()

        def write(psql: IO[bytes]) -> None:
            def tell(*statements: str) -> None:
                psql.write("".join(f"{statement};\n" for statement in statements).encode())
                psql.flush()

            def restore(file: Path, *sections: str) -> None:
                options = ["--file=-", "--no-owner", "--no-privileges", "--no-comments", "--schema=public"]
                programs.run("pg_restore", [*options, *sections, str(file)], stdout=psql)

            tell("BEGIN", f"ALTER SCHEMA public RENAME TO {_BEFORE}", "CREATE SCHEMA public")
            restore(content, "--section=pre-data", "--section=data")
            restore(keys, "--section=data")
            restore(content, "--section=post-data")  # whose rows refer to each other may now be looked at
            tell(f"ALTER SCHEMA public RENAME TO {_FRESH}", f"ALTER SCHEMA {_BEFORE} RENAME TO public", "COMMIT")

        programs.fed(programs.environment(self.url), write)
        parsed = make_url(self.url)
        options = " ".join([*_as_list(parsed.query.get("options")), f"-csearch_path={_FRESH}"])
        return parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)

    def put_in_place(self, now: datetime) -> str | None:
        steps = [f"ALTER SCHEMA {_FRESH} RENAME TO public"]
        aside = f"replaced_{now:%Y%m%dt%H%M%Sz}" if self.is_there() else None
        if aside:
            enter = sorted(set(self._asked(_MAY_ENTER)))
            shut_out = [f"REVOKE ALL ON SCHEMA public FROM {role}" for role in enter]
            steps = [*shut_out, f"ALTER SCHEMA public RENAME TO {aside}", *steps]
        else:
            steps = ["DROP SCHEMA public", *steps]
        self._do(steps)
        return f"schema {aside} (drop schema {aside} cascade)" if aside else None

    def put_aside(self) -> list[str]:
        return [f"schema {name} (drop schema {name} cascade)" for name in self._asked(_PUT_ASIDE)]

    def half_restored(self) -> list[str]:
        there = f"SELECT nspname FROM pg_namespace WHERE nspname = '{_FRESH}'"  # noqa: S608 - our own name
        return [f"schema {name} (drop schema {name} cascade)" for name in self._asked(there)]

    def discard(self) -> None:
        self._do([f"DROP SCHEMA IF EXISTS {_FRESH} CASCADE"])

    def _dump(self, snapshot: str, tables: Sequence[str], content: Path, keys: Path) -> None:
        env = programs.environment(self.url)
        every = ["--format=custom", "--compress=1", f"--snapshot={snapshot}", "--no-password", "--no-owner"]
        without = [f"--exclude-table-data=public.{table}" for table in tables if table not in OF_CONTENT]
        programs.run("pg_dump", [*every, "--schema=public", *without, f"--file={content}"], env)
        with_keys = [f"--table=public.{table}" for table in tables if table not in OF_CONTENT | LEFT_OUT]
        programs.run("pg_dump", [*every, "--data-only", *with_keys, f"--file={keys}"], env)

    def _do(self, statements: Sequence[str]) -> None:
        try:
            with _Opened(self.url) as database, database.begin() as session:
                connection = session.connection()
                for statement in statements:
                    connection.exec_driver_sql(statement)
        except SQLAlchemyError as error:
            raise _unusable(error) from None

    def _refuse_older_programs(self) -> None:
        server = self._server_version()
        if programs.major_version("pg_dump") < server:
            raise BackupError(
                f"pg_dump is older than the database server, which is version {server}. Install Debian's package "
                f"postgresql-client-{server}, or put those programs first in PATH."
            )

    def _refuse_other_programs(self) -> None:
        server = self._server_version()
        for program in ("pg_restore", "psql"):
            version = programs.major_version(program)
            if version != server:
                raise BackupError(
                    f"{program} is version {version}, and the database server {server}: what one writes the other may "
                    f"not take. Install Debian's package postgresql-client-{server}, or put those first in PATH."
                )

    def _server_version(self) -> int:
        return int(self._asked("SHOW server_version_num")[0]) // 10_000

    def _refuse_company(self) -> None:
        others = int(self._asked(_OTHERS)[0])
        if others:
            raise BackupError(
                f"{others} other connections are at this database. Stop the daemon and the desk, on all machines."
            )

    def _asked(self, query: str) -> list[str]:
        try:
            with _Opened(self.url) as database, database.read() as session:
                return _column(session.connection(), query)
        except SQLAlchemyError as error:
            raise _unusable(error) from None


class _Opened:
    """A database for a moment; no connection stays."""

    def __init__(self, url: str) -> None:
        """Raises BackupError."""
        try:
            self._database = open_database(url)
        except StoreError as error:
            raise BackupError(str(error)) from None

    def __enter__(self) -> Database:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _column(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in connection.exec_driver_sql(query)]


def _destroyed(connection: Connection) -> Destroyed:
    return destroyed_of(connection.exec_driver_sql(OF_CASES), connection.exec_driver_sql(OF_MAILS))


def _as_list(value: str | tuple[str, ...] | None) -> Sequence[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _unusable(error: SQLAlchemyError) -> BackupError:
    if isinstance(error, DBAPIError):
        if getattr(error.orig, "sqlstate", "") == "42501":  # insufficient_privilege
            return BackupError(
                "This role may not do that. The owner of the tables has to own the database and its schema public."
            )
        said = trouble.describe(error)
        if said:
            return BackupError(f"{said[0].upper()}{said[1:]}.")
    return BackupError(f"The database cannot be used: {type(error).__name__}.")
