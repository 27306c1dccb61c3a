"""What does our own mail server say of who sent a mail? Reads Authentication-Results (RFC 8601), and only its own.

Pure. It rests on a server that takes off such fields of others in its name, as RFC 8601 §5 wants; where several stand
there in its name, what denies outweighs what confirms.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from config.addresses import ascii_domain_of

_NO_CHARACTER = "\0"
_PIECE = re.compile(r"\\.|[\\()\"]|[^\\()\"]+", re.DOTALL)
_PARTS_WORDS = re.compile(r"[\s;=()<>\"\\]")
_RESULT = re.compile(r"\s*(dmarc|spf|dkim|arc)(?:/\d+)?\s*=\s*([a-z]+)(.*)", re.DOTALL)
_PROPERTY = re.compile(r"(?<!\S)((?:header|smtp)\.[a-z-]+)\s*=\s*(\S+)")
_DOMAIN_IN = {
    "dmarc": ("header.from",),
    "spf": ("smtp.mailfrom", "smtp.helo"),
    "dkim": ("header.d", "header.i"),
    "arc": ("header.oldest-pass",),
}
"""Where each method names the domain that it checked (RFC 8601 §2.7, RFC 7489 §11.1)."""

_MOST = 50
"""Results that are kept to be shown; all of them decide."""


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
    domain = "" if sender is None else ascii_domain_of(sender)
    checks = tuple(_checks(fields, authserv_id.lower(), domain)) if authserv_id else ()
    if not checks:
        return None
    shown = checks[:_MOST]
    dmarc = [check for check in checks if check.method == "dmarc"]
    if any(check.result == "fail" for check in dmarc):
        return Authentication(shown, Verdict.FAIL, "dmarc_fail")
    if dmarc and domain and all((check.result, check.domain) == ("pass", domain) for check in dmarc):
        return Authentication(shown, Verdict.PASS)
    aligned = {(check.method, check.result) for check in checks if check.aligned}
    if ("spf", "fail") in aligned and not {("dkim", "pass"), ("spf", "pass"), ("dmarc", "pass")} & aligned:
        return Authentication(shown, Verdict.FAIL, "spf_fail")
    return Authentication(shown)


def _checks(fields: Sequence[tuple[str, str]], authserv_id: str, domain: str) -> Iterator[Check]:
    for name, value in fields:
        if name.strip().lower() == "authentication-results":
            yield from _checks_of_one(value, authserv_id, domain)


def _checks_of_one(value: str, authserv_id: str, domain: str) -> list[Check]:
    """The results of one field, if the field is of that server (RFC 8601 §2.2).

    A sender's own words stand in it, too, such as the local part of an address, and not every server quotes them well.
    So what confirms is believed only where the whole field can be told apart; what denies, wherever it stands.
    """
    value = value.lower()
    plain = _plain(value)
    head, *sections = (value if plain is None else plain).split(";")
    words = head.replace('"', "").replace(_NO_CHARACTER, "").split()
    if not words or words[0] != authserv_id:
        return []
    found = [check for check in _results(sections, domain) if plain is not None or check.result != "pass"]
    denied = {check.method for check in found if check.result == "fail"}
    hidden = [check for check in _results(value.split(";")[1:], domain) if check.result == "fail"]
    return [*found, *(check for check in hidden if check.method in {"dmarc", "spf"} - denied)]


def _results(sections: Iterable[str], domain: str) -> Iterator[Check]:
    for match in filter(None, map(_RESULT.match, sections)):
        checked = _domain(match[1], match[3])
        yield Check(match[1], match[2], checked, _aligned(checked, domain))


def _domain(method: str, properties: str) -> str:
    """The first property that names the domain; none where one is there twice, for then it is no telling which."""
    found = _PROPERTY.findall(properties)
    for wanted in _DOMAIN_IN[method]:
        values = [value for name, value in found if name == wanted]
        if values:
            named = ascii_domain_of(str(values[0]).strip(f'"<>{_NO_CHARACTER}'))
            return "" if len(values) > 1 or _NO_CHARACTER in named else named
    return ""


def _plain(value: str) -> str | None:
    """A field's value without comments and quotes (RFC 5322 §3.2), or None where those do not end, or it has others.

    What stood in quotes is one word; what in it would part words is `_NO_CHARACTER`. Takes one pass.
    """
    if _NO_CHARACTER in value:
        return None
    depth, is_quoted, plain = 0, False, []
    for piece in _PIECE.findall(value):
        if is_quoted:
            is_quoted = piece != '"'
            plain.append(_PARTS_WORDS.sub(_NO_CHARACTER, piece))
        elif depth or piece == "(":
            depth += (piece == "(") - (piece == ")")
            plain.append(" ")
        elif piece == '"':
            is_quoted = True
            plain.append(_NO_CHARACTER)
        elif piece == ")" or piece.startswith("\\"):
            return None
        else:
            plain.append(piece)
    return None if depth or is_quoted else "".join(plain)


def _aligned(one: str, other: str) -> bool:
    return bool(one and other) and (one == other or one.endswith(f".{other}") or other.endswith(f".{one}"))
