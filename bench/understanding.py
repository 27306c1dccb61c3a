"""How fast two workers understand mails with evidence, how soon a worker is there, and how much memory it takes."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from bench import sections
from triage import MailText, load
from triage.labelled import read

WORKERS = 2
_LARGE = 1_000_000
_BRIEF = MailText("", "", "", "Goedemorgen, ik wil iets melden.", "")


@dataclass(frozen=True, slots=True)
class Understanding:
    """Mails a second of all workers together; the longest that a worker took until its first answer, and for a mail of
    1 MB, in seconds; the most memory that one held, in bytes."""

    mails: int
    rate: float
    start_seconds: float
    large_seconds: float
    peak_bytes: int


def measure(count: int) -> Understanding:
    """About `count` mails from all over the packaged corpus, dealt out to fresh processes."""
    corpus = read()
    mails = [m.mail for m in corpus[:: max(1, len(corpus) // count)]]
    large = MailText("", "", "", " ".join(m.own_text for m in mails * 50)[:_LARGE], "")
    started = [_start() for _ in range(WORKERS)]
    lines = [line for line, _ in started]
    began = time.perf_counter()
    for number, line in enumerate(lines):
        line.send(mails[number::WORKERS])
    for line in lines:
        line.recv()
    took = time.perf_counter() - began
    waited = [_asked(line, [large]) for line in lines]
    peaks = [_asked(line, []) for line in lines]
    return Understanding(len(mails), len(mails) / took, max(s for _, s in started), max(waited), round(max(peaks)))


def _start() -> tuple[Connection, float]:
    """A worker that has answered once, and how long that took."""
    ours, theirs = get_context("spawn").Pipe()
    began = time.perf_counter()
    get_context("spawn").Process(target=_work, args=(theirs,), daemon=True).start()
    ours.recv()
    return ours, time.perf_counter() - began


def _asked(line: Connection, mails: Sequence[MailText]) -> float:
    line.send(mails)
    return float(line.recv())


def _work(line: Connection) -> None:
    """Answer lists of mails with the seconds they took, and an empty list with the most bytes ever held."""
    triage = load()
    triage.understand(_BRIEF)
    line.send(0.0)
    while mails := line.recv():
        began = time.perf_counter()
        for mail in mails:
            triage.understand(mail)
        line.send(time.perf_counter() - began)
    line.send(_peak_bytes())


def _peak_bytes() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return 1024.0 * int(found.group(1)) if found else 0.0


def section(found: Understanding) -> str:
    """The part of the page."""
    return f"""## Understanding alone

{WORKERS} workers that do nothing else understand **{found.rate:.0f} mails/s** together, evidence included
({found.mails} mails from all over the packaged corpus). A worker gives its first answer after
{found.start_seconds:.1f} s, takes {found.large_seconds:.2f} s for a mail of 1 MB, and never held
more than {found.peak_bytes / 1e6:.0f} MB, language detection included.
"""


if __name__ == "__main__":
    sections.put(section(measure(1000)))
