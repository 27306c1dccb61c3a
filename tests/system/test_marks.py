"""The search that other tests trust finds what it must find."""

import base64
import bz2
import gzip
import lzma
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.system.marks import Marks

WORD = "Kwartelzand"
MARKS = Marks((WORD, "Ööstenvél"))


@pytest.mark.parametrize(
    "shape",
    [
        lambda data: data,
        lambda data: data.upper(),
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.hex().encode(),
        base64.b64encode,
        base64.encodebytes,
        zlib.compress,
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda data: zlib.compress(base64.b64encode(data)),
    ],
)
def test_a_marked_word_is_found_in_every_shape(shape) -> None:  # type: ignore[no-untyped-def]
    for before in range(4):
        hidden = shape(b"x" * before + WORD.encode() + b" and more of the text" * 5)
        assert MARKS.found_in(os.urandom(5000) + hidden + os.urandom(5000))


@given(st.binary(max_size=2000))
def test_nothing_is_found_where_nothing_is(data: bytes) -> None:
    assert MARKS.found_in(data) == []
