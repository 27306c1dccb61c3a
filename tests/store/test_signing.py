"""Signing keys follow from seeds, and a signature holds for one statement of one key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.keypairs import PrivateKey, generate
from store.signing import Signer, SigningKey, Statement, statement, verify
from tests.store.make_vectors import FOLDER

PRIVATE = PrivateKey.from_seed(bytes(range(32)))
AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("label", [Signer.MEMBER, Signer.DESK])
def test_a_signing_key_is_hkdf_of_the_seed_under_its_label(label: Signer) -> None:
    seed = HKDF(SHA256(), 32, b"meldpost signing key", label.encode()).derive(PRIVATE.seed)
    key = SigningKey.of(PRIVATE, label)
    assert key.public == Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert verify(key.public, b"x", key.sign(b"x"))
    assert len(key.sign(b"x")) == 64


def test_members_and_desks_with_one_seed_would_sign_with_two_keys() -> None:
    assert SigningKey.of(PRIVATE, Signer.MEMBER).public != SigningKey.of(PRIVATE, Signer.DESK).public


def test_a_signature_holds_for_no_other_message_and_no_other_key() -> None:
    key = SigningKey.of(PRIVATE, Signer.MEMBER)
    signature = key.sign(b"note")
    assert not verify(key.public, b"noot", signature)
    assert not verify(SigningKey.of(generate(), Signer.MEMBER).public, b"note", signature)
    assert not verify(key.public, b"note", signature[:-1] + bytes([signature[-1] ^ 1]))


@pytest.mark.parametrize("public", [b"", b"short", bytes(31), bytes(33)])
def test_what_is_no_key_verifies_nothing(public: bytes) -> None:
    assert not verify(public, b"note", bytes(64))


def test_a_signing_key_does_not_show_when_it_is_printed() -> None:
    key = SigningKey.of(PRIVATE, Signer.MEMBER)
    assert key._seed.hex() not in repr(key)
    assert repr(key._seed) not in repr(key)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a",), ("a", "")),
        ((1,), (2,)),
        ((AT,), (AT + timedelta(microseconds=1),)),
    ],
)
def test_no_two_statements_have_the_same_bytes(one: tuple[str], other: tuple[str]) -> None:
    assert statement(Statement.FRAME, one) != statement(Statement.FRAME, other)
    assert statement(Statement.FRAME, one) != statement(Statement.CONTENT, one)


def test_a_time_is_the_same_in_every_zone() -> None:
    assert statement(Statement.FRAME, [AT]) == statement(Statement.FRAME, [AT.astimezone()])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*-signature-*.json")), ids=lambda path: path.stem)
def test_a_vector_of_a_signature_does_as_it_says(path: Path) -> None:
    vector = json.loads(path.read_text())
    stated = statement(Statement(vector["label"]), [_part(each) for each in vector["parts"]])
    good = verify(bytes.fromhex(vector["public"]), stated, bytes.fromhex(vector["signature"]))
    assert good is path.stem.startswith("good")


def _part(named: Mapping[str, Any]) -> str | int | bytes | datetime:
    ((form, value),) = named.items()
    if form == "bytes":
        return bytes.fromhex(value)
    return datetime.fromisoformat(value) if form == "time" else value  # type: ignore[no-any-return]
