"""The HTML of a mail, made safe to look at: nothing runs, nothing is loaded, nothing looks like the desk.

Two locks, each of which would do: the markup is cleaned (no scripts, styles, forms, images, frames), and the page that
holds it has a policy of its own that forbids everything but one fixed style and puts it into a sandbox. The frame that
shows the page is a sandbox as well.
"""

import base64
import hashlib

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
    "img": {"alt"},  # without a source a browser shows the words alone
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
    "*": {"dir", "lang"},
}
DROPPED_WHOLE = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "select"}

STYLE = (
    "html{color-scheme:light dark}"
    "body{margin:1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "a::after{content:' [' attr(href) ']';font-size:.85em;opacity:.8}"
    "table{border-collapse:collapse}td,th{padding:.1rem .4rem;text-align:left;vertical-align:top}"
    "blockquote{margin-inline:0;padding-inline-start:1rem;border-inline-start:3px solid #8888}"
    "img{border:1px dashed #8888;padding:.1rem .3rem;font-size:.9em}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def clean(html: str) -> str:
    """The markup of a mail without anything that runs, loads, restyles or submits. Links open apart, unreferred."""
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=DROPPED_WHOLE,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )


def page(html: str, language: str) -> str:
    """A whole page around the cleaned mail, to be sent with POLICY."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="referrer" content="no-referrer"><title>HTML</title><style>{STYLE}</style></head>'
        f"<body>{clean(html)}</body></html>"
    )
