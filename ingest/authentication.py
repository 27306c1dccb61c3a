"""What does our own mail server say of who sent a mail? Reads Authentication-Results (RFC 8601), and only its own.

Pure. It rests on a server that takes off such fields of others in its name, as RFC 8601 §5 wants; where several stand
there in its name, what denies outweighs what confirms.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\s*(dmarc|spf|dkim|arc)(?:/\d+)?\s*=\s*([a-z]+)(.*)", re.DOTALL)
_PROPERTY = re.compile(r"\b((?:header|smtp)\.[a-z]+)\s*=\s*\"?([^\s\"]+)")
_DOMAIN_IN = {
    "dmarc": ("header.from",),
    "spf": ("smtp.mailfrom", "smtp.helo"),
    "dkim": ("header.d", "header.i"),
    "arc": ("header.oldest-pass",),
}
"""Where each method names the domain that it checked (RFC 8601 §2.7, RFC 7489 §11.1)."""

_MOST = 50


class Verdict(StrEnum):
    """Does the domain in From stand by this mail?"""

    PASS = "pass"  # noqa: S105 - it passed DMARC
    FAIL = "fail"  # the domain disowns it
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One result. `domain` is the one that was checked, "" where it is not told; `aligned`: it is that of From, or one
    is part of the other (RFC 7489 §3.1, without a list of public suffixes: nothing is granted for it)."""

    method: str
    result: str
    domain: str
    aligned: bool


@dataclass(frozen=True)
class Authentication:
    """What our own server says. `denial` is a slug where the verdict is FAIL, else ""."""

    checks: tuple[Check, ...] = ()
    verdict: Verdict = Verdict.UNKNOWN
    denial: str = ""


def authenticate(fields: Sequence[tuple[str, str]], authserv_id: str, sender: str | None) -> Authentication | None:
    """What the server `authserv_id` says of this mail from `sender`; None where it says nothing.

    DMARC decides. Where it has no result, as for a domain without a policy, a domain that is itself denied by its own
    SPF record, and for which no DKIM signature stands, disowns the mail too. An ARC chain is told, and changes nothing:
    anybody can seal one, and whom to believe is for the server to know (RFC 8617 §7.2).
    """
    domain = "" if sender is None else sender.rpartition("@")[2].lower()
    checks = tuple(islice(_checks(fields, authserv_id.lower(), domain), _MOST)) if authserv_id else ()
    if not checks:
        return None
    dmarc = [check for check in checks if check.method == "dmarc"]
    if any(check.result == "fail" for check in dmarc):
        return Authentication(checks, Verdict.FAIL, "dmarc_fail")
    if dmarc and domain and all((check.result, check.domain) == ("pass", domain) for check in dmarc):
        return Authentication(checks, Verdict.PASS)
    aligned = {(check.method, check.result) for check in checks if check.aligned}
    if ("spf", "fail") in aligned and not {("dkim", "pass"), ("spf", "pass"), ("dmarc", "pass")} & aligned:
        return Authentication(checks, Verdict.FAIL, "spf_fail")
    return Authentication(checks)


def _checks(fields: Sequence[tuple[str, str]], authserv_id: str, domain: str) -> Iterator[Check]:
    for name, value in fields:
        if name.strip().lower() == "authentication-results":
            yield from _checks_of_one(value, authserv_id, domain)


def _checks_of_one(value: str, authserv_id: str, domain: str) -> Iterator[Check]:
    """The results of one field, if the field is of that server (RFC 8601 §2.2)."""
    head, *results = _without_comments(value.lower()).split(";")
    words = head.replace('"', "").split()
    if not words or words[0] != authserv_id:
        return
    for match in filter(None, map(_RESULT.match, results)):
        checked = _domain(match[1], match[3])
        yield Check(match[1], match[2], checked, _aligned(checked, domain))


def _domain(method: str, properties: str) -> str:
    """The first property that names the domain; none where one is there twice, for then it is no telling which."""
    found = _PROPERTY.findall(properties)
    for wanted in _DOMAIN_IN[method]:
        values = [value for name, value in found if name == wanted]
        if values:
            return str(values[0]).rpartition("@")[2].strip("<>") if len(values) == 1 else ""
    return ""


def _aligned(one: str, other: str) -> bool:
    return bool(one and other) and (one == other or one.endswith(f".{other}") or other.endswith(f".{one}"))


def _without_comments(value: str) -> str:
    value = value[:10_000]
    while "(" in value and (stripped := _COMMENT.sub(" ", value)) != value:
        value = stripped
    return value
