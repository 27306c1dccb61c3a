"""Which signing keys count: those that a chain of certificates leads to, from the one that the configuration pins.

The desk's signing key of each generation is certified, together with the desk's hybrid public key of that generation,
by the generation before; the first by itself. A member's is certified, together with their hybrid public key, by the
desk's newest: a rotation certifies all members anew, past ones too, so that who had the desk's key once can put nobody
in a member's place. Who writes to the database without such a key adds nothing that counts.

Rows of past generations and of past members stay: what they signed is read for decades. So do their hybrid pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from store import rows
from store.keypairs import KeyKind, PrivateKey
from store.schema import KeyPair, PublicSigningKey, new_id
from store.signing import Signer, SigningKey, Statement, statement, verify

_SIGNING_KEYS = (
    select(PublicSigningKey)
    .where(PublicSigningKey.desk == bindparam("of_desk"), PublicSigningKey.owner == bindparam("of_owner"))
    .order_by(PublicSigningKey.generation)
)
_HYBRID_KEYS = (
    select(KeyPair.generation, KeyPair.public)
    .where(KeyPair.desk == bindparam("of_desk"), KeyPair.owner == bindparam("of_owner"))
    .where(KeyPair.kind == bindparam("of_kind"))
)


@dataclass(frozen=True)
class DeskGeneration:
    """One generation of a desk's keys; `hybrid` is the public key that is sealed to.

    `since` is when the desk began to sign: all generations have the same.
    """

    number: int
    signing: bytes
    hybrid: bytes
    since: datetime


@dataclass(frozen=True)
class Chain:
    """The generations of a desk's keys that count, from the pinned one on; none where nothing is pinned."""

    desk: str
    generations: tuple[DeskGeneration, ...] = ()

    @property
    def newest(self) -> DeskGeneration | None:
        return self.generations[-1] if self.generations else None

    def holds(self, generation: int, hybrid: bytes) -> bool:
        """Does this hybrid key of the desk count?"""
        return any((each.number, each.hybrid) == (generation, hybrid) for each in self.generations)


@dataclass(frozen=True)
class MemberKey:
    """A signing key of a member that counts, and since when they sign with it."""

    member_id: str
    generation: int
    signing: bytes
    since: datetime


def chain(session: Session, desk: str, root: bytes) -> Chain:
    """The desk's generations from the one with the signing key `root` on, as far as each is certified by the last."""
    return Chain(desk, tuple(_linked(session, desk, root)))


def _linked(session: Session, desk: str, root: bytes) -> Iterator[DeskGeneration]:
    hybrids = _hybrids(session, desk, KeyKind.DESK, "")
    by: bytes | None = None
    for row in _rows(session, desk, ""):
        hybrid = hybrids.get(row.generation)
        if by is None and row.public != root:
            continue
        if hybrid is None or not _stands(row, hybrid, by):
            return
        by = row.public
        yield DeskGeneration(row.generation, row.public, hybrid, row.created_at)


def member_keys(session: Session, counted: Chain, member_id: str) -> tuple[MemberKey, ...]:
    """The signing keys of a member that the desk's newest key certifies, oldest first."""
    if counted.newest is None:
        return ()
    hybrids = _hybrids(session, counted.desk, KeyKind.MEMBER, member_id)
    return tuple(
        MemberKey(member_id, row.generation, row.public, row.created_at)
        for row in _rows(session, counted.desk, member_id)
        if row.generation in hybrids and _stands(row, hybrids[row.generation], counted.newest.signing)
    )


def certify_first(session: Session, desk: str, private: PrivateKey, generation: int, since: datetime) -> None:
    """Write down the first signing key of a desk, which certifies itself. What is written from `since` on is signed."""
    key = SigningKey.of(private, Signer.DESK)
    _add(session, key, _Named(desk, "", generation, since), private, key)


def certify_next(session: Session, before: Chain, private: PrivateKey, generation: int, by: PrivateKey) -> None:
    """Write down a new generation of the desk's signing key, certified by the newest of `before`, the chain without it;
    every member is certified anew. For a rotation, after the hybrid pair of that generation is written.

    It says since when the desk signs, as the first one did: so that holds where only a later one is pinned.
    """
    if before.newest is None:
        raise ValueError("a desk without a signing key that counts has no next one")
    key = SigningKey.of(private, Signer.DESK)
    named = _Named(before.desk, "", generation, before.newest.since)
    _add(session, key, named, private, SigningKey.of(by, Signer.DESK))
    _certify_members_anew(session, before, key)


def certify_member(
    session: Session,
    desk: str,
    member_id: str,
    private: PrivateKey,
    generation: int,
    by: PrivateKey,
    since: datetime,
) -> None:
    """Write down a member's signing key, certified by the desk's newest private key `by`."""
    key = SigningKey.of(private, Signer.MEMBER)
    _add(session, key, _Named(desk, member_id, generation, since), private, SigningKey.of(by, Signer.DESK))


def first_of(session: Session, desk: str, hybrid: bytes) -> bytes | None:
    """What to pin where nothing is pinned yet: the desk's first signing key, if it stands with this hybrid key."""
    for row in _rows(session, desk, "")[:1]:
        if row.generation in (hybrids := _hybrids(session, desk, KeyKind.DESK, "")):
            stands = hybrids[row.generation] == hybrid and _stands(row, hybrid, row.public)
            return row.public if stands else None
    return None


def loose(session: Session, counted: Chain) -> int:
    """How many signing keys of the desk are there that no chain of certificates leads to."""
    first = counted.generations[0].number if counted.generations else 0
    known = {each.number for each in counted.generations}
    return sum(row.generation > first and row.generation not in known for row in _rows(session, counted.desk, ""))


def knows_desk(session: Session, desk: str) -> bool:
    """Is there any signing key of the desk's, whether it counts or not?"""
    return bool(_rows(session, desk, ""))


def forget_member(session: Session, desk: str, member_id: str, generation: int) -> None:
    """Take a member's row away that does not count, so that a true one can stand in its place."""
    session.execute(
        delete(PublicSigningKey).where(
            PublicSigningKey.desk == desk,
            PublicSigningKey.owner == member_id,
            PublicSigningKey.generation == generation,
        )
    )


def _certify_members_anew(session: Session, before: Chain, signer: SigningKey) -> None:
    """Certify every member whose certificate counts, past ones too; a row that nobody vouches for is taken away."""
    owners = select(PublicSigningKey.owner).where(PublicSigningKey.desk == before.desk, PublicSigningKey.owner != "")
    for member_id in session.scalars(owners.distinct()).all():
        good = {each.generation for each in member_keys(session, before, member_id)}
        hybrids = _hybrids(session, before.desk, KeyKind.MEMBER, member_id)
        for row in _rows(session, before.desk, member_id):
            if row.generation in good:
                row.certificate = signer.sign(_stated(row, hybrids[row.generation]))
            else:
                session.execute(delete(PublicSigningKey).where(PublicSigningKey.id == row.id))
    session.flush()


@dataclass(frozen=True)
class _Named:
    """What names a signing key."""

    desk: str
    owner: str
    generation: int
    since: datetime

    def statement(self, public: bytes, hybrid: bytes) -> bytes:
        about = Statement.MEMBER_KEY if self.owner else Statement.DESK_KEY
        return statement(about, (self.desk, self.owner, self.generation, self.since, public, hybrid))


def _add(session: Session, key: SigningKey, named: _Named, private: PrivateKey, by: SigningKey) -> None:
    stated = named.statement(key.public, private.public.to_bytes())
    rows.add(
        session,
        PublicSigningKey,
        id=new_id(),
        desk=named.desk,
        owner=named.owner,
        generation=named.generation,
        public=key.public,
        own_signature=key.sign(stated),
        certificate=by.sign(stated),
        created_at=named.since,
    )


def _stands(row: PublicSigningKey, hybrid: bytes, by: bytes | None) -> bool:
    """Did this key itself, and the one that certifies it (None: it is pinned), sign that it stands with this hybrid
    key?"""
    stated = _stated(row, hybrid)
    return verify(row.public, stated, row.own_signature) and (by is None or verify(by, stated, row.certificate))


def _stated(row: PublicSigningKey, hybrid: bytes) -> bytes:
    return _Named(row.desk, row.owner, row.generation, row.created_at).statement(row.public, hybrid)


def _rows(session: Session, desk: str, owner: str) -> list[PublicSigningKey]:
    return list(session.scalars(_SIGNING_KEYS, {"of_desk": desk, "of_owner": owner}))


def _hybrids(session: Session, desk: str, kind: KeyKind, owner: str) -> dict[int, bytes]:
    """The hybrid public keys of the desk or of a member, retired ones too, by generation."""
    found = session.execute(_HYBRID_KEYS, {"of_desk": desk, "of_kind": kind, "of_owner": owner})
    return {row.generation: row.public for row in found}
