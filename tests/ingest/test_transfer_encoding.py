"""Base64 is decoded in pieces, so that a large file does not stand in memory many times; the bytes are the same."""

import base64
from email import message_from_bytes

from hypothesis import given
from hypothesis import strategies as st

from ingest import parts
from ingest.parts import body_bytes

_ENCODED = st.binary(max_size=400).map(base64.encodebytes)


def _part(body: bytes) -> parts.Part:
    return message_from_bytes(b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + body)


@given(data=st.binary(max_size=2000), piece=st.integers(1, 300))
def test_what_was_encoded_comes_back_whatever_the_pieces(data: bytes, piece: int) -> None:
    before, parts._PIECE = parts._PIECE, piece
    try:
        assert body_bytes(_part(base64.encodebytes(data))) == data
    finally:
        parts._PIECE = before


@given(first=_ENCODED, second=_ENCODED, junk=st.sampled_from([b"", b"=", b"!", b"\xff", b"Q", b"\n\n--\n"]))
def test_what_is_no_good_base64_is_left_to_the_library(first: bytes, second: bytes, junk: bytes) -> None:
    body = first + junk + second
    text = parts.raw_text(_part(body))
    found = parts._base64_in_pieces(text)
    assert found is None or found == message_from_bytes(_part(body).as_bytes()).get_payload(decode=True)
