"""What tells that two mails are of one sender or of one wording: keyed digests on the sealed card of each case.

So nobody sees it who does not open the cards, and nobody reckons an address or a text from it who has no index key.
In doubt nothing is alike: a text of few words, and a sender who is not the reporter, as a web form is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from store.lookups import IndexKey

FEWEST_WORDS = 25
_WORD = re.compile(r"[^\W\d_]+")
_BYTES = 12


def marks(
    index: IndexKey, sender: str | None, contact: Mapping[str, Any], report: Mapping[str, Any], masked_text: str
) -> dict[str, str]:
    """Of a mail that opens a case: "sender" and "wording", as far as they tell anything."""
    found: dict[str, str] = {}
    reporter = str(contact.get("email") or "").casefold()
    if sender and sender.casefold() == reporter and not report.get("automatic"):
        found["sender"] = index.sender(sender)[:_BYTES].hex()
    words = [word.casefold() for word in _WORD.findall(masked_text)]
    if len(words) >= FEWEST_WORDS:
        found["wording"] = index.wording(words)[:_BYTES].hex()
    return found
