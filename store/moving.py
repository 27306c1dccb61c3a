"""Taking a message from one case to another: all that is sealed of it is sealed anew, to the keys of the other.

A seal names its case, so nothing can be moved by changing a row: a member who opens both does it. Who reported is
sealed to the identity key, so they open that too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store import lookups, outbox, records
from store.intake import CaseKeys
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.outbox import OutgoingKind, OutgoingRow
from store.records import OF_THE_IDENTITY, Name, RecordKind
from store.schema import Attachment, Message, Outbox, Record

_OF_A_MESSAGE = (RecordKind.RAW, RecordKind.MESSAGE, RecordKind.CONTACT, RecordKind.REPORT, RecordKind.MASKED)
_SAYS_WHO_IS_NEW = (RecordKind.MESSAGE, RecordKind.MASKED)


class CannotMove(Exception):
    """Something of the message cannot be opened, or was not written by Meldpost."""


@dataclass(frozen=True)
class Moved:
    """A message that was moved. `was_new`: was its sender new to the case that it came from? `was_brought`: had another
    merger brought it there?"""

    message_id: str
    was_new: bool
    was_brought: bool


def move_message(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    message_id: str,
    to: CaseKeys,
    now: datetime,
    *,
    sender_is_new: bool | None = None,
    brought: bool | None = None,
) -> Moved:
    """Take a message with its files to the case that `to` are the keys of. `sender_is_new` to that case: None, where it
    is to be seen whether that knows the address. `brought`: does it count for what that case is about, whoever sent it?
    None, where it does if it did where it was. Both cases are locked by who calls this. Raises CannotMove."""
    row = session.get_one(Message, message_id)
    case_id = to.case.owner
    content = _content(session, ring, row)
    sender = (content.get("from") or {}).get("address")
    if sender_is_new is None:
        sender_is_new = sender is None or not lookups.knows_address(
            session, ring.desk, case_id, index.address(case_id, sender)
        )
    was_new, was_brought = bool(content.get("sender_is_new", True)), bool(content.get("brought"))
    if brought is None:
        brought = was_brought or not was_new
    _reseal(session, ring, row, to, {"sender_is_new": sender_is_new, "brought": brought}, now)
    row.case_id = case_id
    lookups.move_message(session, message_id, case_id)
    if sender and not sender_is_new:
        known = index.address(case_id, sender)
        if not lookups.knows_address(session, ring.desk, case_id, known):
            lookups.remember_address(session, ring.desk, case_id, known)
    session.flush()
    return Moved(message_id, was_new, was_brought)


def move_receipts(
    session: Session, ring: KeyRing, index: IndexKey, message_id: str, case_id: str, to: CaseKeys, now: datetime
) -> tuple[OutgoingRow, ...]:
    """Take the receipts of a message along, which were written in `case_id` by the transaction that took it in, so that
    answers to them find the message. Raises CannotMove."""
    taken_in_at = session.get_one(Message, message_id).taken_in_at
    of_case = outbox.of_case(session, case_id)
    found = [row for row in of_case if row.kind is OutgoingKind.RECEIPT and row.created_at == taken_in_at]
    for row in found:
        copies = select(Record.id).where(Record.subject_id == row.id, Record.kind == RecordKind.OUTGOING)
        for record_id in session.scalars(copies).all():
            _move(session, ring, record_id, to, RecordKind.OUTGOING, None, now)
        session.execute(update(Outbox).where(Outbox.id == row.id).values(case_id=to.case.owner))
        copy = records.opened_of_subjects(session, ring, [row.id], RecordKind.OUTGOING).get(row.id, {})
        if copy.get("to"):
            lookups.move_recipient(session, ring.desk, case_id, index.recipient(row.id, copy["to"]), to.case.owner)
    return tuple(found)


def sender_of(session: Session, ring: KeyRing, row: Message) -> str | None:
    """The address in From. Raises CannotMove."""
    address = (_content(session, ring, row).get("from") or {}).get("address")
    return address if isinstance(address, str) else None


def _content(session: Session, ring: KeyRing, row: Message) -> Any:
    try:
        return records.opened_json(session, ring, Name(row.case_id, row.id, RecordKind.MESSAGE))
    except records.CANNOT_OPEN:
        raise CannotMove("A message of this case cannot be opened.") from None


def _reseal(session: Session, ring: KeyRing, row: Message, to: CaseKeys, more: dict[str, Any], now: datetime) -> None:
    files = session.scalars(select(Attachment.id).where(Attachment.message_id == row.id)).all()
    of_message = Record.subject_id.in_([row.id]) & Record.kind.in_(_OF_A_MESSAGE)
    of_files = Record.subject_id.in_(files) & (Record.kind == RecordKind.ATTACHMENT)
    found = select(Record.id, Record.kind).where(Record.case_id == row.case_id, of_message | of_files)
    for record_id, kind in session.execute(found.order_by(Record.version, Record.id)).all():
        added = more if kind in _SAYS_WHO_IS_NEW else None
        _move(session, ring, record_id, to, RecordKind(kind), added, now)


def _move(
    session: Session,
    ring: KeyRing,
    record_id: str,
    to: CaseKeys,
    kind: RecordKind,
    more: dict[str, Any] | None,
    now: datetime,
) -> None:
    key = to.identity if kind in OF_THE_IDENTITY else to.case
    try:
        records.move(session, ring, record_id, key, now, more)
    except records.CANNOT_OPEN:
        raise CannotMove("Something of a message of this case cannot be opened.") from None
