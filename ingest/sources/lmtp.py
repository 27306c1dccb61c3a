"""LMTP (RFC 2033) as a source: a mail server delivers, and gets an answer for each recipient after the commit.

aiosmtpd speaks the protocol. Receiving a mail's content is our own: into memory that is handed on as it is, lines of
any length, and one answer for each recipient. Its log, which quotes mails, is shut.
"""

import asyncio
import logging
import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Session, syntax
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from config.addresses import BadAddress, without_tag
from config.faults import fault
from config.settings import LmtpSettings
from ingest.deliveries import MOST_RECIPIENTS, Envelope, NotNow
from ingest.raw import RawMail, RawWriter
from ingest.take_in import Outcome

log = logging.getLogger(__name__)

MOST_MAILS = 50
"""After so many, this process accepts nobody and takes no further mail: who is still there is told to come again."""

MOST_ANSWERS = 500
"""So many answers to commands a connection gets from one mail to the next."""

LONGEST_SECONDS = 3600.0
"""The longest life of a connection; a mail that is being taken in gets its answer first."""

COME_AGAIN = "421 4.3.2 Please connect again"

IDLE_SECONDS = 5.0
_TICK_SECONDS = 0.5
_BATCH = 256 * 1024
_LINE_LIMIT = 64 * 1024
_TAKING_IN_SECONDS = 3600.0

_PATH = re.compile(r'\s*<((?:"(?:\\.|[^"\\])*"|[^<>"])*)>\s*(.*)', re.DOTALL)
_SOURCE_ROUTE = re.compile(r"@[^:]*:")
_WITHOUT_CODE = re.compile(r"(\d{3}) (?!\d\.\d)(.*)", re.DOTALL)
_ENHANCED = {
    "221": "2.0.0",
    "252": "2.0.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "504": "5.5.4",
    "538": "5.7.11",
    "552": "5.3.4",
    "555": "5.5.4",
}
"""What our own answers do not have in aiosmtpd: RFC 2033 §5 asks for enhanced codes (RFC 2034, RFC 3463)."""


@dataclass
class Post:
    """What the connections of one process share. `recipients` names the account of each address."""

    settings: LmtpSettings
    recipients: dict[str, str]
    take_in: Callable[[str, RawMail, Envelope], Outcome]
    taken: Callable[[Outcome], None]
    worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "intake"))
    lines: set["_Line"] = field(default_factory=set)
    busy: int = 0
    mails: int = 0

    @property
    def is_over(self) -> bool:
        return self.mails >= MOST_MAILS

    def account_of(self, address: str) -> str | None:
        try:
            return self.recipients.get(without_tag(address))
        except BadAddress:
            return None

    async def deliver(self, body: RawMail, envelope: Envelope) -> list[str]:
        """Take a mail in at each account that it came for, once; gives the answers for the recipients, in order."""
        accounts: dict[str, list[str]] = {}
        for recipient in envelope.recipients:
            accounts.setdefault(self.recipients[without_tag(recipient)], []).append(recipient)
        answers: dict[str, str] = {}
        self.busy += 1
        self.mails += 1
        try:
            for account, recipients in accounts.items():
                mine = Envelope(envelope.sender, tuple(recipients))
                answer = await asyncio.get_running_loop().run_in_executor(
                    self.worker, self._take_in, account, body, mine
                )
                answers |= dict.fromkeys(recipients, answer)
        finally:
            self.busy -= 1
        return [answers[recipient] for recipient in envelope.recipients]

    def _take_in(self, account: str, body: RawMail, envelope: Envelope) -> str:
        """In the thread that takes mails in, one at a time. The connection may be gone by now: that changes nothing."""
        try:
            outcome = self.take_in(account, body, envelope)
            self.taken(outcome)
            fault("before-lmtp-reply")
        except NotNow as error:
            if error.every_mail:  # a new process starts with new readers and a new line to the database
                self.mails = max(self.mails, MOST_MAILS)
            return "451 4.3.0 Not taken in now, please try again" if error.every_mail else "451 4.3.5 Not taken in yet"
        return "250 2.0.0 Taken in"


class _Hooks:
    """What aiosmtpd asks us while it speaks."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: SmtpEnvelope, hostname: str, answers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*answers[:-1], "250-PIPELINING", "250 ENHANCEDSTATUSCODES"]

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: SmtpEnvelope, address: str, options: list[str]
    ) -> str:
        if self._post.is_over:
            return COME_AGAIN
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: SmtpEnvelope, address: str, _options: list[str]
    ) -> str:
        if self._post.account_of(address) is None:
            return "550 5.1.1 No such address here"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:  # RFC 5321 §4.5.3.1.10: the server sends the others anew
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        log.error("a line to the mail server failed: %s", type(error).__name__)
        return "451 4.3.0 Not taken in now, please try again"


class _Line(LMTP):
    """One connection."""

    line_length_limit = _LINE_LIMIT

    def __init__(self, post: Post) -> None:
        settings = post.settings
        super().__init__(
            _Hooks(post),
            data_size_limit=settings.max_bytes,
            enable_SMTPUTF8=True,
            hostname="meldpost",
            ident="LMTP",
            timeout=settings.timeout_seconds,
            loop=asyncio.get_running_loop(),
        )
        self._post = post
        self._ends_at = asyncio.get_running_loop().time() + LONGEST_SECONDS
        self._answers = 0
        self._in_data = False
        self._taking_in = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._post.lines.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._post.lines.discard(self)
        super().connection_lost(error)

    def end(self, now: float) -> None:
        """Told again and again once no more mails are taken: hang up, but let a transaction that is open end."""
        self._ends_at = min(self._ends_at, now + self._post.settings.timeout_seconds)
        envelope = self.envelope
        if not self._in_data and (envelope is None or envelope.mail_from is None):
            self._hang_up(COME_AGAIN)

    def end_if_old(self, now: float) -> None:
        if now > self._ends_at and not self._taking_in and self.transport is not None:
            self._writer.transport.abort()  # without waiting for a client that reads no answers

    def _hang_up(self, answer: str = "") -> None:
        """What came and was not looked at yet is no command any more."""
        if self.transport is None or self.transport.is_closing():
            return
        if answer:
            self._writer.write(answer.encode() + b"\r\n")
        self.transport.close()
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    async def push(self, status: Any) -> None:
        """With the enhanced code that an answer of aiosmtpd's own lacks."""
        self._answers += 1
        if self._answers > MOST_ANSWERS:
            self._hang_up("421 4.7.0 Too many commands without a mail")
            await asyncio.sleep(0)  # never comes back: the task was cancelled
        found = _WITHOUT_CODE.fullmatch(status) if isinstance(status, str) else None
        if found and found[2] == "OK":
            status = f"{found[1]} 2.0.0 OK"
        elif found and found[1] in _ENHANCED:
            status = f"{found[1]} {_ENHANCED[found[1]]} {found[2]}"
        await super().push(status)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Any path: a sender with an address that no grammar allows has a report to make all the same."""
        found = _PATH.fullmatch(arg or "")
        if found is None:
            return super()._getaddr(arg)
        address = _SOURCE_ROUTE.sub("", found[1].strip(), count=1) if found[1].startswith("@") else found[1].strip()
        return address or "<>", found[2]

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        envelope = self.envelope
        if await self.check_helo_needed("LHLO") or envelope is None:
            return
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 No valid recipients")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        recipients = tuple(envelope.rcpt_tos)
        self._in_data = True
        try:
            body = await self._content()
        except Exception as error:  # noqa: BLE001 - what is left of the mail would be taken for commands
            log.error("a mail was not received to its end: %s", type(error).__name__)  # noqa: TRY400
            self._hang_up()
            return
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        if body is None:
            answers = ["552 5.3.4 Larger than this desk takes in"] * len(recipients)
        else:
            self._taking_in = True
            self._reset_timeout(_TAKING_IN_SECONDS)
            answers = await self._post.deliver(body, Envelope(sender, recipients))
            self._reset_timeout()
            self._taking_in = False
            self._answers = -len(answers)
        for answer in answers:  # RFC 2033 §4.2
            await self.push(answer)
        self._in_data = False

    async def _content(self) -> RawMail | None:
        """What comes up to the line with a lone dot, without the dots that were put before others (RFC 5321 §4.5.2).

        Only CR LF ends a line here: what takes less for an end can be told two mails in one (SMTP smuggling). None
        where the mail is too large; it is still read to its end.
        """
        batch = bytearray()
        at_line_start = True
        with RawWriter(self._post.settings.max_bytes) as writer:
            while True:
                piece = await self._piece()
                if at_line_start and piece == b".\r\n":
                    break
                batch += piece[1:] if at_line_start and piece.startswith(b".") else piece
                at_line_start = piece.endswith(b"\r\n")
                if len(batch) >= _BATCH:
                    writer.write(batch)
                    batch.clear()
                    self._reset_timeout()
                    fault("in-lmtp-data")
            writer.write(batch)
            return None if writer.too_large else writer.finish()

    async def _piece(self) -> bytes:
        """A line, or a part of one that is longer than the buffer."""
        try:
            return await self._reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError as error:
            return await self._reader.readexactly(error.consumed)


def serve(
    listeners: Sequence[socket.socket], post: Post, alive: Callable[[], None], idle_seconds: float = IDLE_SECONDS
) -> None:
    """Serve who connects, until nobody has for `idle_seconds`, or `MOST_MAILS` were taken in.

    Then all are hung up on, at once or when their open transaction ends, for which they get `timeout_seconds`.

    `alive` is called again and again, but not while a mail is being taken in: that has signs of its own.
    """
    logging.getLogger("mail.log").disabled = True
    try:
        asyncio.run(_serve(listeners, post, alive, idle_seconds))
    finally:
        post.worker.shutdown()


async def _serve(
    listeners: Sequence[socket.socket], post: Post, alive: Callable[[], None], idle_seconds: float
) -> None:
    accepting = [asyncio.create_task(_accept(listener, post)) for listener in listeners]
    now = asyncio.get_running_loop().time
    last = now()
    try:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            if not post.busy:
                alive()
            for line in tuple(post.lines):
                line.end_if_old(now())
                if post.is_over:
                    line.end(now())
            if post.is_over:
                _cancel(accepting)
            if post.lines:
                last = now()
            elif post.is_over or now() - last > idle_seconds:
                return
    finally:
        _cancel(accepting)


def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()


async def _accept(listener: socket.socket, post: Post) -> None:
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    while not post.is_over:
        if len(post.lines) >= post.settings.connections:
            await asyncio.sleep(_TICK_SECONDS / 10)
            continue
        try:
            connection, _ = await loop.sock_accept(listener)
        except OSError as error:  # it hung up while it waited, or there are no descriptors left
            log.warning("a mail server's connection was not accepted: %s", type(error).__name__)
            await asyncio.sleep(_TICK_SECONDS)
            continue
        await loop.connect_accepted_socket(lambda: _Line(post), connection)
