"""A real clamd of the test's own, in the foreground and without privileges, that knows one signature."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.settings import ScannerSettings
from ingest.scanning import NoAnswer, Scanner
from tests.system.waiting import free_port, wait_until

CLAMD = "/usr/sbin/clamd"
BAD = b"violet-marker-7193"
NAME = "Meldpost.Test-Marker"
STREAM_LIMIT = 100_000


@dataclass
class Clamd:
    process: subprocess.Popen[bytes]
    socket: Path
    port: int

    def settings(self, *, tcp: bool = False, **more: object) -> ScannerSettings:
        where = {"host": "127.0.0.1", "port": self.port} if tcp else {"socket": self.socket}
        return ScannerSettings.model_validate({"timeout_seconds": 20, **where, **more})


@contextlib.contextmanager
def running_clamd() -> Iterator[Clamd]:
    if not Path(CLAMD).exists():
        pytest.skip("needs clamd (apt install clamav-daemon)")
    with tempfile.TemporaryDirectory(prefix="clamd-", dir="/dev/shm") as folder:
        base, port = Path(folder), free_port()
        (base / "db").mkdir()
        (base / "db" / "test.ndb").write_text(f"{NAME}:0:*:{BAD.hex()}\n", encoding="ascii")
        config = base / "clamd.conf"
        config.write_text(
            f"LocalSocket {base}/socket\nTCPAddr 127.0.0.1\nTCPSocket {port}\nDatabaseDirectory {base}/db\n"
            f"TemporaryDirectory {base}\nForeground yes\nStreamMaxLength {STREAM_LIMIT}\n",
            encoding="ascii",
        )
        for path in (base, base / "db"):
            path.chmod(0o755)
        user = None
        if os.geteuid() == 0:
            shutil.chown(base, "nobody")
            user = "nobody"
        process = subprocess.Popen(
            [CLAMD, f"--config-file={config}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user
        )
        clamd = Clamd(process, base / "socket", port)
        try:
            wait_until("clamd answers", lambda: _answers(clamd))
            yield clamd
        finally:
            process.kill()
            process.wait()


def _answers(clamd: Clamd) -> bool:
    assert clamd.process.poll() is None, "clamd ended while it started"
    try:
        Scanner(clamd.settings()).ping()
    except NoAnswer:
        return False
    return True
