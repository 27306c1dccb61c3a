"""Who is here: from the cookie to the key ring of the member, for one request.

Two cookies, both `__Host-`, HttpOnly, Secure and SameSite=Strict (browsers count loopback as secure). `__Host-desk`
holds the 256-bit secret that the key ring is sealed under on the server. `__Host-page` is Flask's signed cookie with
the language, the CSRF token and a digest that ties that token to the log-in.
"""

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import TypeVar
from zoneinfo import ZoneInfo

from flask import Flask, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.globals import request_ctx
from flask_babel import gettext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from cases.roles import May
from desk import errors
from desk.indexes import Tallied
from desk.parts import parts
from desk.searches import Searches
from store import audit, sessions
from store.audit import Action
from store.keyring import KeyRing, pins_of
from store.lookups import IndexKey
from store.search import SearchIndex

COOKIE = "__Host-desk"
_BOUND = "bound"
CONFIRMED = "confirmed"
"""In the cookie of the page: when the member gave their passphrase once more (`desk.confirming`)."""
_BY_ITSELF = "asked_by_a_page_itself"
_REFUSED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_ID = re.compile("[0-9a-f]{32}")

Refusal = Response | tuple[str, int] | None
View = TypeVar("View", bound=Callable[..., object])


def install(app: Flask) -> None:
    app.before_request(_open)
    app.after_request(_note_what_was_refused)
    app.teardown_request(_forget_the_place)
    app.context_processor(_about_the_member)


def ring() -> KeyRing:
    """The key ring of the member who is logged in; only behind `require_member`."""
    found = g.get("ring")
    if found is None:
        abort(403)
    assert isinstance(found, KeyRing)
    return found


def session_id() -> bytes | None:
    """By what the store knows the session of this request."""
    secret = _secret()
    return None if secret is None else sessions.id_of(secret)


def index() -> IndexKey:
    """The index key of the member's desk: by it the keys of a case prove themselves."""
    return parts().index(ring().desk)


def search_index() -> SearchIndex:
    """The member's search index, brought up to date."""
    return parts().indexes.of(ring(), _digest(_secret() or b""))


def search_index_at_hand() -> SearchIndex:
    """The member's search index, as far as it was read."""
    return parts().indexes.at_hand(ring(), _digest(_secret() or b""))


def search_index_soon(most: int) -> SearchIndex:
    """The member's search index, as far as it was read; once so many cases wait, it is brought up to date beside."""
    return parts().indexes.soon(ring(), _digest(_secret() or b""), most)


def searches() -> Searches:
    """What was searched for in this session."""
    return parts().indexes.searches(ring(), _digest(_secret() or b""))


def tally(timezone: ZoneInfo) -> Tallied | None:
    """The cases of the member, counted; None while too little of them is read."""
    return parts().indexes.tally(ring(), _digest(_secret() or b""), index(), timezone)


def by_itself(view: View) -> View:
    """For what a page asks by itself, with nobody at it: that keeps no session open."""
    setattr(view, _BY_ITSELF, True)
    return view


def require_member() -> Refusal:
    """For the pages of the desk: to the log-in, or, where something was sent, a page that gives it back."""
    if g.get("ring") is not None:
        return None
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("login.form", then=request.full_path.rstrip("?")))
    said = gettext(
        "You are logged out: nothing happened for a while, you logged out elsewhere, or somebody ended your session. "
        "Nothing of this was saved. Log in again."
    )
    case_id = (request.view_args or {}).get("case_id")
    then = url_for("case.show", case_id=case_id) if case_id else None
    return errors.page(403, said, title=gettext("You are logged out"), then=then)


def require(*any_of: May) -> Callable[[], Refusal]:
    """For pages of who may do one of these; others are told what is theirs instead."""

    def guard() -> Refusal:
        refused = require_member()
        if refused is not None or any(ring().may(each) for each in any_of):
            return refused
        return own_place(), 403

    return guard


def note_look_at(case_ids: Sequence[str]) -> None:
    """Put on the trail that what stands on the cards of these cases is shown; a page calls it before it does."""
    if case_ids:
        with parts().database.begin() as transaction:
            detail = {"cases": list(case_ids)}
            audit.write_look(transaction, ring(), Action.LOOK_LIST, parts().clock(), detail=detail)


def own_place() -> str:
    """What a member's role lets them see here, in plain words: the first page of who does not open the desk."""
    return render_template("place.html", section="place", asked=request.endpoint != "queue.show")


def admit(response: Response, key_ring: KeyRing) -> None:
    """Begin a session under a new secret: nothing from before the log-in counts any longer."""
    _end_running()
    now = parts().clock()
    with parts().database.begin() as transaction:
        sessions.end_stale(transaction, now, limits())
        secret = sessions.start(transaction, key_ring, now)
    parts().indexes.begin(key_ring, _digest(secret))
    parts().upkeep.begin(key_ring, parts().index(key_ring.desk), pins_of(parts().settings.desks[key_ring.desk]))
    session[_BOUND] = _digest(secret)
    response.set_cookie(
        COOKIE, urlsafe_b64encode(secret).decode(), secure=True, httponly=True, samesite="Strict", path="/"
    )


def dismiss(response: Response) -> None:
    """Forget the log-in, in the browser and on the server."""
    _end_running()
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Strict", path="/")


def _end_running() -> None:
    secret = _secret()
    if secret is not None:
        with parts().database.begin() as transaction:
            sessions.end(transaction, secret, parts().clock())
        parts().indexes.leave(_digest(secret))
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language


def _open() -> None:
    g.ring = None
    g.place = audit.PLACE.set(request.remote_addr or "")
    secret = _secret()
    if secret is None or request.endpoint == "static":
        return
    by_itself = _is_by_itself()
    g.ring = sessions.resume(parts().database, secret, parts().clock(), limits(), goes_on=not by_itself)
    if g.ring is None:
        parts().indexes.leave(_digest(secret))
        return
    if not by_itself:
        parts().indexes.seen(_digest(secret))
        g.ring = parts().indexes.remembering(g.ring)
    desk = parts().settings.desks.get(g.ring.desk)
    if desk is not None:
        g.timezone = desk.timezone
    if session.get(_BOUND) != _digest(secret):  # what belongs to another log-in is worth nothing in this one
        for name in ("csrf_token", CONFIRMED):
            session.pop(name, None)
        session[_BOUND] = _digest(secret)


def _is_by_itself() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, _BY_ITSELF, False)


def _forget_the_place(_error: BaseException | None) -> None:
    if (place := g.pop("place", None)) is not None:
        audit.PLACE.reset(place)


def _note_what_was_refused(response: Response) -> Response:
    """A case that a member asked for in vain: theirs to know who answers for the desk."""
    case_id = (request.view_args or {}).get("case_id")
    if g.get("ring") is not None and response.status_code in _REFUSED and _ID.fullmatch(str(case_id)):
        with parts().database.begin() as transaction:
            audit.write_look(transaction, g.ring, Action.LOOK_REFUSED, parts().clock(), case_id=str(case_id))
    return response


def limits() -> sessions.Limits:
    """How long sessions last here."""
    web = parts().settings.web
    return sessions.Limits(timedelta(minutes=web.idle_minutes), timedelta(hours=web.session_hours))


def _secret() -> bytes | None:
    try:
        return urlsafe_b64decode(request.cookies.get(COOKIE, "").encode("ascii")) or None
    except ValueError:
        return None


def _digest(secret: bytes) -> str:
    return hashlib.sha256(b"csrf is bound to " + secret).hexdigest()[:32]


def _about_the_member() -> dict[str, object]:
    """What the frame of each page shows; safe on error pages too, where nobody may be logged in."""
    found = g.get("ring")
    desk = parts().settings.desks.get(found.desk) if found is not None else None
    return {
        "ring": found is not None,
        "role": found.role if found is not None else None,
        "can": lambda what: found is not None and found.may(May(what)),
        "member_name": found.login if found is not None else None,
        "desk_name": desk.name if desk is not None else None,
        "idle_seconds": parts().settings.web.idle_minutes * 60,
        "here": _here(),
        "now": parts().clock(),
    }


def _here() -> str:
    """The address of this page; of one that answers a form, of the page that the form stands on: the nearest above."""
    path, query = request.path, request.query_string.decode("ascii", "ignore")
    while path and request.method != "GET" and not _is_page(path):
        path = path.rpartition("/")[0]
    return f"{path or url_for('queue.show')}?{query}".rstrip("?")


def _is_page(path: str) -> bool:
    adapter = request_ctx.url_adapter
    try:
        return adapter is not None and bool(adapter.match(path, method="GET"))
    except RequestRedirect:  # to the same with a slash
        return True
    except HTTPException:
        return False
