"""How a reader answers: frames of one kind byte, a length, and bytes. Data only, never pickles.

  A  a piece of an attachment: two bytes of number, then the bytes as they are
  M  the mail in JSON; the last frame of an answer
  E  in place of M: the mail is beyond the limits

A reader that has read a hostile mail is itself hostile: the asking side bounds each length before it takes it, validates the
JSON, and counts the attachments' bytes itself.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ingest.errors import CannotParse, ReaderDied
from ingest.mail import Address, ParsedAttachment, ParsedMail
from ingest.raw import read_range, write_all

_HEADER = struct.Struct("!cI")
_NUMBER = struct.Struct("!H")
_PIECE = 256 * 1024
_MAX_JSON = 64 * 1024 * 1024
_MAX_TEXT = 4_000_000
_MAX_ATTACHMENTS = 500
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROLS_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")

Receive = Callable[[int], bytes]
Send = Callable[[bytes], object]


# --- the reader's side


def send_mail(mail: ParsedMail, send: Send) -> None:
    for number, attachment in enumerate(mail.attachments):
        for chunk in attachment.chunks():
            for start in range(0, len(chunk), _PIECE):
                _send(send, b"A", _NUMBER.pack(number) + chunk[start : start + _PIECE])
    _send(send, b"M", json.dumps(_plain(mail), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def send_refusal(send: Send) -> None:
    _send(send, b"E", b"")


def _send(send: Send, kind: bytes, data: bytes) -> None:
    send(_HEADER.pack(kind, len(data)) + data)


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


# --- the asking side


def receive_mail(receive: Receive, raw_size: int) -> ParsedMail:
    """One answer, validated. Raises CannotParse when the reader says so, ReaderDied for anything that is not an answer."""
    spool = _Spool(raw_size)
    while True:
        kind, length = _HEADER.unpack(_exactly(receive, _HEADER.size))
        if kind == b"A" and _NUMBER.size < length <= _NUMBER.size + _PIECE:
            (number,) = _NUMBER.unpack(_exactly(receive, _NUMBER.size))
            spool.add(number, _exactly(receive, length - _NUMBER.size))
        elif kind == b"M" and length <= _MAX_JSON:
            return _validated(_exactly(receive, length), spool)
        elif kind == b"E" and length == 0:
            raise CannotParse("the mail is beyond the limits of a reader")
        else:
            raise ReaderDied("the reader sent a frame that does not exist")


def _exactly(receive: Receive, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = receive(min(size - len(pieces), _PIECE))
        if not piece:
            raise ReaderDied("the reader ended in the middle of its answer")
        pieces += piece
    return bytes(pieces)


class _File:
    """An anonymous file that closes when the last attachment that lies in it is forgotten."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("attachments", os.MFD_CLOEXEC)

    def __del__(self) -> None:
        os.close(self.fd)


@dataclass(frozen=True)
class _Spooled:
    file: _File
    offset: int
    size: int

    def chunks(self) -> Iterator[bytes]:
        return read_range(self.file.fd, self.offset, self.size)


class _Spool:
    """The attachments' bytes, one after the other in a memfd. Decoding never makes a mail longer, so its size is the bound."""

    def __init__(self, bound: int) -> None:
        self._file = _File()
        self._bound = bound
        self._end = 0
        self._sizes: dict[int, tuple[int, int]] = {}  # number: (offset, size)
        self._last = -1

    def add(self, number: int, data: bytes) -> None:
        if number < self._last or number >= _MAX_ATTACHMENTS or self._end + len(data) > self._bound:
            raise ReaderDied("the reader sent attachments that the mail cannot hold")
        write_all(self._file.fd, (data,))
        offset, size = self._sizes.get(number, (self._end, 0))
        self._sizes[number] = (offset, size + len(data))
        self._end += len(data)
        self._last = number

    def content(self, number: int) -> _Spooled:
        return _Spooled(self._file, *self._sizes.get(number, (0, 0)))

    def highest(self) -> int:
        return self._last


def _line(value: str) -> str:
    if _CONTROLS.search(value):
        raise ValueError("control character")
    return value


def _lines(value: str) -> str:
    if _CONTROLS_BUT_LINES.search(value):
        raise ValueError("control character")
    return value


def _file_name(value: str) -> str:
    if not _NAME.fullmatch(value) or value.startswith(".") or not value.strip():
        raise ValueError("not a file name")
    return value


Short = Annotated[str, Field(max_length=1000), AfterValidator(_line)]
Long = Annotated[str, Field(max_length=40_000), AfterValidator(_line)]
Text = Annotated[str, Field(max_length=_MAX_TEXT), AfterValidator(_lines)]
MessageId = Annotated[str, Field(max_length=1000, pattern=r"\A<[^<>\s]+>\z"), AfterValidator(_line)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Address(_Model):
    name: Long
    address: Short

    def value(self) -> Address:
        return Address(self.name, self.address)


class _Attachment(_Model):
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_file_name)]
    content_type: Annotated[str, Field(max_length=160, pattern=r"\A[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\z")]
    inline: bool
    content_id: Short | None


class _Recipient(_Model):
    address: Short
    action: Short
    status: Short
    diagnostic: Short


class _Report(_Model):
    kind: Literal["delivery", "disposition"]
    original_message_id: MessageId | None
    original_envelope_id: Short | None
    recipients: Annotated[list[_Recipient], Field(max_length=50)]
    disposition: Short


class _Mail(_Model):
    from_: _Address | None
    reply_to: Annotated[list[_Address], Field(max_length=1000)]
    to: Annotated[list[_Address], Field(max_length=1000)]
    cc: Annotated[list[_Address], Field(max_length=1000)]
    subject: Long
    date: AwareDatetime | None
    message_id: MessageId | None
    in_reply_to: MessageId | None
    references: Annotated[list[MessageId], Field(max_length=1000)]
    headers: Annotated[list[tuple[Short, Long]], Field(max_length=2000)]
    text: Text
    own_text: Text
    quoted_text: Text
    html: Text | None
    attachments: Annotated[list[_Attachment], Field(max_length=_MAX_ATTACHMENTS)]
    defects: Annotated[list[Short], Field(max_length=100)]
    delivery_report: _Report | None


def _validated(data: bytes, spool: _Spool) -> ParsedMail:
    try:
        mail = _Mail.model_validate_json(data)
    except ValidationError as error:
        places = ", ".join(
            ".".join(str(part) for part in each["loc"]) for each in error.errors(include_input=False)[:3]
        )
        raise ReaderDied(f"the reader's answer does not follow the contract ({places})") from None
    if spool.highest() >= len(mail.attachments):
        raise ReaderDied("the reader sent bytes of attachments that it does not name")
    return _mail(mail, spool)


def _mail(mail: _Mail, spool: _Spool) -> ParsedMail:
    return ParsedMail(
        from_=mail.from_.value() if mail.from_ else None,
        reply_to=tuple(each.value() for each in mail.reply_to),
        to=tuple(each.value() for each in mail.to),
        cc=tuple(each.value() for each in mail.cc),
        subject=mail.subject,
        date=_utc(mail.date),
        message_id=mail.message_id,
        in_reply_to=mail.in_reply_to,
        references=tuple(mail.references),
        headers=tuple(mail.headers),
        text=mail.text,
        own_text=mail.own_text,
        quoted_text=mail.quoted_text,
        html=mail.html,
        attachments=tuple(_attachment(each, spool.content(number)) for number, each in enumerate(mail.attachments)),
        defects=tuple(mail.defects),
        delivery_report=mail.delivery_report.model_dump() if mail.delivery_report else None,
    )


def _attachment(attachment: _Attachment, content: _Spooled) -> ParsedAttachment:
    return ParsedAttachment(
        name=attachment.name,
        content_type=attachment.content_type,
        size=content.size,
        inline=attachment.inline,
        content_id=attachment.content_id,
        content=content,
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
