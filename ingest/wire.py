"""Taking a reader's answer (frames: see frames.py): lengths are bounded before they are taken, values validated.

A reader that has read a hostile mail is itself hostile. It costs this one mail its understanding, whatever it answers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from ingest.errors import CannotParse, ReaderDied
from ingest.frames import FRAME, NUMBER, PIECE
from ingest.mail import (
    Address,
    ChildMessage,
    Finding,
    Hop,
    ParsedAttachment,
    ParsedMail,
    Sealed,
    SealedKind,
    is_message_id,
)
from ingest.raw import read_range, write_all

_MAX_JSON = 64 * 1024 * 1024
_MAX_TEXT = 4_000_000
_TIMES = 3
_MAX_ATTACHMENT_TEXT = 200_000
_MAX_ATTACHMENTS = 500
_MAX_HOPS = 20
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROLS_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")

Receive = Callable[[int], bytes]
M = TypeVar("M", bound=BaseModel)


class Answer:
    """What a reader has said of one mail so far. `mail` is None until it has said the mail itself."""

    def __init__(self, raw_size: int) -> None:
        self.mail: ParsedMail | None = None
        self._raw_size = raw_size
        self._spool = _Spool(raw_size)
        self._json_left = _MAX_JSON

    def take(self, receive: Receive) -> None:
        """Listen to the end. Raises CannotParse, ReaderDied, or what `receive` raises; `mail` stays what it was."""
        while self._take_frame(receive):
            pass

    def _take_frame(self, receive: Receive) -> bool:
        """One frame; is there more to come?"""
        kind, length = FRAME.unpack(_exactly(receive, FRAME.size))
        if kind == b"A" and NUMBER.size < length <= NUMBER.size + PIECE:
            (number,) = NUMBER.unpack(_exactly(receive, NUMBER.size))
            self._spool.add(number, _exactly(receive, length - NUMBER.size))
        elif kind == b"E" and length == 0 and self.mail is None:
            raise CannotParse("the mail is beyond the limits of a reader")
        elif kind == b"Z" and length == 0 and self.mail is not None:
            return False
        elif kind in (b"M", b"P") and self.mail is None:
            self.mail = _validated(self._document(receive, length), self._spool, self._raw_size)
            return bool(kind == b"P")
        elif kind == b"F" and self.mail is not None and length > NUMBER.size:
            (number,) = NUMBER.unpack(_exactly(receive, NUMBER.size))
            self.mail = self._with_file(self.mail, number, self._document(receive, length - NUMBER.size))
        elif kind == b"B" and self.mail is not None:
            body = _checked(_Body, self._document(receive, length))
            elsewhere = tuple(each for each in self.mail.sealed if each.text is None)  # ranges were of another text
            self.mail = replace(self.mail, **body.model_dump(), sealed=elsewhere)
        else:
            raise ReaderDied("the reader sent a frame that does not exist")
        return True

    def _document(self, receive: Receive, length: int) -> bytes:
        """All JSON of one answer together is bounded, so that no number of small frames adds up to too much."""
        if length > self._json_left:
            raise ReaderDied("the reader says more than is listened to")
        self._json_left -= length
        return _exactly(receive, length)

    def _with_file(self, mail: ParsedMail, number: int, data: bytes) -> ParsedMail:
        files = list(mail.attachments)
        said = _checked(_Attachment, data)
        if number > min(len(files), _MAX_ATTACHMENTS - 1) or (said.inside is not None and said.inside >= number):
            raise ReaderDied("the reader speaks of a file that there is not")
        files[number : number + 1] = [_attachment(said, self._spool.content(number))]
        if self._spool.highest() >= len(files):
            raise ReaderDied("the reader sent bytes of attachments that it does not name")
        return replace(mail, attachments=tuple(files))


def _exactly(receive: Receive, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size:
        piece = receive(min(size - len(pieces), PIECE))
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
    """The attachments' bytes, one after the other in a memfd.

    Decoding makes no mail longer, but what lies in a file comes a second time, as a file of its own: twice for a child
    of a child, and no deeper.
    """

    def __init__(self, bound: int) -> None:
        self._file = _File()
        self._bound = _TIMES * bound
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


def _message_id(value: str) -> str:
    if not is_message_id(value):
        raise ValueError("not a Message-ID")
    return value


Short = Annotated[str, Field(max_length=1000), AfterValidator(_line)]
Long = Annotated[str, Field(max_length=40_000), AfterValidator(_line)]
Text = Annotated[str, Field(max_length=_MAX_TEXT), AfterValidator(_lines)]
MessageId = Annotated[str, Field(max_length=1000), AfterValidator(_message_id)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Address(_Model):
    name: Long
    address: Short

    def value(self) -> Address:
        return Address(self.name, self.address)


class _Child(_Model):
    from_: _Address | None
    subject: Long
    date: AwareDatetime | None
    message_id: MessageId | None

    def value(self) -> ChildMessage:
        sender = self.from_.value() if self.from_ else None
        return ChildMessage(sender, self.subject, _utc(self.date), self.message_id)


ContentType = Annotated[str, Field(max_length=160, pattern=r"\A[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\z")]


class _Attachment(_Model):
    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_file_name)]
    content_type: ContentType
    found_type: ContentType | Literal[""]
    inline: bool
    content_id: Short | None
    text: Annotated[str, Field(max_length=_MAX_ATTACHMENT_TEXT), AfterValidator(_lines)]
    findings: Annotated[list[Finding], Field(max_length=len(Finding))]
    inside: Annotated[int, Field(ge=0, lt=_MAX_ATTACHMENTS)] | None
    child: _Child | None


class _Hop(_Model):
    from_: Short
    by: Short
    at: AwareDatetime | None

    def value(self) -> Hop:
        return Hop(self.from_, self.by, _utc(self.at))


class _Recipient(_Model):
    address: Short
    original: Short
    action: Short
    status: Short
    diagnostic: Short


class _Report(_Model):
    kind: Literal["delivery", "disposition"]
    original_message_id: MessageId | None
    original_envelope_id: Short | None
    recipients: Annotated[list[_Recipient], Field(max_length=50)]
    disposition: Short


class _Body(_Model):
    text: Text
    own_text: Text
    quoted_text: Text
    signature_text: Text


class _Sealed(_Model):
    kind: SealedKind
    whole: bool
    attachment: Annotated[int, Field(ge=0, lt=_MAX_ATTACHMENTS)] | None
    text: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None
    signed: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None
    data: Annotated[Base64Bytes, Field(max_length=1_000_000)]

    def value(self) -> Sealed:
        return Sealed(self.kind, self.whole, self.attachment, self.text, self.signed, self.data)

    def lies_in(self, attachments: int, text: int, raw: int) -> bool:
        ranges = ((self.text, text), (self.signed, raw))
        inside = all(each is None or each[0] <= each[1] <= size for each, size in ranges)
        return inside and (self.attachment is None or self.attachment < attachments)


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
    signature_text: Text
    hops: Annotated[list[_Hop], Field(max_length=_MAX_HOPS)]
    sealed: Annotated[list[_Sealed], Field(max_length=50)]

    @field_validator("attachments")
    @classmethod
    def _lie_inside_earlier_ones(cls, attachments: list[_Attachment]) -> list[_Attachment]:
        if any(each.inside is not None and each.inside >= place for place, each in enumerate(attachments)):
            raise ValueError("inside what does not come before it")
        return attachments


def _checked(model: type[M], data: bytes) -> M:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        places = ", ".join(
            ".".join(str(part) for part in each["loc"]) for each in error.errors(include_input=False)[:3]
        )
        raise ReaderDied(f"the reader's answer does not follow the contract ({places})") from None


def _validated(data: bytes, spool: _Spool, raw_size: int) -> ParsedMail:
    mail = _checked(_Mail, data)
    if spool.highest() >= len(mail.attachments):
        raise ReaderDied("the reader sent bytes of attachments that it does not name")
    if not all(each.lies_in(len(mail.attachments), len(mail.text), raw_size) for each in mail.sealed):
        raise ReaderDied("the reader found something sealed where the mail is not")
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
        signature_text=mail.signature_text,
        hops=tuple(each.value() for each in mail.hops),
        sealed=tuple(each.value() for each in mail.sealed),
    )


def _attachment(attachment: _Attachment, content: _Spooled) -> ParsedAttachment:
    return ParsedAttachment(
        name=attachment.name,
        content_type=attachment.content_type,
        size=content.size,
        inline=attachment.inline,
        content_id=attachment.content_id,
        content=content,
        text=attachment.text,
        findings=tuple(attachment.findings),
        inside=attachment.inside,
        child=attachment.child.value() if attachment.child else None,
        found_type=attachment.found_type,
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
