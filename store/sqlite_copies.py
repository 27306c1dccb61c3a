"""An SQLite database taken apart into two SQLite files, and put together again beside it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from store.copies import LEFT_OUT, OF_CASES, OF_CONTENT, OF_MAILS, BackupError, Destroyed, Taken, destroyed_of
from store.leftovers import overwrite

_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class SqliteCopies:
    """Of the database in this file."""

    database: Path

    def take(self, content: Path, keys: Path) -> Taken:
        _copy(self.database, content)
        destroyed = _destroyed_in(content)
        schema, cases = _take_keys_out(content, keys)
        return Taken(schema, cases, destroyed)

    def is_elsewhere(self, folder: Path) -> bool:
        return self.database.stat().st_dev != folder.stat().st_dev

    def prove(self, file: Path) -> None:
        with file.open("rb") as opened:
            if opened.read(len(_MAGIC)) != _MAGIC:
                raise BackupError(f"{file} is of a PostgreSQL, and database.url names an SQLite file.")
        with _opened(file, readonly=True) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BackupError(f"{file} is a damaged database.")

    def rows(self, file: Path, table: str) -> Iterator[Mapping[str, Any]]:
        with _opened(file, readonly=True) as connection:
            if table not in _tables(connection, "main"):
                return
            connection.row_factory = sqlite3.Row
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - our own names
                yield dict(row)

    def is_there(self) -> bool:
        return self.database.exists()

    def destroyed(self) -> Destroyed:
        if self.database.exists():
            with suppress(sqlite3.DatabaseError):
                return _destroyed_in(self.database)
        return Destroyed()

    def put_together(self, content: Path, keys: Path) -> str:
        fresh = self._fresh
        self.discard()
        try:
            fresh.touch(0o600)
            shutil.copyfile(content, fresh)
            with _opened(fresh) as connection:
                connection.execute("ATTACH ? AS keys", (os.fspath(keys),))
                _put_keys_back(connection)
        except BaseException:
            self.discard()
            raise
        return f"sqlite:///{fresh}"

    def put_in_place(self, now: datetime) -> str | None:
        fresh, database, aside = self._fresh, self.database, None
        _empty_log(fresh)
        if database.exists():
            with suppress(sqlite3.DatabaseError):
                _empty_log(database)
            aside = database.with_name(f"{database.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
            database.rename(aside)
        _remove_logs(database)
        fresh.rename(database)
        _remove_logs(fresh)
        _flush(database.parent)
        return None if aside is None else str(aside)

    def put_aside(self) -> list[str]:
        found = self.database.parent.glob(f"{self.database.name}.replaced-*")
        return sorted(str(path) for path in found if not path.name.endswith(("-wal", "-shm")))

    def half_restored(self) -> list[str]:
        return [str(self._fresh)] if self._fresh.exists() else []

    def discard(self) -> None:
        if self._fresh.exists():
            overwrite(self._fresh)
        self._fresh.unlink(missing_ok=True)
        _remove_logs(self._fresh)

    @property
    def _fresh(self) -> Path:
        return self.database.with_name(f".{self.database.name}.restored")


def _copy(database: Path, to: Path) -> None:
    """In one step: the copy is of one moment, and who writes meanwhile waits for nothing."""
    source = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        with _opened(to) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
    finally:
        source.close()


def _take_keys_out(content: Path, keys: Path) -> tuple[str, int]:
    with _opened(content) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA journal_mode = OFF")  # it is a copy: what breaks off is thrown away
        connection.execute("ATTACH ? AS keys", (os.fspath(keys),))
        for table in _tables(connection, "main"):
            if table in OF_CONTENT:
                continue
            if table not in LEFT_OUT:
                connection.execute(f'CREATE TABLE keys."{table}" AS SELECT * FROM main."{table}"')  # noqa: S608
            connection.execute(f'DELETE FROM main."{table}"')  # noqa: S608
        connection.commit()
        (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        (cases,) = connection.execute("SELECT count(*) FROM case_file").fetchone()
        connection.execute("DETACH keys")
        connection.execute("VACUUM")
    return str(schema), int(cases)


def _put_keys_back(connection: sqlite3.Connection) -> None:
    for table in _tables(connection, "keys"):
        named = connection.execute(f'PRAGMA main.table_info("{table}")').fetchall()
        columns = ", ".join(f'"{row[1]}"' for row in named)
        connection.execute(
            f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM keys."{table}"'  # noqa: S608 - our own names
        )
    connection.commit()
    connection.execute("DETACH keys")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise BackupError(f"The two files do not fit together: a row of {broken[0]} has no parent.")


def _tables(connection: sqlite3.Connection, where: str) -> list[str]:
    query = f"SELECT name FROM {where}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"  # noqa: S608
    return sorted(row[0] for row in connection.execute(query))


def _destroyed_in(database: Path) -> Destroyed:
    with _opened(database, readonly=True) as connection:
        return destroyed_of(connection.execute(OF_CASES), connection.execute(OF_MAILS))


def _empty_log(database: Path) -> None:
    """What is committed and stands in the log alone goes into the file."""
    with _opened(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _remove_logs(database: Path) -> None:
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, *, readonly: bool = False) -> Iterator[sqlite3.Connection]:
    uri = f"file:{path}?mode=ro" if readonly else f"file:{path}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
