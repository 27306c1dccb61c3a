"""The HTML of a mail, made safe to look at: nothing runs, nothing is loaded, nothing looks like the desk.

Two locks, each of which would do: the markup is cleaned (no scripts, styles, forms, images, frames) by a short-lived
process that takes bounded memory and time (`desk/cleaner.py`), and the page that holds it has a policy of its own that
forbids everything but one fixed style and puts it into a sandbox. The frame that shows the page is a sandbox as well.
"""

import base64
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flask_babel import gettext

LONGEST_INPUT = 4 << 20
PATIENCE_SECONDS = 30
"""The cleaner has its own limit of processor time; this one is for a machine that is busy with other things."""

_CLEANER = Path(__file__).with_name("cleaner.py")
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each cleaner may take what memory it is allowed; the members of a desk read one mail at a time."""


class CannotBeShown(Exception):
    """This markup is too large, or cleaning it takes too much."""


STYLE = (
    "html{color-scheme:light dark}"
    "body{margin:1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "a::after{content:' [' attr(href) ']';font-size:.85em;opacity:.8}"
    "table{border-collapse:collapse}td,th{padding:.1rem .4rem;text-align:left;vertical-align:top}"
    "blockquote{margin-inline:0;padding-inline-start:1rem;border-inline-start:3px solid #8888}"
    "pre.text{white-space:pre-wrap;font:inherit}"
    "img{border:1px dashed #8888;padding:.1rem .3rem;font-size:.9em}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def clean(html: str, picture: str = "", own: Mapping[str, str] = MappingProxyType({})) -> str:
    """The markup without anything that could do something, by a process that ends with it. Raises CannotBeShown."""
    given = html.encode(errors="replace")
    names = json.dumps(dict(own)).encode() + b"\n"
    if len(given) > LONGEST_INPUT:
        raise CannotBeShown
    if not _AT_ONCE.acquire(timeout=PATIENCE_SECONDS):
        raise CannotBeShown
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command; the mail goes in by a pipe)
            [sys.executable, "-I", "-B", str(_CLEANER), picture],
            input=names + given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a parser that fails may tell what it failed on
            timeout=PATIENCE_SECONDS,
            cwd="/",
            env={},
            check=True,
        )
    except (subprocess.SubprocessError, OSError):
        raise CannotBeShown from None
    finally:
        _AT_ONCE.release()
    return done.stdout.decode()


def page(html: str, text: str, language: str, files: Sequence[Mapping[str, Any]] = ()) -> str:
    """A whole page around the cleaned mail, to be sent with POLICY; around its text where the markup is too much.

    A picture that came with the mail is called by the name of its file, which stands among the attachments.
    """
    own = {
        str(file["content_id"]): gettext("[picture: %(name)s, among the attachments]", name=file.get("name") or "?")
        for file in files
        if file.get("content_id")
    }
    try:
        body = clean(html, gettext("[picture left out]"), own)
    except CannotBeShown:
        why = gettext("This layout cannot be shown: it asks too much of this machine. The text of the message:")
        body = f'<p><strong>{escape(why)}</strong></p><pre class="text">{escape(text)}</pre>'
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="referrer" content="no-referrer"><title>HTML</title><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>"
    )
