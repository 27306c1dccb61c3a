"""What an open page learns without being reloaded: server-sent events, each answer over at once.

A stream that stays open would hold one of the few threads of the server for each open page, only to ask the database
again and again. Here the browser does the asking: an answer says what is, ends, and names the time after which the
browser comes back by itself (`retry`, HTML Living Standard, 9.2). An event is a number in words: nothing of a case.
"""

from datetime import UTC, datetime

from flask import Blueprint, Response, abort, g, request
from flask_babel import ngettext

from cases.roles import May
from desk import gate
from desk.parts import parts
from store import arrivals
from store.arrivals import Mark

LAST_SECOND = 253_402_300_799
MOST = 2**31 - 1

blueprint = Blueprint("live", __name__, url_prefix="/live")


@blueprint.before_request
def _only_while_logged_in() -> tuple[str, int] | None:
    """204 tells a browser to ask no more."""
    return None if g.get("ring") is not None else ("", 204)


@blueprint.get("/mail")
@gate.by_itself
def mail() -> Response:
    """How much mail came since the page was made, in words; nothing where none did."""
    ring = gate.ring()
    if not (ring.may(May.OPEN_THE_DESK) or ring.may(May.OPEN_GRANTED)):
        abort(403)
    with parts().database.read() as transaction:
        count = arrivals.new_since(transaction, ring, _mark())
    said = ngettext("%(num)s new message", "%(num)s new messages", count) if count else ""
    return event("mail", said)


def event(name: str, data: str) -> Response:
    """One event, and when to ask for the next."""
    body = f"retry: {parts().settings.web.live_seconds * 1000}\nevent: {name}\ndata: {data}\n\n"
    return Response(body, mimetype="text/event-stream")


def marked(earlier: Mark) -> dict[str, int]:
    """A mark as it stands in an address."""
    return {"since": int(earlier.since.timestamp()), "known": earlier.known}


def _mark() -> Mark:
    since, known = (request.args.get(name, -1, type=int) for name in ("since", "known"))
    if not 0 <= since <= LAST_SECOND or not 0 <= known <= MOST:
        abort(404)
    return Mark(datetime.fromtimestamp(since, UTC), known)
