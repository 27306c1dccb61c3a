"""Children that hold what they got and do nothing, or die, or spin: the behaviour is the nursery's argument."""

from __future__ import annotations

import os
import signal
import time

from ingest.nursery_parent import Job


def prepare(behaviour: str | None) -> str:
    return behaviour or ""


def serve(job: Job) -> None:
    behaviour = job.state
    if behaviour == "wait":
        job.reply.sendall(str(os.getpid()).encode() + b"\n")
        job.reply.recv(1)
    elif behaviour == "spin":
        job.reply.sendall(str(os.getpid()).encode() + b"\n")
        while True:
            time.monotonic()
    elif behaviour == "swell":
        hoard = []
        while True:
            hoard.append(bytearray(16 * 1024 * 1024))
    elif behaviour == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "descriptors":
        job.reply.sendall(repr(sorted(_open_descriptors())).encode() + b"\n")


def _open_descriptors() -> list[int]:
    found = []
    for descriptor in range(1024):
        try:
            os.fstat(descriptor)
        except OSError:
            continue
        found.append(descriptor)
    return found
