"""What a person changes in a case. Every change is a row on the trail, with the member who made it.

A change takes the version of the case that its author saw: where another wrote in between it raises `Changed`, and
nothing is overwritten unseen. What is written is sealed to keys that are proven to be the case's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN, Outcome, Status, check_transition
from cases.retention import ENDED, Policy
from cases.terms import BY_HAND, LOOKS, OF_THE_DESK, DoneReason, DueKind
from config.taxonomy import Severity
from store import audit, mailer_contact, merging, outbox, records, retention
from store.audit import Action
from store.casework import CaseView, FirstLook, case_row, held_outgoing
from store.database import changed_rows
from store.dues import DueState, cancel_dues, finish_dues, reopen_dues
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.outbox import OutgoingKind
from store.records import OF_THE_IDENTITY, Name, RecordKind
from store.schema import CaseFile, new_id


class Changed(Exception):
    """Another wrote to this case since it was read: look again, then decide."""


class NotDecidable(Exception):
    """There is no such thing that a person may correct, or say is done."""


class NotApproved(Exception):
    """A case is closed with an outcome and the name of who approved it, or not at all."""


def decide(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    decided: Mapping[str, Any],
    *,
    version: int,
    now: datetime,
    policy: Policy | None = None,
) -> int:
    """Accept or correct parts of the report, each with a row on the trail; gives the case's new version.

    A reporter is not reminded of what is not missing, and nobody hurries where a person says that it is not urgent. A
    case that has ended is destroyed when `policy` says for what was decided. Raises NotFound, Changed, NotDecidable.
    """
    if not set(decided) <= set(merging.DECIDABLE):
        raise NotDecidable("This part of a report is not there to be corrected.")
    row = claim_version(session, ring, case_id, version)
    decide_on(session, ring, index, case_id, decided, now)
    if Status(row.status) in ENDED and policy is not None:
        retention.plan(session, ring, index, case_id, policy, now)
    return row.version


def decide_on(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, decided: Mapping[str, Any], now: datetime
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The same in a case whose version is claimed; gives all decisions as they were before, and as they are."""
    found = records.marked(session, ring, Name(case_id, case_id, RecordKind.DECISIONS))
    before = found.content if found and found.counts else {}  # what Meldpost did not write gets no signature
    new = {part: {"value": value, "by": ring.member_id, "at": now.isoformat()} for part, value in decided.items()}
    after = {**before, **new}
    write_next(session, ring, index, case_id, RecordKind.DECISIONS, after, now)
    if "severity" in decided and decided["severity"] != Severity.ACUUT:
        cancel_dues(session, case_id, [DueKind.URGENT_LOOK])
    if "missing" in decided and not _missing(session, ring, case_id) <= set(decided["missing"]):
        _stop_asking(session, case_id, now)
    change_card(session, ring, index, case_id, decided, now)
    for part, value in decided.items():
        put_on_the_trail(session, ring, index, case_id, Action.DECIDE, now, {"part": part, "value": value})
    return before, after


def correct_contact(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    contact: Mapping[str, Any],
    *,
    version: int,
    now: datetime,
) -> int:
    """Write down who the reporter is: sealed to the identity key, and not into the trail. Gives the new version.

    A reporter is not reminded of what the desk now knows. Raises NotFound, Changed.
    """
    row = claim_version(session, ring, case_id, version)
    corrected = {"value": contact, "by": ring.member_id, "at": now.isoformat()}
    write_next(session, ring, index, case_id, RecordKind.CONTACT, corrected, now)
    if _missing(session, ring, case_id) & merging.found_in(contact):
        _stop_asking(session, case_id, now)
    put_on_the_trail(session, ring, index, case_id, Action.DECIDE, now, {"part": "contact"})
    return row.version


def answer_first_look(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    answers: FirstLook,
    *,
    version: int,
    now: datetime,
) -> int:
    """Answer the three questions; no look is due any longer. Gives the new version. Raises NotFound, Changed."""
    row = claim_version(session, ring, case_id, version)
    given = {"clear": answers.clear, "breach": answers.breach, "severity": answers.severity}
    taken = {**given, "by": ring.member_id, "at": now.isoformat()}
    write_next(session, ring, index, case_id, RecordKind.FIRST_LOOK, taken, now)
    change_card(session, ring, index, case_id, {"severity": answers.severity}, now)
    finish_dues(session, case_id, LOOKS)
    put_on_the_trail(session, ring, index, case_id, Action.FIRST_LOOK, now, given)
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
    policy: Policy | None = None,
) -> int:
    """Take a case to another status; gives the new version.

    A case that is closed or set aside is due nothing but its destruction, by `policy`, and the mailer forgets its
    reporter. One that is opened again is due what it was due then, when it was due then: the terms of the law did not
    stop.
    Raises NotFound, Changed, TransitionNotAllowed, NotApproved.
    """
    seen = case_row(session, ring, case_id)
    before = Status(seen.status)
    if seen.version == version:  # else `before` is not what the member saw, and the claim says so
        check_transition(before, status)
    if status is Status.CLOSED and (outcome is None or not approver.strip()):
        raise NotApproved("Say with what outcome the case is closed, and who approved that.")
    row = claim_version(session, ring, case_id, version)
    row.status = status
    if status in OPEN:
        row.closed_at = None
        retention.forget(session, case_id)
        if before not in OPEN:
            reopen_dues(session, case_id, unmet(session, ring, case_id), DueState.CANCELLED)
    else:
        row.closed_at = now
        cancel_dues(session, case_id)
        _stop_asking(session, case_id, now)
        outbox.cancel_waiting(session, case_id, now)
    if status is Status.CLOSED:
        closing = {"outcome": outcome, "approver": approver.strip(), "at": now.isoformat(), "by": ring.member_id}
        write_next(session, ring, index, case_id, RecordKind.OUTCOME, closing, now)
    if status in ENDED and policy is not None:
        retention.plan(session, ring, index, case_id, policy, now)
    detail = {"from": before, "to": status, "outcome": outcome}
    put_on_the_trail(session, ring, index, case_id, Action.STATUS, now, detail)
    return row.version


def finish_due(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    kind: DueKind,
    reason: DoneReason,
    *,
    version: int,
    now: datetime,
) -> int:
    """Say that something that was due is done, and how. Gives the new version.

    Raises NotFound, NotDecidable, and Changed, also where it is due no longer.
    """
    if kind not in BY_HAND:
        raise NotDecidable("This is not done by saying so.")
    row = claim_version(session, ring, case_id, version)
    if not finish_dues(session, case_id, [kind]):
        raise Changed("This was done, or called off, since you opened the case.")
    put_on_the_trail(session, ring, index, case_id, Action.DUE_DONE, now, {"due": kind, "reason": reason})
    return row.version


def reopen_due(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, kind: DueKind, *, version: int, now: datetime
) -> int:
    """Take back that something is done: it is due when it was. Gives the new version.

    Raises NotFound, NotDecidable, and Changed, also where it is not done or nothing is due to this case.
    """
    if kind not in BY_HAND:
        raise NotDecidable("This is not done by saying so.")
    row = claim_version(session, ring, case_id, version)
    if row.status not in OPEN or not reopen_dues(session, case_id, [kind], DueState.DONE):
        raise Changed("This was taken back, or the case was ended, since you opened it.")
    put_on_the_trail(session, ring, index, case_id, Action.DUE_REOPENED, now, {"due": kind})
    return row.version


def add_note(session: Session, ring: KeyRing, index: IndexKey, case_id: str, text: str, now: datetime) -> str:
    """Add a note; gives its id. A note overwrites nothing, so it asks for no version. Raises NotFound."""
    case_row(session, ring, case_id)
    note_id = new_id()
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
    content = {"text": text, "by": ring.member_id, "at": now.isoformat()}
    name = Name(case_id, note_id, RecordKind.NOTE)
    records.write_json(session, name, content, to, now, by=ring.author)
    audit.write(session, ring.desk, Action.NOTE, now, member_id=ring.member_id, case_id=case_id, subject_id=note_id)
    session.flush()
    return note_id


def release_receipts(session: Session, ring: KeyRing, index: IndexKey, ids: Iterable[str], now: datetime) -> int:
    """Say the word that held mails wait for: these may go, and count against the caps. Tells how many were still held.

    To whom a mail goes stands in its copy alone; where that cannot be opened, it counts in its case and in all.
    """
    cases = {row.id: row.case_id for row in held_outgoing(session, ring)}
    released = outbox.release(session, ring.desk, [each for each in ids if each in cases])
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
    for copy in records.opened_of_subjects(session, ring, released, RecordKind.OUTGOING).values():
        outbox.count_against_caps(session, ring.desk, index.caps(copy["to"], now)[0], now)
    session.flush()
    return len(released)


def renew_card(session: Session, ring: KeyRing, index: IndexKey, view: CaseView, now: datetime) -> None:
    """Write the card of a case anew where it says other than the case itself, as it was seen in this transaction.

    Intake writes a card once, and opens nothing: what later mails add gets onto it when a person looks. Nothing is
    written of a case that is damaged, holds what Meldpost did not write, or is seen without its reporter: it would say
    less than what is lost.
    """
    if view.damaged or view.foreign or not view.opens_identity:
        return
    written = records.opened_json(session, ring, Name(view.case_id, view.case_id, RecordKind.CARD))
    marked = merging.marks(message.report for message in view.messages)
    alike = (written or {}).get("alike") or {}  # stays what its first mail was like
    card = merging.card(
        view.reference,
        view.report,
        marked,
        merging.scores(view.suggested, view.decisions, is_linked=bool(view.linked_case_ids)),
        alike,
    )
    if card != written:
        write_next(session, ring, index, view.case_id, RecordKind.CARD, card, now)


def unmet(session: Session, ring: KeyRing, case_id: str) -> set[DueKind]:
    """What a case that is opened again may be due."""
    found = records.marked(session, ring, Name(case_id, case_id, RecordKind.FIRST_LOOK))
    looked = found is not None and found.counts and merging.look_taken(found.content)
    return {kind for kind in OF_THE_DESK if not (kind in LOOKS and looked)}


def change_card(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, parts: Mapping[str, Any], now: datetime
) -> None:
    card = records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD))
    write_next(session, ring, index, case_id, RecordKind.CARD, merging.changed_card(card, parts), now)


def _missing(session: Session, ring: KeyRing, case_id: str) -> set[str]:
    """What the card says is missing: what a reporter may have been asked for is among it."""
    card = records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD))
    return set(card.get("missing") or ())


def _stop_asking(session: Session, case_id: str, now: datetime) -> None:
    """Nobody reminds the reporter any more. What exactly is asked only the mailer can open, so all of it ends."""
    cancel_dues(session, case_id, [DueKind.REMINDER])
    outbox.cancel(session, case_id, [OutgoingKind.REMINDER], now)
    mailer_contact.forget(session, case_id)


def claim_version(session: Session, ring: KeyRing, case_id: str, version: int) -> CaseFile:
    """Count the case's version up from the one that was seen: of two who saw the same, one wins."""
    statement = (
        update(CaseFile)
        .where(CaseFile.id == case_id, CaseFile.desk == ring.desk, CaseFile.version == version)
        .values(version=version + 1)
    )
    if changed_rows(session, statement) != 1:
        case_row(session, ring, case_id)
        raise Changed("Somebody changed this case since you opened it. Look at it again before you decide.")
    row = case_row(session, ring, case_id)
    session.refresh(row)
    return row


def write_next(
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
    key = KeyKind.IDENTITY if kind in OF_THE_IDENTITY else KeyKind.CASE
    to = newest_proven(session, index, ring.desk, key, case_id)
    version = records.next_version(session, ring.desk, name)
    records.write_json(session, name, content, to, now, version=version, by=ring.author)


def put_on_the_trail(
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
