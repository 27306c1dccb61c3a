"""The asking side of a nursery: start one, hand it jobs, get a line to each child.

    nursery = Nursery.start(Nursing("ingest.reader"))
    with nursery.job(fd, size) as line: ...      # line.socket answers; left with an error, the child is killed
    nursery.close()

A Nursery can be handed to another process (pickled by multiprocessing): it is then only its socket. The nursery's
process ends when the last holder of that socket is gone, however that went.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ingest.errors import NotIsolated, NurseryGone
from ingest.isolation import LIMITS_ONLY, Layer, ProcessLimits
from ingest.nursery_parent import LARGEST_MESSAGE

# Isolated mode ignores the environment and the working directory: where the packages are is said on the command line.
_BOOT = (
    "import os, sys, json; wanted = json.loads(sys.argv[1]); sys.path[:] = wanted['path'];"
    "from ingest.nursery_parent import main; main(int(sys.argv[2]))"
)
# One thread each: a fork copies only one. Huge pages: a fork copies an entry for each page, and a parent that holds
# models has thousands of small ones (a fifth of what a reader costs).
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Nursing:
    """What a nursery is for. `entry` is a module with `serve(job)` and, if it likes, `prepare(argument) -> state`, run
    once in the parent. `layers` None means the strongest that the kernel grants, and no start without isolation."""

    entry: str
    argument: str | None = None
    limits: ProcessLimits = field(default_factory=ProcessLimits)
    layers: Layer | None = None
    path: tuple[str, ...] = ()
    inherited: tuple[int, ...] = ()
    """Descriptors that `prepare` may read from; the children have none of them."""


def layers_for(isolation: str) -> Layer | None:
    """The layers that the setting `isolation` asks for."""
    return LIMITS_ONLY if isolation == "limits-only" else None


@dataclass(frozen=True)
class Line:
    """A connection to one child, which has to answer before `deadline` (monotonic)."""

    socket: socket.socket
    deadline: float

    def receive(self, size: int) -> bytes:
        """At most `size` bytes, b"" when the child is gone. Raises TimeoutError at the deadline, however bytes drip."""
        self._bound()
        return self.socket.recv(size)

    def send(self, data: bytes) -> None:
        self._bound()
        self.socket.sendall(data)

    def _bound(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)


class Nursery:
    def __init__(self, control: socket.socket, layers: Layer, limits: ProcessLimits) -> None:
        self.layers = layers
        self.limits = limits
        self._control = control
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, nursing: Nursing) -> Nursery:
        """Start the process and wait until it is ready. Raises NotIsolated, or NurseryGone with what went wrong."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = _spawn(nursing, theirs)
        try:
            layers = _wait_until_ready(ours)
        except BaseException:
            ours.close()
            process.kill()
            process.wait()
            raise
        nursery = cls(ours, layers, nursing.limits)
        nursery._process = process
        return nursery

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @contextmanager
    def job(self, descriptor: int | None = None, size: int = 0, seconds: float | None = None) -> Iterator[Line]:
        """A new child, and the line to it. It is killed when the block is left by an error."""
        identity = os.urandom(8).hex()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours:
            with theirs:
                descriptors = [theirs.fileno()] + ([descriptor] if descriptor is not None else [])
                self._tell({"do": "start", "id": identity, "size": size}, descriptors)
            limit = self.limits.wall_seconds if seconds is None else seconds
            try:
                yield Line(ours, time.monotonic() + limit)
            except BaseException:
                self.kill(identity)
                raise

    def kill(self, identity: str) -> None:
        try:
            self._tell({"do": "kill", "id": identity}, [])
        except NurseryGone:
            return  # then its children are gone too

    def is_running(self) -> bool:
        """For the process that started it; another can only try."""
        return self._process is None or self._process.poll() is None

    def close(self) -> None:
        self._control.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_process": None}

    def _tell(self, message: dict[str, Any], descriptors: list[int]) -> None:
        data = json.dumps(message).encode()
        if len(data) > LARGEST_MESSAGE:
            raise ValueError("message to the nursery too large")
        try:
            socket.send_fds(self._control, [data], descriptors)
        except OSError as error:
            raise NurseryGone("The nursery has ended; it has to be started anew.") from error


def _spawn(nursing: Nursing, control: socket.socket) -> subprocess.Popen[bytes]:
    here = str(Path(__file__).resolve().parent.parent)
    wanted = {
        "entry": nursing.entry,
        "argument": nursing.argument,
        "limits": asdict(nursing.limits),
        "layers": None if nursing.layers is None else nursing.layers.value,
        "path": [here, *nursing.path, *(entry for entry in sys.path if entry)],
    }
    environment = dict(_ENVIRONMENT)
    if "LD_LIBRARY_PATH" in os.environ:  # some Pythons do not start without
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return subprocess.Popen(  # noqa: S603 - our own interpreter, nothing from outside
        [sys.executable, "-I", "-X", "utf8", "-c", _BOOT, json.dumps(wanted), str(control.fileno())],
        env=environment,
        pass_fds=(control.fileno(), *nursing.inherited),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )


def _wait_until_ready(control: socket.socket) -> Layer:
    control.settimeout(_START_SECONDS)
    try:
        answer = json.loads(control.recv(LARGEST_MESSAGE) or b'{"error": "it ended while starting"}')
    except TimeoutError:
        answer = {"error": "it did not get ready in time"}
    finally:
        control.settimeout(None)
    if "error" in answer:
        if answer["error"].startswith("NotIsolated"):
            raise NotIsolated(
                f"The kernel does not let mail be read in isolation ({answer['error']}). Allow unprivileged user "
                'namespaces or Landlock, or set isolation = "limits-only".'
            )
        raise NurseryGone(f"The nursery did not start: {answer['error']}")
    return Layer(answer["layers"])
