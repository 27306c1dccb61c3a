"""Files that stand in the text of a mail, as programs older than MIME wrote them."""

from __future__ import annotations

import binascii
import random

import pytest

from ingest.parse import parse_bytes
from ingest.uuencode import taken_out

BYTES = random.Random(1).randbytes(1000) + bytes(200) + b"einde"


def _block(data: bytes, name: str, *, backtick: bool = True, stripped: bool = False) -> str:
    lines = [
        binascii.b2a_uu(data[at : at + 45], backtick=backtick).decode().rstrip("\n") for at in range(0, len(data), 45)
    ]
    lines.append("`" if backtick else " ")
    return f"begin 644 {name}\n" + "\n".join(line.rstrip(" ") if stripped else line for line in lines) + "\nend\n"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(("backtick", "stripped"), [(True, False), (False, False), (False, True)])
def test_a_file_in_the_text_is_a_file_byte_for_byte_and_the_text_keeps_the_rest(
    line_end: str, backtick: bool, stripped: bool
) -> None:
    block = _block(BYTES, "mijn bon.pdf", backtick=backtick, stripped=stripped)
    body = f"Zie de bon.\n\n{block}\nGroet, Jan\n"
    mail = parse_bytes(f"From: a@example.org\n\n{body}".replace("\n", line_end).encode())
    (file,) = mail.attachments
    assert (file.name, b"".join(file.chunks())) == ("mijn bon.pdf", BYTES)
    assert mail.text.split() == ["Zie", "de", "bon.", "Groet,", "Jan"]


def test_several_files_are_several() -> None:
    mail = parse_bytes(f"Subject: x\n\n{_block(b'een', 'a')}tussen\n{_block(b'twee', '../b')}".encode())
    assert [(each.name, b"".join(each.chunks())) for each in mail.attachments] == [("a", b"een"), ("b", b"twee")]
    assert mail.text.strip() == "tussen"


@pytest.mark.parametrize(
    "text",
    [
        "begin 644 en dan het verhaal\nHij nam geld aan.\nend",
        "begin 644 a\nend",
        "begin 644 a\n" + "M" + "A" * 60,
        "begin 644 a\n" + "!" + "A" * 60 + "\nend",
        "begin 6 a\n`\nend",
        "Wij begin 644 a\n`\nend",
    ],
)
def test_what_merely_begins_like_a_file_is_text(text: str) -> None:
    assert taken_out(text) == (text, ())


@pytest.mark.parametrize("unit", ["begin 644 a\n", "begin 644 a\nM\n", "begin 644 A\n`\n", "begin 644 a\n`\nend\n"])
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    """No timing is asserted: what is quadratic here would not end within the test run (mail-cases 50, 51)."""
    taken_out(unit * (1_000_000 // len(unit)))
