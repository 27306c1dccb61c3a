"""How fast a busy desk answers: 20 people who are logged in, over HTTP, with the server that `meldpost desk` runs.
`python -m bench.busy_desk [CASES] [SECONDS]`; with 100,000 cases it writes that part of docs/bench.md (`make busy`).

Server and people share the same two cores, in a process each. Everybody asks a page every five seconds on average, by
turns a page of the queue and a case that stood on it. Counted is from when they meant to ask until all of the page is
there: who has to wait for the page before asks the next one late, and that counts as waiting, too.
"""

from __future__ import annotations

import base64
import html
import http.client
import logging
import os
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench import kept
from bench.sections import put
from desk.server import listen, settle
from store import sessions
from store.folding import MOST_CASES
from tests.desk.world import World, coordinator, make_world

CASES = 100_000
SESSIONS = 20
EVERY = 5.0
"""Seconds from one page to the next of one person, on average."""
SECONDS = 300
CORES = 2
AIM = 0.150
TITLE = "Twenty people at work"
_QUEUES = ("/", "/", "/", "/?page=2", "/?page=4", "/?who=nobody", "/?due=overdue", "/?severity=acuut", "/?mail=new")
"""What of the queue is looked at; most of all its first page."""
_CASE = re.compile(r'class="open ref" href="(/cases/[0-9a-f]{32}[^"]*)"')
_PATIENCE = 60.0


@dataclass(frozen=True)
class Busy:
    """Seconds of each page. `cores`: how many both processes had between them."""

    cases: int
    cores: int
    lasted: float
    queue: Sequence[float]
    case: Sequence[float]


def measure(count: int = CASES, seconds: float = SECONDS) -> Busy:
    """In a store that is made where it is not there yet."""
    kept.store_of(count, count - _new(count))
    cores = _share()
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs, count, cores), daemon=True)
    server.start()
    try:
        port, cookies = ours.recv()
        return _asked(port, cookies, count, len(cores), seconds)
    finally:
        ours.send("enough")
        server.join(_PATIENCE)
        server.kill()


def _share() -> set[int]:
    """The cores that this process keeps, and its server gets."""
    cores = set(sorted(os.sched_getaffinity(0))[:CORES])
    os.sched_setaffinity(0, cores)
    return cores


def _new(count: int) -> int:
    """So many cases are not in a segment yet when people log in."""
    return min(MOST_CASES, count // 4)


def _serve(told: Connection, count: int, cores: set[int]) -> None:
    """The desk, once the index is read, with sessions for everybody; until it is told that this is enough."""
    os.sched_setaffinity(0, cores)
    logging.getLogger().setLevel(logging.ERROR)
    prepared = kept.store_of(count, count - _new(count))
    with tempfile.TemporaryDirectory(prefix="meldpost-busy-") as name:
        world = make_world(prepared, Path(name) / "desk")
        coordinator(world)
        world.app.extensions["meldpost-desk"].indexes.wait()
        server: Any = listen(world.app, world.settings)
        settle()
        serving = threading.Thread(target=server.run, daemon=True)
        serving.start()
        told.send((server.effective_port, [_session(world) for _ in range(SESSIONS)]))
        told.recv()
        server.task_dispatcher.shutdown()
        server.close()
        serving.join(_PATIENCE)
        world.close()


def _session(world: World) -> str:
    """The cookie of a log-in."""
    with world.database.begin() as transaction:
        secret = sessions.start(transaction, world.ring, world.clock.now)
    return f"__Host-desk={base64.urlsafe_b64encode(secret).decode()}"


def _asked(port: int, cookies: Sequence[str], count: int, cores: int, seconds: float) -> Busy:
    """Let everybody work for so long."""
    people = [_Person(number, port, cookie) for number, cookie in enumerate(cookies)]
    for person in people:
        person.warm_up()
    began = time.monotonic()
    working = [threading.Thread(target=person.work, args=(began, seconds)) for person in people]
    for each in working:
        each.start()
    for each in working:
        each.join()
    failed = [person.failure for person in people if person.failure]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(people)} people were not answered: {failed[0]}")
    queue, case = ([took for person in people for took in person.took[kind]] for kind in ("queue", "case"))
    return Busy(count, cores, time.monotonic() - began, queue, case)


class _Person:
    """Somebody at work, with a connection of their own, as a browser keeps one."""

    def __init__(self, number: int, port: int, cookie: str) -> None:
        self.took: dict[str, list[float]] = {"queue": [], "case": []}
        self.failure = ""
        self._chosen = random.Random(number)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        self._head = {"Cookie": cookie, "Accept-Language": "nl", "Accept-Encoding": "gzip"}
        self._cases: list[str] = []

    def warm_up(self) -> None:
        """The first page of a visit, and a case: not counted."""
        self._look("/")
        self._look(self._chosen.choice(self._cases))

    def work(self, began: float, seconds: float) -> None:
        """Ask page after page, for so long."""
        try:
            for meant, (kind, path) in zip(self._times(began, seconds), self._paths(), strict=False):
                time.sleep(max(0.0, meant - time.monotonic()))
                self._look(path)
                self.took[kind].append(time.monotonic() - meant)
        except (OSError, http.client.HTTPException, AssertionError) as error:
            self.failure = repr(error)

    def _times(self, began: float, seconds: float) -> Iterator[float]:
        """When they mean to ask: at any moment, as people do."""
        meant = began + self._chosen.expovariate(1 / EVERY)
        while meant < began + seconds:
            yield meant
            meant += self._chosen.expovariate(1 / EVERY)

    def _paths(self) -> Iterator[tuple[str, str]]:
        while True:
            yield "queue", self._chosen.choice(_QUEUES)
            yield "case", self._chosen.choice(self._cases)

    def _look(self, path: str) -> None:
        self._connection.request("GET", path, headers=self._head)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == http.client.OK, f"{path}: {answer.status}"
        self._cases = cases_on(body.decode()) or self._cases


def cases_on(page: str) -> list[str]:
    """The addresses of the cases that a page of the queue leads to."""
    return [html.unescape(each) for each in _CASE.findall(page)]


def section(found: Busy) -> str:
    """What the page says of it."""

    def line(name: str, seconds: Sequence[float]) -> str:
        three = statistics.median(seconds), _late(seconds), max(seconds)
        return f"| {name} | {len(seconds)} | " + " | ".join(f"{1e3 * each:.0f} ms" for each in three) + " |"

    kept_aim = "kept" if max(_late(found.queue), _late(found.case)) < AIM else "missed"
    return f"""## {TITLE}

{SESSIONS} sessions at a desk of **{found.cases:,} cases**, each asking a page every {EVERY:.0f} s on average, for
{found.lasted:.0f} s; people and server on the same {found.cores} cores.

| page | asked | median | 95th percentile | worst |
| --- | --- | --- | --- | --- |
{line("queue, its first page and others, with filters and without", found.queue)}
{line("a case", found.case)}

The aim, {1e3 * AIM:.0f} ms at the 95th percentile of both, is **{kept_aim}**. By the clock, from when somebody meant
to ask until the last byte is there: over HTTP, by waitress as `meldpost desk` runs it, trail written, on SQLite, once
the search index is read. All sessions are of one member, so that one index serves them; what pages ask by themselves
(styles, news of new mail) is not asked.
"""


def _late(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]


def main() -> None:
    count, seconds, *_ = [
        *(int(word.replace("_", "")) for word in sys.argv[1:]),
        *(CASES, SECONDS)[len(sys.argv) - 1 :],
    ]
    told = section(measure(count, seconds))
    if count >= CASES:
        put(told)
    else:
        print(told)


if __name__ == "__main__":
    main()
