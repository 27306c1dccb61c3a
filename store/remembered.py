"""Small sealed records as they were opened, in the memory of one process, for one member while they are logged in.

Opening is a function of sealed bytes and keys. So what came of it is found again by a digest of all that went in: the
record, what names it, and every seed by which the member's keys reach its key. These are read from the database each
time. A record that is sealed anew, or a key that is no longer sealed to the member, is another digest, and finds
nothing; nobody has to be told. No keys are kept.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from store.schema import Record

MOST = 4 * 1024 * 1024
"""Bytes of one member: the cards of some thousand cases."""


class Remembered:
    """For many threads. What was not asked for longest goes first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._opened: OrderedDict[bytes, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._wiped = False

    def __len__(self) -> int:
        with self._lock:
            return len(self._opened)

    def find(self, ticket: bytes) -> bytes | None:
        with self._lock:
            found = self._opened.get(ticket)
            if found is not None:
                self._opened.move_to_end(ticket)
            return found

    def keep(self, ticket: bytes, content: bytes) -> None:
        with self._lock:
            if self._wiped or ticket in self._opened:
                return
            self._opened[ticket] = content
            self._size += len(content)
            while self._size > self._most:
                _, gone = self._opened.popitem(last=False)
                self._size -= len(gone)

    def wipe(self) -> None:
        """Let go of everything, for good."""
        with self._lock:
            self._wiped = True
            self._opened.clear()
            self._size = 0


def ticket(record: Record, seeds: Sequence[Row[Any]]) -> bytes | None:
    """By what a record is found again; None where it is in pieces, or no seed leads to its key.

    `seeds`: the key's public half with each seed that is sealed to one of the member's keys, as `keyring` reads them.
    """
    if record.frame is None or not seeds:
        return None
    named = (record.desk, record.case_id, record.subject_id, record.kind, record.version, record.key_pair_id)
    parts: list[object] = [*named, record.sha256, record.frame]
    for seed in seeds:
        parts += seed
    digest = hashlib.sha256()
    for part in parts:
        encoded = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(b"%s %d " % (type(part).__name__.encode(), len(encoded)))
        digest.update(encoded)
    return digest.digest()
