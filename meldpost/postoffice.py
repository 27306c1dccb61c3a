"""The demo's post office: an SMTP and an IMAP server on loopback that keep all mail in memory.

Every address that mail comes to has a mailbox here, with one password for all of them. Mail to ``user+anything@domain``
goes to ``user@domain``. For the demo and the tests only: it knows no TLS and would be no mail server on a real network.
"""

import asyncio
import secrets
import socket
import threading
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Identity, Login
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

HOST = "127.0.0.1"
IMAP_PORT = 1143
SMTP_PORT = 1025
LARGEST = 100_000_000

T = TypeVar("T")


class PostOffice:
    """Both servers, in a thread of their own. Use as a context manager."""

    def __init__(
        self,
        seen: Callable[[str, bytes], None] = lambda _recipient, _mail: None,
        *,
        imap_port: int = IMAP_PORT,
        smtp_port: int = SMTP_PORT,
        password: str | None = None,
    ) -> None:
        """`seen` is told of every mail that was delivered, and to whom, in the post office's own thread."""
        self._seen = seen
        self.password = password or secrets.token_urlsafe(9)
        self._imap = _listen(imap_port)
        self._smtp = _listen(smtp_port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="post office", daemon=True)
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self._mailboxes: _Mailboxes
        self._failure: BaseException | None = None

    @property
    def imap_port(self) -> int:
        return int(self._imap.getsockname()[1])

    @property
    def smtp_port(self) -> int:
        return int(self._smtp.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=5)

    def open_mailbox(self, address: str) -> None:
        """Make the mailbox of an address before mail comes to it."""
        self._inside(self._mailboxes.open(address))

    def mails_of(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """What lies in a mailbox now, oldest first."""
        return self._inside(self._mailboxes.contents(address, folder))

    def _inside(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that started us
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        config = _config()
        config.apply_context()
        login = Login(config)
        self._mailboxes = _Mailboxes(config, login, self.password)
        counter = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(login, config))
        imap = await asyncio.start_server(counter, sock=self._imap)
        smtp = await self._loop.create_server(self._smtp_protocol, sock=self._smtp)
        self._ready.set()
        async with imap, smtp:
            await self._stop.wait()
        clients = asyncio.all_tasks() - {asyncio.current_task()}
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _deliver(self, recipient: str, mail: bytes) -> None:
        await self._mailboxes.deliver(recipient, mail)
        self._seen(without_detail(recipient), mail)

    def _smtp_protocol(self) -> SMTP:
        handler = _Letterbox(self._deliver)
        return SMTP(handler, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="demo.example", loop=self._loop)


class _Mailboxes:
    """The IMAP server's store, seen from inside. Lives in the post office's loop."""

    def __init__(self, config: Config, login: Login, password: str) -> None:
        self._config = config
        self._login = login
        self._password = password

    async def open(self, address: str) -> str:
        name = without_detail(address)
        if name not in self._login.users_dict:
            self._login.users_dict[name] = UserMetadata(self._config, name, password=self._password)
        return name

    async def deliver(self, address: str, mail: bytes) -> None:
        name = await self.open(address)
        async with Identity(name, self._login, None, frozenset()).new_session() as session:
            await session.append_messages("INBOX", [AppendMessage(mail, datetime.now(UTC))])

    async def contents(self, address: str, folder: str) -> list[bytes]:
        sets = self._config.set_cache.get(without_detail(address))
        if sets is None:
            return []
        try:
            mailbox = await sets[0].get_mailbox(folder)
        except KeyError:
            return []
        return [bytes(await message.load_content(FetchRequirement.CONTENT)) async for message in mailbox.messages()]


class _Letterbox:
    """aiosmtpd's handler: takes mail to any address, and stamps it as a delivering server does (RFC 5321 §4.4)."""

    def __init__(self, deliver: Callable[[str, bytes], Awaitable[None]]) -> None:
        self._deliver = deliver

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        body = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        now = format_datetime(datetime.now(UTC))
        for recipient in envelope.rcpt_tos:
            stamp = (
                f"Return-Path: <{envelope.mail_from or ''}>\r\n"
                f"Delivered-To: {recipient}\r\n"
                f"Received: from {session.host_name or 'unknown'} by demo.example with ESMTP; {now}\r\n"
            )
            try:
                await self._deliver(recipient, stamp.encode() + body)
            except (ValueError, LookupError, RecursionError):
                return "554 5.6.0 this mail server cannot take a mail of this shape"
        return "250 2.0.0 taken"


def _config() -> Config:
    args = Namespace(passlib_cfg=None, proxy_protocol=None, inherited_sockets=None)
    return Config(
        args,
        demo_data=False,
        demo_user="",
        demo_password="",
        host=HOST,
        port=0,
        tls_enabled=False,
        hash_context=Cleartext(),
        invalid_user_sleep=0.1,
    )


def _listen(port: int) -> socket.socket:
    """The wanted port where it is free, else any."""
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # named, or asyncio leaves Nagle on
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.bind((HOST, 0))
    return listener


def without_detail(address: str) -> str:
    """The mailbox that an address belongs to: ``user+anything@domain`` is ``user@domain``."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}".lower()
