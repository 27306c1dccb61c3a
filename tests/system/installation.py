"""One installation of Meldpost for one test: its own desk, mailbox, configuration and database, and the real daemon."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from config.settings import Settings, load
from meldpost.init import FirstMember, Plan, initialise
from store.database import open_database
from store.keyring import KeyRing, pins_of
from store.members import unlock
from tests.system.dovecot import PASSWORD, Dovecot
from tests.system.exim import Exim
from tests.system.process import Program
from tests.system.waiting import free_port, wait_until

DESK = "integriteit"
LOGIN = "coordinator"
PASSPHRASE = "stengel atoom fortuin product kost gorgel snoet"
TOP = Path(__file__).parents[2]

_numbers = itertools.count(1)


@dataclass
class Installation:
    """Where the test stands: folder, servers, and the addresses that are its own on them."""

    folder: Path
    dovecot: Dovecot
    exim: Exim
    number: int = field(default_factory=lambda: next(_numbers))
    programs: list[Program] = field(default_factory=list)
    desk_port: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"meldpunt{self.number}@ministry.example"

    @property
    def coordinator(self) -> str:
        return f"coordinator{self.number}@ministry.example"

    def reporter(self, name: str = "reporter") -> str:
        return f"{name}.{self.number}@home.example"

    @property
    def config(self) -> Path:
        return self.folder / "meldpost.toml"

    @property
    def database(self) -> Path:
        return self.folder / "meldpost.db"

    # setting up

    def set_up(self, **changed: dict[str, Any]) -> "Installation":
        """What `meldpost init` makes. `changed` holds settings by section."""
        self.folder.mkdir(parents=True, exist_ok=True)
        plan = Plan(
            config=self.config,
            desk=DESK,
            settings=self._settings(changed),
            member=FirstMember(LOGIN, self.coordinator, PASSPHRASE),
            passwords={"mailbox-password-desk": PASSWORD},
        )
        initialise(plan)
        return self

    def _settings(self, changed: dict[str, dict[str, Any]]) -> dict[str, Any]:
        ca = str(self.dovecot.certificates.ca)
        sections: dict[str, Any] = {
            "desks": {
                DESK: {
                    "name": "Integriteitscoördinator",
                    "organisation": "Ministerie van Voorbeelden",
                    "address": self.address,
                    "texts": {
                        "about_coordinator": "de secretaris-generaal, sg@ministry.example",
                        "support_point": "het steunpunt, steunpunt@support.example",
                        "complaints": "de klachtencommissie, klachten@ministry.example",
                    },
                    **changed.pop("desk", {}),
                }
            },
            "mailboxes": {
                "desk": {
                    "desk": DESK,
                    "host": "127.0.0.1",
                    "port": self.dovecot.ports.imaps,
                    "security": "tls",
                    "ca_file": ca,
                    "user": self.address,
                    "poll_seconds": 2,
                    "timeout_seconds": 10,
                    **changed.pop("mailbox", {}),
                }
            },
            "smtp": {"host": "127.0.0.1", "port": self.exim.port, "security": "starttls", "ca_file": ca},
        }
        for name, values in changed.items():
            sections[name] = {**sections.get(name, {}), **values}
        return sections

    @property
    def settings(self) -> Settings:
        return load(self.config)

    # running

    def start(
        self, *, fault: str = "", once: bool = False, wrapper: Sequence[str] = (), debug: bool = False
    ) -> Program:
        """Start the daemon; `fault` is for MELDPOST_FAULT, `wrapper` a command to run it under."""
        command = [
            *wrapper,
            sys.executable,
            "-m",
            "meldpost",
            *self._options(debug),
            "run",
            "--config",
            str(self.config),
        ]
        return self._start([*command, *(["--once"] if once else [])], {"MELDPOST_FAULT": fault} if fault else {})

    def start_desk(self, *, wrapper: Sequence[str] = (), debug: bool = False) -> Program:
        """Start the web application and wait until it answers on `desk_port`."""
        self.desk_port = free_port()
        command = [
            *wrapper,
            sys.executable,
            "-m",
            "meldpost",
            *self._options(debug),
            "desk",
            "--config",
            str(self.config),
        ]
        program = self._start(command, {"MELDPOST_WEB__PORT": str(self.desk_port)})
        program.wait_for_port(self.desk_port)
        return program

    @staticmethod
    def _options(debug: bool) -> list[str]:
        return ["--verbose"] if debug else []

    def _start(self, command: Sequence[str], environment: dict[str, str]) -> Program:
        output = self.folder / f"output-{len(self.programs)}.log"
        program = Program(command, output, self._environment | environment)
        self.programs.append(program)
        return program

    def command(self, *arguments: str, typed: str = "") -> str:
        """Run another command in its folder, as a person does, to its end; fails with its words where it fails."""
        ended = self.attempt(*arguments, typed=typed)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    def attempt(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "meldpost", *arguments],
            cwd=self.folder, env=self._environment, input=typed, text=True, start_new_session=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180,
        )  # fmt: skip

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(TOP), **self.environment}

    def round(self) -> None:
        """Let the daemon do one round and end; fail with its log where it does not end well."""
        program = self.start(once=True)
        assert program.wait(120) == 0, program.text()

    @staticmethod
    def wait_for_log(program: Program, text: str, seconds: float = 150) -> None:
        """Wait until a program has logged something with this text in it."""
        wait_until(f"{text!r} is logged", lambda: program.text() and text in program.text(), seconds)

    def stop(self) -> None:
        for program in self.programs:
            program.stop()

    def log(self) -> str:
        return "".join(program.text() for program in self.programs)

    # mail

    def send(self, mail: EmailMessage | bytes, sender: str | None = None, to: str | None = None) -> None:
        """Deliver a mail to the desk by SMTP."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        self.exim.send(raw, self.reporter() if sender is None else sender, [to or self.address])

    def wait(self, what: str, condition: Callable[[], object], seconds: float = 150) -> None:
        """Wait for something that the daemon does; fail with its log, at once where it has ended by an error."""

        def true_or_in_vain() -> bool:
            if condition():
                return True
            if self.programs and self.programs[-1].exit_code not in (None, 0):
                raise AssertionError(f"the daemon ended; not: {what}")
            return False

        try:
            wait_until(what, true_or_in_vain, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def wait_in(self, count: int, folder: str = "INBOX", seconds: float = 30) -> None:
        """Wait until so many mails lie in a folder of the desk."""
        wait_until(f"{count} mails in {folder}", lambda: self.dovecot.count(self.address, folder) == count, seconds)

    def wait_taken(self, count: int = 1, seconds: float = 150) -> None:
        """Wait until so many mails lie in the done folder, and none in the inbox."""

        def taken() -> bool:
            done, waiting = (self.dovecot.count(self.address, folder) for folder in ("Verwerkt", "INBOX"))
            return done == count and waiting == 0

        self.wait(f"{count} mails in Verwerkt and none in INBOX", taken, seconds)

    def receipts(self, count: int = 1, name: str = "reporter", seconds: float = 150) -> list[EmailMessage]:
        """Wait for so many mails in a reporter's mailbox, and give all that lie there."""
        box = self.reporter(name)
        self.wait(f"{count} mails for the reporter", lambda: self.dovecot.count(box) >= count, seconds)
        return self.dovecot.messages(box)

    # what is stored

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(query).fetchall()

    def count(self, table: str) -> int:
        return int(self.rows(f"select count(*) from {table}")[0][0])

    @contextmanager
    def opened(self) -> Iterator[tuple[Session, KeyRing]]:
        """The store as the coordinator opens it."""
        settings = self.settings
        database = open_database(settings.database.url)
        try:
            with database.begin() as session:
                secret = settings.secrets().key(f"passphrase-secret-{DESK}")
                pins = pins_of(settings.desks[DESK])
                yield session, unlock(session, DESK, LOGIN, PASSPHRASE, secret, pins=pins)
        finally:
            database.close()


def letter(
    sender: str,
    to: str,
    *,
    subject: str = "Melding",
    text: str = "Goedemorgen,\n\nIk wil iets melden.\n",
    headers: dict[str, str] | None = None,
    name: str = "Anna de Boer",
) -> EmailMessage:
    """An ordinary mail, with a Message-ID and date of now."""
    mail = EmailMessage()
    mail["From"] = f"{name} <{sender}>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    for header, value in (headers or {}).items():
        mail[header] = value
    mail.set_content(text)
    return mail


def kill_daemon(program: Program) -> None:
    program.signal_group(signal.SIGKILL)
    program.wait()
