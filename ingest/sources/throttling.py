"""What a server says when it wants to be left alone for a while, and for how long.

Sources: Exchange Online ("Request is throttled. Suggested Backoff Time: 92415 milliseconds", "User is authenticated but
not connected"), Gmail ("[THROTTLED]", "Account exceeded command or bandwidth limits", "Too many simultaneous
connections"), RFC 5530 §3 (UNAVAILABLE), and Retry-After as HTTP writes it (RFC 9110 §10.2.3), which gateways pass on.
"""

import imaplib
import re
from dataclasses import dataclass

from imapclient.exceptions import ProtocolError

LONGEST_SECONDS = 3600.0
"""A longer time is not believed: then we ask again."""

_LOOKED_AT = 500
_SIGNS = re.compile(
    r"\[(?:THROTTLED|UNAVAILABLE)\]|throttl|back-?off|retry-after|too many (?:\w+ )?(?:connections|requests|commands)|"
    r"exceeded (?:command|bandwidth|rate)|authenticated but not connected|server (?:is )?(?:too )?busy",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:back-?off(?: time)?|retry-after|(?:retry|try again|wait)(?: in| after| for)?)[\s:=]{1,3}(\d{1,9})\s?"
    r"(milliseconds?\b|ms\b|minutes?\b|min\b|seconds?\b|secs?\b|s\b)?",
    re.IGNORECASE,
)
_NOT_SAID = ("unexpected", "literal")
"""How imaplib begins when it repeats a line that it did not understand: that may be a mail's."""


@dataclass(frozen=True)
class Rest:
    """The server wants to rest. `seconds` is None where it does not say how long."""

    seconds: float | None


def asked_to_rest(error: BaseException) -> Rest | None:
    """None where this error of imaplib's or imapclient's is another."""
    if not isinstance(error, imaplib.IMAP4.error) or isinstance(error, ProtocolError):
        return None
    said = str(error)[:_LOOKED_AT]
    if said.startswith(_NOT_SAID):
        return None
    return rest_in(said)


def rest_in(said: str) -> Rest | None:
    """What a server's own words (of NO, BAD or BYE) ask for."""
    time = _TIME.search(said)
    if time:
        return Rest(min(int(time[1]) * _unit(time[2]), LONGEST_SECONDS))
    return Rest(None) if _SIGNS.search(said) else None


def _unit(name: str | None) -> float:
    name = (name or "s").lower()
    if name.startswith(("ms", "milli")):
        return 0.001
    return 60.0 if name.startswith("min") else 1.0
