"""Do the sealed private halves of keys look as they must? What can be said of them without a key.

Whether one opens, only who holds the recipient's key can tell; the trail holds no digest of them. But each is a frame
that names the generation of the key it is sealed to and of the one that it holds, and all have one size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from store.frame import HEADER_SIZE, Header, Mode
from store.keypairs import SEED_SIZE
from store.rows import table_of
from store.schema import KeyPair, SealedSeed
from store.sealing import frame_size

_SEEDS = table_of(SealedSeed)
_OF = table_of(KeyPair).alias("held")
_TO = table_of(KeyPair).alias("recipient")
_SIZE = frame_size(SEED_SIZE)
_AT_ONCE = 1000


@dataclass(frozen=True)
class OddSeed:
    """A sealed private half that cannot be what Meldpost wrote there. `owner`: of the key pair, empty for the desk."""

    key_pair_id: str
    kind: str
    owner: str
    recipient_id: str


def odd_seeds(session: Session, desk: str, recipient_id: str | None = None) -> Iterator[OddSeed]:
    """Those of a desk, or those sealed to one key pair alone, in constant memory."""
    found = (
        select(
            _OF.c.id,
            _OF.c.kind,
            _OF.c.owner,
            _OF.c.generation,
            _TO.c.id.label("recipient_id"),
            _TO.c.generation.label("to_generation"),
            type_coerce(func.substr(_SEEDS.c.frame, 1, HEADER_SIZE), NullType()).label("head"),
            func.length(_SEEDS.c.frame).label("size"),
        )
        .join(_OF, _OF.c.id == _SEEDS.c.key_pair_id)
        .join(_TO, _TO.c.id == _SEEDS.c.recipient_key_pair_id)
        .where(_OF.c.desk == desk)
    )
    if recipient_id is not None:
        found = found.where(_SEEDS.c.recipient_key_pair_id == recipient_id)
    for row in session.execute(found, execution_options={"yield_per": _AT_ONCE}):
        if row.size != _SIZE or row.head != _head(row):
            yield OddSeed(row.id, row.kind, row.owner, row.recipient_id)


def _head(row: Any) -> bytes:
    return Header(Mode.ONE_SHOT, row.to_generation, row.generation).to_bytes()
