"""Quoted history as mail programs mark it in HTML: found in the tree, carried through the layout as marks."""

from __future__ import annotations

import re

from lxml.html import Element, HtmlElement

from ingest.passage import Passage

# Characters that Unicode sets apart for a program's own use: no text may hold them.
_BEGIN, _END = "\ufdd0", "\ufdd1"
_NOT_TEXT = re.compile("[\ufdd0-\ufdef]")
_MOST = 200

# Elements that hold a quotation, by a word of their class or the beginning of their id.
_CLASSES = {
    *("gmail_quote", "gmail_quote_container", "gmail_attr", "gmail_extra_quote", "yahoo_quoted", "protonmail_quote"),
    *("moz-cite-prefix", "moz-email-headers-table", "moz-forward-container", "zmail_extra", "tutanota_quote"),
    *("ms-outlook-mobile-reference-message", "hmmessage_quote", "wordsection1_quote", "quote_container", "replyheader"),
    *("airmail_quote", "bloop_original_html", "nylas-quote", "front-blockquote", "freshdesk_quote", "ydp-yahoo-quoted"),
    *("mailru-quote", "qtd-body", "cite-quote", "zoho_quoted"),
}
_IDS = ("yahoo_quoted", "mailru-quote", "replybodypart", "reply_html", "isreplycontent", "olk_src_body_section")
# Elements with which a quotation begins that goes on to the end of what they stand in.
_DIVIDERS = ("divrplyfwdmsg", "appendonsend", "mail-editor-reference-message", "stopspelling", "ms-outlook-mobile-ref")
_OUTLOOK_LINE = re.compile(
    r"border:\s{0,3}none;\s{0,3}border-top:\s{0,3}solid\s{1,3}(?:#(?:b5c4df|e1e1e1|c5c5c5)|windowtext)\s{1,3}1\.0pt|"
    r"border-(?:width|right|bottom|left):.{0,200}border-top:\s{0,3}(?:1pt\s{1,3}solid\s{1,3})?(?:rgb\(181,\s?196,\s?223\)|#b5c4df)",
    re.IGNORECASE,
)


def mark(tree: HtmlElement) -> None:
    """Put a mark before and behind each quotation; at most so many, whatever the mail."""
    found = [each for each in tree.iter("div", "blockquote", "table", "span", "hr", "p") if _is_quote(each)]
    for element in found[:_MOST]:
        if _holds_its_quotation(element):
            end = _marker(_END)
            end.tail, element.tail = element.tail, None
            element.addnext(end)
        else:
            element = _outermost(element)
            element.getparent().append(_marker(_END))
        element.addprevious(_marker(_BEGIN))


def read(text: str) -> Passage:
    """The text without the marks, and which of its lines stood between them."""
    lines: list[str] = []
    history: set[int] = set()
    depth = 0
    for line in text.split("\n"):
        begins, ends = line.count(_BEGIN), line.count(_END)
        depth += begins
        bare = _NOT_TEXT.sub("", line).rstrip() if begins or ends else line
        blank_before = not lines or not lines[-1].strip()
        if not ((begins or ends) and not bare.strip()) and not (not bare.strip() and blank_before):
            if depth:
                history.add(len(lines))
            lines.append(bare)
        depth = max(0, depth - ends)
    while lines and not lines[-1].strip():
        lines.pop()
    return Passage("\n".join(lines), frozenset(number for number in history if number < len(lines)))


def _is_quote(element: HtmlElement) -> bool:
    return element.getparent() is not None and (_holds_its_quotation(element) or _is_divider(element))


def _holds_its_quotation(element: HtmlElement) -> bool:
    if element.tag == "blockquote" and (element.get("type") or "").lower() == "cite":
        return True
    classes = (element.get("class") or "")[:500].lower().split()
    return not _CLASSES.isdisjoint(classes) or _id(element).startswith(_IDS)


def _is_divider(element: HtmlElement) -> bool:
    """Outlook on the web and on telephones names the element; on the desktop it draws a line of its own."""
    if _id(element).startswith(_DIVIDERS):
        return True
    return element.tag == "div" and _OUTLOOK_LINE.search((element.get("style") or "")[:500]) is not None


def _id(element: HtmlElement) -> str:
    return (element.get("id") or "")[:200].lower().removeprefix("x_")


def _outermost(divider: HtmlElement) -> HtmlElement:
    """The element that stands beside the quotation: Outlook wraps its line in a div of its own."""
    while True:
        parent = divider.getparent()
        if parent.tag != "div" or len(parent) != 1 or (parent.text or "").strip() or parent.getparent() is None:
            return divider
        divider = parent


def _marker(mark: str) -> HtmlElement:
    element = Element("div")
    element.text = mark
    return element
