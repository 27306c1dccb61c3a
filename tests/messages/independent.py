"""The leaves of a mail and their bytes by other means than the product's: lines, regular expressions, base64 by hand.

Small on purpose, and right for mails that follow the rules: what it cannot see, it says nothing of.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.MULTILINE)
_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;\"]+))", re.IGNORECASE)
_BASE64_LINES = re.compile(rb"\A((?:[A-Za-z0-9+/]*=*[ \t]*\r?\n)+).*", re.DOTALL)
_DEEPEST = 50
_UU = re.compile(rb"^begin [0-7]{3,4} [^\r\n]+\r?\n((?:[ -`]*\r?\n)+?)end\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Leaf:
    kind: str
    data: bytes


def leaves(mail: bytes) -> Iterator[Leaf]:
    """All leaves; of one whose end is missing, with and without its last line end, since nobody knows whose that is."""
    mail = re.sub(rb"\A(?:\s*\n|Mail content:\r?\n)(?=[A-Za-z-]+:)", b"", mail)  # what stands above the header
    if b"\n" in mail:
        yield from _leaves(mail, "text/plain", 0)
        return
    for leaf in _leaves(mail.replace(b"\r", b"\n"), "text/plain", 0):  # lines end with CR alone
        yield leaf
        yield Leaf(leaf.kind, leaf.data.replace(b"\n", b"\r"))


def _leaves(mail: bytes, default: str, depth: int) -> Iterator[Leaf]:
    head, body = _divided(mail)
    fields = {name.lower(): value for name, value in reversed(_FIELD.findall(head))}
    stated = fields.get(b"content-type", default.encode())
    kind = stated.split(b";")[0].strip().lower().decode("latin-1")
    boundary = _BOUNDARY.search(re.sub(rb"\r?\n", b"", stated))
    if kind.startswith("multipart/") and boundary and depth < _DEEPEST:
        below = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        for part in _parts(body, boundary[1] or boundary[2]):
            yield from _leaves(part, below, depth + 1)
        return
    encoding = fields.get(b"content-transfer-encoding", b"").split(b";")[0].strip().lower()
    yield Leaf(kind, _decoded(body, encoding))
    yield Leaf(kind, _decoded(re.sub(rb"\r?\n\Z", b"", body), encoding))
    if encoding == b"base64":  # what stands below it may be somebody's words, and no damage
        yield Leaf(kind, _decoded(_BASE64_LINES.sub(rb"\1", body), encoding))
    for block in _UU.findall(body):
        yield Leaf("uuencoded", _uudecoded(block))


def _divided(mail: bytes) -> tuple[bytes, bytes]:
    """Header and body; without a header line at the beginning all is body."""
    if re.match(rb"\r?\n", mail):
        return b"", re.sub(rb"\A\r?\n", b"", mail)
    end = re.search(rb"\r?\n\r?\n", mail)
    return (mail[: end.start()], mail[end.end() :]) if end else (mail, b"")


def _parts(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """RFC 2046 §5.1.1: the line end before a mark belongs to the mark."""
    mark = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.rstrip()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    begin: int | None = None
    for match in mark.finditer(body):
        if begin is not None:
            yield re.sub(rb"\A\r?\n", b"", body[begin : match.start()])
        if match[1]:
            return
        begin = match.end()
    if begin is not None:
        yield re.sub(rb"\A\r?\n", b"", body[begin:])


def _decoded(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"base64":
        characters = re.sub(rb"[^A-Za-z0-9+/]", b"", body.split(b"=")[0] if b"=" in body else body)
        characters = characters[: len(characters) - (len(characters) % 4 == 1)]
        return base64.b64decode(characters + b"=" * (-len(characters) % 4))
    if encoding == b"quoted-printable":
        return quopri.decodestring(body)
    return body


def _uudecoded(block: bytes) -> bytes:
    """By the numbers: six bits a character, and the first of a line says how many bytes it holds."""
    found = bytearray()
    for line in block.splitlines():
        count = (line[0] - 32) & 63 if line else 0
        bits = "".join(f"{(character - 32) & 63:06b}" for character in line[1:]).ljust(8 * count, "0")
        found += bytes(int(bits[at : at + 8], 2) for at in range(0, 8 * count, 8))
    return bytes(found)
