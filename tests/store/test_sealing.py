"""Sealing and opening, by property and by the vectors that any other reader can run."""

import base64
import hashlib
import json
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import store.sealing
from store.frame import HEADER_SIZE, Context, Damaged, NotAFrame, SealError, WrongKey
from store.keypairs import PrivateKey, generate
from store.sealing import CHUNK, open_sealed, open_stream, seal, seal_stream
from tests.store.make_vectors import of_group

VECTORS = Path(__file__).parent / "vectors"
KEY = generate()
PLACE = Context("desk", "case", "message", "record", 1, 1)
LONG = os.urandom(3 * CHUNK)
SEALED_LONG = seal(LONG, KEY.public, PLACE)

sizes = st.one_of(st.integers(0, 600), st.integers(CHUNK - 3, CHUNK + 3), st.integers(2 * CHUNK - 3, 2 * CHUNK + 3))


def vectors(kind: str) -> list[str]:
    return sorted(path.stem for path in VECTORS.glob(f"{kind}-*.json") if of_group(path.stem) == "record")


def load(name: str) -> tuple[dict[str, Any], bytes, PrivateKey, Context]:
    vector = json.loads((VECTORS / f"{name}.json").read_text())
    key = PrivateKey.from_seed(bytes.fromhex(vector["seed"]))
    return vector, _frame(vector["frame"]), key, Context(**vector["context"])


def _frame(described: Any) -> bytes:
    if isinstance(described, str):
        return base64.b64decode(described)
    frame = b""
    for piece in described:
        if isinstance(piece, str):
            frame += base64.b64decode(piece)
        else:
            name, start, end = piece
            frame += _frame(json.loads((VECTORS / name).read_text())["frame"])[start:end]
    return frame


@pytest.mark.parametrize("name", vectors("good"))
def test_a_good_vector_opens(name: str) -> None:
    vector, frame, key, context = load(name)
    content = open_sealed(frame, key, context)
    assert len(content) == vector["size"]
    assert hashlib.sha256(content).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("name", vectors("broken"))
def test_a_broken_vector_is_refused_by_the_name_of_what_is_wrong(name: str) -> None:
    vector, frame, key, context = load(name)
    with pytest.raises(SealError) as caught:
        open_sealed(frame, key, context)
    assert type(caught.value).__name__ == vector["error"]


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(1, 70_000), st.integers(1, 70_000))
def test_what_was_sealed_opens_however_both_streams_are_cut(size: int, cut: int, cut_again: int) -> None:
    content = os.urandom(size)
    pieces = [content[start : start + cut] for start in range(0, size, cut)]
    frame = b"".join(seal_stream(pieces, KEY.public, PLACE))
    cut_frame = (frame[start : start + cut_again] for start in range(0, len(frame), cut_again))
    assert b"".join(open_stream(cut_frame, KEY, PLACE)) == content


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_changed_bit_goes_unnoticed(data: st.DataObject) -> None:
    frame = bytearray(data.draw(st.sampled_from([seal(b"short", KEY.public, PLACE), SEALED_LONG])))
    at = data.draw(st.one_of(st.integers(0, 1500), st.integers(0, len(frame) - 1))) % len(frame)
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealError):
        open_sealed(bytes(frame), KEY, PLACE)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_cut_and_no_addition_goes_unnoticed(data: st.DataObject) -> None:
    frame = data.draw(st.sampled_from([seal(b"short", KEY.public, PLACE), SEALED_LONG]))
    end = data.draw(st.integers(0, len(frame) - 1))
    for changed in (frame[:end], frame + frame[end:]):
        with pytest.raises(SealError):
            open_sealed(changed, KEY, PLACE)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3000))
def test_arbitrary_bytes_are_refused_by_a_named_error(data: bytes) -> None:
    for frame in (data, seal(b"", KEY.public, PLACE)[:HEADER_SIZE] + data):
        with pytest.raises(SealError):
            open_sealed(frame, KEY, PLACE)


@pytest.mark.parametrize("content", [b"short", LONG], ids=["one-shot", "chunks"])
@pytest.mark.parametrize("field", [field.name for field in fields(Context)])
def test_a_record_opens_in_no_other_place(field: str, content: bytes) -> None:
    value = getattr(PLACE, field)
    elsewhere = replace(PLACE, **{field: value + (1 if isinstance(value, int) else "x")})
    with pytest.raises(WrongKey):
        open_sealed(seal(content, KEY.public, PLACE), KEY, elsewhere)


def test_another_key_does_not_open_it() -> None:
    for frame in (seal(b"short", KEY.public, PLACE), SEALED_LONG):
        with pytest.raises(WrongKey):
            open_sealed(frame, generate(), PLACE)


def test_heads_and_bodies_of_two_records_of_one_place_cannot_be_exchanged() -> None:
    other, head = seal(LONG, KEY.public, PLACE), HEADER_SIZE + 1120 + 32 + 16
    with pytest.raises(Damaged):
        open_sealed(SEALED_LONG[:head] + other[head:], KEY, PLACE)


def test_the_same_content_never_seals_to_the_same_bytes() -> None:
    one, other = (seal(LONG, KEY.public, PLACE) for _ in range(2))
    assert one[:HEADER_SIZE] == other[:HEADER_SIZE]
    assert all(one[at : at + 16] != other[at : at + 16] for at in range(HEADER_SIZE, len(one) - 16, 4096))


def test_up_to_64_kib_after_padding_is_one_message_and_above_it_chunks() -> None:
    """mail-cases 58"""
    for size, mode in ((CHUNK - 1, 1), (CHUNK, 2)):
        assert seal(bytes(size), KEY.public, PLACE)[6] == mode


def test_sizes_show_only_as_padded() -> None:
    lengths = [len(seal(bytes(size), KEY.public, PLACE)) for size in (0, 4, 6, 255, 256, 271)]
    assert lengths[0] == lengths[1] == lengths[2] == lengths[3] < lengths[4] == lengths[5]


def test_large_records_pass_in_constant_memory() -> None:
    def content(megabytes: int) -> Iterator[bytes]:
        for _ in range(megabytes):
            yield bytes(2**20)

    tracemalloc.start()
    try:
        opened = sum(map(len, open_stream(seal_stream(content(40), KEY.public, PLACE), KEY, PLACE)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert opened == 40 * 2**20
    assert peak < 6 * 2**20


def test_the_content_never_shows_in_an_error() -> None:
    marked = b"Rolf Dijkgraaf"
    frame = seal(marked, KEY.public, PLACE)
    for broken, error in ((frame[:-1], WrongKey), (b"X" + frame[1:], NotAFrame), (frame[:300], Damaged)):
        with pytest.raises(error) as caught:
            open_sealed(broken, KEY, PLACE)
        assert marked.decode() not in repr(caught.value)
        assert KEY.seed.hex() not in repr(caught.value)


def test_every_error_is_documented_by_a_vector() -> None:
    named = {json.loads((VECTORS / f"{name}.json").read_text())["error"] for name in vectors("broken")}
    assert named == {"NotAFrame", "WrongKey", "Damaged"}


def test_no_two_nonces_of_a_record_are_the_same() -> None:
    nonces = [store.sealing._nonce(number, last=last) for number in range(100) for last in (False, True)]
    assert len(set(nonces)) == 200
    assert all(len(nonce) == 12 for nonce in nonces)
    assert all(one < other for one, other in pairwise(nonces))
