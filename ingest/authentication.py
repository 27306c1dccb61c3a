"""Did our own mail server vouch for the domain in From? Reads Authentication-Results (RFC 8601), and only its own.

Pure. It rests on a server that takes off such fields of others in its name, as RFC 8601 §5 wants; where several stand
there in its name, all must say the same.
"""

import re
from collections.abc import Sequence

_COMMENT = re.compile(r"\([^()]*\)")
_DMARC = re.compile(r"\s*dmarc(?:/\d+)?\s*=\s*([a-z]+)(.*)", re.DOTALL)
_HEADER_FROM = re.compile(r"\bheader\.from\s*=\s*\"?([^\s\"]+)")


def dmarc_passed(fields: Sequence[tuple[str, str]], authserv_id: str, sender: str | None) -> bool:
    """Does each DMARC result of the server `authserv_id`, one at least, say "pass" for the domain of `sender`?"""
    if not authserv_id or sender is None:
        return False
    domain = sender.rpartition("@")[2].lower()
    results = [
        result
        for name, value in fields
        if name.strip().lower() == "authentication-results"
        for result in _dmarc_results(value, authserv_id.lower())
    ]
    return bool(domain) and bool(results) and all(result == ("pass", domain) for result in results)


def _dmarc_results(value: str, authserv_id: str) -> list[tuple[str, str]]:
    """Result and header.from of each dmarc method in one field, if the field is of that server (RFC 8601 §2.2)."""
    head, *results = _without_comments(value.lower()).split(";")
    words = head.replace('"', "").split()
    if not words or words[0] != authserv_id:
        return []
    found = [match for result in results if (match := _DMARC.match(result))]
    return [(match[1], _domain(match[2])) for match in found]


def _domain(properties: str) -> str:
    found = _HEADER_FROM.findall(properties)
    return str(found[0]).rpartition("@")[2] if len(found) == 1 else ""


def _without_comments(value: str) -> str:
    value = value[:10_000]
    while "(" in value and (stripped := _COMMENT.sub(" ", value)) != value:
        value = stripped
    return value
