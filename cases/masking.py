"""Masking: a proposal of the report's text without what tells who wrote it.

The machine masks the reporter's own name, addresses, numbers and signature where it found them; a person checks the
proposal before anybody relies on it. Only marks stand in the masked text, so that nothing can be read back from it.
"""

import re
from collections.abc import Iterable

MARK = "▇▇▇"
_SEPARATORS = r"[\s.,/()\u00a0\u2010-\u2015-]{0,4}"
_WORD = re.compile(r"\w+")
_MEANS_LITTLE = 3
"""Words of a name shorter than this ("de", "El") are masked only as part of the whole name."""


def mask(
    text: str, *, names: Iterable[str], addresses: Iterable[str], emails: Iterable[str], phones: Iterable[str]
) -> str:
    """`text` with every occurrence of the given values replaced by `MARK`, whatever their case, spacing or punctuation.

    Parts of the reporter's name are masked too, wherever they stand as a word; so are phone numbers digit by digit.
    """
    patterns = [_spelled(value) for value in [*addresses, *emails] if _WORD.search(value)]
    patterns += [pattern for phone in phones if (pattern := _digits(phone))]
    for name in names:
        words = _WORD.findall(name)
        patterns += [_spelled(name)] if words else []
        patterns += [rf"\b{re.escape(word)}\b" for word in words if len(word) >= _MEANS_LITTLE]
    for pattern in sorted(patterns, key=len, reverse=True):
        text = re.sub(pattern, MARK, text, flags=re.IGNORECASE)
    return text


def _spelled(value: str) -> str:
    """The words of `value` in order, whatever stands between them."""
    return r"(?<!\w)" + (r"[\W_]{1,6}").join(map(re.escape, _WORD.findall(value))) + r"(?!\w)"


def _digits(phone: str) -> str | None:
    """The digits of a number, however they are grouped; the last eight decide, so that +31 6 and 06 are the same."""
    digits = re.sub(r"\D", "", phone.replace("(0)", ""))[-8:]
    if len(digits) < 6:
        return None
    return r"\+?[\d()]{0,5}" + _SEPARATORS + r"(?:\d" + _SEPARATORS + r"){0,4}?" + _SEPARATORS.join(digits) + r"(?!\d)"
