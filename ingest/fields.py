"""The header of one mail or part of a mail: its fields in their order, bounded, and what can be said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ingest import headers
from ingest.charsets import clean_line
from ingest.errors import CannotParse
from ingest.guard import guarded
from ingest.mail import Address, Hop, ParseLimits
from ingest.parts import Part

_MAX_HOPS = 20
_SINGLE = ("from", "subject", "date", "message-id", "reply-to", "to", "cc", "in-reply-to", "references")
_END_COUNTS = ("references", "authentication-results")
"""The mail that is answered stands last, and what was found of DMARC often does."""
_CUT_HERE = " <> "
"""Makes no Message-ID of the halves of two."""
_MOST_IDS = 1000


@dataclass(frozen=True)
class Fields:
    """Names are clean lines, values as they stand in the mail."""

    pairs: tuple[tuple[str, str], ...]
    defects: tuple[str, ...]

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.pairs if field.lower() == name]

    def first(self, name: str) -> str | None:
        return next((value for field, value in self.pairs if field.lower() == name), None)

    def sender(self, defects: list[str]) -> Address | None:
        return guarded("from", defects, None, lambda: headers.sender(self.all("from"), defects))

    def addresses(self, name: str, defects: list[str]) -> tuple[Address, ...]:
        found: list[Address] = []
        for value in self.all(name)[:20]:
            found.extend(headers.addresses(value, defects, name))
        return tuple(found[:1000])

    def subject(self, defects: list[str]) -> str:
        return decoded("subject", self.first("subject") or "", defects)

    def date(self, defects: list[str]) -> datetime | None:
        return guarded("date", defects, None, lambda: headers.date(self.first("date"), defects))

    def hops(self, defects: list[str]) -> tuple[Hop, ...]:
        """What the Received fields say, at most 20; one that makes no sense is left out."""
        values = self.all("received")[:_MAX_HOPS]
        found = (guarded("received", defects, None, partial(headers.hop, value)) for value in values)
        return tuple(hop for hop in found if hop)

    def references(self, defects: list[str]) -> tuple[str, ...]:
        """The Message-IDs that the mail refers to, the newest last, at most 1,000: the first and the last. Who answers
        several mails at once names them in In-Reply-To alone (RFC 5322 §3.6.4); the first of them is no reference."""
        answered = _ids("in-reply-to", " ".join(self.all("in-reply-to")), defects)[1:]
        found = tuple(dict.fromkeys((*_ids("references", " ".join(self.all("references")), defects), *answered)))
        return found if len(found) <= _MOST_IDS else found[:1] + found[1 - _MOST_IDS :]

    def first_id(self, name: str, defects: list[str]) -> str | None:
        return next(iter(_ids(name, self.first(name), defects)), None)


def fields(part: Part, limits: ParseLimits) -> Fields:
    """The header of a part. Raises CannotParse where it has more fields than are read."""
    raw = list(part.raw_items())
    if len(raw) > limits.headers:
        raise CannotParse("more header fields than are read")
    defects = [type(defect).__name__ for defect in part.defects]
    pairs = []
    for name, value in raw:
        value = str(value)
        if len(value) > limits.header_value_chars:
            defects.append("header: value cut")
            value = _cut(name.lower(), value, limits.header_value_chars)
        pairs.append((clean_line(headers.unescape(str(name)))[:200], value))
    names = [name.lower() for name, _ in pairs]
    defects.extend(f"{name}: several fields" for name in _SINGLE if names.count(name) > 1)
    return Fields(tuple(pairs), tuple(defects))


def _cut(name: str, value: str, most: int) -> str:
    if name not in _END_COUNTS:
        return value[:most]
    half = (most - len(_CUT_HERE)) // 2
    return value[:half] + _CUT_HERE + value[-half:]


def decoded(name: str, value: str, defects: list[str]) -> str:
    return guarded(name, defects, "", lambda: headers.decode_value(value))


def _ids(name: str, value: str | None, defects: list[str]) -> tuple[str, ...]:
    return guarded(name, defects, (), lambda: headers.message_ids(value))
