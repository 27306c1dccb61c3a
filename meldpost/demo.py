"""`meldpost demo`: the whole of Meldpost on one machine, with an embedded mail server and sample mail.

The daemon and the desk are the real ones, as processes of their own; only the mail server is the demo's. Everything
lies in a temporary folder that goes at the end.
"""

import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from rich.console import Console
from rich.live import Live
from sqlalchemy import func, select

from config.settings import load
from meldpost.demo_view import Board, Event, Where, count, greet, line
from meldpost.init import FirstMember, Plan, initialise
from meldpost.postoffice import HOST, PostOffice
from meldpost.samples import as_of, as_reply, samples
from store.database import Database, open_database
from store.passphrase_rules import offer
from store.schema import Mailbox

DESK = "integriteit"
DESK_ADDRESS = "integriteit@demo.example"
COORDINATOR = "coordinator@demo.example"
REPORTER = "gerda.lamsvelt@zilvernet.example"
"""One of those who wrote the sample mails, to be looked in on."""

WEB_PORT = 8443
GIVE_UP_SECONDS = 180
TURN_SECONDS = 0.25


class DemoFailed(Exception):
    """The demo did not get where it should; the message says what is missing."""


def show(*, once: bool) -> bool:
    """Run the demo until Ctrl-C, or with `once` until all sample mail is through. Did all go well?"""
    console = Console()
    signal.signal(signal.SIGTERM, _leave)  # cleans up as Ctrl-C does
    try:
        with tempfile.TemporaryDirectory(prefix="meldpost-demo-") as folder, ExitStack() as stack:
            demo = Demo(console, Path(folder), stack)
            demo.start()
            demo.run(once=once)
    except KeyboardInterrupt:
        console.print("Stopped; nothing was left behind.")
    except DemoFailed as error:
        console.print(f"The demo failed. {error}", style="bold red", markup=False, highlight=False)
        return False
    return True


class Demo:
    """One run. What it starts is ended by the stack that it was given."""

    def __init__(self, console: Console, folder: Path, stack: ExitStack) -> None:
        self._console = console
        self._folder = folder
        self._stack = stack
        self._board = Board(DESK_ADDRESS)
        self._delivered: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
        self._samples = samples()
        self._unanswered = {s.message_id: s for s in self._samples if s.answered and s.message_id}
        self._replies = {s.answers: s for s in self._samples if s.answers}
        self._passphrase = offer()
        self._today = datetime.now(UTC)
        self._post: PostOffice
        self._database: Database
        self._children: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(self) -> None:
        """Everything up to an empty mailbox that the daemon watches."""
        self._post = self._stack.enter_context(PostOffice(lambda to, mail: self._delivered.put((to, mail))))
        for address in (DESK_ADDRESS, COORDINATOR):
            self._post.open_mailbox(address)
        port = self._stack.enter_context(_hold_port(WEB_PORT)).getsockname()[1]
        config = self._folder / "meldpost.toml"
        initialise(self._plan(config, port))
        self._database = open_database(load(config).database.url)
        self._stack.callback(self._database.close)
        self._launch("run", config)
        self._launch("desk", config)
        where = Where(
            url=f"http://{HOST}:{port}/",
            login="coordinator",
            passphrase=self._passphrase,
            smtp_port=self._post.smtp_port,
            imap_port=self._post.imap_port,
            password=self._post.password,
            desk_address=DESK_ADDRESS,
            reporter=REPORTER,
        )
        greet(self._console, where)
        self._wait_for_first_contact()

    def run(self, *, once: bool) -> None:
        """Send the sample mail and show what happens."""
        started = time.monotonic()
        with self._shown() as refresh:
            for sample in self._samples:
                if sample.answers is None:
                    self._send(as_of(sample.mail, self._today))
                self._turn(refresh, 0.0 if once else TURN_SECONDS)
            while not once or not self._all_through():
                self._turn(refresh, TURN_SECONDS)
                if once and time.monotonic() - started > GIVE_UP_SECONDS:
                    raise DemoFailed(self._what_is_missing())
        if not self._console.is_terminal:  # there the table ended with it
            self._console.print(self._board.summary(), highlight=False)
        if self._board.figures.failed or self._board.figures.held != sum(sample.held for sample in self._samples):
            raise DemoFailed(self._what_is_missing())

    def _turn(self, refresh: Any, seconds: float) -> None:
        for name, (child, log) in self._children.items():
            if child.poll() is not None:
                raise DemoFailed(f"`meldpost {name}` ended with {child.returncode}:\n{_last_lines(log)}")
        self._handle_deliveries(refresh, seconds)
        self._board.figures = count(self._database)
        refresh(None)

    def _handle_deliveries(self, refresh: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                recipient, mail = self._delivered.get(timeout=max(0.001, deadline - time.monotonic()))
            except Empty:
                return
            refresh(self._board.note(datetime.now(UTC), recipient, mail))
            if recipient not in (DESK_ADDRESS, COORDINATOR):
                self._handle_receipt(message_from_bytes(mail))

    def _handle_receipt(self, receipt: Message) -> None:
        answered = self._unanswered.pop(str(receipt["In-Reply-To"]).strip(), None)
        reply = self._replies.pop(answered.file, None) if answered else None
        if reply:
            self._send(as_reply(as_of(reply.mail, self._today), receipt))

    def _send(self, mail: bytes) -> None:
        sender = parseaddr(str(message_from_bytes(mail)["From"]))[1]
        robot = message_from_bytes(mail)["Auto-Submitted"] is not None
        with smtplib.SMTP(HOST, self._post.smtp_port, local_hostname="demo.example") as client:
            client.sendmail("" if robot or "@" not in sender else sender, [DESK_ADDRESS], mail, ["SMTPUTF8"])

    def _all_through(self) -> bool:
        figures = self._board.figures
        return (
            not self._replies
            and not self._unanswered
            and figures.taken_in >= self._board.arrived
            and not figures.waiting
        )

    def _what_is_missing(self) -> str:
        missing = [f"  no receipt for {sample.file}" for sample in self._unanswered.values()]
        missing += [f"  not sent: {sample.file}" for sample in self._replies.values()]
        logs = [f"Log of `meldpost {name}`:\n{_last_lines(log)}" for name, (_, log) in self._children.items()]
        return "\n".join([self._board.summary(), *missing, *logs])

    def _wait_for_first_contact(self) -> None:
        """A mailbox that is full when Meldpost first sees it gets no receipts by itself: it must see this one empty."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            self._turn(lambda _: None, TURN_SECONDS)
            with self._database.read() as session:
                if session.scalar(select(func.count()).select_from(Mailbox)):
                    return
        raise DemoFailed(f"The daemon did not reach its mailbox.\n{self._what_is_missing()}")

    @contextmanager
    def _shown(self) -> Iterator[Any]:
        if not self._console.is_terminal:
            yield self._print
            return
        with Live(self._board, console=self._console, refresh_per_second=8):
            yield lambda _: None

    def _print(self, event: Event | None) -> None:
        if event is not None:
            self._console.print(line(event), markup=False, highlight=False)

    def _launch(self, command: str, config: Path) -> None:
        log = self._folder / f"{command}.log"
        with log.open("wb") as file:
            child = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "meldpost", command, "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self._children[command] = (child, log)
        self._stack.callback(_end, child)

    def _plan(self, config: Path, port: int) -> Plan:
        mailbox = {"desk": DESK, "host": HOST, "port": self._post.imap_port, "security": "plain", "poll_seconds": 5}
        desk = {
            "name": "Integriteitscoördinator",
            "organisation": "het ministerie (demo)",
            "name_in": {"en": "Integrity Coordinator"},
            "organisation_in": {"en": "the ministry (demo)"},
            "address": DESK_ADDRESS,
            "trusted_authserv_id": "demo.example",
            "texts": {
                "about_coordinator": "secretaris-generaal@demo.example",
                "support_point": "extern-steunpunt@demo.example",
                "complaints": "klachten@demo.example",
            },
        }
        settings = {
            "desks": {DESK: desk},
            "mailboxes": {DESK: {**mailbox, "user": DESK_ADDRESS}},
            "smtp": {"host": HOST, "port": self._post.smtp_port, "security": "plain"},
            "web": {"host": HOST, "port": port, "public_url": f"http://{HOST}:{port}"},
        }
        member = FirstMember("coordinator", COORDINATOR, self._passphrase)
        return Plan(config, DESK, settings, member, {f"mailbox-password-{DESK}": self._post.password})


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(timeout=6)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _hold_port(wanted: int) -> socket.socket:
    """A port that nobody else is given from now on, but that the desk can still take: see SO_REUSEADDR in socket(7)."""
    held = socket.socket(proto=socket.IPPROTO_TCP)
    try:
        held.bind((HOST, wanted))
    except OSError:
        held.bind((HOST, 0))
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return held


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
