"""Somebody who holds the database and the keys of some members: what they read in it, and what they write to it.

What a set of members has is told by private keys alone, by the ids of their pairs: their own, and every key of the desk
and of a case that they ever could open and kept. A write gets the open session of the database, and an `Attacker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.orm import Session

from store import access_list, audit, certificates, consent, keyring, records, rows
from store.access_list import AccessList
from store.intake import CaseKeys
from store.keypairs import KeyKind, PrivateKey, generate
from store.keyring import KeyRing, PublicPair
from store.records import Name, RecordKind
from store.rows import table_of
from store.schema import (
    CaseFile,
    Consent,
    KeyPair,
    Member,
    PublicSigningKey,
    Record,
    SealedSeed,
    SecondFactor,
    new_id,
)
from store.signing import Author, Signer, SigningKey
from tests.store.world import NOW

CASE, IDENTITY = KeyKind.CASE, KeyKind.IDENTITY
HALVES = {RecordKind.MASKED: CASE, RecordKind.NOTE: CASE, RecordKind.MESSAGE: IDENTITY, RecordKind.RAW: IDENTITY}
"""What is looked for, and to which of a case's two keys it is sealed."""

Keys = dict[str, PrivateKey]
Read = tuple[str, KeyKind]
"""What was read: of which message or note, and in which half of its case."""

COPIED = tuple(table_of(each) for each in (SealedSeed, Record, PublicSigningKey, Consent, SecondFactor))
"""Tables that the attacker can put back as they were: not the trail, whose loss `meldpost audit verify` names."""

Copy = Mapping[Table, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Attacker:
    """Members who act together: their ids, the ids of their own newest pairs, and every key that any of them kept."""

    desk: str
    members: Mapping[str, str]
    keys: Keys
    victims: Sequence[str]
    """Ids of all other members."""

    cases: Sequence[str]
    before: Copy
    """Rows that they copied at some time before."""


# What they read


def keep_what_opens(session: Session, desk: str, keys: Keys) -> None:
    """Add every key that these keys open in the database of now."""
    ring = KeyRing("", desk, "", keys)
    for key_pair_id in session.scalars(select(KeyPair.id).where(KeyPair.desk == desk, KeyPair.kind != KeyKind.MEMBER)):
        if key_pair_id not in keys:
            try:
                keys[key_pair_id] = ring.private(session, key_pair_id)
            except records.CANNOT_OPEN:
                continue


def reads(session: Session, desk: str, keys: Keys) -> set[Read]:
    """What these keys open of all mail and notes, in any version, whatever the rows say of whose they are."""
    ring = KeyRing("", desk, "", keys)
    found = set()
    for row in session.scalars(select(Record).where(Record.desk == desk, Record.kind.in_(HALVES))):
        try:
            b"".join(records._open(session, ring, row))
        except records.CANNOT_OPEN:
            continue
        found.add((row.subject_id, HALVES[RecordKind(row.kind)]))
    return found


def copied(session: Session) -> Copy:
    return {table: [dict(row) for row in session.execute(select(table)).mappings()] for table in COPIED}


# What they write


def say_that_keys_are_sealed_to_them(session: Session, attacker: Attacker) -> None:
    for key_pair_id in session.scalars(
        select(KeyPair.id).where(KeyPair.kind.in_([CASE, IDENTITY, KeyKind.DESK]))
    ).all():
        for own in attacker.members.values():
            if session.get(SealedSeed, (key_pair_id, own)) is None:
                session.add(SealedSeed(key_pair_id=key_pair_id, recipient_key_pair_id=own, frame=b"forged"))


def say_that_nobody_left(session: Session, attacker: Attacker) -> None:
    for member_id, own in attacker.members.items():
        session.execute(update(Member).where(Member.id == member_id).values(retired_at=None))
        session.execute(update(KeyPair).where(KeyPair.id == own).values(retired_at=None))
    say_that_keys_are_sealed_to_them(session, attacker)


def say_that_no_case_is_restricted(session: Session, _: Attacker) -> None:
    session.execute(update(CaseFile).values(restricted=False))


def put_newer_keys_of_their_own(session: Session, attacker: Attacker) -> None:
    """For every case, member and the desk: with the proof of the true one, and sealed to whom the true one is."""
    for true in _in_force(session, attacker.desk):
        private = generate()
        forged = keyring.add_pair(
            *(session, attacker.desk, KeyKind(true.kind), true.owner, private.public, NOW),
            generation=true.generation + 1,
        )
        rows.write(session)
        session.get_one(KeyPair, forged.id).proof = true.proof
        for to in session.scalars(
            select(SealedSeed.recipient_key_pair_id).where(SealedSeed.key_pair_id == true.id)
        ).all():
            keyring.seal_seed(session, private, forged, keyring.pair(session, to))
        if true.kind == KeyKind.DESK:
            certificates.certify_first(session, attacker.desk, private, forged.generation, NOW)
        attacker.keys[forged.id] = private
    rows.write(session)


def put_their_key_in_the_place_of_true_ones(session: Session, attacker: Attacker) -> None:
    for true in _in_force(session, attacker.desk):
        if true.id in attacker.keys:
            continue
        private = attacker.keys[true.id] = generate()
        true.public = private.public.to_bytes()


def set_cases_back_to_their_keys_of_before(session: Session, attacker: Attacker) -> None:
    """The newest keys of each case are said to have ended, and the first ones not to have."""
    of_cases = (KeyPair.owner.in_(attacker.cases), KeyPair.kind.in_([CASE, IDENTITY]))
    session.execute(update(KeyPair).where(*of_cases, KeyPair.generation > 1).values(retired_at=NOW))
    session.execute(update(KeyPair).where(*of_cases, KeyPair.generation == 1).values(retired_at=None))


def swap_certificates(session: Session, attacker: Attacker) -> None:
    """Their own signing key, with its certificate, stands in the name of everybody else."""
    own = session.scalars(select(PublicSigningKey).where(PublicSigningKey.owner.in_(attacker.members))).first()
    if own is None:
        return
    for row in session.scalars(select(PublicSigningKey).where(PublicSigningKey.owner.in_(attacker.victims))):
        row.public, row.own_signature, row.certificate = own.public, own.own_signature, own.certificate


def swap_log_ins(session: Session, attacker: Attacker) -> None:
    """With their own passphrase they log in as somebody else."""
    for own in session.scalars(select(Member.wrapped_seed).where(Member.id.in_(attacker.members))).all():
        session.execute(update(Member).where(Member.id.in_(attacker.victims)).values(wrapped_seed=own))


def swap_frames(session: Session, _: Attacker) -> None:
    """Of the records of each kind, each gets the sealed bytes of the next."""
    for kind in HALVES:
        found = session.scalars(select(Record).where(Record.kind == kind).order_by(Record.id)).all()
        frames = [(row.frame, row.sha256, row.key_pair_id) for row in found]
        for row, (frame, sha256, to) in zip(found, frames[1:] + frames[:1], strict=True):
            row.frame, row.sha256, row.key_pair_id = frame, sha256, to


def put_tables_back_as_they_were(session: Session, attacker: Attacker) -> None:
    there = set(session.scalars(select(KeyPair.id)))
    for table, of_before in attacker.before.items():
        named = [column.name for column in table.columns if column.name.endswith("key_pair_id")]
        session.execute(delete(table))
        possible = [row for row in of_before if all(row[name] is None or row[name] in there for name in named)]
        if possible:
            session.execute(insert(table), possible)


def put_back_what_was_sealed_to_them(session: Session, attacker: Attacker) -> None:
    """Grants that were withdrawn, and the desk's key of those who left; all else stays as it is now."""
    pairs = select(KeyPair.id, KeyPair.owner)
    owners = {row.id: row.owner for row in session.execute(pairs)}
    for row in attacker.before.get(table_of(SealedSeed), ()):
        key = (row["key_pair_id"], row["recipient_key_pair_id"])
        theirs = owners.get(key[1]) in attacker.members and key[0] in owners
        if theirs and session.get(SealedSeed, key) is None:
            session.execute(insert(SealedSeed).values(row))


def swap_public_keys_of_members(session: Session, attacker: Attacker) -> None:
    """Their own public key stands where that of another member did, with all that is said of it."""
    own = session.scalars(select(KeyPair.public).where(KeyPair.id.in_(attacker.members.values()))).first()
    if own is not None:
        others = (KeyPair.kind == KeyKind.MEMBER, KeyPair.owner.in_(attacker.victims))
        session.execute(update(KeyPair).where(*others).values(public=own))


def say_that_no_consent_is_over(session: Session, _: Attacker) -> None:
    session.execute(update(Consent).values(used_at=None, taken_back_at=None))


def agree_to_all_that_is_asked(session: Session, attacker: Attacker) -> None:
    """In their own name, or in that of another; with a true signature of theirs either way."""
    say_that_nobody_left(session, attacker)
    by = _author(attacker)
    for place, row in enumerate(session.scalars(select(Consent).where(Consent.given_by.is_(None))).all()):
        if by is not None:
            names = [name for name in (*attacker.victims, by.member_id) if name != row.asked_by] or [by.member_id]
            named = names[-1 - place % 2 * (len(names) > 1)]
            row.given_by, row.given_at = named, NOW
            row.give_signature = by.key.sign(consent._given(row, named, NOW, None))


def ask_and_agree_by_themselves(session: Session, attacker: Attacker) -> None:
    """What was ever asked for is asked for anew by one of them, and agreed to by another, or by who asked then."""
    say_that_nobody_left(session, attacker)
    signing = [
        Author(member_id, SigningKey.of(attacker.keys[own], Signer.MEMBER))
        for member_id, own in attacker.members.items()
    ]
    for row in session.scalars(select(Consent)).all() if signing else ():
        other = signing[-1].member_id if len(signing) > 1 else row.asked_by
        forged = Consent(
            id=new_id(), desk=row.desk, action=row.action, subject=row.subject, key_pair_id=row.key_pair_id,
            detail=row.detail, asked_by=signing[0].member_id, asked_at=NOW, ask_signature=b"",
            given_by=other, given_at=NOW,
        )  # fmt: skip
        forged.ask_signature = signing[0].key.sign(consent._asked(forged))
        forged.give_signature = signing[-1].key.sign(consent._given(forged, other, NOW, None))
        session.add(forged)
    session.flush()


def have_consents_say_something_else(session: Session, _: Attacker) -> None:
    """Each says what the next was for."""
    found = session.scalars(select(Consent).order_by(Consent.id)).all()
    said = [(row.action, row.subject) for row in found]
    for row, (action, subject) in zip(found, said[1:] + said[:1], strict=True):
        row.action, row.subject = action, subject


def put_their_second_factors_in_the_place_of_others(session: Session, attacker: Attacker) -> None:
    own = session.scalars(select(SecondFactor).where(SecondFactor.member_id.in_(attacker.members))).all()
    session.execute(delete(SecondFactor).where(SecondFactor.member_id.in_(attacker.victims)))
    for victim in attacker.victims:
        newest = select(KeyPair.id).where(KeyPair.kind == KeyKind.MEMBER, KeyPair.owner == victim)
        pair_id = session.scalars(newest.order_by(KeyPair.generation.desc())).first()
        for row in own:
            values = {column.name: getattr(row, column.name) for column in table_of(SecondFactor).columns}
            put = {**values, "id": new_id(), "member_id": victim, "key_pair_id": pair_id}
            session.execute(insert(SecondFactor).values(put))


def put_themselves_on_every_list(session: Session, attacker: Attacker) -> None:
    members = dict.fromkeys(attacker.members, True)
    for _, pairs in _pairs_of_cases(session, attacker):
        keys = CaseKeys(pairs[CASE], pairs[IDENTITY])
        by = _author(attacker)
        if keys.identity.id not in attacker.keys:  # who opens all of a case could share it anyway
            access_list.write(session, keys, generate(), AccessList(members), NOW, by)
    say_that_keys_are_sealed_to_them(session, attacker)


def write_notes_in_the_name_of_others(session: Session, attacker: Attacker) -> None:
    """Sealed to the case's public key, on the trail, signed by a key of theirs."""
    own = _author(attacker)
    signing = own.key if own else SigningKey.of(generate(), Signer.MEMBER)
    for case_id, pairs in _pairs_of_cases(session, attacker):
        for victim in attacker.victims:
            name = Name(case_id, new_id(), RecordKind.NOTE)
            content = {"text": FORGED, "by": victim, "at": NOW.isoformat()}
            records.write_json(session, name, content, pairs[CASE], NOW, by=Author(victim, signing))
            audit.write(session, attacker.desk, audit.Action.NOTE, NOW, member_id=victim, case_id=case_id)


FORGED = "Dit heb ik nooit geschreven."

WRITES: Sequence[Callable[[Session, Attacker], None]] = (
    say_that_keys_are_sealed_to_them,
    say_that_nobody_left,
    say_that_no_case_is_restricted,
    put_newer_keys_of_their_own,
    put_their_key_in_the_place_of_true_ones,
    set_cases_back_to_their_keys_of_before,
    swap_certificates,
    swap_log_ins,
    swap_frames,
    put_tables_back_as_they_were,
    put_themselves_on_every_list,
    write_notes_in_the_name_of_others,
    put_back_what_was_sealed_to_them,
    swap_public_keys_of_members,
    say_that_no_consent_is_over,
    agree_to_all_that_is_asked,
    ask_and_agree_by_themselves,
    have_consents_say_something_else,
    put_their_second_factors_in_the_place_of_others,
)


def _in_force(session: Session, desk: str) -> Sequence[KeyPair]:
    """The newest pairs of cases, of members and of the desk itself."""
    kinds = (CASE, IDENTITY, KeyKind.MEMBER, KeyKind.DESK)
    found = select(KeyPair).where(KeyPair.desk == desk, KeyPair.kind.in_(kinds))
    newest = {(row.kind, row.owner): row for row in session.scalars(found.order_by(KeyPair.generation))}
    return list(newest.values())


def _pairs_of_cases(session: Session, attacker: Attacker) -> Iterator[tuple[str, Mapping[KeyKind, PublicPair]]]:
    for case_id in attacker.cases:
        found: Iterable[KeyPair] = session.scalars(
            select(KeyPair)
            .where(KeyPair.owner == case_id, KeyPair.kind.in_([CASE, IDENTITY]), KeyPair.retired_at.is_(None))
            .order_by(KeyPair.generation)
        ).all()
        pairs = {KeyKind(row.kind): keyring.pair(session, row.id) for row in found}
        if len(pairs) == 2 and session.get(CaseFile, case_id) is not None:
            yield case_id, pairs


def _author(attacker: Attacker) -> Author | None:
    """One of them, as who signs."""
    for member_id, own in attacker.members.items():
        return Author(member_id, SigningKey.of(attacker.keys[own], Signer.MEMBER))
    return None
