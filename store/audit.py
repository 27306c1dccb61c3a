"""The trail: who did what, when. Rows are added, never changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store import chains
from store.frame import Context, SealError
from store.keyring import KeyRing, NoSuchKey, PublicPair, genuine_desk_pair, pair
from store.schema import Audit, new_id
from store.sealing import open_sealed, seal

_DETAIL = "audit-detail"


class Action(StrEnum):
    """What a row of the trail tells."""

    INTAKE = "intake"
    ENTERED = "entered"  # a member entered a report that did not come by mail
    RECEIPT_DECIDED = "receipt_decided"  # which receipt a mail got by itself, or why none
    RECORD = "record"  # a sealed record was written: its digest stands in the row
    RESEALED = "resealed"  # a record was sealed to another key: the digest that it has now
    DETAIL_RESEALED = "detail_resealed"  # the detail of the row that `subject_id` names, sealed to another key
    ACCESS_GRANTED = "access_granted"
    ACCESS_WITHDRAWN = "access_withdrawn"
    SHUT_OUT = "shut_out"  # a member is kept out of a case, since it is about them or near them
    IDENTITY_OPENED = "identity_opened"  # a member read who reported, for the reason in the detail
    KEYS_ANEW = "keys_anew"  # a case got new keys
    KEYS_DESTROYED = "keys_destroyed"  # the private half of a case's key before is gone: nothing names it
    LOOK = "look"
    FOUND = "found"  # a search showed passages of the case
    LOOK_LIST = "look_list"  # at several cases at once: which, stands in the detail
    LOOK_REFUSED = "look_refused"  # a member asked for what is not theirs to see, or not there
    DOWNLOAD = "download"
    TRANSLATED = "translated"  # a member had a message translated, by a program of the desk's machine
    SAFE_COPY = "safe_copy"  # a member took a file as pictures or text of it
    EXPORT = "export"
    READ_AGAIN = "read_again"  # a member had a mail taken apart once more
    DECIDE = "decide"
    FIRST_LOOK = "first_look"
    DECISION_UNDONE = "decision_undone"
    FIRST_LOOK_UNDONE = "first_look_undone"
    MINUTES_ANSWERED = "minutes_answered"  # what the reporter answered to the minutes of what they said
    MINUTES_UNANSWERED = "minutes_unanswered"  # what was noted of that is taken back
    STATUS = "status"
    TAKEN = "taken"  # the member that `subject_id` names has the case from now on
    GIVEN_BACK = "given_back"  # nobody has the case any more: it was the member's that `subject_id` names
    MERGED = "merged"  # into the case that `subject_id` names
    MERGED_HERE = "merged_here"  # the case that `subject_id` names, into this one
    MERGER_UNDONE = "merger_undone"  # with the case that `subject_id` names
    SPLIT_OFF = "split_off"  # a message, into the new case that `subject_id` names
    SPLIT_FROM = "split_from"  # the case that `subject_id` names
    DUE_DONE = "due_done"
    DUE_REOPENED = "due_reopened"
    NOTE = "note"
    RELEASE = "release"
    MAIL_QUEUED = "mail_queued"
    MAIL_SENT = "mail_sent"
    MAIL_FAILED = "mail_failed"
    MAIL_UNCERTAIN = "mail_uncertain"
    MAIL_CANCELLED = "mail_cancelled"
    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    LOGOUT = "logout"
    SESSION_ENDED = (
        "session_ended"  # by somebody else than who was logged in, or from elsewhere: `subject_id` names whose
    )
    DESK_CREATED = "desk_created"
    TRAIL_CHAINED = "trail_chained"  # rows before the one that it names carry no hash
    MEMBER_ADDED = "member_added"
    MEMBER_LEFT = "member_left"
    MEMBER_RETURNED = "member_returned"
    MEMBER_ROLE = "member_role"  # a member has another role now
    DESK_KEY_TAKEN = "desk_key_taken"  # a member who had the desk's key shall not have it any more: make it anew
    PASSPHRASE = "passphrase"  # noqa: S105 - a member chose a new one
    ROTATION_BEGUN = "rotation_begun"  # the desk has a new key: `subject_id` names the pair
    DESK_KEY_DESTROYED = "desk_key_destroyed"  # the private half of a desk's key before is gone: nothing names it
    RECOVERY_RENEWED = "recovery_renewed"  # there is a new recovery key: `subject_id` names the pair
    RECOVERY_KEY_ENDED = "recovery_key_ended"  # nothing is sealed to a recovery key before any more
    MAILER_KEY_ANEW = "mailer_key_anew"  # the mailer has a new key: `subject_id` names the pair
    MAILER_KEY_ENDED = "mailer_key_ended"  # nothing is sealed to a mailer's key before any more
    RECOVERED = "recovered"  # somebody was given access by the recovery key
    SECOND_FACTOR_SET = "second_factor_set"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    SECOND_FACTOR_RESET = "second_factor_reset"  # another member took all of theirs away
    SECOND_FACTOR_FAILED = "second_factor_failed"  # after the right passphrase
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_USED = "passkey_used"
    PASSKEY_UNLOCKS = "passkey_unlocks"  # it opens its member's access by itself from now on
    PASSKEY_REFUSED = "passkey_refused"  # the passkey itself, or what it was to answer
    CONSENT_ASKED = "consent_asked"  # for something that takes two members
    CONSENT_GIVEN = "consent_given"
    CONSENT_TAKEN_BACK = "consent_taken_back"
    CONSENT_USED = "consent_used"
    TAUGHT = "taught"  # a member had a model of the desk's learn from the case
    MODEL_TRAINED = "model_trained"
    MODEL_REFUSED = "model_refused"  # it did worse than the one before
    MODEL_CHOSEN = "model_chosen"
    MODEL_WITHDRAWN = "model_withdrawn"  # a case that it had seen is gone
    HOLD_SET = "hold_set"  # the case is not to be destroyed
    HOLD_LIFTED = "hold_lifted"
    DESTROY_ORDERED = "destroy_ordered"  # by a member, before its time
    DESTROY_BEGUN = "destroy_begun"  # its keys are gone
    DESTROYED = "destroyed"  # its rows are gone
    DECLARED = "declared"  # a member signed the declaration of it
    FIGURES_GIVEN = "figures_given"  # a member gave the figures of a year to those who read figures alone
    BACKED_UP = "backed_up"  # all key records were copied, too
    BACKUP_OF_THEN = "backup_of_then"  # the moment of the backup that the next row says was put back
    RESTORED = "restored"  # a backup was put into the place of the database
    OUTBOX_RESUMED = "outbox_resumed"  # a member had mail go out again after a restore


PLACE: ContextVar[str] = ContextVar("place", default="")
"""From where a person acts: an address of the network, or the command line. It stands in sealed details alone."""

COMMAND_LINE = "command line"

_WITHOUT_CONTENT = (
    *(Action.LOOK, Action.LOOK_REFUSED, Action.DOWNLOAD),
    *(Action.SAFE_COPY, Action.TRANSLATED, Action.EXPORT),
)
"""Rows about a case whose detail tells no more than the place: a timeline need not open it."""

_DIGESTS = (Action.RECORD, Action.RESEALED)


@dataclass(frozen=True)
class Entry:
    """One row, its detail opened."""

    at: datetime
    action: Action
    member_id: str | None
    subject_id: str | None
    record_kind: str | None
    detail: Mapping[str, Any]


def write(
    session: Session,
    desk: str,
    action: Action,
    now: datetime,
    *,
    member_id: str | None = None,
    case_id: str | None = None,
    subject_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
    to: PublicPair | None = None,
) -> None:
    """Add a row. A detail is content: it is sealed to the key `to` (a case's own, so that it goes with the case), and
    left out where there is none. With it goes the place, where one is known."""
    sealed: dict[str, Any] = {}
    if to is not None and PLACE.get():
        detail = {**(detail or {}), "place": PLACE.get()}
    if detail is not None and to is not None:
        detail_id = new_id()
        context = Context(desk, case_id or "", _DETAIL, detail_id, to.generation, 1)
        frame = seal(json.dumps(detail, ensure_ascii=False).encode(), to.public, context)
        sealed = {"detail_id": detail_id, "key_pair_id": to.id, "detail": frame}
    _add(session, desk, now, action, member_id=member_id, case_id=case_id, subject_id=subject_id, **sealed)


def write_look(
    session: Session,
    ring: KeyRing,
    action: Action,
    now: datetime,
    *,
    case_id: str | None = None,
    subject_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add the row of a person who looks at something. Its detail, the place with it, is sealed to the desk."""
    write(
        *(session, ring.desk, action, now),
        member_id=ring.member_id,
        case_id=case_id,
        subject_id=subject_id,
        detail=detail,
        to=genuine_desk_pair(session, ring) if detail or PLACE.get() else None,
    )


def write_record(
    session: Session,
    desk: str,
    now: datetime,
    *,
    member_id: str | None,
    case_id: str | None,
    subject_id: str,
    kind: str,
    version: int,
    sha256: bytes,
    action: Action = Action.RECORD,
) -> None:
    """Add the row that holds a sealed record's digest."""
    _add(
        session,
        desk,
        now,
        action,
        member_id=member_id,
        case_id=case_id,
        subject_id=subject_id,
        record_kind=kind,
        record_version=version,
        sha256=sha256,
    )


def timeline(session: Session, ring: KeyRing, case_id: str) -> tuple[Entry, ...]:
    """What happened to a case, oldest first; without the rows that only hold a digest or a detail of another.

    A detail that cannot be opened is {}: it hides no other row.
    """
    found = session.scalars(
        select(Audit)
        .where(Audit.desk == ring.desk, Audit.case_id == case_id, Audit.action.not_in(_DIGESTS))
        .order_by(Audit.at, Audit.id)
    ).all()
    resealed = _copies(found)

    def detail(row: Audit) -> Mapping[str, Any]:
        if row.action in _WITHOUT_CONTENT:
            return {}
        copies = (_copied(session, ring, copy) for copy in resealed.get(row.detail_id or "", ()))
        return next((each for each in copies if each), None) or _detail(session, ring, row)

    return tuple(
        Entry(row.at, Action(row.action), row.member_id, row.subject_id, row.record_kind, detail(row))
        for row in found
        if row.action != Action.DETAIL_RESEALED
    )


def reseal_details(
    session: Session, ring: KeyRing, case_id: str | None, old: Collection[str], to: PublicPair, now: datetime
) -> int:
    """Write each detail of a case that is sealed to one of the key pairs `old` anew, sealed to the key `to`; with None
    each that belongs to no case.

    Rows of the trail are never changed: a row of its own holds the copy, and names the detail that it is of. Gives how
    many details cannot be opened; these are left out, as they would be when shown.
    """
    found = session.scalars(
        select(Audit)
        .where(Audit.desk == ring.desk, Audit.case_id == case_id, Audit.key_pair_id.in_([*old, to.id]))
        .order_by(Audit.id.desc())
    ).all()
    done = {
        row.subject_id if row.action == Action.DETAIL_RESEALED else row.detail_id
        for row in found
        if row.key_pair_id == to.id
    }
    lost = set()
    for row in found:
        of = row.subject_id if row.action == Action.DETAIL_RESEALED else row.detail_id
        if of is None or of in done:
            continue
        detail = _copied(session, ring, row) if row.action == Action.DETAIL_RESEALED else _detail(session, ring, row)
        if not detail:
            lost.add(of)
            continue
        done.add(of)
        copied = {"of": of, "detail": detail}
        write(
            *(session, ring.desk, Action.DETAIL_RESEALED, now),
            member_id=ring.member_id,
            case_id=case_id,
            subject_id=of,
            detail=copied,
            to=to,
        )
    return len(lost - done)


def _copies(found: Iterable[Audit]) -> Mapping[str, Sequence[Audit]]:
    """The copies of each detail, by its id, newest first."""
    copies: dict[str, list[Audit]] = {}
    for row in found:
        if row.action == Action.DETAIL_RESEALED:
            copies.setdefault(row.subject_id or "", []).insert(0, row)
    return copies


def _copied(session: Session, ring: KeyRing, copy: Audit) -> Mapping[str, Any]:
    """The detail that a row is a copy of, if it names the one that it was sealed for."""
    opened = _detail(session, ring, copy)
    detail: Mapping[str, Any] = opened.get("detail", {}) if opened.get("of") == copy.subject_id else {}
    return detail


def _add(session: Session, desk: str, now: datetime, action: Action, **more: Any) -> None:
    chains.add(session, {"desk": desk, "at": now, "action": action, **more})


def _detail(session: Session, ring: KeyRing, row: Audit) -> Mapping[str, Any]:
    if row.detail is None or row.key_pair_id is None or row.detail_id is None:
        return {}
    try:
        to = pair(session, row.key_pair_id)
        context = Context(row.desk, row.case_id or "", _DETAIL, row.detail_id, to.generation, 1)
        opened: Mapping[str, Any] = json.loads(open_sealed(row.detail, ring.private(session, to.id), context))
    except (SealError, NoSuchKey, ValueError):
        return {}
    return opened
