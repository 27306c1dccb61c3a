"""Signing keys: Ed25519 (RFC 8032), derived from the seeds of hybrid key pairs, so that none is ever stored.

A member's comes from the seed of the member's own key pair, the desk's of each generation from the desk's seed of that
generation. Which public halves count: see `store/certificates.py`.

What is signed is a statement: a label that says what it is, and parts that each carry their length, so that no
signature over one thing is one over another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.keypairs import SEED_SIZE, PrivateKey

PUBLIC_SIZE = 32
SIGNATURE_SIZE = 64
_SALT = b"meldpost signing key"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Signer(StrEnum):
    """Whose key it is; the label under which it is derived."""

    MEMBER = "member"
    DESK = "desk"
    CASE = "case"  # of the identity key of a case: who holds that may say who opens the case


class Statement(StrEnum):
    """What a signature is about: the label that every signed statement begins with."""

    DESK_KEY = "meldpost desk key"
    MEMBER_KEY = "meldpost member key"
    ACCESS = "meldpost access list"
    CONTENT = "meldpost record, as written"
    FRAME = "meldpost record, as sealed"
    CONSENT_ASKED = "meldpost consent, asked"
    CONSENT_GIVEN = "meldpost consent, given"
    CHECKPOINT = "meldpost trail checkpoint"
    DESTRUCTION = "meldpost declaration of destruction"


@dataclass(frozen=True)
class SigningKey:
    """The half that signs. Its seed never shows when it is printed."""

    _seed: bytes = field(repr=False)

    @classmethod
    def of(cls, private: PrivateKey, label: Signer) -> SigningKey:
        """The signing key that belongs to a hybrid private key."""
        return cls(HKDF(SHA256(), SEED_SIZE, _SALT, label.encode()).derive(private.seed))

    @cached_property
    def public(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._seed)


DESK = ""
"""The author id of the desk itself."""


@dataclass(frozen=True)
class Author:
    """Who writes: a member by their id, or the desk itself."""

    id: str
    key: SigningKey

    @property
    def member_id(self) -> str | None:
        """As the trail names them."""
        return self.id or None


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Is this the signature that the key with this public half made of this message?"""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):  # ValueError: no key at all
        return False
    return True


def statement(about: Statement, parts: Iterable[str | int | bytes | datetime]) -> bytes:
    """The bytes to sign: the label, then every part in one form with its length before it."""
    encoded = [about.encode(), *(_encoded(part) for part in parts)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _encoded(part: str | int | bytes | datetime) -> bytes:
    match part:
        case bytes():
            return part
        case str():
            return part.encode()
        case int():
            return part.to_bytes(8, "big")
        case datetime():  # whole microseconds, as both databases keep them
            return ((part - _EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big")
