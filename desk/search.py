"""Searching the cases. What is searched for travels in the body of a request, and is in no URL and no log."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from cases.lifecycle import Status
from cases.roles import May
from desk import gate
from desk.doubts import doubted_here
from desk.forms import SearchForm
from desk.language import zone
from desk.parts import parts
from store.search import MOST, PAGE, Found, Hit, Query, note_shown

blueprint = Blueprint("search", __name__, url_prefix="/search")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))


@dataclass(frozen=True)
class Results:
    """A page of what was found. `waiting` cases are not in the index yet, or not as they are now."""

    hits: tuple[Hit, ...]
    found: Found
    number: int
    pages: int
    waiting: int


@blueprint.get("")
def form() -> str:
    """An empty form."""
    return _page(SearchForm(formdata=None), None)


@blueprint.post("")
def results() -> Response | str | tuple[str, int]:
    entry = SearchForm()
    if not entry.validate():
        return _page(entry, None), 400
    query = _query(entry)
    if query.is_empty:
        return _page(entry, None)
    here, ring, index = parts(), gate.ring(), gate.search_index()
    with here.database.read() as transaction:
        found = index.search(transaction, ring, query)
        pages = max(1, -(-len(found.case_ids) // PAGE))
        number = min(entry.page.data or 1, pages)
        hits = index.present(transaction, ring, found, number)
    with here.database.begin() as transaction:
        note_shown(transaction, ring, hits, here.clock())
    return _page(entry, Results(hits, found, number, pages, index.waiting(here.database, ring)))


def _page(entry: SearchForm, shown: Results | None) -> str:
    return render_template(
        "search.html",
        section="search",
        form=entry,
        results=shown,
        most=MOST,
        doubts={hit.case_id: doubted_here(hit.card.get("scores") or {}) for hit in shown.hits} if shown else {},
    )


def _query(entry: SearchForm) -> Query:
    return Query(
        text=entry.words.data,
        statuses=frozenset([Status(entry.status.data)] if entry.status.data else []),
        kinds=frozenset([entry.kind.data] if entry.kind.data else []),
        categories=frozenset([entry.category.data] if entry.category.data else []),
        severities=frozenset([entry.severity.data] if entry.severity.data else []),
        since=_begin(entry.since.data) if entry.since.data else None,
        before=_begin(entry.until.data + timedelta(days=1)) if entry.until.data else None,
    )


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, zone())
