"""Base64 is decoded in pieces, so that a large file does not stand in memory many times; the bytes are the same."""

import base64
import random
from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import parts, transfer
from ingest.parse import parse_bytes
from ingest.parts import body_bytes

_ENCODED = st.binary(max_size=400).map(base64.encodebytes)


def _part(body: bytes) -> parts.Part:
    return message_from_bytes(b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + body)


@given(data=st.binary(max_size=2000), piece=st.integers(1, 300))
def test_what_was_encoded_comes_back_whatever_the_pieces(data: bytes, piece: int) -> None:
    before, transfer._PIECE = transfer._PIECE, piece
    try:
        assert body_bytes(_part(base64.encodebytes(data))) == data
    finally:
        transfer._PIECE = before


@given(first=_ENCODED, second=_ENCODED, junk=st.sampled_from([b"", b"=", b"!", b"\xff", b"Q", b"\n\n--\n"]))
def test_what_is_no_good_base64_is_left_to_the_library(first: bytes, second: bytes, junk: bytes) -> None:
    body = first + junk + second
    text = parts.raw_text(_part(body))
    found = transfer.base64_in_pieces(text)
    assert found is None or found == message_from_bytes(_part(body).as_bytes()).get_payload(decode=True)


WORDS = "Mijn chef Kees Bakker vraagt steekpenningen van tien procent."
ENCODED_WORDS = {
    "base64": base64.encodebytes(WORDS.encode()),
    "quoted-printable": WORDS.replace("e", "=65").encode(),
}
FOOTER = "-- \r\nLijst: afmelden!"


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
@pytest.mark.parametrize("written", ["{};", "{} (comment)", '"{}"', "(comment) {}", "{}; x=y", " {} ", "{}\n (folded)"])
@pytest.mark.parametrize("encoding", ENCODED_WORDS)
def test_an_encoding_is_known_whatever_stands_beside_its_name(encoding: str, written: str, kind: str) -> None:
    head = f"Content-Type: {kind}\nContent-Transfer-Encoding: {written.format(encoding)}\n\n"
    mail = parse_bytes(head.encode() + ENCODED_WORDS[encoding])
    assert mail.text.strip() == WORDS
    assert ("content-transfer-encoding: more than its name" in mail.defects) == (written.strip() != "{}")


@pytest.mark.parametrize("written", ["base64;", "base64 (comment)", '"base64"'])
def test_a_file_is_decoded_whatever_stands_beside_the_name_of_its_encoding(written: str) -> None:
    """mail-cases 64"""
    part = f"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: {written}\n\n"
    head = "Content-Type: multipart/mixed; boundary=x\n\n--x\n"
    mail = parse_bytes(head.encode() + part.encode() + base64.encodebytes(b"%PDF-1.4 abc") + b"\n--x--\n")
    assert b"".join(mail.attachments[0].chunks()) == b"%PDF-1.4 abc"
    assert "content-transfer-encoding: more than its name" in mail.defects


@pytest.mark.parametrize("footer", [FOOTER, "\r\n" + FOOTER, "\r\nAfmelden\r\nhttps://lijst.example/", "Lijst!\r\nx"])
@pytest.mark.parametrize("size", [12, 57, 58, 59, 60, 114, 1000, 3000])
def test_a_footer_below_base64_spoils_no_file(size: int, footer: str) -> None:
    """mail-cases 64"""
    data = random.Random(size).randbytes(size)
    part = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    body = base64.encodebytes(data).replace(b"\n", b"\r\n") + footer.encode()
    mail = parse_bytes(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + part + body + b"\r\n--x--\r\n")
    assert b"".join(mail.attachments[0].chunks()) == data
    assert "base64: other words below it" in mail.defects


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
@pytest.mark.parametrize("words", [WORDS, WORDS + ".", WORDS + "..", WORDS * 10])
def test_a_footer_below_a_text_in_base64_is_text_too(words: str, kind: str) -> None:
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    body = base64.encodebytes(words.encode()).replace(b"\n", b"\r\n")
    mail = parse_bytes(head.encode() + body + FOOTER.encode())
    assert mail.text.split() == [*words.split(), "--", "Lijst:", "afmelden!"]


def test_base64_damaged_in_its_midst_has_no_footer() -> None:
    lines = base64.encodebytes(random.Random(1).randbytes(570)).splitlines(keepends=True)
    assert transfer.end_of_base64((b"".join(lines[:5]) + b"!!\n" + b"".join(lines[5:])).decode()) is None


def test_a_text_said_to_be_base64_stays_a_text() -> None:
    head = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
    assert parse_bytes(head + WORDS.encode()).text.strip() == WORDS
    assert parse_bytes(head + b"Goedemorgen\n" + WORDS.encode()).text.split() == ["Goedemorgen", *WORDS.split()]
