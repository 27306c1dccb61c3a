"""What the daemon's short-lived processes do: one function for each kind of work, run in a process that then ends.

Whatever such a process learned, a mail's text or a private key, is gone with it. What a function needs it imports
itself: the supervisor names these functions, and is not to load what they load. The fork server does, once (`PRELOAD`).
"""

import gc
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from config.settings import LmtpMailboxSettings, MailboxSettings, MaildirSettings, Settings, load
from meldpost import hygiene, logs
from meldpost.supervisor import Report

if TYPE_CHECKING:
    from ingest.mail import ParsedMail
    from ingest.raw import RawMail
    from ingest.readers import Readers
    from ingest.understanding import Understanders

log = logging.getLogger(__name__)

DELIVERY = "delivery"
LMTP = "lmtp"
SESSIONS = "end of sessions"
SILENCE = "look for silent mailboxes"
DESTRUCTION = "destruction of what is due"
TRAIL = "checkpoints of the trail"
PRELOAD = (
    "meldpost.cli",
    "meldpost.work",
    "meldpost.trail",
    "ingest.rounds",
    "ingest.sources.lmtp",
    "ingest.housekeeping",
    "ingest.maildir_rounds",
    "notify.delivery",
    # Loaded at first use otherwise, by every process anew:
    "cryptography.hazmat.backends.openssl.backend",
    "encodings.idna",
    "holidays.countries",
    "importlib.readers",
)


def round_of(account: str) -> str:
    return f"mailbox {account}"


def tidying_of(account: str) -> str:
    return f"tidying of {account}"


def take_in_mail(
    reports: Connection, config: Path, level: int, account: str, readers: "Readers", understanders: "Understanders"
) -> None:
    """Take in what a mailbox holds."""
    from ingest import maildir_rounds, rounds

    def work(settings: Settings) -> Report:
        alive = _SignsOfLife(readers, reports)
        kind = maildir_rounds if isinstance(settings.mailboxes[account], MaildirSettings) else rounds
        result = kind.take_in(settings, settings.secrets(), account, alive, understanders)
        if result.taken or result.duplicates:
            log.info(
                "mailbox %s: %d taken in (%d of them unreadable), %d had come before, %d left for later",
                account, result.taken, result.unreadable, result.duplicates, result.left,
            )  # fmt: skip
        wake = (DELIVERY,) if result.queued else ()
        return Report(done=True, again=result.more, wake=wake, count=result.taken, well=result.well)

    _perform(reports, config, level, work)


class _SignsOfLife:
    """Readers that tell the supervisor of every mail: a round that works may take long, one that hangs may not."""

    def __init__(self, readers: "Readers", reports: Connection) -> None:
        self._readers = readers
        self._reports = reports

    def read(self, raw: "RawMail") -> "ParsedMail":
        self._reports.send_bytes(Report(done=False).to_bytes())
        return self._readers.read(raw)


def serve_lmtp(
    reports: Connection,
    config: Path,
    level: int,
    readers: "Readers",
    understanders: "Understanders",
    listeners: tuple[socket.socket, ...],
) -> None:
    """Take in what a mail server delivers, until it has nothing more."""
    from ingest.deliveries import Deliveries
    from ingest.rounds import RoundResult
    from ingest.sources.lmtp import Post, serve
    from ingest.take_in import Outcome

    def work(settings: Settings) -> Report:
        result = RoundResult()

        def taken(outcome: Outcome) -> None:
            nonlocal result
            result = result.counting(outcome)
            wake = (DELIVERY,) if outcome.queued else ()
            reports.send_bytes(Report(done=False, wake=wake).to_bytes())

        def alive() -> None:
            reports.send_bytes(Report(done=False).to_bytes())

        mailboxes = settings.mailboxes_of(LmtpMailboxSettings)
        recipients = {address: account for account in mailboxes for address in settings.lmtp_recipients(account)}
        deliveries = Deliveries(settings, settings.secrets(), _SignsOfLife(readers, reports), understanders)
        try:
            serve(listeners, Post(settings.lmtp, recipients, deliveries.take_in, taken), alive)
        finally:
            deliveries.close()
        if result.taken or result.duplicates:
            log.info(
                "lmtp: %d taken in (%d of them unreadable), %d had come before",
                result.taken, result.unreadable, result.duplicates,
            )  # fmt: skip
        return Report(done=True, count=result.taken)

    _perform(reports, config, level, work)


def deliver_mail(reports: Connection, config: Path, level: int) -> None:
    """Turn what is due into mail, and send what waits to go out."""
    from notify.delivery import deliver
    from store.database import open_database

    asked_to_stop = threading.Event()

    def work(settings: Settings) -> Report:
        # Not in the middle of a mail: one that was handed over and not marked would go out once more.
        signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
        database = open_database(settings.database.url)
        try:
            result = deliver(settings, settings.secrets(), database, stopping=asked_to_stop.is_set)
        finally:
            database.close()
        well = result.unreachable is None and not result.failed
        return Report(done=True, again=result.more, count=result.sent, well=well)

    _perform(reports, config, level, work)


def end_sessions(reports: Connection, config: Path, level: int) -> None:
    """Destroy the key rings of log-in sessions that ended by themselves: a desk does so only when somebody comes."""
    from store.database import open_database
    from store.sessions import Limits, end_stale

    def work(settings: Settings) -> Report:
        web = settings.web
        limits = Limits(timedelta(minutes=web.idle_minutes), timedelta(hours=web.session_hours))
        database = open_database(settings.database.url)
        try:
            with database.begin() as session:
                end_stale(session, datetime.now(UTC), limits)
        finally:
            database.close()
        return Report(done=True)

    _perform(reports, config, level, work)


def look_for_silence(reports: Connection, config: Path, level: int) -> None:
    """Say aloud, again and again, which mailboxes were not read to their end for too long."""
    from store.database import open_database
    from store.mailboxes import looks

    def work(settings: Settings) -> Report:
        database = open_database(settings.database.url)
        try:
            with database.read() as session:
                found = [look for desk in settings.desks for look in looks(session, desk)]
                now = database.now()
        finally:
            database.close()
        stale = [look for look in found if look.account in settings.mailboxes and look.is_stale(now)]
        for look in stale:
            log.error(
                "mailbox %s: ALARM: not read since %s UTC; reports may lie there. Run: meldpost doctor",
                look.account, f"{look.looked_at:%Y-%m-%d %H:%M}",
            )  # fmt: skip
        return Report(done=True, well=not stale)

    _perform(reports, config, level, work)


def destroy_due(reports: Connection, config: Path, level: int) -> None:
    """Destroy the cases whose time has come, and finish what was begun. No key is needed for that."""
    from store import destruction
    from store.database import open_database
    from store.destroyed_listing import list_destroyed
    from store.lookups import IndexKey

    def work(settings: Settings) -> Report:
        secrets = settings.secrets()
        index_of = {desk: IndexKey(secrets.key(f"index-key-{desk}")) for desk in settings.desks}
        filled_in = {slug: bool(desk.retention_rows) for slug, desk in settings.desks.items()}
        database = open_database(settings.database.url)
        try:
            begun = partial(list_destroyed, database, settings.backup.folder, index_of)
            gone = destruction.destroy_due(database, index_of, filled_in, begun)
            swept = destruction.sweep(database)
        finally:
            database.close()
        accounts = [*settings.mailboxes_of(MailboxSettings), *settings.mailboxes_of(MaildirSettings)] if gone else []
        if gone:
            log.info("%d cases were destroyed", gone)
        if not swept:
            log.warning(
                "the database's free pages could not be emptied after a destruction; a later round tries again. "
                "`meldpost doctor` says more"
            )
        return Report(done=True, wake=tuple(map(tidying_of, accounts)))  # their mails may lie in the done folders

    _perform(reports, config, level, work)


def keep_checkpoints(reports: Connection, config: Path, level: int) -> None:
    """Sign how far the trails of the desks go, and bring that to where the settings say."""
    from meldpost.trail import keep
    from store.database import open_database

    def work(settings: Settings) -> Report:
        database = open_database(settings.database.url)
        try:
            kept = keep(settings, settings.secrets(), database)
        finally:
            database.close()
        return Report(done=True, count=kept.made, well=kept.well)

    _perform(reports, config, level, work)


def tidy_mailbox(reports: Connection, config: Path, level: int, account: str) -> None:
    """Expunge what has lain in the done folder long enough."""
    from ingest import housekeeping, maildir_rounds

    def work(settings: Settings) -> Report:
        kind = maildir_rounds if isinstance(settings.mailboxes[account], MaildirSettings) else housekeeping
        removed = kind.tidy(settings, settings.secrets(), account)
        if removed:
            log.info("mailbox %s: %d expunged from the done folder", account, removed)
        return Report(done=True)

    _perform(reports, config, level, work)


def _perform(reports: Connection, config: Path, level: int, work: Callable[[Settings], Report]) -> None:
    """Every worker's frame: it ends with its parent, leaves no dump, and tells nothing but its report and log lines."""
    gc.freeze()  # what the fork server had loaded is no garbage of this process, and copying its pages takes time
    logs.set_up(level)
    hygiene.no_core_dumps()
    _end_with_supervisor()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    signal.signal(signal.SIGTERM, _leave)
    from ingest.sources.imap import Throttled

    try:
        report = work(load(config))
    except SystemExit:
        os._exit(0)
    except Throttled as error:
        log.warning("%s: %s", multiprocessing.current_process().name, error)
        if error.seconds is None:
            os._exit(1)  # the supervisor waits longer each time
        report = Report(done=True, well=False, pause=error.seconds)
    except Exception as error:  # noqa: BLE001 - a worker's last line: the log, then the supervisor's pause
        log.warning("%s: %s", multiprocessing.current_process().name, logs.describe(error))
        os._exit(1)
    with suppress(OSError):
        reports.send_bytes(report.to_bytes())


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _end_with_supervisor() -> None:
    """Two ways, since the parent that the kernel knows is the fork server: it outlives a supervisor by an instant."""
    hygiene.die_with_parent(os.getppid())
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        if wait([supervisor.sentinel], 0):
            os._exit(1)
        threading.Thread(target=_exit_after, args=(supervisor,), name="supervisor watch", daemon=True).start()


def _exit_after(supervisor: multiprocessing.process.BaseProcess) -> None:
    supervisor.join()
    os._exit(1)
