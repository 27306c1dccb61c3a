"""Of two versions of one text, which says what was written (RFC 2046 §5.1.4): the plain one, unless it is a stand-in.

Some programs write "your program cannot show this" into the plain version, or no more than their own signature, and
the words of the sender into the HTML alone (mail-cases 52).
"""

from __future__ import annotations

import re

from ingest import markup
from ingest.passage import Passage, joined

_WORD = re.compile(r"[^\W_]+")
_FEW = 0.4
"""A plain version with a smaller share of the HTML's letters is looked at more closely."""
_MOST_COUNTED = 1_000_000  # characters
_LONGEST_STAND_IN = 200  # characters
_STAND_IN = re.compile(
    r"\bhtml\b.{0,100}\b(?:capable|client|compatible|display|enable\w*|format|formaat|program\w*|mailprogram\w*|reader|"
    r"render\w*|support\w*|view\w*|weergeven|weergave|ondersteun\w*|tonen|anzeig\w*|darstell\w*|unterstütz\w*|affich\w*)\b"
    r"|\b(?:display|enable|requires?|support\w*|view|ondersteun\w*|tonen)\b.{0,100}\bhtml\b",
    re.IGNORECASE | re.DOTALL,
)


def may_stand_in(plain: str, source: str) -> bool:
    """Is the plain version so much shorter than its HTML, or a notice about HTML, that the two have to be compared?
    Decided without laying the HTML out, which an ordinary mail need not pay for."""
    if _is_notice(plain):
        return True
    letters = _letters(plain)
    source = source[:_MOST_COUNTED]
    return letters < _FEW * len(source) and letters < _FEW * _letters(markup.stripped(source))


def chosen(plain: Passage, shown: Passage) -> Passage:
    """What the sender wrote; `shown` is the HTML as a person sees it. Words that stand in one version alone are kept:
    the plain version goes when the other has all of it, or when it is a notice about HTML."""
    if not shown.text.strip():
        return plain
    if _is_notice(plain.text):
        return shown
    if _letters(plain.text) >= _FEW * _letters(shown.text):
        return plain
    return shown if _holds(shown.text, plain.text) else joined([plain, shown])


def _is_notice(plain: str) -> bool:
    return len(plain) <= _LONGEST_STAND_IN and _STAND_IN.search(plain) is not None


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text[:_MOST_COUNTED]))


def _holds(long: str, short: str) -> bool:
    """All the words of the short text, but for one in twenty that a program wrote otherwise; every number."""
    words = set(_words(short))
    missing = words - set(_words(long))
    return 20 * len(missing) <= len(words) and not any(word.isdigit() for word in missing)


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:_MOST_COUNTED].casefold())
