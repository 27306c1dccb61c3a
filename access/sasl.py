"""What client and server say when a log-in goes by access token: OAUTHBEARER (RFC 7628), and XOAUTH2, its forerunner.

XOAUTH2 is described in Google's and Microsoft's documents only; it has no place in a standard.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from access.errors import NoBearerMechanism

_STATUS = re.compile(r"[A-Za-z0-9_]{1,40}")


class Mechanism(StrEnum):
    OAUTHBEARER = "OAUTHBEARER"
    XOAUTH2 = "XOAUTH2"


def choose(offered: Collection[str]) -> Mechanism:
    """The standard one where the server has it. Raises NoBearerMechanism."""
    names = {name.upper() for name in offered}
    for mechanism in Mechanism:
        if mechanism.value in names:
            return mechanism
    raise NoBearerMechanism("the server offers neither OAUTHBEARER nor XOAUTH2: is `host` the right one?")


@dataclass
class Exchange:
    """The client's side of one log-in, in the form in which imaplib and smtplib take it: called for each answer."""

    mechanism: Mechanism
    user: str
    token: str = field(repr=False)
    host: str
    port: int
    status: str = ""
    """What the server said of the token where it refused it, such as "invalid_token"; empty where it said nothing."""

    def __call__(self, challenge: bytes | None = None) -> str:
        if not challenge:
            return first_message(self.mechanism, self.user, self.token, self.host, self.port)
        self.status = status_in(challenge)
        return "\1" if self.mechanism is Mechanism.OAUTHBEARER else ""  # RFC 7628 §3.2.3; XOAUTH2 wants nothing


def first_message(mechanism: Mechanism, user: str, token: str, host: str, port: int) -> str:
    """RFC 7628 §3.1, before base64. The user is a `saslname` (RFC 5801 §4) in OAUTHBEARER, and bare in XOAUTH2."""
    if mechanism is Mechanism.XOAUTH2:
        return f"user={user}\1auth=Bearer {token}\1\1"
    name = user.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"


def status_in(challenge: bytes) -> str:
    """The status in a server's error (RFC 7628 §3.2.2), where it is one word: the rest may quote what we sent."""
    try:
        status = json.loads(challenge)["status"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return status if isinstance(status, str) and _STATUS.fullmatch(status) else ""
