"""What an e-mail address is that mail can go to: one rule, for settings, for members and for whoever writes to us."""

import re

import idna

_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\@]{1,128}@[^\s<>,;:\"()\[\]\\@]{1,255}")
"""Addresses that need no quoting; nobody's real address does (RFC 5321 §4.1.2 warns against it)."""


class BadAddress(ValueError):
    """Not an address that a mail can go to. Does not name it."""


def domain_to_ascii(plain: str) -> str:
    """The address with its domain as A-labels (RFC 5890), ready for the envelope and the header. Raises BadAddress."""
    if not _ADDRESS.fullmatch(plain) or not plain.isprintable():
        raise BadAddress("This is not one plain e-mail address, like name@example.org.")
    local, _, domain = plain.rpartition("@")
    if domain.isascii():
        return plain
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        raise BadAddress("The domain of this address is not one that the DNS can hold.") from None


def ascii_domain_of(address: str) -> str:
    """The domain of an address for comparing: in A-labels and lower case, or as it is where no DNS can hold it."""
    domain = address.rpartition("@")[2].lower()
    try:
        return domain_to_ascii(f"x@{domain}").rpartition("@")[2].lower()
    except BadAddress:
        return domain


def without_tag(plain: str) -> str:
    """The address for comparing: lower case, domain in ASCII, without what stands behind a plus (RFC 5233).

    Raises BadAddress.
    """
    local, _, domain = domain_to_ascii(plain).lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
