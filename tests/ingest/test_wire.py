"""Answers of readers: an honest one arrives whole; whatever a hostile one sends costs this one mail and no more."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import meldpost
from ingest.attachments.task import InMemory
from ingest.errors import CannotParse, ReaderDied
from ingest.frames import FRAME, NUMBER, PIECE, send_body, send_end, send_file, send_mail, send_refusal
from ingest.mail import Finding, ParsedMail
from ingest.parse import parse_bytes
from ingest.wire import Answer
from tests.ingest.answers import receive_mail
from tests.ingest.fuzz import answered, mutated

MAIL = b"""\
From: Jan Jansen <jan@example.org>
To: desk@example.org
Subject: Melding
Date: Mon, 02 Feb 2026 10:00:00 +0100
Message-ID: <1@example.org>
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=utf-8

Hierbij mijn melding.
--x
Content-Type: application/pdf; name=empty.pdf

--x
Content-Type: application/octet-stream; name=a.bin
Content-Transfer-Encoding: base64

AAECAwQ=
--x--
"""


def _answer(mail: ParsedMail) -> bytes:
    sent = bytearray()
    send_mail(mail, sent.extend)
    return bytes(sent)


def _source(data: bytes, step: int = 7) -> Callable[[int], bytes]:
    """Gives the bytes in small pieces, then nothing, as a socket whose other end is gone."""
    rest = memoryview(data)

    def receive(size: int) -> bytes:
        nonlocal rest
        piece, rest = rest[: min(size, step)], rest[min(size, step) :]
        return bytes(piece)

    return receive


def _plain() -> dict[str, Any]:
    answer = _answer(parse_bytes(MAIL))
    start = answer.index(b"M", answer.index(b"\x00\x01\x02\x03\x04"))
    loaded: dict[str, Any] = json.loads(answer[start + FRAME.size :])
    return loaded


def _frame(kind: bytes, data: bytes) -> bytes:
    return FRAME.pack(kind, len(data)) + data


def _mail_frame(**changes: object) -> bytes:
    return _frame(b"M", json.dumps({**_plain(), **changes}).encode())


def test_an_answer_arrives_as_it_was_sent() -> None:
    sent = parse_bytes(MAIL)
    received = receive_mail(_source(_answer(sent)), len(MAIL))
    assert received.subject == "Melding"
    assert received.from_ == sent.from_
    assert received.headers == sent.headers
    assert received.date == sent.date
    assert [(a.name, a.size, b"".join(a.chunks())) for a in received.attachments] == [
        ("empty.pdf", 0, b""),
        ("a.bin", 5, b"\x00\x01\x02\x03\x04"),
    ]


BEYOND_LIMITS = {"20-ongelezen"}  # that is what this sample shows
SAMPLES = sorted((Path(meldpost.__file__).parent / "samples").glob("*.eml"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_nothing_that_the_parser_gives_is_refused_by_the_asking_side(sample: Path) -> None:
    assert answered(sample.read_bytes()) == (sample.stem not in BEYOND_LIMITS)
    for seed in range(12):
        answered(mutated(sample.read_bytes(), random.Random(seed)))


_FIELDS = st.sampled_from(["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Content-Type"])
_VALUES = st.lists(
    st.sampled_from(["<", ">", "<>", "<a<b>", "<foo>bar>", "a@b.example", '"', "(", ",", ";", "=?utf-8?b?A?=", " "])
    | st.text(max_size=8),
    max_size=8,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_FIELDS, _VALUES), max_size=6))
def test_no_header_makes_an_answer_that_is_refused(fields: list[tuple[str, str]]) -> None:
    answered("".join(f"{name}: {value}\n" for name, value in fields).encode("utf-8", "replace") + b"\n\nx")


def test_a_long_line_in_a_delivery_report_is_cut() -> None:
    long = "x" * 3000 + "\ty"
    report = f"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a\n {long}\nAction: failed\n a\tb\n"
    assert answered(f"Content-Type: message/delivery-status\n\n{report}".encode())


def test_a_refusal_says_that_the_mail_cannot_be_parsed() -> None:
    sent = bytearray()
    send_refusal(sent.extend)
    with pytest.raises(CannotParse):
        receive_mail(_source(bytes(sent)), 10)


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 6, 20, -1])
def test_half_an_answer_is_the_death_of_the_reader(cut: int) -> None:
    with pytest.raises(ReaderDied):
        receive_mail(_source(_answer(parse_bytes(MAIL))[:cut]), len(MAIL))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "two\nlines"},
        {"subject": "a\u0000b"},
        {"subject": "x" * 50_000},
        {"text": "bell\u0007"},
        {"text": None},
        {"text": 7},
        {"headers": [["Name", "value\r\nBcc: everyone@example.org"]]},
        {"headers": [["a", "b"]] * 3000},
        {"message_id": "<a@b> <c@d>"},
        {"message_id": "no brackets"},
        {"references": ["<a\u0000@b>"]},
        {"date": "yesterday"},
        {"date": "2026-01-01T00:00:00"},
        {"from_": {"name": "x", "address": "y", "more": 1}},
        {"from_": {"name": "x\n", "address": "y"}},
        {"attachments": []},
        {"attachments": [{"name": "../x", "content_type": "a/b", "inline": False, "content_id": None}] * 2},
        {"attachments": [{"name": ".bashrc", "content_type": "a/b", "inline": False, "content_id": None}] * 2},
        {"attachments": [{"name": "gpj\u202eexe", "content_type": "a/b", "inline": False, "content_id": None}] * 2},
        {"attachments": [{"name": "x", "content_type": "a/b\r\nX: y", "inline": False, "content_id": None}] * 2},
        {"attachments": [{"name": "x", "content_type": "a/b", "inline": False, "content_id": None}] * 501},
        {"delivery_report": {"kind": "other"}},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_value_that_breaks_the_contract_is_refused(changes: dict[str, object]) -> None:
    attachment = _frame(b"A", NUMBER.pack(1) + b"abc")
    with pytest.raises(ReaderDied) as caught:
        receive_mail(_source(attachment + _mail_frame(**changes), 65536), len(MAIL))
    assert "everyone" not in str(caught.value)


def test_an_attachment_larger_than_its_mail_is_refused() -> None:
    frames = _frame(b"A", NUMBER.pack(0) + b"x" * 1000) * 3
    with pytest.raises(ReaderDied):
        receive_mail(_source(frames, 65536), 2000)


def test_a_length_that_promises_gigabytes_is_refused_before_a_byte_of_it_is_taken() -> None:
    asked: list[int] = []

    def receive(size: int) -> bytes:
        asked.append(size)
        return FRAME.pack(b"M", 0xFFFF_FFFF)[: size if len(asked) == 1 else 0]

    with pytest.raises(ReaderDied):
        receive_mail(receive, 10)
    assert asked == [FRAME.size]


def test_attachments_out_of_order_are_refused() -> None:
    with pytest.raises(ReaderDied):
        receive_mail(_source(_frame(b"A", NUMBER.pack(1) + b"a") + _frame(b"A", NUMBER.pack(0) + b"a")), 100)


def test_a_large_attachment_comes_in_pieces_and_stays_exact() -> None:
    import base64

    content = bytes(range(256)) * 5000
    assert len(content) > 2 * PIECE
    mail = b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(content)
    received = receive_mail(_source(_answer(parse_bytes(mail)), 65536), len(mail))
    assert b"".join(received.attachments[0].chunks()) == content


def test_no_message_of_an_error_shows_what_the_reader_sent() -> None:
    with pytest.raises(ReaderDied) as caught:
        receive_mail(_source(_mail_frame(subject="violet\n"), 65536), 10_000)
    assert "violet" not in str(caught.value)
    assert caught.value.__cause__ is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_never_raises_anything_but_a_read_error(data: bytes) -> None:
    with pytest.raises((ReaderDied, CannotParse)):
        receive_mail(_source(data), 1000)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(field=st.sampled_from(sorted(ParsedMail.__dataclass_fields__)), value=_JSON)
def test_any_json_in_any_field_is_taken_or_refused_but_never_crashes(field: str, value: object) -> None:
    frame = _mail_frame(**{field: value})
    try:
        mail = receive_mail(_source(frame, 65536), 1000)
    except ReaderDied:
        return
    assert "\n" not in mail.subject
    assert all("\r" not in content for _, content in mail.headers)


# A mail first, and its files as they become known


def _with_files_to_come() -> bytes:
    sent = bytearray()
    send_mail(parse_bytes(MAIL), sent.extend, files_follow=True)
    return bytes(sent)


def _said(number: int, **changes: object) -> bytes:
    """What a reader says of a file."""
    file = {"name": "b.txt", "content_type": "text/plain", "inline": False, "content_id": None, "text": "words"}
    file |= {"findings": [], "inside": None, "child": None, "found_type": ""}
    return _frame(b"F", NUMBER.pack(number) + json.dumps(file | changes).encode())


BODY = {"text": "all", "own_text": "own", "quoted_text": "quoted", "signature_text": ""}
END = _frame(b"Z", b"")


def test_what_is_known_of_a_file_arrives_after_the_mail() -> None:
    (first, _) = parse_bytes(MAIL).attachments
    sent = bytearray(_with_files_to_come())
    send_file(0, replace(first, text="words", findings=(Finding.OCR,)), sent.extend, is_new=False)
    inner = replace(first, name="inner", inside=0, content=InMemory(b"inner bytes"))
    send_file(2, inner, sent.extend, is_new=True)
    send_body(BODY, sent.extend)
    send_end(sent.extend)
    mail = receive_mail(_source(bytes(sent)), len(MAIL))
    assert (mail.text, mail.own_text, mail.quoted_text) == ("all", "own", "quoted")
    assert [(each.name, each.text, each.inside) for each in mail.attachments] == [
        ("empty.pdf", "words", None),
        ("a.bin", "", None),
        ("inner", "", 0),
    ]
    assert [b"".join(each.chunks()) for each in mail.attachments] == [b"", bytes((0, 1, 2, 3, 4)), b"inner bytes"]


def test_of_a_reader_that_ends_over_the_files_what_it_said_is_kept() -> None:
    answer = Answer(len(MAIL))
    with pytest.raises(ReaderDied):
        answer.take(_source(_with_files_to_come() + _said(0) + _said(1)[:-3]))
    assert answer.mail is not None
    assert [each.text for each in answer.mail.attachments] == ["words", ""]


@pytest.mark.parametrize(
    "frames",
    [
        _said(3),
        _said(0, inside=0),
        _said(2, inside=2),
        _said(0, text="bell\u0007"),
        _said(0, text="x" * 200_001),
        _said(0, name="../x"),
        _said(0, findings=["fine"]),
        _frame(b"F", b""),
        _frame(b"F", NUMBER.pack(0)),
        _frame(b"B", json.dumps(BODY | {"text": None}).encode()),
        _frame(b"B", json.dumps(BODY | {"subject": "x"}).encode()),
        _frame(b"A", NUMBER.pack(9) + b"x") + _said(2),
        _frame(b"Z", b"x"),
        _frame(b"M", b"{}"),
        _frame(b"P", b"{}"),
        _frame(b"E", b""),
    ],
    ids=lambda frames: repr(frames[:20]),
)
def test_what_breaks_the_contract_about_files_is_refused_and_the_mail_stays(frames: bytes) -> None:
    answer = Answer(len(MAIL))
    with pytest.raises(ReaderDied):
        answer.take(_source(_with_files_to_come() + _said(0) + frames + END, 65536))
    assert answer.mail is not None
    assert [each.text for each in answer.mail.attachments] == ["words", ""]


@pytest.mark.parametrize("frames", [_said(0), _frame(b"B", json.dumps(BODY).encode()), END])
def test_nothing_is_said_of_files_before_their_mail(frames: bytes) -> None:
    with pytest.raises(ReaderDied):
        receive_mail(_source(frames, 65536), 1000)


def test_all_that_is_said_of_files_together_is_bounded() -> None:
    answer = Answer(len(MAIL))
    said = _said(0, text="x" * 190_000)
    with pytest.raises(ReaderDied, match="more than is listened to"):
        answer.take(_source(_with_files_to_come() + said * 400, 1 << 20))


def test_a_file_does_not_come_out_of_another_in_more_bytes_than_the_mail_can_hold() -> None:
    frames = b"".join(_frame(b"A", NUMBER.pack(2) + bytes(len(MAIL))) for _ in range(4))
    with pytest.raises(ReaderDied):
        Answer(len(MAIL)).take(_source(_with_files_to_come() + frames, 65536))
