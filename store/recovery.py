"""The way back in by the recovery key, when passphrases are lost.

Who has the recovery seed (its shares, joined) opens the desk's keys by it, as a member does by theirs, and can give a
person access anew: a new member, or one of before under a new passphrase. A member of before gets a new key pair, to
which the single cases are sealed on whose signed list they stand: what the database says of that does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from cases.roles import Role
from store import access_list, audit, records, seeds_examined
from store.audit import Action
from store.intake import CaseKeys
from store.keypairs import KeyKind, PrivateKey
from store.keyring import (
    KeyRing,
    NoSuchKey,
    Pins,
    PublicPair,
    UnprovenKey,
    add_pair,
    desk_keys,
    newest_proven,
    open_all,
    root_of,
    seal_seed,
)
from store.lookups import IndexKey
from store.members import OwnKey, give_keys, login_digest
from store.membership import LEFT_AT, end_sessions, holders
from store.records import RecordKind
from store.schema import Audit, KeyPair, Member, SealedSeed, SecondFactor

OF_LATE = timedelta(days=7)
"""Who did not log in for so long counts as one who cannot: a recovery must not wait for them."""


class NotTheRecoveryKey(Exception):
    """This seed is that of another key than the recovery key which the configuration pins."""


class NotRecoverable(Exception):
    """The recovery key opens no key of the desk: nobody sealed one to it, or what was sealed is damaged."""


@dataclass(frozen=True)
class Recovered:
    """The desk, opened by its recovery key: `privates` are all live keys of the desk, by key pair id."""

    desk: str
    newest: PublicPair
    privates: Mapping[str, PrivateKey] = field(repr=False)
    root: bytes

    def to_desk(self, _: Session) -> PublicPair:
        """The desk's newest key pair, checked against the pins."""
        return self.newest

    def ring(self) -> KeyRing:
        """A key ring that opens what the desk does. It is nobody's: it signs nothing."""
        return KeyRing("", self.desk, "", self.privates, "", self.root)


@dataclass(frozen=True)
class OfBefore:
    """A member who is there already."""

    id: str
    login: str
    role: Role


@dataclass(frozen=True)
class Coverage:
    """Of how many key pairs the private halves have to be sealed to the recovery key, and of how many none can
    be."""

    total: int
    missing: int


def coverage(session: Session, to: PublicPair) -> Coverage:
    """Is there, for every key pair of the desk and of its cases, a frame that may hold it for this recovery key? From
    public data alone: whether what is sealed opens, only the pages can tell."""
    kinds = (KeyKind.DESK, KeyKind.CASE, KeyKind.IDENTITY)
    needed = (KeyPair.desk == to.desk, KeyPair.kind.in_(kinds), KeyPair.retired_at.is_(None))
    sealed = exists().where(SealedSeed.key_pair_id == KeyPair.id, SealedSeed.recipient_key_pair_id == to.id)
    count = select(func.count()).select_from(KeyPair).where(*needed)
    missing = session.scalars(count.where(~sealed)).one()
    odd = {each.key_pair_id for each in seeds_examined.odd_seeds(session, to.desk, to.id)}
    live = set(session.scalars(select(KeyPair.id).where(*needed))) if odd else set()
    return Coverage(session.scalars(count).one(), missing + len(odd & live))


def open_desk(session: Session, desk: str, pins: Pins, seed: bytes) -> Recovered:
    """Open a desk's keys by the recovery seed. Raises NotTheRecoveryKey, NotRecoverable, DeskKeyDiffers."""
    keys = desk_keys(session, desk, pins)
    private = PrivateKey.from_seed(seed)
    if private.public != keys.recovery.public:
        raise NotTheRecoveryKey(
            f"These shares fit together, but they are not of the recovery key of desk {desk} "
            f"({keys.recovery.public.fingerprint()}): that stands on the pages to be used. Are these of another desk, "
            "or from before the recovery key was renewed?"
        )
    opened = open_all(session, desk, KeyKind.DESK, {keys.recovery.id: private})
    if keys.to_desk.id not in opened:
        raise NotRecoverable(
            "The recovery key is the right one, but it does not open the desk's key in this database: somebody changed "
            "the database. Put back a backup of it, and try again."
        )
    return Recovered(desk, keys.to_desk, {keys.recovery.id: private, **opened}, root_of(pins, opened))


def members(session: Session, recovered: Recovered) -> tuple[OfBefore, ...]:
    """The members that the desk has now, as far as what the desk wrote of them can be opened."""
    ids = session.scalars(select(Member.id).where(Member.desk == recovered.desk, Member.retired_at.is_(None))).all()
    profiles = records.opened_of_subjects(session, recovered.ring(), ids, RecordKind.MEMBER)
    return tuple(
        OfBefore(id_, profile["login"], Role(profile["role"]))
        for id_, profile in profiles.items()
        if LEFT_AT not in profile
    )


def give_back(
    session: Session,
    recovered: Recovered,
    index: IndexKey,
    member: OfBefore,
    own_key: OwnKey,
    *,
    secret: bytes,
    now: datetime,
) -> None:
    """Give a member of before a new key pair, under a new passphrase, with the desk's keys where their role holds them,
    and with those of the cases on whose list they stand.

    Their old key is not used any more, and their sessions and second factors end.
    """
    case_ids = _sealed_to_them(session, recovered.desk, member.id)
    own = _next_pair(session, recovered.desk, member.id, own_key, now)
    session.execute(
        update(Member)
        .where(Member.id == member.id, Member.desk == recovered.desk)
        .values(wrapped_seed=own_key.wrapped, login_digest=login_digest(secret, recovered.desk, member.login))
    )
    profile = {"login": member.login, "role": member.role}
    give_keys(session, recovered, member.id, own_key, own, profile, now)
    for case_id in case_ids:
        with suppress(NoSuchKey, UnprovenKey):  # a damaged case holds nothing else up
            _give_case(session, recovered.ring(), index, case_id, member.id, own)
    session.execute(delete(SecondFactor).where(SecondFactor.member_id == member.id))  # sealed to the old key
    end_sessions(session, member.id)
    session.flush()


def others_remain(session: Session, recovered: Recovered, member_id: str | None, now: datetime) -> bool:
    """Are there two members besides this one who could be asked: who hold the desk's key, and logged in of late?"""
    since = (Audit.desk == recovered.desk, Audit.action == Action.LOGIN, Audit.at > now - OF_LATE)
    of_late = set(session.scalars(select(Audit.member_id).where(*since).distinct()))
    return len((of_late & set(holders(session, recovered.desk))) - {member_id}) >= 2


def note(session: Session, recovered: Recovered, member_id: str, shares: Sequence[int], now: datetime) -> None:
    """Put it onto the trail: whom access was given, and by which shares (none: by the key file of before)."""
    detail = {"shares": list(shares)}
    audit.write(
        *(session, recovered.desk, Action.RECOVERED, now), subject_id=member_id, detail=detail, to=recovered.newest
    )
    session.flush()


def _sealed_to_them(session: Session, desk: str, member_id: str) -> list[str]:
    """The cases of which some key was sealed to a member's own."""
    own = aliased(KeyPair)
    return list(
        session.scalars(
            select(KeyPair.owner)
            .join(SealedSeed, SealedSeed.key_pair_id == KeyPair.id)
            .join(own, own.id == SealedSeed.recipient_key_pair_id)
            .where(KeyPair.desk == desk, KeyPair.kind == KeyKind.CASE)
            .where(own.desk == desk, own.kind == KeyKind.MEMBER, own.owner == member_id)
            .distinct()
            .order_by(KeyPair.owner)
        )
    )


def _give_case(session: Session, ring: KeyRing, index: IndexKey, case_id: str, member_id: str, own: PublicPair) -> None:
    """Seal a case's keys to a member, as far as they stand on its list: who is kept out of it does not."""
    keys = CaseKeys(
        case=newest_proven(session, index, ring.desk, KeyKind.CASE, case_id),
        identity=newest_proven(session, index, ring.desk, KeyKind.IDENTITY, case_id),
    )
    listed = access_list.read(session, ring, keys)
    if member_id not in listed.members or member_id in listed.shut_out:
        return
    for each in (keys.case, keys.identity) if listed.members[member_id] else (keys.case,):
        seal_seed(session, ring.private(session, each.id), each, own)


def _next_pair(session: Session, desk: str, member_id: str, own_key: OwnKey, now: datetime) -> PublicPair:
    """The next generation of a member's own pair; the old ones are retired, and nothing stays sealed to them."""
    own = (KeyPair.desk == desk, KeyPair.kind == KeyKind.MEMBER, KeyPair.owner == member_id)
    newest = session.scalars(select(func.max(KeyPair.generation)).where(*own)).one()
    old = session.scalars(select(KeyPair.id).where(*own)).all()
    session.execute(delete(SealedSeed).where(SealedSeed.recipient_key_pair_id.in_(old)))
    session.execute(update(KeyPair).where(*own, KeyPair.retired_at.is_(None)).values(retired_at=now))
    public = own_key.private.public
    return add_pair(session, desk, KeyKind.MEMBER, member_id, public, now, generation=(newest or 0) + 1)
