"""The real daemon against the demo's mail server: its life and its end. What it does with mail: tests/system."""

import multiprocessing
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select, update

from config.settings import load
from ingest.nurseries import nurseries
from meldpost import daemon
from meldpost.daemon import fork_server, works_of
from meldpost.init import Plan, initialise
from meldpost.postoffice import HOST, PostOffice
from meldpost.supervisor import Report, Supervisor
from store import mailboxes
from store.database import open_database
from store.keyring import trail_key_of
from store.schema import Ledger, MailboxLook
from store.verification import Verdict, verify
from tests.ingest.broken_line import SilentIdle
from tests.meldpost.plans import MAILBOX, plan_in

MAIL = (
    b"From: Reporter <r@home.example>\r\nTo: desk@demo.example\r\nSubject: x\r\n"
    b"Message-ID: <1@home.example>\r\n\r\nHello\r\n"
)


def connected_plan(folder: Path, imap_port: int, smtp_port: int, password: str) -> Plan:
    return plan_in(
        folder,
        password,
        mailboxes={"box": {**MAILBOX, "port": imap_port, "security": "plain", "poll_seconds": 1}},
        smtp={"host": HOST, "port": smtp_port, "security": "plain"},
    )


class Running:
    """A daemon, and the log that it writes."""

    def __init__(self, folder: Path, imap_port: int, smtp_port: int, password: str) -> None:
        self.config = initialise(connected_plan(folder, imap_port, smtp_port, password)).config
        self.log = folder / "log"
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "meldpost", "run", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stderr=log, start_new_session=True)

    def says(self, words: str) -> bool:
        return words in self.log.read_text(encoding="utf-8")

    def settled(self) -> int:
        database = open_database(load(self.config).database.url)
        try:
            with database.read() as session:
                return session.scalar(select(func.count(Ledger.settled_at))) or 0
        finally:
            database.close()

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def wait_for(condition: Callable[[], bool], running: Running, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, running.log.read_text(encoding="utf-8")
        assert running.process.poll() is None, running.log.read_text(encoding="utf-8")
        time.sleep(0.05)


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice(imap_port=0, smtp_port=0) as office:
        office.open_mailbox("desk@demo.example")
        yield office


@pytest.fixture
def running(tmp_path: Path, post: PostOffice) -> Iterator[Running]:
    daemon = Running(tmp_path, post.imap_port, post.smtp_port, post.password)
    yield daemon
    daemon.end()


def send(post: PostOffice) -> None:
    with smtplib.SMTP(HOST, post.smtp_port, local_hostname="home.example") as client:
        client.sendmail("r@home.example", ["desk@demo.example"], MAIL)


def test_a_mail_is_answered_and_sigterm_ends_the_daemon_cleanly_in_under_five_seconds(
    running: Running, post: PostOffice
) -> None:
    wait_for(lambda: running.says("started"), running)
    send(post)
    wait_for(lambda: len(post.mails_of("r@home.example")) == 1, running)
    assert running.settled() == 1
    family = running.family()
    assert family
    began = time.monotonic()
    running.process.terminate()
    assert running.process.wait(timeout=30) == 0
    assert time.monotonic() - began < 5
    assert running.says("stopping")
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_the_trail_is_signed_when_the_daemon_starts_and_when_it_ends(running: Running, post: PostOffice) -> None:
    settings = load(running.config)
    public = trail_key_of(settings.desks["desk-a"])
    database = open_database(settings.database.url)

    def verdict() -> Verdict:
        with database.read() as session:
            return verify(session, "desk-a", public)

    wait_for(lambda: verdict().checkpoints == 1, running)
    send(post)
    wait_for(lambda: len(post.mails_of("r@home.example")) == 1, running)
    running.process.terminate()
    assert running.process.wait(timeout=30) == 0
    found = verdict()
    database.close()
    assert found.is_sound
    assert found.checkpoints >= 2
    assert found.uncovered is None


def test_nothing_of_a_daemon_that_was_killed_lives_on(running: Running, post: PostOffice) -> None:
    send(post)
    wait_for(lambda: running.settled() == 1, running)
    family = running.family()
    assert len(family) >= 3  # the fork server and both nurseries
    running.process.kill()
    running.process.wait()
    assert psutil.wait_procs(family, timeout=30)[1] == []


def test_a_mail_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with PostOffice(imap_port=0, smtp_port=0) as post:
        imap_port, smtp_port, password = post.imap_port, post.smtp_port, post.password
    daemon = Running(tmp_path, imap_port, smtp_port, password)
    try:
        wait_for(lambda: daemon.says("cannot be reached"), daemon)
        wait_for(lambda: daemon.says("in a row; next try in"), daemon)
        with PostOffice(imap_port=imap_port, smtp_port=smtp_port, password=password) as post:
            post.open_mailbox("desk@demo.example")
            send(post)
            wait_for(lambda: daemon.settled() == 1, daemon)
    finally:
        daemon.end()


def test_every_kind_of_work_can_be_done_and_leaves_no_failure(tmp_path: Path, post: PostOffice) -> None:
    config = initialise(connected_plan(tmp_path, post.imap_port, post.smtp_port, post.password)).config
    settings = load(config)
    context = fork_server()
    with nurseries(settings) as (readers, understanders):
        works = list(works_of(settings, config, readers, understanders))
        supervisor = Supervisor(works, context)
        for each in works:
            supervisor.wake(each.name)
        supervisor.run(until_idle=True)
        supervisor.end_workers(1)
    mailbox = {"mailbox box", "tidying of box"}
    of_all = {"delivery", "end of sessions", "look for silent mailboxes", "checkpoints of the trail"}
    of_all |= {"destruction of what is due"}
    assert {each.name for each in works} == mailbox | of_all
    assert not supervisor.failed


def run_once(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meldpost", "run", "--once", "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_once_takes_in_and_sends_what_there_is_and_says_how_much(tmp_path: Path, post: PostOffice) -> None:
    send(post)
    config = initialise(connected_plan(tmp_path, post.imap_port, post.smtp_port, post.password)).config
    done = run_once(config)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].endswith("1 taken in, 2 sent; mailboxes with trouble: 0")
    assert len(post.mails_of("r@home.example")) == 1


def test_once_fails_when_a_server_is_away_and_promises_no_next_try(tmp_path: Path, post: PostOffice) -> None:
    config = initialise(connected_plan(tmp_path, post.imap_port, post.smtp_port, post.password)).config
    post.__exit__()
    done = run_once(config)
    assert done.returncode == 1
    assert "mailboxes with trouble: 1" in done.stderr
    assert "next try" not in done.stderr


def test_once_fails_when_a_maildir_is_not_there(tmp_path: Path, post: PostOffice) -> None:
    box = {"kind": "maildir", "desk": "desk-a", "path": str(tmp_path / "unmounted")}
    plan = connected_plan(tmp_path, post.imap_port, post.smtp_port, post.password)
    done = run_once(initialise(replace(plan, settings={**plan.settings, "mailboxes": {"box": box}})).config)
    assert done.returncode == 1, done.stderr
    assert "mailboxes with trouble: 1" in done.stderr


def test_mailboxes_are_connected_to_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mail-cases 29: many log-ins at once are refused by some servers"""
    monkeypatch.setattr(daemon, "STAGGER_SECONDS", 3600)
    with socket.create_server((HOST, 0)) as listener:
        box = {**MAILBOX, "port": listener.getsockname()[1], "security": "plain", "folders": ["INBOX", "Junk"]}
        boxes = {f"box{number}": {**box, "user": f"desk{number}"} for number in range(3)}
        plan = plan_in(tmp_path, mailboxes=boxes)
        plan = replace(plan, passwords={f"mailbox-password-{name}": "p" for name in boxes})
        settings = load(initialise(plan).config)
        listener.settimeout(20)
        with ExitStack() as stack:
            daemon._start_watchers(settings, lambda _: None, stack)
            threads = [thread for thread in threading.enumerate() if thread.name.startswith("IDLE box")]
            first, _ = listener.accept()
        first.close()
        for thread in threads:
            thread.join(20)
        assert len(threads) == 6
        assert not any(thread.is_alive() for thread in threads)
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_line_on_which_idle_dies_silently_delays_mail_by_one_poll_at_most(tmp_path: Path, post: PostOffice) -> None:
    """mail-cases 31"""
    with SilentIdle(post.imap_port).open() as line:
        daemon = Running(tmp_path, line.port, post.smtp_port, post.password)
        try:
            wait_for(line.idling.is_set, daemon)
            send(post)
            wait_for(lambda: daemon.settled() == 1, daemon)
        finally:
            daemon.end()


def test_the_log_raises_the_alarm_where_a_mailbox_was_not_read_for_long(tmp_path: Path) -> None:
    """mail-cases 33: a token that ran out looks from outside like a quiet week"""
    made = initialise(plan_in(tmp_path))
    assert silence(made.config)[1].well
    database = open_database(load(made.config).database.url)
    try:
        mailboxes.note_look(database, "desk-a", "box", 0)
        assert silence(made.config)[1].well
        with database.begin() as session:
            session.execute(update(MailboxLook).values(looked_at=datetime(2026, 3, 2, 8, 1, tzinfo=UTC)))
    finally:
        database.close()
    log, report = silence(made.config)
    assert "mailbox box: ALARM: not read since 2026-03-02 08:01 UTC; reports may lie there" in log
    assert not report.well


def silence(config: Path) -> tuple[str, Report]:
    """What the daemon's work says into the log, and to the supervisor."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    code = (
        "import sys, logging; from multiprocessing.connection import Connection; from pathlib import Path;"
        "from meldpost.work import look_for_silence;"
        "look_for_silence(Connection(int(sys.argv[1])), Path(sys.argv[2]), logging.INFO)"
    )
    command = [sys.executable, "-c", code, str(theirs.fileno()), str(config)]
    ran = subprocess.run(command, pass_fds=[theirs.fileno()], capture_output=True, text=True, timeout=60, check=True)
    return ran.stderr, Report.from_bytes(ours.recv_bytes())
