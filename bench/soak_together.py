"""Two daemons and two desks on one PostgreSQL, while mail comes into two mailboxes and daemons are killed at random: is
every mail there, once, with one receipt? And does each desk show all of them?

`python -m bench.soak_together [MAILS]` prints what it found, and fails where something was lost or double.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import psycopg

from bench.latency import Sink, sink
from bench.mails import DESK, mails
from bench.soak import ENTRIES, MESSAGE_IDS, PATIENCE, books_of
from bench.soak_page import Books
from config.settings import load
from meldpost.init import FirstMember, Plan, initialise
from store.lookups import IndexKey
from store.passphrase_rules import offer
from tests.system.certificates import make_certificates
from tests.system.deskclient import DeskClient
from tests.system.dovecot import PASSWORD, Dovecot
from tests.system.postgres import Postgres
from tests.system.process import Program
from tests.system.waiting import free_port, wait_until

MAILS = 2000
BATCH = 10
AHEAD = 60
"""Most mails that lie in the mailboxes: as in life, they come while others are taken in."""

ADDRESSES = ("first@bench.example", "second@bench.example")
_WAITING = "select count(*) from outbox where frame is not null and state in ('queued', 'sending', 'uncertain')"


class Together:
    """One installation on PostgreSQL, with the processes of two machines."""

    def __init__(self, folder: Path, dovecot: Dovecot, postgres: Postgres, smtp_port: int) -> None:
        self._folder, self._dovecot, self._postgres = folder, dovecot, postgres
        self._passphrase = offer()
        self._config = self._installation(smtp_port)
        self.sent: dict[str, bytes] = {}
        """Letters by the address of their reporter."""
        self.kills = self.looks = 0
        self._daemons = [self._start("run", f"daemon{number}") for number in range(2)]
        ports = [free_port(), free_port()]
        self._desks = [self._start("desk", f"desk{port}", MELDPOST_WEB__PORT=str(port)) for port in ports]
        for desk, port in zip(self._desks, ports, strict=True):
            desk.wait_for_port(port)
        self._coordinators = [DeskClient(port) for port in ports]
        for coordinator in self._coordinators:
            coordinator.log_in("desk", "co", self._passphrase)

    def run(self, letters: Iterator[bytes]) -> None:
        for at, letter in enumerate(letters):
            if at % BATCH == 0:
                self._trouble()
            self._deliver(letter, ADDRESSES[at % 2])
        wait_until("the mailboxes are empty", lambda: self._lying() == 0, PATIENCE)
        wait_until("all is sent", lambda: self._count(_WAITING) == 0, PATIENCE)
        self._look()

    def books(self, taking: Sink) -> Books:
        index = IndexKey(load(self._config).secrets().key("index-key-desk"))
        with psycopg.connect(self._postgres.url) as connection:
            entries = connection.execute(ENTRIES).fetchall()
            read = connection.execute(MESSAGE_IDS).fetchall()
        return books_of(self.sent, index, entries, read, taking, kills=self.kills, restarts=0)

    def cases(self) -> int:
        return self._count("select count(*) from case_file")

    def close(self) -> None:
        for program in (*self._daemons, *self._desks):
            program.stop()

    def _installation(self, smtp_port: int) -> Path:
        ca = str(self._dovecot.certificates.ca)
        texts = {name: f"{name}@bench.example" for name in ("about_coordinator", "support_point", "complaints")}
        box = {"desk": "desk", "host": "127.0.0.1", "port": self._dovecot.ports.imaps, "ca_file": ca, "poll_seconds": 2}
        quick = {"transaction_seconds": 8, "lease_seconds": 10, "timeout_seconds": 5}
        most = 1_000_000
        settings = {
            "database": {"url": self._postgres.url},
            "desks": {"desk": {"name": "Desk", "organisation": "Bench", "address": DESK, "texts": texts}},
            "mailboxes": {address.partition("@")[0]: {**box, "user": address} for address in ADDRESSES},
            "smtp": {"host": "127.0.0.1", "port": smtp_port, "ca_file": ca, **quick},
            "rules": {"total_per_hour": most, "per_domain_per_day": most, "first_connection_max": most},
        }
        member = FirstMember("co", "co@bench.example", self._passphrase)
        passwords = {f"mailbox-password-{address.partition('@')[0]}": PASSWORD for address in ADDRESSES}
        return initialise(Plan(self._folder / "meldpost.toml", "desk", settings, member, passwords)).config

    def _start(self, command: str, name: str, **environment: str) -> Program:
        arguments = [sys.executable, "-m", "meldpost", command, "--config", str(self._config)]
        return Program(arguments, self._folder / f"{name}.log", {**os.environ, **environment})

    def _trouble(self) -> None:
        """Now and then one daemon, or both, die with all of their processes; a coordinator looks at the queue."""
        wait_until("there is room for more", lambda: self._lying() < AHEAD, PATIENCE)
        time.sleep(random.uniform(0, 3))
        for number in random.choice([(), (0,), (1,), (0, 1)]):
            self._daemons[number].signal_group(signal.SIGKILL)
            self._daemons[number].wait()
            self._daemons[number].wait_until_group_is_gone()
            self._daemons[number] = self._start("run", f"daemon{number}")
            self.kills += 1
        self._look()

    def _look(self) -> None:
        for coordinator in self._coordinators:
            coordinator.page("/")
            self.looks += 1

    def _deliver(self, letter: bytes, address: str) -> None:
        sender = str(message_from_bytes(letter)["From"])
        self.sent[sender] = letter
        with self._dovecot.lmtp() as line:
            line.sendmail(sender, [address], letter)

    def _lying(self) -> int:
        return sum(self._dovecot.count(address) for address in ADDRESSES)

    def _count(self, query: str) -> int:
        with psycopg.connect(self._postgres.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="meldpost-soak-") as name:
        folder = Path(name)
        dovecot = Dovecot(make_certificates(folder))
        postgres = Postgres()
        try:
            dovecot.start()
            with sink(dovecot.certificates) as (port, taking):
                together = Together(folder / "installation", dovecot, postgres, port)
                try:
                    together.run(mails(count, 3))
                    books, cases = together.books(taking), together.cases()
                finally:
                    together.close()
        finally:
            dovecot.remove()
            postgres.remove()
    print(f"{cases} cases; {together.looks} looks at two desks; {books}")
    if not books.right:
        raise SystemExit("something was lost or double")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MAILS)
