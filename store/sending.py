"""Sending what waits in the outbox: one sender a mail, one conditional UPDATE a step, on the database's clock.

A claim is the right to send one mail for a while; `sending` is committed just before DATA. Who lost a claim changes
nothing. `sends` counts how often a server may have taken a mail: twice at most, with the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from cases.lifecycle import TRANSITIONS, Status
from store import audit
from store.audit import Action
from store.database import Database, changed_rows, clock, database_now
from store.keypairs import KeyKind, PrivateKey
from store.keyring import PublicPair, UnprovenKey, newest_proven
from store.lookups import IndexKey
from store.outbox import Mail, OutboxState, OutgoingKind, frame_context, note, unpacked
from store.schema import CaseFile, Desk, KeyPair, MailCap, Message, Outbox, new_id
from store.sealing import open_sealed

_MAY_BE_TAKEN_TWICE = 2
_CAPS_COUNT = timedelta(days=2)  # the longest cap counts a day
_UNDER_WAY = {OutboxState.QUEUED, OutboxState.SENDING, OutboxState.UNCERTAIN}


@dataclass(frozen=True)
class Claim:
    """The right to send one mail, for a while. `sends`: how often a server may have taken it before."""

    outbox_id: str
    token: str
    desk: str
    case_id: str | None
    kind: OutgoingKind
    attempt: int
    sends: int
    created_at: datetime
    lease_seconds: float
    key_generation: int
    frame: bytes = field(repr=False)


def claim(db: Database, lease_seconds: float, sealed_to: Collection[bytes] | None = None) -> Claim | None:
    """Take the next mail to send, for a while; None when there is none.

    `sealed_to`: the public keys whose private halves the sender has; what is sealed to others is left alone, to who
    has those. None: whatever it is sealed to.
    """
    while True:
        with db.begin() as session:
            row = session.scalars(
                select(Outbox)
                .where(_claimable(), *_opened_by(sealed_to))
                .order_by(Outbox.not_before, Outbox.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).one_or_none()
            if row is None or row.frame is None:
                return None
            claimed = _as_claim(session, row, row.frame, lease_seconds)
            statement = (
                update(Outbox)
                .where(Outbox.id == row.id, _claimable())
                .values(claim=claimed.token, lease_until=database_now(lease_seconds), attempts=Outbox.attempts + 1)
            )
            if changed_rows(session, statement) == 1:
                return claimed


def open_claim(claimed: Claim, mailer: PrivateKey) -> Mail:
    """Open what is to be sent. Raises SealError."""
    context = frame_context(claimed.desk, claimed.outbox_id, claimed.key_generation)
    return unpacked(open_sealed(claimed.frame, mailer, context))


def mark_sending(db: Database, claimed: Claim) -> bool:
    """Commit that DATA comes next. False: the lease ran out, or the mail was cancelled or paused; do not send.

    The lease begins anew, so that it covers the transaction that follows.
    """
    with db.begin() as session:
        statement = (
            update(Outbox)
            .where(
                _held_by(claimed),
                Outbox.state.in_([OutboxState.QUEUED, OutboxState.UNCERTAIN]),
                Outbox.lease_until > database_now(),
                _not_paused(),
            )
            .values(
                state=OutboxState.SENDING,
                sends=Outbox.sends + 1,
                lease_until=database_now(claimed.lease_seconds),
            )
        )
        return changed_rows(session, statement) == 1


def mark_sent(db: Database, claimed: Claim, also: Callable[[Session, datetime], None] | None = None) -> bool:
    """The server took it. `also` runs in the same transaction. False: another sent it meanwhile."""
    with db.begin() as session:
        hit = _settle(session, claimed, OutboxState.SENT, {OutboxState.SENDING, OutboxState.UNCERTAIN})
        if hit:
            now = clock(session)
            audit.write(
                session, claimed.desk, Action.MAIL_SENT, now, case_id=claimed.case_id, subject_id=claimed.outbox_id
            )
            if also:
                also(session, now)
        return hit


def mark_failed(db: Database, claimed: Claim, index: IndexKey, reason: str) -> bool:
    """It is given up (refused for good, say). `reason` is a slug; it stands on the trail of its case, sealed."""
    with db.begin() as session:
        hit = _settle(session, claimed, OutboxState.FAILED, _UNDER_WAY)
        if hit:
            audit.write(
                session,
                claimed.desk,
                Action.MAIL_FAILED,
                clock(session),
                case_id=claimed.case_id,
                subject_id=claimed.outbox_id,
                detail={"reason": reason},
                to=key_of_the_case(session, claimed, index),
            )
        return hit


def key_of_the_case(session: Session, claimed: Claim, index: IndexKey) -> PublicPair | None:
    """What a detail of the trail is sealed to; None where there is no such key: no mail is held up for that."""
    if claimed.case_id is None:
        return None
    try:
        return newest_proven(session, index, claimed.desk, KeyKind.CASE, claimed.case_id)
    except UnprovenKey:
        return None


def lead_on(session: Session, claimed: Claim, after: Status, now: datetime, to: PublicPair | None) -> bool:
    """A letter went out: its case stands where the letter leads, unless no step leads there any more, or a message came
    in since it was written, which a person has to see to first. The version stays: it counts what persons write."""
    row = session.scalars(select(CaseFile).where(CaseFile.id == claimed.case_id).with_for_update()).one_or_none()
    came = exists().where(Message.case_id == claimed.case_id, Message.taken_in_at > claimed.created_at)
    if row is None or after not in TRANSITIONS[Status(row.status)] or session.scalar(select(came)):
        return False
    detail = {"from": row.status, "to": after, "outcome": None}
    row.status = after
    session.flush()
    audit.write(session, claimed.desk, Action.STATUS, now, case_id=claimed.case_id, detail=detail, to=to)
    return True


def mark_retry(db: Database, claimed: Claim, delay_seconds: float) -> bool:
    """It was surely not taken (no connection, 4yz): the row is as it was before the claim, for later."""
    with db.begin() as session:
        statement = (
            update(Outbox)
            .where(_held_by(claimed), Outbox.state.in_(_UNDER_WAY))
            .values(
                state=OutboxState.UNCERTAIN if claimed.sends else OutboxState.QUEUED,
                sends=claimed.sends,
                claim=None,
                lease_until=None,
                not_before=database_now(delay_seconds),
            )
        )
        return changed_rows(session, statement) == 1


def mark_uncertain(db: Database, claimed: Claim, delay_seconds: float) -> bool:
    """The line broke after DATA began: nobody knows. It is sent once more at most, after a while."""
    with db.begin() as session:
        statement = (
            update(Outbox)
            .where(_held_by(claimed), Outbox.state == OutboxState.SENDING)
            .values(state=OutboxState.UNCERTAIN, claim=None, lease_until=None, not_before=database_now(delay_seconds))
        )
        hit = changed_rows(session, statement) == 1
        if hit:
            note(session, Action.MAIL_UNCERTAIN, claimed.desk, claimed.case_id, claimed.outbox_id)
        return hit


def sweep(db: Database) -> int:
    """Mails found `sending` after their lease become `uncertain`; tells how many. Old marks of the caps go."""
    with db.begin() as session:
        session.execute(delete(MailCap).where(MailCap.at < clock(session) - _CAPS_COUNT))
        lost = (Outbox.state == OutboxState.SENDING, Outbox.lease_until < database_now())
        rows = session.scalars(select(Outbox).where(*lost).with_for_update(skip_locked=True)).all()
        count = 0
        for row in rows:
            # the claim stays: its holder may still wake up and tell that the server took it
            statement = update(Outbox).where(Outbox.id == row.id, *lost).values(state=OutboxState.UNCERTAIN)
            if changed_rows(session, statement) == 1:
                count += 1
                note(session, Action.MAIL_UNCERTAIN, row.desk, row.case_id, row.id)
        return count


def give_up_uncertain(db: Database, also: Callable[[Session, Claim, datetime], None]) -> int:
    """Mails that a server may have taken twice are not sent again: they stay `uncertain`, and their content goes.

    `also` runs in the transaction of each, while its content is there. Tells how many.
    """
    spent = (
        Outbox.state == OutboxState.UNCERTAIN,
        Outbox.sends >= _MAY_BE_TAKEN_TWICE,
        Outbox.frame.is_not(None),
        _is_free(),
    )
    count = 0
    while True:
        with db.begin() as session:
            row = session.scalars(
                select(Outbox).where(*spent).order_by(Outbox.id).limit(1).with_for_update(skip_locked=True)
            ).one_or_none()
            if row is None or row.frame is None:
                return count
            claimed = _as_claim(session, row, row.frame, 0)
            # as in the sweep, its last sender may still tell what became of it
            statement = update(Outbox).where(Outbox.id == row.id, *spent).values(frame=None, settled_at=database_now())
            if changed_rows(session, statement) == 1:
                count += 1
                also(session, claimed, clock(session))


def _settle(session: Session, claimed: Claim, state: OutboxState, from_states: Collection[OutboxState]) -> bool:
    statement = (
        update(Outbox)
        .where(_held_by(claimed), Outbox.state.in_(list(from_states)))
        .values(state=state, settled_at=database_now(), frame=None, claim=None, lease_until=None)
    )
    return changed_rows(session, statement) == 1


def _as_claim(session: Session, row: Outbox, frame: bytes, lease_seconds: float) -> Claim:
    return Claim(
        outbox_id=row.id,
        token=new_id(),
        desk=row.desk,
        case_id=row.case_id,
        kind=OutgoingKind(row.kind),
        attempt=row.attempts + 1,
        sends=row.sends,
        created_at=row.created_at,
        lease_seconds=lease_seconds,
        key_generation=session.get_one(KeyPair, row.key_pair_id).generation,
        frame=frame,
    )


def _held_by(claimed: Claim) -> ColumnElement[bool]:
    return (Outbox.id == claimed.outbox_id) & (Outbox.claim == claimed.token)


def _claimable() -> ColumnElement[bool]:
    once_more = (Outbox.state == OutboxState.UNCERTAIN) & (Outbox.sends < _MAY_BE_TAKEN_TWICE)
    return (
        ((Outbox.state == OutboxState.QUEUED) | once_more)
        & Outbox.frame.is_not(None)
        & (Outbox.not_before <= database_now())
        & _is_free()
        & _not_paused()
    )


def _opened_by(publics: Collection[bytes] | None) -> tuple[ColumnElement[bool], ...]:
    if publics is None:
        return ()
    return (exists().where(KeyPair.id == Outbox.key_pair_id, KeyPair.public.in_(list(publics))),)


def _is_free() -> ColumnElement[bool]:
    return Outbox.lease_until.is_(None) | (Outbox.lease_until < database_now())


def _not_paused() -> ColumnElement[bool]:
    return exists().where(Desk.slug == Outbox.desk, Desk.outbox_paused_at.is_(None))
