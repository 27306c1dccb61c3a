"""Tries from inside what a hostile mail would try, and says what it got. Runs in a nursery's child."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable

from ingest.nursery_parent import Job


def serve(job: Job) -> None:
    job.reply.sendall(json.dumps(attempts()).encode())


def attempts() -> dict[str, bool]:
    """What was tried from where this is called, and whether it went."""
    return {name: _succeeds(attempt) for name, attempt in _ATTEMPTS.items()}


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _read_a_file() -> None:
    os.close(os.open("/proc/self/status", os.O_RDONLY))


def _list_files() -> None:
    if not os.listdir("/"):  # noqa: PTH208 - the one call, nothing around it
        raise OSError("empty")


def _use_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", 9))


def _signal_the_parent() -> None:
    os.kill(os.getppid(), 0)


def _start_a_process() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


_ATTEMPTS: dict[str, Callable[[], object]] = {
    "read a file": _read_a_file,
    "list files": _list_files,
    "use the network": _use_the_network,
    "signal its parent": _signal_the_parent,
    "start a process": _start_a_process,
}
