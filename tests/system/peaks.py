"""How much memory each process of a program took at most, by the kernel's own account (`VmHWM` of proc(5))."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SECONDS = 0.01
"""Between two looks. The high-water mark of a process only grows, so that a look at its end tells all but the last."""


class Peaks:
    """Watches all processes of one group; `bytes` has the most that each took, by its id, and `names` its command."""

    def __init__(self, group: int) -> None:
        self._group = group
        self.bytes: dict[int, int] = {}
        self.names: dict[int, str] = {}

    @contextmanager
    def watching(self) -> Iterator[Peaks]:
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        watcher.start()
        try:
            yield self
        finally:
            ended.set()
            watcher.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_SECONDS):
            self.look()

    def look(self) -> None:
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with suppress(OSError, IndexError, ValueError):  # it ended meanwhile
                    self._look_at(folder)

    def _look_at(self, process: Path) -> None:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        if int(fields[2]) != self._group:
            return
        marks = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        if "VmHWM" not in marks:  # a zombie
            return
        pid = int(process.name)
        self.bytes[pid] = int(marks["VmHWM"].split()[0]) * 1024
        self.names.setdefault(pid, (process / "cmdline").read_text().replace("\0", " ")[:600])
