"""HTML to text that is never silently empty (mail-cases 52), with what its structure says of quoted history."""

from __future__ import annotations

import html
import re

import lxml.html
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml import etree

from ingest import links, quotes, tables
from ingest.charsets import clean_text
from ingest.passage import Passage

_TAG = re.compile(r"<[^<>]*>")
_BLOCK = re.compile(r"<(?:br|/?(?:p|div|tr|table|li|ul|ol|h[1-6]|blockquote|hr|pre))\b[^<>]*>", re.IGNORECASE)
_FRAMES = re.compile(r"</?(?:frameset|noframes)\b[^<>]*>", re.IGNORECASE)
"""libxml2 takes all between them for text; what stands there is for programs that show no frames, as we are one."""
_BLANK_LINES = re.compile(r"\n{3,}")
_HIDDEN = ("script", "style", "head", "title", "template")
_MAX_DEPTH = 150  # libxml2 drops what lies deeper than 255 levels, and inscriptis recurses
_MAX_FOR_LAYOUT = 2_000_000
_MAX_ELEMENTS = 50_000
_MAX_IN_TABLES = 10_000_000  # characters, most of them spaces


def to_passage(source: str, *, may_lay_out: bool = True) -> Passage:
    """The text that a person would see: laid out by inscriptis, or stripped by hand where that gives nothing."""
    source = links.with_targets(source)
    laid_out = _layout(source) if may_lay_out and len(source) <= _MAX_FOR_LAYOUT else ""
    passage = quotes.read(laid_out) if laid_out else Passage("")
    return passage if passage.text.strip() else Passage(clean_text(stripped(source)))


def _layout(source: str) -> str:
    """The text, with the marks of quotes.py in it."""
    try:
        tree = lxml.html.document_fromstring(_without_declaration(_FRAMES.sub("", source)))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    if not _is_shallow(tree) or not _has_small_tables(tree):
        return ""
    quotes.mark(tree)
    # 82 kB of CSS margins cost inscriptis 200 MB: layout by tags only.
    etree.strip_attributes(tree, "style", "align", "valign")
    etree.strip_elements(tree, etree.Comment, *_HIDDEN, with_tail=False)
    try:
        text = Inscriptis(tree, ParserConfig(display_images=False, display_links=False)).get_text()
    except (ValueError, RecursionError, AttributeError, IndexError, TypeError):
        return ""
    return _tidy(clean_text(text))


def _is_shallow(tree: lxml.html.HtmlElement) -> bool:
    depth = 0
    for number, (event, _) in enumerate(etree.iterwalk(tree, events=("start", "end"))):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH or number > 2 * _MAX_ELEMENTS:
            return False
    return True


def _has_small_tables(tree: lxml.html.HtmlElement) -> bool:
    left = _MAX_IN_TABLES
    for room in tables.room_needed(tree):
        left -= room
        if left < 0:
            return False
    return True


def _without_declaration(source: str) -> str:
    """lxml refuses str input that declares an encoding."""
    start = source.lstrip("\ufeff \t\r\n")
    if start.startswith("<?xml"):
        end = start.find("?>")
        return start[end + 2 :] if end > 0 else start[5:]
    return start


def stripped(source: str) -> str:
    """Tags away, line breaks where blocks were; one pass each, whatever the nesting."""
    for name in ("script", "style", "title"):
        source = _without_element(source, name)
    source = _without_comments(source)
    text = _TAG.sub("", _BLOCK.sub("\n", source))
    return _tidy(html.unescape(text))


def _without_element(source: str, name: str) -> str:
    lowered = source.lower() if source.isascii() else source
    pieces, at = [], 0
    while (start := lowered.find(f"<{name}", at)) >= 0:
        end = lowered.find(f"</{name}", start)
        if end < 0:
            break
        pieces.append(source[at:start])
        at = end + len(name) + 2
        close = lowered.find(">", at)
        at = close + 1 if close >= 0 else at
    return "".join(pieces) + source[at:]


def _without_comments(source: str) -> str:
    pieces, at = [], 0
    while (start := source.find("<!--", at)) >= 0:
        end = source.find("-->", start)
        if end < 0:
            break
        pieces.append(source[at:start])
        at = end + 3
    return "".join(pieces) + source[at:]


def _tidy(text: str) -> str:
    text = text.replace("\xa0", " ").replace("\u200b", "").replace("\u200c", "").replace("\xad", "")
    lines = [line.rstrip() for line in text.splitlines()]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
