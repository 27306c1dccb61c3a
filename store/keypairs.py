"""Hybrid key pairs: ML-KEM-768 with X25519, joined as X-Wing (draft-connolly-cfrg-xwing-kem) joins them.

A private key is its 32-byte seed and nothing else is ever stored of it. A public key is 1216 bytes: ML-KEM's 1184, then
X25519's 32.
"""

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

SEED_SIZE = 32
PUBLIC_SIZE = 1216
_MLKEM_PUBLIC_SIZE = 1184
_MLKEM_SEED_SIZE = 64
_FINGERPRINT_BYTES = 20


class KeyKind(StrEnum):
    """What a key pair is for."""

    MEMBER = "member"
    DESK = "desk"
    RECOVERY = "recovery"
    CASE = "case"
    IDENTITY = "identity"
    MAILER = "mailer"


class NotAKey(ValueError):
    """These bytes are no key of ours."""


@dataclass(frozen=True)
class PublicKey:
    """The half that seals."""

    _encoded: bytes

    @classmethod
    def from_bytes(cls, encoded: bytes) -> "PublicKey":
        """Read what `to_bytes` gave. Raises NotAKey."""
        key = cls(bytes(encoded))
        if len(encoded) != PUBLIC_SIZE:
            raise NotAKey(f"a public key has {PUBLIC_SIZE} bytes, this has {len(encoded)}")
        try:
            _ = key.hpke
        except ValueError:
            raise NotAKey("these bytes are not a public key") from None
        return key

    def to_bytes(self) -> bytes:
        return self._encoded

    def fingerprint(self) -> str:
        """Give 160 bits of the key's SHA-256 in eight groups of four letters and digits, for people to compare."""
        digest = hashlib.sha256(self._encoded).digest()[:_FINGERPRINT_BYTES]
        text = base64.b32encode(digest).decode()
        return "-".join(text[start : start + 4] for start in range(0, len(text), 4))

    @cached_property
    def hpke(self) -> MLKEM768X25519PublicKey:
        """The key as the HPKE library takes it."""
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self._encoded[:_MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(self._encoded[_MLKEM_PUBLIC_SIZE:]),
        )


@dataclass(frozen=True)
class PrivateKey:
    """The half that opens. Its seed never shows when it is printed."""

    seed: bytes = field(repr=False)

    @classmethod
    def from_seed(cls, seed: bytes) -> "PrivateKey":
        """Expand a seed. Raises NotAKey where it has not 32 bytes."""
        if len(seed) != SEED_SIZE:
            raise NotAKey(f"the seed of a private key has {SEED_SIZE} bytes, this has {len(seed)}")
        return cls(bytes(seed))

    @cached_property
    def public(self) -> PublicKey:
        mlkem, x25519 = self._halves
        return PublicKey(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    @cached_property
    def hpke(self) -> MLKEM768X25519PrivateKey:
        """The key as the HPKE library takes it."""
        return MLKEM768X25519PrivateKey(*self._halves)

    @cached_property
    def _halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        # X-Wing, section 5.2 (expandDecapsulationKey): SHAKE-256 of the seed, 64 bytes for ML-KEM and 32 for X25519.
        expanded = hashlib.shake_256(self.seed).digest(_MLKEM_SEED_SIZE + SEED_SIZE)
        return (
            MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_SIZE]),
            X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_SIZE:]),
        )


def generate(random: Callable[[int], bytes] = os.urandom) -> PrivateKey:
    """Make a new key pair."""
    return PrivateKey.from_seed(random(SEED_SIZE))
