"""One SMTP conversation: connect, log in, hand over mails, each within a hard limit on its whole transaction.

`smtplib` limits single reads and writes only; a server that answers one byte a minute would keep a mail beyond its
lease. So a watchdog shuts the socket down when the time of a transaction is over, whatever the server does.

No error here carries an address or a word of a server's answer: servers quote addresses in them.
"""

import contextlib
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from access.credentials import Credential
from access.errors import AccessError, TokenRefused
from access.sasl import Exchange, choose
from config.errors import ConfigError
from config.faults import fault
from config.settings import SmtpSettings

LINE_END = re.compile(rb"\r\n|\r|\n")
LEADING_DOT = re.compile(rb"(?m)^\.")


class SmtpError(Exception):
    """A mail was not handed over."""


class Unreachable(SmtpError):
    """The server cannot be used now: nothing was handed over, and no mail is to blame."""


class Deferred(SmtpError):
    """The server does not take this mail now (4xx)."""


class Refused(SmtpError):
    """The server will never take this mail (5xx)."""


class NeedsSmtputf8(SmtpError):
    """The recipient's address can only be written with SMTPUTF8 (RFC 6531), which the server does not offer."""


class Uncertain(SmtpError):
    """The connection ended between DATA and its answer: only the server knows whether it took the mail."""


class NotOurs(SmtpError):
    """The mail was no longer this sender's own when it came to DATA: nothing was handed over."""


@dataclass(frozen=True)
class Letter:
    """What SMTP needs of a mail. `sender` is empty for the null reverse-path."""

    sender: str
    recipient: str
    mime: bytes


def seconds_awake_and_asleep() -> float:
    """A clock that goes on while the machine sleeps, as a lease in the database does; `time.monotonic` stands still."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Watchdog:
    """Ends a connection when its time is over. Its timer sleeps with the machine, but `remaining` does not: who wakes
    late finds it over, and hands nothing over."""

    def __init__(self, seconds: float, clock: Callable[[], float] = seconds_awake_and_asleep) -> None:
        self._clock = clock
        self._ends = clock() + seconds
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._bark)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._release()

    @property
    def remaining(self) -> float:
        return self._ends - self._clock()

    def guard(self, connection: socket.socket) -> None:
        """Watch this connection. Its descriptor is duplicated, since TLS takes the socket object over."""
        with self._lock:
            self._release()
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
            if self.remaining <= 0:
                self._shut_down()

    def _bark(self) -> None:
        with self._lock:
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Client(smtplib.SMTP):
    """`smtplib`, with its socket under watch from the first moment and TLS from the first byte where wanted."""

    def __init__(self, settings: SmtpSettings, tls: ssl.SSLContext, watchdog: Watchdog) -> None:
        self._settings = settings
        self._tls = tls if settings.security == "tls" else None
        self._watchdog = watchdog
        timeout = min(settings.timeout_seconds, max(watchdog.remaining, 0.1))
        # without a local_hostname smtplib asks the DNS for one, which can take long
        super().__init__(settings.host, settings.port, local_hostname="localhost", timeout=timeout)
        name = socket.gethostname()
        self.local_hostname = name if "." in name else _literal(self._connected())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        self._watchdog.guard(connection)
        if self._tls is None:
            return connection
        return self._tls.wrap_socket(connection, server_hostname=host)

    def _connected(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        return self.sock

    def show_token(self, token: str) -> None:
        """AUTH (RFC 4954). Raises AccessError: TokenRefused where another token may do better."""
        settings = self._settings
        offered = str(self.esmtp_features.get("auth", "")).split()
        exchange = Exchange(choose(offered), settings.user, token, settings.host, settings.port)
        try:
            self.auth(exchange.mechanism.value, exchange)
        except smtplib.SMTPAuthenticationError as error:
            why = exchange.status or error.smtp_code
            raise TokenRefused(
                f"it refuses the token ({why}). Is [smtp] user the mailbox, and may the application send for it?"
            ) from None

    def watch(self, watchdog: Watchdog) -> None:
        watchdog.guard(self._connected())


class Connection:
    """A server that is ready to take mails. Use it as a context manager."""

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._begun = False

    @classmethod
    def open(cls, settings: SmtpSettings, credential: Credential | None, watchdog: Watchdog) -> Self:
        """Connect, secure the connection, log in. Raises Unreachable, which says what failed."""
        client: _Client | None = None
        try:
            tls = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
            client = _Client(settings, tls, watchdog)
            client.ehlo_or_helo_if_needed()
            if settings.security == "starttls":
                client.starttls(context=tls)  # raises where it is not offered: never goes on in clear
                client.ehlo()
            if isinstance(credential, str):
                client.login(settings.user, credential)
            elif credential is not None:
                credential.log_in(client.show_token)
        except AccessError as error:
            if client is not None:
                client.close()
            raise Unreachable(str(error)) from None
        except ConfigError:
            if client is not None:
                client.close()
            raise
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            if client is not None:
                client.close()
            raise Unreachable(_why(error, settings)) from None
        return cls(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye if the server still listens; never raises."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self._client.sock is not None:
                self._client.sock.settimeout(5)
                self._client.putcmd("QUIT")
        self._client.close()

    def hand_over(self, letter: Letter, watchdog: Watchdog, before_data: Callable[[], bool]) -> None:
        """One mail transaction (RFC 5321 §3.3). `before_data` commits that the mail may go out from now on, and says
        whether it is still ours.

        Raises Deferred, Refused, NeedsSmtputf8, NotOurs, Unreachable: surely not handed over. Raises Uncertain.
        """
        try:
            self._client.watch(watchdog)
            self._envelope(letter)
            if not before_data():
                raise NotOurs("another sender has this mail now")
            fault("before-data")
            _check_time(watchdog)
            self._expect(354, "DATA")
            _check_time(watchdog)
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(f"the connection was lost ({type(error).__name__})") from None
        try:
            self._client.send(_as_data(letter.mime))
            fault("after-data-before-reply")
            code, _ = self._client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise Uncertain(f"the connection was lost after DATA ({type(error).__name__})") from None
        if not 200 <= code < 600:
            raise Uncertain("the server's answer to DATA makes no sense")
        _check(250, code)

    def _envelope(self, letter: Letter) -> None:
        client = self._client
        client.command_encoding = "ascii"
        parameters = ""
        if not letter.recipient.isascii():
            if not client.has_extn("smtputf8"):
                raise NeedsSmtputf8("undeliverable without SMTPUTF8")
            client.command_encoding = "utf-8"
            parameters = " BODY=8BITMIME SMTPUTF8"  # RFC 6531 §3.1: who offers SMTPUTF8 offers 8BITMIME
        if self._begun:
            client.docmd("RSET")
        self._begun = True
        self._expect(250, "MAIL", f"FROM:<{letter.sender}>{parameters}")
        self._expect(250, "RCPT", f"TO:<{letter.recipient}>")

    def _expect(self, wanted: int, command: str, arguments: str = "") -> None:
        code, _ = self._client.docmd(command, arguments)
        _check(wanted, code)


def _check_time(watchdog: Watchdog) -> None:
    if watchdog.remaining <= 0:
        raise Unreachable("the time for this mail was over before it was handed over")


def _check(wanted: int, code: int) -> None:
    """RFC 5321 §4.2.1: the first digit decides."""
    if code // 100 == wanted // 100:
        return
    if code in (421, 530, 535, 538) or code < 400:  # closing (RFC 5321 §3.8) or wants a log-in (RFC 4954 §6)
        raise Unreachable(f"the server answered {code}")
    if code < 500:
        raise Deferred(f"the server answered {code}")
    raise Refused(f"the server answered {code}")


def _as_data(mime: bytes) -> bytes:
    """RFC 5321 §4.5.2: CRLF line ends, a dot before each leading dot, the final dot."""
    stuffed = LEADING_DOT.sub(b"..", LINE_END.sub(b"\r\n", mime))
    return stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _literal(connection: socket.socket) -> str:
    """RFC 5321 §4.1.3: who has no name says its address."""
    own = str(connection.getsockname()[0])
    return f"[IPv6:{own}]" if ":" in own else f"[{own}]"


def _why(error: Exception, settings: SmtpSettings) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "its certificate is not trusted; check [smtp] host, or name its authority in [smtp] ca_file"
        case ssl.SSLError():
            return f"TLS failed; does [smtp] security = {settings.security!r} fit port {settings.port}?"
        case socket.gaierror():
            return "its name was not found; check [smtp] host and the DNS"
        case ConnectionRefusedError():
            return "nothing listens there; check [smtp] host and port"
        case TimeoutError():
            return "it did not answer in time; check [smtp] host, port and security"
        case smtplib.SMTPAuthenticationError():
            return f"it refused the log-in ({error.smtp_code}); check [smtp] user and the secret smtp-password"
        case smtplib.SMTPNotSupportedError():
            return "it offers no STARTTLS or no log-in; check [smtp] security, port and user"
        case smtplib.SMTPResponseException():
            return f"it answered {error.smtp_code}; check [smtp] host, port and security"
        case _:
            return f"the connection failed ({type(error).__name__}); check [smtp] host, port and security"
