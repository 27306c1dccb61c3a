"""What reading one file is given, and what it gives."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from PIL import Image

from ingest.charsets import clean_text
from ingest.mail import ChildMessage, Finding, ParsedAttachment, ParseLimits
from ingest.names import safe_name

PIECE = 256 * 1024


class OutOfBounds(Exception):
    """The file unpacks to more than is ever unpacked."""


@dataclass(frozen=True)
class Budget:
    """Time until `until`, on `clock` (seconds)."""

    until: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Budget:
        return cls(clock() + seconds, clock)

    @property
    def left(self) -> float:
        return max(0.0, self.until - self.clock())

    def share(self, among: int) -> Budget:
        """An equal part of what is left: a slow file costs the others no more than its own."""
        return replace(self, until=self.clock() + self.left / max(1, among))


class Recogniser(Protocol):
    """Reads the letters in a picture."""

    def text_of(self, picture: Image.Image, budget: Budget) -> str | None:
        """What is written there, "" for a picture of something else; None when the time was too short."""
        ...


@dataclass(frozen=True)
class Task:
    """`inline`: the mail shows the file in its text. `recogniser` is None where none is installed."""

    name: str = ""
    content_type: str = "application/octet-stream"
    inline: bool = False
    limits: ParseLimits = field(default_factory=ParseLimits)
    budget: Budget = field(default_factory=lambda: Budget.of(60))
    recogniser: Recogniser | None = None


@dataclass(frozen=True)
class FileText:
    """`inner` are the files in this one; `child` says that the file is itself a mail; `found_type` is the content type
    that its reader found it to be, "" where that is no more than its first bytes tell."""

    text: str = ""
    findings: tuple[Finding, ...] = ()
    inner: tuple[ParsedAttachment, ...] = ()
    child: ChildMessage | None = None
    found_type: str = ""


@dataclass(frozen=True)
class InMemory:
    """Bytes that came out of a file."""

    data: bytes

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), PIECE):
            yield self.data[start : start + PIECE]


_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,90}")


def inner_file(data: bytes, name: str | None, content_type: str, number: int) -> ParsedAttachment:
    content_type = content_type.lower()
    content_type = content_type if _TYPE.fullmatch(content_type) else "application/octet-stream"
    return ParsedAttachment(
        name=safe_name(name, content_type, number),
        content_type=content_type,
        size=len(data),
        inline=False,
        content_id=None,
        content=InMemory(data),
    )


class Text:
    """Collects a text up to a bound; `is_full` says that there is no need to read on."""

    def __init__(self, limit: int) -> None:
        self._pieces: list[str] = []
        self._left = limit
        self.is_full = False

    def add(self, piece: str) -> None:
        if len(piece) > self._left:
            piece, self.is_full = piece[: self._left], True
        self._pieces.append(piece)
        self._left -= len(piece)

    def read(self, *findings: Finding) -> FileText:
        return FileText(
            clean_text("".join(self._pieces)).strip(), (*findings, Finding.CUT) if self.is_full else findings
        )
