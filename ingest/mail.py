"""What a mail says, as plain values: a reader's answer, and all that the rest of intake knows of a mail's inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

_MESSAGE_ID = re.compile("<[^<>\\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,990}>")


def is_message_id(value: str) -> bool:
    """What both sides of a reader's answer take for a Message-ID; the parser drops anything else."""
    return _MESSAGE_ID.fullmatch(value) is not None


class Content(Protocol):
    """Bytes that are read in pieces."""

    def chunks(self) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Address:
    name: str
    address: str


@dataclass(frozen=True)
class ParsedAttachment:
    """A file in the mail. `name` is safe to show and to save, ours where it has none; `content` is byte-exact."""

    name: str
    content_type: str
    size: int
    inline: bool
    content_id: str | None
    content: Content = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        return self.content.chunks()


@dataclass(frozen=True)
class ParsedMail:
    """One mail.

    `from_` is None when the From field is missing, malformed or names several: a sender is never guessed.
    Message-IDs keep their angle brackets (`is_message_id`). Header values are decoded; no field holds a CR, a NUL or a
    lone surrogate, and only the texts hold line feeds. `own_text` and `quoted_text` divide `text`, which is always
    whole.

    `delivery_report` is None, or a dict with the keys
      kind                 "delivery" (RFC 3464) or "disposition" (RFC 8098)
      original_message_id  str | None
      original_envelope_id str | None
      recipients           list of {"address", "action", "status", "diagnostic"}, each str ("" where not given)
      disposition          str, "" for delivery reports
    """

    from_: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    date: datetime | None
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str
    own_text: str
    quoted_text: str
    html: str | None
    attachments: tuple[ParsedAttachment, ...]
    defects: tuple[str, ...]
    delivery_report: dict[str, Any] | None

    def header(self, name: str) -> tuple[str, ...]:
        """All values of the header field called `name`, in their order."""
        wanted = name.lower()
        return tuple(value for field_name, value in self.headers if field_name.lower() == wanted)


@dataclass(frozen=True)
class ParseLimits:
    """Above these a mail is not taken apart any further; it is kept whole for a person."""

    header_bytes: int = 1024 * 1024
    header_value_chars: int = 32 * 1024
    headers: int = 2000
    parts: int = 1000
    depth: int = 100
    text_chars: int = 4_000_000
    attachments: int = 500
