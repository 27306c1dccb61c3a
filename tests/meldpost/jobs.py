"""Work for the supervisor's tests. Each leaves a mark in a file, since it runs in a process of its own."""

import os
import signal
import socket
import time
from multiprocessing.connection import Connection
from pathlib import Path

from meldpost.supervisor import Report


def _mark(marks: Path, word: str) -> int:
    with marks.open("a", encoding="utf-8") as file:
        file.write(f"{word} {os.getpid()}\n")
    return len(marks.read_text(encoding="utf-8").splitlines())


def done(reports: Connection, marks: Path, word: str) -> None:
    _mark(marks, word)
    reports.send_bytes(Report(done=True).to_bytes())


def half_done(reports: Connection, marks: Path, word: str) -> None:
    _mark(marks, word)
    reports.send_bytes(Report(done=True, count=3, well=False).to_bytes())


def thrice(reports: Connection, marks: Path, word: str) -> None:
    count = _mark(marks, word)
    reports.send_bytes(Report(done=True, again=count < 3, wake=("other",) if count == 3 else ()).to_bytes())


def killed_once(reports: Connection, marks: Path, word: str) -> None:
    if _mark(marks, word) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    reports.send_bytes(Report(done=True).to_bytes())


def failing(reports: Connection, marks: Path, word: str) -> None:
    _mark(marks, word)
    os._exit(1)


def hangs_once(reports: Connection, marks: Path, word: str) -> None:
    if _mark(marks, word) == 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    reports.send_bytes(Report(done=True).to_bytes())


def slow_but_alive(reports: Connection, marks: Path, word: str) -> None:
    for _ in range(6):
        time.sleep(0.25)
        reports.send_bytes(Report(done=False).to_bytes())
    _mark(marks, word)
    reports.send_bytes(Report(done=True).to_bytes())


def babbling(reports: Connection, marks: Path, word: str) -> None:
    _mark(marks, word)
    reports.send_bytes(b'{"done": true, "again": "yes", "wake": []}')


def deaf(reports: Connection, marks: Path, word: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _mark(marks, word)
    time.sleep(600)


def greets(reports: Connection, marks: Path, word: str, listeners: tuple[socket.socket, ...]) -> None:
    """Accepts one connection and says who it is."""
    _mark(marks, word)
    connection, _ = listeners[0].accept()
    with connection:
        connection.sendall(str(os.getpid()).encode())
    reports.send_bytes(Report(done=True).to_bytes())


def wakes_and_waits(reports: Connection, marks: Path, word: str) -> None:
    _mark(marks, word)
    reports.send_bytes(Report(done=False, wake=("other",)).to_bytes())
    signal.pause()


def rests(reports: Connection, marks: Path, word: str) -> None:
    _mark(marks, word)
    reports.send_bytes(Report(done=True, well=False, pause=500.0).to_bytes())
