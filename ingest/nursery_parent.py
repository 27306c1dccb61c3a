"""The nursery's own process: forks a child per job, reaps it, kills it in time, and ends when nobody holds its socket.

Started by exec with an empty environment and no descriptors but the control socket, so it has never held a secret, and
it never reads a byte of a job: it passes descriptors on. Single-threaded; all that a child needs is imported here.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ingest import isolation
from ingest.errors import NotIsolated
from ingest.isolation import Layer, ProcessLimits

LARGEST_MESSAGE = 4096
_MOST_CHILDREN = 32
_MOST_DESCRIPTORS = 1024
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Job:
    """What a child gets: the socket to answer on, the descriptor that came along (if any), and what `prepare` made."""

    reply: socket.socket
    descriptor: int | None
    size: int
    state: object


@dataclass
class _Nursery:
    control: socket.socket
    serve: Callable[[Job], None]
    state: object
    layers: Layer
    limits: ProcessLimits
    pid: int = field(default_factory=os.getpid)
    children: dict[int, tuple[str, float]] = field(default_factory=dict)

    def run(self) -> None:
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            poller = select.poll()
            poller.register(wake_read, select.POLLIN)
            if len(self.children) < _MOST_CHILDREN:
                poller.register(self.control, select.POLLIN)
            ready = {fd for fd, _ in poller.poll(self._milliseconds_to_next_deadline())}
            if wake_read in ready:
                os.read(wake_read, 4096)
            self._reap()
            self._kill_late()
            if self.control.fileno() in ready and not self._next_message():
                return

    def kill_all(self) -> None:
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)

    def _next_message(self) -> bool:
        """Obey one message; False when no asker is left (an empty message is the end of the line)."""
        data, descriptors, _, _ = socket.recv_fds(self.control, LARGEST_MESSAGE, 2)
        try:
            if not data:
                return False
            message = json.loads(data)
            if message["do"] == "kill":
                self._kill(message["id"])
            elif message["do"] == "start" and descriptors:
                self._start(message, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _start(self, message: dict[str, Any], descriptors: list[int]) -> None:
        try:
            pid = os.fork()
        except OSError:  # no memory or processes left: the asker sees its line close, and the nursery lives on
            return
        if pid == 0:
            status = 1
            try:
                self._be_child(message, descriptors)
                status = 0
            finally:
                os._exit(status)  # no clean-up of ours, no traceback that could show a mail
        self.children[pid] = (message["id"], time.monotonic() + self.limits.wall_seconds + _GRACE_SECONDS)

    def _be_child(self, message: dict[str, Any], descriptors: list[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        close_all_but({0, 1, 2, *descriptors})
        reply = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, descriptors[0])
        isolation.enter(self.layers, self.limits)
        if os.getppid() != self.pid:  # it died before the kernel was told to end us with it
            return
        self.serve(Job(reply, descriptors[1] if len(descriptors) > 1 else None, int(message["size"]), self.state))

    def _reap(self) -> None:
        while self.children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self.children.pop(pid, None)

    def _kill(self, identity: str) -> None:
        for pid, (name, _) in self.children.items():
            if name == identity:
                os.kill(pid, signal.SIGKILL)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for pid, (_, deadline) in self.children.items():
            if deadline < now:
                os.kill(pid, signal.SIGKILL)

    def _milliseconds_to_next_deadline(self) -> int | None:
        if not self.children:
            return None
        nearest = min(deadline for _, deadline in self.children.values())
        return max(10, int((nearest - time.monotonic()) * 1000) + 10)


def close_all_but(kept: set[int]) -> None:
    low = 0
    for high in (*sorted(kept), _MOST_DESCRIPTORS):
        if low < high:  # closerange(0, 0) closes everything
            os.closerange(low, high)
        low = high + 1


def main(control_descriptor: int) -> None:
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, control_descriptor)
    control.set_inheritable(False)
    try:
        nursery = _set_up(control, json.loads(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 - no mail was near: the starter gets to know what is wrong, whatever it is
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]}).encode())
        return
    control.send(json.dumps({"layers": nursery.layers.value}).encode())
    try:
        nursery.run()
    finally:
        nursery.kill_all()


def _set_up(control: socket.socket, wanted: dict[str, Any]) -> _Nursery:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_DESCRIPTORS, _MOST_DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A service manager signals the whole group while the daemon still waits for readers. We end when it lets go of us.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    limits = ProcessLimits(**wanted["limits"])
    module = importlib.import_module(wanted["entry"])
    prepare = getattr(module, "prepare", None)
    state = prepare(wanted["argument"]) if prepare else None
    layers = Layer(wanted["layers"]) if wanted["layers"] is not None else _strongest(limits)
    gc.collect()
    gc.freeze()  # children would copy every page that their collector touches
    gc.disable()
    return _Nursery(control, module.serve, state, layers, limits)


def _strongest(limits: ProcessLimits) -> Layer:
    """The first set of layers that this kernel grants, found by trying in a child."""
    reason = ""
    for layers in isolation.STRONGEST_FIRST:
        reason = _try(layers, limits)
        if not reason:
            return layers
    raise NotIsolated(reason)


def _try(layers: Layer, limits: ProcessLimits) -> str:
    """Enter the layers in a child; "" when it could, else what the kernel said."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            isolation.enter(layers, limits)
            os.write(write, b"\n")
        except Exception as error:  # noqa: BLE001 - said to the parent, which decides
            os.write(write, str(error).encode()[:200] + b"\n")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.readline()
    os.waitpid(pid, 0)
    if not answer:
        return "the child died while it isolated itself"
    return answer.decode("utf-8", "replace").strip()
