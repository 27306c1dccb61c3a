"""A document and its addressing as the bytes of one mail, safe for every relay on the way.

The header fields are made so that nothing has to be folded or encoded that a mail program must read as it stands:
In-Reply-To and References are one plain line (an encoded one is dropped by Outlook and breaks the thread); only the
subject and a sender's name can become RFC 2047 words.
"""

import secrets
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from notify.addressing import Addressing, rfc5322_date
from notify.document import Document

LOOP_HEADER = "X-Loop"
"""Names the desk's own address. Mail that carries it is our own, or an answer made from it by a machine."""

ONE_LINE = 998
"""RFC 5322 §2.1.1: the longest line. Headers are not folded below it."""

REPLIED = "auto-replied"
"""RFC 3834 §5: the answer to one mail."""

GENERATED = "auto-generated"
"""RFC 3834 §5: a mail that no mail asked for, such as a reminder or a notice."""


def to_bytes(document: Document, addressing: Addressing, auto_submitted: str) -> bytes:
    """The mail as it is handed to SMTP: CRLF line ends, every line within 998 bytes, the body pure ASCII."""
    policy = (SMTPUTF8 if addressing.needs_smtputf8 else SMTP).clone(max_line_length=ONE_LINE)
    mail = EmailMessage(policy=policy)
    mail["Date"] = rfc5322_date(addressing.date)
    mail["From"] = _from(addressing)
    mail["To"] = addressing.to
    if addressing.reply_to is not None:
        mail["Reply-To"] = addressing.reply_to
    mail["Subject"] = document.title
    mail["Message-ID"] = addressing.message_id
    if addressing.in_reply_to is not None:
        mail["In-Reply-To"] = addressing.in_reply_to
    if addressing.references:
        mail["References"] = " ".join(addressing.references)
    mail["Auto-Submitted"] = auto_submitted
    mail["X-Auto-Response-Suppress"] = "All"  # MS-OXCMAIL §2.1.3.2.20
    mail[LOOP_HEADER] = addressing.from_
    mail["Content-Language"] = document.language
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = f'multipart/alternative; boundary="=_{secrets.token_hex(16)}"'
    mail.attach(_part(document.to_text(), "plain"))
    mail.attach(_part(document.to_html(), "html"))
    return mail.as_bytes()


def _from(addressing: Addressing) -> str:
    if not addressing.from_name:
        return addressing.from_
    return str(Address(display_name=" ".join(addressing.from_name.split()), addr_spec=addressing.from_))


def _part(content: str, subtype: str) -> EmailMessage:
    part = EmailMessage(policy=SMTP)  # its own line length: quoted-printable allows 76 (RFC 2045 §6.7)
    part.set_content(content, subtype=subtype, charset="utf-8", cte="quoted-printable")
    del part["MIME-Version"]
    return part
