"""A message that is read again: its mail as it came, and what is written anew of it.

What persons decided stays, and so does the mail. Of each record the newest version counts; the files of an earlier
reading stay sealed, and nothing names them any more. Two members at once: the version of the case decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import audit, lookups, records
from store.audit import Action
from store.casework import NotFound, case_row
from store.changes import Changed, claim_version
from store.intake import CaseKeys, NewMessage, add_content
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.records import Name, RecordKind
from store.schema import Lookup, Message, Record


@dataclass(frozen=True)
class Before:
    """A message as it was understood until now. `sealed_size` is that of its mail, a little more than the mail's."""

    case_id: str
    message_id: str
    state: str
    received_at: datetime
    sealed_size: int
    content: Mapping[str, Any]
    report: Mapping[str, Any]


def before(session: Session, ring: KeyRing, case_id: str, message_id: str, version: int) -> Before:
    """What is known of a message. Raises NotFound, and Changed where the case is not as it was seen."""
    case = case_row(session, ring, case_id)
    row = _message(session, case_id, message_id)
    if case.version != version:
        raise Changed("Somebody changed this case since you opened it. Look at it again before you decide.")

    def known(kind: RecordKind) -> Mapping[str, Any]:
        return records.opened_of_subjects(session, ring, [message_id], kind).get(message_id, {})

    raw = select(Record.size).where(Record.subject_id == message_id, Record.kind == RecordKind.RAW)
    return Before(
        case_id=case_id,
        message_id=message_id,
        state=row.state,
        received_at=row.received_at,
        sealed_size=session.scalars(raw.order_by(Record.version.desc()).limit(1)).one(),
        content=known(RecordKind.MESSAGE),
        report=known(RecordKind.REPORT),
    )


def raw_of(session: Session, ring: KeyRing, known: Before) -> Iterator[bytes]:
    """The mail as it came, opened piece by piece."""
    return records.chunks(session, ring, Name(known.case_id, known.message_id, RecordKind.RAW))


def write_anew(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    known: Before,
    new: NewMessage,
    *,
    version: int,
    now: datetime,
) -> int:
    """Write what a message says now, in the place of what it was thought to say. Gives the case's new version.

    Raises NotFound, UnprovenKey, and Changed where another wrote since: then nothing is written.
    """
    row = claim_version(session, ring, known.case_id, version)  # from here on intake waits for this case
    message = _message(session, known.case_id, known.message_id)
    keys = CaseKeys(
        case=newest_proven(session, index, ring.desk, KeyKind.CASE, known.case_id),
        identity=newest_proven(session, index, ring.desk, KeyKind.IDENTITY, known.case_id),
    )
    reading = records.next_version(session, ring.desk, Name(known.case_id, known.message_id, RecordKind.MESSAGE))
    add_content(
        *(session, keys, known.case_id, known.message_id, new),
        sender_is_new=bool(known.content.get("sender_is_new", True)),
        brought=bool(known.content.get("brought")),
        now=now,
        version=reading,
        by=ring.author,
    )
    records.changed(session, known.case_id)
    _remember(session, ring.desk, index, known, new)
    message.state = new.state
    note(session, ring, index, known, "read", now)
    return row.version


def note(session: Session, ring: KeyRing, index: IndexKey, known: Before, result: str, now: datetime) -> None:
    """Put onto the trail that a member had a message read again, and how that went (a slug)."""
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, known.case_id)
    audit.write(
        session,
        ring.desk,
        Action.READ_AGAIN,
        now,
        member_id=ring.member_id,
        case_id=known.case_id,
        subject_id=known.message_id,
        detail={"result": result},
        to=to,
    )
    session.flush()


def _remember(session: Session, desk: str, index: IndexKey, known: Before, new: NewMessage) -> None:
    """What later mail is joined to this case by, as far as it was not known: the same as at intake."""
    noted = set(session.scalars(select(Lookup.digest).where(Lookup.message_id == known.message_id)))
    digests = {index.message_id(each) for each in new.message_ids if each.strip()} - noted
    lookups.remember_message_ids(session, desk, known.case_id, known.message_id, digests)
    if new.sender and not known.content.get("sender_is_new", True):
        address = index.address(known.case_id, new.sender)
        if not lookups.knows_address(session, desk, known.case_id, address):
            lookups.remember_address(session, desk, known.case_id, address)


def _message(session: Session, case_id: str, message_id: str) -> Message:
    row = session.scalars(select(Message).where(Message.id == message_id, Message.case_id == case_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such message in this case.")
    return row
