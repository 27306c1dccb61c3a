"""Numbers and addresses that stand only in the target of a link: written out behind its words; and where links lead.

Works on the source, so that it holds for a page however it is turned into text; in one pass, whatever the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from ingest.charsets import clean_line

_LINK = re.compile(r"<(/?)a(?=[\s/>])([^<>]*)>", re.IGNORECASE)
_HREF = re.compile(r"(?<![\w-])href\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))", re.IGNORECASE)
_TARGET = re.compile(r"\s*(tel|mailto):([^?]*)", re.IGNORECASE)
_WEB = re.compile(r"\s*(?:https?|ftp):", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_NOT_SHOWN = re.compile(r"[\s\u200b\u200c\xad]+")
_STEERS = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""What is not seen, or turns the direction of what follows (UAX 9)."""
_LONGEST = 200
_LONGEST_WORDS = 2000
_LONGEST_TARGET = 1000
_TELLING_DIGITS = 8
"""The last digits of a telephone number, the same for +31 6 ... and 06 ..."""


@dataclass(frozen=True)
class _Open:
    """A link whose words have begun at `start`."""

    target: str
    is_number: bool
    start: int


def with_targets(source: str) -> str:
    """The page, with the target of each tel: and mailto: link in brackets after its words, unless these say it."""
    pieces, done = [], 0
    for at, target in _unsaid(source):
        pieces += [source[done:at], f" ({html.escape(target, quote=False)})"]
        done = at
    return "".join([*pieces, source[done:]])


@dataclass(frozen=True)
class WebLink:
    """A link to the web: its words, and where it leads. Both may be cut."""

    words: str
    target: str


def web_links(source: str) -> Iterator[WebLink]:
    """The links of a page to the web whose words are not their target, in their order."""
    begun: tuple[str, int] | None = None
    for tag in _LINK.finditer(source):
        if begun:
            yield from _told(source[begun[1] : tag.start()], begun[0])
        href = None if tag[1] else _HREF.search(tag[2])
        target = html.unescape(href[1] or href[2] or href[3] or "") if href else ""
        begun = (target, tag.end()) if _WEB.match(target) else None
    if begun:
        yield from _told(source[begun[1] :], begun[0])


def _told(words: str, target: str) -> Iterator[WebLink]:
    shown = _plain(html.unescape(_TAG.sub(" ", words[:_LONGEST_WORDS])))
    target = _plain(target)
    if shown != target:
        yield WebLink(shown[:_LONGEST], target[:_LONGEST_TARGET])


def _plain(text: str) -> str:
    return " ".join(clean_line(_STEERS.sub("", text)).split())


def _unsaid(source: str) -> Iterator[tuple[int, str]]:
    """Where the words of a link end that do not say its target, and the target. A link ends where the next begins."""
    link: _Open | None = None
    for tag in _LINK.finditer(source):
        if link and not _says(source[link.start : tag.start()], link):
            yield tag.start(), link.target
        link = None if tag[1] else _opened(tag)
    if link and not _says(source[link.start :], link):
        yield len(source), link.target


def _opened(tag: re.Match[str]) -> _Open | None:
    href = _HREF.search(tag[2])
    target = _TARGET.match(html.unescape(href[1] or href[2] or href[3] or "")) if href else None
    if not target:
        return None
    shown = " ".join(unquote(target[2])[:_LONGEST].split())
    return _Open(shown, target[1].lower() == "tel", tag.end()) if shown else None


def _says(words: str, link: _Open) -> bool:
    words = html.unescape(_TAG.sub("", words))
    if link.is_number:
        digits = re.sub(r"\D", "", link.target)
        return digits[-_TELLING_DIGITS:] in re.sub(r"\D", "", words)
    return _NOT_SHOWN.sub("", link.target).lower() in _NOT_SHOWN.sub("", words).lower()
