"""The consent of two members, where a desk's settings ask for it: one asks, another gives within a week.

Both sign what it is for, and `is_given` counts only signatures of two members who hold the desk's key now, by the role
that the desk signed: who writes to the database gives no consent. It is used once, and the trail knows that it was.

What is asked about a case is sealed to that case's key, and both sign a digest of what stands there: who is
kept from the case neither learns that something is asked about it nor can agree to it, whatever the rows say.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases.roles import May, Role
from config.settings import DeskSettings
from store import audit, certificates, membership
from store.audit import Action
from store.certificates import Chain
from store.database import changed_rows
from store.frame import Context, SealError
from store.keypairs import KeyKind
from store.keyring import KeyRing, NoSuchKey, PublicPair, pair
from store.lookups import IndexKey
from store.reach import kept_from
from store.schema import Audit, Consent, KeyPair, new_id
from store.sealing import open_sealed, seal
from store.signing import Statement, statement, verify

EXPIRES_AFTER = timedelta(days=7)
_DETAIL = "consent-detail"
_SALT = "salt"
"""What nobody guesses who cannot open what a consent is about."""


class Act(StrEnum):
    """What may take two members; the words of the setting `two_members`."""

    ADD_MEMBER = "add_member"
    RECOVERY = "recovery"
    EXPORT = "export"
    DESTROY = "destroy"


_ABOUT_A_CASE = frozenset({Act.EXPORT, Act.DESTROY})


class ConsentNeeded(Exception):
    """A second member has to agree first. It was asked for, if it was not already."""


class CannotConsent(Exception):
    """Not by this person, or not any more."""


class NeverAsked(CannotConsent):
    """Nothing of this name was ever asked for at this desk."""


@dataclass(frozen=True)
class Asked:
    """A consent that was asked for and is not used yet. `about` is {} where it cannot be opened."""

    id: str
    act: Act
    about: Mapping[str, Any]
    asked_by: str
    asked_at: datetime
    given_by: str | None

    @property
    def expires_at(self) -> datetime:
        return self.asked_at + EXPIRES_AFTER


def is_needed(settings: DeskSettings, act: Act) -> bool:
    return act in settings.two_members


def subject_of(index: IndexKey, act: Act, *parts: str) -> bytes:
    """What a consent is about, as a digest that tells nobody without the index key."""
    return index.login(json.dumps(["consent", act, *parts]))


def ask(
    session: Session,
    ring: KeyRing,
    act: Act,
    subject: bytes,
    about: Mapping[str, Any],
    now: datetime,
    case: PublicPair | None = None,
) -> str:
    """Ask for the consent of another member; `about` is what they read. Gives its id. Raises NotAllowed.

    `case` is the key of the case that it is about, if it is about one.
    """
    ring.require(May.MANAGE_ACCESS)
    to, consent_id = case or ring.to_desk(session), new_id()
    told = {**about, _SALT: secrets.token_hex(16)} if case else about
    detail = seal(
        json.dumps(told, ensure_ascii=False).encode(), to.public, _context(ring.desk, consent_id, to.generation)
    )
    row = Consent(
        id=consent_id,
        desk=ring.desk,
        action=act,
        subject=subject,
        key_pair_id=to.id,
        detail=detail,
        asked_by=ring.member_id,
        asked_at=now,
        ask_signature=b"",
    )
    row.ask_signature = ring.signing_key().sign(_asked(row, _digest(told)))
    session.add(row)
    audit.write(session, ring.desk, Action.CONSENT_ASKED, now, member_id=ring.member_id, subject_id=consent_id)
    session.flush()
    return consent_id


def give(session: Session, ring: KeyRing, consent_id: str, now: datetime) -> None:
    """Agree to what another member asked for. Raises NotAllowed, CannotConsent."""
    ring.require(May.MANAGE_ACCESS)
    row = _open_row(session, ring, consent_id, now)
    if row.asked_by == ring.member_id:
        raise CannotConsent("You asked for this yourself: another member has to agree.")
    if row.given_at is not None:
        raise CannotConsent("Another member has agreed to this already.")
    if row.asked_by not in membership.true_holders(session, ring):
        raise CannotConsent("Who asked for this does not hold the desk's key any more: somebody has to ask anew.")
    row.given_by, row.given_at = ring.member_id, now
    row.give_signature = ring.signing_key().sign(_given(row, ring.member_id, now, _read(session, ring, row)))
    audit.write(session, ring.desk, Action.CONSENT_GIVEN, now, member_id=ring.member_id, subject_id=consent_id)
    session.flush()


def take_back(session: Session, ring: KeyRing, consent_id: str, now: datetime) -> None:
    """Say no to what was asked for, or was agreed to, and is not done yet. Raises NotAllowed, CannotConsent."""
    ring.require(May.MANAGE_ACCESS)
    _open_row(session, ring, consent_id, now).taken_back_at = now
    audit.write(session, ring.desk, Action.CONSENT_TAKEN_BACK, now, member_id=ring.member_id, subject_id=consent_id)
    session.flush()


def is_given(session: Session, ring: KeyRing, act: Act, subject: bytes, now: datetime) -> bool:
    """Did two members who hold the desk's key both sign this, within a week, and was it neither used nor taken back?"""
    return _given_row(session, ring, act, subject, now) is not None


def use(session: Session, ring: KeyRing, act: Act, subject: bytes, now: datetime) -> None:
    """The consent is used, in the transaction that does what it is for. Raises ConsentNeeded where there is none."""
    row = _given_row(session, ring, act, subject, now)
    unused = update(Consent).where(Consent.used_at.is_(None), Consent.taken_back_at.is_(None))
    if row is None or not changed_rows(session, unused.where(Consent.id == row.id).values(used_at=now)):
        raise ConsentNeeded("This takes the consent of another member.")
    audit.write(session, ring.desk, Action.CONSENT_USED, now, member_id=ring.member_id or None, subject_id=row.id)


def ask_once(
    session: Session,
    ring: KeyRing,
    act: Act,
    subject: bytes,
    about: Mapping[str, Any],
    now: datetime,
    case: PublicPair | None = None,
) -> None:
    """Ask, unless this was asked already and still stands: by who holds the desk's key now, for the case's newest."""
    holders = membership.true_holders(session, ring)
    for row in _standing(session, ring.desk, now):
        is_same = row.action == act and row.subject == subject and (case is None or row.key_pair_id == case.id)
        if is_same and row.asked_by in holders and (row.given_by is None or row.given_by in holders):
            return
    ask(session, ring, act, subject, about, now, case)


def standing(session: Session, ring: KeyRing, now: datetime) -> tuple[Asked, ...]:
    """What was asked for, was neither used nor taken back, and has not run out; oldest first. Nothing about a case that
    this member does not open. Raises NotAllowed."""
    ring.require(May.MANAGE_ACCESS)
    told = ((row, _about(session, ring, row)) for row in _standing(session, ring.desk, now))
    return tuple(
        Asked(row.id, Act(row.action), about, row.asked_by, row.asked_at, row.given_by)
        for row, about in told
        if about or _case_of(session, row) is None
    )


def seal_anew(session: Session, ring: KeyRing, old: Collection[str], to: PublicPair) -> None:
    """Seal what consents are about to the desk's newest key, where it is sealed to one of those before."""
    found = select(Consent).where(Consent.desk == ring.desk, Consent.key_pair_id.in_(list(old)))
    for row in session.scalars(found.with_for_update()).all():
        about = json.dumps(_about(session, ring, row), ensure_ascii=False).encode()
        row.detail, row.key_pair_id = seal(about, to.public, _context(row.desk, row.id, to.generation)), to.id
    session.flush()


def _standing(session: Session, desk: str, now: datetime) -> list[Consent]:
    found = select(Consent).where(Consent.desk == desk, Consent.used_at.is_(None), Consent.taken_back_at.is_(None))
    return list(
        session.scalars(found.where(Consent.asked_at > now - EXPIRES_AFTER).order_by(Consent.asked_at, Consent.id))
    )


def _given_row(session: Session, ring: KeyRing, act: Act, subject: bytes, now: datetime) -> Consent | None:
    holders, counted = membership.true_holders(session, ring), ring.chain(session)
    for row in _standing(session, ring.desk, now):
        if row.action != act or row.subject != subject or row.asked_at > now or _is_over(session, row):
            continue
        if {row.asked_by, row.given_by} <= holders and _is_signed_by_two(session, ring, counted, row):
            return row
    return None


def _is_over(session: Session, row: Consent) -> bool:
    """Does the trail say that it was used or taken back, whatever the row says now?"""
    over = (Audit.desk == row.desk, Audit.subject_id == row.id)
    ends = Audit.action.in_([Action.CONSENT_USED, Action.CONSENT_TAKEN_BACK])
    return session.scalars(select(Audit.id).where(*over, ends).limit(1)).one_or_none() is not None


def _is_signed_by_two(session: Session, ring: KeyRing, counted: Chain, row: Consent) -> bool:
    if row.given_by is None or row.given_at is None or row.give_signature is None or row.given_by == row.asked_by:
        return False
    case_id = _case_of(session, row)
    if case_id is not None:
        openers = kept_from(session, [case_id]).get(case_id)
        if openers is not None and not {row.asked_by, row.given_by} <= set(openers):
            return False
    read = _read(session, ring, row)
    if read is None and row.action in _ABOUT_A_CASE:  # the row alone might say that it is sealed to some other key
        return False
    given = _given(row, row.given_by, row.given_at, read)
    asked = _signed(session, counted, row.asked_by, _asked(row, read), row.ask_signature)
    return asked and _signed(session, counted, row.given_by, given, row.give_signature)


def _signed(session: Session, counted: Chain, member_id: str, message: bytes, signature: bytes) -> bool:
    keys = certificates.member_keys(session, counted, member_id)
    return any(verify(key.signing, message, signature) for key in keys)


def _asked(row: Consent, read: bytes | None = None) -> bytes:
    return statement(Statement.CONSENT_ASKED, (*_named(row), *(() if read is None else (read,))))


def _given(row: Consent, member_id: str, at: datetime, read: bytes | None = None) -> bytes:
    return statement(Statement.CONSENT_GIVEN, (*_named(row), member_id, at, *(() if read is None else (read,))))


def _read(session: Session, ring: KeyRing, row: Consent) -> bytes | None:
    """A digest of what one reads who opens a consent about a case, which both sign; None where it is about none."""
    return _digest(_opened(session, ring, row))


def _digest(told: Mapping[str, Any]) -> bytes | None:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest() if _SALT in told else None


def _case_of(session: Session, row: Consent) -> str | None:
    """The case to whose key it is sealed, if to one."""
    found = session.get_one(KeyPair, row.key_pair_id)
    return found.owner if found.kind == KeyKind.CASE else None


def _named(row: Consent) -> tuple[str | bytes | datetime, ...]:
    return row.desk, row.id, row.action, row.subject, row.asked_by, row.asked_at


def _open_row(session: Session, ring: KeyRing, consent_id: str, now: datetime) -> Consent:
    found = select(Consent).where(Consent.id == consent_id, Consent.desk == ring.desk)
    row = session.scalars(found.with_for_update()).one_or_none()
    if row is None or (_case_of(session, row) is not None and not _opened(session, ring, row)):
        raise NeverAsked("Nobody ever asked for this.")
    if row.used_at is not None or row.taken_back_at is not None or now >= row.asked_at + EXPIRES_AFTER:
        raise CannotConsent("Nobody asks for this now: it was done, taken back, or asked for more than a week ago.")
    return row


def _about(session: Session, ring: KeyRing, row: Consent) -> Mapping[str, Any]:
    return {name: value for name, value in _opened(session, ring, row).items() if name != _SALT}


def _opened(session: Session, ring: KeyRing, row: Consent) -> Mapping[str, Any]:
    try:
        to = pair(session, row.key_pair_id)
        opened = open_sealed(row.detail, ring.private(session, to.id), _context(row.desk, row.id, to.generation))
        about: Mapping[str, Any] = json.loads(opened)
    except (SealError, NoSuchKey, ValueError):
        return {}
    return about


def _context(desk: str, consent_id: str, generation: int) -> Context:
    return Context(desk, "", _DETAIL, consent_id, generation, 1)


@dataclass(frozen=True)
class NewAccess:
    """Somebody is to become a member, to come back, or to get the desk's key by another role."""

    login: str
    address: str
    role: Role

    def subject(self, index: IndexKey) -> bytes:
        return subject_of(index, Act.ADD_MEMBER, self.login.strip().casefold(), self.address.casefold(), self.role)

    @property
    def about(self) -> dict[str, str]:
        return {"login": self.login, "address": self.address, "role": self.role}


def use_for_access(
    session: Session, settings: DeskSettings, ring: KeyRing, index: IndexKey, new: NewAccess, now: datetime
) -> None:
    """Use the consent that a new access takes at this desk; nothing where it takes none. Raises ConsentNeeded."""
    if is_needed(settings, Act.ADD_MEMBER):
        use(session, ring, Act.ADD_MEMBER, new.subject(index), now)


def ask_for_access(session: Session, ring: KeyRing, index: IndexKey, new: NewAccess, now: datetime) -> None:
    """Ask for that consent, unless it was asked for already."""
    ask_once(session, ring, Act.ADD_MEMBER, new.subject(index), new.about, now)
