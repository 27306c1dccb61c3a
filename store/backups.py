"""Backups of an SQLite database: two files and a manifest, made while everything runs, read back before they count.

The content file holds all that is sealed, and none of the keys; the key file holds whatever opens by a key that lies
elsewhere: sealed and wrapped seeds, and what is sealed to the mailer. A table that nobody sorted goes with the keys. So
when key files are removed after a while, a case that was destroyed is gone for good, whatever content files are kept.

A restore destroys again what was destroyed since: by the list that lies beside the backups, and by the database that it
replaces. Mail that waited to go out waits for a person's word, since it may have gone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.faults import fault
from store.lookups import IndexKey

FORMAT = 1
CONTENT, KEYS, MANIFEST = ".content", ".keys", ".manifest"
DESTROYED = "destroyed.list"
"""Beside the backups: which cases are gone, so that no older backup brings them back."""

OF_CONTENT = frozenset(
    {
        *("alembic_version", "desk", "key_pair", "signing_key", "case_file", "message", "attachment"),
        *(
            "record",
            "record_piece",
            "ledger",
            "mailbox",
            "mailbox_look",
            "mailbox_recheck",
            "lookup",
            "due",
            "mail_cap",
        ),
        *("legal_hold", "destruction", "backup", "audit", "audit_checkpoint", "audit_covered"),
    }
)
LEFT_OUT = frozenset(
    {
        *("session", "held_login", "login_attempt", "mailbox_claim"),  # of the moment
        *("segment", "segment_piece", "segment_case"),  # made anew
    }
)
_CHUNK = 1024 * 1024


class BackupError(Exception):
    """No backup was made, or nothing was restored; the message says why and what to do."""


@dataclass(frozen=True)
class Part:
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup consists of. `proofs` are digests of all else under each desk's index key."""

    made_at: str
    schema: str
    cases: int
    content: Part
    keys: Part
    proofs: Mapping[str, str]
    format: int = FORMAT

    def stated(self) -> bytes:
        """What the proofs are about."""
        told = {name: value for name, value in asdict(self).items() if name != "proofs"}
        return json.dumps(told, sort_keys=True).encode()


def make(database: Path, target: Path, index_of: Mapping[str, IndexKey], now: datetime) -> Manifest:
    """Write `target`.content, .keys and .manifest, each whole or not at all, and check them. Raises BackupError."""
    for suffix in (CONTENT, KEYS, MANIFEST):
        if _file(target, suffix).exists():
            raise BackupError(f"{_file(target, suffix)} is there already: give each backup a name of its own.")
    with _full_disks_told(), _workplace(target.parent) as work:
        content, keys = work / "content", work / "keys"
        for path in (content, keys):
            path.touch(0o600)
        _copy(database, content)
        gone = _destroyed_in(content)
        schema, cases = _take_keys_out(content, keys)
        manifest = Manifest(
            made_at=now.astimezone(UTC).isoformat(),
            schema=schema,
            cases=cases,
            content=_part(target.name + CONTENT, content),
            keys=_part(target.name + KEYS, keys),
            proofs={},
        )
        proofs = {desk: index.backup(manifest.stated()).hex() for desk, index in index_of.items()}
        manifest = Manifest(**{**manifest.__dict__, "proofs": proofs})
        written = work / "manifest"
        written.touch(0o600)
        written.write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n")
        _note_destroyed(target.parent, gone)
        for made, suffix in ((content, CONTENT), (keys, KEYS), (written, MANIFEST)):
            _flush(made)
            fault("before-backup-file")
            made.rename(_file(target, suffix))
        _flush(target.parent)
    return check(target, index_of)


def check(target: Path, index_of: Mapping[str, IndexKey]) -> Manifest:
    """Prove that a backup is whole, is ours, and opens; nothing is written but to a place of its own in memory or the
    system's temporary folder. Raises BackupError."""
    manifest = _read_manifest(target)
    for desk, proof in manifest.proofs.items():
        index = index_of.get(desk)
        if index is not None and not hmac.compare_digest(proof, index.backup(manifest.stated()).hex()):
            raise BackupError(f"{target} was changed since it was made, or is of another installation.")
    if not set(index_of) & set(manifest.proofs):
        raise BackupError(f"{target} is of another installation: none of its desks is in the configuration.")
    for part, suffix in ((manifest.content, CONTENT), (manifest.keys, KEYS)):
        path = _file(target, suffix)
        if not path.exists():
            more = " It was removed when its time was over: what it holds opens nothing." if suffix == KEYS else ""
            raise BackupError(f"{path} is not there.{more}")
        if _part(part.name, path) != part:
            raise BackupError(f"{path} is not as it was when the backup was made: it is damaged, or was changed.")
        with _opened(path, readonly=True) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise BackupError(f"{path} is a damaged database.")
    return manifest


def restore(target: Path, database: Path, index_of: Mapping[str, IndexKey]) -> Path:
    """Put content and keys together in a file beside `database`, and give its path; `put_in_place` does the rest.

    Raises BackupError.
    """
    check(target, index_of)
    fresh = database.with_name(f".{database.name}.restored")
    with _full_disks_told():
        fresh.unlink(missing_ok=True)
        try:
            fresh.touch(0o600)
            shutil.copyfile(_file(target, CONTENT), fresh)
            with _opened(fresh) as connection:
                connection.execute("ATTACH ? AS keys", (os.fspath(_file(target, KEYS)),))
                _put_keys_back(connection)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    return fresh


def _empty_log(database: Path) -> None:
    """What is committed and stands in the log alone goes into the file."""
    with _opened(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


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


def put_in_place(fresh: Path, database: Path, now: datetime) -> Path | None:
    """Make a restored file the database; gives where the one before it lies now, if there was one."""
    aside = None
    _empty_log(fresh)
    if database.exists():
        with suppress(sqlite3.DatabaseError):
            _empty_log(database)
        aside = database.with_name(f"{database.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
        database.rename(aside)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    fresh.rename(database)
    for suffix in ("-wal", "-shm"):
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    _flush(database.parent)
    return aside


def expire(folder: Path, days: int, now: datetime) -> list[Path]:
    """Remove the key files of backups that are older than so many days; gives them. Other files stay."""
    removed = []
    for manifest_file in sorted(folder.glob(f"*{MANIFEST}")):
        target = manifest_file.with_name(manifest_file.name.removesuffix(MANIFEST))
        keys = _file(target, KEYS)
        try:
            made_at = datetime.fromisoformat(_read_manifest(target).made_at)
        except BackupError:
            continue
        if keys.exists() and made_at < now - timedelta(days=days):
            _overwrite(keys)
            keys.unlink()
            removed.append(keys)
    return removed


def destroyed(folder: Path, database: Path) -> dict[str, str]:
    """The cases that no restore may bring back, with the desk of each: by the list beside the backups, and by the
    database that is there now, if it can be read."""
    gone = _listed(folder)
    if database.exists():
        with suppress(sqlite3.DatabaseError):  # what is damaged is why somebody restores
            gone |= _destroyed_in(database)
    return gone


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


def _tables(connection: sqlite3.Connection, where: str) -> list[str]:
    query = f"SELECT name FROM {where}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"  # noqa: S608
    return sorted(row[0] for row in connection.execute(query))


def _destroyed_in(database: Path) -> dict[str, str]:
    with _opened(database, readonly=True) as connection:
        return dict(connection.execute("SELECT case_id, desk FROM destruction").fetchall())


def _listed(folder: Path) -> dict[str, str]:
    path = folder / DESTROYED
    if not path.exists():
        return {}
    lines = (line.split() for line in path.read_text().splitlines())
    return {line[0]: line[1] for line in lines if len(line) == 2}


def _note_destroyed(folder: Path, gone: Mapping[str, str]) -> None:
    known = {**_listed(folder), **gone}
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{DESTROYED}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.writelines(f"{case_id} {desk}\n" for case_id, desk in sorted(known.items()))
            file.flush()
            os.fsync(file.fileno())
        Path(name).rename(folder / DESTROYED)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, *, readonly: bool = False) -> Iterator[sqlite3.Connection]:
    uri = f"file:{path}?mode=ro" if readonly else f"file:{path}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A folder of this backup's own, gone with all in it whatever happens."""
    work = Path(tempfile.mkdtemp(dir=folder, prefix=".backup-"))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _full_disks_told() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        code = getattr(error, "sqlite_errorcode", None)
        full = code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == 28
        why = "its disk is full; make room on it" if full else (getattr(error, "strerror", None) or "it failed")
        raise BackupError(f"Nothing was written: {why}. No half file was left.") from error


def _part(name: str, path: Path) -> Part:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return Part(name, path.stat().st_size, digest.hexdigest())


def _read_manifest(target: Path) -> Manifest:
    path = _file(target, MANIFEST)
    try:
        read: dict[str, Any] = json.loads(path.read_text())
        parts = {name: Part(**read[name]) for name in ("content", "keys")}
        manifest = Manifest(**{**read, **parts})
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}. Without it there is no backup.") from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{path} is no manifest of a backup.") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{path} is of another version of Meldpost.")
    return manifest


def _file(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _overwrite(path: Path) -> None:
    """With zeros, where it lies. What that cannot promise: docs/decisions/, on emptying a database."""
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            left -= file.write(bytes(min(left, _CHUNK)))
        file.flush()
        os.fsync(file.fileno())
