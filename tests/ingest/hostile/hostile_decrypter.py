"""A decrypter that has been taken over; what comes as a certificate says what it does."""

from __future__ import annotations

import json
import os
import time

from ingest.nursery_parent import Job
from ingest.probe import attempts
from ingest.protection import decrypter
from ingest.protection.unseal import unseal
from ingest.protection.values import FRAME, LENGTH, PIECE, question_of

prepare = decrypter.prepare


def serve(job: Job) -> None:
    (length,) = LENGTH.unpack(job.reply.recv(LENGTH.size))
    head = job.reply.recv(length)
    (size,) = LENGTH.unpack(job.reply.recv(LENGTH.size))
    question = question_of(head, job.reply.recv(size) if size else b"")
    order = question.certificates[0] if question.certificates else b""
    if order == b"die":
        os._exit(1)
    elif order == b"hang":
        while True:
            time.monotonic()
    elif order == b"garbage":
        job.reply.sendall(b"\xff" * 4096)
    elif order == b"flood":
        while True:
            job.reply.sendall(FRAME.pack(b"C", PIECE) + bytes(PIECE))
    elif order == b"lie":
        answer = {"opened": True, "encrypted": False, "reason": "x", "signatures": [], "sender_keys": []}
        _answer(job, json.dumps(answer).encode())
    elif order == b"reach":
        unseal(question)  # whatever the libraries do with a message, they did it
        _content(job, json.dumps(attempts()).encode())


def _content(job: Job, content: bytes) -> None:
    job.reply.sendall(FRAME.pack(b"C", len(content)) + content)
    answer = {"opened": True, "encrypted": True, "reason": None, "signatures": [], "sender_keys": []}
    _answer(job, json.dumps(answer).encode())


def _answer(job: Job, answer: bytes) -> None:
    job.reply.sendall(FRAME.pack(b"A", len(answer)) + answer)
