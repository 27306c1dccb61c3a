"""How a reader answers: frames of one kind byte, a length, and bytes. Data only, never pickles.

A  a piece of an attachment: two bytes of number, then the bytes as they are
M  the mail in JSON; the last frame of an answer
E  in place of M: the mail is beyond the limits
P  in place of M: the mail, whose files are still to be read. Then, in any order and number:
   F  two bytes of number, then the file of that number in JSON, as it is known by now; the number that comes next
      adds one, whose bytes came before it as A
   B  the text of the mail in JSON, where all its words lay in a file
Z  the end of what P began
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from ingest.mail import Address, ParsedAttachment, ParsedMail, Sealed

FRAME = struct.Struct("!cI")
NUMBER = struct.Struct("!H")
PIECE = 256 * 1024

Send = Callable[[bytes], object]


def send_mail(mail: ParsedMail, send: Send, *, files_follow: bool = False) -> None:
    for number, attachment in enumerate(mail.attachments):
        _send_content(number, attachment, send)
    _send(send, b"P" if files_follow else b"M", _json(_plain(mail)))


def send_file(number: int, attachment: ParsedAttachment, send: Send, *, is_new: bool) -> None:
    """What is known of a file by now."""
    if is_new:
        _send_content(number, attachment, send)
    _send(send, b"F", NUMBER.pack(number) + _json(_attachment(attachment)))


def send_body(body: Mapping[str, str], send: Send) -> None:
    """The keys text, own_text, quoted_text and signature_text."""
    _send(send, b"B", _json(body))


def send_end(send: Send) -> None:
    _send(send, b"Z", b"")


def send_refusal(send: Send) -> None:
    _send(send, b"E", b"")


def _send_content(number: int, attachment: ParsedAttachment, send: Send) -> None:
    for chunk in attachment.chunks():
        for start in range(0, len(chunk), PIECE):
            _send(send, b"A", NUMBER.pack(number) + chunk[start : start + PIECE])


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _send(send: Send, kind: bytes, data: bytes) -> None:
    send(FRAME.pack(kind, len(data)) + data)


def _plain(mail: ParsedMail) -> dict[str, Any]:
    return {
        "from_": _person(mail.from_) if mail.from_ else None,
        "reply_to": [_person(each) for each in mail.reply_to],
        "to": [_person(each) for each in mail.to],
        "cc": [_person(each) for each in mail.cc],
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
        "attachments": [_attachment(each) for each in mail.attachments],
        "defects": mail.defects,
        "delivery_report": mail.delivery_report,
        "signature_text": mail.signature_text,
        "hops": [{"from_": hop.from_, "by": hop.by, "at": hop.at.isoformat() if hop.at else None} for hop in mail.hops],
        "sealed": [_sealed(each) for each in mail.sealed],
    }


def _sealed(sealed: Sealed) -> dict[str, Any]:
    return {
        "kind": sealed.kind,
        "whole": sealed.whole,
        "attachment": sealed.attachment,
        "text": sealed.text,
        "signed": sealed.signed,
        "data": base64.b64encode(sealed.data).decode("ascii"),
    }


def _attachment(attachment: ParsedAttachment) -> dict[str, Any]:
    child = attachment.child
    return {
        "name": attachment.name,
        "content_type": attachment.content_type,
        "inline": attachment.inline,
        "content_id": attachment.content_id,
        "text": attachment.text,
        "findings": attachment.findings,
        "inside": attachment.inside,
        "found_type": attachment.found_type,
        "child": None
        if child is None
        else {
            "from_": _person(child.from_) if child.from_ else None,
            "subject": child.subject,
            "date": child.date.isoformat() if child.date else None,
            "message_id": child.message_id,
        },
    }


def _person(address: Address) -> dict[str, str]:
    return {"name": address.name, "address": address.address}
