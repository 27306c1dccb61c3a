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
class Scanner:
    settings: ScannerSettings

    @classmethod
    def of(cls, settings: ScannerSettings) -> Scanner | None:
        """None where none is configured."""
        return cls(settings) if settings.is_configured else None

    def scan(self, chunks: Iterable[bytes], size: int) -> Scan:
        """Raises NoAnswer where clamd is gone or late: then there is no use in asking for the next file."""
        if size > self.settings.max_bytes:
            return UNSCANNED
        with self._connected() as line:
            with suppress(BrokenPipeError, ConnectionResetError):  # beyond its limit it answers, and hangs up
                _send_stream(line, chunks)
            return _result(self._answer(line))

    def ping(self) -> None:
        """Raises NoAnswer."""
        with self._connected() as line:
            try:
                line.sendall(b"zPING\0")
            except OSError:
                raise NoAnswer from None
            if self._answer(line) != "PONG":
                raise NoAnswer

    def _connected(self) -> socket.socket:
        timeout = self.settings.timeout_seconds
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

    def _answer(self, line: socket.socket) -> str:
        """Up to its end, however it drips in."""
        deadline = time.monotonic() + self.settings.timeout_seconds
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NoAnswer
            line.settimeout(left)
            try:
                piece = line.recv(_LONGEST_ANSWER)
            except OSError:
                raise NoAnswer from None
            if not piece:
                break
            answer += piece
        return answer.rstrip(b"\0\n").decode("ascii", "replace")


def _send_stream(line: socket.socket, chunks: Iterable[bytes]) -> None:
    try:
        line.sendall(b"zINSTREAM\0")
        for chunk in chunks:
            for start in range(0, len(chunk), _PIECE):
                piece = chunk[start : start + _PIECE]
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
    """Once it gave no answer, it is not asked again for this mail: a mail may have hundreds of files."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._answers = True

    def scan(self, chunks: Iterable[bytes], size: int) -> Scan:
        if not self._answers:
            return UNSCANNED
        try:
            return self._scanner.scan(chunks, size)
        except NoAnswer:
            self._answers = False
            return UNSCANNED
