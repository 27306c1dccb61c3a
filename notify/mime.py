"""A document and its addressing as the bytes of one mail, safe for every relay on the way.

The header block is written here line by line, not through `EmailMessage`: that one reads what it is given, and so
decodes encoded words in an address (CPython #121650), encodes a local part that must never be (RFC 2047 §5), and
encodes an In-Reply-To of more than 78 characters, which mail programs then drop. Only the subject and a sender's name
can become RFC 2047 words.
"""

import re
import secrets
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.utils import formataddr
from urllib.parse import quote

from notify.addressing import Addressing, rfc5322_date
from notify.document import Document

LOOP_HEADER = "X-Loop"
"""Names the desk's own address. Mail that carries it is our own, or an answer made from it by a machine."""

LONGEST_LINE = 998
"""RFC 5322 §2.1.1, in octets."""

REPLIED = "auto-replied"
"""RFC 3834 §5: the answer to one mail."""

_LONGEST_NAME = 80  # of any script: in RFC 2231 still one line
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,100}")

GENERATED = "auto-generated"
"""RFC 3834 §5: a mail that no mail asked for, such as a reminder or a notice."""


class BadHeader(ValueError):
    """A header field would have been more than one line. Does not say what stood in it."""


@dataclass(frozen=True)
class File:
    """A file that goes with a mail."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


def to_bytes(document: Document, addressing: Addressing, auto_submitted: str) -> bytes:
    """The mail as it is handed to SMTP: CRLF line ends, and ASCII alone but for an address that cannot be."""
    automatic = [("Auto-Submitted", auto_submitted), ("X-Auto-Response-Suppress", "All")]  # MS-OXCMAIL §2.1.3.2.20
    head = _head(document.title, document.language, addressing, automatic)
    return head + _parts([_part(document.to_text(), "plain"), _part(document.to_html(), "html")], "alternative")


def letter(subject: str, language: str, text: str, files: Sequence[File], addressing: Addressing) -> bytes:
    """What a person wrote, as plain text, with files. Nothing in it says that a machine answers (RFC 3834 §2)."""
    parts = [_part(text.rstrip("\n"), "plain"), *(_file(each) for each in files)]
    head = _head(subject, language, addressing, [])
    return head + (_parts(parts, "mixed") if files else parts[0] + b"\r\n")


def with_ways_back(mail: bytes, message_id: str, reply_to: str | None) -> bytes:
    """A mail that was made without a Message-ID, with one, and with where answers go."""
    date, end, rest = mail.partition(b"\r\n")
    if not date.startswith(b"Date: "):
        raise BadHeader("The mail does not begin with its Date.")
    named = [("Message-ID", message_id), *([("Reply-To", reply_to)] if reply_to else [])]
    return date + end + "".join(_field(name, value) for name, value in named).encode() + rest


def dated(mail: bytes, moment: datetime) -> bytes:
    """A mail that `to_bytes` made, with another Date."""
    date, end, rest = mail.partition(b"\r\n")
    if not date.startswith(b"Date: "):
        raise BadHeader("The mail does not begin with its Date.")
    return b"Date: " + rfc5322_date(moment).encode() + end + rest


def _head(subject: str, language: str, addressing: Addressing, automatic: Sequence[tuple[str, str]]) -> bytes:
    fields = _fields(subject, language, addressing, automatic)
    return "".join(_field(name, value) for name, value in fields).encode()


def _parts(parts: Sequence[bytes], kind: str) -> bytes:
    """The end of a header block, and these parts below it."""
    boundary = f"=_{secrets.token_hex(16)}"
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    head = _field("Content-Type", f'multipart/{kind}; boundary="{boundary}"').encode()
    return b"%s\r\n%s--%s--\r\n" % (head, body, boundary.encode())


def _fields(
    subject: str, language: str, addressing: Addressing, automatic: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    optional = [
        ("Message-ID", addressing.message_id),
        ("Reply-To", addressing.reply_to),
        ("In-Reply-To", addressing.in_reply_to),
        ("References", " ".join(addressing.references)),
    ]
    return [
        ("Date", rfc5322_date(addressing.date)),
        ("From", formataddr((" ".join(addressing.from_name.split()), addressing.from_))),
        ("To", addressing.to),
        ("Subject", _encoded(subject)),
        *((name, value) for name, value in optional if value),
        *automatic,
        (LOOP_HEADER, addressing.from_),
        ("Content-Language", language),
        ("MIME-Version", "1.0"),
    ]


def _field(name: str, value: str) -> str:
    line = f"{name}: {value}"
    unfolded = line.replace("\r\n ", "")
    if not unfolded.isprintable() or any(len(part.encode()) > LONGEST_LINE for part in line.split("\r\n")):
        raise BadHeader(f"The header field {name} would not be one line of at most {LONGEST_LINE} octets.")
    return f"{line}\r\n"


def _encoded(text: str) -> str:
    """The words as they are, or as RFC 2047 words of at most 75 characters on lines of their own."""
    words = " ".join(text.split())
    return (
        words
        if words.isascii()
        else Header(words, "utf-8", maxlinelen=75, header_name="Subject").encode(linesep="\r\n")
    )


def _part(content: str, subtype: str) -> bytes:
    """RFC 2045 §6.7: quoted-printable, in lines of at most 76 characters that no relay has to touch."""
    encoded = b2a_qp(content.replace("\n", "\r\n").encode())
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + encoded


def _file(file: File) -> bytes:
    """RFC 2183, with its name in any script (RFC 2231)."""
    name = "".join(each for each in file.name if each.isprintable() and each not in '"\\/')[-_LONGEST_NAME:] or "file"
    named = f'filename="{name}"' if name.isascii() else f"filename*=UTF-8''{quote(name, safe='')}"
    head = (
        f"Content-Type: {_content_type(file.content_type)}\r\n"
        f"Content-Disposition: attachment;\r\n {named}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + encodebytes(file.content).replace(b"\n", b"\r\n")


def _content_type(claimed: str) -> str:
    """Never a message or a multipart: those have to be what they say (RFC 2046 §5)."""
    good = _MEDIA_TYPE.fullmatch(claimed) and not claimed.lower().startswith(("message/", "multipart/"))
    return claimed if good else "application/octet-stream"
