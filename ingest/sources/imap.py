"""An IMAP account (RFC 3501) as a source: UIDs, bodies in pieces, and the move to the done folder.

Nothing here depends on a flag: a mail that a person has read or marked is taken in like any other. Each method either
did what it says or raises one of the errors below; after `ConnectionLost` and `BadReply` the connection is of no use.
"""

import imaplib
import logging
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError
from imapclient.imapclient import JUNK

from access.credentials import Credential
from access.errors import AccessError, TokenRefused
from access.sasl import Exchange, choose
from config.errors import ConfigError
from config.faults import fault
from config.settings import MailboxSettings
from ingest.raw import RawMail
from ingest.sources.throttling import Rest, asked_to_rest

log = logging.getLogger(__name__)

PIECE = 1 << 20
"""Bodies are fetched in pieces of this size, so that memory does not grow with the mail."""

UID_WINDOW = 50_000
"""UIDs asked for in one SEARCH: imaplib gives up on a line above 1 MB, which 90,000 UIDs fill (mail-cases 4)."""

_PER_COMMAND = 500
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, IMAPClientError)
"""What imaplib and imapclient raise on an answer that makes no sense."""


class SourceError(Exception):
    """Something about a mailbox; the message names no mail's content."""


class CannotConnect(SourceError):
    """The server is not there, its certificate is not good, or it refuses the log-in."""


class NotTrusted(CannotConnect):
    """The server's certificate leads to no authority that we know, or is not its own."""


class LogInRefused(CannotConnect):
    """The server does not take the user, the password or the token."""


class Throttled(SourceError):
    """The server wants to be left alone for a while: `seconds`, or as long as it seems good (None)."""

    def __init__(self, rest: Rest) -> None:
        self.seconds = rest.seconds
        how_long = "" if rest.seconds is None else f" for {rest.seconds:.0f} s"
        super().__init__(
            f"the server asks us to wait{how_long}. If it goes on doing so: may the user open this mailbox, and does "
            "nothing else use up its limits?"
        )


class ConnectionLost(SourceError):
    """The server hung up, said BYE or did not answer in time."""


class BadReply(SourceError):
    """The server answered, but without what was asked for."""


class CannotMakeFolder(SourceError):
    """The done folder is not there, and the server does not let us make it."""


class Gone(SourceError):
    """The mail is not in its folder any more."""


class FolderMissing(SourceError):
    """There is no such folder."""


class MoveFailed(SourceError):
    """The mail is still in its folder after it was moved."""


@dataclass(frozen=True)
class Place:
    """Where a mail lies in an account."""

    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True)
class Announced:
    """What the server says of a mail. `size` may be wrong; `arrived_at` is its INTERNALDATE."""

    size: int
    arrived_at: datetime | None


@contextmanager
def connected(settings: MailboxSettings, credential: Credential) -> Iterator["Account"]:
    """A logged-in connection, closed at the end. Raises CannotConnect, Throttled."""
    client = log_in(settings, credential)
    try:
        yield Account(client)
    finally:
        close(client)


def log_in(settings: MailboxSettings, credential: Credential) -> IMAPClient:
    """Raises CannotConnect, whose message never holds a password or a token, and Throttled."""
    where = f"{settings.host}:{settings.port}"
    try:
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        timeout = SocketTimeout(settings.timeout_seconds, settings.timeout_seconds)
        tls = settings.security == "tls"
        client = IMAPClient(
            settings.host, settings.port, ssl=tls, ssl_context=context if tls else None, timeout=timeout
        )
    except ssl.SSLCertVerificationError as error:
        raise _not_trusted(where, error) from None
    except (OSError, imaplib.IMAP4.error) as error:
        _obey(error)
        raise CannotConnect(f"{where} cannot be reached: {_kind(error)}") from None
    client._imap.debug = 0  # imapclient traces every line it gets; ours carry mail
    client.normalise_times = False  # aware times, as the server gave them
    try:
        if settings.security == "starttls":
            client.starttls(context)
        if isinstance(credential, str):
            client.login(settings.user, credential)
        else:
            credential.log_in(lambda token: _show_token(client, settings, token))
    except LoginError as error:
        close(client)
        _obey(error)
        raise LogInRefused(f"{where} refuses the log-in: check the user name and the mailbox password") from None
    except AccessError as error:
        close(client)
        raise LogInRefused(f"{where}: {error}") from None
    except ssl.SSLCertVerificationError as error:  # by STARTTLS
        close(client)
        raise _not_trusted(where, error) from None
    except (ConfigError, Throttled):
        close(client)
        raise
    except (OSError, imaplib.IMAP4.error) as error:
        close(client)
        _obey(error)
        raise CannotConnect(f"{where} did not let us in: {_kind(error)}") from None
    return client


def _not_trusted(where: str, error: ssl.SSLCertVerificationError) -> NotTrusted:
    return NotTrusted(f"{where}: its TLS certificate is not trusted ({error.verify_message.rstrip('.')})")


def _show_token(client: IMAPClient, settings: MailboxSettings, token: str) -> None:
    """AUTHENTICATE (RFC 3501 §6.2.2). Raises AccessError: TokenRefused where another token may do better."""
    offered = [name.decode().upper().removeprefix("AUTH=") for name in client.capabilities()]
    exchange = Exchange(choose(offered), settings.user, token, settings.host, settings.port)
    try:
        client._imap.authenticate(exchange.mechanism.value, exchange)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        _obey(error)
        raise TokenRefused(
            f"the server refuses the token ({exchange.status or 'it does not say why'}). Is `user` the mailbox, and "
            "may the application open it?"
        ) from None
    client._cached_capabilities = None  # they are others after the log-in (RFC 3501 §6.1.1)


def close(client: IMAPClient) -> None:
    """Log out as far as the connection still can."""
    try:
        client.logout()
    except (OSError, imaplib.IMAP4.error):
        try:
            client.shutdown()
        except (OSError, imaplib.IMAP4.error):
            log.debug("a connection was already closed")


class Account:
    """One connection. Not for several threads."""

    def __init__(self, client: IMAPClient) -> None:
        self._client = client
        self._folder = ""
        self._uidvalidity = 0
        self._uidnext: int | None = None
        self._exists = 0

    def open(self, folder: str, *, readonly: bool = False) -> int:
        """Select a folder; gives its UIDVALIDITY. Raises FolderMissing."""
        with _answers():
            if not self._client.folder_exists(folder):
                raise FolderMissing("a configured folder is not on the server")
            answer = self._client.select_folder(folder, readonly=readonly)
            self._uidvalidity = int(answer[b"UIDVALIDITY"])
            self._exists = int(answer[b"EXISTS"])
            self._uidnext = int(answer[b"UIDNEXT"]) if b"UIDNEXT" in answer else None
        self._folder = folder
        return self._uidvalidity

    def uids(self) -> list[int]:
        """All UIDs of the open folder, oldest first: a snapshot, whatever comes or goes meanwhile (mail-cases 9-11)."""
        with _answers():
            if not self._exists:
                return []
            if self._exists <= UID_WINDOW:
                return sorted(self._search("UID", "1:*"))
            last = self._uidnext or max(self._search("UID", "*"), default=0) + 1
            found: set[int] = set()
            for first in range(1, last, UID_WINDOW):
                found.update(self._search("UID", f"{first}:{min(first + UID_WINDOW, last) - 1}"))
            return sorted(found)

    def has(self, uid: int) -> bool:
        with _answers():
            return uid in self._search("UID", str(uid))

    def announce(self, uid: int) -> Announced:
        """Size and time of arrival. Raises Gone, and BadReply where the server gives no size."""
        with _answers():
            answer = self._fetch(uid, "RFC822.SIZE", "INTERNALDATE")
            return Announced(int(answer[b"RFC822.SIZE"]), _utc(answer.get(b"INTERNALDATE")))

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        with _answers():
            for at in range(0, len(uids), _PER_COMMAND):
                answers = self._client.fetch(list(uids[at : at + _PER_COMMAND]), ["RFC822.SIZE"])
                found |= {uid: int(answer[b"RFC822.SIZE"]) for uid, answer in answers.items()}
        return found

    def fetch(self, uid: int, size: int) -> RawMail:
        """The mail's bytes, unmarked (BODY.PEEK). Raises Gone, and BadReply where the server does not give them all."""
        raw = RawMail.from_chunks(self._pieces(uid))
        if raw.size >= size:
            return raw
        with raw:  # some servers announce a wrong size, but none gives the same wrong body twice
            again = RawMail.from_chunks(self._pieces(uid))
        if raw.size and again.size == raw.size:
            return again
        again.close()
        raise BadReply("the server gave a mail without its whole body")

    def _pieces(self, uid: int) -> Iterator[bytes]:
        offset = 0
        while True:
            with _answers():
                piece = _body(self._fetch(uid, f"BODY.PEEK[]<{offset}.{PIECE}>"), offset)
            if piece:
                yield piece
            offset += len(piece)
            if len(piece) < PIECE:
                return

    def _fetch(self, uid: int, *items: str) -> dict[bytes, Any]:
        answer: dict[bytes, Any] = self._client.fetch([uid], list(items)).get(uid, {})
        if not answer and uid not in self._search("UID", str(uid)):
            raise Gone("a mail left its folder before it was taken in")
        return answer

    def ensure(self, folder: str) -> str:
        """The name under which the folder is there: made when missing, inside the personal namespace (RFC 2342).

        Raises CannotMakeFolder.
        """
        with _answers():
            if self._client.folder_exists(folder):
                return folder
            name = self._prefixed(folder)
            if not self._client.folder_exists(name):
                self._create(name)
            return name

    def junk_folder(self) -> str | None:
        """Where the server puts what it takes for junk, if it has such a folder (RFC 6154, or a usual name)."""
        with _answers():
            found = self._client.find_special_folder(JUNK)
            return None if found is None else str(found)

    def _create(self, folder: str) -> None:
        try:
            self._client.create_folder(folder)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            raise CannotMakeFolder(
                "The server does not let us make the done folder. Make it by hand, or name another in done_folder."
            ) from None
        log.info("the done folder was made")

    def set_aside(
        self, uid: int, folder: str, *, copying: Callable[[], None], copied: Place | None = None
    ) -> Place | None:
        """Move a mail of the open folder to `folder`; gives its new place where the server tells it.

        Where MOVE (RFC 6851) is missing: COPY, then expunge that one mail. `copying` is called before a copy begins;
        `copied` says that a copy is already there. Raises MoveFailed.
        """
        fault("before-move")
        with _answers():
            if self._client.has_capability("MOVE") and copied is None:
                self._client._imap.response("COPYUID")  # forget an earlier one
                self._client.move([uid], folder)
                place = self._place_of_copy(uid, folder)
            else:
                place = copied or self._copy(uid, folder, copying)
                fault("between-copy-and-expunge")
                self._expunge_one(uid)
        fault("after-move")
        if self.has(uid):  # imapclient's move reports success for mails that were not there (mail-cases 12)
            raise MoveFailed("the server did not move a mail")
        return place

    def expunge(self, uids: Iterable[int]) -> None:
        """Remove these mails of the open folder for good, and no others."""
        with _answers():
            for uid in uids:
                self._expunge_one(uid)

    def _copy(self, uid: int, folder: str, copying: Callable[[], None]) -> Place | None:
        copying()
        self._client._imap.response("COPYUID")
        self._client.copy([uid], folder)
        return self._place_of_copy(uid, folder)

    def _expunge_one(self, uid: int) -> None:
        """Where UID EXPUNGE (RFC 4315) is missing, marks that others made are taken off and put back, so that EXPUNGE
        takes this mail alone. A crash in between leaves a mail unmarked, never lost."""
        if self._client.has_capability("UIDPLUS"):
            self._client.add_flags([uid], [rb"\Deleted"], silent=True)
            self._client.uid_expunge([uid])
            return
        others = [other for other in self._search("DELETED") if other != uid]
        for batch in _batches(others):
            self._client.remove_flags(batch, [rb"\Deleted"], silent=True)
        try:
            self._client.add_flags([uid], [rb"\Deleted"], silent=True)
            self._client.expunge()
        finally:
            for batch in _batches(others):
                self._client.add_flags(batch, [rb"\Deleted"], silent=True)

    def _place_of_copy(self, uid: int, folder: str) -> Place | None:
        """From the COPYUID answer (RFC 4315 §3): UIDVALIDITY there, UID here, UID there."""
        _, answers = self._client._imap.response("COPYUID")
        for answer in answers or ():
            words = (answer or b"").split()
            if len(words) == 3 and words[1] == str(uid).encode() and words[0].isdigit() and words[2].isdigit():
                return Place(folder, int(words[0]), int(words[2]))
        return None

    def _prefixed(self, folder: str) -> str:
        if not self._client.has_capability("NAMESPACE"):
            return folder
        personal = self._client.namespace().personal
        prefix = str(personal[0][0]) if personal else ""
        return folder if folder.startswith(prefix) else prefix + folder

    def _search(self, *criteria: str) -> list[int]:
        # without CHARSET, which some servers refuse (mail-cases 26)
        return [int(uid) for uid in self._client.search(list(criteria))]


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what imaplib and imapclient raise into our own errors; none of theirs is repeated, since they quote."""
    try:
        yield
    except SourceError:
        raise
    except (imaplib.IMAP4.abort, OSError, EOFError) as error:
        _obey(error)
        raise ConnectionLost(f"the server hung up: {_kind(error)}") from None
    except CapabilityError:
        raise BadReply("the server cannot do what was asked of it") from None
    except NONSENSE as error:
        _obey(error)
        raise BadReply(f"the server's answer makes no sense: {_kind(error)}") from None


def _obey(error: BaseException) -> None:
    """mail-cases 28, 30: raises Throttled where the server said that it wants to rest."""
    rest = asked_to_rest(error)
    if rest is not None:
        raise Throttled(rest) from None


def _body(answer: dict[bytes, Any], offset: int) -> bytes:
    """The one body in a FETCH answer. A server may give NIL for nothing left, but must give something."""
    keys = [key for key in answer if key.upper().startswith(b"BODY[]")]
    if len(keys) != 1:
        raise BadReply("the server answered without a body")
    value = answer[keys[0]]
    if value is None and offset:
        return b""
    if not isinstance(value, bytes) or len(value) > PIECE:
        raise BadReply("the server answered with something that is no body")
    return value


def _batches(uids: Sequence[int]) -> Iterator[list[int]]:
    for at in range(0, len(uids), _PER_COMMAND):
        yield list(uids[at : at + _PER_COMMAND])


def _utc(moment: object) -> datetime | None:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return None
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _kind(error: BaseException) -> str:
    """The kind of an error, and its cause where that cannot quote a mail."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or type(error).__name__}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
