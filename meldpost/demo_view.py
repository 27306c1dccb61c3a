"""What the demo shows: where to look, a live table of what came in and went out, and a summary at the end."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select

from meldpost.counted import counted
from store.database import Database
from store.outbox import OutboxState
from store.schema import CaseFile, Ledger, Outbox

SHOWN = 18
WAITING = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.UNCERTAIN)


@dataclass(frozen=True)
class Figures:
    """How far the daemon is, as the database shows it to anybody: numbers only."""

    taken_in: int
    cases: int
    sent: int
    waiting: int
    held: int
    failed: int


def count(database: Database) -> Figures:
    with database.read() as session:
        states: Counter[str] = Counter()
        for state, number in session.execute(select(Outbox.state, func.count()).group_by(Outbox.state)):
            states[state] = number
        settled = select(func.count()).select_from(Ledger).where(Ledger.settled_at.is_not(None))
        return Figures(
            taken_in=session.scalar(settled) or 0,
            cases=session.scalar(select(func.count()).select_from(CaseFile)) or 0,
            sent=states[OutboxState.SENT],
            waiting=sum(states[state] for state in WAITING),
            held=states[OutboxState.HELD],
            failed=states[OutboxState.FAILED],
        )


@dataclass(frozen=True)
class Event:
    """A mail that the demo's mail server delivered."""

    at: datetime
    incoming: bool
    sender: str
    recipient: str
    subject: str


class Board:
    """The events so far, and the figures. Written by the post office's thread, shown by the main one."""

    def __init__(self, desk_address: str) -> None:
        self._desk_address = desk_address
        self._events: deque[Event] = deque(maxlen=SHOWN)
        self._lock = threading.Lock()
        self.arrived = 0
        self.figures = Figures(0, 0, 0, 0, 0, 0)

    def note(self, at: datetime, recipient: str, mail: bytes) -> Event:
        incoming = recipient == self._desk_address
        message = message_from_bytes(mail, policy=policy.compat32)
        event = Event(at, incoming, _field(message, "From"), recipient, _field(message, "Subject"))
        with self._lock:
            self._events.append(event)
            self.arrived += incoming
        return event

    def summary(self) -> str:
        figures = self.figures
        return (
            f"{self.arrived} mails came in, {figures.taken_in} are taken in, as {counted(figures.cases, 'case')}; "
            f"{figures.sent} mails went out, {figures.waiting} wait, {figures.held} held, {figures.failed} failed"
        )

    def __rich__(self) -> RenderableType:
        table = Table(expand=True, box=None, pad_edge=False)
        for title, ratio in (("time", 1), ("", 1), ("who", 4), ("subject", 5)):
            table.add_column(title, ratio=ratio, no_wrap=True, overflow="ellipsis")
        with self._lock:
            events = list(self._events)
        for event in events:
            who = event.sender if event.incoming else event.recipient
            way = Text("in  ◀", style="cyan") if event.incoming else Text("out ▶", style="green")
            table.add_row(f"{event.at.astimezone():%H:%M:%S}", way, Text(who), Text(event.subject))
        return Group(table, Text(self.summary(), style="bold"))


def line(event: Event) -> str:
    """An event for a terminal that is none."""
    way = f"in   from {event.sender}" if event.incoming else f"out  to {event.recipient}"
    return f"{event.at.astimezone():%H:%M:%S} {way}: {event.subject}"


def greet(console: Console, where: "Where") -> None:
    """Where to look, and how to send mail oneself."""
    console.print(Panel(_GREETING.format_map(vars(where)), title="Meldpost demo"), highlight=False, markup=False)


@dataclass(frozen=True)
class Where:
    """What a person has to know to look at the demo."""

    url: str
    login: str
    passphrase: str
    smtp_port: int
    imap_port: int
    password: str
    desk_address: str
    reporter: str


_GREETING = r"""Desk       {url}
Log-in     {login}
Passphrase {passphrase}

Write to it with any mail program, to {desk_address}
  SMTP 127.0.0.1 port {smtp_port}: no encryption, no log-in
  IMAP 127.0.0.1 port {imap_port}: no encryption, password {password}
       user: the address that you write from

or with curl, for instance:
  printf 'From: me@home.example\nSubject: A report\n\n%s\n' \
    'A colleague at the embassy has taken money from the cash box.' |
    curl smtp://127.0.0.1:{smtp_port} -T - --mail-from me@home.example \
      --mail-rcpt {desk_address}
  curl -u me@home.example:{password} \
    'imap://127.0.0.1:{imap_port}/INBOX;MAILINDEX=1'

A reporter's mailbox, with the receipt in it: IMAP user
  {reporter}, the same password

Ctrl-C ends the demo and removes all of it."""


def _field(message: EmailMessage | object, name: str) -> str:
    from email.header import decode_header, make_header

    value = message[name] if message is not None else ""  # type: ignore[index]
    try:
        text = str(make_header(decode_header(str(value or ""))))
    except (ValueError, LookupError):
        text = str(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)
