"""What clamd says of a mail and of each file in it (INSTREAM of clamd(8)). Nothing is clean that clamd did not call so.

The package `clamd` is old and shows a stream beyond clamd's limit as a broken pipe (mail-cases 59); this is the one
command of it that we need. A mail is taken in whatever comes of its scan.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from config.settings import ScannerSettings
from ingest.mail import ParsedMail, Scan
from ingest.raw import RawMail

UNSCANNED = Scan("unscanned")

_PIECE = 64 * 1024
_LENGTH = struct.Struct("!I")
_LONGEST_ANSWER = 4096
_FOUND = re.compile(r"stream: (.{1,1000}) FOUND")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/(){}-]{0,199}")


class NoAnswer(Exception):
    """clamd did not answer, or not in time."""


@dataclass(frozen=True)
class _Deadline:
    at: float
    """By the clock that no one sets, in seconds."""

    def left(self) -> float:
        """Seconds, more than 0. Raises NoAnswer where none are left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise NoAnswer
        return left


@dataclass(frozen=True)
class Scanner:
    settings: ScannerSettings

    @classmethod
    def of(cls, settings: ScannerSettings) -> Scanner | None:
        """None where none is configured."""
        return cls(settings) if settings.is_configured else None

    def scan(self, chunks: Iterable[bytes], size: int, deadline: _Deadline | None = None) -> Scan:
        """Raises NoAnswer where clamd is gone or late: then there is no use in asking for the next file."""
        if size > self.settings.max_bytes:
            return UNSCANNED
        deadline = deadline or self.deadline()
        with self._connected(deadline) as line:
            with suppress(BrokenPipeError, ConnectionResetError):  # beyond its limit it answers, and hangs up
                _send_stream(line, chunks, deadline)
            return _result(_answer(line, deadline))

    def deadline(self) -> _Deadline:
        """For all that is asked about one mail from now on."""
        return _Deadline(time.monotonic() + self.settings.timeout_seconds)

    def ping(self) -> None:
        """Raises NoAnswer."""
        deadline = self.deadline()
        with self._connected(deadline) as line:
            try:
                line.sendall(b"zPING\0")
            except OSError:
                raise NoAnswer from None
            if _answer(line, deadline) != "PONG":
                raise NoAnswer

    def _connected(self, deadline: _Deadline) -> socket.socket:
        timeout = deadline.left()
        try:
            if self.settings.socket is None:
                return socket.create_connection((self.settings.host, self.settings.port), timeout)
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                line.settimeout(timeout)
                line.connect(str(self.settings.socket))
            except OSError:
                line.close()
                raise
        except OSError:
            raise NoAnswer from None
        return line


def _answer(line: socket.socket, deadline: _Deadline) -> str:
    """Up to the NUL that ends it, however it drips in; "" where it was cut off before that, and so may be another."""
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
        line.settimeout(deadline.left())
        try:
            piece = line.recv(_LONGEST_ANSWER)
        except OSError:
            raise NoAnswer from None
        if not piece:
            return ""
        answer += piece
    return answer.removesuffix(b"\0").decode("ascii", "replace")


def _send_stream(line: socket.socket, chunks: Iterable[bytes], deadline: _Deadline) -> None:
    try:
        line.sendall(b"zINSTREAM\0")
        for chunk in chunks:
            for start in range(0, len(chunk), _PIECE):
                piece = chunk[start : start + _PIECE]
                line.settimeout(deadline.left())
                line.sendall(_LENGTH.pack(len(piece)) + piece)
        line.sendall(_LENGTH.pack(0))
    except TimeoutError:
        raise NoAnswer from None


def _result(answer: str) -> Scan:
    if answer == "stream: OK":
        return Scan("clean")
    found = _FOUND.fullmatch(answer)
    if found:
        return Scan("found", found[1] if _NAME.fullmatch(found[1]) else "")
    return UNSCANNED


def scanned(mail: ParsedMail, raw: RawMail, scanner: Scanner | None) -> ParsedMail:
    """The mail with what the scanner says of it and of its files; None each, where no scanner is configured."""
    if scanner is None:
        return mail
    asked = _Asked(scanner)
    return replace(
        mail,
        scan=asked.scan(raw.chunks(), raw.size),
        attachments=tuple(replace(each, scan=asked.scan(each.chunks(), each.size)) for each in mail.attachments),
    )


class _Asked:
    """Once it gave no answer, or time is over, it is not asked again for this mail: a mail may have hundreds of files,
    and whoever waits for the mail takes a worker that is at it too long for one that hangs."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._deadline = scanner.deadline()
        self._answers = True

    def scan(self, chunks: Iterable[bytes], size: int) -> Scan:
        if not self._answers:
            return UNSCANNED
        try:
            return self._scanner.scan(chunks, size, self._deadline)
        except NoAnswer:
            self._answers = False
            return UNSCANNED
