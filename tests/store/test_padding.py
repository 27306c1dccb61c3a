"""Padmé without knowing the length."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from store.frame import Damaged
from store.padding import MINIMUM, pad, padme, unpad

pieces = st.lists(
    st.one_of(st.binary(max_size=300), st.sampled_from([b"\0", b"\x80", b"\x80\0", bytes(400)])), max_size=8
)


@given(pieces)
@example([b"\x80"])
@example([b"\x80\0", b"\0\0"])
def test_what_was_padded_comes_back_however_it_is_cut(content: list[bytes]) -> None:
    assert b"".join(unpad(pad(content))) == b"".join(content)


@given(pieces, st.integers(1, 50))
def test_the_cuts_of_the_padded_stream_do_not_matter(content: list[bytes], size: int) -> None:
    padded = b"".join(pad(content))
    cut = [padded[start : start + size] for start in range(0, len(padded), size)]
    assert b"".join(unpad(cut)) == b"".join(content)


@given(st.integers(1, 2**40))
def test_padme_adds_at_most_12_percent_above_its_minimum(length: int) -> None:
    padded = padme(length)
    assert padded >= max(length, MINIMUM)
    assert padded == MINIMUM or padded <= length * 1.12
    assert padme(padded) == padded


def test_padme_leaves_few_lengths_to_tell_apart() -> None:
    assert len({padme(length) for length in range(1, 65_537)}) <= 129
    assert [padme(n) for n in (1, 256, 257, 1000, 65_536, 65_537)] == [256, 256, 272, 1024, 65_536, 67_584]


@given(st.binary(max_size=700))
def test_bytes_that_no_writer_pads_so_are_damaged(data: bytes) -> None:
    try:
        content = b"".join(unpad([data]))
    except Damaged:
        return
    assert b"".join(pad([content])) == data


@pytest.mark.parametrize("length", [0, 100])
def test_padding_cut_off_or_drawn_out_is_damaged(length: int) -> None:
    padded = b"".join(pad([b"x" * length]))
    for changed in (padded[:-1], padded + b"\0", b"", padded + bytes(256)):
        with pytest.raises(Damaged):
            b"".join(unpad([changed]))


def test_long_runs_of_zeros_are_counted_and_not_kept() -> None:
    given_out = 0

    def megabytes(count: int) -> Iterator[bytes]:
        yield b"\x80"
        for _ in range(count):
            yield bytes(2**20)
        yield b"end"

    for piece in unpad(pad(megabytes(64))):
        assert len(piece) <= 2**20
        given_out += len(piece)
    assert given_out == 64 * 2**20 + 4
