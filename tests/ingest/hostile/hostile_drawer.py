"""A process that draws and has been taken over; the name of the file says what it does."""

from __future__ import annotations

import json
import os
import time

from ingest.drawing import DRAWN, END, LENGTH, PAGE, REFUSED
from ingest.nursery_parent import Job

ANSWERS = {
    "nothing at all": END,
    "garbage": b"\xff" * 4096,
    "a page that is too wide": DRAWN + PAGE.pack(1, 1, 60_000, 1) + bytes(180_000),
    "a page of nothing": DRAWN + PAGE.pack(1, 1, 0, 0) + END,
    "another page than was asked": DRAWN + PAGE.pack(2, 2, 1, 1) + b"abc" + END,
    "a page of none": DRAWN + PAGE.pack(1, 0, 1, 1) + b"abc" + END,
    "half a page": DRAWN + PAGE.pack(1, 1, 2, 2) + b"abc",
    "a reason that there is not": REFUSED + b"\xff",
    "more pages than were asked": b"".join(DRAWN + PAGE.pack(number, 2, 1, 1) + b"abc" for number in (1, 2)) + END,
}


def serve(job: Job) -> None:
    name = json.loads(job.reply.recv(LENGTH.unpack(job.reply.recv(LENGTH.size))[0]))["name"]
    if name == "hang":
        while True:
            time.monotonic()
    if name == "die":
        os._exit(1)
    job.reply.sendall(ANSWERS[name])
