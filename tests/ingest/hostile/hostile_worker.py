"""A triage worker that has been taken over; the subject of the mail says what it does."""

from __future__ import annotations

import json
import os
import struct
import time

from ingest.nursery_parent import Job

_LENGTH = struct.Struct("!I")


def serve(job: Job) -> None:
    while True:
        header = job.reply.recv(_LENGTH.size)
        if not header:
            return
        request = json.loads(job.reply.recv(_LENGTH.unpack(header)[0]))
        subject = request["subject"]
        if subject == "die":
            os._exit(1)
        elif subject == "hang":
            while True:
                time.monotonic()
        elif subject == "garbage":
            job.reply.sendall(b"\xff" * 4096)
        elif subject == "not json":
            job.reply.sendall(_LENGTH.pack(3) + b"{{{")
        elif subject == "deep":
            job.reply.sendall(_LENGTH.pack(200_000) + b"[" * 200_000)
        elif subject == "half":
            job.reply.sendall(_LENGTH.pack(100) + b"{")
            os._exit(0)
        elif subject == "other shape":
            answer = json.dumps({"language": 7}).encode()
            job.reply.sendall(_LENGTH.pack(len(answer)) + answer)
