"""From raw bytes to a ParsedMail. Pure; meant for a reader process, which bounds its time and memory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from ingest.body import read_body
from ingest.charsets import clean_line
from ingest.children import attachments
from ingest.fields import decoded, fields
from ingest.guard import guarded
from ingest.mail import ParsedMail, ParseLimits
from ingest.parts import PartsLeft, parse_tree
from ingest.protection.recognise import Raw, sealed_parts
from ingest.text import SplitText, split


def parse_bytes(data: bytes, limits: ParseLimits | None = None) -> ParsedMail:
    return parse((data,), limits or ParseLimits(), partial(_piece, data))


def parse(chunks: Iterable[bytes], limits: ParseLimits, again: Raw | None = None) -> ParsedMail:
    """Take a mail apart. Raises CannotParse for what is beyond the limits; the sizes of attachments are measured.

    A field or part that makes no sense is left out, with a defect that names it. `again` gives pieces of the mail once
    more where it holds a signature, which is over its very bytes.
    """
    left = PartsLeft(limits.parts)
    root = parse_tree(chunks, limits, left)
    header = fields(root, limits)
    defects: list[str] = []
    body = read_body(root, limits, left, defects)
    sender, subject = header.sender(defects), header.subject(defects)
    address = sender.address if sender else ""
    parts = guarded(
        "text",
        defects,
        SplitText(body.text),
        lambda: split(body.text, body.history, sender=address, subject=subject),
    )
    if parts.quoted and not parts.own:
        defects.append("text: passed on without a word")
    files = [leaf.part for leaf in body.leaves]
    return ParsedMail(
        from_=sender,
        reply_to=header.addresses("reply-to", defects),
        to=header.addresses("to", defects),
        cc=header.addresses("cc", defects),
        subject=subject,
        date=header.date(defects),
        message_id=header.first_id("message-id", defects),
        in_reply_to=header.first_id("in-reply-to", defects),
        references=header.references(defects),
        headers=tuple((name, decoded(name, value, defects)) for name, value in header.pairs),
        text=body.text,
        own_text=parts.own,
        signature_text=parts.signature,
        hops=header.hops(defects),
        quoted_text=parts.quoted,
        html=body.html,
        attachments=attachments(body.leaves, limits, left),
        defects=tuple(dict.fromkeys(_short(d) for d in (*header.defects, *defects)))[:100],
        delivery_report=body.report,
        sealed=guarded("protection", defects, (), lambda: sealed_parts(root, files, body.text, again or _nothing)),
    )


def _piece(data: bytes, start: int, size: int | None) -> tuple[bytes]:
    return (data[start:] if size is None else data[start : start + size],)


def _nothing(_: int, __: int | None) -> tuple[()]:
    return ()


def _short(defect: str) -> str:
    return clean_line(defect)[:200]
