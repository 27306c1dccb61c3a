"""The nursery: starts bare, survives its children, bounds them, and never outlives whoever started it."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingest.errors import NurseryGone, ReaderDied, ReaderTimedOut
from ingest.isolation import Layer, ProcessLimits
from ingest.nursery import Line, Nursery, Nursing
from ingest.raw import RawMail
from ingest.readers import Readers

HOSTILE = str(Path(__file__).parent / "hostile")
ROOT = Path(__file__).parents[2]
LIMITS = ProcessLimits(cpu_seconds=10, wall_seconds=20)
MAIL = b"From: a@example.org\nSubject: s\n\nbody\n"


def _nursing(behaviour: str, limits: ProcessLimits = LIMITS, layers: Layer = Layer.SECCOMP) -> Nursing:
    return Nursing("waiting_reader", behaviour, limits, layers, (HOSTILE,))


def _line(line: Line) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        piece = line.receive(4096)
        if not piece:
            break
        received += piece
    return received


@pytest.fixture
def readers() -> Iterator[Readers]:
    with Readers(LIMITS, layers=Layer.SECCOMP).start() as started:
        yield started


def test_the_parent_has_no_environment_and_no_descriptors_but_its_socket() -> None:
    os.environ["MELDPOST_SECRET_TEST"] = "violet"
    readable, writable = os.pipe()
    os.set_inheritable(readable, True)
    try:
        with Nursery.start(_nursing("wait")) as nursery:
            process = Path(f"/proc/{nursery.pid}")
            names = {entry.split(b"=")[0] for entry in (process / "environ").read_bytes().split(b"\0") if entry}
            threads = {b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS", b"MKL_NUM_THREADS"}
            assert names <= threads | {b"GLIBC_TUNABLES", b"LD_LIBRARY_PATH"}
            kinds = sorted(os.readlink(link).split(":")[0] for link in (process / "fd").iterdir())  # noqa: PTH115
            # Its own pipe, which wakes it when a child ends, may be there already.
            assert [kind for kind in kinds if kind != "pipe"] == ["/dev/null"] * 3 + ["socket"]
            assert psutil.Process(nursery.pid).num_threads() == 1
    finally:
        del os.environ["MELDPOST_SECRET_TEST"]
        os.close(readable)
        os.close(writable)


def test_a_child_holds_nothing_but_its_answer_socket_and_its_mail() -> None:
    with (
        Nursery.start(_nursing("descriptors", layers=Layer.NONE)) as nursery,
        RawMail.from_bytes(MAIL) as raw,
        nursery.job(raw.fd, raw.size) as line,
    ):
        descriptors = _line(line)
    assert len(json.loads(descriptors)) == 3 + 2


def test_the_nursery_survives_the_death_of_a_child() -> None:
    with Nursery.start(_nursing("crash")) as nursery:
        for _ in range(3):
            with nursery.job() as line:
                assert _line(line) == b""
        assert nursery.is_running()


def test_dead_children_are_reaped() -> None:
    with Nursery.start(_nursing("crash")) as nursery:
        parent = psutil.Process(nursery.pid)
        for _ in range(5):
            with nursery.job() as line:
                _line(line)
        # The next child is started after the last one was reaped, or beside it: there is never a heap of the dead.
        assert sum(child.status() == psutil.STATUS_ZOMBIE for child in parent.children()) <= 1


def test_a_child_that_spins_is_killed_when_its_asker_has_waited_long_enough() -> None:
    with Nursery.start(_nursing("spin")) as nursery:
        children: list[psutil.Process] = []
        with pytest.raises(TimeoutError):
            _wait_for_a_spinning_child(nursery, children)
        children[0].wait(timeout=20)


def _wait_for_a_spinning_child(nursery: Nursery, children: list[psutil.Process]) -> None:
    with nursery.job(seconds=1) as line:
        children.append(psutil.Process(int(_line(line))))
        line.receive(1)


def test_a_child_that_spins_unasked_is_killed_by_the_nursery_itself() -> None:
    limits = ProcessLimits(cpu_seconds=60, wall_seconds=0.1)
    with Nursery.start(_nursing("spin", limits)) as nursery, nursery.job(seconds=60) as line:
        psutil.Process(int(_line(line))).wait(timeout=30)
        assert _line(line) == b""


def test_a_child_that_wants_too_much_memory_dies_of_it() -> None:
    limits = ProcessLimits(cpu_seconds=10, wall_seconds=20, memory_bytes=200_000_000)
    with Nursery.start(_nursing("swell", limits)) as nursery, nursery.job() as line:
        assert _line(line) == b""


def test_a_child_that_computes_too_long_dies_of_it() -> None:
    limits = ProcessLimits(cpu_seconds=1, wall_seconds=60)
    with Nursery.start(_nursing("spin", limits)) as nursery, nursery.job() as line:
        _line(line)
        assert _line(line) == b""


def test_nothing_is_left_when_the_starter_is_killed() -> None:
    script = (
        "import sys, time, os\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from ingest.nursery import Nursery, Nursing\n"
        "from ingest.isolation import Layer, ProcessLimits\n"
        f"n = Nursery.start(Nursing('waiting_reader', 'wait', ProcessLimits(10, 60), Layer.SECCOMP, ({HOSTILE!r},)))\n"
        "with n.job() as line:\n"
        "    print(n.pid, line.receive(100).decode().strip(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        processes = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]
        starter.kill()
    gone, left = psutil.wait_procs(processes, timeout=20)
    assert left == []
    assert len(gone) == 2


def test_children_end_when_their_nursery_is_killed() -> None:
    nursery = Nursery.start(_nursing("wait"))
    with nursery.job() as line:
        child = psutil.Process(int(_line(line)))
        assert nursery.pid is not None
        os.kill(nursery.pid, signal.SIGKILL)
        child.wait(timeout=20)
    with pytest.raises(NurseryGone), nursery.job():
        pass
    nursery.close()


def test_a_nursery_that_cannot_import_its_entry_says_so() -> None:
    with pytest.raises(NurseryGone, match="no_such_module"):
        Nursery.start(Nursing("no_such_module", None, LIMITS, Layer.NONE))


def test_a_reader_gives_back_what_the_mail_says(readers: Readers) -> None:
    with RawMail.from_bytes(MAIL) as raw:
        mail = readers.read(raw)
    assert mail.from_ is not None
    assert mail.from_.address == "a@example.org"
    assert mail.text.strip() == "body"


def test_a_mail_that_kills_its_reader_costs_only_itself() -> None:
    readers = Readers(ProcessLimits(cpu_seconds=10, wall_seconds=20, memory_bytes=60_000_000), layers=Layer.SECCOMP)
    with readers.start(), RawMail.from_bytes(MAIL + b"x" * 80_000_000) as heavy, RawMail.from_bytes(MAIL) as light:
        with pytest.raises(ReaderDied):
            readers.read(heavy)
        assert readers.read(light).subject == "s"


def test_a_reader_that_is_too_slow_is_given_up() -> None:
    limits = ProcessLimits(cpu_seconds=10, wall_seconds=0.0)
    with (
        Readers(limits, layers=Layer.SECCOMP).start() as readers,
        RawMail.from_bytes(MAIL) as raw,
        pytest.raises(ReaderTimedOut),
    ):
        readers.read(raw)


def _read_elsewhere(readers: Readers, pipe: multiprocessing.connection.Connection[str, str]) -> None:
    with RawMail.from_bytes(MAIL) as raw:
        pipe.send(readers.read(raw).subject)


def test_started_readers_can_be_handed_to_another_process(readers: Readers) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_read_elsewhere, args=(readers, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "s"
    process.join()
