"""What the desk reads of a case. Every look and download is a row on the trail, with the member who took it.

A case of another desk is `NotFound`, as one that never was. What the desk writes: see `store/changes.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from cases.lifecycle import Outcome, Status
from cases.minutes import MinutesAnswer
from cases.terms import OF_THE_DESK, DoneReason, DueKind
from config.taxonomy import Severity
from store import audit, merging, outbox, records
from store.audit import Action
from store.authentic import Standing, Witness
from store.database import Database, changed_rows
from store.dues import OpenDue, open_dues
from store.keypairs import KeyKind
from store.keyring import KeyRing, NoSuchKey
from store.members import logins
from store.outbox import OutboxState, OutgoingKind, OutgoingRow
from store.reach import within_reach
from store.records import OF_THE_IDENTITY, Name, Opened, RecordKind
from store.schema import Attachment, CaseFile, KeyPair, Message

_NOT_DESTROYED = select(CaseFile).where(CaseFile.id == bindparam("of_case"), CaseFile.status != Status.DESTROYED)
UNKNOWN = "?"
"""In the place of a member's log-in name, for who cannot read it: it is sealed to the desk's key."""


class NotFound(Exception):
    """There is no such case, message or attachment at this desk."""


@dataclass(frozen=True)
class CaseMessage:
    """One message of a case. `content`, `contact`, `report` are {} where the mail could not be read or understood.

    `brought`: by a merger, of a case whose reporter wrote it.
    `masked_subject` and `file_types`, of the files that are no part of another, tell nothing of who wrote it; both are
    empty in a message that was taken in before they were kept.
    """

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
    masked_subject: str = ""
    file_types: tuple[str, ...] = ()
    standing: Standing = Standing.GENUINE
    brought: bool = False


@dataclass(frozen=True)
class Decision:
    value: Any
    by: str
    at: datetime


@dataclass(frozen=True)
class ContactWritten:
    """Who wrote down who the reporter is, and when. Is it a correction, that can be undone?"""

    by: str
    at: datetime
    can_be_undone: bool


@dataclass(frozen=True)
class MinutesAnswered:
    """What the reporter answered to the minutes, on which day; who noted that, and when. `corrections`: what has to
    stand otherwise, "" for who does not open who reported."""

    answer: MinutesAnswer
    on: date
    corrections: str = field(repr=False)
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
    """`by` is who signed it; of one from before signatures, who is said to have written it. One that Meldpost did not
    write has neither author nor time."""

    id: str
    text: str
    by: str
    at: datetime | None
    standing: Standing = Standing.GENUINE


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
    """A mail to the reporter or the desk; the copy's parts are None where none was kept.

    `by`: the log-in name of the member who signed it, None for what the program wrote. `files`: what went with it.
    `leads_to`: the status that its case gets when it goes.
    """

    id: str
    kind: OutgoingKind
    state: OutboxState
    created_at: datetime
    not_before: datetime
    sent_at: datetime | None
    bounce_message_id: str | None
    subject: str | None
    text: str | None
    to: str | None
    by: str | None = None
    purpose: str | None = None
    language: str | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    leads_to: str | None = None

    @property
    def bounced(self) -> bool:
        """Did a message come that says that this one will not arrive?"""
        return self.bounce_message_id is not None


@dataclass(frozen=True)
class Holder:
    """The member who has a case, by their log-in name."""

    member_id: str
    login: str


@dataclass(frozen=True)
class CaseView:
    """A case as its coordinator sees it. Changes hand back `version`; `received_at` is when its first mail arrived.

    `damaged` counts the records that cannot be opened, or are there no more; what they held is shown as if it were not
    there. `foreign` are the kinds of records about the case itself that Meldpost did not write: they have no effect.
    `unsigned` are those from before there were signatures, which have.
    `merged_into`: where its messages are, if it was merged. `holder`: who has it.
    `opens_identity`: does the member have the key to who reported? Without it messages are their masked text alone.
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
    foreign: tuple[RecordKind, ...] = ()
    unsigned: tuple[RecordKind, ...] = ()
    opens_identity: bool = True
    merged_into: str | None = None
    holder: Holder | None = None
    contact_written: ContactWritten | None = None
    minutes: MinutesAnswered | None = None

    @property
    def next_due(self) -> OpenDue | None:
        """What a person has to see to first."""
        return next((due for due in self.dues if due.kind in OF_THE_DESK), None)

    def without_identity(self) -> CaseView:
        """The same without what the identity key opens: as who was not given who reported sees it, but for marks that
        tell nothing of them."""
        return replace(
            self,
            contact={},
            contact_written=None,
            minutes=replace(self.minutes, corrections="") if self.minutes else None,
            messages=tuple(replace(each, content=_marks_alone(each.content), contact={}) for each in self.messages),
            outgoing=tuple(replace(each, subject=None, text=None, to=None, files=()) for each in self.outgoing),
            opens_identity=False,
        )


@dataclass(frozen=True)
class Download:
    """A file of a case; `chunks` opens it piece by piece and must be read before its session ends.

    `about` is what was found of an attachment when it was read, in the shape of docs/flow.md.
    """

    name: str
    content_type: str
    size: int | None
    chunks: Iterator[bytes]
    about: Mapping[str, Any] = field(default_factory=dict, repr=False)


def view_case(session: Session, ring: KeyRing, case_id: str, now: datetime) -> CaseView:
    """Look at a case: its new messages count as seen, and the look stands on the trail. Raises NotFound.

    The case stays locked until the transaction ends, so that its card can be renewed by what was seen.
    """
    case_row(session, ring, case_id, lock=True)  # whoever renews the card by this view is the only one
    audit.write_look(session, ring, Action.LOOK, now, case_id=case_id)
    session.flush()
    view = case_as_it_is(session, ring, case_id)
    changed_rows(
        session, update(Message).where(Message.case_id == case_id, Message.seen_at.is_(None)).values(seen_at=now)
    )
    if not all(message.seen_before for message in view.messages[1:]):
        records.changed(session, case_id)  # what the index says of follow-ups that nobody read
    return view


def case_as_it_is(session: Session, ring: KeyRing, case_id: str) -> CaseView:
    """The same for a change that goes by all that is known of a case; nobody looks at it. Raises NotFound."""
    row = case_row(session, ring, case_id)
    names = {ring.member_id: ring.login, **logins(session, ring)}
    sealed = _Sealed(session, ring, case_id, opens_identity(session, ring, case_id))
    messages = _messages(session, sealed)
    genuine = [each for each in messages if each.standing is not Standing.FOREIGN]
    trusted = [each for each in genuine if not each.sender_is_new]
    brought = [each for each in genuine if each.sender_is_new and each.brought]
    suggested = merging.suggested([each.report for each in trusted], [each.report for each in brought])
    decisions, first_look = sealed.one(RecordKind.DECISIONS), sealed.one(RecordKind.FIRST_LOOK)
    decided, looked = (
        decisions.content if decisions else {},
        merging.look_taken(first_look.content if first_look else None),
    )
    corrected = (sealed.content(RecordKind.CONTACT) or {}).get("value") if sealed.identity else None
    dues = open_dues(session, case_id)
    timeline = _timeline(session, ring, case_id, names)
    return CaseView(
        case_id=case_id,
        version=row.version,
        reference=(sealed.content(RecordKind.CARD) or {}).get("reference", ""),
        status=Status(row.status),
        received_at=min((message.received_at for message in messages), default=row.opened_at),
        closed_at=row.closed_at,
        closing=_closing(sealed, row),
        linked_case_ids=_linked(session, ring, row),
        suggested=suggested,
        decisions=_decisions(sealed, decisions, names) if decisions else {},
        report=merging.decided(suggested, decided, looked, corrected),
        contact=merging.contact([message.contact for message in trusted], corrected),
        first_look=_first_look(first_look if looked else None, names),
        messages=messages,
        notes=_notes(sealed, names),
        dues=dues,
        done=_done(timeline, {due.kind for due in dues}),
        outgoing=_outgoing(session, sealed, names),
        timeline=timeline,
        damaged=sealed.damaged + records.gone(session, ring, case_id),
        foreign=tuple(sealed.foreign),
        unsigned=tuple(sealed.unsigned),
        opens_identity=sealed.identity,
        merged_into=row.merged_into_id if row.status == Status.MERGED else None,
        holder=Holder(row.taken_by_id, names.get(row.taken_by_id, UNKNOWN)) if row.taken_by_id else None,
        contact_written=_contact_written(sealed, names) if corrected else None,
        minutes=_minutes(sealed, names),
    )


@dataclass
class _Sealed:
    """The sealed records of a case, and what is wrong with those that were looked for."""

    session: Session
    ring: KeyRing
    case_id: str
    identity: bool
    damaged: int = 0
    foreign: list[RecordKind] = field(default_factory=list)
    unsigned: list[RecordKind] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._witness = Witness(self.session, self.ring)

    def one(self, kind: RecordKind) -> Opened | None:
        """The record about the case itself; None where there is none that can be opened, or it counts for nothing."""
        try:
            found = records.marked(self.session, self.ring, self.name(kind), self._witness)
        except records.CANNOT_OPEN:
            self.damaged += 1
            return None
        if found is not None and found.standing is Standing.FOREIGN:
            self.foreign.append(kind)
        if found is not None and found.standing is Standing.BEFORE:
            self.unsigned.append(kind)
        return found if found is not None and found.counts else None

    def content(self, kind: RecordKind) -> Mapping[str, Any] | None:
        found = self.one(kind)
        return found.content if found else None

    def all(self, kind: RecordKind) -> Mapping[str, Opened]:
        """The records about the parts of a case, also those that Meldpost did not write: they are shown as that."""
        if kind in OF_THE_IDENTITY and not self.identity:
            return {}
        found = records.marked_of_case(self.session, self.ring, self.case_id, kind, self._witness)
        parts = {subject_id: each for subject_id, each in found.items() if subject_id != self.case_id}
        self.damaged += sum(each is None for each in parts.values())
        return {subject_id: each for subject_id, each in parts.items() if each is not None}

    def name(self, kind: RecordKind) -> Name:
        return Name(self.case_id, self.case_id, kind)


def _marks_alone(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of what a message says: did a machine write it, is its sender doubtful, could it be opened, is there a virus?"""
    kept = {part: content[part] for part in ("automatic", "flags", "scan") if part in content}
    protection = content.get("protection")
    if protection:
        kept["protection"] = {part: protection.get(part) for part in ("encrypted", "opened", "reason")}
    return kept


def held_outgoing(session: Session, ring: KeyRing) -> tuple[OutgoingRow, ...]:
    """Mails that wait for one word of the coordinator, oldest first."""
    held = outbox.held(session, ring.desk)
    cases = select(CaseFile.id).where(CaseFile.id.in_({row.case_id for row in held if row.case_id}))
    reached = set(session.scalars(cases.where(within_reach(ring, by_desk=False))))
    return tuple(row for row in held if row.case_id is None or row.case_id in reached)


@contextmanager
def download_attachment(
    db: Database,
    ring: KeyRing,
    case_id: str,
    attachment_id: str,
    now: datetime,
    action: Action = Action.DOWNLOAD,
) -> Iterator[Download]:
    """An attachment, byte for byte as it came; what is done with it is on the trail first. Raises NotFound."""
    with db.begin() as session:
        case_row(session, ring, case_id)
        message_id = session.scalars(
            select(Message.id)
            .join(Attachment, Attachment.message_id == Message.id)
            .where(Attachment.id == attachment_id, Message.case_id == case_id)
        ).one_or_none()
        if message_id is None:
            raise NotFound("There is no such attachment in this case.")
        _audit_download(session, ring, case_id, attachment_id, now, action)
    with db.read() as session:
        content = records.opened_json(session, ring, Name(case_id, message_id, RecordKind.MESSAGE))
        about = next((each for each in content["attachments"] if each["id"] == attachment_id), None)
        if about is None:  # of an earlier reading of the mail
            raise NotFound("There is no such attachment in this case any more.")
        chunks = records.chunks(session, ring, Name(case_id, attachment_id, RecordKind.ATTACHMENT))
        yield Download(about["name"], about["content_type"], about["size"], chunks, about)


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
    """The row of a case that the member's keys reach. Raises NotFound, as of one that never was."""
    found = _NOT_DESTROYED.where(within_reach(ring))
    row = session.scalars(found.with_for_update() if lock else found, {"of_case": case_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such case.")
    return row


def opens_identity(session: Session, ring: KeyRing, case_id: str) -> bool:
    """Does this key ring open who reported a case?"""
    newest = select(KeyPair.id).where(
        KeyPair.desk == ring.desk, KeyPair.owner == case_id, KeyPair.kind == KeyKind.IDENTITY
    )
    for key_pair_id in session.scalars(newest.order_by(KeyPair.generation.desc())):
        try:
            ring.private(session, key_pair_id)
        except NoSuchKey:
            continue
        return True
    return False


def _audit_download(
    session: Session, ring: KeyRing, case_id: str, subject_id: str, now: datetime, action: Action = Action.DOWNLOAD
) -> None:
    audit.write_look(session, ring, action, now, case_id=case_id, subject_id=subject_id)


def _messages(session: Session, sealed: _Sealed) -> tuple[CaseMessage, ...]:
    rows = session.scalars(
        select(Message).where(Message.case_id == sealed.case_id).order_by(Message.taken_in_at, Message.received_at)
    ).all()
    kinds = (RecordKind.MESSAGE, RecordKind.CONTACT, RecordKind.REPORT, RecordKind.MASKED)
    found = {kind: sealed.all(kind) for kind in kinds}

    def of(row: Message, kind: RecordKind) -> Mapping[str, Any]:
        return found[kind][row.id].content if row.id in found[kind] else {}

    def standing(row: Message) -> Standing:
        each = {found[kind][row.id].standing for kind in kinds if row.id in found[kind]}
        return Standing.FOREIGN if Standing.FOREIGN in each else Standing.GENUINE

    return tuple(
        CaseMessage(
            id=row.id,
            state=row.state,
            received_at=row.received_at,
            taken_in_at=row.taken_in_at,
            seen_before=row.seen_at is not None,
            sender_is_new=_is_new(sealed, of(row, RecordKind.MESSAGE), of(row, RecordKind.MASKED), row is rows[0]),
            content=of(row, RecordKind.MESSAGE),
            contact=of(row, RecordKind.CONTACT),
            report=of(row, RecordKind.REPORT),
            masked_text=of(row, RecordKind.MASKED).get("text", ""),
            masked_subject=of(row, RecordKind.MASKED).get("subject", ""),
            file_types=tuple(of(row, RecordKind.MASKED).get("file_types", ())),
            standing=standing(row),
            brought=bool(of(row, RecordKind.MESSAGE if sealed.identity else RecordKind.MASKED).get("brought")),
        )
        for row in rows
    )


def _is_new(sealed: _Sealed, content: Mapping[str, Any], masked: Mapping[str, Any], first: bool) -> bool:
    """Is the sender new to the case? Nobody vouches for a damaged message. A case begins with its own reporter's."""
    if sealed.identity:
        return bool(content.get("sender_is_new", True))
    return bool(masked.get("sender_is_new", not first))


def _decisions(sealed: _Sealed, found: Opened, names: Mapping[str, str]) -> Mapping[str, Decision]:
    """What was decided, and by whom. A member signs all decisions at once, also those that others took before: each is
    theirs who signed it first."""
    by = {part: each["by"] for part, each in found.content.items()}
    if any(author_id != found.author_id for author_id in by.values()):
        for version in reversed(records.history(sealed.session, sealed.ring, sealed.name(RecordKind.DECISIONS))):
            for part, each in version.content.items():
                if found.content.get(part) == each:
                    by[part] = version.author_id or each["by"]
    return {
        part: Decision(each["value"], names.get(by[part], ""), datetime.fromisoformat(each["at"]))
        for part, each in found.content.items()
    }


def _contact_written(sealed: _Sealed, names: Mapping[str, str]) -> ContactWritten:
    """Of a case where a person wrote down who the reporter is."""
    written = records.history(sealed.session, sealed.ring, sealed.name(RecordKind.CONTACT))
    contents = [each.content for each in written]
    first = written[contents.index(contents[-1])]  # an undo signs anew what somebody else wrote
    at = datetime.fromisoformat(first.content["at"])
    return ContactWritten(_author(first, names), at, merging.contact_before(contents) is not None)


def _minutes(sealed: _Sealed, names: Mapping[str, str]) -> MinutesAnswered | None:
    found = sealed.one(RecordKind.APPROVAL)
    if found is None or found.content.get("taken_back"):
        return None
    answer = MinutesAnswer(found.content["answer"])
    opened = answer is MinutesAnswer.CORRECTED and sealed.identity
    corrections = sealed.content(RecordKind.CORRECTIONS) if opened else None
    return MinutesAnswered(
        answer,
        date.fromisoformat(found.content["on"]),
        (corrections or {}).get("text", ""),
        _author(found, names),
        datetime.fromisoformat(found.content["at"]),
    )


def _author(found: Opened, names: Mapping[str, str]) -> str:
    """Who signed this; where nobody did, who is said to have written it."""
    return names.get(found.author_id or found.content["by"], "")


def _first_look(taken: Opened | None, names: Mapping[str, str]) -> FirstLookTaken | None:
    if taken is None:
        return None
    answers = FirstLook(taken.content["clear"], taken.content["breach"], Severity(taken.content["severity"]))
    return FirstLookTaken(answers, _author(taken, names), datetime.fromisoformat(taken.content["at"]))


def _closing(sealed: _Sealed, row: CaseFile) -> Closing | None:
    closing = sealed.content(RecordKind.OUTCOME)
    if closing is None or row.status != Status.CLOSED:
        return None  # reopened since, or reopened and then set aside
    return Closing(Outcome(closing["outcome"]), closing["approver"], datetime.fromisoformat(closing["at"]))


def _linked(session: Session, ring: KeyRing, row: CaseFile) -> tuple[str, ...]:
    """Cases linked to this one, in either direction, as far as the member's keys reach them."""
    ways = [CaseFile.linked_case_id == row.id]
    if row.linked_case_id is not None:  # that an id is nothing no index knows: all cases were read
        ways.append(CaseFile.id == row.linked_case_id)
    found = session.scalars(
        select(CaseFile.id)
        .where(or_(*ways), within_reach(ring, by_desk=False), CaseFile.status != Status.DESTROYED)
        .order_by(CaseFile.opened_at)
    ).all()
    first = [case_id for case_id in found if case_id == row.linked_case_id]
    return tuple(dict.fromkeys([*first, *found]))


def _timeline(session: Session, ring: KeyRing, case_id: str, names: Mapping[str, str]) -> tuple[Event, ...]:
    return tuple(
        Event(each.at, each.action, _by(each.member_id, names), each.subject_id, _named(each.detail, names))
        for each in audit.timeline(session, ring, case_id)
    )


def _by(member_id: str | None, names: Mapping[str, str]) -> str | None:
    return None if member_id is None else names.get(member_id, UNKNOWN)


def _named(detail: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    """A detail that names a member, with their log-in name."""
    return {**detail, "member_name": names.get(detail["member"], UNKNOWN)} if "member" in detail else detail


def _done(timeline: Iterable[Event], due: Collection[DueKind]) -> tuple[DoneDue, ...]:
    """What a person said is done, and is not due again."""
    done: dict[DueKind, DoneDue] = {}
    for event in timeline:
        if event.action is Action.DUE_DONE and event.detail:
            kind, reason = DueKind(event.detail["due"]), DoneReason(event.detail["reason"])
            done[kind] = DoneDue(kind, reason, event.by or "", event.at)
    return tuple(each for kind, each in done.items() if kind not in due)


def _notes(sealed: _Sealed, names: Mapping[str, str]) -> tuple[Note, ...]:
    found = sealed.all(RecordKind.NOTE)
    return tuple(_note(note_id, note, names) for note_id, note in found.items())


def _note(note_id: str, note: Opened, names: Mapping[str, str]) -> Note:
    if not note.counts:  # what it says of its author and its time is anybody's word
        return Note(note_id, str(note.content.get("text") or ""), "", None, note.standing)
    at = datetime.fromisoformat(note.content["at"])
    return Note(note_id, note.content["text"], _author(note, names), at, note.standing)


def _outgoing(session: Session, sealed: _Sealed, names: Mapping[str, str]) -> tuple[Outgoing, ...]:
    copies = sealed.all(RecordKind.OUTGOING)

    def with_copy(row: OutgoingRow) -> Outgoing:
        found = copies.get(row.id)
        copy = found.content if found else {}
        author = found.author_id if found else None
        return Outgoing(
            id=row.id,
            kind=row.kind,
            state=row.state,
            created_at=row.created_at,
            not_before=row.not_before,
            sent_at=row.sent_at,
            bounce_message_id=row.bounce_message_id,
            subject=copy.get("subject"),
            text=copy.get("text"),
            to=copy.get("to"),
            by=None if author is None else names.get(author, UNKNOWN),
            purpose=copy.get("purpose"),
            language=copy.get("language"),
            files=tuple(copy.get("files") or ()),
            leads_to=copy.get("leads_to"),
        )

    return tuple(with_copy(row) for row in outbox.of_case(session, sealed.case_id))
