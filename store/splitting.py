"""Splitting a message off, into a case of its own: with its files, its receipts, and terms from the day it came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN
from cases.roles import May
from cases.terms import DueKind, Terms, dues_of_a_new_case, feedback_due
from store import access_list, audit, lookups, merging, moving, records
from store.access_list import AccessList
from store.audit import Action
from store.casework import NotFound, case_row, opens_identity
from store.changes import claim_version
from store.dues import set_first_dues
from store.intake import CaseKeys, begin_case
from store.keypairs import KeyKind
from store.keyring import DeskPublicKeys, KeyRing, newest_proven
from store.lookups import IndexKey
from store.moving import CannotMove as CannotMove
from store.records import Name, RecordKind
from store.restriction import Restriction, certified
from store.schema import CaseFile, Message


class CannotSplit(Exception):
    """This message cannot become a case of its own; `why` is a slug."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This message cannot be split off: {why}.")
        self.why = why


def split_off(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    keys: DeskPublicKeys,
    case_id: str,
    message_id: str,
    *,
    reference: str,
    terms: Terms,
    version: int,
    now: datetime,
) -> str:
    """Make a message a case of its own, linked to the one that it was in; gives the new case. Merging undoes it.

    A case that members are kept out of is split into one that they are kept out of.
    Raises NotAllowed, NotFound, Changed, CannotSplit, CannotMove, UnprovenKey.
    """
    ring.require(May.WRITE)
    ring.require(May.OPEN_THE_DESK)  # others could not open the new case
    case_row(session, ring, case_id, lock=True)
    row = claim_version(session, ring, case_id, version)
    message = session.scalars(
        select(Message).where(Message.id == message_id, Message.case_id == case_id).with_for_update()
    ).one_or_none()
    if message is None:
        raise NotFound("There is no such message in this case.")
    _check(session, ring, row)
    before = CaseKeys(
        case=newest_proven(session, index, ring.desk, KeyKind.CASE, case_id),
        identity=newest_proven(session, index, ring.desk, KeyKind.IDENTITY, case_id),
    )
    sender = moving.sender_of(session, ring, message)
    made = begin_case(
        session,
        keys,
        index,
        reference=reference,
        now=now,
        linked_case=case_id,
        restriction=_restriction(session, ring, before) if row.restricted else None,
    )
    session.flush()
    new_id = made.case.owner
    moving.move_message(session, ring, index, message_id, made, now, sender_is_new=False, brought=False)
    receipts = moving.move_receipts(session, ring, index, message_id, case_id, made, now)
    if sender and not _wrote_more(session, ring, case_id, sender):
        lookups.forget_address(session, ring.desk, case_id, index.address(case_id, sender))
    report = records.opened_json(session, ring, Name(new_id, message_id, RecordKind.REPORT))
    card = merging.card(reference, report, merging.marks([report]), merging.scores(report), {})
    records.write_json(session, Name(new_id, new_id, RecordKind.CARD), card, made.case, now)
    due = dict(dues_of_a_new_case(message.received_at, terms))
    sent = [each.sent_at for each in receipts if each.sent_at is not None]
    if sent:
        due.pop(DueKind.RECEIPT)
        due[DueKind.FEEDBACK] = feedback_due(message.received_at, min(sent), terms)
    set_first_dues(session, ring.desk, new_id, due)
    _note(session, ring, before, Action.SPLIT_OFF, new_id, now)
    _note(session, ring, made, Action.SPLIT_FROM, case_id, now)
    records.changed(session, case_id)
    return new_id


def _check(session: Session, ring: KeyRing, row: CaseFile) -> None:
    """Raises CannotSplit."""
    if row.status not in OPEN:
        raise CannotSplit("ended")
    if not opens_identity(session, ring, row.id):
        raise CannotSplit("identity")
    if session.scalars(select(func.count()).select_from(Message).where(Message.case_id == row.id)).one() < 2:
        raise CannotSplit("only_one")


def _restriction(session: Session, ring: KeyRing, keys: CaseKeys) -> Restriction:
    """Who opens the new case: those who open all of the old one by keys of their own, and nobody who is kept out."""
    listed: AccessList = access_list.read(session, ring, keys)
    recipients = {}
    for member_id in sorted(each for each, full in listed.members.items() if full):
        to = certified(session, ring.chain(session), member_id)
        if to is not None:
            recipients[member_id] = to
    if ring.member_id not in recipients:
        raise CannotSplit("identity")
    return Restriction(recipients, listed.shut_out)


def _wrote_more(session: Session, ring: KeyRing, case_id: str, sender: str) -> bool:
    found = session.scalars(select(Message).where(Message.case_id == case_id)).all()
    return any(moving.sender_of(session, ring, each) == sender for each in found)


def _note(session: Session, ring: KeyRing, keys: CaseKeys, action: Action, other: str, now: datetime) -> None:
    audit.write(
        *(session, ring.desk, action, now),
        member_id=ring.member_id,
        case_id=keys.case.owner,
        subject_id=other,
    )
    session.flush()
