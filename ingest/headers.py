"""Header fields: values, addresses, dates, Message-IDs. mail-parser reads addresses, dates and hops,
one by one (docs/decisions/0018-parser.md)."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mailparser.dates import parse_mail_date
from mailparser.utils import get_addresses, parse_received

from ingest.charsets import clean_line, decode
from ingest.guard import guarded
from ingest.mail import Address, Hop, is_message_id

_ENCODED_WORD = re.compile(r"=\?([^?\s]{0,60})\?([bBqQ])\?([^?]*)\?=")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,3}")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_MESSAGE_ID = re.compile(r"<([^<>]{1,990})>")
_GLUED = re.compile(r"\?=(?=<|=\?)")
"""The end of an encoded word with the next thing right behind it, where RFC 2047 §5 wants a space."""
_NAME_WITH_COMMAS = re.compile(r"([^,<>@:;\\]*,[^<>@:;\\]*)<[^<>]*>\s*")
_IN_APOSTROPHES = re.compile(r"'([^']+)'")
_MAX_ADDRESSES = 1000
_LONGEST_ADDRESS = 998
_LONGEST_HOP = 2000


def unescape(value: str) -> str:
    """A value as compat32 holds it (bytes above 127 as surrogates) with those bytes read as characters."""
    if value.isascii():
        return value
    return decode(value.encode("utf-8", "surrogateescape"), None)


def decode_value(value: str) -> str:
    """A field's value for people: RFC 2047 words decoded, raw 8-bit characters kept, one clean line."""
    value = unescape(value)
    if "=?" not in value:
        return clean_line(value)
    pieces: list[str] = []
    pending: tuple[str, bytes] | None = None  # a character may be split over two words of the same charset
    end = 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        end = match.end()
        charset, data = _word(match)
        # RFC 2047 §6.2: white space between two encoded words is not shown.
        if pending and not between.strip() and pending[0] == charset:
            pending = (charset, pending[1] + data)
            continue
        if pending:
            pieces.append(decode(pending[1], pending[0]))
        if between.strip() or not pending:
            pieces.append(between)
        pending = (charset, data)
    if pending:
        pieces.append(decode(pending[1], pending[0]))
    pieces.append(value[end:])
    return clean_line("".join(pieces))


def _word(match: re.Match[str]) -> tuple[str, bytes]:
    charset = match[1].split("*")[0].lower()  # RFC 2231 §5: a language may follow
    raw = match[3].encode("utf-8", "surrogateescape")
    if match[2] in "qQ":
        return charset, quopri.decodestring(raw, header=True)
    raw = _FOLD.sub(b"", raw)
    if not _BASE64.fullmatch(raw):
        return charset, match[0].encode("utf-8", "surrogateescape")
    raw = raw.rstrip(b"=")
    try:
        return charset, base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return charset, match[0].encode("utf-8", "surrogateescape")


def addresses(value: str, defects: list[str], field: str) -> tuple[Address, ...]:
    """The mailboxes of a field, those that are beyond doubt; what is malformed is left out and named in `defects`."""
    value = unescape(value)
    pairs = guarded(f"{field}: encoded words", defects, None, lambda: _pairs(value, defects, field, decode=True))
    if pairs is None:  # the names are at fault, not the addresses
        pairs = guarded(field, defects, None, lambda: _pairs(value, defects, field, decode=False))
    found = []
    for name, address in (pairs or ())[:_MAX_ADDRESSES]:
        if address and (len(address) > _LONGEST_ADDRESS or clean_line(address) != address):
            defects.append(f"{field}: not an address")
        elif address:
            found.append(_without_apostrophes(Address(clean_line(name), address), defects, field))
    return tuple(found)


def _without_apostrophes(found: Address, defects: list[str], field: str) -> Address:
    """Some programs write a mailbox as 'Jan' <'jan@a.example'>; no domain ends so, and nothing would arrive there."""
    quoted = _IN_APOSTROPHES.fullmatch(found.address)
    if not quoted:
        return found
    defects.append(f"{field}: address in apostrophes")
    name = _IN_APOSTROPHES.fullmatch(found.name)
    return Address(name[1].strip() if name else found.name, quoted[1])


def _pairs(value: str, defects: list[str], field: str, *, decode: bool) -> list[tuple[str, str]]:
    """Names and addresses by mail-parser, whose decoding raises on some broken words; ours does not."""
    found: list[dict[str, object]] = []
    value = _GLUED.sub("?= ", value)
    pairs: list[tuple[str, str]] = get_addresses(value, defects=found, decode_names=decode)
    defects.extend(f"{field}: {defect['reason']}" for defect in found[:5])
    # Words in quotes are none by RFC 2047 §5, and mail programs write them all the same.
    return [(name if decode and "=?" not in name else decode_value(name), address) for name, address in pairs]


def sender(values: list[str], defects: list[str]) -> Address | None:
    """The one sender, or None: a sender is never guessed (mail-cases 41-43)."""
    if len(values) != 1:
        defects.append("from: missing" if not values else "from: several fields")
        return None
    own: list[str] = []
    only = _only(addresses(values[0], own, "from"))
    defects.extend(own)
    if only is None:
        defects.append("from: not exactly one address")
        return None
    if own:
        only = _with_whole_name(only, values[0])
    # "alice@a.example <bob@b.example>" shows one person and answers another; "Foo, Ltd. <x@y.example>" is just sloppy.
    if "@" in only.name and own and only.name.strip("'\" <>").lower() != only.address.lower():
        defects.append("from: the name is another address")
        return None
    if "@" in values[0].replace(only.address, "", 1) and any("ambiguous" in defect for defect in own):
        defects.append("from: more than one possible address")
        return None
    return only


def _only(found: tuple[Address, ...]) -> Address | None:
    """The one mailbox that was found, be it several times; it bears all the names that it was given."""
    if len({each.address.lower() for each in found}) != 1:
        return None
    names = dict.fromkeys(each.name for each in found if each.name)
    return Address(", ".join(names), found[0].address)


def _with_whole_name(only: Address, value: str) -> Address:
    """All of "Vries, Jan de <jan@a.example>", which lacks its quotes: before the comma stands no mailbox."""
    pieces = _NAME_WITH_COMMAS.fullmatch(unescape(value).strip())
    return Address(decode_value(pieces[1].replace('"', "")).strip(), only.address) if pieces else only


def date(value: str | None, defects: list[str]) -> datetime | None:
    """The moment that a Date field names, in UTC, or None (mail-cases 49)."""
    if value is None:
        defects.append("date: missing")
        return None
    result = parse_mail_date(value)
    defects.extend(f"date: {reason}" for reason in result.reasons)
    moment: datetime | None = result.value
    if moment is None:
        try:
            moment = parsedate_to_datetime(clean_line(unescape(value))[:200])
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return moment if 1970 <= moment.year <= 9000 else None


def hop(value: str) -> Hop | None:
    """What a Received field says, by mail-parser; None where it says neither from whom nor by whom."""
    clauses = parse_received(unescape(value[:_LONGEST_HOP]))
    said = {name: clean_line(clauses.get(name, ""))[:300] for name in ("from", "by")}
    if not any(said.values()):
        return None
    return Hop(said["from"], said["by"], date(clauses["date"], []) if clauses.get("date") else None)


def message_ids(value: str | None) -> tuple[str, ...]:
    """The Message-IDs in a field, with their angle brackets; ids with a second @ or a space inside stay whole.

    What is none (`<>`, `<a<b>`) is left out: `is_message_id` holds for each.
    """
    if not value:
        return ()
    value = decode_value(value)
    found = ["<" + "".join(match.split()) + ">" for match in _MESSAGE_ID.findall(value)]
    bare = value.split()
    if not found and len(bare) == 1:
        found = [f"<{bare[0].strip('<>')}>"]
    return tuple(each for each in dict.fromkeys(found) if is_message_id(each))
