"""A reader whose libraries die, hang or swell on a file, each in the way that the file's kind says."""

from __future__ import annotations

import ctypes
import time

from ingest import reader
from ingest.attachments import reading
from ingest.attachments.kinds import Kind
from ingest.attachments.task import FileText, Task

serve = reader.serve


def prepare(argument: str | None) -> reader.Tools:
    tools = reader.prepare(argument)
    readers = dict(reading.READERS)
    readers.update({Kind.RTF: _swell, Kind.PDF: _die, Kind.PICTURE: _hang})
    reading.READERS = readers
    return tools


def _die(_: bytes, __: Task) -> FileText:
    ctypes.string_at(0)
    raise AssertionError("this machine has something at address 0")


def _hang(_: bytes, __: Task) -> FileText:
    while True:
        time.monotonic()


def _swell(_: bytes, __: Task) -> FileText:
    hoard = []
    while True:
        hoard.append(bytearray(16 * 1024 * 1024))
