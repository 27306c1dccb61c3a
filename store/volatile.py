"""File systems that a power cut empties: what lies there is no copy of anything."""

from __future__ import annotations

from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")
_IN_MEMORY = frozenset({"tmpfs", "devtmpfs", "ramfs"})


def lies_in_memory(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Does this folder lie on a file system in memory? Of several mounts in one place the last counts (proc(5))."""
    there, kind = folder.resolve(), ""
    nearest = -1
    for line in mounts.read_text(errors="replace").splitlines():
        _, place, of_kind, *_ = line.split(" ")
        mounted = Path(place.replace("\\040", " "))
        if there.is_relative_to(mounted) and len(mounted.parts) >= nearest:
            nearest, kind = len(mounted.parts), of_kind
    return kind in _IN_MEMORY
