"""Disks of a test's own: one small enough to be filled, and one that a power cut leaves as it is."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_MKFS = "/usr/sbin/mkfs.ext4"


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """In memory."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs"):
        yield folder


@contextlib.contextmanager
def other_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """With a file system that lasts, in a file beside the folder."""
    if not Path(_MKFS).exists():
        pytest.skip(f"NOT RUN: this test makes a file system with {_MKFS}, which is not there")
    image = folder.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run([_MKFS, "-q", str(image)], check=True)
    with _mounted(folder, "-o", "loop", str(image)):
        yield folder


@contextlib.contextmanager
def _mounted(folder: Path, *what: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", *what, str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("NOT RUN: this test mounts a disk of its own, which takes root and the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(os.urandom(4096))
