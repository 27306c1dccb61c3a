"""Merging a case into another, and undoing that.

The messages go over, sealed anew to the keys of the case that survives. The merged case stays behind with all that
persons wrote in it, by the keys that it has: what it was, who worked on it, and how to undo it. Its reference and its
mails lead to the survivor (`lookups.surviving_case`).

The survivor says of persons concerned, categories and severity what both said. The messages suggest it; where persons
decided, so that suggestions do not count or do not say it, whoever merges decides it, and undoes that by undoing the
merger.

What is due to it becomes due to the survivor, beside what is due there, on the same days: the terms of the law did not
stop, and each reporter was promised an answer. Who opens the survivor reads all of it afterwards, so nobody may be
let in to a case by merging it who is kept out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cases.lifecycle import OPEN, Status
from cases.roles import May
from cases.terms import LOOKS, OF_THE_DESK, DueKind
from store import access_list, audit, dues, lookups, mailer_contact, merging, moving, outbox, records, retention
from store.audit import Action
from store.casework import CaseView, NotFound, case_as_it_is, case_row, opens_identity
from store.changes import Changed, claim_version, decide_on, put_on_the_trail, renew_card, write_next
from store.dues import DueState
from store.intake import CaseKeys
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.moving import CannotMove as CannotMove
from store.outbox import OutboxState, OutgoingKind
from store.records import Name, RecordKind
from store.schema import CaseFile, Due, Message

_ON_THE_WAY = (OutboxState.HELD, OutboxState.QUEUED, OutboxState.SENDING)


class CannotMerge(Exception):
    """These two cases cannot be merged, or not any more; `why` is a slug."""

    def __init__(self, why: str) -> None:
        super().__init__(f"These cases cannot be merged: {why}.")
        self.why = why


@dataclass(frozen=True)
class Merger:
    """What a merger would do. `strangers`: is there a sender whom the survivor does not know?"""

    into: str
    messages: int
    strangers: bool


def consider(session: Session, ring: KeyRing, index: IndexKey, case_id: str, into: str) -> Merger:
    """What merging a case into another would do. Raises NotAllowed, NotFound, CannotMerge, CannotMove."""
    ring.require(May.WRITE)
    _check(session, ring, index, case_row(session, ring, case_id), case_row(session, ring, into))
    messages = _messages(session, case_id)
    known = {
        sender: lookups.knows_address(session, ring.desk, into, index.address(into, sender))
        for sender in (moving.sender_of(session, ring, each) for each in messages)
        if sender
    }
    return Merger(into, len(messages), not all(known.values()))


def merge(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    into: str,
    *,
    version: int,
    into_version: int,
    now: datetime,
) -> None:
    """Merge a case into another. Both as they were seen: `version` and `into_version`.

    Raises NotAllowed, NotFound, Changed, CannotMerge, CannotMove, UnprovenKey.
    """
    ring.require(May.WRITE)
    for each in sorted((case_id, into)):  # two who merge the same two the other way round wait for each other
        case_row(session, ring, each, lock=True)
    row = claim_version(session, ring, case_id, version)
    survivor = claim_version(session, ring, into, into_version)
    _check(session, ring, index, row, survivor)
    to = _keys(session, ring, index, into)
    left, before = (case_as_it_is(session, ring, each) for each in (case_id, into))
    moved = [moving.move_message(session, ring, index, each.id, to, now) for each in _messages(session, case_id)]
    carried = _carry_dues(session, ring, case_id, into)
    status, row.status = row.status, Status.MERGED
    row.merged_into_id, row.closed_at = into, now
    dues.cancel_dues(session, case_id, [kind for kind in DueKind if kind is not DueKind.RECEIPT])
    outbox.cancel(session, case_id, [OutgoingKind.REMINDER], now)
    mailer_contact.forget(session, case_id)
    content = {
        "into": into,
        "status": status,
        "messages": {each.message_id: each.was_new for each in moved},
        "brought": [each.message_id for each in moved if each.was_brought],
        "decided": _decide_as_both(session, ring, index, left, before, now),
        "dues": [[kind, step] for kind, step in carried],
        "at": now.isoformat(),
    }
    _write(session, ring, index, case_id, content, now)
    _note(session, ring, index, case_id, Action.MERGED, into, {"messages": len(moved)}, now)
    _note(session, ring, index, into, Action.MERGED_HERE, case_id, {"messages": len(moved)}, now)
    records.changed(session, into)


def undo(session: Session, ring: KeyRing, index: IndexKey, case_id: str, *, version: int, now: datetime) -> str:
    """Undo a merger; gives the case that survived it. Messages that came since stay there.

    Raises NotAllowed, NotFound, Changed, CannotMerge, CannotMove, UnprovenKey.
    """
    ring.require(May.WRITE)
    if case_row(session, ring, case_id).status != Status.MERGED:
        raise Changed("This case is not merged any more.")
    found = records.opened_json(session, ring, Name(case_id, case_id, RecordKind.MERGER))
    into = str(found["into"])
    for each in sorted((case_id, into)):
        case_row(session, ring, each, lock=True)
    row = claim_version(session, ring, case_id, version)
    survivor = case_row(session, ring, into)
    if row.status != Status.MERGED or row.merged_into_id != into:
        raise Changed("This case is not merged any more.")
    _both_open_to(session, ring, case_id, into)
    if survivor.status not in OPEN:
        raise CannotMerge("ended")
    claim_version(session, ring, into, survivor.version)
    to = _keys(session, ring, index, case_id)
    there = {each.id: each for each in _messages(session, into)}
    back = {message_id: was_new for message_id, was_new in found["messages"].items() if message_id in there}
    if not back:
        raise CannotMerge("nothing_left")
    if len(back) == len(there):
        raise CannotMerge("nothing_stays")
    theirs = {moving.sender_of(session, ring, there[each]) for each in back}
    for message_id, was_new in back.items():
        brought = message_id in found.get("brought", ())
        moving.move_message(session, ring, index, message_id, to, now, sender_is_new=was_new, brought=brought)
    _forget_senders(session, ring, index, into, filter(None, theirs))
    row.status, row.merged_into_id, row.closed_at = found["status"], None, None
    _bring_dues_back(session, case_id, into, [(DueKind(kind), step) for kind, step in found["dues"]])
    _take_decisions_back(session, ring, index, into, found.get("decided") or {}, now)
    for each in (case_id, into):
        renew_card(session, ring, index, case_as_it_is(session, ring, each), now)
    _note(session, ring, index, case_id, Action.MERGER_UNDONE, into, {"messages": len(back)}, now)
    _note(session, ring, index, into, Action.MERGER_UNDONE, case_id, {"messages": len(back)}, now)
    records.changed(session, case_id)
    records.changed(session, into)
    return into


def merged_here(session: Session, ring: KeyRing, case_id: str) -> tuple[str, ...]:
    """The cases that were merged into this one, as far as the member reaches them, oldest first."""
    merged = (CaseFile.desk == ring.desk, CaseFile.status == Status.MERGED)  # few, and found by the queue's index
    found = select(CaseFile.id).where(CaseFile.merged_into_id == case_id, *merged)
    return tuple(
        each for each in session.scalars(found.order_by(CaseFile.opened_at)).all() if _reached(session, ring, each)
    )


def _reached(session: Session, ring: KeyRing, case_id: str) -> bool:
    try:
        case_row(session, ring, case_id)
    except NotFound:
        return False
    return True


def _check(session: Session, ring: KeyRing, index: IndexKey, row: CaseFile, survivor: CaseFile) -> None:
    """Raises CannotMerge."""
    if row.id == survivor.id:
        raise CannotMerge("same")
    if row.status not in OPEN or survivor.status not in OPEN:
        raise CannotMerge("ended")
    _both_open_to(session, ring, row.id, survivor.id)
    if retention.is_held(session, row.id):
        raise CannotMerge("held")
    of_case = outbox.of_case(session, row.id)
    if any(each.kind is OutgoingKind.LETTER and each.state in _ON_THE_WAY for each in of_case):
        raise CannotMerge("letter")
    if row.restricted:  # who is kept out of it must not read it as part of the other
        if not survivor.restricted:
            raise CannotMerge("restricted")
        kept_out = [access_list.read(session, ring, _keys(session, ring, index, each.id)) for each in (row, survivor)]
        if not kept_out[0].shut_out <= kept_out[1].shut_out:
            raise CannotMerge("restricted")


def _both_open_to(session: Session, ring: KeyRing, case_id: str, into: str) -> None:
    """Raises CannotMerge."""
    if not all(opens_identity(session, ring, each) for each in (case_id, into)):
        raise CannotMerge("identity")


def _keys(session: Session, ring: KeyRing, index: IndexKey, case_id: str) -> CaseKeys:
    return CaseKeys(
        case=newest_proven(session, index, ring.desk, KeyKind.CASE, case_id),
        identity=newest_proven(session, index, ring.desk, KeyKind.IDENTITY, case_id),
    )


def _messages(session: Session, case_id: str) -> list[Message]:
    found = select(Message).where(Message.case_id == case_id).order_by(Message.taken_in_at, Message.received_at)
    return list(session.scalars(found))


def _decide_as_both(
    session: Session, ring: KeyRing, index: IndexKey, left: CaseView, before: CaseView, now: datetime
) -> dict[str, Any]:
    """Have the survivor, and its card, say what both cases said; gives the decisions that this took, by their parts,
    each with what was decided there before."""
    into = before.case_id
    view = case_as_it_is(session, ring, into)
    renew_card(session, ring, index, view, now)
    of_persons = set(left.decisions) | set(before.decisions)
    if left.first_look or before.first_look:
        of_persons.add("severity")
    if of_persons & {"categories", "primary"}:
        of_persons |= {"categories", "primary"}
    wanted = merging.both(before.report, left.report)
    values = {
        part: value
        for part, value in wanted.items()
        if part in of_persons and not merging.says(view.report, part, value)
    }
    if not values:
        return {}
    old, new = decide_on(session, ring, index, into, values, now)
    return {part: [old.get(part), new[part]] for part in values}


def _take_decisions_back(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, taken: Mapping[str, Any], now: datetime
) -> None:
    """What a merger decided is as it was before; what somebody decided since stays."""
    found = records.marked(session, ring, Name(case_id, case_id, RecordKind.DECISIONS))
    decided = dict(found.content) if found and found.counts else {}
    back = {part: before for part, (before, by_merger) in taken.items() if decided.get(part) == by_merger}
    if not back:
        return
    kept = {part: each for part, each in decided.items() if part not in back}
    after = kept | {part: before for part, before in back.items() if before}
    write_next(session, ring, index, case_id, RecordKind.DECISIONS, after, now)
    for part in back:
        put_on_the_trail(session, ring, index, case_id, Action.DECISION_UNDONE, now, {"part": part})


def _carry_dues(session: Session, ring: KeyRing, case_id: str, into: str) -> list[tuple[DueKind, int]]:
    """What is due to the one becomes due to the other, each as a step of its own; gives kinds and steps.

    A look that was taken at the survivor is not asked for again: who merges read both. A receipt that is written meets
    its term by itself, so that one stays where it is.
    """
    there = {due.kind for due in dues.open_dues(session, into)}
    looked = set() if there & set(LOOKS) else set(LOOKS)
    written = [each for each in outbox.of_case(session, case_id) if each.kind is OutgoingKind.RECEIPT]
    stays = {DueKind.RECEIPT} if any(each.state in _ON_THE_WAY for each in written) else set()
    carried = []
    for due in dues.open_dues(session, case_id):
        if due.kind not in OF_THE_DESK or due.kind in looked | stays:
            continue
        steps = select(func.count()).select_from(Due).where(Due.case_id == into, Due.kind == due.kind)
        step = session.scalars(steps).one()
        dues.set_due(session, ring.desk, into, due.kind, due.due_at, step=step)
        if due.kind is DueKind.RECEIPT:
            dues.cancel_dues(session, case_id, [DueKind.RECEIPT])
        carried.append((due.kind, step))
    return carried


def _bring_dues_back(session: Session, case_id: str, into: str, carried: Iterable[tuple[DueKind, int]]) -> None:
    """What was carried over is due here again, unless it was done there."""
    for kind, step in carried:
        found = select(Due).where(Due.case_id == into, Due.kind == kind, Due.step == step).with_for_update()
        due = session.scalars(found).one_or_none()
        if due is None or due.state == DueState.DONE:
            done = {"state": DueState.DONE, "settled_at": due.settled_at if due else None}
            session.execute(update(Due).where(Due.case_id == case_id, Due.kind == kind, Due.step == 0).values(done))
            continue
        due.state, due.claim, due.lease_until = DueState.CANCELLED, None, None
        session.flush()
        dues.reopen_dues(session, case_id, [kind], DueState.CANCELLED)


def _forget_senders(session: Session, ring: KeyRing, index: IndexKey, case_id: str, senders: Iterable[str]) -> None:
    """Whoever wrote none of the messages that are left is not known to a case any more."""
    left = {moving.sender_of(session, ring, each) for each in _messages(session, case_id)}
    for sender in set(senders) - left:
        lookups.forget_address(session, ring.desk, case_id, index.address(case_id, sender))


def _write(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, content: Mapping[str, Any], now: datetime
) -> None:
    name = Name(case_id, case_id, RecordKind.MERGER)
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
    version = records.next_version(session, ring.desk, name)
    records.write_json(session, name, content, to, now, version=version, by=ring.author)


def _note(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    action: Action,
    other: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
    audit.write(
        *(session, ring.desk, action, now),
        member_id=ring.member_id,
        case_id=case_id,
        subject_id=other,
        detail=detail,
        to=to,
    )
    session.flush()
