import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.digests import without_trace_fields
from ingest.parse import parse_bytes


def stable(raw: bytes, size: int = 65536) -> bytes:
    return b"".join(without_trace_fields(raw[at : at + size] for at in range(0, len(raw), size)))


MAIL = b"From: a@x.example\r\nSubject: s\r\n folded\r\n\r\nbody\r\nX-Not: a field\r\n"


def test_trace_fields_make_no_difference() -> None:
    trace = (
        b"Return-Path: <a@x.example>\r\nDelivered-To: desk@y.example\r\nReceived: from a\r\n\tby b; now\r\n"
        b"ARC-Seal: i=1\r\nDKIM-Signature: v=1;\r\n b=abc\r\nAuthentication-Results: y; dmarc=pass\r\nX-Spam: no\r\n"
    )
    assert stable(trace + MAIL) == stable(MAIL)


def test_line_ends_make_no_difference() -> None:
    assert stable(MAIL.replace(b"\r\n", b"\n")) == stable(MAIL)


def test_fields_of_the_author_and_the_body_make_a_difference() -> None:
    for other in (
        b"From: b@x.example\r\n" + MAIL,
        MAIL + b"!",
        MAIL.replace(b"folded", b"other"),
        MAIL.replace(b"X-Not", b"X-Yes"),
    ):
        assert stable(other) != stable(MAIL)


def test_names_of_trace_fields_are_compared_whatever_their_case() -> None:
    assert stable(b"RECEIVED: x\r\nx-ORIGIN: y\r\n" + MAIL) == stable(MAIL)


def test_a_mail_of_trace_fields_alone_or_of_nothing_is_no_error() -> None:
    assert stable(b"") == b""
    assert stable(b"Received: x\r\n y") == b""
    assert stable(b"\r\nbody") == b"\nbody"


@pytest.mark.parametrize(
    "mail",
    [
        b"X-Mailer: y\rFrom: a@x.example\rSubject: s\r\rROLF\r",  # old programs end their lines so
        b"From: a@x.example\r\nX-Mailer: y\rSubject: ROLF\r\n\r\nbody",
        b"From: a@x.example\r\nHello.\r\nX-ray: ROLF\r\n",  # a text without an empty line above it
        b"Received: by y\r\nReceived : by y\r\nHello.\r\nReceived: ROLF\r\n",
        b"From: a@x.example\nX-Mailer: y\nAmount : 5\nX-ray: ROLF\n",
        b"Hello.\nX-ray: ROLF\n",
        b"From: a@x.example\nFrom: x\n \nReceived : by y\nX-ray : ROLF\n",
        b"From: a@x.example\nFrom x\nReceived : ROLF\n",
        b"From: a@x.example\n\r\rX-ray: ROLF\n\n",
    ],
)
def test_what_the_reader_takes_for_subject_or_text_makes_a_difference(mail: bytes) -> None:
    read = parse_bytes(mail)
    assert "ROLF" in read.subject + read.text
    assert stable(mail) != stable(mail.replace(b"ROLF", b"PIET"))
    assert stable(b"Return-Path: <a@x.example>\nReceived: from b\n" + mail) == stable(mail)


def test_a_line_of_an_mbox_is_no_end_of_the_header() -> None:
    line = b"From a@x.example Thu Jan  1 12:00:00 2026\n"
    assert stable(line + b"Received: x\n" + MAIL) == stable(line + MAIL)
    assert stable(b"X-A: y\n" + line + b"Received: x\n" + MAIL) == stable(line + MAIL)


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"Received: x", b" y", b"X-A: b", b"From: c", b":", b"\x00\xff"]))
)
def test_the_size_of_pieces_makes_no_difference(parts: list[bytes]) -> None:
    raw = b"".join(parts)
    assert stable(raw, 1) == stable(raw, 3) == stable(raw)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_mails_with_one_header_and_other_bodies_are_told_apart(one: bytes, other: bytes) -> None:
    same = one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")
    assert (stable(b"From: a\n\n" + one) == stable(b"From: a\n\n" + other)) == same
