"""A reader of sealed records written from docs/sealed-format.md alone: no line of it comes from Meldpost.

It takes ML-KEM-768, X25519, SHA-3, HMAC and AES-256-GCM from the library and does all else by hand, HPKE (RFC 9180) and
X-Wing's combiner included, and it is told everything as bytes. Whoever writes a reader in another language can follow
it line by line.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = 15
ENC = 1120
TAG = 16
CHUNK = 65_536


class Refused(Exception):
    """The name of the error, as the document has it."""


def read(frame: bytes, seed: bytes, place: Mapping[str, Any]) -> bytes:
    """The content of a record. Raises Refused."""
    header = frame[:HEADER]
    if len(header) < HEADER or header[:4] != b"MPSR" or header[4] != 1 or header[5] != 1 or header[6] not in (1, 2):
        raise Refused("NotAFrame")
    generation, version = int.from_bytes(header[7:11], "big"), int.from_bytes(header[11:15], "big")
    if (generation, version) != (place["generation"], place["version"]):
        raise Refused("WrongKey")
    names = (name(place[part]) for part in ("desk", "case", "kind", "record"))
    info = b"meldpost sealed record" + header + b"".join(names)
    if header[6] == 1:
        message, rest = frame[HEADER : HEADER + ENC + CHUNK + TAG], frame[HEADER + ENC + CHUNK + TAG :]
        padded = open_hpke(message, seed, info)
        if rest:
            raise Refused("Damaged")
    else:
        padded = open_chunks(frame[HEADER:], seed, info)
    return unpadded(padded)


def name(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


def open_chunks(body: bytes, seed: bytes, info: bytes) -> bytes:
    sealed_key, chunks = body[: ENC + 32 + TAG], body[ENC + 32 + TAG :]
    file_key = open_hpke(sealed_key, seed, info)
    salt = hashlib.sha256(sealed_key).digest()
    key = expand(extract(salt, file_key), b"meldpost sealed record, chunks" + info, 32)
    pieces = [chunks[start : start + CHUNK + TAG] for start in range(0, len(chunks), CHUNK + TAG)]
    if len(pieces) < 2:
        raise Refused("Damaged")
    opened = b""
    for number, piece in enumerate(pieces):
        nonce = number.to_bytes(11, "big") + (b"\1" if number == len(pieces) - 1 else b"\0")
        try:
            opened += AESGCM(key).decrypt(nonce, piece, None)
        except InvalidTag:
            raise Refused("Damaged") from None
    return opened


def unpadded(padded: bytes) -> bytes:
    content = padded.rstrip(b"\0")
    if not content.endswith(b"\x80") or padme(len(content)) != len(padded):
        raise Refused("Damaged")
    return content[:-1]


def padme(length: int) -> int:
    if length <= 256:
        return 256
    e = length.bit_length() - 1
    s = e.bit_length()  # floor(log2 e) + 1
    step = 2 ** (e - s)
    return -(-length // step) * step


# HPKE, RFC 9180: base mode, KEM 0x647a, KDF 0x0001, AEAD 0x0002


def open_hpke(message: bytes, seed: bytes, info: bytes) -> bytes:
    if len(message) < ENC + TAG:
        raise Refused("Damaged")
    suite = b"HPKE" + (0x647A).to_bytes(2, "big") + (1).to_bytes(2, "big") + (2).to_bytes(2, "big")
    try:
        shared = x_wing(message[:ENC], seed)
    except ValueError:
        raise Refused("WrongKey") from None
    psk_id_hash = labeled_extract(suite, b"", b"psk_id_hash", b"")
    info_hash = labeled_extract(suite, b"", b"info_hash", info)
    context = b"\0" + psk_id_hash + info_hash
    secret = labeled_extract(suite, shared, b"secret", b"")
    key = labeled_expand(suite, secret, b"key", context, 32)
    nonce = labeled_expand(suite, secret, b"base_nonce", context, 12)
    try:
        return AESGCM(key).decrypt(nonce, message[ENC:], None)
    except InvalidTag:
        raise Refused("WrongKey") from None


def x_wing(enc: bytes, seed: bytes) -> bytes:
    expanded = hashlib.shake_256(seed).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    mlkem_secret = mlkem.decapsulate(enc[:1088])
    x25519_secret = x25519.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    mine = x25519.public_key().public_bytes_raw()
    return hashlib.sha3_256(mlkem_secret + x25519_secret + enc[1088:] + mine + b"\\.//^\\").digest()


def labeled_extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def extract(salt: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), ikm, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    return hmac.digest(key, info + b"\1", "sha256")[:length]  # never more than one block is asked for


# A seed under a passkey


def seed_under_passkey(wrapped: bytes, computed: bytes, secret: bytes, place: Mapping[str, bytes]) -> bytes:
    head, sealed = wrapped[:33], wrapped[33:]
    if head[:5] != b"MPSU\1" or len(sealed) != 48:
        raise Refused("WrongPasskey")
    named = b"".join(len(place[part]).to_bytes(2, "big") + place[part] for part in ("desk", "member", "credential"))
    key = expand(extract(secret, computed), b"meldpost seed under a passkey" + head + named, 32)
    try:
        return AESGCM(key).decrypt(head[21:33], sealed, head)
    except InvalidTag:
        raise Refused("WrongPasskey") from None


# Signatures


def signing_seed(seed: bytes, label: bytes) -> bytes:
    return expand(extract(b"meldpost signing key", seed), label, 32)


def statement(label: bytes, *parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in (label, *parts))


def number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True
