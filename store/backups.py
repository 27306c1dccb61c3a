"""Backups: two files and a manifest, made while everything runs, read back before they count.

Content and keys lie in a file each (`store/copies.py`). So when key files are removed after a while, a case that was
destroyed is gone for good, whatever content files are kept.

A restore destroys again what was destroyed since: by the list that lies beside the backups
(`store/destroyed_list.py`), and by the database that it replaces. Mail that waited to go out waits for a person's word,
since it may have gone.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from config.faults import fault
from store import destroyed_list, manifests
from store.copies import BackupError, Copies
from store.leftovers import overwrite, sweep, without_manifest, workplace
from store.lookups import IndexKey
from store.manifests import Manifest, Part
from store.postgresql_copies import PostgresqlCopies
from store.schema import Backup, new_id
from store.sqlite_copies import SqliteCopies

CONTENT, KEYS, MANIFEST = ".content", ".keys", ".manifest"

_CHUNK = 1024 * 1024


def copies_of(url: str) -> Copies:
    """How the database at this URL is copied. On PostgreSQL it is that of the owner of the tables."""
    file = url.removeprefix("sqlite:///")
    return PostgresqlCopies(url) if file == url else SqliteCopies(Path(file))


@dataclass(frozen=True)
class Written:
    """`refused_list`: where a list of what was destroyed lies now, some lines of which do not count."""

    manifest: Manifest
    refused_list: Path | None


def make(
    database: Copies,
    target: Path,
    index_of: Mapping[str, IndexKey],
    now: datetime,
    pins: Mapping[str, Mapping[str, str]] | None = None,
) -> Written:
    """Write `target`.content, .keys and .manifest, each whole or not at all, and check them. Raises BackupError."""
    for suffix in (CONTENT, KEYS, MANIFEST):
        if _file(target, suffix).exists():
            raise BackupError(f"{_file(target, suffix)} is there already: give each backup a name of its own.")
    with _full_disks_told(), workplace(target.parent) as work:
        sweep(target.parent)
        content, keys, written = (work / name for name in ("content", "keys", "manifest"))
        for path in (content, keys, written):
            path.touch(0o600)
        taken = database.take(content, keys)
        manifest = Manifest(
            made_at=now.astimezone(UTC).isoformat(),
            schema=taken.schema,
            cases=taken.cases,
            content=_part(target.name + CONTENT, content),
            keys=_part(target.name + KEYS, keys),
            proofs={},
            pins=pins or {},
        )
        proofs = {desk: index.backup(manifest.stated()).hex() for desk, index in index_of.items()}
        manifest = replace(manifest, proofs=proofs)
        written.write_text(manifest.written())
        aside = destroyed_list.write(target.parent, index_of, taken.destroyed, now)
        for made, suffix in ((content, CONTENT), (keys, KEYS), (written, MANIFEST)):
            _flush(made)
            fault("before-backup-file")
            made.rename(_file(target, suffix))
        _flush(target.parent)
    return Written(check(database, target, index_of), aside)


def check(database: Copies, target: Path, index_of: Mapping[str, IndexKey]) -> Manifest:
    """Prove that a backup is whole and ours; nothing is written. Raises BackupError."""
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
        database.prove(path)
    return manifest


def files_of(target: Path) -> tuple[Path, Path]:
    """Where content and keys of a backup lie."""
    return _file(target, CONTENT), _file(target, KEYS)


def restore(database: Copies, target: Path, index_of: Mapping[str, IndexKey]) -> str:
    """Put content and keys together beside the database; gives the URL of that. Raises BackupError."""
    check(database, target, index_of)
    with _full_disks_told():
        return database.put_together(_file(target, CONTENT), _file(target, KEYS))


def note(session: Session, begun_at: datetime) -> None:
    """A backup that was checked, and lies on another disk: mails that were taken in before it was begun need lie on no
    mail server any more. `begun_at` is of the database's clock."""
    session.execute(delete(Backup))
    session.add(Backup(id=new_id(), made_at=begun_at))


@dataclass(frozen=True)
class Expired:
    """`removed`: key files. `unread`: why no time is known of others, whose manifest is none."""

    removed: tuple[Path, ...]
    unread: tuple[str, ...]


def expire(folder: Path, days: int, now: datetime) -> Expired:
    """Remove the key files of backups that were made so many days ago, or before. Other files stay.

    By the day, not the hour: so what is destroyed on a day is gone so many days later, when a backup was made that day.
    """
    removed, unread, last = [], [], (now.astimezone(UTC) - timedelta(days=days)).date()
    for manifest_file in sorted(folder.glob(f"*{MANIFEST}")):
        target = manifest_file.with_name(manifest_file.name.removesuffix(MANIFEST))
        keys = _file(target, KEYS)
        try:
            made_at = datetime.fromisoformat(_read_manifest(target).made_at)
        except BackupError as error:
            unread.append(str(error))
            continue
        if keys.exists() and made_at.astimezone(UTC).date() <= last:
            overwrite(keys)
            keys.unlink()
            removed.append(keys)
    for keys in without_manifest(folder):
        if datetime.fromtimestamp(keys.stat().st_mtime, UTC).date() <= last:
            overwrite(keys)
            keys.unlink()
            removed.append(keys)
    return Expired(tuple(removed), tuple(unread))


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
    return manifests.read(_file(target, MANIFEST))


def _file(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
