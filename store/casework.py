"""What the desk reads of a case. Every look and download is a row on the trail, with the member who took it.

A case of another desk is `NotFound`, as one that never was. What the desk writes: see `store/changes.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases.lifecycle import Outcome, Status
from cases.terms import OF_THE_DESK, DoneReason, DueKind
from config.taxonomy import Severity
from store import audit, merging, outbox, records
from store.audit import Action
from store.database import Database, changed_rows
from store.dues import OpenDue, open_dues
from store.keyring import KeyRing
from store.members import logins
from store.outbox import OutboxState, OutgoingKind, OutgoingRow
from store.records import Name, RecordKind
from store.schema import Attachment, CaseFile, Message


class NotFound(Exception):
    """There is no such case, message or attachment at this desk."""


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
class DoneDue:
    """Something that a person said is done."""

    kind: DueKind
    reason: DoneReason
    by: str
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
    bounce_message_id: str | None
    subject: str | None
    text: str | None
    to: str | None

    @property
    def bounced(self) -> bool:
        """Did a message come that says that this one will not arrive?"""
        return self.bounce_message_id is not None


@dataclass(frozen=True)
class CaseView:
    """A case as its coordinator sees it. Changes hand back `version`; `received_at` is when its first mail arrived.

    `damaged` counts the records that are there and cannot be opened; what they held is shown as if it were not there.
    """

    case_id: str
    version: int
    reference: str
    status: Status
    received_at: datetime
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
    done: tuple[DoneDue, ...]
    outgoing: tuple[Outgoing, ...]
    timeline: tuple[Event, ...]
    damaged: int

    @property
    def next_due(self) -> OpenDue | None:
        """What a person has to see to first."""
        return next((due for due in self.dues if due.kind in OF_THE_DESK), None)


@dataclass(frozen=True)
class Download:
    """A file of a case; `chunks` opens it piece by piece and must be read before its session ends."""

    name: str
    content_type: str
    size: int | None
    chunks: Iterator[bytes]


def view_case(session: Session, ring: KeyRing, case_id: str, now: datetime) -> CaseView:
    """Look at a case: its new messages count as seen, and the look stands on the trail. Raises NotFound.

    The case stays locked until the transaction ends, so that its card can be renewed by what was seen.
    """
    row = case_row(session, ring, case_id, lock=True)  # whoever renews the card by this view is the only one
    names = logins(session, ring)
    audit.write(session, ring.desk, Action.LOOK, now, member_id=ring.member_id, case_id=case_id)
    session.flush()
    sealed = _Sealed(session, ring, case_id)
    messages = _messages(session, sealed)
    changed_rows(
        session, update(Message).where(Message.case_id == case_id, Message.seen_at.is_(None)).values(seen_at=now)
    )
    trusted = [message for message in messages if not message.sender_is_new]
    suggested = merging.suggested([message.report for message in trusted])
    decisions, first_look = sealed.one(RecordKind.DECISIONS) or {}, sealed.one(RecordKind.FIRST_LOOK)
    corrected = (sealed.one(RecordKind.CONTACT) or {}).get("value")
    dues = open_dues(session, case_id)
    timeline = _timeline(session, ring, case_id, names)
    return CaseView(
        case_id=case_id,
        version=row.version,
        reference=(sealed.one(RecordKind.CARD) or {}).get("reference", ""),
        status=Status(row.status),
        received_at=min(message.received_at for message in messages),
        closed_at=row.closed_at,
        closing=_closing(sealed, row),
        linked_case_ids=_linked(session, row),
        suggested=suggested,
        decisions={
            part: Decision(each["value"], names.get(each["by"], ""), datetime.fromisoformat(each["at"]))
            for part, each in decisions.items()
        },
        report=merging.decided(suggested, decisions, first_look, corrected),
        contact=merging.contact([message.contact for message in trusted], corrected),
        first_look=_first_look(first_look, names),
        messages=messages,
        notes=_notes(sealed, names),
        dues=dues,
        done=_done(timeline, {due.kind for due in dues}),
        outgoing=_outgoing(session, sealed),
        timeline=timeline,
        damaged=sealed.damaged,
    )


@dataclass
class _Sealed:
    """The sealed records of a case, and how many of those that were looked for cannot be opened."""

    session: Session
    ring: KeyRing
    case_id: str
    damaged: int = 0

    def one(self, kind: RecordKind) -> Mapping[str, Any] | None:
        """The record about the case itself; None where there is none, or none that can be opened."""
        try:
            return records.opened_json_or_none(self.session, self.ring, Name(self.case_id, self.case_id, kind))[0]
        except records.CANNOT_OPEN:
            self.damaged += 1
            return None

    def all(self, kind: RecordKind) -> Mapping[str, Mapping[str, Any]]:
        found = records.opened_of_case(self.session, self.ring, self.case_id, kind)
        self.damaged += sum(each is None and subject_id != self.case_id for subject_id, each in found.items())
        return {subject_id: each for subject_id, each in found.items() if each is not None}


def held_outgoing(session: Session, ring: KeyRing) -> tuple[OutgoingRow, ...]:
    """Mails that wait for one word of the coordinator, oldest first."""
    return outbox.held(session, ring.desk)


@contextmanager
def download_attachment(
    db: Database, ring: KeyRing, case_id: str, attachment_id: str, now: datetime
) -> Iterator[Download]:
    """An attachment, byte for byte as it came; the download is on the trail before it begins. Raises NotFound."""
    with db.begin() as session:
        case_row(session, ring, case_id)
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
        about = next((each for each in content["attachments"] if each["id"] == attachment_id), None)
        if about is None:  # of an earlier reading of the mail
            raise NotFound("There is no such attachment in this case any more.")
        chunks = records.chunks(session, ring, Name(case_id, attachment_id, RecordKind.ATTACHMENT))
        yield Download(about["name"], about["content_type"], about["size"], chunks)


@contextmanager
def download_raw(db: Database, ring: KeyRing, case_id: str, message_id: str, now: datetime) -> Iterator[Download]:
    """A mail as it came, whole. Raises NotFound."""
    with db.begin() as session:
        case_row(session, ring, case_id)
        if (
            session.scalars(select(Message.id).where(Message.id == message_id, Message.case_id == case_id)).first()
            is None
        ):
            raise NotFound("There is no such message in this case.")
        _audit_download(session, ring, case_id, message_id, now)
    with db.read() as session:
        chunks = records.chunks(session, ring, Name(case_id, message_id, RecordKind.RAW))
        yield Download(f"{message_id}.eml", "message/rfc822", None, chunks)


def case_row(session: Session, ring: KeyRing, case_id: str, *, lock: bool = False) -> CaseFile:
    """The row of a case of the member's own desk. Raises NotFound."""
    found = select(CaseFile).where(CaseFile.id == case_id, CaseFile.desk == ring.desk)
    row = session.scalars(found.with_for_update() if lock else found).one_or_none()
    if row is None:
        raise NotFound("There is no such case.")
    return row


def _audit_download(session: Session, ring: KeyRing, case_id: str, subject_id: str, now: datetime) -> None:
    audit.write(
        session, ring.desk, Action.DOWNLOAD, now, member_id=ring.member_id, case_id=case_id, subject_id=subject_id
    )


def _messages(session: Session, sealed: _Sealed) -> tuple[CaseMessage, ...]:
    rows = session.scalars(
        select(Message).where(Message.case_id == sealed.case_id).order_by(Message.taken_in_at, Message.received_at)
    ).all()
    contents, contacts = sealed.all(RecordKind.MESSAGE), sealed.all(RecordKind.CONTACT)
    reports, masked = sealed.all(RecordKind.REPORT), sealed.all(RecordKind.MASKED)
    return tuple(
        CaseMessage(
            id=row.id,
            state=row.state,
            received_at=row.received_at,
            taken_in_at=row.taken_in_at,
            seen_before=row.seen_at is not None,
            sender_is_new=bool(contents.get(row.id, {}).get("sender_is_new", True)),  # nobody vouches for a damaged one
            content=contents.get(row.id, {}),
            contact=contacts.get(row.id, {}),
            report=reports.get(row.id, {}),
            masked_text=masked.get(row.id, {}).get("text", ""),
        )
        for row in rows
    )


def _first_look(taken: Mapping[str, Any] | None, names: Mapping[str, str]) -> FirstLookTaken | None:
    if taken is None:
        return None
    answers = FirstLook(taken["clear"], taken["breach"], Severity(taken["severity"]))
    return FirstLookTaken(answers, names.get(taken["by"], ""), datetime.fromisoformat(taken["at"]))


def _closing(sealed: _Sealed, row: CaseFile) -> Closing | None:
    closing = sealed.one(RecordKind.OUTCOME)
    if closing is None or row.status != Status.CLOSED:
        return None  # reopened since, or reopened and then set aside
    return Closing(Outcome(closing["outcome"]), closing["approver"], datetime.fromisoformat(closing["at"]))


def _linked(session: Session, row: CaseFile) -> tuple[str, ...]:
    """Cases linked to this one, in either direction."""
    pointing_here = session.scalars(
        select(CaseFile.id).where(CaseFile.desk == row.desk, CaseFile.linked_case_id == row.id)
    )
    return tuple(dict.fromkeys([*([row.linked_case_id] if row.linked_case_id else []), *pointing_here]))


def _timeline(session: Session, ring: KeyRing, case_id: str, names: Mapping[str, str]) -> tuple[Event, ...]:
    return tuple(
        Event(each.at, each.action, names.get(each.member_id or ""), each.subject_id, each.detail)
        for each in audit.timeline(session, ring, case_id)
    )


def _done(timeline: Iterable[Event], due: Collection[DueKind]) -> tuple[DoneDue, ...]:
    """What a person said is done, and is not due again."""
    done: dict[DueKind, DoneDue] = {}
    for event in timeline:
        if event.action is Action.DUE_DONE and event.detail:
            kind, reason = DueKind(event.detail["due"]), DoneReason(event.detail["reason"])
            done[kind] = DoneDue(kind, reason, event.by or "", event.at)
    return tuple(each for kind, each in done.items() if kind not in due)


def _notes(sealed: _Sealed, names: Mapping[str, str]) -> tuple[Note, ...]:
    return tuple(
        Note(note_id, note["text"], names.get(note["by"], ""), datetime.fromisoformat(note["at"]))
        for note_id, note in sealed.all(RecordKind.NOTE).items()
    )


def _outgoing(session: Session, sealed: _Sealed) -> tuple[Outgoing, ...]:
    copies = sealed.all(RecordKind.OUTGOING)

    def with_copy(row: OutgoingRow) -> Outgoing:
        copy = copies.get(row.id, {})
        return Outgoing(
            id=row.id,
            kind=row.kind,
            state=row.state,
            created_at=row.created_at,
            sent_at=row.sent_at,
            bounce_message_id=row.bounce_message_id,
            subject=copy.get("subject"),
            text=copy.get("text"),
            to=copy.get("to"),
        )

    return tuple(with_copy(row) for row in outbox.of_case(session, sealed.case_id))
