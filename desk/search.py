"""Searching the cases. What is searched for travels in the body of a request, and is in no URL and no log.

It is kept with the session (`desk/searches.py`), and the page of hits is asked for by a random id. So a reload, Back
and a link lead to the hits again, as they are by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
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

    search_id: str
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
def ask() -> Response | tuple[str, int]:
    """Keep what is searched for, and go to the hits."""
    entry = SearchForm()
    if not entry.validate():
        return _page(entry, None), 400
    if _query(entry).is_empty and (entry.words.data or "").strip():
        entry.words.errors = [gettext("There is no word or number in this to search for.")]
        return _page(entry, None), 400
    if _query(entry).is_empty:
        return redirect(url_for("search.form"), 303)
    return redirect(url_for("search.results", search_id=gate.searches().keep(entry.asked())), 303)


@blueprint.get("/<search_id>")
def results(search_id: str) -> str | tuple[str, int]:
    """The hits of a search of this session, as they are now; `?page=` goes on."""
    asked = gate.searches().find(search_id)
    if asked is None:
        return _page(SearchForm(formdata=None), None, gone=True), 404
    entry, page = SearchForm.of(asked), request.args.get("page", 1, type=int)
    here, ring, index = parts(), gate.ring(), gate.search_index()
    with here.database.read() as transaction:
        found = index.search(transaction, ring, _query(entry))
        number, pages = _clamped(page, found)
        hits = index.present(transaction, ring, found, number)
    with here.database.begin() as transaction:
        note_shown(transaction, ring, hits, here.clock())
    return _page(entry, Results(search_id, hits, found, number, pages, index.waiting(here.database, ring)))


def page_of(search_id: str, page: int) -> tuple[Sequence[str], int, int]:
    """The cases on a page of the hits, without a word of them; which page it is, and how many there are."""
    asked = gate.searches().find(search_id)
    if asked is None:
        return (), 1, 1
    index = gate.search_index()
    with parts().database.read() as transaction:
        found = index.search(transaction, gate.ring(), _query(SearchForm.of(asked)))
    number, pages = _clamped(page, found)
    return found.case_ids[(number - 1) * PAGE : number * PAGE], number, pages


def _clamped(page: int, found: Found) -> tuple[int, int]:
    """The page that is shown, and how many there are."""
    pages = max(1, -(-len(found.case_ids) // PAGE))
    return min(max(1, page), pages), pages


def _page(entry: SearchForm, shown: Results | None, *, gone: bool = False) -> str:
    return render_template(
        "search.html",
        section="search",
        form=entry,
        results=shown,
        gone=gone,
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
