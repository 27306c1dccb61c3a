"""The queue: every case of the desk, or those that a member was given, a page at a time, what needs a person on top."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from cases.lifecycle import OPEN, Status
from cases.roles import May
from cases.terms import DueKind
from config.settings import MailboxSettings, MaildirSettings
from config.taxonomy import Kind, Severity
from desk import filters, gate, live
from desk.doubts import doubted_here
from desk.filters import Filters
from desk.language import zone
from desk.parts import parts
from store import arrivals, models
from store import mailboxes as store_mailboxes
from store.casework import held_outgoing
from store.keyring import KeyRing
from store.mailboxes import Look
from store.members import logins
from store.queue import (
    FEWEST_FOLDED,
    Groups,
    Page,
    QueueRow,
    Span,
    Wanted,
    due_count,
    look_count,
    overdue_count,
    queue_page,
    status_counts,
    taken_count,
)
from store.queue_order import Order
from triage.model import FORMAT

blueprint = Blueprint("queue", __name__)
blueprint.before_request(gate.require_member)

PAGE_SIZE = 50
LAST_PAGE = 1_000_000
GRAVER_FIRST: Sequence[str | None] = (Severity.ACUUT, Severity.HOOG, None, Severity.MIDDEN, Severity.LAAG)
"""What nobody assessed may be all."""
KINDS = (Kind.MELDING, Kind.AANVULLING, Kind.ADVIES, Kind.KLACHT, Kind.OVERIG)
"""What waits least, first."""


@dataclass(frozen=True)
class Counts:
    """The numbers on top of the queue."""

    by_status: Mapping[Status, int]
    looks: int
    overdue: int
    feedback: int
    held: int
    mine: int


@dataclass(frozen=True)
class Mailbox:
    """How it is with one mailbox of the desk. `stale`: it was not read for longer than anything explains."""

    look: Look
    lying: int
    settings: MailboxSettings | MaildirSettings
    stale: bool


@dataclass(frozen=True)
class Listed:
    """A page of the queue, its rows in the order in which they are shown. `graver`: the gravest of the cases for which
    a row stands."""

    page: Page
    rows: Sequence[QueueRow]
    graver: Mapping[str, str | None]
    on_cards: "OnCards | None"

    @property
    def pages(self) -> int:
        return _pages(self.page)


@blueprint.get("/")
def show() -> Response | str:
    """What needs a person; filters choose (`desk/filters.py`), `?page=` goes on. Beyond the last page is the last."""
    ring, now = gate.ring(), parts().clock()
    whole = ring.may(May.OPEN_THE_DESK)
    if not whole and not ring.may(May.OPEN_GRANTED):
        return gate.own_place()
    chosen, number = filters.asked(), request.args.get("page", 1, type=int)
    if number < 1:
        abort(404)
    on_cards = _on_cards(chosen)
    with parts().database.read() as transaction:
        by_status = status_counts(transaction, ring)
        if not whole and not any(by_status.values()):
            return gate.own_place()
        counts = Counts(
            by_status=by_status,
            looks=look_count(transaction, ring),
            overdue=overdue_count(transaction, ring, now),
            feedback=due_count(transaction, ring, Span(now + filters.WEEK, now, (DueKind.FEEDBACK,))),
            held=len(held_outgoing(transaction, ring)),
            mine=taken_count(transaction, ring),
        )
        mark = arrivals.mark(transaction, ring, now)
        names = logins(transaction, ring) if whole else {}
        mailboxes = _mailboxes(transaction, ring.desk, now) if whole else []
        training_due = whole and _training_due(transaction)
        found = _listed(transaction, chosen, on_cards, number, by_status)
    choices = {**filters.CHOICES, "who": _members(names, ring.member_id)}
    if chosen.who and chosen.who not in choices["who"]:
        abort(404)
    if found.page.number != number:
        return redirect(url_for("queue.show", page=found.page.number, **chosen.address()))
    gate.note_look_at([row.case_id for row in found.rows])
    return render_template(
        "queue.html",
        section="queue",
        counts=counts,
        page=found.page,
        rows=found.rows,
        graver=found.graver,
        doubts={row.case_id: doubted_here(row.scores) for row in found.rows},
        pages=found.pages,
        chosen=chosen,
        on_cards=found.on_cards,
        choices=choices,
        holders={**names, ring.member_id: ring.login},
        names=filters.NAMES,
        statuses=[each for each in Status if each is not Status.DESTROYED],
        mailboxes=mailboxes,
        mark=live.marked(mark) if parts().settings.web.live_seconds else None,
        training_due=training_due,
        desk=ring.desk,
        whole=whole,
    )


def _members(names: Mapping[str, str], own_id: str) -> Mapping[str, str]:
    """By whom cases can be chosen: the member themselves, nobody, and the others, those who left too."""
    others = sorted((login, member_id) for member_id, login in names.items() if member_id != own_id)
    return {**filters.WHO, **{member_id: login for login, member_id in others}}


def listed(chosen: Filters, number: int) -> Listed:
    """A page of what filters choose; beyond the last the last."""
    on_cards = _on_cards(chosen)
    with parts().database.read() as transaction:
        by_status = status_counts(transaction, gate.ring())
        return _listed(transaction, chosen, on_cards, number, by_status)


def _listed(
    session: Session, chosen: Filters, on_cards: "OnCards | None", number: int, by_status: Mapping[Status, int]
) -> Listed:
    alike, now = _alike(session, by_status), parts().clock()
    wanted = _wanted(chosen, on_cards, alike, gate.ring(), now)

    def read(number: int) -> Page:
        folded = () if chosen.fold or chosen.alike else alike
        return queue_page(
            *(session, gate.ring()),
            page=number,
            size=PAGE_SIZE,
            wanted=wanted,
            alike=folded,
            order=_order(now),
            by_status=by_status,
        )

    page = read(min(number, LAST_PAGE))
    if not page.rows and page.number > _pages(page):
        page = read(_pages(page))
    graver = _gravest_behind(page)
    ended = chosen.status and chosen.status not in OPEN
    return Listed(page, page.rows if ended else by_need(page.rows, now, graver), graver, on_cards)


def _pages(page: Page) -> int:
    return max(1, -(-page.lines // page.size))


def _training_due(session: Session) -> bool:
    """Is the desk's own model of no use any more? A list that cannot be trusted says nothing, and is used by nobody."""
    try:
        return models.training_due(session, gate.ring(), gate.index(), FORMAT)
    except models.UnprovenModels:
        return False


def _mailboxes(session: Session, desk: str, now: datetime) -> list[Mailbox]:
    """Those that the daemon reads for this desk, once it did."""
    settings = parts().settings
    known: dict[str, MailboxSettings | MaildirSettings] = {}
    known |= settings.mailboxes_of(MailboxSettings)
    known |= settings.mailboxes_of(MaildirSettings)
    lying = store_mailboxes.lying(session, desk)
    return [
        Mailbox(look, lying.get(look.account, 0), known[look.account], look.is_stale(now))
        for look in store_mailboxes.looks(session, desk)
        if look.account in known
    ]


def by_need(
    rows: Iterable[QueueRow], now: datetime, behind: Mapping[str, str | None] = MappingProxyType({})
) -> list[QueueRow]:
    """The rows of a page, what needs a person first on top. Only here, where cards are open, is their content known.

    `behind`: the gravest of the cases for which a row stands.
    """

    def need(row: QueueRow) -> tuple[bool, date, int, int, datetime]:
        due = row.next_due
        return (
            due is None or not due.overdue(now),
            due.due_at.astimezone(zone()).date() if due else date.max,
            min(_place(each, GRAVER_FIRST) for each in _severities(row, behind)),
            _place(row.kind, KINDS),
            row.received_at,
        )

    return sorted(rows, key=need)


def _order(now: datetime) -> Order | None:
    """The same over all pages, by what the index knows; None until it is read."""
    index = gate.search_index_at_hand()
    if not index.ready:
        return None

    def ends(due_at: datetime) -> datetime:
        """Of a day of the desk what is overdue comes before the rest."""
        day_after = due_at.astimezone(zone()).date() + timedelta(days=1)
        midnight = datetime.combine(day_after, time.min, zone())
        return now if due_at < now < midnight else midnight

    return Order(ends, index.standing, GRAVER_FIRST, KINDS)


def _severities(row: QueueRow, behind: Mapping[str, str | None]) -> list[str | None]:
    """The case's, those of follow-ups that nobody has read, and the gravest of the cases for which it stands."""
    others = [behind[row.case_id]] if row.case_id in behind else []
    return [row.graver or row.severity, *([None] if row.unassessed else []), *others]


def _place(value: str | None, order: Sequence[str | None]) -> int:
    return order.index(value) if value in order else len(order)


@dataclass(frozen=True)
class OnCards:
    """The cases whose sealed cards fit the filters; None while the index is not there yet. `waiting` cases are not in
    it as they are now, and may be missing."""

    case_ids: frozenset[str] | None
    waiting: int


def _on_cards(chosen: Filters) -> OnCards | None:
    query = chosen.on_cards
    if query is None:
        return None
    here, ring, index = parts(), gate.ring(), gate.search_index()
    if not index.ready:
        return OnCards(None, 0)
    with here.database.read() as transaction:
        found = index.chosen(transaction, ring, query)
    return OnCards(found, index.waiting(here.database, ring))


def _alike(session: Session, by_status: Mapping[Status, int]) -> Groups:
    """Cases that are alike, as far as that is known; nobody asks while too few wait for a first look."""
    if by_status[Status.RECEIVED] < FEWEST_FOLDED:
        return ()
    index = gate.search_index_soon(FEWEST_FOLDED)
    return index.alike(session, gate.ring()) if index.ready else ()


def _gravest_behind(page: Page) -> Mapping[str, str | None]:
    if not page.folded:
        return {}
    index = gate.search_index_at_hand()
    found = {case_id: index.severities(behind) or {None} for case_id, behind in page.folded.items()}
    return {case_id: min(known, key=lambda each: _place(each, GRAVER_FIRST)) for case_id, known in found.items()}


def _wanted(chosen: Filters, on_cards: OnCards | None, alike: Groups, ring: KeyRing, now: datetime) -> Wanted:
    among = on_cards.case_ids if on_cards else None
    if chosen.alike:
        like_it = next((frozenset(group) for group in alike if chosen.alike in group), frozenset([chosen.alike]))
        among = like_it if among is None else like_it & among
    return Wanted(
        status=Status(chosen.status) if chosen.status else None,
        due=chosen.span(now),
        unseen=chosen.mail == "new",
        taken_by_id=chosen.taken_by_id(ring.member_id),
        among=among,
    )
