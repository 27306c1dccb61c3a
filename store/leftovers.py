"""What a backup that was killed leaves in the folder: keys that no time would ever be over for."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WORK = ".backup-"
KEYS, MANIFEST = ".keys", ".manifest"
_CHUNK = 1024 * 1024
_MAGICS = (b"SQLite format 3\0", b"PGDMP")


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A folder of this backup's own, gone with all in it whatever happens but a kill. Held, so that no other takes it
    for left over."""
    work = Path(tempfile.mkdtemp(dir=folder, prefix=WORK))
    descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(descriptor)


def left_in(folder: Path) -> list[Path]:
    """Folders of backups that nobody works in any more."""
    return [work for work in sorted(folder.glob(f"{WORK}*")) if work.is_dir() and not _is_held(work)]


def without_manifest(folder: Path) -> list[Path]:
    """Key files of ours whose backup has no manifest: it was killed, or somebody took that away."""
    found = [path for path in sorted(folder.glob(f"*{KEYS}")) if _is_ours(path)]
    if any(_is_held(work) for work in folder.glob(f"{WORK}*")):
        return []  # one is being put where it belongs
    return [path for path in found if path.exists() and not path.with_suffix(MANIFEST).exists()]


def sweep(folder: Path) -> list[Path]:
    """Remove what nobody works in any more; gives it."""
    found = left_in(folder)
    for work in found:
        for path in work.iterdir():
            if path.is_file():
                overwrite(path)
        shutil.rmtree(work)
    return found


def overwrite(path: Path) -> None:
    """With zeros, where it lies. What that cannot promise: docs/decisions/, on emptying a database."""
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            left -= file.write(bytes(min(left, _CHUNK)))
        file.flush()
        os.fsync(file.fileno())


def _is_held(work: Path) -> bool:
    try:
        descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False  # it went meanwhile
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16).startswith(_MAGICS)
