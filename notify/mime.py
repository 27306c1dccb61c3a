"""A document and its addressing as the bytes of one mail, safe for every relay on the way.

The header block is written here line by line, not through `EmailMessage`: that one reads what it is given, and so
decodes encoded words in an address (CPython #121650), encodes a local part that must never be (RFC 2047 §5), and
encodes an In-Reply-To of more than 78 characters, which mail programs then drop. Only the subject and a sender's name
can become RFC 2047 words.
"""

import secrets
from binascii import b2a_qp
from datetime import datetime
from email.header import Header
from email.utils import formataddr

from notify.addressing import Addressing, rfc5322_date
from notify.document import Document

LOOP_HEADER = "X-Loop"
"""Names the desk's own address. Mail that carries it is our own, or an answer made from it by a machine."""

LONGEST_LINE = 998
"""RFC 5322 §2.1.1, in octets."""

REPLIED = "auto-replied"
"""RFC 3834 §5: the answer to one mail."""

GENERATED = "auto-generated"
"""RFC 3834 §5: a mail that no mail asked for, such as a reminder or a notice."""


class BadHeader(ValueError):
    """A header field would have been more than one line. Does not say what stood in it."""


def to_bytes(document: Document, addressing: Addressing, auto_submitted: str) -> bytes:
    """The mail as it is handed to SMTP: CRLF line ends, and ASCII alone but for an address that cannot be."""
    boundary = f"=_{secrets.token_hex(16)}"
    head = "".join(_field(name, value) for name, value in _fields(document, addressing, auto_submitted, boundary))
    parts = [_part(document.to_text(), "plain"), _part(document.to_html(), "html")]
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return b"%s\r\n%s--%s--\r\n" % (head.encode(), body, boundary.encode())


def dated(mail: bytes, moment: datetime) -> bytes:
    """A mail that `to_bytes` made, with another Date."""
    date, end, rest = mail.partition(b"\r\n")
    if not date.startswith(b"Date: "):
        raise BadHeader("The mail does not begin with its Date.")
    return b"Date: " + rfc5322_date(moment).encode() + end + rest


def _fields(document: Document, addressing: Addressing, auto_submitted: str, boundary: str) -> list[tuple[str, str]]:
    optional = [
        ("Reply-To", addressing.reply_to),
        ("In-Reply-To", addressing.in_reply_to),
        ("References", " ".join(addressing.references)),
    ]
    return [
        ("Date", rfc5322_date(addressing.date)),
        ("From", formataddr((" ".join(addressing.from_name.split()), addressing.from_))),
        ("To", addressing.to),
        ("Subject", _encoded(document.title)),
        ("Message-ID", addressing.message_id),
        *((name, value) for name, value in optional if value),
        ("Auto-Submitted", auto_submitted),
        ("X-Auto-Response-Suppress", "All"),  # MS-OXCMAIL §2.1.3.2.20
        (LOOP_HEADER, addressing.from_),
        ("Content-Language", document.language),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
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
