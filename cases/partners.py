"""The number by which another organisation's ticket system knows a matter, as it stands in a subject. Pure."""

import re

_IN_BRACKETS = re.compile(r"\[([^\[\]]{3,40})\]")  # [Ticket#2026010112345678], [#12345], [RT 4711]
_NUMBER = re.compile(
    r"#\s?(\d{4,20})\b"
    r"|\b([A-Z]{2,12}\d{4,20})\b"  # INC0012345
    r"|\b([A-Z][A-Z0-9]{1,11}-\d{2,20})\b"  # PROJ-123
)
_DIGITS_IN_BRACKETS = 4
_MOST = 5


def numbers_in(subject: str) -> tuple[str, ...]:
    """The numbers in a subject, capitals and digits alone, each once. A date or an amount is none."""
    subject = subject[:1000]
    whole = [match[1] for match in _IN_BRACKETS.finditer(subject) if _is_long(match[1])]
    rest = _IN_BRACKETS.sub(lambda match: " " if _is_long(match[1]) else match[0], subject)
    single = ["".join(filter(None, match.groups())) for match in _NUMBER.finditer(rest)]
    plain = ("".join(re.findall(r"[A-Z0-9]", number.upper())) for number in (*whole, *single))
    return tuple(dict.fromkeys(plain))[:_MOST]


def _is_long(text: str) -> bool:
    return sum(map(str.isdigit, text)) >= _DIGITS_IN_BRACKETS
