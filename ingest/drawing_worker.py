"""Draws the pages of one file, between its isolation and its end. Runs in a nursery's child."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict

from PIL import Image

from ingest.attachments.drawn import CannotDraw, Drawing, Reason, Wanted, draw
from ingest.attachments.pictures import FORMATS
from ingest.attachments.warm_up import PDF
from ingest.drawing import DRAWN, END, LENGTH, PAGE, REFUSED
from ingest.nursery_parent import Job
from ingest.raw import read_range


def prepare(_: str | None) -> None:
    """Draw one of each once, so that whatever is imported late is there before the files go."""
    for data in (PDF, *map(_picture, FORMATS)):
        for drawing in draw(data, "", "", Wanted(longest=10)):
            list(_frame(drawing))
    json.loads(json.dumps(asdict(Wanted())))


def serve(job: Job) -> None:
    if job.descriptor is None:
        raise ValueError("there is no file to draw")
    asked = json.loads(_exactly(job, LENGTH.unpack(_exactly(job, LENGTH.size))[0]))
    data = b"".join(read_range(job.descriptor, 0, job.size))
    try:
        for drawing in draw(data, asked["name"], asked["content_type"], Wanted(**asked["wanted"])):
            for piece in _frame(drawing):
                job.reply.sendall(piece)
        job.reply.sendall(END)
    except CannotDraw as refusal:
        job.reply.sendall(REFUSED + bytes([list(Reason).index(refusal.reason)]))
    except MemoryError:
        job.reply.sendall(REFUSED + bytes([list(Reason).index(Reason.BOUNDS)]))


def _frame(drawing: Drawing) -> Iterator[bytes]:
    yield DRAWN + PAGE.pack(drawing.number, drawing.pages, drawing.width, drawing.height)
    yield drawing.pixels


def _exactly(job: Job, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = job.reply.recv(size - len(pieces))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)


def _picture(format_: str) -> bytes:
    held = io.BytesIO()
    Image.new("L", (30, 10), 255).save(held, format_)
    return held.getvalue()
