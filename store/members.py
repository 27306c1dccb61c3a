"""The people of a desk, and making the desk itself.

A member's private seed is wrapped under their passphrase; the desk's is sealed to each member. Their log-in name stands
in the database as a digest under the passphrase secret; their name and role are sealed twice, to the desk and to
themselves; only the address for notices is in clear.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases.roles import May, Role, holds_the_desk_key
from config.addresses import domain_to_ascii
from store import audit, certificates, records
from store.audit import Action
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import (
    DeskPublicKeys,
    KeyRing,
    NoSuchKey,
    Pins,
    PublicPair,
    add_pair,
    newest,
    open_all,
    pair,
    root_of,
    seal_seed,
)
from store.passphrase import DEFAULT, Params, WrongPassphrase, unwrap_seed, wrap_seed
from store.records import Name, RecordKind
from store.rows import table_of
from store.schema import Desk, KeyPair, Member, SealedSeed, new_id
from store.signing import DESK, Author, Signer, SigningKey

_MEMBERS = table_of(Member)
_OWN = table_of(KeyPair).alias("own")
_OF_THE_DESK = table_of(KeyPair).alias("of_the_desk")
_SEEDS = table_of(SealedSeed)
_HOLDERS = (
    select(_OWN.c.owner)
    .join(_SEEDS, _SEEDS.c.recipient_key_pair_id == _OWN.c.id)
    .join(_OF_THE_DESK, _OF_THE_DESK.c.id == _SEEDS.c.key_pair_id)
    .where(_OWN.c.desk == bindparam("desk"), _OWN.c.kind == KeyKind.MEMBER, _OWN.c.retired_at.is_(None))
    .where(_OF_THE_DESK.c.kind == KeyKind.DESK, _OF_THE_DESK.c.retired_at.is_(None))
)
"""Ids of the members to whom a key of the desk is sealed: it shows without any key who opens what comes in."""
_IDS = select(_MEMBERS.c.id).where(_MEMBERS.c.desk == bindparam("desk"))
_ADDRESSES = (
    select(_MEMBERS.c.id, _MEMBERS.c.address)
    .where(_MEMBERS.c.desk == bindparam("desk"), _MEMBERS.c.retired_at.is_(None))
    .where(_MEMBERS.c.id.in_(_HOLDERS))
    .order_by(_MEMBERS.c.address)
)


class WrongLogin(Exception):
    """There is no such member, or the passphrase is another. Which of the two is told to nobody."""


class DeskExists(Exception):
    """A desk of this name is there already: it is never made anew."""


class MemberExists(Exception):
    """The desk has a member with this log-in name already."""


@dataclass(frozen=True)
class OwnKey:
    """A member's own key pair, just made, and its seed wrapped under their passphrase."""

    private: PrivateKey = field(repr=False)
    wrapped: bytes = field(repr=False)

    @classmethod
    def make(
        cls,
        passphrase: str,
        secret: bytes,
        params: Params = DEFAULT,
        derivations: AbstractContextManager[None] | None = None,
    ) -> OwnKey:
        """Takes its time: not to be called in a writing transaction that others wait for."""
        private = generate()
        return cls(private, wrap_seed(private.seed, passphrase, secret, params, derivations))


class HoldsDeskKeys(Protocol):
    """Who can add a member: a desk just made, or the key ring of a member."""

    @property
    def desk(self) -> str: ...
    @property
    def privates(self) -> Mapping[str, PrivateKey]: ...
    def to_desk(self, session: Session) -> PublicPair: ...


@dataclass(frozen=True)
class FreshDesk:
    """A desk just made. The seeds are here and nowhere else: they go to their secret places, or are lost."""

    keys: DeskPublicKeys
    privates: Mapping[str, PrivateKey] = field(repr=False)
    recovery_seed: bytes = field(repr=False)
    mailer_seed: bytes = field(repr=False)

    @property
    def desk(self) -> str:
        return self.keys.desk

    def to_desk(self, _: Session) -> PublicPair:
        """The key pair that is sealed to."""
        return self.keys.to_desk

    @property
    def pins(self) -> Pins:
        """What the configuration is to pin."""
        return Pins(self.keys.to_desk.public, self.keys.recovery.public, self.keys.mailer.public, self.signing_key)

    @property
    def signing_key(self) -> bytes:
        """The public half of the desk's signing key."""
        return SigningKey.of(self.privates[self.keys.to_desk.id], Signer.DESK).public


def create_desk(session: Session, slug: str, now: datetime) -> FreshDesk:
    """Make a desk with its desk, recovery and mailer key pairs. Raises DeskExists."""
    if session.get(Desk, slug) is not None:
        raise DeskExists(f"Desk {slug} is in this database already. Choose another name or another database.")
    session.add(Desk(slug=slug, created_at=now))
    session.flush()
    desk, recovery, mailer = generate(), generate(), generate()
    keys = DeskPublicKeys(
        desk=slug,
        to_desk=add_pair(session, slug, KeyKind.DESK, "", desk.public, now),
        recovery=add_pair(session, slug, KeyKind.RECOVERY, "", recovery.public, now),
        mailer=add_pair(session, slug, KeyKind.MAILER, "", mailer.public, now),
    )
    seal_seed(session, desk, keys.to_desk, keys.recovery)
    certificates.certify_first(session, slug, desk, 1, now)
    audit.write(session, slug, Action.DESK_CREATED, now)
    session.flush()
    return FreshDesk(keys, {keys.to_desk.id: desk}, recovery.seed, mailer.seed)


def add_member(
    session: Session,
    holder: HoldsDeskKeys,
    *,
    login: str,
    address: str,
    passphrase: str,
    secret: bytes,
    role: Role,
    now: datetime,
    params: Params = DEFAULT,
) -> str:
    """Add a member with this passphrase. See `admit`."""
    own_key = OwnKey.make(passphrase, secret, params)
    return admit(session, holder, own_key, login=login, address=address, secret=secret, role=role, now=now)


def admit(
    session: Session,
    holder: HoldsDeskKeys,
    own_key: OwnKey,
    *,
    login: str,
    address: str,
    secret: bytes,
    role: Role,
    now: datetime,
) -> str:
    """Add a member, with the desk's key where their role holds it; gives their id. Notices go to `address`.

    Raises MemberExists, BadAddress, NotAllowed.
    """
    if isinstance(holder, KeyRing):
        holder.require(May.MANAGE_ACCESS)
    domain_to_ascii(address)  # a mistyped one would be found only when a notice is to go there
    member_id = new_id()
    by = holder.member_id if isinstance(holder, KeyRing) else None
    session.add(
        Member(
            id=member_id,
            desk=holder.desk,
            login_digest=login_digest(secret, holder.desk, login),
            address=address,
            wrapped_seed=own_key.wrapped,
            created_at=now,
        )
    )
    try:
        session.flush()
    except IntegrityError:
        raise MemberExists("This log-in name is taken at this desk. Choose another.") from None
    own = add_pair(session, holder.desk, KeyKind.MEMBER, member_id, own_key.private.public, now)
    give_keys(session, holder, member_id, own_key, own, {"login": login, "role": role}, now)
    audit.write(session, holder.desk, Action.MEMBER_ADDED, now, member_id=by, subject_id=member_id)
    session.flush()
    return member_id


def give_keys(
    session: Session,
    holder: HoldsDeskKeys,
    member_id: str,
    own_key: OwnKey,
    own: PublicPair,
    profile: Mapping[str, str],
    now: datetime,
) -> None:
    """What makes a new key pair a member's: the desk's certificate, their profile, and the keys of their role.

    Raises NoSuchKey where the holder has not the desk's newest key.
    """
    newest_desk = holder.to_desk(session)
    desk_private = holder.privates.get(newest_desk.id)
    if desk_private is None:
        raise NoSuchKey("The desk has a newer key than you have here. Log in again.")
    if holds_the_desk_key(Role(profile["role"])):
        seal_desk_keys(session, holder, own)
    certificates.certify_member(session, holder.desk, member_id, own_key.private, own.generation, desk_private, now)
    by = Author(DESK, SigningKey.of(desk_private, Signer.DESK))
    write_profile(session, member_id, profile, newest_desk, own, by, now)


def seal_desk_keys(session: Session, holder: HoldsDeskKeys, to: PublicPair) -> None:
    """Seal every generation of the desk's key whose private half still counts to a member's own key."""
    for key_pair_id, private in holder.privates.items():
        of = pair(session, key_pair_id)
        kept = session.scalars(select(SealedSeed.recipient_key_pair_id).where(SealedSeed.key_pair_id == of.id)).all()
        if of.kind is KeyKind.DESK and kept and to.id not in kept:
            seal_seed(session, private, of, to)


def unlock(
    session: Session,
    desk: str,
    login: str,
    passphrase: str,
    secret: bytes,
    derivations: AbstractContextManager[None] | None = None,
    *,
    pins: Pins,
    params: Params = DEFAULT,
) -> KeyRing:
    """Open a member's key ring. Takes about as long for who is no member (`params`). Raises WrongLogin."""
    member = session.scalars(
        select(Member).where(
            Member.desk == desk,
            Member.login_digest == login_digest(secret, desk, login),
            Member.retired_at.is_(None),
        )
    ).one_or_none()
    if member is None:
        wrap_seed(os.urandom(32), passphrase, secret, params, derivations)
        raise WrongLogin("Log-in name or passphrase is wrong.")
    try:
        private = PrivateKey.from_seed(unwrap_seed(member.wrapped_seed, passphrase, secret, derivations))
    except WrongPassphrase:
        raise WrongLogin("Log-in name or passphrase is wrong.") from None
    return ring_of(session, desk, member.id, login, private, pins)


def ring_of(session: Session, desk: str, member_id: str, login: str, private: PrivateKey, pins: Pins) -> KeyRing:
    """All that a member opens with the private half of their own key."""
    own = newest(session, desk, KeyKind.MEMBER, member_id)
    privates = {own.id: private}
    privates |= open_all(session, desk, KeyKind.DESK, privates)
    ring = KeyRing(member_id, desk, login, privates, own.id, root_of(pins, privates))
    return replace(ring, role=_role(session, ring))


def login_of(session: Session, ring: KeyRing) -> KeyRing:
    """The same ring, with the log-in name that stands in its member's own profile: for who typed none."""
    profile, _ = records.opened_json_or_none(session, ring, Name(None, ring.member_id, RecordKind.PROFILE))
    return replace(ring, login=(profile or {}).get("login", ""))


def complete_signing_keys(session: Session, ring: KeyRing, pins: Pins, now: datetime) -> None:
    """Write down the signing keys of a member, and of their desk, from before there were any. For each log-in."""
    complete_desk_signing_key(session, ring, pins, now)
    counted = ring.chain(session)
    own = newest(session, ring.desk, KeyKind.MEMBER, ring.member_id)
    private_of = {each.public.to_bytes(): each for each in ring.privates.values()}
    if counted.newest is None or counted.newest.hybrid not in private_of or own.id != ring.own:
        return
    known = certificates.member_keys(session, counted, ring.member_id)
    if own.generation not in {each.generation for each in known}:
        certificates.forget_member(session, ring.desk, ring.member_id, own.generation)
        by = private_of[counted.newest.hybrid]
        private = ring.privates[ring.own]
        certificates.certify_member(session, ring.desk, ring.member_id, private, own.generation, by, now)
    session.flush()


def complete_desk_signing_key(session: Session, holder: HoldsDeskKeys, pins: Pins, now: datetime) -> None:
    """Write down a desk's first signing key, where it is from before there were any and who is here has its private
    half.

    Only where the configuration does not pin one yet: a pinned one that is missing was taken away by somebody.
    """
    session.execute(select(Desk.slug).where(Desk.slug == holder.desk).with_for_update())  # one at a time
    if pins.signing is not None or certificates.knows_desk(session, holder.desk):
        return
    first = newest(session, holder.desk, KeyKind.DESK)
    private = holder.privates.get(first.id)
    if private is not None and private.public == pins.to_desk:
        certificates.certify_first(session, holder.desk, private, first.generation, now)
        session.flush()


def logins(session: Session, ring: KeyRing) -> Mapping[str, str]:
    """The log-in names of all members of the desk, past ones too, by id."""
    ids = session.scalars(_IDS, {"desk": ring.desk}).all()
    profiles = records.opened_of_subjects(session, ring, ids, RecordKind.MEMBER)
    return {member_id: profile["login"] for member_id, profile in profiles.items()}


def notice_addresses(session: Session, desk: str, among: Collection[str] | None = None) -> dict[str, str]:
    """Where notices go: the addresses of the members who open what comes in, or of those present `among`, by id."""
    if among is not None:
        present = (_MEMBERS.c.desk == desk, _MEMBERS.c.retired_at.is_(None), _MEMBERS.c.id.in_(list(among)))
        found = select(_MEMBERS.c.id, _MEMBERS.c.address).where(*present).order_by(_MEMBERS.c.address)
        return {row.id: row.address for row in session.execute(found)}
    return {row.id: row.address for row in session.execute(_ADDRESSES, {"desk": desk})}


def write_profile(
    session: Session,
    member_id: str,
    profile: Mapping[str, str],
    desk: PublicPair,
    own: PublicPair,
    by: Author,
    now: datetime,
) -> None:
    """Seal who a member is, to the desk and to themselves. The desk itself signs it: nobody says that of themselves."""
    for kind, to in ((RecordKind.MEMBER, desk), (RecordKind.PROFILE, own)):
        name = Name(None, member_id, kind)
        version = records.next_version(session, to.desk, name)
        records.write_json(session, name, profile, to, now, version=version, by=by)


def _role(session: Session, ring: KeyRing) -> Role:
    """The role of who opened this ring, which never says more than their keys do."""
    holds = any(key_pair_id != ring.own for key_pair_id in ring.privates)
    for kind in (RecordKind.MEMBER, RecordKind.PROFILE):
        try:
            profile, _ = records.opened_json_or_none(session, ring, Name(None, ring.member_id, kind))
            if profile is not None:
                role = Role(profile["role"])
                return role if holds or not holds_the_desk_key(role) else Role.INVESTIGATOR
        except records.CANNOT_OPEN:  # of the desk's copy: who has not its key; or damaged
            continue
    return Role.COORDINATOR if holds else Role.INVESTIGATOR


def login_digest(secret: bytes, desk: str, login: str) -> bytes:
    """By what a member is found: their log-in name, however it is written, under the passphrase secret."""
    named = b"\0".join([b"member login", desk.encode(), login.strip().casefold().encode()])
    return hmac.digest(secret, named, "sha256")
