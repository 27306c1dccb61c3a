"""How long a reporter waits for the receipt: from the delivery of a mail to its receipt at the SMTP server."""

from __future__ import annotations

import os
import queue
import random
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.mails import DESK
from tests.system.certificates import Certificates
from tests.system.dovecot import Dovecot
from tests.system.process import Program
from tests.system.waiting import free_port, wait_until

PATIENCE = 60.0
LONGEST_PAUSE = 1.0
"""Between two mails, so that they meet the daemon at any moment of what it does by the clock."""


@dataclass(frozen=True)
class Waits:
    """Seconds from the moment before a mail was delivered to the moment at which its receipt was taken."""

    seconds: tuple[float, ...]

    @property
    def worst(self) -> float:
        return max(self.seconds)


@dataclass(frozen=True)
class Taken:
    """One mail to one recipient, and when it was taken (monotonic)."""

    recipient: str
    message_id: str
    at: float


class Sink:
    """Takes all mail, and notes what came when."""

    def __init__(self) -> None:
        self._taken: queue.SimpleQueue[Taken] = queue.SimpleQueue()

    def next(self) -> Taken:
        """Wait for the next one. Raises queue.Empty."""
        return self._taken.get(timeout=PATIENCE)

    def all(self) -> Iterator[Taken]:
        """What came and was not asked for yet."""
        while not self._taken.empty():
            yield self._taken.get()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        message_id = str(message_from_bytes(content)["Message-ID"])
        for recipient in envelope.rcpt_tos:
            self._taken.put(Taken(recipient, message_id, time.monotonic()))
        return "250 taken"


@contextmanager
def sink(certificates: Certificates) -> Iterator[tuple[int, Sink]]:
    """An SMTP server with STARTTLS; gives its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    taking, port = Sink(), free_port()
    server = Controller(taking, hostname="127.0.0.1", port=port, tls_context=context)
    server.start()
    try:
        yield port, taking
    finally:
        server.stop()


def measure(config: Path, dovecot: Dovecot, address: str, taking: Sink, count: int) -> Waits:
    """`count` mails, one by one, each when the daemon is idle again."""
    command = [sys.executable, "-m", "meldpost", "run", "--config", str(config)]
    daemon = Program(command, config.parent / "daemon.log", dict(os.environ))
    try:
        _wait_for(taking, dovecot, address, "warm-up@start.example")
        waited = tuple(
            _wait_for(taking, dovecot, address, f"r{number}@home{number}.example") for number in range(count)
        )
    except (queue.Empty, AssertionError):
        print(daemon.text()[-2000:])
        raise
    finally:
        daemon.stop()
    return Waits(waited)


def _wait_for(taking: Sink, dovecot: Dovecot, address: str, reporter: str) -> float:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = reporter, DESK, "Melding"
    mail["Date"], mail["Message-ID"] = format_datetime(datetime.now(UTC)), f"<{reporter}>"
    mail.set_content("Goedemorgen,\n\nMijn chef neemt geld aan voor vergunningen. Ik wil dat melden.\n")
    with dovecot.lmtp() as line:
        began = time.monotonic()
        line.sendmail(reporter, [address], mail.as_bytes())
    while (taken := taking.next()).recipient != reporter:
        continue
    wait_until("the mail was moved", lambda: dovecot.count(address) == 0, PATIENCE)
    time.sleep(random.uniform(0.2, LONGEST_PAUSE))
    return taken.at - began
