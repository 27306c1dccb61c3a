"""The list of who opens a case by a key of their own, and who is kept out of it, as those decided who may.

It is a sealed record of the case, and signed with a key that follows from the private half of the case's identity key:
who only writes to the database puts nobody on it, and neither does who was taken off, for the keys were made anew
then. Where the list is missing, or no signature is that of the newest keys, nobody stands on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from store import records
from store.keypairs import PrivateKey
from store.keyring import CaseKeys, KeyRing
from store.records import Name, RecordKind
from store.signing import Author, Signer, SigningKey, Statement, statement, verify


@dataclass(frozen=True)
class AccessList:
    """`members` by their ids: do they have the identity key, too? `shut_out`: who must not open the case."""

    members: Mapping[str, bool] = field(default_factory=dict)
    shut_out: frozenset[str] = frozenset()

    def without(self, member_id: str) -> AccessList:
        return AccessList({each: full for each, full in self.members.items() if each != member_id}, self.shut_out)

    def with_member(self, member_id: str, *, identity: bool) -> AccessList:
        """Who is let in is shut out no longer."""
        return AccessList({**self.members, member_id: identity}, self.shut_out - {member_id})

    def shutting_out(self, member_id: str) -> AccessList:
        return AccessList(self.without(member_id).members, self.shut_out | {member_id})


def read(session: Session, ring: KeyRing, keys: CaseKeys) -> AccessList:
    """The list of a case, by its newest keys, which are proven. Raises NoSuchKey for who lacks them.

    It is the newest version that Meldpost wrote and the identity key signed: one that was put on top hides none.
    """
    key = SigningKey.of(ring.private(session, keys.identity.id), Signer.CASE)
    for found in reversed(records.history(session, ring, _name(keys))):
        try:
            listed = AccessList(dict(found.content["members"]), frozenset(found.content["shut_out"]))
            signature = bytes.fromhex(found.content["signature"])
        except (KeyError, TypeError, ValueError):
            continue
        if verify(key.public, _stated(keys, found.version, listed), signature):
            return listed
    return AccessList()


def write(session: Session, keys: CaseKeys, private: PrivateKey, listed: AccessList, now: datetime, by: Author) -> None:
    """Write the next version, signed by the private half of the newest identity key."""
    version = records.next_version(session, keys.case.desk, _name(keys))
    content = _signed(keys, private, version, listed)
    records.write_json(session, _name(keys), content, keys.case, now, version=version, by=by)


def begin(session: Session, keys: CaseKeys, private: PrivateKey, listed: AccessList, now: datetime) -> None:
    """Write the first version, of a case just made: nobody signs it but the identity key."""
    records.add_json(session, _name(keys), _signed(keys, private, 1, listed), keys.case, now)


def _signed(keys: CaseKeys, private: PrivateKey, version: int, listed: AccessList) -> dict[str, Any]:
    signature = SigningKey.of(private, Signer.CASE).sign(_stated(keys, version, listed))
    return {**_content(listed), "signature": signature.hex()}


def _name(keys: CaseKeys) -> Name:
    return Name(keys.case.owner, keys.case.owner, RecordKind.ACCESS)


def _stated(keys: CaseKeys, version: int, listed: AccessList) -> bytes:
    content = json.dumps(_content(listed), sort_keys=True)
    named = (keys.identity.desk, keys.identity.owner, keys.identity.generation, version, content)
    return statement(Statement.ACCESS, named)


def _content(listed: AccessList) -> dict[str, Any]:
    return {"members": dict(listed.members), "shut_out": sorted(listed.shut_out)}
