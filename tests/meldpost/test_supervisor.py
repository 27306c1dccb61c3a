"""The supervisor with real processes; what they do is in `jobs`."""

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meldpost.supervisor import Report, Supervisor, Work
from tests.meldpost import jobs

CONTEXT = multiprocessing.get_context("forkserver")


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    path = tmp_path / "marks"
    path.touch()
    return path


def work(marks: Path, target: Callable[..., None], name: str = "work", patience: float = 60) -> Work:
    return Work(name, target, (marks, name), patience)


def words(marks: Path) -> list[str]:
    return [line.split()[0] for line in marks.read_text(encoding="utf-8").splitlines()]


def run_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    """Run until the condition holds; a test that never gets there ends by pytest's own limit of patience here."""
    deadline = time.monotonic() + 60

    def look() -> None:
        if condition() or time.monotonic() > deadline:
            supervisor.stop()

    supervisor.run(look)
    assert condition()
    supervisor.end_workers(0)


def test_what_is_wanted_is_done_once(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.done)], CONTEXT)
    supervisor.wake("work")
    supervisor.wake("work")
    supervisor.run(until_idle=True)
    assert words(marks) == ["work"]
    assert not supervisor.failed


def test_nothing_is_done_that_nobody_wants(marks: Path) -> None:
    Supervisor([work(marks, jobs.done)], CONTEXT).run(until_idle=True)
    assert words(marks) == []


def test_a_worker_may_ask_to_run_again_and_to_wake_another(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.thrice), work(marks, jobs.done, "other")], CONTEXT)
    supervisor.wake("work")
    supervisor.run(until_idle=True)
    assert words(marks) == ["work", "work", "work", "other"]


def test_each_run_has_a_process_of_its_own(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.thrice), work(marks, jobs.done, "other")], CONTEXT)
    supervisor.wake("work")
    supervisor.run(until_idle=True)
    pids = [line.split()[1] for line in marks.read_text(encoding="utf-8").splitlines()]
    assert len(set(pids)) == 4
    assert str(os.getpid()) not in pids


def test_a_worker_that_was_killed_is_run_again(marks: Path, caplog: pytest.LogCaptureFixture) -> None:
    """mail-cases 90"""
    supervisor = Supervisor([work(marks, jobs.killed_once)], CONTEXT)
    supervisor.wake("work")
    run_until(supervisor, lambda: "works again" in caplog.text or words(marks) == ["work", "work"])
    assert "work was ended by signal 9, 1 in a row; next try in 2 s" in caplog.text


def test_a_failing_worker_is_tried_again_after_longer_and_longer_pauses(
    marks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    moment = [0.0]
    supervisor = Supervisor([work(marks, jobs.failing)], CONTEXT, clock=lambda: moment[0])
    supervisor.wake("work")

    def pass_time() -> None:
        moment[0] += 1.0
        if len(words(marks)) == 5:
            supervisor.stop()

    supervisor.run(pass_time)
    supervisor.end_workers(1)
    for times, pause in ((1, 2), (2, 4), (3, 8), (4, 16)):
        assert f"work failed, {times} in a row; next try in {pause} s" in caplog.text


def test_a_failing_worker_holds_no_other_up(marks: Path, tmp_path: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.failing), work(marks, jobs.done, "other")], CONTEXT)
    supervisor.wake("work")
    supervisor.wake("other")
    supervisor.run(until_idle=True)
    assert sorted(words(marks)) == ["other", "work"]
    assert supervisor.failed


def test_a_worker_that_shows_no_life_is_killed_and_run_again(marks: Path, caplog: pytest.LogCaptureFixture) -> None:
    """mail-cases 32"""
    supervisor = Supervisor([work(marks, jobs.hangs_once, patience=1.0)], CONTEXT)
    supervisor.wake("work")
    run_until(supervisor, lambda: words(marks) == ["work", "work"])
    assert "no sign of life for 1 s; killed" in caplog.text


def test_a_slow_worker_that_shows_life_is_let_work(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.slow_but_alive, patience=1.2)], CONTEXT)
    supervisor.wake("work")
    supervisor.run(until_idle=True)
    assert words(marks) == ["work"]
    assert not supervisor.failed


def test_a_report_that_is_none_counts_as_a_failure(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.babbling)], CONTEXT)
    supervisor.wake("work")
    supervisor.run(until_idle=True)
    assert supervisor.failed


def test_never_two_of_a_kind_at_the_same_time(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.deaf)], CONTEXT)
    supervisor.wake("work")

    def wake_again() -> None:
        supervisor.wake("work")
        if words(marks):
            supervisor.stop()

    supervisor.run(wake_again)
    supervisor.end_workers(0)
    assert words(marks) == ["work"]


def test_a_worker_that_does_not_want_to_end_is_ended(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.deaf)], CONTEXT)
    supervisor.wake("work")
    run_until(supervisor, lambda: words(marks) == ["work"])
    (pid,) = (int(line.split()[1]) for line in marks.read_text(encoding="utf-8").splitlines())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_was_left_undone_is_no_success_and_what_was_done_is_counted(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.half_done), work(marks, jobs.done, "other")], CONTEXT)
    supervisor.wake("work")
    supervisor.wake("other")
    supervisor.run(until_idle=True)
    assert supervisor.failed
    assert supervisor.outcome(["work", "other"]) == (3, 1)
    assert supervisor.outcome(["other"]) == (0, 0)


def test_it_can_be_woken_from_any_thread_and_stopped(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.done)], CONTEXT)
    thread = threading.Thread(target=supervisor.wake, args=("work",))
    thread.start()
    run_until(supervisor, lambda: words(marks) == ["work"])
    thread.join()


def test_who_connects_brings_about_work_that_accepts_and_the_supervisor_never_does(marks: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = Work("work", jobs.greets, (marks, "work"), 60, (listener,))
        supervisor = Supervisor([listening], CONTEXT)
        answers = []

        def call() -> None:
            for _ in range(2):
                with socket.create_connection(listener.getsockname(), timeout=30) as line:
                    answers.append(line.recv(100))

        callers = threading.Thread(target=call)
        callers.start()
        run_until(supervisor, lambda: len(answers) == 2)
        callers.join()
    pids = [line.split()[1] for line in marks.read_text(encoding="utf-8").splitlines()]
    assert [int(answer) for answer in answers] == [int(pid) for pid in pids]
    assert str(os.getpid()) not in pids


def test_a_worker_that_lives_on_may_wake_another(marks: Path) -> None:
    supervisor = Supervisor([work(marks, jobs.wakes_and_waits), work(marks, jobs.done, "other")], CONTEXT)
    supervisor.wake("work")
    run_until(supervisor, lambda: words(marks) == ["work", "other"])


@pytest.mark.parametrize(
    "encoded", [b"", b"[]", b'{"done": 1, "again": false, "wake": []}', b'{"done": true}', b"\xff"]
)
def test_a_malformed_report_is_refused(encoded: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own errors are of this kind, with messages of many sorts
        Report.from_bytes(encoded)


@pytest.mark.parametrize("report", [Report(True), Report(False, True, ("a", "b"), 3, False)])
def test_a_report_comes_back_as_it_was(report: Any) -> None:
    assert Report.from_bytes(report.to_bytes()) == report


def test_work_that_was_asked_to_wait_is_left_alone_whoever_wants_it(marks: Path) -> None:
    """mail-cases 28, 30"""
    moment = [0.0]
    works = [work(marks, jobs.rests), work(marks, jobs.done, "other")]
    supervisor = Supervisor(works, CONTEXT, clock=lambda: moment[0])
    supervisor.wake("work")

    def twice() -> bool:
        said = words(marks)
        if said == ["work"] and supervisor.failed:  # it ended, and is wanted again
            supervisor.wake("work")
            supervisor.wake("other")
        elif said.count("work") == 1 and "other" in said:
            moment[0] = 501.0
        return said.count("work") == 2

    run_until(supervisor, twice)
    assert words(marks)[:2] == ["work", "other"]
