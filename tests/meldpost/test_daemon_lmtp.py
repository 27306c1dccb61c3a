"""The daemon as one that is delivered to, and beside another at the same mailbox."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.settings import load
from ingest.claims import claimed
from meldpost.init import initialise
from meldpost.postoffice import HOST, PostOffice
from store.database import open_database
from tests.meldpost.plans import MAILBOX, plan_in
from tests.meldpost.test_daemon import MAIL


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice(imap_port=0, smtp_port=0) as office:
        office.open_mailbox("desk@demo.example")
        yield office


def test_it_takes_what_is_delivered_on_a_socket_and_ends_at_once_whoever_is_connected(
    tmp_path: Path, post: PostOffice
) -> None:
    path = tmp_path / "lmtp"
    plan = plan_in(
        tmp_path,
        mailboxes={"box": {"kind": "lmtp", "desk": "desk-a"}},
        lmtp={"listen": str(path), "mode": "600"},
        smtp={"host": HOST, "port": post.smtp_port, "security": "plain"},
    )
    config = initialise(plan).config
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "meldpost", "run", "--config", str(config)]
        daemon = subprocess.Popen(command, stderr=log, start_new_session=True)
    try:
        _until(lambda: path.is_socket() and "started" in (tmp_path / "log").read_text(encoding="utf-8"))
        with smtplib.LMTP(str(path), local_hostname="mx.example", timeout=60) as line:
            assert line.sendmail("r@home.example", ["desk+tag@demo.example"], MAIL) == {}
        _until(lambda: len(post.mails_of("r@home.example")) == 1)
        with smtplib.LMTP(str(path), local_hostname="mx.example", timeout=60) as line:
            line.ehlo()
            began = time.monotonic()
            daemon.terminate()
            assert daemon.wait(timeout=30) == 0
            assert time.monotonic() - began < 5
    finally:
        if daemon.poll() is None:
            os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "home.example" not in text
    assert "tag" not in text


def test_a_single_run_says_that_another_process_is_at_the_mailbox(tmp_path: Path, post: PostOffice) -> None:
    plan = plan_in(
        tmp_path,
        post.password,
        mailboxes={"box": {**MAILBOX, "port": post.imap_port, "security": "plain"}},
        smtp={"host": HOST, "port": post.smtp_port, "security": "plain"},
    )
    config = initialise(plan).config
    database = open_database(load(config).database.url)
    with claimed(database, "box"):
        command = [sys.executable, "-m", "meldpost", "run", "--once", "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    database.close()
    assert done.returncode == 1
    assert "box: another process is at this mailbox" in done.stderr
    assert "mailboxes with trouble: 1" in done.stderr


def _until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
