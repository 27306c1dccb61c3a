"""Two members on one case see each other: who has it open, who writes a letter, and whether it was changed meanwhile
or the reporter wrote.

Each page of a case notes that its reader is there. With JavaScript it goes on saying so (`static/presence.js`), and
learns of others by events that hold a digest and two numbers; without, it is taken to be open for some minutes.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, Response, abort, g, render_template, request

from cases.roles import May
from desk import gate, live
from desk.forms import LAST_VERSION
from desk.parts import parts
from store import presence
from store.casework import CaseView
from store.presence import Doing, Present, Stand

WITHOUT_SIGN = timedelta(minutes=5)
"""How long a page is taken to be open of which nobody knows more than that it was asked for."""
SIGNS_MISSED = 4
"""So many signs of a page stay away before nobody is there any more."""

blueprint = Blueprint("presence", __name__, url_prefix="/cases/<case_id>/here")


@blueprint.before_request
def _only_while_logged_in() -> gate.Refusal:
    """204 tells a browser to ask no more."""
    if g.get("ring") is None:
        return Response(status=204)
    return gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED)()


@blueprint.get("")
@gate.by_itself
def show(case_id: str) -> str:
    """Who else is here, and whether the case was changed or got mail since the page was made, as a part of that
    page."""
    now, seen = parts().clock(), _stand()
    with parts().database.read() as transaction:
        stand = presence.stand_of(transaction, gate.ring(), case_id)
        came = presence.first_after(transaction, gate.ring(), case_id, seen.messages)
        found = presence.others(transaction, gate.ring(), case_id, now)
    changed = stand.version != seen.version
    return render_template("_here.html", others=found, changed=changed, came=came, stand=stand, case_id=case_id)


@blueprint.get("/events")
@gate.by_itself
def events(case_id: str) -> Response:
    """A sign that the page is open still; what is told changes whenever `show` has something else to say."""
    here, now = parts(), parts().clock()
    lasts = timedelta(seconds=here.settings.web.live_seconds * SIGNS_MISSED)
    presence.note(here.database, gate.ring(), case_id, _doing(), now, lasts)
    with here.database.read() as transaction:
        stand = presence.stand_of(transaction, gate.ring(), case_id)
        found = presence.others(transaction, gate.ring(), case_id, now)
    return live.event("here", _told(found, stand))


def arrive(view: CaseView, doing: Doing) -> Mapping[str, object]:
    """Note that a page of a case is open; gives what its template (`_presence.html`) shows of others."""
    here, now = parts(), parts().clock()
    presence.note(here.database, gate.ring(), view.case_id, doing, now, WITHOUT_SIGN)
    with here.database.read() as transaction:
        found = presence.others(transaction, gate.ring(), view.case_id, now)
    stand = Stand(view.version, len(view.messages))
    asks = bool(here.settings.web.live_seconds)
    return {"others": found, "told": _told(found, stand), "stand": stand, "doing": doing, "asks": asks}


def _told(found: tuple[Present, ...], stand: Stand) -> str:
    digest = hashlib.sha256(repr([(each.member_id, each.doing) for each in found]).encode()).hexdigest()[:16]
    return f"{digest} {stand.version} {stand.messages}"


def _doing() -> Doing:
    try:
        return Doing(request.args.get("doing", Doing.LOOKING))
    except ValueError:
        abort(404)


_STAND = ("version", "messages")


def _stand() -> Stand:
    """How far the case was when the page was made; who does not say has seen nothing."""
    version, messages = (request.args.get(name, -1, type=int) if name in request.args else 0 for name in _STAND)
    if not (0 <= version <= LAST_VERSION and 0 <= messages <= LAST_VERSION):
        abort(404)
    return Stand(version, messages)
