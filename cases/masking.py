"""Masking: a proposal of the report's text without what tells who wrote it.

The machine masks the reporter's own name, addresses, numbers and signature where it found them; a person checks the
proposal before anybody relies on it. Only marks stand in the masked text, so that nothing can be read back from it.
"""

import re
from collections.abc import Iterable

MARK = "▇▇▇"
_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 30  # of a value that is looked for; a longer one is cut
_MEANS_LITTLE = 3
"""Words of a name shorter than this ("de", "El") are masked only as part of the whole name."""

_NUMBER = re.compile(r"\+?\d(?:[\s.,/()\u00a0\u2010-\u2015-]{0,4}\d)*")
"""Digits with a little between them. What may stand between is no digit, so that this never backtracks far."""

_TELLING_DIGITS = 8
"""The last digits of a telephone number, the same for +31 6 ... and 06 ..."""

_FEWEST_DIGITS = 6
_PREFIX_DIGITS = 6
"""Digits that may stand before the telling ones: a country's and an area's."""


def mask(
    text: str, *, names: Iterable[str], addresses: Iterable[str], emails: Iterable[str], phones: Iterable[str]
) -> str:
    """`text` with every occurrence of the given values replaced by `MARK`, whatever their case, spacing or punctuation.

    Parts of the reporter's name are masked too, wherever they stand as a word; so are phone numbers digit by digit.
    Takes time in proportion to the text: it is a stranger's.
    """
    patterns = [_spelled(value) for value in [*addresses, *emails] if _WORD.search(value)]
    for name in names:
        words = _WORD.findall(name)[:_MOST_WORDS]
        patterns += [_spelled(name)] if words else []
        patterns += [rf"\b{re.escape(word)}\b" for word in words if len(word) >= _MEANS_LITTLE]
    for pattern in sorted(patterns, key=len, reverse=True):
        text = re.sub(pattern, MARK, text, flags=re.IGNORECASE)
    telling = {digits[-_TELLING_DIGITS:] for phone in phones if len(digits := _digits(phone)) >= _FEWEST_DIGITS}
    return _NUMBER.sub(lambda number: _without_phones(number[0], telling), text) if telling else text


def _spelled(value: str) -> str:
    """The words of `value` in order, whatever stands between them."""
    return r"(?<!\w)" + (r"[\W_]{1,6}").join(map(re.escape, _WORD.findall(value)[:_MOST_WORDS])) + r"(?!\w)"


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone.replace("(0)", ""))


def _without_phones(number: str, telling: Iterable[str]) -> str:
    """A stretch of digits without the telephone numbers in it, however they are grouped."""
    places = [place for place, symbol in enumerate(number) if symbol.isdigit()]
    digits = "".join(number[place] for place in places)
    kept, done = [], 0
    for found in re.finditer("|".join(map(re.escape, telling)), digits):
        first = found.start() - _PREFIX_DIGITS
        kept += [number[done : max(done, places[first] if first > 0 else 0)], MARK]
        done = places[found.end() - 1] + 1
    return "".join([*kept, number[done:]])
