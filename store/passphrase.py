"""Wrapping the seed of a member's key pair under a passphrase.

Argon2id (RFC 9106) makes guessing dear; its output is then mixed, by HKDF, with a secret that lies outside the
database, so that whoever steals the database alone cannot even begin to guess. The parameters stand in the wrapped
seed, so that later ones may be dearer. A derivation takes 128 MiB: whoever serves many people at once owns a
`Derivations` and passes it.
"""

from __future__ import annotations

import os
import struct
import threading
import unicodedata
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.keypairs import SEED_SIZE

_MAGIC = b"MPSW"
_VERSION = 1
_HEAD = struct.Struct(">4sBIIB16s12s")
_TAG = 16
_LABEL = b"meldpost wrapped seed"
_MIN_SECRET = 32


class WrongPassphrase(Exception):
    """The passphrase (or the secret beside the database) does not open this seed."""


class TooManyDerivations(Exception):
    """Others derive keys at this moment, and went on doing so; the caller may try again."""


class NotAWrappedSeed(Exception):
    """These bytes are no wrapped seed that this version reads, or ask for an absurd amount of work."""


@dataclass(frozen=True)
class Params:
    """The cost of one derivation.

    The default is RFC 9106's second choice (section 4) with twice its memory and one lane: what several cost here is
    said at `_SEVERAL_LANES`.
    """

    memory_kib: int = 128 * 1024
    iterations: int = 3
    lanes: int = 1

    def __post_init__(self) -> None:
        if not 128 * 1024 <= self.memory_kib <= 2 * 1024 * 1024:
            raise ValueError("Argon2id takes between 128 MiB and 2 GiB of memory here")
        if not (1 <= self.iterations <= 16 and 1 <= self.lanes <= 16):
            raise ValueError("Argon2id takes between 1 and 16 iterations and lanes here")

    def is_cheaper_than(self, other: Params) -> bool:
        """Would those others make a guess dearer, and be lower in nothing? Memory counts, and what is written to it."""
        mine, theirs = ((each.memory_kib, each.memory_kib * each.iterations) for each in (self, other))
        return mine != theirs and mine[0] <= theirs[0] and mine[1] <= theirs[1]


DEFAULT = Params()

_SEVERAL_LANES = threading.Lock()
"""Held while a derivation of several lanes runs. OpenSSL gives each lane a thread of one pool for the whole process,
and two derivations that each wait for the other's threads never end."""


class Derivations:
    """Lets at most so many derivations run at once; the others wait a while, and are then turned away."""

    def __init__(self, at_once: int = 2, patience_seconds: float = 10) -> None:
        self._slots = threading.BoundedSemaphore(at_once)
        self._patience = patience_seconds

    def __enter__(self) -> None:
        """Raises TooManyDerivations."""
        if not self._slots.acquire(timeout=self._patience):
            raise TooManyDerivations("too many people log in at this moment; try again in a minute")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()


def wrap_seed(
    seed: bytes,
    passphrase: str,
    secret: bytes,
    params: Params = DEFAULT,
    derivations: AbstractContextManager[None] | None = None,
) -> bytes:
    """Wrap a seed under a passphrase and the secret beside the database."""
    if len(seed) != SEED_SIZE:
        raise ValueError(f"a seed has {SEED_SIZE} bytes")
    head = _HEAD.pack(
        _MAGIC, _VERSION, params.memory_kib, params.iterations, params.lanes, os.urandom(16), os.urandom(12)
    )
    key = _key(head, params, passphrase, secret, derivations)
    return head + AESGCM(key).encrypt(head[-12:], seed, head)


def params_of(wrapped: bytes) -> Params:
    """What it cost to wrap this seed. Raises NotAWrappedSeed."""
    if len(wrapped) != _HEAD.size + SEED_SIZE + _TAG or not wrapped.startswith(_MAGIC + bytes([_VERSION])):
        raise NotAWrappedSeed("not a wrapped seed of a format that this version reads")
    _, _, memory, iterations, lanes, _, _ = _HEAD.unpack(wrapped[: _HEAD.size])
    try:
        return Params(memory, iterations, lanes)
    except ValueError as error:
        raise NotAWrappedSeed(f"the stored cost is out of bounds: {error}") from None


def unwrap_seed(
    wrapped: bytes, passphrase: str, secret: bytes, derivations: AbstractContextManager[None] | None = None
) -> bytes:
    """Give back the seed. Raises WrongPassphrase, NotAWrappedSeed."""
    params = params_of(wrapped)
    head = wrapped[: _HEAD.size]
    key = _key(head, params, passphrase, secret, derivations)
    try:
        return AESGCM(key).decrypt(head[-12:], wrapped[_HEAD.size :], head)
    except InvalidTag:
        raise WrongPassphrase("this passphrase does not open the key") from None


def _key(
    head: bytes, params: Params, passphrase: str, secret: bytes, derivations: AbstractContextManager[None] | None
) -> bytes:
    if len(secret) < _MIN_SECRET:
        raise ValueError(f"the passphrase secret has at least {_MIN_SECRET} bytes")
    salt = head[-28:-12]
    with derivations or nullcontext(), _SEVERAL_LANES if params.lanes > 1 else nullcontext():
        stretched = Argon2id(
            salt=salt, length=32, iterations=params.iterations, lanes=params.lanes, memory_cost=params.memory_kib
        ).derive(normalised(passphrase).encode())
    return HKDF(SHA256(), 32, secret, _LABEL + head).derive(stretched)


def normalised(passphrase: str) -> str:
    """Give the one spelling of a passphrase: NFKC, words parted by single spaces."""
    return " ".join(unicodedata.normalize("NFKC", passphrase).split())
