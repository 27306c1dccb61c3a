"""What of a backup can be proved without any key: every sealed record is the one that the trail names, and the key
records are there.

That a key record opens is not among it: its head is in clear, the rest is not. Somebody with a passphrase shows that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store.copies import BackupError, Copies
from store.frame import HEADER_SIZE, Header, NotAFrame
from store.keypairs import KeyKind

_WITH_SEEDS = frozenset({KeyKind.DESK, KeyKind.CASE, KeyKind.IDENTITY})
"""Kinds whose private half stands in the database, sealed: of others it lies elsewhere."""


@dataclass(frozen=True)
class Proven:
    """`records` are as the trail names them; of `unnamed` it has no digest. `keys`: pairs whose key records
    are there."""

    records: int
    unnamed: int
    keys: int


def prove(database: Copies, content: Path, keys: Path) -> Proven:
    """Raises BackupError with what is wrong, of how many."""
    matching, unnamed, differing = _records(database, content)
    there, lacking, malformed = _keys(database, content, keys)
    wrong = [
        f"{count} {what}"
        for count, what in (
            (differing, "sealed records are not as the trail has them"),
            (lacking, "keys of cases or desks have no key record, so that nobody opens what is sealed to them"),
            (malformed, "key records are none"),
        )
        if count
    ]
    if wrong:
        raise BackupError(
            f"The files are as they were made, but what is in them does not open as it should: {'; '.join(wrong)}. "
            "The database was like this when it was backed up. Run `meldpost doctor` and `meldpost audit verify` on "
            "it, and keep an earlier backup."
        )
    return Proven(matching, unnamed, there)


@dataclass
class _Frame:
    """The digest of a frame whose pieces come in any order."""

    digest: Any = field(default_factory=hashlib.sha256)
    number: int = 0
    early: dict[int, bytes] = field(default_factory=dict)

    def add(self, number: int, piece: bytes) -> None:
        self.early[number] = piece
        while self.number in self.early:
            self.digest.update(self.early.pop(self.number))
            self.number += 1


def _records(database: Copies, content: Path) -> tuple[int, int, int]:
    """How many are as the trail has them, of how many it has no digest, and how many are otherwise."""
    newest: dict[tuple[str, str, str, int], tuple[int, bytes]] = {}
    for row in database.rows(content, "audit"):
        if row["sha256"] is not None:
            name = _name(row, "record_kind", "record_version")
            newest[name] = max(newest.get(name, (0, b"")), (int(row["id"]), row["sha256"]))
    frames: dict[str, _Frame] = {}
    for row in database.rows(content, "record_piece"):
        frames.setdefault(row["record_id"], _Frame()).add(int(row["number"]), row["frame"])
    matching = unnamed = differing = 0
    for row in database.rows(content, "record"):
        frame = frames.pop(row["id"], _Frame())
        if row["frame"] is not None:
            frame.add(frame.number, row["frame"])
        named = newest.get(_name(row, "kind", "version"))
        if frame.early or frame.digest.digest() != row["sha256"] or (named and named[1] != row["sha256"]):
            differing += 1
        elif named is None:
            unnamed += 1
        else:
            matching += 1
    return matching, unnamed, differing


def _keys(database: Copies, content: Path, keys: Path) -> tuple[int, int, int]:
    """Of how many pairs there are key records, of how many there are none, and how many records are none."""
    malformed, held = 0, set()
    for row in database.rows(keys, "sealed_seed"):
        if _is_frame(row["frame"]):
            held.add(row["key_pair_id"])
        else:
            malformed += 1
    malformed += sum(not row["wrapped_seed"] and row["retired_at"] is None for row in database.rows(keys, "member"))
    needed = set(_needed(database, content))
    return len(needed & held), len(needed - held), malformed


def _needed(database: Copies, content: Path) -> Iterator[str]:
    destroyed = {row["case_id"] for row in database.rows(content, "destruction")}
    for row in database.rows(content, "key_pair"):
        if row["kind"] in _WITH_SEEDS and row["retired_at"] is None and row["owner"] not in destroyed:
            yield row["id"]


def _is_frame(frame: bytes) -> bool:
    try:
        Header.from_bytes(frame)
    except NotAFrame:
        return False
    return len(frame) > HEADER_SIZE


def _name(row: Mapping[str, Any], kind: str, version: str) -> tuple[str, str, str, int]:
    return row["desk"], row["subject_id"], row[kind], int(row[version])
