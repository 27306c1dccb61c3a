"""Key pairs are X-Wing's, and are stored as a seed."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from store.keypairs import PUBLIC_SIZE, NotAKey, PrivateKey, PublicKey, generate

XWING = json.loads((Path(__file__).parent / "xwing_draft.json").read_text())
HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def test_a_seed_expands_to_the_public_key_of_the_xwing_draft() -> None:
    public = PrivateKey.from_seed(bytes.fromhex(XWING["sk"])).public.to_bytes()
    assert hashlib.sha256(public).hexdigest() == XWING["pk_sha256"]
    assert public.startswith(bytes.fromhex(XWING["pk_begins"]))
    assert public.endswith(bytes.fromhex(XWING["pk_ends"]))


def test_the_kem_is_the_xwing_drafts_with_the_id_0x647a() -> None:
    """Seal by hand, by RFC 9180's key schedule, from the draft's ciphertext and shared secret; the library opens it."""
    info, content = b"some place", b"opened by the library"
    suite_id = b"HPKE" + (0x647A).to_bytes(2, "big") + (1).to_bytes(2, "big") + (2).to_bytes(2, "big")
    key, nonce = _key_schedule(bytes.fromhex(XWING["ss"]), info, suite_id)
    message = bytes.fromhex(XWING["ct"]) + AESGCM(key).encrypt(nonce, content, b"")
    private = PrivateKey.from_seed(bytes.fromhex(XWING["sk"]))
    assert HPKE.decrypt(message, private.hpke, info) == content


def _key_schedule(shared_secret: bytes, info: bytes, suite_id: bytes) -> tuple[bytes, bytes]:
    """RFC 9180 section 5.1, base mode."""

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return HKDF.extract(SHA256(), salt, b"HPKE-v1" + suite_id + label + ikm)

    def expand(prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
        return HKDFExpand(SHA256(), length, length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + context).derive(
            prk
        )

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")
    return expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32))
def test_a_seed_is_all_there_is_to_a_key_pair(seed: bytes) -> None:
    one, again = PrivateKey.from_seed(seed), PrivateKey.from_seed(seed)
    assert one.public == again.public == PublicKey.from_bytes(one.public.to_bytes())
    assert len(one.public.to_bytes()) == PUBLIC_SIZE
    assert one.seed == seed


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(NotAKey, match="32 bytes"):
        PrivateKey.from_seed(bytes(size))


@pytest.mark.parametrize("encoded", [b"", bytes(PUBLIC_SIZE - 1), bytes(PUBLIC_SIZE + 1), b"\xff" * PUBLIC_SIZE])
def test_bytes_that_are_no_public_key_are_refused(encoded: bytes) -> None:
    with pytest.raises(NotAKey):
        PublicKey.from_bytes(encoded)


def test_generated_keys_differ_and_take_their_randomness_from_where_they_are_told() -> None:
    assert generate().public != generate().public
    assert generate(lambda size: bytes(size)).seed == bytes(32)


def test_a_fingerprint_can_be_read_aloud_and_differs_with_the_key() -> None:
    print_of = generate().public.fingerprint()
    assert [len(group) for group in print_of.split("-")] == [4] * 8
    assert print_of != generate().public.fingerprint()


def test_a_private_key_does_not_show_its_seed() -> None:
    key = generate()
    assert key.seed.hex() not in repr(key)
    assert repr(key.seed) not in f"{key!r} {key!s} {[key]}"
