"""`meldpost run`: takes mail in, sends mail out, and minds what is due, until it is told to stop.

APScheduler says when something is to be looked at, IDLE says when mail has come; the supervisor has it done. Nothing
here remembers what must not be forgotten: all of that stands in the database and on the mail server.
"""

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from types import FrameType
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from config.settings import MailboxSettings, MaildirSettings, Settings
from ingest.nurseries import keep_running, nurseries
from ingest.readers import Readers
from ingest.sources.idle import watch, watched_folders
from ingest.sources.maildir import watch as watch_maildir
from ingest.understanding import Understanders
from meldpost import hygiene, work
from meldpost.listening import listen
from meldpost.startup import refuse_unless_ready
from meldpost.supervisor import Supervisor, Work

log = logging.getLogger(__name__)

DELIVERY_SECONDS = 10
SESSIONS_SECONDS = 60
SILENCE_SECONDS = 3600
FIRST_SILENCE_SECONDS = 900
"""Time enough for a first round, also where the daemon stood still for days."""

TRAIL_SECONDS = 60
TIDY_SECONDS = 3600
DESTRUCTION_SECONDS = 3600
"""A large database takes its time to be written anew."""

HEARTBEAT_SECONDS = 10
STAGGER_SECONDS = 2
"""Mailboxes are first looked at one after the other: many log-ins at once are refused by some servers."""

DISK_SECONDS = 60
"""How long a Maildir may take to answer; a network's file system may be slow."""

STOP_SECONDS = 2.5
LAST_CHECKPOINT_SECONDS = 1.0
LAST_RESORT_SECONDS = 4.0


def run(settings: Settings, config: Path, *, once: bool = False) -> bool:
    """Run until SIGTERM or SIGINT; with `once` until all mail there is has been taken in and sent. Did all go well?

    Raises NotReady, NotIsolated, NurseryGone, ConfigError.
    """
    hygiene.no_core_dumps()
    with ExitStack() as stack:
        ending = stack.enter_context(_Ending())
        listeners = () if once else listen(settings.lmtp)
        for listener in listeners:
            stack.callback(listener.close)
        context = fork_server()
        refuse_unless_ready(settings)
        readers, understanders = stack.enter_context(nurseries(settings))
        works = list(works_of(settings, config, readers, understanders))
        works += [_lmtp(settings, config, readers, understanders, listeners)] if listeners else []
        supervisor = Supervisor(works, context)
        stack.callback(supervisor.end_workers, STOP_SECONDS)
        ending.by(supervisor.stop)
        if once:
            return _once(supervisor, settings)
        ticker = Ticker(settings, supervisor.wake)
        stack.callback(ticker.stop)
        _start_watchers(settings, supervisor.wake, stack)
        ticker.start()
        log.info("started: %d mailboxes, %d desks", len(settings.mailboxes), len(settings.desks))

        def look_after() -> None:
            ticker.look_after()
            keep_running(readers, understanders)

        supervisor.run(look_after)
        log.info("stopping")
        supervisor.end_workers(STOP_SECONDS)
        supervisor.last_work(work.TRAIL, LAST_CHECKPOINT_SECONDS)
    return True


def _once(supervisor: Supervisor, settings: Settings) -> bool:
    looked_at = [work.round_of(account) for account in _looked_into(settings)]
    for name in looked_at:
        supervisor.wake(name)
    supervisor.run(until_idle=True)
    supervisor.wake(work.DELIVERY)
    supervisor.run(until_idle=True)
    supervisor.wake(work.TRAIL)
    supervisor.run(until_idle=True)
    taken, troubled = supervisor.outcome(looked_at)
    sent, unsent = supervisor.outcome([work.DELIVERY])
    log.info("%d taken in, %d sent; mailboxes with trouble: %d%s", taken, sent, troubled, "; sending failed" * unsent)
    return not supervisor.failed


def works_of(settings: Settings, config: Path, readers: Readers, understanders: Understanders) -> Iterator[Work]:
    """All that this installation has done again and again."""
    level = logging.getLogger().level
    limits = settings.limits
    for account, mailbox in _looked_into(settings).items():
        waits = mailbox.timeout_seconds if isinstance(mailbox, MailboxSettings) else DISK_SECONDS
        each_mail = limits.reader_seconds + limits.understand_seconds + settings.clamd.seconds_a_mail + 4 * waits
        yield Work(
            work.round_of(account),
            work.take_in_mail,
            (config, level, account, readers, understanders),
            patience=4 * each_mail,
        )
        yield Work(work.tidying_of(account), work.tidy_mailbox, (config, level, account), patience=20 * waits)
    yield Work(work.SESSIONS, work.end_sessions, (config, level), patience=300)
    yield Work(work.SILENCE, work.look_for_silence, (config, level), patience=300)
    yield Work(work.DESTRUCTION, work.destroy_due, (config, level), patience=DESTRUCTION_SECONDS)
    yield Work(work.TRAIL, work.keep_checkpoints, (config, level), patience=300)
    yield Work(work.DELIVERY, work.deliver_mail, (config, level), patience=4 * settings.smtp.transaction_seconds)


def _lmtp(
    settings: Settings,
    config: Path,
    readers: Readers,
    understanders: Understanders,
    listeners: tuple[socket.socket, ...],
) -> Work:
    limits = settings.limits
    patience = 4 * (limits.reader_seconds + limits.understand_seconds + settings.clamd.seconds_a_mail + 60)
    arguments = (config, logging.getLogger().level, readers, understanders)
    return Work(work.LMTP, work.serve_lmtp, arguments, patience, listeners)


def _looked_into(settings: Settings) -> dict[str, MailboxSettings | MaildirSettings]:
    """The mailboxes in which mail lies until it is fetched."""
    return settings.mailboxes_of(MailboxSettings) | settings.mailboxes_of(MaildirSettings)


def fork_server() -> multiprocessing.context.ForkServerContext:
    """Workers are forked from a process that has loaded their code and nothing else: no key, no mail, no thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(work.PRELOAD))
    forkserver.ensure_running()  # it loads while we check and start the nurseries
    return context


class _Ending:
    """What SIGTERM and SIGINT bring about: while starting, the end at once; later, the way out that `by` names.

    What takes longer than `LAST_RESORT_SECONDS` is cut off: nothing is lost by it, and all children end with us.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None

    def by(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def __enter__(self) -> "_Ending":
        self._before = {number: signal.signal(number, self._obey) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _obey(self, _signal: int, _frame: FrameType | None) -> None:
        last_resort = threading.Timer(LAST_RESORT_SECONDS, os._exit, (0,))
        last_resort.daemon = True
        last_resort.start()
        if self._stop is None:
            raise SystemExit(0)
        self._stop()


def _start_watchers(settings: Settings, wake: Callable[[str], None], stack: ExitStack) -> None:
    stopped = threading.Event()
    stack.callback(stopped.set)
    mailboxes = settings.mailboxes_of(MailboxSettings)
    for position, (account, mailbox) in enumerate(mailboxes.items()):
        seen_to = partial(wake, work.round_of(account))
        for number, folder in enumerate(watched_folders(mailbox)):  # the first of each mailbox before all others
            watching = partial(watch, mailbox, account, settings.secrets(), seen_to, stopped, folder)
            after = (position + number * len(mailboxes)) * STAGGER_SECONDS
            threading.Thread(
                target=_later, args=(after, stopped, watching), name=f"IDLE {account}", daemon=True
            ).start()
    for account, maildir in settings.mailboxes_of(MaildirSettings).items():
        seen_to = partial(wake, work.round_of(account))
        threading.Thread(
            target=watch_maildir, args=(maildir, seen_to, stopped), name=f"Maildir {account}", daemon=True
        ).start()


def _later(seconds: float, stopped: threading.Event, work: Callable[[], None]) -> None:
    if not stopped.wait(seconds):
        work()


class Ticker:
    """APScheduler with a watchdog: one error inside it can end its thread while it says that it runs (mail-cases 4)."""

    def __init__(self, settings: Settings, wake: Callable[[str], None]) -> None:
        self._settings = settings
        self._wake = wake
        self._beat = time.monotonic()
        self._scheduler = self._make()

    def start(self) -> None:
        self._beat = time.monotonic()
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def look_after(self) -> None:
        """Start it anew when its heart has stopped."""
        if time.monotonic() - self._beat < 6 * HEARTBEAT_SECONDS:
            return
        log.error("the scheduler's ticks have stopped; starting it anew")
        self.stop()
        self._scheduler = self._make()
        self.start()

    def _make(self) -> Any:
        scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(2)},
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._every(scheduler, HEARTBEAT_SECONDS, self._live, 0)
        for position, (account, mailbox) in enumerate(_looked_into(self._settings).items()):
            later = position * STAGGER_SECONDS
            self._every(scheduler, mailbox.poll_seconds, self._waker(work.round_of(account)), later)
            self._every(scheduler, TIDY_SECONDS, self._waker(work.tidying_of(account)), later + 60)
        self._every(scheduler, DELIVERY_SECONDS, self._waker(work.DELIVERY), 1)
        self._every(scheduler, SESSIONS_SECONDS, self._waker(work.SESSIONS), 30)
        self._every(scheduler, TIDY_SECONDS, self._waker(work.DESTRUCTION), FIRST_SILENCE_SECONDS)
        self._every(scheduler, TRAIL_SECONDS, self._waker(work.TRAIL), 0)
        self._every(scheduler, SILENCE_SECONDS, self._waker(work.SILENCE), FIRST_SILENCE_SECONDS)
        return scheduler

    def _waker(self, name: str) -> Callable[[], None]:
        return lambda: self._wake(name)

    def _live(self) -> None:
        self._beat = time.monotonic()

    @staticmethod
    def _every(scheduler: Any, seconds: float, job: Callable[[], None], later: float) -> None:
        first = datetime.now(UTC) + timedelta(seconds=later)
        scheduler.add_job(job, "interval", seconds=seconds, next_run_time=first)
