"""A TCP proxy in front of a mail server that breaks the line at the command that a test names, and only once."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

GARBAGE = b"* 7 FETCH (UID \xff\xfe (((\r\n) \x00 {\r\n+ what?\r\n* BAD [[\r\n"


class Break(StrEnum):
    """What happens to one command and its reply."""

    DROPPED = "dropped"  # the command never reaches the server
    UNANSWERED = "unanswered"  # the server does it, and the line breaks before its reply comes
    CUT = "cut"  # half of the reply comes: of a body, half of its literal
    STALLED = "stalled"  # half of the reply comes, and then nothing for ever
    GARBAGE = "garbage"  # the server does it, and what comes is nonsense
    GOODBYE = "goodbye"  # the server says BYE and hangs up


class _LineBroken(Exception):
    """The proxy hangs up on both."""


@dataclass
class BrokenLine:
    """Hands commands and replies on, one connection after the other, and breaks the line at command number `at`."""

    server_port: int
    how: Break
    at: int
    commands: int = 0
    """How many it has seen on all its connections."""
    broken_at: bytes = b""
    """The command that it broke the line at, without tag and arguments."""
    port: int = 0
    _ending: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def open(self) -> Iterator[BrokenLine]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])
            thread = threading.Thread(target=self._accept, args=(listener,))
            thread.start()
            try:
                yield self
            finally:
                self._ending.set()
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                thread.join(20)
                assert not thread.is_alive()

    def _accept(self, listener: socket.socket) -> None:
        while not self._ending.is_set():
            client, _ = listener.accept()
            with client, contextlib.suppress(_LineBroken, OSError):
                if not self._ending.is_set():
                    with socket.create_connection(("127.0.0.1", self.server_port), timeout=10) as server:
                        self._converse(client, server)

    def _converse(self, client: socket.socket, server: socket.socket) -> None:
        with client.makefile("rb") as commands, server.makefile("rb") as replies:
            client.sendall(replies.readline())
            while line := commands.readline():
                tag, command = line.split(maxsplit=1)
                self.commands += 1
                if self.commands == self.at:
                    self._break(client, server, replies, line, tag, command)
                else:
                    server.sendall(line)
                    client.sendall(_reply(replies, tag))

    def _break(
        self, client: socket.socket, server: socket.socket, replies: object, line: bytes, tag: bytes, command: bytes
    ) -> None:
        self.broken_at = b" ".join(command.split()[:2] if command.startswith(b"UID") else command.split()[:1])
        if self.how is Break.DROPPED:
            raise _LineBroken
        if self.how is Break.GOODBYE:
            client.sendall(b"* BYE temporary failure\r\n")
            raise _LineBroken
        server.sendall(line)
        reply = _reply(replies, tag)
        if self.how is Break.GARBAGE:
            client.sendall(GARBAGE)
        elif self.how in (Break.CUT, Break.STALLED):
            client.sendall(reply[: len(reply) // 2])
        if self.how is Break.STALLED:
            client.settimeout(20)
            client.recv(1)  # until the other side has had enough
        raise _LineBroken


@dataclass
class SilentIdle:
    """Hands all on, as many connections as there are, but of one that idles nothing ever gets through any more."""

    server_port: int
    port: int = 0
    idling: threading.Event = field(default_factory=threading.Event)
    lost: int = 0
    """Connections that idled and that the client gave up."""

    @contextlib.contextmanager
    def open(self) -> Iterator[SilentIdle]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield self

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(_LineBroken, OSError),
            client,
            socket.create_connection(("127.0.0.1", self.server_port), timeout=10) as server,
        ):
            self._converse(client, server)

    def _converse(self, client: socket.socket, server: socket.socket) -> None:
        with client.makefile("rb") as commands, server.makefile("rb") as replies:
            client.sendall(replies.readline())
            while line := commands.readline():
                tag, command = line.split(maxsplit=1)
                if command.strip().upper() == b"IDLE":
                    client.sendall(b"+ idling\r\n")
                    self.idling.set()
                    while commands.readline():
                        pass
                    self.lost += 1
                    return
                server.sendall(line)
                client.sendall(_reply(replies, tag))


def _reply(replies: object, tag: bytes) -> bytes:
    """All lines up to the tagged one, literals too."""
    whole = b""
    while True:
        line = replies.readline()  # type: ignore[attr-defined]
        if not line:
            raise _LineBroken
        whole += line
        if line.rstrip().endswith(b"}") and b"{" in line:
            size = int(line.rstrip().rpartition(b"{")[2].rstrip(b"}+"))
            whole += replies.read(size)  # type: ignore[attr-defined]
        elif line.startswith(tag + b" "):
            return whole
