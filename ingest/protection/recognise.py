"""What of a mail is encrypted or signed, and where. Pure; part of a reader, which holds no key and opens nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, pairwise

from ingest.charsets import clean_text
from ingest.errors import CannotParse
from ingest.mail import ParseLimits, Sealed, SealedKind
from ingest.parts import (
    Part,
    PartsLeft,
    body_bytes,
    children,
    content_type,
    file_name,
    parameter,
    parse_tree,
    raw_text,
    text_of,
)
from ingest.protection.armour import MESSAGE, SIGNED_TEXT, blocks, in_the_clear, is_version, is_well_framed

MOST_SEALED = 50
_ENTITIES = (SealedKind.CMS, SealedKind.PGP)
_LAST = {SealedKind.PGP_FILE: 1, SealedKind.CMS_FILE: 1, SealedKind.PGP_KEY: 2}
_MOST_SIGNED_TEXT = 1_000_000
_MOST_DELIMITERS = 20
_LONGEST_PADDING = 200
_CMS_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_CMS_NAMES = (".p7m", ".p7c", ".p7z")  # RFC 8551 §3.2.1
_PGP_NAMES = (".asc", ".pgp", ".gpg")
_SIGNATURE_NAMES = (".p7s", ".asc", ".sig", ".pgp")  # and none at all
_SIGNATURE_TYPES = (
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
)
_PGP_TYPES = ("application/pgp", "application/pgp-encrypted", "application/octet-stream")
_MESSAGE_TAGS = (1, 3, 4, 8, 9, 18, 20)  # RFC 9580 §5: what a message can begin with

Raw = Callable[[int, int | None], Iterable[bytes]]
"""The bytes of a mail from an offset on, as many as are wanted or all."""


def sealed_parts(root: Part, files: Sequence[Part], text: str, raw: Raw) -> tuple[Sealed, ...]:
    """All of it, outermost first; what the mail says before its files, and keys last, for there may be more than is
    opened. `files` are the parts kept as attachments, in their order; `raw` gives a piece of the mail, anew each time.
    """
    walk = _Walk({id(part): place for place, part in enumerate(files)}, raw)
    alone = not files
    parts = list(walk.of(root, whole=True))
    if any(each.whole and each.kind in _ENTITIES for each in parts):
        text = ""  # what there is of it is the ciphertext, for want of anything else, and gives way to what that holds
    signed = list(_signed_texts(walk.texts, text, alone=alone))
    # what is in a frame nobody signed, and in the text itself such a line would have its dashes escaped
    taken = [each.text for each in signed if each.text is not None]
    found = [*parts, *_messages_in(text, taken, alone=alone), *signed]
    return tuple(sorted(found, key=lambda sealed: _LAST.get(sealed.kind, 0))[:MOST_SEALED])


class _Walk:
    def __init__(self, places: dict[int, int], raw: Raw) -> None:
        self._places = places
        self._raw = raw
        self._version_seen = False
        self.texts: list[Part] = []

    def of(self, part: Part, *, whole: bool) -> Iterator[Sealed]:
        below = children(part)
        kind = content_type(part)
        if not below:
            yield from self._file(part, kind, whole)
        elif kind == "multipart/signed" and len(below) > 1:
            yield from self._signed(part, below, whole)
        elif kind == "multipart/encrypted" and len(below) > 1 and id(below[1]) in self._places:
            yield Sealed(SealedKind.PGP, whole and _is_pgp_mime(below), self._places[id(below[1])])
            for number, child in enumerate(below):
                if number != 1:
                    yield from self.of(child, whole=False)
        else:
            said = [child for child in below if not self._is_silent(child)]
            for child in said:
                yield from self.of(child, whole=whole and (len(said) == 1 or _is_pgp_mime(said)))

    def _is_silent(self, part: Part) -> bool:
        """Some servers put an empty text above what they do not know."""
        is_text = not children(part) and id(part) not in self._places and content_type(part) == "text/plain"
        return is_text and not body_bytes(part).strip()

    def _signed(self, part: Part, below: list[Part], whole: bool) -> Iterator[Sealed]:
        place = self._places.get(id(below[1]))
        # else what is not signed stands beside what is
        alone = place is not None and len(below) == 2 and _is_only_a_signature(below[1])
        if place is not None:
            protocol = (parameter(part, "protocol") or content_type(below[1])).lower()
            is_cms = "pkcs7" in protocol or "pkcs7" in content_type(below[1])
            kind = SealedKind.CMS_SIGNATURE if is_cms else SealedKind.PGP_SIGNATURE
            yield Sealed(kind, whole and alone, place, signed=_range(part, below[0], self._raw))
        for number, child in enumerate(below):
            if number != 1:
                yield from self.of(child, whole=whole and alone)

    def _file(self, part: Part, kind: str, whole: bool) -> Iterator[Sealed]:
        place = self._places.get(id(part))
        if place is None:
            if kind == "text/plain":
                self.texts.append(part)
            return
        name = (file_name(part) or "").lower().strip()
        if kind in _CMS_TYPES or (kind == "application/octet-stream" and name.endswith(_CMS_NAMES)):
            is_file = not whole and name.endswith(".p7m") and not name.startswith("smime")
            yield Sealed(SealedKind.CMS_FILE if is_file else SealedKind.CMS, whole, place)
        elif kind == "application/pgp-keys":
            yield Sealed(SealedKind.PGP_KEY, False, place)
        elif kind in _PGP_TYPES or name.endswith(_PGP_NAMES):
            yield from self._pgp_file(part, kind, name, place, whole)

    def _pgp_file(self, part: Part, kind: str, name: str, place: int, whole: bool) -> Iterator[Sealed]:
        head = body_bytes(part)[:4096].lstrip()
        if head.startswith(MESSAGE[0].encode()) or (name.endswith(_PGP_NAMES) and _tag(head) in _MESSAGE_TAGS):
            # some mail servers make multipart/mixed of multipart/encrypted: then its version part is still there
            is_entity = self._version_seen
            yield Sealed(SealedKind.PGP if is_entity else SealedKind.PGP_FILE, whole and is_entity, place)
        elif head.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"):
            yield Sealed(SealedKind.PGP_KEY, False, place)
        self._version_seen = kind == "application/pgp-encrypted" and b"version" in head[:200].lower()


def _is_pgp_mime(parts: Sequence[Part]) -> bool:
    """Are these a version and a ciphertext, and nothing else (RFC 3156 §4)?"""
    is_version_part = content_type(parts[0]) == "application/pgp-encrypted"
    return len(parts) == 2 and is_version_part and is_version(body_bytes(parts[0]))


def _is_only_a_signature(part: Part) -> bool:
    """Else somebody could see a file in it, which nobody signed."""
    name = (file_name(part) or "").lower().strip()
    return content_type(part) in _SIGNATURE_TYPES and (not name or name.endswith(_SIGNATURE_NAMES))


def _tag(head: bytes) -> int:
    """The tag of the first packet (RFC 9580 §4.2), 0 where there is none."""
    if not head or not head[0] & 0x80:
        return 0
    return head[0] & 0x3F if head[0] & 0x40 else (head[0] & 0x3C) >> 2


def _messages_in(text: str, taken: list[tuple[int, int]], *, alone: bool) -> Iterator[Sealed]:
    for start, end in blocks(text, MESSAGE):
        if all(end <= first or last <= start for first, last in taken):
            yield Sealed(SealedKind.PGP_TEXT, alone and text.strip() == text[start:end].strip(), text=(start, end))


def _signed_texts(parts: list[Part], text: str, *, alone: bool) -> Iterator[Sealed]:
    """Signed text as bytes, since the signature is over them; and where the text says just what these bytes do. What
    is shown can come from another part, which no signature is over: the other halves of an alternative are not."""
    places: dict[str, list[tuple[int, int]]] = {}
    for start, end in blocks(text, SIGNED_TEXT):
        places.setdefault(_letters(text[start:end]), []).append((start, end))
    places.pop("", None)
    for part, block in _signed_blocks(parts):
        same = places.get(_letters(clean_text(text_of(part, block)))) if is_well_framed(block) else None
        where = same.pop(0) if same else None
        whole = where is not None and alone and text.strip() == text[where[0] : where[1]].strip()
        yield Sealed(SealedKind.PGP_SIGNED_TEXT, whole, text=where, data=block)


def _signed_blocks(parts: list[Part]) -> Iterator[tuple[Part, bytes]]:
    for part in parts:
        data = body_bytes(part)
        for start, end in blocks(data.decode("latin-1"), SIGNED_TEXT):
            if end - start <= _MOST_SIGNED_TEXT:
                yield part, data[start:end]


def _letters(block: str) -> str:
    """What a signed text says, without spaces and lines, which format=flowed sets anew; "" where its frame is none."""
    return "".join((in_the_clear(block) or "").split())


def _range(part: Part, signed: Part, raw: Raw) -> tuple[int, int] | None:
    """Where the raw mail holds the first part of a multipart/signed, without the line break that belongs to the
    boundary (RFC 2046 §5.1.1). None where what stands there is not what the parser took for that part: then a
    signature could be good, and be over something else than is shown."""
    boundary = part.get_boundary()
    if not boundary:
        return None
    delimiters = _delimiters(raw, b"--" + boundary.encode("utf-8", "surrogateescape"))
    for (_, start), (end, _) in pairwise(islice(delimiters, _MOST_DELIMITERS)):
        if start <= end and _is(signed, raw(start, end - start)):
            return start, end
    return None


def _delimiters(raw: Raw, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """The lines that are a boundary: where the line break before them begins, and where the next line does. The mail
    is gone through in pieces, for a whole large one beside its tree takes too much memory."""
    line = re.compile(rb"(\A|\r?\n)" + re.escape(delimiter) + rb"(?:--)?[ \t]*(\r?\n|\Z)")
    for found in _occurrences(raw, delimiter):
        before = max(0, found - 2)
        window = b"".join(raw(before, len(delimiter) + _LONGEST_PADDING))
        for match in line.finditer(window):
            if before + match.end(1) == found:
                yield before + match.start(), before + match.end()


def _occurrences(raw: Raw, wanted: bytes) -> Iterator[int]:
    kept, offset = b"", 0
    for chunk in raw(0, None):
        data = kept + chunk
        place = data.find(wanted)
        while place >= 0:
            yield offset + place
            place = data.find(wanted, place + 1)
        kept = data[-(len(wanted) - 1) :]
        offset += len(data) - len(kept)


def _is(part: Part, chunks: Iterable[bytes]) -> bool:
    try:
        return _same(part, parse_tree(chunks, ParseLimits(), PartsLeft(ParseLimits().parts)))
    except CannotParse:
        return False


def _same(one: Part, other: Part) -> bool:
    if list(map(_plain, one.raw_items())) != list(map(_plain, other.raw_items())) or raw_text(one) != raw_text(other):
        return False
    below, beside = children(one), children(other)
    return len(below) == len(beside) and all(map(_same, below, beside))


def _plain(item: tuple[str, object]) -> tuple[str, str]:
    return item[0], str(item[1])
