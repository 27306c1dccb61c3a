"""Mails of any shape with known content: built byte by byte, not by the library that will read them."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from hypothesis import strategies as st

_CHARSETS = (
    "utf-8",
    "iso-8859-1",
    "windows-1252",
    "iso-8859-15",
    "utf-16",
    "utf-7",
    "koi8-r",
    "gb18030",
    "iso-2022-jp",
)
_WORDS = ("melding", "één", "geld", "Ünter", "сад", "金", "café", "x=y", "--", "From here", ".", "€ 10")


@dataclass(frozen=True)
class Text:
    words: tuple[str, ...]
    charset: str
    encoding: str

    def part(self, end: bytes) -> bytes:
        data = " ".join(self.readable).encode(self.charset)
        head = b"Content-Type: text/plain; charset=" + self.charset.encode()
        return _headed(head, data, self.encoding, end)

    @property
    def readable(self) -> list[str]:
        """Those of the words that the charset has."""
        return [word for word in self.words if _fits(word, self.charset)]


@dataclass(frozen=True)
class File:
    name: str
    data: bytes
    encoding: str

    def part(self, end: bytes) -> bytes:
        head = b"Content-Type: application/octet-stream" + end + b"Content-Disposition: attachment; filename*=utf-8''"
        return _headed(head + _percent(self.name), self.data, self.encoding, end)


@dataclass(frozen=True)
class Several:
    parts: tuple[Node, ...]

    def part(self, end: bytes) -> bytes:
        parts = [each.part(end) for each in self.parts]
        boundary = b"b"
        while any(boundary in each for each in parts):
            boundary += b"b"
        mark = end + b"--" + boundary
        body = b"".join(mark + end + each for each in parts)
        return b"Content-Type: multipart/mixed; boundary=" + boundary + end + body + mark + b"--" + end


@dataclass(frozen=True)
class Child:
    subject: str
    node: Node

    def part(self, end: bytes) -> bytes:
        return b"Content-Type: message/rfc822" + end + end + self.message(end)

    def message(self, end: bytes) -> bytes:
        return b"From: a@example.org" + end + b"Subject: " + self.subject.encode() + end + self.node.part(end)


Node = Text | File | Several | Child

_texts = st.builds(
    Text,
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=8).map(tuple),
    st.sampled_from(_CHARSETS),
    st.sampled_from(("base64", "quoted-printable")),
)
_files = st.builds(
    File,
    st.text("abcé 金.-", min_size=1, max_size=12).map(lambda name: f"a{name}b.bin"),
    st.binary(max_size=300),
    st.sampled_from(("base64", "quoted-printable", "x-uuencode")),
)
nodes = st.recursive(
    _texts | _files,
    lambda below: (
        st.builds(Several, st.lists(below, min_size=1, max_size=4).map(tuple))
        | st.builds(Child, st.text("abcé 金", max_size=10), below)
    ),
    max_leaves=12,
)
mails = st.builds(Child, st.just("Melding"), nodes)
line_ends = st.sampled_from((b"\n", b"\r\n"))


def _headed(head: bytes, data: bytes, encoding: str, end: bytes) -> bytes:
    return head + end + b"Content-Transfer-Encoding: " + encoding.encode() + end + end + _encoded(data, encoding, end)


def _encoded(data: bytes, encoding: str, end: bytes) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data).replace(b"\n", end)
    if encoding == "quoted-printable":
        binary = b"".join(b"=%02X" % byte for byte in data)
        lines = [binary[at : at + 72] for at in range(0, len(binary), 72)]
        return (b"=" + end).join(lines)
    lines = [binascii.b2a_uu(data[at : at + 45]).rstrip(b"\n") for at in range(0, len(data), 45)]
    return end.join([b"begin 644 a", *lines, b"`", b"end", b""])


def _percent(name: str) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in name.encode())


def _fits(word: str, charset: str) -> bool:
    try:
        return word.encode(charset).decode(charset) == word
    except UnicodeError:
        return False
