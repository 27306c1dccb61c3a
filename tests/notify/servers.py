"""A mail server that says what a test tells it to, and keeps what it was given."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Self

DROP = "drop"
"""End the connection instead of answering."""

DRIP = "drip"
"""Answer one byte at a time, for ever as a sender sees it: each read succeeds, the answer never ends."""

OK = {
    "": "220 server.example",
    "EHLO": "250-server.example\r\n250 8BITMIME",
    "RSET": "250 ok",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}


@dataclass
class Taken:
    """A mail whose data arrived whole, whatever was answered."""

    sender: str
    recipient: str
    data: bytes
    answered: str

    @property
    def message_id(self) -> str:
        return str(message_from_bytes(self.data)["Message-ID"])


@dataclass
class ScriptedServer:
    """Answers as `OK` says, but for `replies`: one for each verb, the last of a list for good."""

    replies: Mapping[str, str | list[str]] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._left = {verb: [one] if isinstance(one, str) else list(one) for verb, one in self.replies.items()}
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
        self._listening.close()

    def verbs(self) -> list[str]:
        return [command.partition(" ")[0].upper() for command in self.commands]

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            envelope = {"MAIL": "", "RCPT": ""}
            if self._answer(connection, "") is None:
                return
            for line in lines:
                verb = line.decode().split(" ")[0].strip().upper()
                self.commands.append(line.decode().strip())
                if verb in envelope:
                    envelope[verb] = line.decode().partition("<")[2].partition(">")[0]
                code = self._answer(connection, verb)
                if code is None:
                    return
                if verb == "DATA" and code == "354":
                    data = b"".join(_until_dot(lines))
                    taken = Taken(envelope["MAIL"], envelope["RCPT"], data, self._next("."))
                    self.taken.append(taken)
                    if not self._say(connection, taken.answered):
                        return

    def _answer(self, connection: socket.socket, verb: str) -> str | None:
        """The code that was answered; None where the line is to end."""
        reply = self._next(verb)
        return reply[:3] if self._say(connection, reply) else None

    def _next(self, verb: str) -> str:
        left = self._left.get(verb)
        if not left:
            return OK.get(verb, "500 what?")
        return left.pop(0) if len(left) > 1 else left[0]

    def _say(self, connection: socket.socket, reply: str) -> bool:
        if reply == DROP:
            return False
        if reply == DRIP:
            connection.sendall(b"250-")
            for _ in range(80):
                connection.sendall(b"x")
                self._ended.wait(0.1)
            reply = "\r\n250 at last"
        connection.sendall(reply.encode() + b"\r\n")
        return True


def _until_dot(lines: Iterator[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line == b".\r\n":
            return
        yield line[1:] if line.startswith(b".") else line
