"""BER that mail programs write in pieces is made definite; what is definite stays as it is."""

import pytest
from asn1crypto import cms
from hypothesis import given
from hypothesis import strategies as st

from ingest.protection.ber import to_definite
from tests.ingest.protection.sealing import HEAD, WORDS, OpenSSL, read


def test_what_is_definite_stays_byte_for_byte(openssl: OpenSSL) -> None:
    """A signature is over its signed attributes as they stand."""
    for made in (openssl.signed_entity("-outform", "DER"), openssl.encrypted_entity("-aes256", "-outform", "DER")):
        assert to_definite(made) == cms.ContentInfo.load(made).dump() == made


def test_pieces_become_one() -> None:
    pieces = (
        b"\x30\x80" + b"\xa0\x80" + b"\x04\x01a" * 3 + b"\x00\x00" + b"\x24\x80\x04\x02bc\x04\x00\x00\x00" + b"\x00\x00"
    )
    assert to_definite(pieces) == b"\x30\x09\x80\x03aaa\x04\x02bc"
    explicit = b"\xa0\x80\x24\x80\x04\x01a\x04\x01b\x00\x00\x00\x00"
    assert to_definite(explicit) == b"\xa0\x04\x04\x02ab"


@pytest.mark.parametrize("size", [1, 8_000_000])
def test_a_large_message_in_pieces_is_opened(openssl: OpenSSL, size: int) -> None:
    file = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + b"a" * size
    words = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{WORDS}".encode()
    entity = (
        b"Content-Type: multipart/mixed; boundary=p\r\n\r\n--p\r\n" + words + b"\r\n--p\r\n" + file + b"\r\n--p--\r\n"
    )
    mail = read(HEAD + openssl.encrypted_entity("-aes256", "-stream", entity=entity), openssl.keys())
    assert mail.text.strip() == WORDS
    assert mail.attachments[0].size == size


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    try:
        made = to_definite(data)
    except ValueError:
        return
    assert to_definite(made) == made


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="nested"):
        to_definite(b"\x30\x80" * 5000)
