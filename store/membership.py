"""The life of a member after they were added: another role, leaving, coming back, a new passphrase.

Who changes the members holds the desk's key and a role that manages access. Nothing here makes the desk's key anew: who
lost it by leaving or by another role knows it still, until that is done (`is_rotation_due`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from cases.roles import May, Role, holds_the_desk_key, may
from store import audit, certificates, records
from store.audit import Action
from store.database import Database, changed_rows
from store.keypairs import KeyKind
from store.keyring import KeyRing, PublicPair, add_pair, newest
from store.letting_go import let_go
from store.members import OwnKey, WrongLogin, give_keys, seal_desk_keys, write_profile
from store.passphrase import DEFAULT, Params, WrongPassphrase, params_of, unwrap_seed, wrap_seed
from store.passphrase_rules import refuse_weak
from store.records import Name, RecordKind
from store.schema import Audit, Desk, HeldLogin, KeyPair, LoginSession, Member, SealedSeed, SecondFactor
from store.signing import Author

LEFT_AT = "left_at"
"""In what the desk signed of a member: since when they are none."""


class NoSuchMember(Exception):
    """The desk has no such member now (or, for one who returns, none who left)."""


class LastHolder(Exception):
    """Nobody else holds the desk's key, or those of a case: without this member nobody could open it."""


class UnprovenMember(Exception):
    """The member's key in the database carries no certificate of the desk: nothing is sealed to it."""


@dataclass(frozen=True)
class Listed:
    """A member as others of the desk see them. `role` is None where their profile cannot be opened."""

    id: str
    login: str
    role: Role | None
    address: str
    since: datetime
    left_at: datetime | None
    holds_desk_key: bool


@dataclass(frozen=True)
class Taken:
    """What a member could open and shall not any more: those keys are to be made anew."""

    desk_key: bool
    case_ids: tuple[str, ...]


def listed(session: Session, ring: KeyRing) -> tuple[Listed, ...]:
    """All members of the desk, those who left too; present ones first, by their names. Raises NotAllowed."""
    ring.require(May.MANAGE_ACCESS)
    rows = session.scalars(select(Member).where(Member.desk == ring.desk)).all()
    profiles = records.opened_of_subjects(session, ring, [row.id for row in rows], RecordKind.MEMBER)
    holding = holders(session, ring.desk)
    found = [_listed(row, profiles.get(row.id), row.id in holding) for row in rows]
    return tuple(sorted(found, key=lambda each: (each.left_at is not None, each.login.casefold(), each.id)))


def holders(session: Session, desk: str) -> Collection[str]:
    """The ids of the present members to whom the desk's newest key is sealed. Needs no key."""
    to_desk = newest(session, desk, KeyKind.DESK)
    return set(
        session.scalars(
            select(KeyPair.owner)
            .join(SealedSeed, SealedSeed.recipient_key_pair_id == KeyPair.id)
            .join(Member, Member.id == KeyPair.owner)
            .where(SealedSeed.key_pair_id == to_desk.id, KeyPair.kind == KeyKind.MEMBER)
            .where(KeyPair.retired_at.is_(None), Member.retired_at.is_(None))
        )
    )


def true_holders(session: Session, ring: KeyRing) -> set[str]:
    """Those of them who hold it by the role that the desk signed: who writes to the database can say that a key is
    sealed to somebody, or that nobody left."""
    profiles = records.opened_of_subjects(session, ring, holders(session, ring.desk), RecordKind.MEMBER)
    return {
        member_id
        for member_id, profile in profiles.items()
        if LEFT_AT not in profile and holds_the_desk_key(Role(profile["role"]))
    }


def entitled(session: Session, ring: KeyRing) -> list[PublicPair]:
    """The keys of the members who hold the desk's key, and hold it by the role that the desk signed.

    Who writes to the database can say that a key is sealed to somebody, or that nobody left. Raises NotAllowed,
    UnprovenMember.
    """
    known = {each.id: each for each in listed(session, ring)}
    found = []
    for member_id in sorted(holders(session, ring.desk)):
        own = newest(session, ring.desk, KeyKind.MEMBER, member_id)
        refuse_unproven(session, ring, own)
        member = known[member_id]
        if member.left_at is not None or member.role is None or not holds_the_desk_key(member.role):
            raise UnprovenMember(
                f"The database gives the desk's key to {member.login or member.address}, whose role, as the desk "
                "signed it, does not hold it. Find out who wrote to the database; `meldpost member list` shows who is "
                "a member."
            )
        found.append(own)
    return found


def is_rotation_due(session: Session, desk: str) -> bool:
    """Did somebody have the desk's present key who shall not open what comes in any more?"""
    key = session.get_one(KeyPair, newest(session, desk, KeyKind.DESK).id)
    begun = (Audit.desk == desk, Audit.at == key.created_at, Audit.action == Action.ROTATION_BEGUN)
    since = session.scalar(select(func.max(Audit.id)).where(*begun)) or 0  # a clock may have been set back meanwhile
    taken = select(Audit.id).where(Audit.desk == desk, Audit.action == Action.DESK_KEY_TAKEN, Audit.id > since)
    return session.execute(taken.limit(1)).first() is not None


def find(session: Session, ring: KeyRing, login: str) -> Listed:
    """The member with this log-in name, however it is written. Raises NoSuchMember."""
    wanted = login.strip().casefold()
    for each in listed(session, ring):
        if each.login.strip().casefold() == wanted:
            return each
    raise NoSuchMember("This desk has no member of that name. See: meldpost member list")


def change_role(session: Session, ring: KeyRing, member_id: str, role: Role, now: datetime) -> Taken:
    """Give a member another role, with the keys that are its own; their sessions end. Says what to make anew.

    Raises NotAllowed, NoSuchMember, LastHolder, UnprovenMember, NoSuchKey.
    """
    _begin(session, ring)
    _present(session, ring.desk, member_id)
    own = newest(session, ring.desk, KeyKind.MEMBER, member_id)
    refuse_unproven(session, ring, own)
    profile = _profile(session, ring, member_id)
    held = member_id in holders(session, ring.desk)
    taken = held and not holds_the_desk_key(role)
    if taken:
        _refuse_last(session, ring.desk, member_id)
        _take_desk_key(session, ring, member_id, now)
    elif holds_the_desk_key(role):
        seal_desk_keys(session, ring, own)
    case_ids = () if may(role, May.OPEN_GRANTED) else _take_case_keys(session, ring.desk, member_id)
    if not holds_the_desk_key(role):
        kept = _granted(session, ring.desk, member_id) if may(role, May.WRITE) else ()
        let_go(session, ring.desk, member_id, but=kept)
    to, by = ring.to_desk(session), ring.desk_author(session)
    write_profile(session, member_id, {**profile, "role": role}, to, own, by, now)
    end_sessions(session, member_id)
    audit.write(session, ring.desk, Action.MEMBER_ROLE, now, member_id=ring.member_id, subject_id=member_id)
    session.flush()
    return Taken(taken, case_ids)


def leave(session: Session, ring: KeyRing, member_id: str, now: datetime) -> Taken:
    """A member leaves: their sessions end, and all that was sealed to them is destroyed. Says what to make anew.

    Raises NotAllowed, NoSuchMember, LastHolder.
    """
    _begin(session, ring)
    row = _present(session, ring.desk, member_id)
    to, by = ring.to_desk(session), ring.desk_author(session)  # who leaves by themselves has it no more in a moment
    held = member_id in holders(session, ring.desk)
    if held:
        _refuse_last(session, ring.desk, member_id)
        _take_desk_key(session, ring, member_id, now)
    case_ids = _take_case_keys(session, ring.desk, member_id)
    let_go(session, ring.desk, member_id)
    records.destroy(session, ring.desk, Name(None, member_id, RecordKind.PROFILE))
    _sign_that_they_left(session, ring, member_id, to, by, now)
    session.execute(
        update(KeyPair)
        .where(KeyPair.desk == ring.desk, KeyPair.owner == member_id, KeyPair.kind == KeyKind.MEMBER)
        .where(KeyPair.retired_at.is_(None))
        .values(retired_at=now)
    )
    session.execute(delete(SecondFactor).where(SecondFactor.member_id == member_id))
    row.retired_at, row.wrapped_seed = now, b""
    end_sessions(session, member_id)
    audit.write(session, ring.desk, Action.MEMBER_LEFT, now, member_id=ring.member_id, subject_id=member_id)
    session.flush()
    return Taken(held, case_ids)


def take_back(session: Session, ring: KeyRing, member_id: str, own_key: OwnKey, role: Role, now: datetime) -> None:
    """A member who left comes back under their name, with a key pair made anew. Cases are granted to them anew, too.

    Raises NotAllowed, NoSuchMember, NoSuchKey.
    """
    _begin(session, ring)
    row = session.get(Member, member_id)
    if row is None or row.desk != ring.desk or row.retired_at is None:
        raise NoSuchMember("This desk has no such member who left.")
    profile = {name: value for name, value in _profile(session, ring, member_id).items() if name != LEFT_AT}
    pairs = select(KeyPair.generation).where(KeyPair.desk == ring.desk, KeyPair.owner == member_id)
    last = max(session.scalars(pairs.where(KeyPair.kind == KeyKind.MEMBER)), default=0)
    public = own_key.private.public
    own = add_pair(session, ring.desk, KeyKind.MEMBER, member_id, public, now, generation=last + 1)
    row.retired_at, row.wrapped_seed = None, own_key.wrapped
    session.flush()
    give_keys(session, ring, member_id, own_key, own, {**profile, "role": role}, now)
    audit.write(session, ring.desk, Action.MEMBER_RETURNED, now, member_id=ring.member_id, subject_id=member_id)
    session.flush()


def change_passphrase(
    db: Database,
    ring: KeyRing,
    before: str,
    after: str,
    secret: bytes,
    now: datetime,
    *,
    keep: bytes | None = None,
    params: Params = DEFAULT,
    derivations: AbstractContextManager[None] | None = None,
) -> None:
    """A member takes another passphrase. Their sessions end, but for the one with the id `keep`, and no passkey opens
    their access by itself any more: who knew the passphrase of before may have let one.

    Raises WrongLogin for another old one, WeakPassphrase, TooManyDerivations.
    """
    with db.read() as session:
        row = _present(session, ring.desk, ring.member_id)
        refuse_weak(after, [ring.login, row.address, row.address.partition("@")[0], ring.desk])
        wrapped = row.wrapped_seed
    try:
        seed = unwrap_seed(wrapped, before, secret, derivations)
    except WrongPassphrase:
        raise WrongLogin("That is not your passphrase of now.") from None
    anew = wrap_seed(seed, after, secret, params, derivations)
    with db.begin() as session:
        if not _rewrap(session, ring.member_id, wrapped, anew):
            raise WrongLogin("Your passphrase was changed elsewhere at this moment.")
        end_sessions(session, ring.member_id, keep)
        forget_unlocking(session, ring.member_id)
        audit.write(session, ring.desk, Action.PASSPHRASE, now, member_id=ring.member_id, subject_id=ring.member_id)


def raise_cost(
    db: Database,
    ring: KeyRing,
    passphrase: str,
    secret: bytes,
    *,
    params: Params = DEFAULT,
    derivations: AbstractContextManager[None] | None = None,
) -> bool:
    """At a log-in: wrap the member's seed anew where a derivation is to be dearer now. Tells whether it was.

    Raises TooManyDerivations, and nothing was changed.
    """
    with db.read() as session:
        wrapped = _present(session, ring.desk, ring.member_id).wrapped_seed
    if not params_of(wrapped).is_cheaper_than(params):
        return False
    anew = wrap_seed(ring.privates[ring.own].seed, passphrase, secret, params, derivations)
    with db.begin() as session:
        return _rewrap(session, ring.member_id, wrapped, anew)


def confirm_passphrase(
    db: Database,
    ring: KeyRing,
    passphrase: str,
    secret: bytes,
    derivations: AbstractContextManager[None] | None = None,
) -> None:
    """Is it the member who sits there, and not who found their session open? Raises WrongLogin, TooManyDerivations."""
    with db.read() as session:
        wrapped = _present(session, ring.desk, ring.member_id).wrapped_seed
    try:
        unwrap_seed(wrapped, passphrase, secret, derivations)
    except WrongPassphrase:
        raise WrongLogin("That is not your passphrase of now.") from None


def forget_unlocking(session: Session, member_id: str) -> None:
    """No passkey opens this member's access by itself any more; they stay second factors."""
    of_theirs = (SecondFactor.member_id == member_id, SecondFactor.wrapped_seed.is_not(None))
    session.execute(update(SecondFactor).where(*of_theirs).values(wrapped_seed=None, digest=None))


def end_sessions(session: Session, member_id: str, keep: bytes | None = None) -> None:
    """End the sessions of a member, but for the one with this id."""
    ended = delete(LoginSession).where(LoginSession.member_id == member_id)
    session.execute(ended if keep is None else ended.where(LoginSession.id != keep))
    session.execute(delete(HeldLogin).where(HeldLogin.member_id == member_id))


def _begin(session: Session, ring: KeyRing) -> None:
    """One change of a desk's members at a time: of two last holders that leave at once, one stays."""
    ring.require(May.MANAGE_ACCESS)
    session.execute(select(Desk.slug).where(Desk.slug == ring.desk).with_for_update())


def _present(session: Session, desk: str, member_id: str) -> Member:
    row = session.get(Member, member_id)
    if row is None or row.desk != desk or row.retired_at is not None:
        raise NoSuchMember("This desk has no such member now.")
    return row


def _profile(session: Session, ring: KeyRing, member_id: str) -> Mapping[str, str]:
    return records.opened_json(session, ring, Name(None, member_id, RecordKind.MEMBER))


def _sign_that_they_left(
    session: Session, ring: KeyRing, member_id: str, to: PublicPair, by: Author, now: datetime
) -> None:
    """For the desk alone: that a row of the database says so counts for little."""
    name = Name(None, member_id, RecordKind.MEMBER)
    known = records.opened_of_subjects(session, ring, [member_id], RecordKind.MEMBER).get(member_id, {})
    version = records.next_version(session, ring.desk, name)
    content = {**known, LEFT_AT: now.isoformat()}
    records.write_json(session, name, content, to, now, version=version, by=by)


def _refuse_last(session: Session, desk: str, member_id: str) -> None:
    if set(holders(session, desk)) <= {member_id}:
        raise LastHolder(
            "Nobody else holds the desk's key: without this member nobody could open the cases. Add another "
            "coordinator, deputy or adviser first."
        )


def refuse_unproven(session: Session, ring: KeyRing, own: PublicPair) -> None:
    """Who writes to the database cannot have the desk's key sealed to a key of theirs."""
    certified = certificates.member_keys(session, ring.chain(session), own.owner)
    if own.generation not in {each.generation for each in certified}:
        raise UnprovenMember(
            "The key of this member in the database was not certified by the desk. If they have not logged in since "
            "the last update, let them do so; otherwise find out who wrote to the database."
        )


def _take_desk_key(session: Session, ring: KeyRing, member_id: str, now: datetime) -> None:
    of_the_desk = select(KeyPair.id).where(KeyPair.desk == ring.desk, KeyPair.kind == KeyKind.DESK)
    _delete_seeds(session, ring.desk, member_id, SealedSeed.key_pair_id.in_(of_the_desk))
    audit.write(session, ring.desk, Action.DESK_KEY_TAKEN, now, member_id=ring.member_id, subject_id=member_id)


def _take_case_keys(session: Session, desk: str, member_id: str) -> tuple[str, ...]:
    """Destroy all that is still sealed to a member; gives the cases whose keys they had. Raises LastHolder."""
    own, recipient = _own_pairs(desk, member_id), aliased(KeyPair)
    to_them = exists().where(SealedSeed.key_pair_id == KeyPair.id, SealedSeed.recipient_key_pair_id.in_(own))
    to_others = (
        exists()
        .where(SealedSeed.key_pair_id == KeyPair.id, SealedSeed.recipient_key_pair_id == recipient.id)
        .where(recipient.kind.in_([KeyKind.MEMBER, KeyKind.DESK]), recipient.owner != member_id)
    )
    of_cases = select(KeyPair.owner).where(KeyPair.desk == desk, KeyPair.kind.in_([KeyKind.CASE, KeyKind.IDENTITY]))
    if session.scalars(of_cases.where(KeyPair.kind == KeyKind.CASE, to_them, ~to_others).limit(1)).first():
        raise LastHolder("Nobody else opens some of the cases that this member opens. Give those to another first.")
    case_ids = session.scalars(of_cases.where(to_them).distinct()).all()
    _delete_seeds(session, desk, member_id)
    return tuple(sorted(case_ids))


def _granted(session: Session, desk: str, member_id: str) -> Collection[str]:
    """The cases whose keys are sealed to a member's own."""
    to_them = SealedSeed.recipient_key_pair_id.in_(_own_pairs(desk, member_id))
    of_cases = select(KeyPair.owner).join(SealedSeed, SealedSeed.key_pair_id == KeyPair.id)
    return session.scalars(of_cases.where(KeyPair.kind == KeyKind.CASE, to_them).distinct()).all()


def _delete_seeds(session: Session, desk: str, member_id: str, *conditions: ColumnElement[bool]) -> None:
    to_them = SealedSeed.recipient_key_pair_id.in_(_own_pairs(desk, member_id))
    session.execute(delete(SealedSeed).where(to_them, *conditions))


def _own_pairs(desk: str, member_id: str) -> Select[Any]:
    return select(KeyPair.id).where(KeyPair.desk == desk, KeyPair.owner == member_id, KeyPair.kind == KeyKind.MEMBER)


def _rewrap(session: Session, member_id: str, before: bytes, after: bytes) -> bool:
    """Put another wrapping in the place of this one; False where it is not there any more."""
    statement = update(Member).where(Member.id == member_id, Member.wrapped_seed == before)
    return changed_rows(session, statement.values(wrapped_seed=after)) == 1


def _listed(row: Member, profile: Mapping[str, str] | None, holds: bool) -> Listed:
    known = profile or {}
    role = Role(known["role"]) if known.get("role") in set(Role) else None
    left_at = datetime.fromisoformat(known[LEFT_AT]) if LEFT_AT in known else None
    return Listed(row.id, known.get("login", ""), role, row.address, row.created_at, row.retired_at or left_at, holds)
