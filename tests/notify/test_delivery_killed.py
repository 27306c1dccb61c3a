"""A sender that is killed, or paused beyond its lease, at each point where it can hurt; then another one goes on."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from store import sending
from store.outbox import OutboxState
from tests.notify.servers import ScriptedServer

ROOT = Path(__file__).resolve().parents[2]

SENDER = """
import sys
from config.secrets import Secrets
from config.settings import Settings
from notify.delivery import deliver
from pathlib import Path
from store.database import open_database
settings = Settings.model_validate_json(sys.stdin.read())
smtp = settings.smtp.model_copy(update={"transaction_seconds": int(sys.argv[2]), "lease_seconds": int(sys.argv[3])})
settings = settings.model_copy(update={"smtp": smtp})
deliver(settings, Secrets(Path(sys.argv[1]), {}), open_database(settings.database.url))
"""


@pytest.fixture
def sender(box):
    """Starts a sender in a process group of its own, with a fault set."""
    running = []

    def start(fault, transaction_seconds=300, lease_seconds=600):
        process = subprocess.Popen(
            [sys.executable, "-c", SENDER, str(box.secrets.directory), str(transaction_seconds), str(lease_seconds)],
            stdin=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "MELDPOST_FAULT": fault},
            start_new_session=True,
        )
        running.append(process)
        process.stdin.write(box.settings.model_dump_json().encode())
        process.stdin.close()
        return process

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(condition):
    """Wait for what must come; a test that waits in vain fails after a minute."""
    waiting = threading.Event()
    for _ in range(600):
        if condition():
            return
        waiting.wait(0.1)
    raise AssertionError("it never came")


def stopped(process):
    assert process.poll() is None
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(
    ("point", "most"), [("before-data", 1), ("after-data-before-reply", 2), ("after-reply-before-mark", 2)]
)
def test_a_killed_sender_loses_no_mail_and_only_the_one_window_repeats_it(box, sender, point, most):
    """mail-cases 82, 90"""
    outbox_id = box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        assert sender(f"{point}=kill").wait(60) == -signal.SIGKILL
        assert box.state(outbox_id) == OutboxState.SENDING
        assert box.deliver().handled == 0  # the lease of the dead holds yet
        box.pass_time()
        assert box.deliver().sent == 1
        box.pass_time()
        assert box.deliver().handled == 0
        assert 1 <= len(server.taken) <= most
        assert len({taken.message_id for taken in server.taken}) == 1
    assert box.state(outbox_id) == OutboxState.SENT


def test_a_mail_whose_sender_is_killed_every_time_goes_out_twice_at_most(box, sender):
    """mail-cases 81, 90"""
    outbox_id = box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        for _ in range(2):
            assert sender("after-reply-before-mark=kill").wait(60) == -signal.SIGKILL
            box.pass_time()
        for _ in range(2):
            assert box.deliver().handled == 0
            box.pass_time()
        assert len(server.taken) == 2
    assert box.state(outbox_id) == OutboxState.UNCERTAIN  # the desk sees it; nobody sends it a third time
    assert box.is_forgotten(outbox_id)


def test_a_sender_paused_before_data_beyond_its_lease_sends_nothing_when_it_wakes(box, sender):
    outbox_id = box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        paused = sender("before-data=stop", transaction_seconds=2, lease_seconds=3)
        until(lambda: stopped(paused))
        until(lambda: sending.sweep(box.database) == 1)  # the lease is over, and so is the time of its transaction
        assert box.deliver().sent == 1
        os.kill(paused.pid, signal.SIGCONT)
        assert paused.wait(60) == 0
        assert len(server.taken) == 1
    assert box.state(outbox_id) == OutboxState.SENT


@pytest.mark.parametrize("point", ["after-data-before-reply", "after-reply-before-mark"])
def test_a_sender_paused_after_data_beyond_its_lease_changes_nothing_when_it_wakes(box, sender, point):
    outbox_id = box.queue()
    with ScriptedServer() as server:
        box.use(server.port)
        paused = sender(f"{point}=stop", transaction_seconds=2, lease_seconds=3)
        until(lambda: stopped(paused))
        until(lambda: sending.sweep(box.database) == 1)
        assert box.deliver().sent == 1
        os.kill(paused.pid, signal.SIGCONT)
        assert paused.wait(60) == 0
        assert len(server.taken) == 2
        assert len({taken.message_id for taken in server.taken}) == 1
    assert (box.state(outbox_id), box.sends(outbox_id)) == (OutboxState.SENT, 2)
