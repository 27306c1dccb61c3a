"""Who opens a new case that names a member of the desk: the others, each by their own key, and never that member.

Needs public keys only. Who may open it stands in the configuration, by the members' ids, and each key carries the
desk's certificate: who writes to the database puts nobody there, and no key of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from store import certificates
from store.certificates import Chain
from store.keypairs import KeyKind
from store.keyring import NoSuchKey, Pins, PublicPair, newest


@dataclass(frozen=True)
class Restriction:
    """To whose own keys a new case is sealed, by the members' ids, and who is kept out of it, of these `by_link`
    who do not open the case that it is linked to."""

    recipients: Mapping[str, PublicPair]
    shut_out: frozenset[str]
    by_link: frozenset[str] = frozenset()


def restriction(
    session: Session, desk: str, pins: Pins, shut_out: Collection[str], among: Collection[str]
) -> Restriction | None:
    """Seal to those `among` who are not shut out; None where that is nobody who is a member with a certified key."""
    counted = certificates.chain(session, desk, pins.signing or b"")
    keys = {member_id: certified(session, counted, member_id) for member_id in sorted(set(among) - set(shut_out))}
    recipients = {member_id: pair for member_id, pair in keys.items() if pair is not None}
    return Restriction(recipients, frozenset(shut_out)) if recipients else None


def certified(session: Session, counted: Chain, member_id: str) -> PublicPair | None:
    """The newest key of a present member, if the desk's newest key certifies it; else None."""
    try:
        own = newest(session, counted.desk, KeyKind.MEMBER, member_id)
    except NoSuchKey:
        return None
    known = {each.generation for each in certificates.member_keys(session, counted, member_id)}
    return own if own.generation in known else None
