"""What of a mail's parts is its text, what its HTML, and what its attachments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ingest import calendars, markup, notices, uuencode, versions
from ingest.charsets import clean_line, clean_text, decode
from ingest.errors import CannotParse
from ingest.guard import guarded
from ingest.mail import ParseLimits
from ingest.parts import (
    Part,
    PartsLeft,
    below_base64,
    body_text,
    children,
    content_type,
    disposition,
    file_name,
    mended,
    parameter,
    parse_tree,
    raw_text,
    says_more_than_an_encoding,
    sniffed_boundary,
    text_bytes,
    text_of,
)
from ingest.passage import Passage, joined
from ingest.text import unflow

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s{0,3}=\s{0,3}[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TAGS = re.compile(r"<[^<>]{0,200}>")


@dataclass(frozen=True)
class Leaf:
    """A part that is kept as a file."""

    part: Part
    name: str | None
    content_type: str
    inline: bool
    content_id: str | None


@dataclass(frozen=True)
class Body:
    """`history` holds the numbers of those lines of the text that the HTML itself marks as quoted."""

    text: str
    history: frozenset[int]
    html: str | None
    leaves: tuple[Leaf, ...]
    report: dict[str, Any] | None


@dataclass
class _Words:
    """The text and the HTML of one part, or of several that are shown below each other.

    `plain` gives the text when it is asked for: HTML beside a text is not laid out, unless that stands in for it.
    """

    plain: list[Callable[[], Passage]] = field(default_factory=list)
    html: list[str] = field(default_factory=list)

    def add(self, other: _Words) -> None:
        self.plain.extend(other.plain)
        self.html.extend(other.html)


def read_body(root: Part, limits: ParseLimits, left: PartsLeft, defects: list[str]) -> Body:
    walk = _Walk(root, limits, left, defects)
    words = walk.words(root, 0)
    whole = joined([guarded("part", defects, Passage(""), piece) for piece in words.plain])
    if not whole.text.strip():
        whole = Passage(guarded("text", defects, "", walk.instead_of_silence))
    if len(whole.text) > limits.text_chars:
        defects.append("text: cut")
    source = "\n<hr>\n".join(words.html)
    report = guarded("report", defects, None, walk.report)
    return Body(
        whole.text[: limits.text_chars],
        whole.history,
        source[: limits.text_chars] or None,
        tuple(walk.leaves),
        report,
    )


class _Walk:
    def __init__(self, root: Part, limits: ParseLimits, left: PartsLeft, defects: list[str]) -> None:
        self._limits = limits
        self._left = left
        self._defects = defects
        self._root = root
        self.leaves: list[Leaf] = []

    def words(self, part: Part, depth: int, *, is_version: bool = False) -> _Words:
        """`is_version`: it is one of several that say the same."""
        if depth > self._limits.depth:
            raise CannotParse("parts nested too deeply")
        if depth:
            part = mended(part, self._limits, self._left)
        kind = content_type(part, _default_type(part))
        if depth:  # the root's are noted with the header
            self._defects.extend(type(defect).__name__ for defect in part.defects)
        if says_more_than_an_encoding(part):
            self._defects.append("content-transfer-encoding: more than its name")
        below = children(part)
        if below:
            reader = self._alternative if kind == "multipart/alternative" else self._sequence
            return reader(below, depth)
        kept = len(self.leaves)
        words = guarded("part", self._defects, None, lambda: self._single(part, kind, depth, is_version))
        if words is None:  # whatever it is, it is kept
            del self.leaves[kept:]
            self._keep(part, "application/octet-stream", None)
        return words or _Words()

    def _single(self, part: Part, kind: str, depth: int, is_version: bool) -> _Words:
        if kind.startswith("multipart/"):
            return self._mislabelled(part, depth)
        return self._leaf(part, kind, is_root=depth == 0, is_version=is_version)

    def _sequence(self, parts: list[Part], depth: int) -> _Words:
        words = _Words()
        for part in parts:
            words.add(self.words(part, depth + 1))
        return words

    def _alternative(self, parts: list[Part], depth: int) -> _Words:
        """RFC 2046 §5.1.4: the same content several times. The last HTML is the HTML; the first with words is the
        text, unless it only stands in for the HTML (versions.py)."""
        chosen = _Words()
        from_html = _Words()
        for part in parts:
            words = self.words(part, depth + 1, is_version=True)
            if words.html:
                chosen.html = words.html
                from_html = from_html if from_html.plain else words
            elif not chosen.plain and any(piece().text.strip() for piece in words.plain):
                chosen.plain = words.plain
        if not chosen.plain:
            chosen.plain = from_html.plain
        elif from_html.plain:
            chosen.plain = self._said_by(chosen, from_html)
        return chosen

    def _said_by(self, plain: _Words, other: _Words) -> list[Callable[[], Passage]]:
        written = joined([piece() for piece in plain.plain])
        if not guarded("versions", [], False, lambda: versions.may_stand_in(written.text, "\n".join(other.html))):
            return plain.plain
        shown = joined([guarded("part", self._defects, Passage(""), piece) for piece in other.plain])
        said = versions.chosen(written, shown)
        if said is not written:
            self._defects.append("text: the plain version is not all of it")
        return [lambda: said]

    def _mislabelled(self, part: Part, depth: int) -> _Words:
        """A multipart whose boundary is missing or wrong: parsed by the one that it seems to use, or shown as text."""
        boundary = sniffed_boundary(part)
        payload = raw_text(part)
        if not payload.strip():
            return _Words()
        if boundary and '"' not in boundary and depth < self._limits.depth:
            head = f'Content-Type: {content_type(part)}; boundary="{boundary.removesuffix("--")}"\n\n'
            again = parse_tree(
                (head.encode("utf-8", "surrogateescape"), payload.encode("utf-8", "surrogateescape")),
                self._limits,
                self._left,
            )
            if children(again):
                self._defects.append("multipart: boundary guessed")
                return self.words(again, depth + 1)
        return _said(clean_text(body_text(part)))

    def _leaf(self, part: Part, kind: str, *, is_root: bool, is_version: bool) -> _Words:
        name = file_name(part)
        readers: dict[str, Callable[[Part], _Words]] = {
            "text/plain": _plain,
            "text/html": lambda part: _html(part, self._left),
            "application/xhtml+xml": lambda part: _html(part, self._left),
            "text/enriched": _enriched,
            "text/richtext": _enriched,
        }
        asked_as_file = disposition(part) == "attachment" or (name is not None and not is_root)
        reader = readers.get(kind)
        if reader is None and kind.startswith("text/") and not is_version and kind not in _FILES_OF_TEXT:
            reader = _plain  # RFC 2046 §4.1.4: text of a type that nobody knows is text
        beside = below_base64(part)
        if beside:
            self._defects.append("base64: other words below it")
        if reader is not None and not asked_as_file:
            words = self._without_encoded_files(part) if reader is _plain else reader(part)
            words.add(_said(clean_text(beside)))
            return words
        self._keep(part, kind, name)
        return _Words()

    def _without_encoded_files(self, part: Part) -> _Words:
        """A text, in which old programs put files too: those are kept as files (uuencode.py)."""
        text, files = uuencode.taken_out(clean_text(body_text(part)))
        for file in files:
            self._keep(file, file.get_content_type(), file_name(file))
        return _plain(part, text)

    def _keep(self, part: Part, kind: str, name: str | None) -> None:
        if len(self.leaves) >= self._limits.attachments:
            raise CannotParse("more attachments than are kept apart")
        content_id = part.get("content-id")
        self.leaves.append(
            Leaf(
                part=part,
                name=name,
                content_type=kind,
                inline=_is_shown_in_the_text(part, kind, content_id is not None),
                content_id=clean_line(str(content_id)).strip("<> ")[:500] or None if content_id is not None else None,
            )
        )

    def instead_of_silence(self) -> str:
        """A mail whose only words stand in its files: an invitation, a text sent as attachment, a bare report."""
        for leaf in self.leaves:
            if leaf.content_type in ("text/calendar", "application/ics"):
                summary = calendars.summary(body_text(leaf.part))
                if summary:
                    return summary
        for leaf in self.leaves:
            if leaf.content_type == "text/plain" or leaf.content_type in (
                "message/delivery-status",
                "message/feedback-report",
            ):
                text = clean_text(body_text(leaf.part))
            elif leaf.content_type == "text/html":
                text = _shown(_html_source(leaf.part), self._left).text
            elif leaf.content_type.startswith("text/") and leaf.content_type not in _NO_WORDS:
                text = clean_text(body_text(leaf.part))
            elif leaf.content_type == "application/octet-stream" and leaf.part is self._root and leaf.name is None:
                text = _words_alone(text_bytes(leaf.part))
            else:
                continue
            if text.strip():
                return text
        return ""

    def report(self) -> dict[str, Any] | None:
        returned = next((body_text(x.part) for x in self.leaves if x.content_type in _RETURNED), "")
        for leaf in self.leaves:
            if leaf.content_type in ("message/delivery-status", "message/global-delivery-status"):
                return notices.delivery_report(body_text(leaf.part), returned)
            if leaf.content_type in ("message/disposition-notification", "message/global-disposition-notification"):
                return notices.disposition_report(body_text(leaf.part), returned)
        return None


_FILES_OF_TEXT = (
    "text/calendar",
    "text/css",
    "text/csv",
    "text/directory",
    "text/javascript",
    "text/rfc822-headers",
    "text/rtf",
    "text/tab-separated-values",
    "text/vcard",
    "text/watch-html",
    "text/x-amp-html",
    "text/x-vcalendar",
    "text/x-vcard",
    "text/xml",
)
"""Made for programs: files, though they are text. Where there are no other words, they are the text as well."""
_NO_WORDS = ("text/css", "text/javascript", "text/rtf", "text/x-amp-html")
_RETURNED = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
)


def _words_alone(data: bytes) -> str:
    """The text that a mail consists of though its program calls it a file; "" for any other bytes, and ciphertext."""
    if _NOT_IN_TEXT.search(data) or data.lstrip().startswith(b"-----BEGIN ") or b" " not in data.strip():
        return ""
    return clean_text(decode(data, None))


def _is_shown_in_the_text(part: Part, kind: str, has_id: bool) -> bool:
    """A picture is, unless it says otherwise; a document never, whatever its program says (mail-cases 67)."""
    stated = disposition(part)
    return kind.startswith("image/") and (stated == "inline" or (has_id and stated != "attachment"))


def _default_type(part: Part) -> str:
    """RFC 2046 §5.1.5: in a digest a part without a type is a message."""
    return part.get_default_type() or "text/plain"


def _plain(part: Part, text: str | None = None) -> _Words:
    text = clean_text(body_text(part)) if text is None else text
    if (parameter(part, "format") or "").lower() == "flowed":
        text = unflow(text, delete_space=(parameter(part, "delsp") or "").lower() == "yes")
    return _said(text)


def _said(text: str) -> _Words:
    return _Words(plain=[lambda: Passage(text)])


def _html(part: Part, left: PartsLeft) -> _Words:
    source = clean_text(_html_source(part))
    return _Words(plain=[partial(_shown, source, left)], html=[source])


def _shown(source: str, left: PartsLeft) -> Passage:
    return markup.to_passage(source, may_lay_out=left.may_lay_out(len(source)))


def _html_source(part: Part) -> str:
    data = text_bytes(part)
    declared = _META_CHARSET.search(data[:4096])
    return text_of(part, data, declared[1].decode("ascii") if declared else None)


def _enriched(part: Part) -> _Words:
    """RFC 1896: formatting commands look like tags, and "<<" is a literal "<"."""
    text = _TAGS.sub("", clean_text(body_text(part)).replace("<<", "\u2039")).replace("\u2039", "<")
    return _said(text)
