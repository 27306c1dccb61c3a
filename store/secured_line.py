"""A database on another host is reached by TLS alone, with a certificate that is that host's; or not at all.

What stands in the URL, in libpq's environment (PGHOST, PGSSLMODE, ...) and in its defaults counts, as libpq takes it.
"""

from __future__ import annotations

import ipaddress

from psycopg import pq
from sqlalchemy import URL

SAFE = "verify-full"


def is_safe(url: URL) -> bool:
    """Does this URL stay on this machine, or ask for TLS with the server's name checked?"""
    return _as_libpq_sees(url).get("sslmode") == SAFE or is_on_this_machine(url)


def is_on_this_machine(url: URL) -> bool:
    """As far as that is known."""
    asked = _as_libpq_sees(url)
    if asked.get("service"):
        return False  # what a service file says is not known here
    return all(_is_here(host) for name in ("host", "hostaddr") for host in asked.get(name, "").split(","))


def _as_libpq_sees(url: URL) -> dict[str, str]:
    known = pq.Conninfo.get_defaults()
    asked = {option.keyword.decode(): (option.val or b"").decode() for option in known}
    if url.host:
        asked["host"] = url.host
    for name, value in url.query.items():
        asked[name] = value if isinstance(value, str) else ",".join(value)
    return asked


def _is_here(host: str) -> bool:
    """A socket in the file system ("/..."), an abstract one ("@..."), or loopback; empty: libpq's own socket."""
    if not host or host[0] in "/@" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
