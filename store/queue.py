"""The desk's queue: pages by what stands in clear, and the cards of one page opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, select, true
from sqlalchemy.orm import Session, aliased

from cases.lifecycle import OPEN, Status
from cases.terms import LOOKS, OF_THE_DESK, DueKind
from store import merging, records
from store.dues import DueState, OpenDue
from store.keyring import KeyRing
from store.queue_order import Order, by_need
from store.reach import holds_the_desk_key, within_reach, within_reach_of
from store.records import RecordKind
from store.schema import CaseFile, Due, Message

T = TypeVar("T")

FEWEST_FOLDED = 3
"""So many cases that are alike are one line; fewer are not worth hiding one behind another."""
_READ_AT_ONCE = 2000
_FAR = 5000
"""From so many cases on a page lies far down."""
_OPEN_DUE = (Due.state == DueState.OPEN, Due.kind.in_(OF_THE_DESK))


@dataclass(frozen=True)
class QueueRow:
    """One case in the queue; the parts from `reference` on come from its sealed card.

    `received_at`: when its first mail arrived. `new`: nobody looked at that yet. `follow_ups`: how many later ones
    nobody looked at. `graver`: their severity, where it is graver than the card's, which does not know them yet.
    `unassessed`: one of them says nothing of how serious it is, since it could not be opened or understood.
    `taken_by_id`: the member who has it. `missing` is None where nobody knows. `marks`: the card's, and those of
    follow-ups that it does not know yet.
    `scores`: how sure the machine is of `kind` and `primary`, where it suggested them and nobody decided.
    `damaged`: the card cannot be opened, and its parts are empty.
    """

    case_id: str
    status: Status
    received_at: datetime
    next_due: OpenDue | None
    new: bool
    follow_ups: int
    graver: str | None
    unassessed: bool
    unreadable: bool
    taken_by_id: str | None
    damaged: bool
    reference: str
    kind: str | None
    categories: tuple[Mapping[str, Any], ...]
    primary: str | None
    severity: str | None
    missing: tuple[str, ...] | None
    concerned: tuple[Mapping[str, Any], ...]
    marks: tuple[str, ...]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Span:
    """Something of these kinds is due from `since` on and before `before`."""

    before: datetime
    since: datetime | None = None
    kinds: tuple[DueKind, ...] = OF_THE_DESK


NOBODY = ""
"""In the place of a member's id: of a case that nobody has."""


@dataclass(frozen=True)
class Wanted:
    """Which cases of the queue: all of these together.

    Without a status: those that are open, or have a message that nobody has looked at. `unseen`: those with one.
    `taken_by_id`: those that this member has, or NOBODY.
    `among`: what sealed cards say yes to, as whoever opened them knows.
    """

    status: Status | None = None
    due: Span | None = None
    unseen: bool = False
    taken_by_id: str | None = None
    among: frozenset[str] | None = field(default=None, repr=False)

    @property
    def by_status_alone(self) -> bool:
        return self == Wanted(status=self.status)


InOrder = Callable[[Sequence[Sequence[str]]], list[str]]

Groups = Sequence[Set[str]]
"""Cases that are alike; one that is in several counts in the first."""


@dataclass(frozen=True)
class Page:
    """`total` counts all cases that the page is one of; pages are numbered from 1.

    `folded`: the cases for which a row stands besides its own, all of them on no other page. `lines` counts the rows
    of all pages.
    """

    rows: tuple[QueueRow, ...]
    number: int
    size: int
    total: int
    lines: int
    folded: Mapping[str, Set[str]] = field(default_factory=dict)


def queue_page(
    session: Session,
    ring: KeyRing,
    *,
    page: int = 1,
    size: int = 50,
    wanted: Wanted | None = None,
    alike: Groups = (),
    order: Order | None = None,
    by_status: Mapping[Status, int] | None = None,
) -> Page:
    """A page of the queue: what a person has to see to first comes first.

    That is by when it is due alone, or by `order`, too, which knows what is sealed. Of cases that are alike, and that
    nobody took up yet, the one that is due first stands for all. `by_status`: what `status_counts` gave in the same
    transaction, for what it tells is not counted again.
    """
    wanted = wanted or Wanted()
    folded = _folded(session, ring, wanted, alike)
    behind = frozenset[str]().union(*folded.values())
    chosen = within_reach(ring) & _chosen(ring, wanted)
    places = range((page - 1) * size, page * size)

    def in_order(stages: Sequence[Sequence[str]]) -> list[str]:
        if order is None:
            return [case_id for stage in stages for case_id in stage]
        return by_need(session, ring, order, stages, folded)

    ids, with_dues = _by_due(session, ring, chosen, wanted, behind, places, order, in_order)
    if len(ids) < size and with_dues is not None:
        skipped, left = max(0, places.start - with_dues), size - len(ids)
        if order is not None and wanted.status in (None, *OPEN):  # those that have ended wait for nobody
            ids += in_order([list(_with_nothing_due(session, chosen, wanted, behind, 0))])[skipped : skipped + left]
        else:
            ids += islice(_with_nothing_due(session, chosen, wanted, behind, skipped), left)
    rows = {row.id: row for row in session.scalars(select(CaseFile).where(CaseFile.id.in_(ids)))}
    shown = _rows(session, ring, [rows[each] for each in ids])
    total = _count(session, ring, wanted, by_status)
    here = {each: folded[each] for each in ids if each in folded}
    return Page(shown, page, size, total, total - len(behind), here)


def status_counts(session: Session, ring: KeyRing) -> Mapping[Status, int]:
    """How many cases that the member's keys reach have each status."""
    if holds_the_desk_key(ring):  # then few cases are out of reach
        counted = session.execute(_counted_by_status(ring.desk, ring.own)).one()
        return dict(zip(Status, counted, strict=True))
    query = select(CaseFile.status, func.count()).where(within_reach(ring)).group_by(CaseFile.status)
    found = {Status(status): count for status, count in session.execute(query)}
    return {status: found.get(status, 0) for status in Status}


@lru_cache(256)
def _counted_by_status(desk: str, own: str) -> Select[Any]:
    """For who has the desk's key: all cases of each status, as the index has them one after the other, without those
    that are out of reach."""

    def count(*of_these: ColumnElement[bool]) -> Any:
        return select(func.count()).select_from(CaseFile).where(CaseFile.desk == desk, *of_these).scalar_subquery()

    out = _out_of_reach(desk, own)
    return select(*(count(CaseFile.status == each) - count(out, CaseFile.status == each) for each in Status))


def _out_of_reach(desk: str, own: str) -> ColumnElement[bool]:
    """Of the cases of a desk those that its key does not open, nor the member's own."""
    return CaseFile.restricted.is_(True) & ~within_reach_of(desk, own, holds_the_desk_key=True)


def due_count(session: Session, ring: KeyRing, span: Span) -> int:
    """How many cases that the member's keys reach have something due then."""
    if span.since is not None:  # few, and found by when they are due
        between = select(func.count(Due.case_id.distinct())).where(Due.desk == ring.desk, *_due_in(span))
        return session.scalars(_reached(session, ring, between)).one()
    cases = select(Due.case_id).where(Due.desk == ring.desk, *_due_in(span, by_time=False)).distinct()
    return session.scalars(select(func.count()).select_from(_reached(session, ring, cases).subquery())).one()


def look_count(session: Session, ring: KeyRing) -> int:
    """How many cases that the member's keys reach wait for a first look."""
    return sum(_waiting(session, ring, kind, LOOKS[:place]) for place, kind in enumerate(LOOKS))


def _waiting(session: Session, ring: KeyRing, kind: DueKind, besides: Sequence[DueKind]) -> int:
    """How many cases that the member's keys reach have something of this kind due, and nothing of those: of one kind
    an index knows the cases one after the other, which takes no sorting."""
    cases = select(Due.case_id).where(Due.desk == ring.desk, Due.state == DueState.OPEN, Due.kind == kind).distinct()
    if besides:
        other = aliased(Due)
        of_those = (other.state == DueState.OPEN, other.kind.in_(besides))
        cases = cases.where(~exists().where(other.case_id == Due.case_id, *of_those))
    return session.scalars(select(func.count()).select_from(_reached(session, ring, cases).subquery())).one()


def _reached(session: Session, ring: KeyRing, dues: Select[T]) -> Select[T]:
    """Of these dues those of cases that the member's keys reach."""
    if holds_the_desk_key(ring):  # then few cases are out of reach, and they alone are looked up
        out = select(CaseFile.id).where(CaseFile.desk == ring.desk, _out_of_reach(ring.desk, ring.own))
        return dues if session.scalars(out.limit(1)).first() is None else dues.where(Due.case_id.not_in(out))
    return dues.join(CaseFile, CaseFile.id == Due.case_id).where(within_reach(ring))


def taken_count(session: Session, ring: KeyRing) -> int:
    """How many open cases the member has."""
    theirs = (CaseFile.taken_by_id == ring.member_id, CaseFile.status.in_(list(OPEN)), within_reach(ring))
    return session.scalars(select(func.count()).select_from(CaseFile).where(*theirs)).one()


def overdue_count(session: Session, ring: KeyRing, now: datetime) -> int:
    """How many cases that the member's keys reach have something that should have happened by now."""
    return due_count(session, ring, Span(before=now))


def _folded(session: Session, ring: KeyRing, wanted: Wanted, alike: Groups) -> Mapping[str, Set[str]]:
    """The cases that stand for others, each with those behind it."""
    if not alike or wanted.status not in (None, Status.RECEIVED):
        return {}
    untouched = within_reach(ring) & _chosen(ring, replace(wanted, status=Status.RECEIVED))
    found = session.execute(
        select(CaseFile.id, func.min(Due.due_at))
        .outerjoin(Due, and_(Due.case_id == CaseFile.id, *_OPEN_DUE))
        .where(untouched)
        .group_by(CaseFile.id)
    )
    last = datetime.max.replace(tzinfo=UTC)
    due = {row[0]: row[1] or last for row in found if wanted.among is None or row[0] in wanted.among}
    folded: dict[str, Set[str]] = {}
    for group in alike:
        there = sorted(group & due.keys(), key=lambda each: (due[each], each))
        if len(there) >= FEWEST_FOLDED:
            folded[there[0]] = frozenset(there[1:])
            for each in there:
                del due[each]
    return folded


def _due_in(span: Span, due: type[Due] = Due, *, by_time: bool = True) -> tuple[ColumnElement[bool], ...]:
    """What is due then. Not `by_time`: all that is open is read, case by case, which takes no sorting; so is counted
    what has no beginning, for it may be nearly all."""
    since = () if span.since is None else (due.due_at >= span.since,)
    due_at = due.due_at if by_time else func.coalesce(due.due_at, span.before)  # by which nothing is looked for
    return (due.state == DueState.OPEN, due.kind.in_(span.kinds), due_at < span.before, *since)


def _unseen(ring: KeyRing) -> ColumnElement[bool]:
    return CaseFile.id.in_(select(Message.case_id).where(Message.desk == ring.desk, Message.seen_at.is_(None)))


def _chosen(ring: KeyRing, wanted: Wanted) -> ColumnElement[bool]:
    """What the columns in clear say yes to."""
    if wanted.status is not None:
        chosen: ColumnElement[bool] = CaseFile.status == wanted.status
    else:
        chosen = CaseFile.status.in_(list(OPEN)) | _unseen(ring)
    return chosen & _narrowed(ring, wanted)


def _narrowed(ring: KeyRing, wanted: Wanted) -> ColumnElement[bool]:
    narrowed: ColumnElement[bool] = true()
    if wanted.due is not None and not _is_wide(wanted.due):
        narrowed &= CaseFile.id.in_(select(Due.case_id).where(Due.desk == ring.desk, *_due_in(wanted.due)))
    elif wanted.due is not None:  # that may be nearly all: each case is asked, as far as the page goes
        theirs = aliased(Due)
        of_the_case = (theirs.desk == ring.desk, theirs.case_id == CaseFile.id)
        narrowed &= exists().where(*of_the_case, *_due_in(wanted.due, theirs))
    if wanted.unseen:
        narrowed &= _unseen(ring)
    if wanted.taken_by_id is not None:
        narrowed &= _taken_by(ring, wanted.taken_by_id)
    return narrowed


def _taken_by(ring: KeyRing, member_id: str) -> ColumnElement[bool]:
    if member_id == NOBODY:
        return CaseFile.taken_by_id.is_(None)
    theirs = aliased(CaseFile)  # few, and found by an index of their own, whatever else is asked
    return CaseFile.id.in_(select(theirs.id).where(theirs.desk == ring.desk, theirs.taken_by_id == member_id))


def _apart(ring: KeyRing, wanted: Wanted) -> Sequence[ColumnElement[bool]]:
    """What is wanted, in parts that share no case and are each found by an index: there may be very many."""
    narrowed = _narrowed(ring, wanted)
    if wanted.status is not None:
        return [within_reach(ring) & (CaseFile.status == wanted.status) & narrowed]
    ended = _unseen(ring) & CaseFile.status.not_in(list(OPEN))
    return [
        within_reach(ring) & CaseFile.status.in_(list(OPEN)) & narrowed,
        within_reach(ring, by_desk=False) & ended & narrowed,
    ]


def _ids(session: Session, ring: KeyRing, wanted: Wanted) -> Set[str]:
    """All cases that are wanted."""
    among: Set[str] | None = wanted.among
    if wanted.due is not None and _is_wide(
        wanted.due
    ):  # to look up each case takes longer than to read all that is due
        due = (
            select(Due.case_id).where(Due.desk == ring.desk, *_due_in(wanted.due, by_time=False)).distinct().subquery()
        )
        ids = _as_one(session, select(func.aggregate_strings(due.c.case_id, ",")))
        among, wanted = ids if among is None else ids & among, replace(wanted, due=None)
    lists = (select(func.aggregate_strings(CaseFile.id, ",")).where(part) for part in _apart(ring, wanted))
    found = {case_id for ids in lists for case_id in _as_one(session, ids)}
    return found if among is None else found & among


def _as_one(session: Session, ids: Select[str]) -> Set[str]:
    """Ids that come as one string: of so many rows their reading takes longest."""
    return frozenset((session.scalars(ids).one() or "").split(",")) - {""}


def _is_wide(due: Span | None) -> bool:
    """It may choose nearly all that is open."""
    return due is not None and due.since is None


def _count(session: Session, ring: KeyRing, wanted: Wanted, by_status: Mapping[Status, int] | None) -> int:
    """How many cases are wanted."""
    if wanted.among is not None or _is_wide(wanted.due):
        return len(_ids(session, ring, wanted))
    parts, known = _apart(ring, wanted), 0
    if by_status is not None and wanted.by_status_alone:
        known = sum(by_status[each] for each in ([wanted.status] if wanted.status else OPEN))
        parts = parts[1:]  # but those that have ended, with a message that nobody has looked at
    counts = (select(func.count()).select_from(CaseFile).where(part) for part in parts)
    return known + sum(session.scalars(count).one() for count in counts)


def _by_due(
    session: Session,
    ring: KeyRing,
    chosen: ColumnElement[bool],
    wanted: Wanted,
    behind: Set[str],
    places: range,
    order: Order | None,
    in_order: InOrder,
) -> tuple[list[str], int | None]:
    """The cases with these places in the order of what is due soonest, read no further than need be; and, where they
    were all read, how many there are."""
    query = select(Due.case_id, Due.due_at).where(Due.desk == ring.desk, *_OPEN_DUE).order_by(Due.due_at, Due.case_id)
    among: Set[str] | None = wanted.among
    if places.start < _FAR:
        query = query.join(CaseFile, CaseFile.id == Due.case_id).where(chosen)
    else:  # to look up each of so many cases takes longer than to read which there are
        among = _ids(session, ring, wanted)
    streamed = {"yield_per": min(2 * places.stop, _READ_AT_ONCE)}
    rows = session.connection().execute(query, execution_options=streamed)
    before, read = 0, 0
    stages: list[Sequence[str]] = []
    for stage in _stages(rows, behind, among, order):
        read += len(stage)
        if read <= places.start:
            before = read
            continue
        stages.append(stage)
        if read >= places.stop:
            return in_order(stages)[places.start - before : places.stop - before], None
    return in_order(stages)[max(0, places.start - before) :], read


def _stages(
    rows: Iterable[Any], behind: Set[str], among: Set[str] | None, order: Order | None
) -> Iterator[Sequence[str]]:
    """The cases that are due in one stage, each where it is due first; without an order each is a stage of its own."""
    seen = set[str]()
    stage: list[str] = []
    ends: datetime | None = None
    for case_id, due_at in rows:
        if case_id in seen or case_id in behind or (among is not None and case_id not in among):
            continue
        if stage and (ends is None or due_at >= ends):
            yield stage
            stage, ends = [], None
        if order is not None and ends is None:
            ends = order.ends(due_at)
        seen.add(case_id)
        stage.append(case_id)
    if stage:
        yield stage


def _with_nothing_due(
    session: Session, chosen: ColumnElement[bool], wanted: Wanted, behind: Set[str], skipped: int
) -> Iterator[str]:
    """The cases that have nothing due, oldest first."""
    nothing_due = ~exists().where(Due.case_id == CaseFile.id, *_OPEN_DUE)
    rest = select(CaseFile.id).where(chosen, nothing_due).order_by(CaseFile.opened_at, CaseFile.id)
    if wanted.among is None and not behind:
        return iter(session.scalars(rest.offset(skipped).execution_options(yield_per=100)))
    every = session.scalars(rest.execution_options(yield_per=100))
    found = (each for each in every if each not in behind and (wanted.among is None or each in wanted.among))
    return islice(found, skipped, None)


def _rows(session: Session, ring: KeyRing, found: Sequence[CaseFile]) -> tuple[QueueRow, ...]:
    ids = [row.id for row in found]
    cards = records.opened_of_subjects(session, ring, ids, RecordKind.CARD)
    messages = _messages(session, ids)
    unread = [each.id for of_case in messages.values() for each in of_case[1:] if each.seen_at is None]
    reports = records.opened_of_subjects(session, ring, unread, RecordKind.REPORT)
    dues = _next_dues(session, ids)
    return tuple(_row(row, messages[row.id], cards.get(row.id), reports, dues.get(row.id)) for row in found)


def _messages(session: Session, case_ids: Sequence[str]) -> Mapping[str, Sequence[Message]]:
    """The messages of each case, in the order in which they were taken in."""
    found: dict[str, list[Message]] = {case_id: [] for case_id in case_ids}
    query = select(Message).where(Message.case_id.in_(case_ids)).order_by(Message.taken_in_at, Message.received_at)
    for message in session.scalars(query):
        found[message.case_id].append(message)
    return found


def _next_dues(session: Session, case_ids: Sequence[str]) -> Mapping[str, OpenDue]:
    dues: dict[str, OpenDue] = {}
    for due in session.scalars(
        select(Due)
        .where(Due.case_id.in_(case_ids), Due.state == DueState.OPEN, Due.kind.in_(OF_THE_DESK))
        .order_by(Due.due_at, Due.kind)
    ):
        dues.setdefault(due.case_id, OpenDue(DueKind(due.kind), due.step, due.due_at))
    return dues


def _row(
    row: CaseFile,
    messages: Sequence[Message],
    sealed_card: Mapping[str, Any] | None,
    reports: Mapping[str, Mapping[str, Any]],
    next_due: OpenDue | None,
) -> QueueRow:
    card = sealed_card or {}
    unread = [each.id for each in messages[1:] if each.seen_at is None]
    gravest = merging.gravest([card.get("severity"), *(reports.get(each, {}).get("severity") for each in unread)])
    return QueueRow(
        case_id=row.id,
        status=Status(row.status),
        received_at=min((each.received_at for each in messages), default=row.opened_at),  # a merged case has none
        next_due=next_due,
        new=bool(messages) and messages[0].seen_at is None,
        follow_ups=len(unread),
        graver=gravest if gravest != card.get("severity") else None,
        unassessed=any(_is_unassessed(reports.get(each, {})) for each in unread),
        unreadable=any(each.state != "read" for each in messages),
        taken_by_id=row.taken_by_id,
        damaged=sealed_card is None,
        reference=card.get("reference", ""),
        kind=card.get("kind"),
        categories=tuple(card.get("categories") or ()),
        primary=card.get("primary"),
        severity=card.get("severity"),
        missing=None if card.get("missing") is None else tuple(card["missing"]),
        concerned=tuple(card.get("concerned") or ()),
        marks=tuple(merging.marks([card, *(reports.get(each, {}) for each in unread)])),
        scores=card.get("scores") or {},
    )


def _is_unassessed(report: Mapping[str, Any]) -> bool:
    """Of a machine's mail nobody needs to know how serious it is."""
    return not report.get("severity") and not report.get("automatic")
