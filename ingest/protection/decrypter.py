"""What a decrypter does between its isolation and its end: open one layer with the keys it is given, answer, go.

Runs in a nursery's child. The nursery never holds a key: it comes over the line, to this one child.
"""

from __future__ import annotations

import socket

from ingest.charsets import load_all_codecs
from ingest.nursery_parent import Job
from ingest.protection import unseal
from ingest.protection.values import FRAME, LENGTH, PIECE, answer_of, question_of
from ingest.protection.warm_up import warm_up


def prepare(_: str | None) -> None:
    """Take the ways once that a library goes with files at hand only: in a child there are none."""
    load_all_codecs()  # names in certificates are written in many
    warm_up()


def serve(job: Job) -> None:
    (length,) = LENGTH.unpack(_exactly(job.reply, LENGTH.size))
    head = _exactly(job.reply, length)
    (size,) = LENGTH.unpack(_exactly(job.reply, LENGTH.size))
    unsealed = unseal.unseal(question_of(head, _exactly(job.reply, size)))
    content = memoryview(unsealed.content or b"")
    for start in range(0, len(content), PIECE):
        _send(job.reply, b"C", content[start : start + PIECE])
    _send(job.reply, b"A", answer_of(unsealed))


def _send(line: socket.socket, kind: bytes, data: bytes | memoryview) -> None:
    line.sendall(FRAME.pack(kind, len(data)))
    line.sendall(data)


def _exactly(line: socket.socket, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = line.recv(min(size - len(pieces), PIECE))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)
