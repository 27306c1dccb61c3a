"""Cleans the HTML of a mail in a process of its own: markup comes in at standard input, goes out at standard output.

Run as a file, by `desk.mailhtml`. Of the project nothing is imported here, so nothing that the desk knows is in this
process, and what a mail makes the cleaner use is bounded: a parser that follows HTML's rules opens formatting elements
anew in each block, so that a few hundred kilobytes of markup can ask for gigabytes.
"""

import json
import re
import resource
import sys
from collections.abc import Mapping
from html import escape, unescape
from types import MappingProxyType
from urllib.parse import unquote

import nh3

TAGS = {
    "a", "abbr", "address", "article", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite",
    "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "section",
    "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr",
    "tt", "u", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href"},
    "img": {"alt", "src"},  # the source goes at the end: without one a browser shows the words alone
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
    "*": {"dir", "lang"},
}
DROPPED_WHOLE = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "select"}

MEMORY = 512 << 20
CPU_SECONDS = 5
LONGEST_OUTPUT = 8 << 20

_TAG = re.compile(r'<(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?: [^\s"<>=/]+="[^"]*")*)>')
_ALT = re.compile(r' alt="(?P<words>[^"]*)"')
_SOURCE = re.compile(r' src="cid:(?P<id>[^"]*)"', re.IGNORECASE)


def cleaned(html: str, picture: str, own: Mapping[str, str] = MappingProxyType({})) -> str:
    """The markup of a mail without anything that runs, loads, restyles or submits. Links open apart, unreferred.

    `picture` stands in place of each picture, before what its sender says it shows; in place of one that came with the
    mail stand the words that `own` has for its Content-ID (RFC 2392).
    """
    safe = nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=DROPPED_WHOLE,
        attributes=ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
    # Each whole tag is matched, since the value of an attribute may hold a "<img": only outside of tags is "<" escaped.
    return _TAG.sub(lambda tag: _named(tag, picture, own) if tag["name"] == "img" else tag[0], safe)


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Of sources only those that name a part of the mail, and nothing else that names one."""
    names_a_part = value.strip().lower().startswith("cid:")
    if (tag, attribute) == ("img", "src"):
        return value if names_a_part else None
    return None if attribute == "href" and names_a_part else value


def _named(tag: re.Match[str], picture: str, own: Mapping[str, str]) -> str:
    source, found = _SOURCE.search(tag["attributes"]), _ALT.search(tag["attributes"])
    words = escape(own[_id(source["id"])]) if source and _id(source["id"]) in own else picture
    if found:
        words = f"{words} {found['words']}".strip()
    return f'<img alt="{words}">'


def _id(written: str) -> str:
    return unquote(unescape(written)).strip("<> ")


def main() -> int:
    """Clean what comes in: a line of JSON with the words for the mail's own pictures, then its markup.

    The one argument stands in place of any other picture; it holds no quotes and no markup.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the mail, on disk
    own = json.loads(sys.stdin.buffer.readline())
    answer = cleaned(sys.stdin.buffer.read().decode(), sys.argv[1], own).encode()
    if len(answer) > LONGEST_OUTPUT:
        return 1
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
