"""What the desk reads of a case and writes to it.

Every look is a row on the trail, and so is every change, with the member who made it. A change takes the version of the
case that its author saw: where another wrote in between it raises `Changed`, and nothing is overwritten unseen. A case
of another desk is `NotFound`, as one that never was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN, Outcome, Status, check_transition
from cases.terms import DueKind
from config.taxonomy import Severity
from store import audit, mailer_contact, merging, outbox, records
from store.audit import Action
from store.database import Database, changed_rows
from store.dues import OpenDue, cancel_dues, finish_dues, open_dues
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.members import logins
from store.outbox import OutboxState, OutgoingKind, OutgoingRow
from store.records import Name, RecordKind
from store.schema import Attachment, CaseFile, Message, new_id

CONTACT = "contact"


class NotFound(Exception):
    """There is no such case, message or attachment at this desk."""


class Changed(Exception):
    """Another wrote to this case since it was read: look again, then decide."""


class NotDecidable(Exception):
    """A report has no such part that a person may correct."""


@dataclass(frozen=True)
class CaseMessage:
    """One message of a case. `content`, `contact`, `report` are {} where the mail could not be read or understood."""

    id: str
    state: str
    received_at: datetime
    taken_in_at: datetime
    seen_before: bool
    sender_is_new: bool
    content: Mapping[str, Any]
    contact: Mapping[str, Any]
    report: Mapping[str, Any]
    masked_text: str


@dataclass(frozen=True)
class Decision:
    value: Any
    by: str
    at: datetime


@dataclass(frozen=True)
class FirstLook:
    """The three questions: is it clear, can it be a breach of integrity, how serious is it."""

    clear: bool
    breach: bool
    severity: Severity


@dataclass(frozen=True)
class FirstLookTaken:
    answers: FirstLook
    by: str
    at: datetime


@dataclass(frozen=True)
class Closing:
    """How a case ended, and who approved that."""

    outcome: Outcome
    approver: str
    at: datetime


@dataclass(frozen=True)
class Note:
    id: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Event:
    """A row of the timeline; `by` is the member's log-in name, None where the program acted by itself."""

    at: datetime
    action: Action
    by: str | None
    subject_id: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Outgoing:
    """A mail to the reporter or the desk; the copy's parts are None where none was kept."""

    id: str
    kind: OutgoingKind
    state: OutboxState
    created_at: datetime
    sent_at: datetime | None
    bounced: bool
    subject: str | None
    text: str | None
    to: str | None


@dataclass(frozen=True)
class CaseView:
    """A case as its coordinator sees it. Writes hand back `version`."""

    case_id: str
    version: int
    reference: str
    status: Status
    opened_at: datetime
    closed_at: datetime | None
    closing: Closing | None
    linked_case_ids: tuple[str, ...]
    suggested: Mapping[str, Any]
    decisions: Mapping[str, Decision]
    report: Mapping[str, Any]
    contact: Mapping[str, Any]
    first_look: FirstLookTaken | None
    messages: tuple[CaseMessage, ...]
    notes: tuple[Note, ...]
    dues: tuple[OpenDue, ...]
    outgoing: tuple[Outgoing, ...]
    timeline: tuple[Event, ...]


@dataclass(frozen=True)
class Download:
    """A file of a case; `chunks` opens it piece by piece and must be read before its session ends."""

    name: str
    content_type: str
    size: int | None
    chunks: Iterator[bytes]


def view_case(session: Session, ring: KeyRing, case_id: str, now: datetime) -> CaseView:
    """Look at a case: its new messages count as seen, and the look stands on the trail. Raises NotFound."""
    row = _case(session, ring, case_id)
    names = logins(session, ring)
    audit.write(session, ring.desk, Action.LOOK, now, member_id=ring.member_id, case_id=case_id)
    session.flush()
    messages = _messages(session, ring, case_id)
    changed_rows(
        session, update(Message).where(Message.case_id == case_id, Message.seen_at.is_(None)).values(seen_at=now)
    )
    trusted = [message for message in messages if not message.sender_is_new]
    suggested = merging.suggested([message.report for message in trusted])
    decisions, _ = records.opened_json_or_none(session, ring, Name(case_id, case_id, RecordKind.DECISIONS))
    first_look, _ = records.opened_json_or_none(session, ring, Name(case_id, case_id, RecordKind.FIRST_LOOK))
    corrected, _ = records.opened_json_or_none(session, ring, Name(case_id, case_id, RecordKind.CONTACT))
    card = records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD))
    return CaseView(
        case_id=case_id,
        version=row.version,
        reference=card["reference"],
        status=Status(row.status),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closing=_closing(session, ring, row),
        linked_case_ids=_linked(session, row),
        suggested=suggested,
        decisions={
            part: Decision(each["value"], names.get(each["by"], ""), datetime.fromisoformat(each["at"]))
            for part, each in (decisions or {}).items()
        },
        report=merging.decided(suggested, decisions or {}, first_look),
        contact=merging.contact([message.contact for message in trusted], (corrected or {}).get("value")),
        first_look=_first_look(first_look, names),
        messages=messages,
        notes=_notes(session, ring, case_id, names),
        dues=open_dues(session, case_id),
        outgoing=_outgoing(session, ring, case_id),
        timeline=tuple(
            Event(each.at, each.action, names.get(each.member_id or ""), each.subject_id, each.detail)
            for each in audit.timeline(session, ring, case_id)
        ),
    )


def decide(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    part: str,
    value: Any,
    *,
    version: int,
    now: datetime,
) -> int:
    """Accept or correct a part of the report, or the contact details; gives the case's new version.

    Raises NotFound, Changed, NotDecidable.
    """
    if part not in (*merging.DECIDABLE, CONTACT):
        raise NotDecidable("This part of a report is not there to be corrected.")
    row = _claim_version(session, ring, case_id, version)
    decision = {"value": value, "by": ring.member_id, "at": now.isoformat()}
    if part == CONTACT:
        # who the reporter is goes to the identity key, and not into the trail's detail
        _write_next(session, ring, index, case_id, RecordKind.CONTACT, decision, now)
        _audit(session, ring, index, case_id, Action.DECIDE, now, {"part": part})
        return row.version
    decisions, _ = records.opened_json_or_none(session, ring, Name(case_id, case_id, RecordKind.DECISIONS))
    _write_next(session, ring, index, case_id, RecordKind.DECISIONS, {**(decisions or {}), part: decision}, now)
    _change_card(session, ring, index, case_id, {part: value}, now)
    _audit(session, ring, index, case_id, Action.DECIDE, now, {"part": part, "value": value})
    return row.version


def answer_first_look(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, answers: FirstLook, *, version: int, now: datetime
) -> int:
    """Answer the three questions; the first look is due no longer. Gives the new version. Raises NotFound, Changed."""
    row = _claim_version(session, ring, case_id, version)
    given = {"clear": answers.clear, "breach": answers.breach, "severity": answers.severity}
    taken = {**given, "by": ring.member_id, "at": now.isoformat()}
    _write_next(session, ring, index, case_id, RecordKind.FIRST_LOOK, taken, now)
    _change_card(session, ring, index, case_id, {"severity": answers.severity}, now)
    finish_dues(session, case_id, [DueKind.FIRST_LOOK])
    _audit(session, ring, index, case_id, Action.FIRST_LOOK, now, given)
    return row.version


def change_status(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    status: Status,
    *,
    version: int,
    now: datetime,
    outcome: Outcome | None = None,
    approver: str = "",
) -> int:
    """Take a case to another status; gives the new version. Raises NotFound, Changed, TransitionNotAllowed.

    A case that is closed or set aside is due nothing, and the mailer forgets its reporter.
    """
    seen = _case(session, ring, case_id)
    before = Status(seen.status)
    if seen.version == version:  # else `before` is not what the member saw, and the claim says so
        check_transition(before, status)
    row = _claim_version(session, ring, case_id, version)
    row.status = status
    if status in OPEN:
        row.closed_at = None
    else:
        row.closed_at = now
        cancel_dues(session, case_id)
        outbox.cancel(session, case_id, [OutgoingKind.REMINDER], now)
        mailer_contact.forget(session, case_id)
    if outcome is not None:
        closing = {"outcome": outcome, "approver": approver, "at": now.isoformat(), "by": ring.member_id}
        _write_next(session, ring, index, case_id, RecordKind.OUTCOME, closing, now)
    _audit(session, ring, index, case_id, Action.STATUS, now, {"from": before, "to": status, "outcome": outcome})
    session.flush()
    return row.version


def add_note(session: Session, ring: KeyRing, index: IndexKey, case_id: str, text: str, now: datetime) -> str:
    """Add a note; gives its id. A note overwrites nothing, so it asks for no version. Raises NotFound."""
    _case(session, ring, case_id)
    note_id = new_id()
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
    content = {"text": text, "by": ring.member_id, "at": now.isoformat()}
    name = Name(case_id, note_id, RecordKind.NOTE)
    records.write_json(session, name, content, to, now, member_id=ring.member_id)
    audit.write(session, ring.desk, Action.NOTE, now, member_id=ring.member_id, case_id=case_id, subject_id=note_id)
    session.flush()
    return note_id


def held_outgoing(session: Session, ring: KeyRing) -> tuple[OutgoingRow, ...]:
    """Mails that wait for one word of the coordinator, oldest first."""
    return outbox.held(session, ring.desk)


def release_receipts(session: Session, ring: KeyRing, ids: Iterable[str], now: datetime) -> int:
    """Say that word: these held mails may go. Tells how many were still held."""
    cases = {row.id: row.case_id for row in outbox.held(session, ring.desk)}
    released = outbox.release(session, ring.desk, ids)
    for outbox_id in released:
        audit.write(
            session,
            ring.desk,
            Action.RELEASE,
            now,
            member_id=ring.member_id,
            case_id=cases.get(outbox_id),
            subject_id=outbox_id,
        )
    session.flush()
    return len(released)


@contextmanager
def download_attachment(
    db: Database, ring: KeyRing, case_id: str, attachment_id: str, now: datetime
) -> Iterator[Download]:
    """An attachment, byte for byte as it came; the download is on the trail before it begins. Raises NotFound."""
    with db.begin() as session:
        _case(session, ring, case_id)
        message_id = session.scalars(
            select(Message.id)
            .join(Attachment, Attachment.message_id == Message.id)
            .where(Attachment.id == attachment_id, Message.case_id == case_id)
        ).one_or_none()
        if message_id is None:
            raise NotFound("There is no such attachment in this case.")
        _audit_download(session, ring, case_id, attachment_id, now)
    with db.read() as session:
        content = records.opened_json(session, ring, Name(case_id, message_id, RecordKind.MESSAGE))
        about = next(each for each in content["attachments"] if each["id"] == attachment_id)
        chunks = records.chunks(session, ring, Name(case_id, attachment_id, RecordKind.ATTACHMENT))
        yield Download(about["name"], about["content_type"], about["size"], chunks)


@contextmanager
def download_raw(db: Database, ring: KeyRing, case_id: str, message_id: str, now: datetime) -> Iterator[Download]:
    """A mail as it came, whole. Raises NotFound."""
    with db.begin() as session:
        _case(session, ring, case_id)
        if (
            session.scalars(select(Message.id).where(Message.id == message_id, Message.case_id == case_id)).first()
            is None
        ):
            raise NotFound("There is no such message in this case.")
        _audit_download(session, ring, case_id, message_id, now)
    with db.read() as session:
        chunks = records.chunks(session, ring, Name(case_id, message_id, RecordKind.RAW))
        yield Download(f"{message_id}.eml", "message/rfc822", None, chunks)


def _case(session: Session, ring: KeyRing, case_id: str) -> CaseFile:
    row = session.scalars(select(CaseFile).where(CaseFile.id == case_id, CaseFile.desk == ring.desk)).one_or_none()
    if row is None:
        raise NotFound("There is no such case.")
    return row


def _claim_version(session: Session, ring: KeyRing, case_id: str, version: int) -> CaseFile:
    """Count the case's version up from the one that was seen: of two who saw the same, one wins."""
    statement = (
        update(CaseFile)
        .where(CaseFile.id == case_id, CaseFile.desk == ring.desk, CaseFile.version == version)
        .values(version=version + 1)
    )
    if changed_rows(session, statement) != 1:
        _case(session, ring, case_id)
        raise Changed("Somebody changed this case since you opened it. Look at it again before you decide.")
    row = _case(session, ring, case_id)
    session.refresh(row)
    return row


def _write_next(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    kind: RecordKind,
    content: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write the next version of a record about the case itself, to the key that its kind belongs to."""
    name = Name(case_id, case_id, kind)
    key = KeyKind.IDENTITY if kind is RecordKind.CONTACT else KeyKind.CASE
    to = newest_proven(session, index, ring.desk, key, case_id)
    version = records.newest_version(session, ring.desk, name) + 1
    records.write_json(session, name, content, to, now, version=version, member_id=ring.member_id)


def _change_card(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, parts: Mapping[str, Any], now: datetime
) -> None:
    card = records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD))
    _write_next(session, ring, index, case_id, RecordKind.CARD, {**card, **parts}, now)


def _audit(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    action: Action,
    now: datetime,
    detail: Mapping[str, Any],
) -> None:
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
    audit.write(session, ring.desk, action, now, member_id=ring.member_id, case_id=case_id, detail=detail, to=to)
    session.flush()


def _audit_download(session: Session, ring: KeyRing, case_id: str, subject_id: str, now: datetime) -> None:
    audit.write(
        session, ring.desk, Action.DOWNLOAD, now, member_id=ring.member_id, case_id=case_id, subject_id=subject_id
    )


def _messages(session: Session, ring: KeyRing, case_id: str) -> tuple[CaseMessage, ...]:
    rows = session.scalars(
        select(Message).where(Message.case_id == case_id).order_by(Message.taken_in_at, Message.received_at)
    ).all()
    contents = records.opened_of_case(session, ring, case_id, RecordKind.MESSAGE)
    contacts = records.opened_of_case(session, ring, case_id, RecordKind.CONTACT)
    reports = records.opened_of_case(session, ring, case_id, RecordKind.REPORT)
    masked = records.opened_of_case(session, ring, case_id, RecordKind.MASKED)
    return tuple(
        CaseMessage(
            id=row.id,
            state=row.state,
            received_at=row.received_at,
            taken_in_at=row.taken_in_at,
            seen_before=row.seen_at is not None,
            sender_is_new=bool(contents[row.id].get("sender_is_new")),
            content=contents[row.id],
            contact=contacts[row.id],
            report=reports[row.id],
            masked_text=masked[row.id]["text"],
        )
        for row in rows
    )


def _first_look(taken: Mapping[str, Any] | None, names: Mapping[str, str]) -> FirstLookTaken | None:
    if taken is None:
        return None
    answers = FirstLook(taken["clear"], taken["breach"], Severity(taken["severity"]))
    return FirstLookTaken(answers, names.get(taken["by"], ""), datetime.fromisoformat(taken["at"]))


def _closing(session: Session, ring: KeyRing, row: CaseFile) -> Closing | None:
    closing, _ = records.opened_json_or_none(session, ring, Name(row.id, row.id, RecordKind.OUTCOME))
    if closing is None or row.closed_at is None:
        return None
    return Closing(Outcome(closing["outcome"]), closing["approver"], datetime.fromisoformat(closing["at"]))


def _linked(session: Session, row: CaseFile) -> tuple[str, ...]:
    """Cases linked to this one, in either direction."""
    pointing_here = session.scalars(
        select(CaseFile.id).where(CaseFile.desk == row.desk, CaseFile.linked_case_id == row.id)
    )
    return tuple(dict.fromkeys([*([row.linked_case_id] if row.linked_case_id else []), *pointing_here]))


def _notes(session: Session, ring: KeyRing, case_id: str, names: Mapping[str, str]) -> tuple[Note, ...]:
    found = records.opened_of_case(session, ring, case_id, RecordKind.NOTE)
    return tuple(
        Note(note_id, note["text"], names.get(note["by"], ""), datetime.fromisoformat(note["at"]))
        for note_id, note in found.items()
    )


def _outgoing(session: Session, ring: KeyRing, case_id: str) -> tuple[Outgoing, ...]:
    copies = records.opened_of_case(session, ring, case_id, RecordKind.OUTGOING)

    def with_copy(row: OutgoingRow) -> Outgoing:
        copy = copies.get(row.id, {})
        return Outgoing(
            id=row.id,
            kind=row.kind,
            state=row.state,
            created_at=row.created_at,
            sent_at=row.sent_at,
            bounced=row.bounce_message_id is not None,
            subject=copy.get("subject"),
            text=copy.get("text"),
            to=copy.get("to"),
        )

    return tuple(with_copy(row) for row in outbox.of_case(session, case_id))
