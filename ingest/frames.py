"""How a reader answers: frames of one kind byte, a length, and bytes. Data only, never pickles.

A  a piece of an attachment: two bytes of number, then the bytes as they are
M  the mail in JSON; the last frame of an answer
E  in place of M: the mail is beyond the limits
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

from ingest.mail import Address, ParsedMail

FRAME = struct.Struct("!cI")
NUMBER = struct.Struct("!H")
PIECE = 256 * 1024

Send = Callable[[bytes], object]


def send_mail(mail: ParsedMail, send: Send) -> None:
    for number, attachment in enumerate(mail.attachments):
        for chunk in attachment.chunks():
            for start in range(0, len(chunk), PIECE):
                _send(send, b"A", NUMBER.pack(number) + chunk[start : start + PIECE])
    _send(send, b"M", json.dumps(_plain(mail), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def send_refusal(send: Send) -> None:
    _send(send, b"E", b"")


def _send(send: Send, kind: bytes, data: bytes) -> None:
    send(FRAME.pack(kind, len(data)) + data)


def _plain(mail: ParsedMail) -> dict[str, Any]:
    def people(addresses: tuple[Address, ...]) -> list[dict[str, str]]:
        return [{"name": each.name, "address": each.address} for each in addresses]

    return {
        "from_": people((mail.from_,))[0] if mail.from_ else None,
        "reply_to": people(mail.reply_to),
        "to": people(mail.to),
        "cc": people(mail.cc),
        "subject": mail.subject,
        "date": mail.date.isoformat() if mail.date else None,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": mail.references,
        "headers": mail.headers,
        "text": mail.text,
        "own_text": mail.own_text,
        "quoted_text": mail.quoted_text,
        "html": mail.html,
        "attachments": [
            {"name": a.name, "content_type": a.content_type, "inline": a.inline, "content_id": a.content_id}
            for a in mail.attachments
        ],
        "defects": mail.defects,
        "delivery_report": mail.delivery_report,
    }
