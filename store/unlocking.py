"""Opening a member's access by a passkey alone, without their passphrase: an option.

A passkey with the PRF extension (WebAuthn, Level 3, §10.1.4) computes 32 bytes that nobody else can, from a key that
never leaves it and a name that we give. Under those, mixed by HKDF with the secret that lies outside the database, the
seed of the member's own key is wrapped once more, beside the wrapping by their passphrase. The bytes are as good as the
passphrase: they stand in the browser's page and in the memory of one request, and are kept nowhere.
"""

from __future__ import annotations

import hashlib
import os
import struct
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn.helpers import bytes_to_base64url

from store import audit, challenges, passkeys
from store.audit import Action
from store.challenges import Purpose
from store.keypairs import SEED_SIZE, KeyKind, PrivateKey
from store.keyring import KeyRing, Pins, newest
from store.lookups import IndexKey
from store.members import login_of, ring_of
from store.passkeys import Answer, Party, WrongPasskey
from store.schema import Member, SecondFactor
from store.second_factor import Kind

PRF_BYTES = 32
_HEAD = struct.Struct(">4sB16s12s")
_MAGIC, _VERSION = b"MPSU", 1
_LABEL = b"meldpost seed under a passkey"
_TAG = 16
_MIN_SECRET = 32


def ask(session: Session, purpose: Purpose, desk: str, party: Party, asked: bytes, now: datetime) -> dict[str, Any]:
    """What the browser is to ask any passkey that the person has here, with the name whose bytes we want.

    To set it up the same is asked as at a log-in: what works at the one works at the other.
    """
    question = passkeys.request(party, challenges.ask(session, purpose, asked, now), [])
    return question | {"extensions": {"prf": {"eval": {"first": bytes_to_base64url(_name(desk))}}}}


def set_up(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    party: Party,
    answer: Answer,
    prf: bytes,
    secret: bytes,
    now: datetime,
) -> None:
    """The passkey that gave this answer opens its member's access from now on. Raises WrongPasskey."""
    kept = passkeys.check(session, ring, party, answer, now)
    place = _place(ring.desk, ring.member_id, kept.credential)
    kept.row.wrapped_seed = wrap(ring.privates[ring.own].seed, prf, secret, place)
    kept.row.digest = index.passkey(kept.credential)
    audit.write(*(session, ring.desk, Action.PASSKEY_UNLOCKS, now), member_id=ring.member_id, subject_id=kept.row.id)
    session.flush()


def owner(session: Session, index: IndexKey, desk: str, answer: Answer) -> SecondFactor:
    """The passkey that gave this answer, as far as it may open its member's access. Raises WrongPasskey."""
    found = session.scalars(
        select(SecondFactor)
        .join(Member, Member.id == SecondFactor.member_id)
        .where(SecondFactor.desk == desk, SecondFactor.kind == Kind.PASSKEY, Member.desk == desk)
        .where(SecondFactor.digest == index.passkey(passkeys.credential_of(answer)))
        .where(SecondFactor.wrapped_seed.is_not(None), Member.retired_at.is_(None))
    ).one_or_none()
    if found is None:
        raise WrongPasskey("No passkey opens an access here by that name.")
    return found


def unlock(
    session: Session,
    index: IndexKey,
    desk: str,
    party: Party,
    answer: Answer,
    prf: bytes,
    secret: bytes,
    pins: Pins,
    now: datetime,
) -> KeyRing:
    """Open a member's key ring by their passkey. Raises WrongPasskey.

    What the passkey signed is checked by what only the ring opens; so both have to be right.
    """
    row = owner(session, index, desk, answer)
    place = _place(desk, row.member_id, passkeys.credential_of(answer))
    private = PrivateKey.from_seed(unwrap(row.wrapped_seed or b"", prf, secret, place))
    if private.public != newest(session, desk, KeyKind.MEMBER, row.member_id).public:
        raise WrongPasskey("This passkey opens a key of before.")
    ring = ring_of(session, desk, row.member_id, "", private, pins)
    passkeys.check(session, ring, party, answer, now)
    return login_of(session, ring)


def wrap(seed: bytes, prf: bytes, secret: bytes, place: bytes) -> bytes:
    """Wrap a seed under what a passkey computed and the secret beside the database, for this place alone."""
    if len(seed) != SEED_SIZE:
        raise ValueError(f"a seed has {SEED_SIZE} bytes")
    head = _HEAD.pack(_MAGIC, _VERSION, os.urandom(16), os.urandom(12))
    return head + AESGCM(_key(head, prf, secret, place)).encrypt(head[-12:], seed, head)


def unwrap(wrapped: bytes, prf: bytes, secret: bytes, place: bytes) -> bytes:
    """Give back the seed. Raises WrongPasskey."""
    head = wrapped[: _HEAD.size]
    if len(wrapped) != _HEAD.size + SEED_SIZE + _TAG or not wrapped.startswith(_MAGIC + bytes([_VERSION])):
        raise WrongPasskey("What was wrapped is not of a format that this version reads.")
    try:
        return AESGCM(_key(head, prf, secret, place)).decrypt(head[-12:], wrapped[_HEAD.size :], head)
    except InvalidTag:
        raise WrongPasskey("This passkey does not open the key.") from None


def _key(head: bytes, prf: bytes, secret: bytes, place: bytes) -> bytes:
    if len(secret) < _MIN_SECRET:
        raise ValueError(f"the passphrase secret has at least {_MIN_SECRET} bytes")
    if len(prf) != PRF_BYTES:
        raise WrongPasskey("This passkey computes nothing that could open a key.")
    return HKDF(SHA256(), 32, secret, _LABEL + head + place).derive(prf)


def _place(desk: str, member_id: str, credential: bytes) -> bytes:
    """Whose seed it is and under which passkey: a wrapping that somebody moves opens nowhere else."""
    parts = (desk.encode(), member_id.encode(), credential)
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def _name(desk: str) -> bytes:
    """What a passkey computes its bytes from; no secret."""
    return hashlib.sha256(b"meldpost passkey unlocks " + desk.encode()).digest()
