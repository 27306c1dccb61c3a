"""When a case that has ended is to be destroyed: computed by a member who can open it, minded by who cannot.

The day stands in two due rows: one of the notice to the members, one of the destruction itself, which sleeps until that
notice went out. So nothing is destroyed of which the desk did not hear a while before, whatever a clock says. By which
rule it goes is sealed to the desk, for the declaration; so are the figures that stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from cases.lifecycle import Outcome, Status
from cases.overview import PACES, Pace, pace
from cases.retention import ENDED, Policy, Rule, band, ending_of, quarter
from cases.terms import OF_RETENTION, DueKind
from store import audit, dues, merging, records
from store.audit import Action
from store.casework import case_row
from store.database import Database
from store.dues import DueState
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.outbox import OutboxState, OutgoingKind
from store.reach import within_reach
from store.records import CANNOT_OPEN, Name, RecordKind
from store.schema import CaseFile, Due, LegalHold, Message, Outbox, new_id

_BATCH = 200


class OnHold(Exception):
    """A hold on the case is in force already, or none is."""


class NoReason(Exception):
    """What stops a destruction, lifts that, or brings it forward has a reason."""


@dataclass(frozen=True)
class Planned:
    """When a case goes. `destroy_at` is None where no rule applies, or one that keeps it for good."""

    case_id: str
    reference: str
    closed_at: datetime
    destroy_at: datetime | None
    held: bool
    unread: bool
    """A message came in that nobody has looked at: the case is kept until somebody did."""


@dataclass(frozen=True)
class HoldSet:
    case_id: str
    set_at: datetime
    set_by: str


def plan(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, policy: Policy, now: datetime
) -> datetime | None:
    """Compute when a case goes, by how it ended and the main category as decided; gives the moment, None for never.

    For who ended it, in the same transaction, and for all ended ones when the table changed.
    """
    row = case_row(session, ring, case_id)
    card = records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD))
    ending = _ending(session, ring, row)
    if ending is None or row.closed_at is None:
        forget(session, case_id)
        return None
    _write_figures(session, ring, index, row, card, ending, policy, now)
    rule = policy.rule_for(ending, card.get("primary"))
    at = rule.ends_at(row.closed_at, policy.timezone) if rule else None
    if rule is None or at is None:
        dues.cancel_dues(session, case_id, OF_RETENTION)
        return None
    _write_order(session, ring, row, card, rule, policy, now)
    if at != destroy_at(session, case_id):  # else its notice may have gone out already
        _set(session, ring.desk, case_id, at, policy, now)
    return at


def forget(session: Session, case_id: str) -> None:
    """The case is open again: nothing is destroyed."""
    dues.cancel_dues(session, case_id, OF_RETENTION)


def plan_all(db: Database, ring: KeyRing, index: IndexKey, policy: Policy, now: datetime) -> int:
    """Apply the table to every case that has ended; gives how many were planned anew. In batches, safe to repeat.

    What this member cannot open keeps the date that it has.
    """
    planned, after = 0, ""
    while True:
        with db.begin() as session:
            ids = session.scalars(
                select(CaseFile.id)
                .where(within_reach(ring), CaseFile.status.in_(list(ENDED)), CaseFile.id > after)
                .order_by(CaseFile.id)
                .limit(_BATCH)
            ).all()
            for case_id in ids:
                before = destroy_at(session, case_id)
                try:
                    with session.begin_nested():
                        planned += plan(session, ring, index, case_id, policy, now) != before
                except CANNOT_OPEN:
                    continue
        if not ids:
            return planned
        after = ids[-1]


def destroy_at(session: Session, case_id: str) -> datetime | None:
    """When a case is to be destroyed, as far as anybody computed that."""
    found = select(Due.due_at).where(
        Due.case_id == case_id, Due.kind == DueKind.DESTROY, Due.state == DueState.OPEN, Due.step == 0
    )
    return session.scalars(found).one_or_none()


def hold(session: Session, ring: KeyRing, index: IndexKey, case_id: str, reason: str, now: datetime) -> None:
    """Keep a case from being destroyed until somebody lifts the hold. Raises NotFound, OnHold, NoReason."""
    _refuse_without(reason)
    case_row(session, ring, case_id, lock=True)
    if is_held(session, case_id):
        raise OnHold("This case is on hold already.")
    session.add(LegalHold(id=new_id(), desk=ring.desk, case_id=case_id, set_by_id=ring.member_id, set_at=now))
    _audit(session, ring, index, case_id, Action.HOLD_SET, reason, now)


def lift(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, reason: str, policy: Policy, now: datetime
) -> None:
    """Lift the hold; the members hear of the destruction anew, and in time. Raises NotFound, OnHold, NoReason."""
    _refuse_without(reason)
    case_row(session, ring, case_id, lock=True)
    held = session.scalars(_holds(LegalHold.case_id == case_id).with_for_update()).one_or_none()
    if held is None:
        raise OnHold("This case is not on hold any more.")
    held.lifted_at, held.lifted_by_id = now, ring.member_id
    _audit(session, ring, index, case_id, Action.HOLD_LIFTED, reason, now)
    at = destroy_at(session, case_id)
    if at is not None:
        _set(session, ring.desk, case_id, at, policy, now)


def is_held(session: Session, case_id: str) -> bool:
    return session.scalars(_holds(LegalHold.case_id == case_id)).first() is not None


def holds(session: Session, ring: KeyRing, names: Mapping[str, str]) -> tuple[HoldSet, ...]:
    """The holds in force at the desk, oldest first; `names` are its members', by id."""
    reached = select(CaseFile.id).where(within_reach(ring))
    found = session.scalars(_holds(LegalHold.case_id.in_(reached)).order_by(LegalHold.set_at))
    return tuple(HoldSet(row.case_id, row.set_at, names.get(row.set_by_id, "")) for row in found)


def references(session: Session, ring: KeyRing, case_ids: Sequence[str]) -> Mapping[str, str]:
    """The references of these cases, by id."""
    cards = records.opened_of_subjects(session, ring, case_ids, RecordKind.CARD)
    return {case_id: card.get("reference", "") for case_id, card in cards.items()}


def planned(session: Session, ring: KeyRing, until: datetime | None = None) -> tuple[Planned, ...]:
    """The cases that are to be destroyed, soonest first; until then, where that is given."""
    query = _ended(ring).where(Due.due_at.is_not(None)).order_by(Due.due_at, CaseFile.id)
    if until is not None:
        query = query.where(Due.due_at <= until)
    return tuple(_planned(session, ring, query))


def without_rule(session: Session, ring: KeyRing) -> tuple[Planned, ...]:
    """The ended cases that nothing destroys, oldest first."""
    query = _ended(ring).where(Due.due_at.is_(None)).order_by(CaseFile.closed_at, CaseFile.id)
    return tuple(_planned(session, ring, query))


def counts(session: Session, ring: KeyRing) -> tuple[int, int]:
    """How many ended cases have a day on which they go, and how many have none."""
    dated = func.count(Due.due_at)
    query = _ended(ring).with_only_columns(func.count(), dated)
    total, with_day = session.execute(query).one()
    return with_day, total - with_day


def figures(session: Session, ring: KeyRing, index: IndexKey) -> tuple[Mapping[str, Any], ...]:
    """What stays of the cases of this desk that were destroyed, for the yearly report."""
    there = session.scalars(select(CaseFile.id).where(CaseFile.desk == ring.desk))
    counted_elsewhere = {index.figures(case_id) for case_id in there}
    found = records.all_of_desk(session, ring, RecordKind.FIGURES)
    return tuple(each for subject_id, each in found.items() if subject_id not in counted_elsewhere)


def order_of(session: Session, ring: KeyRing, case_id: str) -> Mapping[str, Any]:
    """By which rule a case goes, or went; {} where that was never written, or cannot be opened."""
    try:
        return records.opened_json_or_none(session, ring, _order(case_id))[0] or {}
    except CANNOT_OPEN:
        return {}


def write_order_of_a_member(
    session: Session, ring: KeyRing, case_id: str, reference: str, reason: str, policy: Policy, now: datetime
) -> None:
    """Note that a member has a case destroyed before its time, and why: for the declaration."""
    before = order_of(session, ring, case_id) if destroy_at(session, case_id) else {}
    content = {**before, "reference": reference, "reason": reason.strip()}
    content.setdefault("closed_on", now.astimezone(policy.timezone).date().isoformat())
    _write_next(session, ring, _order(case_id), content, now)


def forget_order(session: Session, desk: str, case_id: str) -> None:
    """What it said stands in the declaration now."""
    records.destroy(session, desk, _order(case_id))


def has_unread(session: Session, case_id: str) -> bool:
    """Is there a message in it that nobody has looked at?"""
    unread = select(Message.id).where(Message.case_id == case_id, Message.seen_at.is_(None)).limit(1)
    return session.scalars(unread).first() is not None


def _ending(session: Session, ring: KeyRing, row: CaseFile) -> str | None:
    status = Status(row.status)
    outcome = None
    if status is Status.CLOSED:
        written = records.opened_json(session, ring, Name(row.id, row.id, RecordKind.OUTCOME))
        outcome = Outcome(written["outcome"])
    return ending_of(status, outcome)


def _set(session: Session, desk: str, case_id: str, at: datetime, policy: Policy, now: datetime) -> None:
    dues.set_due(session, desk, case_id, DueKind.DESTROY, at, asleep=True)
    dues.set_due(session, desk, case_id, DueKind.DESTROY_NOTICE, max(policy.notice_at(at), now))


def _write_order(
    session: Session,
    ring: KeyRing,
    row: CaseFile,
    card: Mapping[str, Any],
    rule: Rule,
    policy: Policy,
    now: datetime,
) -> None:
    assert row.closed_at is not None
    content = {
        "reference": card.get("reference", ""),
        "closed_on": row.closed_at.astimezone(policy.timezone).date().isoformat(),
        "term": rule.term,
        "ground": rule.ground,
        "selection": rule.selection,
    }
    if order_of(session, ring, row.id) != content:
        _write_next(session, ring, _order(row.id), content, now)


def _write_figures(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    row: CaseFile,
    card: Mapping[str, Any],
    ending: str,
    policy: Policy,
    now: datetime,
) -> None:
    received = session.scalars(select(func.min(Message.received_at)).where(Message.case_id == row.id)).one()
    start = received or row.opened_at
    receipt = select(func.min(Outbox.settled_at)).where(
        Outbox.case_id == row.id, Outbox.kind == OutgoingKind.RECEIPT, Outbox.state == OutboxState.SENT
    )
    answered, _ = records.opened_json_or_none(session, ring, Name(row.id, row.id, RecordKind.FIRST_LOOK))
    look = merging.look_taken(answered)
    content = {
        "quarter": quarter(start, policy.timezone),
        "ending": ending,
        "kind": card.get("kind"),
        "category": card.get("primary"),
        "severity": card.get("severity"),
        "days_to_receipt": band(start, session.scalars(receipt).one()),
        "days_to_first_look": band(start, datetime.fromisoformat(look["at"]) if look else None),
        "days_to_closing": band(start, row.closed_at),
        **_paces(session, row.id, start, now),
    }
    name = Name(None, index.figures(row.id), RecordKind.FIGURES)
    before, _ = records.opened_json_or_none(session, ring, name)
    if before != content:
        _write_next(session, ring, name, content, now, alone=True)


def pace_of(state: str, start: datetime, due_at: datetime, settled_at: datetime | None, now: datetime) -> Pace:
    """When something due was done. What was cancelled was not due any more, unless it was overdue by then."""
    if state != DueState.CANCELLED:
        return pace(start, due_at, settled_at, now)
    return Pace.MISSED if settled_at is not None and settled_at > due_at else Pace.NONE


def _paces(session: Session, case_id: str, start: datetime, now: datetime) -> dict[str, Pace]:
    """What was due of that which has a term, and whether it was done in time."""
    found = select(Due.kind, Due.state, Due.due_at, Due.settled_at).where(
        Due.case_id == case_id, Due.step == 0, Due.kind.in_(PACES)
    )
    paces = {row.kind: pace_of(row.state, start, row.due_at, row.settled_at, now) for row in session.execute(found)}
    return {kind: paces.get(kind, Pace.NONE) for kind in PACES}


def _write_next(
    session: Session, ring: KeyRing, name: Name, content: Mapping[str, Any], now: datetime, *, alone: bool = False
) -> None:
    """Write the next version; `alone`: older ones, which tell of earlier closings, go."""
    version = records.next_version(session, ring.desk, name)
    if alone:
        records.destroy(session, ring.desk, name)
    to = ring.to_desk(session)
    records.write_json(session, name, content, to, now, version=version, by=ring.author)


def _order(case_id: str) -> Name:
    """Of no case: it has to be there when the case is not."""
    return Name(None, case_id, RecordKind.ORDER)


def _holds(*which: Any) -> Any:
    return select(LegalHold).where(LegalHold.lifted_at.is_(None), *which)


def _ended(ring: KeyRing) -> Any:
    held = exists().where(LegalHold.case_id == CaseFile.id, LegalHold.lifted_at.is_(None))
    unread = exists().where(Message.case_id == CaseFile.id, Message.seen_at.is_(None))
    is_open = (Due.case_id == CaseFile.id) & (Due.kind == DueKind.DESTROY) & (Due.state == DueState.OPEN)
    return (
        select(CaseFile.id, CaseFile.closed_at, Due.due_at, held.label("held"), unread.label("unread"))
        .outerjoin(Due, is_open)
        .where(within_reach(ring), CaseFile.status.in_(list(ENDED)))
    )


def _planned(session: Session, ring: KeyRing, query: Any) -> Iterator[Planned]:
    found = session.execute(query).all()
    cards = records.opened_of_subjects(session, ring, [row.id for row in found], RecordKind.CARD)
    for row in found:
        reference = cards.get(row.id, {}).get("reference", "")
        yield Planned(row.id, reference, row.closed_at, row.due_at, bool(row.held), bool(row.unread))


def _refuse_without(reason: str) -> None:
    if not reason.strip():
        raise NoReason("Say why.")


def _audit(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, action: Action, reason: str, now: datetime
) -> None:
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
    detail = {"reason": reason.strip()}
    audit.write(session, ring.desk, action, now, member_id=ring.member_id, case_id=case_id, detail=detail, to=to)
    session.flush()
