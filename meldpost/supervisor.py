"""Has work done again and again, each time in a short-lived process of its own, and never lets one hang the others.

Who wants work done says so by `wake`; the supervisor starts it at once, or when the running one of its kind is done, or
when the pause after a failure is over. A worker that shows no sign of life for its `patience` is killed. The supervisor
knows nothing of what the work is, and never reads more of a worker's report than a few numbers and names.
"""

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

log = logging.getLogger(__name__)

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
REPORT_LIMIT = 4096
"""Bytes of one report; a longer one is no report."""


@dataclass(frozen=True)
class Work:
    """One kind of work. `target` gets a `Connection` for its reports, then `arguments`, in the new process.

    Work with `listeners` is also wanted when somebody connects to one of these; `target` gets them after `arguments`,
    and accepts. The supervisor itself never does.
    """

    name: str
    target: Callable[..., None]
    arguments: tuple[Any, ...]
    patience: float
    listeners: tuple[socket.socket, ...] = ()


@dataclass(frozen=True)
class Report:
    """What a worker says: `done` at its end, before that that it lives. It may ask to be run `again`, or for others.

    `count` says how much was done; `well` is false where something was left undone that a person should hear of.
    `pause` is how many seconds it is to be left alone, whoever wants it.
    """

    done: bool
    again: bool = False
    wake: tuple[str, ...] = ()
    count: int = 0
    well: bool = True
    pause: float = 0.0

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, encoded: bytes) -> "Report":
        """Raises ValueError unless it is a report."""
        match json.loads(encoded):
            case {
                "done": bool(done),
                "again": bool(again),
                "wake": list(names),
                "count": int(count),
                "well": bool(well),
                "pause": float(pause),
            } if all(isinstance(name, str) for name in names):
                return cls(done, again, tuple(names), count, well, pause)
        raise ValueError("a worker's report is malformed")


@dataclass
class _Running:
    process: ForkServerProcess
    reports: Connection
    last_sign: float
    speaks: bool = True
    report: Report | None = None


@dataclass
class _Kind:
    work: Work
    wanted: bool = False
    not_before: float = 0.0
    failures: int = 0
    running: _Running | None = None
    count: int = 0
    well: bool = True


class Supervisor:
    """Runs the works that were given, from one thread. `wake` and `stop` may be called from any thread or signal."""

    def __init__(
        self, works: Iterable[Work], context: ForkServerContext, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kinds: Mapping[str, _Kind] = {work.name: _Kind(work) for work in works}
        self._context = context
        self._clock = clock
        self._stopping = False
        self._once = False
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        os.set_blocking(self._woken, False)

    def wake(self, name: str) -> None:
        """Have this work done soon."""
        self._kinds[name].wanted = True
        self._stir()

    def stop(self) -> None:
        """End `run`. What works now is asked to end."""
        self._stopping = True
        self._stir()

    @property
    def failed(self) -> bool:
        """Did the last run of any work fail, or leave something undone?"""
        return any(kind.failures or not kind.well for kind in self._kinds.values())

    def outcome(self, names: Iterable[str]) -> tuple[int, int]:
        """How much these works did in all, and how many of them failed or left something undone."""
        kinds = [self._kinds[name] for name in names]
        return sum(kind.count for kind in kinds), sum(bool(kind.failures or not kind.well) for kind in kinds)

    def run(self, each_turn: Callable[[], None] = lambda: None, *, until_idle: bool = False) -> None:
        """Work until stopped, or with `until_idle` until nothing is wanted any more (a failure is not tried again)."""
        self._once = until_idle
        while not self._stopping:
            each_turn()
            now = self._clock()
            for kind in self._kinds.values():
                self._attend(kind, now)
            if until_idle and self._idle():
                return
            self._sleep(self._next_event(now))

    def end_workers(self, seconds: float) -> None:
        """Ask all workers to end, and kill those that still work after so many seconds."""
        running = [kind.running for kind in self._kinds.values() if kind.running is not None]
        for worker in running:
            worker.process.terminate()
        deadline = time.monotonic() + seconds
        for worker in running:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.reports.close()
        for kind in self._kinds.values():
            kind.running = None

    def last_work(self, name: str, seconds: float) -> None:
        """Have this work done once more, when all others have ended, in so many seconds at most."""
        kind = self._kinds[name]
        self._start(kind, self._clock())
        if kind.running is not None:
            kind.running.process.join(seconds)
            self.end_workers(0)

    def _attend(self, kind: _Kind, now: float) -> None:
        if kind.running is not None:
            self._look_after(kind, kind.running, now)
        if kind.running is None and kind.wanted and now >= kind.not_before and not (self._once and kind.failures):
            self._start(kind, now)

    def _start(self, kind: _Kind, now: float) -> None:
        kind.wanted = False
        ours, theirs = self._context.Pipe(duplex=False)
        args = (theirs, *kind.work.arguments, *([kind.work.listeners] if kind.work.listeners else []))
        process = self._context.Process(target=kind.work.target, args=args, name=kind.work.name, daemon=True)
        try:
            process.start()
        except (OSError, EOFError) as error:  # no memory, no processes left, or the fork server died
            ours.close()
            kind.wanted = True
            self._failed(kind, now, f"cannot be started ({type(error).__name__})")
            return
        finally:
            theirs.close()
        kind.running = _Running(process, ours, now)

    def _look_after(self, kind: _Kind, worker: _Running, now: float) -> None:
        self._read(worker, now)
        if not worker.process.is_alive():
            self._read(worker, now)  # what it said between the two looks
            self._finish(kind, worker, now)
        elif now - worker.last_sign > kind.work.patience:
            worker.process.kill()
            worker.process.join()
            worker.report = None
            log.error("%s: no sign of life for %.0f s; killed", kind.work.name, kind.work.patience)
            self._finish(kind, worker, now)

    def _read(self, worker: _Running, now: float) -> None:
        try:
            while worker.reports.poll():
                report = Report.from_bytes(worker.reports.recv_bytes(REPORT_LIMIT))
                worker.last_sign = now
                if report.done:
                    worker.report = report
                for name in report.wake:
                    if name in self._kinds:
                        self._kinds[name].wanted = True
        except (EOFError, OSError, ValueError):
            worker.speaks = False

    def _finish(self, kind: _Kind, worker: _Running, now: float) -> None:
        code = worker.process.exitcode
        worker.reports.close()
        worker.process.close()
        kind.running = None
        report = worker.report
        if report is None or code != 0:
            kind.wanted = True
            self._failed(kind, now, "failed" if code is None or code >= 0 else f"was ended by signal {-code}")
            return
        if kind.failures and not report.pause:
            log.info("%s: works again", kind.work.name)
        kind.failures = 0
        kind.not_before = now + report.pause
        kind.count += report.count
        kind.well = report.well
        kind.wanted = kind.wanted or report.again

    def _failed(self, kind: _Kind, now: float, how: str) -> None:
        kind.failures += 1
        pause = min(FIRST_PAUSE * 2 ** (kind.failures - 1), LONGEST_PAUSE)
        kind.not_before = now + pause
        if self._once:
            log.warning("%s %s", kind.work.name, how)
        else:
            log.warning("%s %s, %d in a row; next try in %.0f s", kind.work.name, how, kind.failures, pause)

    def _idle(self) -> bool:
        return all(kind.running is None and (not kind.wanted or kind.failures) for kind in self._kinds.values())

    def _next_event(self, now: float) -> float:
        moments = [now + 1.0]
        for kind in self._kinds.values():
            if kind.running is not None:
                moments.append(kind.running.last_sign + kind.work.patience)
            elif kind.wanted:
                moments.append(kind.not_before)
        return max(0.0, min(moments) - now)

    def _sleep(self, seconds: float) -> None:
        waiting: list[Any] = [self._woken]
        listeners: dict[socket.socket, _Kind] = {}
        for kind in self._kinds.values():
            if kind.running is not None:
                waiting.append(kind.running.process.sentinel)
                waiting += [kind.running.reports] if kind.running.speaks else []
            elif not kind.wanted:
                listeners |= dict.fromkeys(kind.work.listeners, kind)
        for ready in wait([*waiting, *listeners], seconds):
            if ready in listeners:
                listeners[ready].wanted = True
        try:
            while os.read(self._woken, 512):
                pass
        except BlockingIOError:
            return

    def _stir(self) -> None:
        try:
            os.write(self._waker, b"!")
        except BlockingIOError:
            return  # it is awake already
