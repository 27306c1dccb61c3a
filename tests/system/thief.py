"""Whoever took a copy of the database, and tries every key at hand on everything that is sealed in it."""

import base64
import binascii
import itertools
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import records
from store.keypairs import PrivateKey
from store.keyring import KeyRing, NoSuchKey
from store.schema import KeyPair, Record
from store.sealing import SealError


@dataclass(frozen=True)
class Loot:
    """What opened: ids of cases, and how many records out of how many."""

    cases: frozenset[str]
    records: int
    of: int


def try_all(session: Session, desk: str, keys: Iterable[PrivateKey]) -> Loot:
    """Try each key as the private half of every key pair, and so on with whatever that opens."""
    pairs = list(session.scalars(select(KeyPair.id)))
    rows = list(session.scalars(select(Record)))
    opened: dict[str, str] = {}
    for key in keys:
        ring = KeyRing("thief", desk, "thief", dict.fromkeys(pairs, key))
        _try_ring(session, ring, rows, opened)
    return _loot(rows, opened)


def open_with(session: Session, ring: KeyRing) -> Loot:
    """Open what a member's key ring opens."""
    rows = list(session.scalars(select(Record)))
    opened: dict[str, str] = {}
    _try_ring(session, ring, rows, opened)
    return _loot(rows, opened)


def _try_ring(session: Session, ring: KeyRing, rows: list[Record], opened: dict[str, str]) -> None:
    own = KeyRing("thief", ring.desk, "thief", {})
    for row in rows:
        if row.id in opened:
            continue
        for candidate in (ring, _through_seeds(session, ring, row.key_pair_id) or own):
            with suppress(SealError, NoSuchKey):
                for _ in records._open(session, candidate, row):  # a thief asks nobody who wrote it
                    pass
                opened[row.id] = row.case_id or ""
                break


def _through_seeds(session: Session, ring: KeyRing, key_pair_id: str) -> KeyRing | None:
    """The same ring without the assumed key for this pair, so that it is looked for among the sealed seeds."""
    others = {pair: key for pair, key in ring.privates.items() if pair != key_pair_id}
    with suppress(NoSuchKey, SealError):
        private = KeyRing("thief", ring.desk, "thief", others).private(session, key_pair_id)
        return KeyRing("thief", ring.desk, "thief", {key_pair_id: private})
    return None


def _loot(rows: list[Record], opened: dict[str, str]) -> Loot:
    return Loot(frozenset(case for case in opened.values() if case), len(opened), len(rows))


def keys_in(paths: Iterable[Path]) -> list[PrivateKey]:
    """Give everything in these files that could be a seed: raw, base64 or hexadecimal, at any place of 32 bytes."""
    seeds: set[bytes] = set()
    for path in paths:
        seeds.update(_seeds_in(path.read_bytes()))
    return [PrivateKey.from_seed(seed) for seed in sorted(seeds)]


def _seeds_in(content: bytes) -> Iterator[bytes]:
    for word in itertools.chain([content], content.split()):
        word = word.strip(b"\"',")
        if len(word) == 32:
            yield word
        with suppress(binascii.Error, ValueError):
            decoded = base64.b64decode(word, validate=True)
            yield from (decoded[at : at + 32] for at in range(0, len(decoded) - 31, 32))
        with suppress(ValueError):
            decoded = bytes.fromhex(word.decode("ascii", "replace"))
            yield from (decoded[at : at + 32] for at in range(0, len(decoded) - 31, 32))
