"""Thousands of mails through the real daemon: does its memory stay as it is? Then some more, while the daemon is killed
and the mail server restarted at random: is every mail there, once, with one receipt?

`python -m bench.soak [MAILS]` prints what it found, and fails where something was lost or double. A run of `MAILS` or
more writes docs/soak.md.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from email import message_from_bytes
from pathlib import Path

from bench.__main__ import installation
from bench.latency import Sink, sink
from bench.mails import mails
from bench.soak_page import Books, Sample, page
from config.settings import load
from ingest.digests import without_trace_fields
from store.lookups import IndexKey
from tests.system.certificates import make_certificates
from tests.system.dovecot import Dovecot
from tests.system.process import Program
from tests.system.waiting import wait_until

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "soak.md"
ADDRESS = "soak@bench.example"
MAILS = 20_000
BATCH = 20
AHEAD = 100
"""Most mails that lie in the mailbox: as in life, they come while others are taken in."""

TROUBLED = 100
"""One troubled mail, of the second part, to so many calm ones; but `FEWEST` at least."""

FEWEST = 60
ENTRIES = "select stable_digest from ledger where state = 'settled'"
MESSAGE_IDS = "select digest from lookup where kind = 'message_id'"
SAMPLE_SECONDS = 2.0
PATIENCE = 900.0
_NAMES = {
    "ingest.reader": "nursery of the readers",
    "ingest.understanding": "nursery of triage",
    "forkserver": "fork server",
}


class Soak:
    """One installation, its daemon, and what became of its mails."""

    def __init__(self, folder: Path, dovecot: Dovecot, port: int) -> None:
        smtp = {"host": "127.0.0.1", "port": port, "ca_file": str(dovecot.certificates.ca)}
        quick = {"transaction_seconds": 8, "lease_seconds": 10, "timeout_seconds": 5}
        most = 1_000_000
        rules = {"total_per_hour": most, "per_domain_per_day": most, "first_connection_max": most}
        self.config = installation(folder, dovecot, ADDRESS, smtp=smtp | quick, rules=rules)
        self.database = folder / "meldpost.db"
        self.samples: list[Sample] = []
        self.sent: dict[str, bytes] = {}
        """Letters by the address of their reporter."""
        self.kills = self.restarts = 0
        self._dovecot = dovecot
        self._began = time.monotonic()
        self._sampled = 0.0
        self._daemon = self._start()

    def calm(self, letters: Iterator[bytes], count: int) -> None:
        """Deliver, and look at the daemon's memory, from when it has done everything once."""
        for _ in self._deliver(letters, BATCH, BATCH):
            continue
        self._wait_until_all_is_done()
        for delivered in self._deliver(letters, count - BATCH, BATCH):
            self._sample(delivered)
        self._wait_until_all_is_done()

    def troubled(self, letters: Iterator[bytes], count: int) -> None:
        """Deliver, and kill the daemon with all of its processes, or stop the mail server for a moment."""
        for _ in self._deliver(letters, count, BATCH // 4):
            time.sleep(random.uniform(0, 3))
            if random.random() < 0.7:
                self._kill()
            else:
                self._dovecot.stop()
                self._dovecot.start()
                self.restarts += 1
        self._wait_until_all_is_done()

    def books(self, taking: Sink) -> Books:
        index = IndexKey(load(self.config).secrets().key("index-key-desk"))
        with closing(sqlite3.connect(self.database)) as database:
            entries = database.execute(ENTRIES).fetchall()
            read = database.execute(MESSAGE_IDS).fetchall()
        return books_of(self.sent, index, entries, read, taking, kills=self.kills, restarts=self.restarts)

    def close(self) -> None:
        self._daemon.stop()

    def _start(self) -> Program:
        command = [sys.executable, "-m", "meldpost", "run", "--config", str(self.config)]
        return Program(command, self.config.parent / "daemon.log", dict(os.environ))

    def _kill(self) -> None:
        self._daemon.signal_group(signal.SIGKILL)
        self._daemon.wait()
        self._daemon.wait_until_group_is_gone()
        self._daemon = self._start()
        self.kills += 1

    def _deliver(self, letters: Iterator[bytes], count: int, batch: int) -> Iterator[int]:
        """Deliver all, never too far ahead; gives from time to time how many were."""
        delivered = 0
        while delivered < count:
            if self._dovecot.count(ADDRESS) < AHEAD:
                with self._dovecot.lmtp() as line:
                    for _ in range(min(batch, count - delivered)):
                        letter = next(letters)
                        sender = str(message_from_bytes(letter)["From"])
                        self.sent[sender] = letter
                        line.sendmail(sender, [ADDRESS], letter)
                        delivered += 1
            else:
                time.sleep(0.2)
            yield delivered

    def _wait_until_all_is_done(self) -> None:
        wait_until("the mailbox is empty", lambda: self._dovecot.count(ADDRESS) == 0, PATIENCE)
        wait_until("all is sent", lambda: self._waiting() == 0, PATIENCE)

    def _waiting(self) -> int:
        with closing(sqlite3.connect(self.database, timeout=30)) as database:
            query = (
                "select count(*) from outbox where frame is not null and state in ('queued', 'sending', 'uncertain')"
            )
            return int(database.execute(query).fetchone()[0])

    def _sample(self, delivered: int) -> None:
        now = time.monotonic()
        if now - self._sampled >= SAMPLE_SECONDS:
            self._sampled = now
            self.samples.append(Sample(now - self._began, delivered, dict(_memory(self._daemon.pid))))


def books_of(
    sent: Mapping[str, bytes],
    index: IndexKey,
    entries: Iterable[Sequence[bytes]],
    read: Iterable[Sequence[bytes]],
    taking: Sink,
    *,
    kills: int,
    restarts: int,
) -> Books:
    """What became of each letter, by its sender: how often it is the mail of a case, by the ledger's digest of its
    bytes, and of a message that was read, by that of its Message-ID; and the receipts that its sender got."""
    cases, messages = (Counter(bytes(row[0]) for row in found) for found in (entries, read))
    came: dict[str, list[str]] = {reporter: [] for reporter in sent}
    for taken in taking.all():
        if taken.recipient in came:
            came[taken.recipient].append(taken.message_id)
    kept = [cases[index.stable(without_trace_fields([letter]))] for letter in sent.values()]
    unread = [not messages[index.message_id(str(message_from_bytes(letter)["Message-ID"]))] for letter in sent.values()]
    return Books(
        mails=len(kept),
        lost=kept.count(0),
        kept_whole=sum(count > 0 and is_unread for count, is_unread in zip(kept, unread, strict=True)),
        double=sum(count > 1 for count in kept),
        without_receipt=sum(not ids for ids in came.values()),
        with_two_receipts=sum(len(set(ids)) > 1 for ids in came.values()),
        sent_again=sum(len(ids) - len(set(ids)) for ids in came.values()),
        kills=kills,
        restarts=restarts,
    )


def _memory(daemon: int) -> Iterator[tuple[str, int]]:
    """Resident bytes (VmRSS of proc(5)) of the supervisor, and of the lasting processes that it started itself."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            marks = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            command = (status.parent / "cmdline").read_text()
        except OSError:  # it ended meanwhile
            continue
        if int(marks["Pid"]) == daemon:
            yield "supervisor", int(marks["VmRSS"].split()[0]) * 1024
        elif int(marks["PPid"]) == daemon and "VmRSS" in marks:
            name = next((title for word, title in _NAMES.items() if word in command), None)
            if name is not None:
                yield name, int(marks["VmRSS"].split()[0]) * 1024


def main(count: int) -> None:
    troubled = max(FEWEST, count // TROUBLED)
    with tempfile.TemporaryDirectory(prefix="meldpost-soak-") as name:
        folder = Path(name)
        dovecot = Dovecot(make_certificates(folder))
        try:
            dovecot.start()
            with sink(dovecot.certificates) as (port, taking):
                soak = Soak(folder / "installation", dovecot, port)
                try:
                    soak.calm(mails(count, 1), count)
                    soak.troubled(mails(troubled, 2), troubled)
                finally:
                    soak.close()
                books = soak.books(taking)
        finally:
            dovecot.remove()
    written = page(soak.samples, books, count)
    print(written)
    if count >= MAILS:  # a trial says nothing of thousands
        DOCUMENT.write_text(written, encoding="utf-8")
    if not books.right:
        raise SystemExit("something was lost or double")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MAILS)
