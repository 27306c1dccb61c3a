"""Access to a single case: giving it to a member, taking it away, keeping a member out.

Who changes access may manage it and opens the case, identity key and all. To give, the case's keys are sealed to the
member's own key, which the desk certified. To take away, or to keep out, the keys are made anew for those who keep
access (`store/rekeying.py`). A case that somebody is kept out of is restricted: its keys are sealed to each remaining
member's own key and to the recovery key, and to the desk's key no more.

Every change stands on the trail with its reason, sealed to the case's key.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cases.roles import May, holds_the_desk_key, may
from store import access_list, audit, certificates, membership, rekeying
from store.access_list import AccessList
from store.audit import Action
from store.casework import NotFound, case_row
from store.changes import claim_version
from store.database import Database
from store.intake import CaseKeys
from store.keypairs import KeyKind
from store.keyring import (
    DeskPublicKeys,
    KeyRing,
    NoSuchKey,
    PublicPair,
    UnprovenKey,
    newest,
    newest_proven,
    proven_before,
    seal_seed,
)
from store.letting_go import let_go_of
from store.lookups import IndexKey
from store.membership import Listed, NoSuchMember, UnprovenMember
from store.reach import within_reach
from store.records import RecordKind
from store.rekeying import NewKeys, Progress, Recipients
from store.schema import CaseFile, KeyPair, Record, SealedSeed

log = logging.getLogger(__name__)


class ShutOut(Exception):
    """This member is kept out of the case. Let them in again only by saying so."""


class HasAccess(Exception):
    """This member opens the case already."""


class HasNoAccess(Exception):
    """This member does not have a key to this case of their own."""


class NobodyLeft(Exception):
    """Nobody would be left who opens the case and may manage access to it."""


class CannotBeGranted(Exception):
    """This member's role reads no case."""


class NoReason(Exception):
    """Access changes for a reason, which stands on the trail."""


@dataclass(frozen=True)
class Person:
    """A present member of the desk as somebody who opens a case, or does not.

    `by_desk_key`: opens it as every case of the desk. `identity`: who reported, too. `shut_out`: must not open it.
    """

    member: Listed
    opens: bool
    identity: bool
    by_desk_key: bool
    shut_out: bool


@dataclass(frozen=True)
class Access:
    """Who opens a case. `restricted`: not by the desk's key. Present members only, by their names."""

    restricted: bool
    people: tuple[Person, ...]

    def of(self, member_id: str) -> Person:
        """Raises NoSuchMember."""
        for person in self.people:
            if person.member.id == member_id:
                return person
        raise NoSuchMember("This desk has no such member now.")


@dataclass(frozen=True)
class Renewing:
    """How many cases got new keys, of how many; `left` are those to which this member can give none."""

    done: int
    total: int
    left: tuple[str, ...]


def who_has_access(session: Session, ring: KeyRing, index: IndexKey, case_id: str) -> Access:
    """Who opens a case, and who is kept out. Raises NotAllowed, NotFound, NoSuchKey, UnprovenKey."""
    _require(session, ring, case_id)
    keys = _newest(session, ring, index, case_id)
    listed = _listed(session, ring, keys)
    return _access(session, ring, keys, listed)


def grant(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    member_id: str,
    *,
    identity: bool,
    reason: str,
    now: datetime,
    again: bool = False,
    version: int | None = None,
) -> None:
    """Let a member open a case, and if meant who reported. `again`: also one who was shut out. `version`: of the case
    as it was seen, where it was.

    Raises NotAllowed, NotFound, Changed, NoSuchMember, UnprovenMember, CannotBeGranted, ShutOut, HasAccess, NoReason.
    """
    _require(session, ring, case_id, reason, version)
    keys = _newest(session, ring, index, case_id)
    listed = _listed(session, ring, keys)
    person = _access(session, ring, keys, listed).of(member_id)
    if person.shut_out and not again:
        raise ShutOut("This member was kept out of this case. Say that they are to be let in again.")
    if person.opens and (person.identity or not identity):
        raise HasAccess("This member opens this case already.")
    if not may_open(person.member):
        raise CannotBeGranted("Members of this role read no case.")
    to = _proven_pair(session, ring, member_id)
    for newest_pair in (keys.case, keys.identity) if identity else (keys.case,):
        for each in (*proven_before(session, index, newest_pair), newest_pair):
            if _is_sealed_to_many(session, each):
                private = ring.private(session, each.id)
                _take(session, [each.id], [to.id])
                seal_seed(session, private, each, to)
    private_identity = ring.private(session, keys.identity.id)
    access_list.write(
        session, keys, private_identity, listed.with_member(member_id, identity=identity), now, ring.author
    )
    detail = {"member": member_id, "identity": identity, "reason": reason.strip()}
    _note(session, ring, keys, Action.ACCESS_GRANTED, detail, now)


def withdraw(
    db: Database,
    ring: KeyRing,
    index: IndexKey,
    keys: DeskPublicKeys,
    case_id: str,
    member_id: str,
    reason: str,
    *,
    version: int | None = None,
) -> Iterator[Progress]:
    """Take a member's own key to a case away: its keys are made anew. Read it to its end; `rekeying.resume` goes on.

    Raises NotAllowed, NotFound, Changed, HasNoAccess, NobodyLeft, NoReason.
    """
    now = db.now()
    with db.begin() as session:
        _require(session, ring, case_id, reason, version)
        before = _newest(session, ring, index, case_id)
        listed = _listed(session, ring, before)
        if member_id not in listed.members and not _is_recipient(session, before, member_id):
            raise HasNoAccess("This member has no key of their own to this case.")
        after = listed.without(member_id)
        made = _anew(session, ring, index, keys, before, after, _is_restricted(session, ring, before), now)
        _take_own(session, case_id, member_id, made)
        if not any(each.opens for each in _access(session, ring, before, after).people if each.member.id == member_id):
            let_go_of(session, ring.desk, member_id, case_id)
        detail = {"member": member_id, "reason": reason.strip()}
        _note(session, ring, made.public, Action.ACCESS_WITHDRAWN, detail, now)
    yield from rekeying.resume(db, ring, index, case_id)


def shut_out(
    db: Database,
    ring: KeyRing,
    index: IndexKey,
    keys: DeskPublicKeys,
    case_id: str,
    member_id: str,
    reason: str,
    *,
    by_request: bool,
    version: int | None = None,
) -> Iterator[Progress]:
    """Keep a member out of a case, since the report is about them or near them. `by_request`: the reporter asked it.

    The case is restricted from the first transaction on; read it to its end; `rekeying.resume` goes on. Who shuts
    themselves out does not see it again.
    Raises NotAllowed, NotFound, Changed, NoSuchMember, ShutOut, NobodyLeft, NoReason.
    """
    now = db.now()
    with db.begin() as session:
        _require(session, ring, case_id, reason, version)
        before = _newest(session, ring, index, case_id)
        listed = _listed(session, ring, before)
        access = _access(session, ring, before, listed)
        if access.of(member_id).shut_out:
            raise ShutOut("This member is kept out of this case already.")
        for person in access.people:
            if person.by_desk_key and person.opens:
                listed = listed.with_member(person.member.id, identity=True)
        if ring.member_id not in listed.members and not access.restricted:
            listed = listed.with_member(ring.member_id, identity=True)
        made = _anew(session, ring, index, keys, before, listed.shutting_out(member_id), restricted=True, now=now)
        _take_own(session, case_id, member_id, made)
        let_go_of(session, ring.desk, member_id, case_id)
        session.execute(update(CaseFile).where(CaseFile.id == case_id).values(restricted=True))
        detail = {"member": member_id, "reason": reason.strip(), "by_request": by_request}
        _note(session, ring, made.public, Action.SHUT_OUT, detail, now)
    yield from rekeying.resume(db, ring, index, case_id)


def renew(db: Database, ring: KeyRing, index: IndexKey, keys: DeskPublicKeys, case_id: str) -> Iterator[Progress]:
    """Make a case's keys anew for those who have access now: after one of them left the desk, say."""
    now = db.now()
    with db.begin() as session:
        _require(session, ring, case_id)
        before = _newest(session, ring, index, case_id)
        listed = _listed(session, ring, before)
        _anew(session, ring, index, keys, before, listed, _is_restricted(session, ring, before), now)
    yield from rekeying.resume(db, ring, index, case_id)


def renew_all(
    db: Database, ring: KeyRing, index: IndexKey, keys: DeskPublicKeys, case_ids: Collection[str]
) -> Iterator[Renewing]:
    """Make the keys of these cases anew, one after the other. Read it to its end."""
    left: list[str] = []
    for at, case_id in enumerate(case_ids, start=1):
        try:
            for _ in renew(db, ring, index, keys, case_id):
                pass
        except (NotFound, NoSuchKey, UnprovenKey, NobodyLeft) as error:
            log.warning("case %s: its keys are not made anew: %s", case_id, type(error).__name__)
            left.append(case_id)
        yield Renewing(at - len(left), len(case_ids), tuple(left))


def outdated(session: Session, ring: KeyRing, index: IndexKey) -> tuple[str, ...]:
    """The cases, of those that this member opens, on whose list somebody stands who has no key any more: who left, or
    whose role reads no case. They are to be renewed."""
    with_a_list = select(Record.case_id).where(Record.desk == ring.desk, Record.kind == RecordKind.ACCESS)
    reached = select(CaseFile.id).where(CaseFile.id.in_(with_a_list), within_reach(ring)).order_by(CaseFile.id)
    found = []
    for case_id in session.scalars(reached).all():
        try:
            keys = _newest(session, ring, index, case_id)
            listed = access_list.read(session, ring, keys)
        except (NoSuchKey, UnprovenKey):
            continue
        if listed.members.keys() - _listed(session, ring, keys).members.keys():
            found.append(case_id)
    return tuple(found)


def may_open(member: Listed) -> bool:
    """Can a case be given to this member at all?"""
    role = member.role
    return role is not None and (may(role, May.OPEN_GRANTED) or may(role, May.OPEN_THE_DESK))


def _require(
    session: Session, ring: KeyRing, case_id: str, reason: str | None = None, version: int | None = None
) -> None:
    ring.require(May.MANAGE_ACCESS)
    case_row(session, ring, case_id, lock=True)
    if reason is not None and not reason.strip():
        raise NoReason("Say in a few words why.")
    if version is not None:
        claim_version(session, ring, case_id, version)


def _newest(session: Session, ring: KeyRing, index: IndexKey, case_id: str) -> CaseKeys:
    return CaseKeys(
        case=newest_proven(session, index, ring.desk, KeyKind.CASE, case_id),
        identity=newest_proven(session, index, ring.desk, KeyKind.IDENTITY, case_id),
    )


def _listed(session: Session, ring: KeyRing, keys: CaseKeys) -> AccessList:
    """Who stands on the case's list and has its key: who left and came back is granted it anew."""
    listed = access_list.read(session, ring, keys)
    own = {to.owner for to in rekeying.recipients_of(session, keys.case.id)}
    return AccessList({each: full for each, full in listed.members.items() if each in own}, listed.shut_out)


def _access(session: Session, ring: KeyRing, keys: CaseKeys, listed: AccessList) -> Access:
    restricted = _is_restricted(session, ring, keys)
    people = []
    for member in membership.listed(session, ring):
        if member.left_at is not None:
            continue
        by_desk_key = not restricted and member.role is not None and holds_the_desk_key(member.role)
        own = listed.members.get(member.id)
        people.append(
            Person(
                member=member,
                opens=by_desk_key or own is not None,
                identity=by_desk_key or bool(own),
                by_desk_key=by_desk_key,
                shut_out=member.id in listed.shut_out,
            )
        )
    return Access(restricted, tuple(people))


def _is_restricted(session: Session, ring: KeyRing, keys: CaseKeys) -> bool:
    """Is the case kept from the desk's key? What the keys themselves say, whatever stands in the database's columns."""
    of_the_desk = {id_: private for id_, private in ring.privates.items() if id_ != ring.own}
    by_desk = KeyRing(ring.member_id, ring.desk, ring.login, of_the_desk)
    try:
        by_desk.private(session, keys.identity.id)
    except NoSuchKey:
        return True
    return False


def _anew(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    keys: DeskPublicKeys,
    before: CaseKeys,
    listed: AccessList,
    restricted: bool,
    now: datetime,
) -> NewKeys:
    """Begin to make the keys anew for who stands on the list, and sign the list with them."""
    case, identity = ([] if restricted else [keys.to_desk] for _ in range(2))
    managers = 0
    kept = {}
    present = {each.id: each for each in membership.listed(session, ring) if each.left_at is None}
    for member_id, full in listed.members.items():
        role = present[member_id].role if member_id in present else None
        if member_id not in present or not may_open(present[member_id]):
            log.warning("case %s: member %s gets no new key, for they read no case now", before.case.owner, member_id)
            continue
        try:
            to = _proven_pair(session, ring, member_id)
        except (NoSuchKey, UnprovenMember, NoSuchMember):
            log.warning("case %s: member %s gets no new key, for theirs is not certified", before.case.owner, member_id)
            continue
        kept[member_id] = full
        case.append(to)
        if full:
            identity.append(to)
            managers += role is not None and may(role, May.MANAGE_ACCESS)
    if restricted and not managers:
        raise NobodyLeft("Nobody would be left who opens this case and may manage access to it. Add a member first.")
    made = rekeying.begin(session, ring, index, keys, before.case.owner, Recipients(tuple(case), tuple(identity)), now)
    access_list.write(session, made.public, made.identity, AccessList(kept, listed.shut_out), now, ring.author)
    return made


def _proven_pair(session: Session, ring: KeyRing, member_id: str) -> PublicPair:
    """A present member's key, if the desk certified it. Raises NoSuchKey, UnprovenMember."""
    own = newest(session, ring.desk, KeyKind.MEMBER, member_id)
    certified = certificates.member_keys(session, ring.chain(session), member_id)
    if own.generation not in {each.generation for each in certified}:
        raise UnprovenMember("The key of this member in the database was not certified by the desk.")
    return own


def _is_recipient(session: Session, keys: CaseKeys, member_id: str) -> bool:
    return any(to.owner == member_id for to in rekeying.recipients_of(session, keys.case.id))


def _is_sealed_to_many(session: Session, each: PublicPair) -> bool:
    """Not kept under a newer generation alone, which who is granted the case has anyway."""
    return any(to.kind not in (KeyKind.CASE, KeyKind.IDENTITY) for to in rekeying.recipients_of(session, each.id))


def _take(session: Session, key_pair_ids: list[str], recipient_ids: list[str]) -> None:
    session.execute(
        delete(SealedSeed).where(
            SealedSeed.key_pair_id.in_(key_pair_ids), SealedSeed.recipient_key_pair_id.in_(recipient_ids)
        )
    )


def _take_own(session: Session, case_id: str, member_id: str, made: NewKeys) -> None:
    """From this transaction on a member has no key of their own to the case, whatever is still sealed to the old."""
    desk = made.public.case.desk
    own = session.scalars(select(KeyPair.id).where(KeyPair.desk == desk, KeyPair.owner == member_id)).all()
    of = session.scalars(select(KeyPair.id).where(KeyPair.desk == desk, KeyPair.owner == case_id)).all()
    _take(session, list(of), list(own))


def _note(
    session: Session, ring: KeyRing, keys: CaseKeys, action: Action, detail: Mapping[str, object], now: datetime
) -> None:
    audit.write(
        *(session, ring.desk, action, now),
        member_id=ring.member_id,
        case_id=keys.case.owner,
        subject_id=str(detail["member"]),
        detail=detail,
        to=keys.case,
    )
    session.flush()
