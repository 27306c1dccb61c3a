"""The list that a case was opened from: its page leads back to it, and on to the case before or after.

It stands in the address of the case, in the slugs of the list's own address: `?from=status:received,page:2,place:7`, or
`?from=search:<id>,page:2,place:3`. Each link, form and redirect of a case carries it on by itself. So nothing is kept,
Back and two windows go their own ways, and the page of a case takes no longer: who is next is looked up when somebody
goes there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import filters, gate, queue, search
from desk.filters import Filters
from desk.parts import parts
from store.casework import case_row

blueprint = Blueprint("lists", __name__, url_prefix="/cases/<case_id>")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))

ARGUMENT = "from"
_LEAD_NOWHERE = ("attachments", "presence")
"""What is shown or asked beside the page of a case."""
_SLUGS = re.compile("([a-z]+:[0-9a-z_.]+)(,[a-z]+:[0-9a-z_.]+)*")
_NUMBER = re.compile("[0-9]{1,6}")
_SEARCH = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class Origin:
    """The page of a list, and the place in it, from 0, where the case stood. `search`: the id of a kept search, for a
    list of hits; else the list is the queue that the filters choose."""

    chosen: Filters
    search: str
    page: int
    place: int

    @property
    def back(self) -> str:
        """The address of that page."""
        further: dict[str, Any] = {"page": self.page} if self.page > 1 else {}
        if self.search:
            return url_for("search.results", search_id=self.search, **further)
        return url_for("queue.show", **self.chosen.address(), **further)


@dataclass(frozen=True)
class Shown:
    """A page of a list as it is now."""

    case_ids: Sequence[str]
    number: int
    pages: int


def install(app: Flask) -> None:
    """Have the addresses of a case carry on where it was opened from, and templates know it."""
    app.url_defaults(_carry)
    app.context_processor(lambda: {"origin": origin, "in_list": in_list})


def in_list(place: int, page: int, search: str = "", chosen: Mapping[str, str] | None = None) -> str:
    """What the address of a case says of the list in which its link stands."""
    said = {**({"search": search} if search else chosen or {}), "page": page, "place": place}
    return ",".join(f"{name}:{slug}" for name, slug in said.items())


def origin() -> Origin | None:
    """The list that the case of this request was opened from; None where it was not, or the address makes no sense."""
    written = request.args.get(ARGUMENT, "")
    if not _SLUGS.fullmatch(written):
        return None
    said = dict(each.split(":") for each in written.split(","))
    page, place, asked = said.pop("page", "1"), said.pop("place", "0"), said.pop("search", "")
    chosen = filters.read(said)
    if chosen is None or (asked and not _SEARCH.fullmatch(asked)):
        return None
    if not _NUMBER.fullmatch(page) or not _NUMBER.fullmatch(place):
        return None
    return Origin(chosen, asked, max(1, int(page)), int(place))


@blueprint.get("/previous")
def previous(case_id: str) -> Response:
    return _beside(case_id, -1)


@blueprint.get("/next")
def following(case_id: str) -> Response:
    return _beside(case_id, 1)


def _beside(case_id: str, step: int) -> Response:
    """To the case before or after this one. Where this one is in the list no more, since something was done about it,
    its place counts, where now the one after it stands. Raises NotFound."""
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)
    began = origin() or Origin(Filters(), "", 1, 0)
    shown = _shown(began, began.page)
    at = _place_after(began, shown, case_id, step)
    if at >= len(shown.case_ids) and shown.number < shown.pages:
        shown, at = _shown(began, shown.number + 1), 0
    elif at < 0 and shown.number > 1:
        shown = _shown(began, shown.number - 1)
        at = len(shown.case_ids) - 1
    if not 0 <= at < len(shown.case_ids):
        last, first = gettext("That was the last case of this list."), gettext("That was the first case of this list.")
        flash(last if step > 0 else first)
        return redirect(began.back)
    there: dict[str, Any] = {ARGUMENT: in_list(at, shown.number, began.search, began.chosen.address())}
    return redirect(url_for("case.show", case_id=shown.case_ids[at], **there))


def _place_after(began: Origin, shown: Shown, case_id: str, step: int) -> int:
    if case_id in shown.case_ids:
        return list(shown.case_ids).index(case_id) + step
    return began.place if step > 0 else began.place - 1


def _shown(began: Origin, number: int) -> Shown:
    if began.search:
        return Shown(*search.page_of(began.search, number))
    listed = queue.listed(began.chosen, number)
    return Shown([row.case_id for row in listed.rows], listed.page.number, listed.pages)


def _carry(endpoint: str, values: dict[str, Any]) -> None:
    """An address of the case whose page this is says the same of where it was opened from."""
    here = (request.view_args or {}).get("case_id") if request else None
    leads_back = endpoint.partition(".")[0] not in _LEAD_NOWHERE
    if leads_back and here and values.get("case_id") == here and request.args.get(ARGUMENT):
        values.setdefault(ARGUMENT, request.args[ARGUMENT])
