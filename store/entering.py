"""Reports that do not come by mail: a member enters a letter, or what was said by telephone or in person.

The case is made as intake makes one, sealed to the same keys, with the same dues. The trail tells who entered it, and
what they wrote down of the reporter is theirs and signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases.roles import May
from cases.terms import DoneReason, DueKind
from store import audit, changes, dues, records
from store.audit import Action
from store.intake import NewMessage, TakenIn, open_case
from store.keyring import DeskPublicKeys, KeyRing
from store.lookups import IndexKey
from store.records import Name, RecordKind
from store.restriction import Restriction
from store.schema import CaseFile


class EnteredAlready(Exception):
    """The same form was sent before, and is a case."""


def was_entered(session: Session, case_id: str) -> bool:
    return session.scalar(select(CaseFile.id).where(CaseFile.id == case_id)) is not None


def enter(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    keys: DeskPublicKeys,
    new: NewMessage,
    *,
    reference: str,
    contact: Mapping[str, Any],
    due: Mapping[DueKind, datetime],
    restriction: Restriction | None,
    now: datetime,
    case_id: str | None = None,
    linked_case: str | None = None,
) -> TakenIn:
    """A new case of what a member entered. `contact`: what they know of the reporter, for sure; empty where nothing.
    `case_id`: the id that the case has to get; the database holds it once.

    With a restriction it may be kept from that member, too. Raises NotAllowed, EnteredAlready.
    """
    ring.require(May.WRITE)
    ring.require(May.OPEN_THE_DESK)
    if case_id is not None and was_entered(session, case_id):
        raise EnteredAlready("This was entered already.")
    try:
        taken = open_case(
            *(session, keys, index, new),
            reference=reference,
            now=now,
            dues=due,
            linked_case=linked_case,
            restriction=restriction,
            case_id=case_id,
        )
    except IntegrityError as error:
        if case_id is None:
            raise
        raise EnteredAlready("This was entered already, at the same moment.") from error
    if any(contact.values()):
        written = {"value": dict(contact), "by": ring.member_id, "at": now.isoformat(), "entered": True}
        name = Name(taken.case_id, taken.case_id, RecordKind.CONTACT)
        records.add_json(session, name, written, taken.keys.identity, now, by=ring.author)
    audit.write(
        *(session, ring.desk, Action.ENTERED, now),
        member_id=ring.member_id,
        case_id=taken.case_id,
        subject_id=taken.message_id,
    )
    session.flush()
    return taken


def receipt_was_posted(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    feedback_at: datetime,
    *,
    version: int,
    now: datetime,
) -> int:
    """Say that a receipt on paper is on its way: its term is met, and that of the feedback runs from now, if it does
    not end sooner. Gives the case's new version. Raises NotFound, and Changed, also where no receipt is due."""
    after = changes.finish_due(
        session, ring, index, case_id, DueKind.RECEIPT, DoneReason.DONE, version=version, now=now
    )
    open_at = {each.kind: each.due_at for each in dues.open_dues(session, case_id) if each.step == 0}
    if DueKind.FEEDBACK in open_at and feedback_at < open_at[DueKind.FEEDBACK]:
        dues.set_due(session, ring.desk, case_id, DueKind.FEEDBACK, feedback_at)
    return after
