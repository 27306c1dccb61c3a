"""Mails on their way out: written in the transaction that wants them sent, and what became of them.

A row goes `queued` (or `held` for a person's word) -> `sending`, committed just before DATA -> `sent` or `failed`. A
row found `sending` after its lease is `uncertain`: a server may have taken it. It is sent once more at most, with the
same Message-ID, and that is the only window in which a mail goes out twice; after that it stays `uncertain`. `sends`
counts how often a server may have taken it. The content goes when nothing more is to be sent. The steps of sending are
in `store.sending`.
"""

from __future__ import annotations

import json
import secrets
import struct
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from store import audit, records, rows
from store.audit import Action
from store.database import changed_rows, clock, database_now
from store.frame import Context
from store.keypairs import KeyKind
from store.keyring import PublicPair, newest_proven
from store.lookups import CAP_HALF, IndexKey
from store.records import Name, RecordKind
from store.rows import table_of
from store.schema import Desk, MailCap, Message, Outbox, new_id
from store.sealing import seal
from store.signing import Author

_FRAME = "outbox"
_LENGTH = struct.Struct(">I")


class OutboxState(StrEnum):
    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OutgoingKind(StrEnum):
    """What a mail of ours is; never what the report is that it answers."""

    RECEIPT = "receipt"
    REMINDER = "reminder"
    NOTICE = "notice"
    LETTER = "letter"  # what a person wrote to a reporter


# What is asked for every mail is built once, on the tables themselves (`store.rows.table_of`).
_OUTBOX, _CAPS, _MESSAGES = table_of(Outbox), table_of(MailCap), table_of(Message)
_UNREACHABLE = (
    select(_OUTBOX.c.member_id)
    .join(_MESSAGES, _MESSAGES.c.id == _OUTBOX.c.bounce_message_id)
    .where(_OUTBOX.c.desk == bindparam("desk"), _OUTBOX.c.bounce_message_id.is_not(None))  # few of all that ever went
    .where(_OUTBOX.c.member_id.is_not(None), _MESSAGES.c.taken_in_at >= bindparam("since"))
)
_COUNTED = (
    select(func.count()).select_from(_CAPS).where(_CAPS.c.desk == bindparam("desk"), _CAPS.c.at >= bindparam("since"))
)
_TO_ADDRESS = _COUNTED.where(_CAPS.c.digest.in_(bindparam("digests", expanding=True)))
# neither what waits for a person's word nor what was taken back; what was released went when it was
_MOVING = [state for state in OutboxState if state not in (OutboxState.HELD, OutboxState.CANCELLED)]
_BY_ITSELF = [OutgoingKind.RECEIPT, OutgoingKind.REMINDER]  # what a person writes spends nothing of their caps
_ON_THEIR_WAY = (
    select(func.count())
    .select_from(_OUTBOX)
    .where(_OUTBOX.c.kind.in_(_BY_ITSELF), _OUTBOX.c.state.in_(_MOVING))
    .where(_OUTBOX.c.not_before >= bindparam("since"))
)
_IN_CASE = _ON_THEIR_WAY.where(_OUTBOX.c.case_id == bindparam("case_id"))
_IN_ALL = _ON_THEIR_WAY.where(_OUTBOX.c.desk == bindparam("desk"))


@dataclass(frozen=True)
class NewOutgoing:
    """A mail to send. `id` is made first (`new_outbox_id`), since Message-ID and addresses hold its token.

    `caps` are `IndexKey.caps(...)[0]` of the recipient, for mail that counts against the caps; None for other mail.
    A held mail counts when it is released (`store.changes`).
    `copy` is what the desk keeps of a mail to a reporter: {kind, subject, text, to}. `member_id`: whom a notice is for.
    `not_before`: it goes then at the earliest; None: at once. `fulfils`: kinds of dues that are met when it went out.
    `leads_to`: the status that its case gets then.
    A mail without a `message_id` gets it, and where answers go, from the sender: the desk signs no token.
    """

    id: str
    kind: OutgoingKind
    case_id: str | None
    recipient: str = field(repr=False)
    mime: bytes = field(repr=False)
    message_id: str = field(repr=False)
    envelope_sender: str = field(repr=False)
    held: bool = False
    caps: bytes | None = field(default=None, repr=False)
    copy: Mapping[str, Any] | None = field(default=None, repr=False)
    member_id: str | None = None
    not_before: datetime | None = None
    fulfils: tuple[str, ...] = ()
    leads_to: str | None = None


@dataclass(frozen=True)
class Mail:
    """An opened mail. `message_id` is empty where the sender still has to say it, and where answers go."""

    recipient: str
    message_id: str
    envelope_sender: str
    mime: bytes
    fulfils: tuple[str, ...] = ()
    leads_to: str | None = None


@dataclass(frozen=True)
class OutgoingRow:
    id: str
    case_id: str | None
    kind: OutgoingKind
    state: OutboxState
    created_at: datetime
    not_before: datetime
    sent_at: datetime | None
    bounce_message_id: str | None

    @property
    def may_have_arrived(self) -> bool:
        return self.state in (OutboxState.SENT, OutboxState.UNCERTAIN)


def new_outbox_id() -> str:
    """72 random bits: short enough for a token in the local part of an address (RFC 5321 §4.5.3.1.1: 64 octets)."""
    return secrets.token_hex(9)


def enqueue(
    session: Session,
    mailer: PublicPair,
    index: IndexKey,
    new: NewOutgoing,
    now: datetime,
    *,
    identity: PublicPair | None = None,
    by: Author | None = None,
) -> None:
    """Write a mail into the outbox, sealed to the mailer, and a copy for the desk, in the caller's transaction.

    `identity` is the case's key where the caller has it already, proven or just made; else it is looked up. `by`: who
    wrote it, where a person did; they sign the copy.
    Raises UnprovenKey, where the copy would be sealed to a key that is not the case's.
    """
    desk = mailer.desk
    rows.add(
        session,
        Outbox,
        id=new.id,
        desk=desk,
        case_id=new.case_id,
        member_id=new.member_id,
        kind=new.kind,
        state=OutboxState.HELD if new.held else OutboxState.QUEUED,
        attempts=0,
        sends=0,
        not_before=new.not_before or now,
        created_at=now,
        key_pair_id=mailer.id,
        frame=seal(packed(new), mailer.public, frame_context(desk, new.id, mailer.generation)),
    )
    if new.caps is not None and not new.held:
        count_against_caps(session, desk, new.caps, now)
    if new.case_id is not None and new.copy is not None:
        identity = identity or newest_proven(session, index, desk, KeyKind.IDENTITY, new.case_id)
        records.add_json(session, Name(new.case_id, new.id, RecordKind.OUTGOING), new.copy, identity, now, by=by)
    written_by = by.member_id if by else None
    audit.write(session, desk, Action.MAIL_QUEUED, now, member_id=written_by, case_id=new.case_id, subject_id=new.id)


def count_against_caps(session: Session, desk: str, digest: bytes, now: datetime) -> None:
    """Note that a mail goes to the address of this digest (`IndexKey.caps(...)[0]`)."""
    rows.add(session, MailCap, id=new_id(), desk=desk, digest=digest, at=now)


def release(session: Session, desk: str, ids: Iterable[str]) -> list[str]:
    """Let held mails go; gives the ids of those that were held."""
    released = []
    for outbox_id in ids:
        statement = (
            update(Outbox)
            .where(Outbox.id == outbox_id, Outbox.desk == desk, Outbox.state == OutboxState.HELD)
            .values(state=OutboxState.QUEUED, not_before=database_now())
        )
        if changed_rows(session, statement) == 1:
            released.append(outbox_id)
    return released


def paused_at(session: Session, desk: str) -> datetime | None:
    """Since when nothing goes out, because the database was restored; None where mail goes out."""
    return session.scalars(select(Desk.outbox_paused_at).where(Desk.slug == desk)).one_or_none()


def resume(session: Session, desk: str, member_id: str, now: datetime) -> bool:
    """Have mail go out again. What is held stays so until it is released. False: it was not paused."""
    paused = update(Desk).where(Desk.slug == desk, Desk.outbox_paused_at.is_not(None))
    hit = changed_rows(session, paused.values(outbox_paused_at=None)) == 1
    if hit:
        audit.write(session, desk, Action.OUTBOX_RESUMED, now, member_id=member_id)
    return hit


def cancel_waiting(session: Session, case_id: str, now: datetime) -> None:
    """The case is closed: no reminder goes out, nor what waits for a person's word. A receipt that is on its way goes
    on: it says that a mail arrived, and it did."""
    cancel(session, case_id, [OutgoingKind.REMINDER], now)
    cancel(session, case_id, [OutgoingKind.RECEIPT], now, states=[OutboxState.HELD])


def cancel(
    session: Session,
    case_id: str,
    kinds: Collection[OutgoingKind],
    now: datetime,
    *,
    states: Collection[OutboxState] = (OutboxState.HELD, OutboxState.QUEUED, OutboxState.UNCERTAIN),
) -> int:
    """Take back mails of a case that are not being sent right now; their content goes. Tells how many.

    What a server may have taken stays `uncertain`, for nobody can take it back; it is not sent again.
    """
    takeable = (
        Outbox.case_id == case_id,
        Outbox.kind.in_(list(kinds)),
        Outbox.state.in_(list(states)),
        Outbox.frame.is_not(None),
    )
    count = 0
    for row in session.scalars(select(Outbox).where(*takeable).with_for_update()).all():
        end = OutboxState.UNCERTAIN if row.state == OutboxState.UNCERTAIN else OutboxState.CANCELLED
        statement = (
            update(Outbox)
            .where(Outbox.id == row.id, Outbox.state == row.state, *takeable)
            .values(state=end, claim=None, lease_until=None, frame=None, settled_at=now)
        )
        if changed_rows(session, statement) == 1:
            count += 1
            if end is OutboxState.CANCELLED:
                audit.write(session, row.desk, Action.MAIL_CANCELLED, now, case_id=case_id, subject_id=row.id)
    return count


def take_back(session: Session, desk: str, outbox_id: str, member_id: str, now: datetime) -> bool:
    """Take one mail back that is not being handed over yet; its content goes. False: it is too late for that."""
    statement = (
        update(Outbox)
        .where(Outbox.id == outbox_id, Outbox.desk == desk, Outbox.sends == 0)
        .where(Outbox.state.in_([OutboxState.QUEUED, OutboxState.HELD]))
        .values(state=OutboxState.CANCELLED, claim=None, lease_until=None, frame=None, settled_at=now)
    )
    if changed_rows(session, statement) != 1:
        return False
    case_id = session.get_one(Outbox, outbox_id).case_id
    audit.write(
        *(session, desk, Action.MAIL_CANCELLED, now), member_id=member_id, case_id=case_id, subject_id=outbox_id
    )
    return True


def with_id(session: Session, desk: str, outbox_id: str) -> OutgoingRow | None:
    """The row of one of a desk's mails."""
    return next(iter(_rows(session, Outbox.desk == desk, Outbox.id == outbox_id)), None)


def note_bounce(session: Session, outbox_id: str, message_id: str) -> None:
    """Tie the message that says so to the mail that will not arrive."""
    changed_rows(session, update(Outbox).where(Outbox.id == outbox_id).values(bounce_message_id=message_id))


def unreachable_members(session: Session, desk: str, since: datetime) -> frozenset[str]:
    """Members of whom a notice came back since then, by id."""
    return frozenset(session.scalars(_UNREACHABLE, {"desk": desk, "since": since}))


def recent_count(session: Session, desk: str, since: datetime, digests: Collection[bytes]) -> int:
    """Mails queued since then to one address (`IndexKey.caps`)."""
    asked = {"desk": desk, "since": since, "digests": list(digests)}
    return session.scalars(_TO_ADDRESS, asked).one()


def recent_count_to_domain(session: Session, desk: str, since: datetime, digests: Collection[bytes]) -> int:
    """Mails queued since then to any address of the domain of this one (`IndexKey.caps`)."""
    asked: dict[str, object] = {"desk": desk, "since": since}
    for number, digest in enumerate(digests):
        half = digest[:CAP_HALF]
        asked |= {f"from{number}": half + bytes(CAP_HALF), f"to{number}": half + b"\xff" * CAP_HALF}
    return session.scalars(_to_domain(len(digests)), asked).one()


def recent_count_in_case(session: Session, case_id: str, since: datetime) -> int:
    """Mails to reporters in one case that went out since then, or are to."""
    return session.scalars(_IN_CASE, {"case_id": case_id, "since": since}).one()


def recent_count_in_all(session: Session, desk: str, since: datetime) -> int:
    """Mails to reporters that went out since then, or are to.

    Members' notices have a cap of their own: else any mail, answered or not, would spend what reporters have.
    """
    return session.scalars(_IN_ALL, {"desk": desk, "since": since}).one()


@cache
def _to_domain(count: int) -> Select[int]:
    """Counts what goes to domains with so many digests."""
    digest = _CAPS.c.digest
    halves = (digest.between(bindparam(f"from{number}"), bindparam(f"to{number}")) for number in range(count))
    return _COUNTED.where(or_(*halves))


def of_case(session: Session, case_id: str) -> tuple[OutgoingRow, ...]:
    """The mails of a case, oldest first."""
    return _rows(session, Outbox.case_id == case_id)


def held(session: Session, desk: str) -> tuple[OutgoingRow, ...]:
    """Mails of a desk that wait for a person's word, oldest first."""
    return _rows(session, Outbox.desk == desk, Outbox.state == OutboxState.HELD)


def counts(session: Session, desk: str) -> dict[OutboxState, int]:
    """How many mails are in each state."""
    query = select(Outbox.state, func.count()).where(Outbox.desk == desk).group_by(Outbox.state)
    found = {OutboxState(state): count for state, count in session.execute(query)}
    return {state: found.get(state, 0) for state in OutboxState}


def note(session: Session, action: Action, desk: str, case_id: str | None, outbox_id: str) -> None:
    audit.write(session, desk, action, clock(session), case_id=case_id, subject_id=outbox_id)


def seal_anew(session: Session, outbox_id: str, content: bytes, to: PublicPair) -> None:
    """Have a mail that waits sealed to another key of the mailer. `content` is what its frame held."""
    frame = seal(content, to.public, frame_context(to.desk, outbox_id, to.generation))
    there = (Outbox.id == outbox_id, Outbox.desk == to.desk, Outbox.frame.is_not(None))
    changed_rows(session, update(Outbox).where(*there).values(key_pair_id=to.id, frame=frame))


def give_up(session: Session, desk: str, outbox_id: str, now: datetime) -> None:
    """No key opens it any more: what waits has failed; of what a server may have taken nothing more is known."""
    waits = (Outbox.id == outbox_id, Outbox.state.in_([OutboxState.HELD, OutboxState.QUEUED]))
    ended = {"state": OutboxState.FAILED, "claim": None, "lease_until": None, "settled_at": now}
    if changed_rows(session, update(Outbox).where(*waits).values(ended)) == 1:
        case_id = session.scalars(select(Outbox.case_id).where(Outbox.id == outbox_id)).one()
        audit.write(session, desk, Action.MAIL_FAILED, now, case_id=case_id, subject_id=outbox_id)
    changed_rows(session, update(Outbox).where(Outbox.id == outbox_id).values(frame=None))


def _rows(session: Session, *which: ColumnElement[bool]) -> tuple[OutgoingRow, ...]:
    found = session.scalars(select(Outbox).where(*which).order_by(Outbox.created_at, Outbox.id))
    return tuple(
        OutgoingRow(
            id=row.id,
            case_id=row.case_id,
            kind=OutgoingKind(row.kind),
            state=OutboxState(row.state),
            created_at=row.created_at,
            not_before=row.not_before,
            sent_at=row.settled_at if row.state == OutboxState.SENT else None,
            bounce_message_id=row.bounce_message_id,
        )
        for row in found
    )


def packed(new: NewOutgoing) -> bytes:
    """A mail as it is sealed to the mailer."""
    head: dict[str, Any] = {
        "recipient": new.recipient,
        "message_id": new.message_id,
        "envelope_sender": new.envelope_sender,
    }
    if new.fulfils:
        head["fulfils"] = new.fulfils
    if new.leads_to:
        head["leads_to"] = new.leads_to
    encoded = json.dumps(head).encode()
    return _LENGTH.pack(len(encoded)) + encoded + new.mime


def unpacked(content: bytes) -> Mail:
    """What `packed` made."""
    (length,) = _LENGTH.unpack_from(content)
    head = json.loads(content[_LENGTH.size : _LENGTH.size + length])
    return Mail(
        head["recipient"],
        head["message_id"],
        head["envelope_sender"],
        content[_LENGTH.size + length :],
        tuple(head.get("fulfils", ())),
        head.get("leads_to"),
    )


def frame_context(desk: str, outbox_id: str, generation: int) -> Context:
    """The place that the frame of an outbox row is bound to."""
    return Context(desk, "", _FRAME, outbox_id, generation, 1)
