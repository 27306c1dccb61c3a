"""From raw bytes to a ParsedMail. Pure; meant for a reader process, which bounds its time and memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest import headers
from ingest.body import Leaf, read_body
from ingest.charsets import clean_line
from ingest.errors import CannotParse
from ingest.guard import guarded
from ingest.mail import Address, ParsedAttachment, ParsedMail, ParseLimits
from ingest.names import safe_name
from ingest.parts import Part, body_bytes, parse_tree
from ingest.text import SplitText, split

_PIECE = 256 * 1024
_SINGLE = ("from", "subject", "date", "message-id", "reply-to", "to", "cc", "in-reply-to", "references")


@dataclass(frozen=True)
class Decoded:
    """An attachment's bytes, decoded anew each time they are read: a reader holds one of them at a time."""

    part: Part

    def chunks(self) -> Iterator[bytes]:
        data = memoryview(body_bytes(self.part))
        for start in range(0, len(data), _PIECE):
            yield bytes(data[start : start + _PIECE])


def parse_bytes(data: bytes, limits: ParseLimits | None = None) -> ParsedMail:
    return parse((data,), limits or ParseLimits())


def parse(chunks: Iterable[bytes], limits: ParseLimits) -> ParsedMail:
    """Take a mail apart. Raises CannotParse for what is beyond the limits; the sizes of attachments are measured.

    A field or part that makes no sense is left out, with a defect that names it.
    """
    root = parse_tree(chunks, limits)
    fields = _fields(root, limits)
    defects: list[str] = []
    body = read_body(root, limits, defects)
    parts = guarded("text", defects, SplitText(body.text, ""), lambda: split(body.text))
    return ParsedMail(
        from_=guarded("from", defects, None, lambda: headers.sender(fields.all("from"), defects)),
        reply_to=_addresses(fields, "reply-to", defects),
        to=_addresses(fields, "to", defects),
        cc=_addresses(fields, "cc", defects),
        subject=_decoded("subject", fields.first("subject") or "", defects),
        date=guarded("date", defects, None, lambda: headers.date(fields.first("date"), defects)),
        message_id=_first_id(fields, "message-id", defects),
        in_reply_to=_first_id(fields, "in-reply-to", defects),
        references=_ids("references", " ".join(fields.all("references")), defects)[:1000],
        headers=tuple((name, _decoded(name, value, defects)) for name, value in fields.pairs),
        text=body.text,
        own_text=parts.own,
        quoted_text=parts.quoted,
        html=body.html,
        attachments=tuple(_attachment(leaf, number) for number, leaf in enumerate(body.attachments, start=1)),
        defects=tuple(dict.fromkeys(_short(d) for d in (*fields.defects, *defects)))[:100],
        delivery_report=body.report,
    )


@dataclass(frozen=True)
class _Fields:
    pairs: tuple[tuple[str, str], ...]
    defects: tuple[str, ...]

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.pairs if field.lower() == name]

    def first(self, name: str) -> str | None:
        return next((value for field, value in self.pairs if field.lower() == name), None)


def _fields(root: Part, limits: ParseLimits) -> _Fields:
    raw = list(root.raw_items())
    if len(raw) > limits.headers:
        raise CannotParse("more header fields than are read")
    defects = [type(defect).__name__ for defect in root.defects]
    pairs = []
    for name, value in raw:
        value = str(value)
        if len(value) > limits.header_value_chars:
            defects.append("header: value cut")
            value = value[: limits.header_value_chars]
        pairs.append((clean_line(headers.unescape(str(name)))[:200], value))
    names = [name.lower() for name, _ in pairs]
    defects.extend(f"{name}: several fields" for name in _SINGLE if names.count(name) > 1)
    return _Fields(tuple(pairs), tuple(defects))


def _addresses(fields: _Fields, name: str, defects: list[str]) -> tuple[Address, ...]:
    found: list[Address] = []
    for value in fields.all(name)[:20]:
        found.extend(headers.addresses(value, defects, name))
    return tuple(found[:1000])


def _decoded(name: str, value: str, defects: list[str]) -> str:
    return guarded(name, defects, "", lambda: headers.decode_value(value))


def _ids(name: str, value: str | None, defects: list[str]) -> tuple[str, ...]:
    return guarded(name, defects, (), lambda: headers.message_ids(value))


def _first_id(fields: _Fields, name: str, defects: list[str]) -> str | None:
    return next(iter(_ids(name, fields.first(name), defects)), None)


def _attachment(leaf: Leaf, number: int) -> ParsedAttachment:
    return ParsedAttachment(
        name=safe_name(leaf.name, leaf.content_type, number),
        content_type=leaf.content_type,
        size=len(body_bytes(leaf.part)),
        inline=leaf.inline,
        content_id=leaf.content_id,
        content=Decoded(leaf.part),
    )


def _short(defect: str) -> str:
    return clean_line(defect)[:200]
