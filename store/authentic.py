"""Whether a record is what Meldpost wrote, and who wrote it.

Anybody who can write to the database can seal to a public key. So a record counts only with its row on the trail,
which holds the SHA-256 of the sealed bytes; and what a person wrote only with two signatures besides:

- of the content, by who wrote it. It lies inside the seal, and outlives a sealing anew to other keys.
- of the sealed bytes, by who sealed them: who wrote it, or a member who made the keys of a case anew. It can be checked
  without opening anything, and after what it covers is gone.

A desk that is older than signatures has records without any. They are told apart by the moment from which on the desk
signs everything, which its pinned signing key vouches for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from store.certificates import Chain, member_keys
from store.keyring import KeyRing
from store.rows import table_of, unindexed
from store.schema import Audit, Member, Record
from store.signing import DESK, Author, Statement, statement, verify

_AUDIT = table_of(Audit)
_ABOUT_SUBJECTS = (
    select(_AUDIT)
    .where(unindexed(_AUDIT.c.desk) == bindparam("of_desk"), _AUDIT.c.sha256.is_not(None))
    .where(_AUDIT.c.record_kind.in_(bindparam("kinds", expanding=True)))
    .where(_AUDIT.c.subject_id.in_(bindparam("subjects", expanding=True)))
)
_SIGNED = {"content", "by", "signature"}


class Standing(StrEnum):
    """What is known of where a record comes from."""

    GENUINE = "genuine"
    BEFORE = "before"  # a person's, from before there were signatures
    FOREIGN = "foreign"  # not written by Meldpost: nothing follows from it


class NotGenuine(Exception):
    """What a person should have written, and Meldpost did not write: somebody changed the database."""


@dataclass(frozen=True)
class Written:
    """What names one version of a record, whatever it is sealed to."""

    desk: str
    case_id: str | None
    subject_id: str
    kind: str
    version: int
    created_at: datetime

    @property
    def _parts(self) -> tuple[str | int | datetime, ...]:
        return (self.desk, self.case_id or "", self.subject_id, self.kind, self.version, self.created_at)

    def content_statement(self, author_id: str, content: bytes) -> bytes:
        return statement(Statement.CONTENT, (*self._parts, author_id, hashlib.sha256(content).digest()))

    def frame_statement(self, author_id: str, key_pair_id: str, sha256: bytes) -> bytes:
        return statement(Statement.FRAME, (*self._parts, author_id, key_pair_id, sha256))

    @classmethod
    def of(cls, row: Record) -> Written:
        return cls(row.desk, row.case_id, row.subject_id, row.kind, row.version, row.created_at)


@dataclass(frozen=True)
class Signed:
    """JSON content as it was read. `author_id` is None where nobody signed it."""

    content: Mapping[str, Any]
    text: bytes = b""
    author_id: str | None = None
    signature: bytes = b""


def signed(written: Written, content: Mapping[str, Any], by: Author | None) -> bytes:
    """JSON content as it is sealed: with its author's signature where it has one."""
    text = json.dumps(content, ensure_ascii=False)
    encoded = text.encode("utf-8", "surrogatepass")
    if by is None:
        return encoded
    signature = by.key.sign(written.content_statement(by.id, encoded)).hex()
    whole = {"content": text, "by": by.id, "signature": signature}
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_signed(sealed: bytes) -> Signed:
    """What `signed` gave. Raises ValueError."""
    parsed = _object(sealed.decode("utf-8", "surrogatepass"))
    if set(parsed) != _SIGNED or not all(isinstance(part, str) for part in parsed.values()):
        return Signed(parsed)
    text = parsed["content"]
    encoded = text.encode("utf-8", "surrogatepass")
    return Signed(_object(text), encoded, parsed["by"], bytes.fromhex(parsed["signature"]))


def _object(text: str) -> Mapping[str, Any]:
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise ValueError("a record holds a JSON object")  # noqa: TRY004 - of bytes from outside
    return parsed


@dataclass
class Witness:
    """Tells of records whether they are genuine, by the trail and by the keys that count."""

    session: Session
    ring: KeyRing
    _chain: Chain | None = None
    _keys: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    _retired: dict[str, datetime | None] = field(default_factory=dict)

    def standings(
        self,
        rows: Collection[Record],
        contents: Mapping[str, Signed],
        persons: Collection[str],
        *,
        past: bool = False,
    ) -> dict[str, Standing]:
        """Of records of one kind, by id. `contents` are those that hold JSON; `persons` the ids of those that only a
        person writes. None of them may be older than what the trail knows of, unless they are asked for as `past`."""
        trail = self._trail(rows)

        def about(row: Record) -> Iterable[Row[Any]]:
            found = trail.get(row.subject_id, ())
            return [each for each in found if each.record_version == row.version] if past else found

        return {row.id: self._standing(row, about(row), contents.get(row.id), row.id in persons) for row in rows}

    def is_signed(self, row: Record) -> bool:
        """Did a member whose key counts seal these very bytes, and does the trail say so? Needs no key."""
        newest = max(
            self._trail([row]).get(row.subject_id, ()), key=lambda each: (each.record_version, each.id), default=None
        )
        if newest is None or not _is_about(row, newest) or row.signed_by in (None, DESK):
            return False
        return self._is_sealed_by(row, newest)

    def _standing(self, row: Record, trail: Iterable[Row[Any]], content: Signed | None, by_a_person: bool) -> Standing:
        newest = max(trail, key=lambda each: (each.record_version, each.id), default=None)
        if newest is None or not _is_about(row, newest):
            return Standing.FOREIGN
        if row.signed_by is not None and not self._is_sealed_by(row, newest):
            return Standing.FOREIGN
        if not by_a_person:
            return Standing.GENUINE
        if content is None:  # no JSON: whoever sealed it wrote it
            author_stands = row.signed_by is not None
        else:
            author_stands = content.author_id is not None and self._is_written_by(row, content)
        if author_stands:
            return Standing.GENUINE
        is_signed = content is not None and content.author_id is not None
        return Standing.BEFORE if not is_signed and self._is_from_before(row) else Standing.FOREIGN

    def _is_sealed_by(self, row: Record, newest: Row[Any]) -> bool:
        author = row.signed_by or ""
        if row.signature is None or (newest.member_id or DESK) != author:
            return False
        stated = Written.of(row).frame_statement(author, row.key_pair_id, row.sha256)
        return self._verifies(author, stated, row.signature, newest.at)

    def _is_written_by(self, row: Record, content: Signed) -> bool:
        author = content.author_id or ""
        if row.signed_by is None:  # a person's hand leaves both signatures
            return False
        stated = Written.of(row).content_statement(author, content.text)
        return self._verifies(author, stated, content.signature, row.created_at)

    def _verifies(self, author: str, stated: bytes, signature: bytes, at: datetime) -> bool:
        return not self._had_left(author, at) and any(verify(key, stated, signature) for key in self._keys_of(author))

    def _is_from_before(self, row: Record) -> bool:
        newest = self._counted().newest
        return newest is not None and row.created_at < newest.since

    def _keys_of(self, author: str) -> tuple[bytes, ...]:
        if author == DESK:
            return tuple(each.signing for each in reversed(self._counted().generations))
        if author not in self._keys:
            found = member_keys(self.session, self._counted(), author)
            self._keys[author] = tuple(each.signing for each in found)
        return self._keys[author]

    def _had_left(self, author: str, at: datetime) -> bool:
        if author == DESK:
            return False
        if author not in self._retired:
            found = select(Member.retired_at).where(Member.id == author, Member.desk == self.ring.desk)
            self._retired[author] = self.session.scalars(found).one_or_none()
        retired_at = self._retired[author]
        return retired_at is not None and at > retired_at

    def _counted(self) -> Chain:
        if self._chain is None:
            self._chain = self.ring.chain(self.session)
        return self._chain

    def _trail(self, rows: Collection[Record]) -> dict[str, list[Row[Any]]]:
        """The rows of the trail about these subjects' records of this kind, by subject."""
        by_subject: dict[str, list[Row[Any]]] = {}
        named = {"of_desk": self.ring.desk, "kinds": list({row.kind for row in rows})}
        subjects = sorted({row.subject_id for row in rows})
        for start in range(0, len(subjects), _AT_ONCE):
            some = subjects[start : start + _AT_ONCE]
            for each in self.session.execute(_ABOUT_SUBJECTS, {**named, "subjects": some}):
                by_subject.setdefault(each.subject_id, []).append(each)
        return by_subject


_AT_ONCE = 500
"""Subjects that one statement asks for."""


def _is_about(row: Record, newest: Row[Any]) -> bool:
    """Is the newest that the trail knows of this record this very version, in these very bytes?"""
    return (newest.record_kind, newest.record_version, newest.case_id, newest.sha256) == (
        *(row.kind, row.version, row.case_id),
        row.sha256,
    )
