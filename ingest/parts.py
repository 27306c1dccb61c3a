"""The tree of parts of a mail, by the standard library under compat32: the sturdier and faster of those tried.

A child message is one opaque part here, so that its bytes stay as they came: see children.py (mail-cases 63).
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterable, Iterator
from email.feedparser import BytesFeedParser
from email.message import Message
from email.policy import Compat32
from typing import Any

from ingest import beginnings, transfer
from ingest.charsets import clean_line, decode
from ingest.errors import CannotParse
from ingest.guard import guarded
from ingest.headers import decode_value, unescape
from ingest.mail import ParseLimits
from ingest.mending import source_if_broken

_TYPE = re.compile(r"\A\s*([a-z0-9!#$&^_.+-]{1,60})\s*/\s*([a-z0-9!#$&^_.+-]{1,90})", re.IGNORECASE | re.ASCII)
_UNKNOWN = "application/octet-stream"
_MISTAKEN = {"plain": "text/plain", "plain/text": "text/plain", "html": "text/html", "html/text": "text/html"}
_BOUNDARY_LINE = re.compile(r"^--(\S{1,70})\r?\n(?=content-)", re.IGNORECASE | re.MULTILINE)

_FIRST_FIELD = re.compile(rb"\s*(?:>?From [^\n]*\n)?[!-9;-~]+[ \t]*:")
_NOT_QUOTED_PRINTABLE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]{0,80}\r?\n)")
_END_OF_HEADER = re.compile(rb"\n\r?\n|\r\r")
_LONGEST_FIELD = (
    16 * 1024
)  # of those that say what a part is; the library takes quadratic time to read their parameters

_LINE_END = re.compile("[\r\n]+")
_MOST_TEXT_BYTES = 16_000_000  # ParseLimits.text_chars of four bytes each

_PIECE = 256 * 1024
_BEGINNING = 2000
_IDENTITY = ("", "7bit", "8bit", "binary")

Part = Message


class _AsWritten(Compat32):
    """compat32 hides raw 8-bit header values behind replacement characters; here they are read as characters.

    Of a transfer encoding only its name is read, so that the library knows it.
    """

    def header_fetch_parse(self, name: str, value: str) -> str:
        value = unescape(value[:_LONGEST_FIELD])
        return transfer.encoding_named(value) if name.lower() == "content-transfer-encoding" else value


_POLICY = _AsWritten()


class _OpaqueChild(Message):
    """A part that hides from the parser that it holds a message: then its bytes stay exactly as they came."""

    charset_around: str | None = None

    def get_content_maintype(self) -> str:
        return "application" if self._is_message() else super().get_content_maintype()

    def get_content_type(self) -> str:
        return _UNKNOWN if self._is_message() else super().get_content_type()

    def get_boundary(self, failobj: Any = None) -> Any:
        boundary = guarded("boundary", [], failobj, lambda: super(_OpaqueChild, self).get_boundary(failobj))
        # RFC 5322 §2.2.3: where it is folded, the line end is no part of it
        return _LINE_END.sub("", boundary) if isinstance(boundary, str) else boundary

    def _is_message(self) -> bool:
        return super().get_content_type().startswith("message/")


_MOST_LAID_OUT = 2_000_000  # characters


class PartsLeft:
    """How many more parts are taken apart, over a mail and the mails in it, and how much HTML is laid out."""

    def __init__(self, parts: int) -> None:
        self._left = parts
        self._layout = _MOST_LAID_OUT

    def may_lay_out(self, characters: int) -> bool:
        """What takes too much does without; what is smaller and follows does not pay for it."""
        if characters > self._layout:
            return False
        self._layout -= characters
        return True

    def take(self) -> None:
        """One more. Raises CannotParse."""
        if self._left <= 0:
            raise CannotParse("more parts than are taken apart")
        self._left -= 1


def parse_tree(chunks: Iterable[bytes], limits: ParseLimits, left: PartsLeft) -> Part:
    """The tree of a mail, with no more parts than are left (mail-cases 39, 53, 54)."""
    return mended(_parsed(chunks, limits, left), limits, left)


def mended(part: Part, limits: ParseLimits, left: PartsLeft) -> Part:
    """The part itself, or as it should have been where a broken line ended its header too early."""
    source = source_if_broken(part, raw_text(part))
    if source is None:
        return part
    again = _parsed((source.encode("utf-8", "surrogateescape"),), limits, left)
    again.defects[:0] = part.defects
    return again


def _parsed(chunks: Iterable[bytes], limits: ParseLimits, left: PartsLeft) -> Part:

    def new_part(policy: object = _POLICY) -> Message:
        left.take()
        return _OpaqueChild(policy=_POLICY)

    parser = BytesFeedParser(_factory=new_part, policy=_POLICY)
    source = iter(chunks)
    head, defects = beginnings.repaired(_head(source, limits.header_bytes))
    try:
        parser.feed(head)
        for chunk in source:
            parser.feed(chunk)
        part = parser.close()
    except RecursionError:
        raise CannotParse("parts nested too deeply") from None
    part.defects[:0] = defects
    return part


def _head(source: Iterator[bytes], limit: int) -> bytes:
    """The first pieces, down to the end of the header: the parser sees none that is too long. Raises CannotParse."""
    head = bytearray()
    for chunk in source:
        head += chunk
        if len(head) > limit or _end_of_header(head):
            break
    end = _end_of_header(head)
    # A text without any header, as some tools send, would be one long header to a careless parser only.
    if (end.start() if end else len(head)) > limit and b":" in head[:1000].split(b"\n", 1)[0]:
        raise CannotParse("header larger than is read")
    return bytes(head).removeprefix(codecs.BOM_UTF8)  # Windows writes it before the first field of a kept mail


def _end_of_header(head: bytes | bytearray) -> re.Match[bytes] | None:
    return _END_OF_HEADER.search(head, beginnings.first_written(head))


def children(part: Part) -> list[Part]:
    payload = _payload(part)
    if not isinstance(payload, list):
        return []
    found = [child for child in payload if isinstance(child, Message)]
    around = charset(part)
    for child in found:
        child.charset_around = around  # type: ignore[attr-defined]
    return found


def charset(part: Part) -> str | None:
    """What the part says of its charset, else what the parts around it say."""
    return parameter(part, "charset") or getattr(part, "charset_around", None)


def raw_text(part: Part) -> str:
    """A part's content as it stands in the mail, bytes above 127 as surrogates; "" where it has parts."""
    payload = _payload(part)
    return payload if isinstance(payload, str) else ""


def _payload(part: Part) -> object:
    """What `get_payload` would give, did it not decode with whatever the mail names as its charset, and raise."""
    payload: object = vars(part)["_payload"]
    return payload


def content_type(part: Part, default: str = "text/plain") -> str:
    """The type as written, lower case, without parameters. Unreadable means text/plain (RFC 2045 §5.2)."""
    value = part.get("content-type")
    if value is None:
        return default
    match = _TYPE.match(str(value))
    if match:
        kind = f"{match[1]}/{match[2]}".lower()
        return _MISTAKEN.get(kind, kind)
    said = str(value).strip().lower()
    return _MISTAKEN.get(said.split(";")[0].strip(), "text/plain" if said.startswith("text") else _UNKNOWN)


def parameter(part: Part, name: str, header: str = "content-type") -> str | None:
    """A parameter's value; the library raises on some malformed ones (`name*`), which count as absent."""
    value = guarded(name, [], None, lambda: part.get_param(name, header=header))
    if value is None:
        return None
    if isinstance(value, tuple):  # RFC 2231 §4: charset, language, value
        charset, _, encoded = value
        return clean_line(decode(str(encoded or "").encode("latin-1", "replace"), charset or "utf-8"))
    return clean_line(unescape(str(value)))


def disposition(part: Part) -> str:
    value = part.get("content-disposition")
    return str(value).split(";", 1)[0].strip().lower() if value is not None else ""


def file_name(part: Part) -> str | None:
    """The name a part gives itself, as it stands there; see names.py before using it for anything."""
    name = parameter(part, "filename", "content-disposition") or parameter(part, "name")
    return decode_value(name) if name else None


def begins_like_a_mail(data: bytes) -> bool:
    """Is the first line a header field (RFC 5322 §2.2), or the separator of an mbox before one?"""
    return _FIRST_FIELD.match(data[:_BEGINNING]) is not None


def is_message(kind: str) -> bool:
    """Does a part of this type hold a whole mail (RFC 2046 §5.2.1, RFC 6532 §3.7)?"""
    return kind in ("message/rfc822", "message/global")


def body_chunks(part: Part) -> Iterator[bytes]:
    """`body_bytes` in pieces: what is not encoded, such as a whole mail of 50 MB, is not held in memory once more."""
    text = raw_text(part)
    if _encoding(part) in _IDENTITY or (_is_bare_mail(part) and _encoding(part) != "quoted-printable"):
        for start in range(0, len(text), _PIECE):
            yield text[start : start + _PIECE].encode("utf-8", "surrogateescape")
        return
    data = memoryview(body_bytes(part))
    for start in range(0, len(data), _PIECE):
        yield bytes(data[start : start + _PIECE])


def body_size(part: Part) -> int:
    return sum(map(len, body_chunks(part)))


def _is_bare_mail(part: Part) -> bool:
    is_mail = is_message(content_type(part, part.get_default_type()))
    return is_mail and begins_like_a_mail(raw_text(part)[:_BEGINNING].encode("utf-8", "surrogateescape"))


def body_bytes(part: Part) -> bytes:
    """The part's bytes with the transfer encoding undone; as they stand where that fails, or makes them more.

    A mail in the mail that is said to be encoded often is not (RFC 2046 §5.2.1 forbids it): then it is left alone.
    """
    if _encoding(part) == "base64" and not is_message(content_type(part, part.get_default_type())):
        decoded_whole = _from_base64(raw_text(part))
        if decoded_whole is not None:
            return decoded_whole
    raw = raw_text(part).encode("utf-8", "surrogateescape")
    if _is_bare_mail(part) and (_encoding(part) != "quoted-printable" or _NOT_QUOTED_PRINTABLE.search(raw)):
        return raw
    if _encoding(part) == "base64" and transfer.is_written_out(raw_text(part)):
        return raw
    if b"\r" in raw and b"\n" not in raw and _encoding(part) == "quoted-printable":
        return binascii.a2b_qp(raw.replace(b"\r", b"\n"))  # lines end with CR alone, which the library does not know
    decoded = guarded("transfer encoding", [], None, lambda: part.get_payload(decode=True))
    # a line of uuencode that is cut short is filled up with zeros: 22 times as many bytes as came
    if not isinstance(decoded, bytes) or len(decoded) > len(raw):
        return raw
    if _encoding(part) == "base64" and decoded == b"".join(raw.splitlines()):
        return transfer.cut_base64(raw) or raw
    return decoded


def _encoding(part: Part) -> str:
    return transfer.encoding_named(str(part.get("content-transfer-encoding", "")))


def _from_base64(text: str) -> bytes | None:
    whole = transfer.base64_in_pieces(text)
    if whole is not None:
        return whole
    end = transfer.end_of_base64(text)
    return transfer.base64_in_pieces(text, end) if end is not None else None


def below_base64(part: Part) -> str:
    """The words below the encoded ones, which somebody on the way wrote there without knowing of the encoding."""
    if _encoding(part) != "base64":
        return ""
    text = raw_text(part)
    end = transfer.end_of_base64(text)
    if end is None or transfer.base64_in_pieces(text, end) is None:
        return ""
    return decode(text[end:].encode("utf-8", "surrogateescape"), None).strip()


def says_more_than_an_encoding(part: Part) -> bool:
    """Does the field hold anything beside the one word that it may (RFC 2045 §6.1)?"""
    for name, value in part.raw_items():
        if name.lower() == "content-transfer-encoding":
            return str(value).strip().lower() != transfer.encoding_named(str(value))
    return False


def text_bytes(part: Part) -> bytes:
    """What of a part's bytes can become text: a whole 50 MB of it would be copied many times for nothing."""
    text = raw_text(part)
    if len(text) > _MOST_TEXT_BYTES and _encoding(part) in _IDENTITY:
        return text[:_MOST_TEXT_BYTES].encode("utf-8", "surrogateescape")[:_MOST_TEXT_BYTES]
    return body_bytes(part)[:_MOST_TEXT_BYTES]


def body_text(part: Part) -> str:
    return text_of(part, text_bytes(part))


def text_of(part: Part, data: bytes, declared: str | None = None) -> str:
    """The characters of `data`, in the charset of its part, or the one that it declares itself, or that around it."""
    named = parameter(part, "charset") or declared
    around = getattr(part, "charset_around", None)
    if named or not around or (not data.isascii() and _is_utf8(data)):
        return decode(data, named)
    return decode(data, around)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def sniffed_boundary(part: Part) -> str | None:
    """The boundary that a mislabelled multipart seems to use: its first line "--x" with a part's header below it."""
    match = _BOUNDARY_LINE.search(raw_text(part))
    return match[1] if match else None
