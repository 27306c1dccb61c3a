"""Who is here: from the cookie to the key ring of the member, for one request.

Two cookies, both `__Host-`, HttpOnly, Secure and SameSite=Strict (browsers count loopback as secure). `__Host-desk`
holds the 256-bit secret that the key ring is sealed under on the server. `__Host-page` is Flask's signed cookie with
the language, the CSRF token and a digest that ties that token to the log-in.
"""

import hashlib

from flask import Flask, abort, g, redirect, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from desk import errors
from desk.parts import parts
from store import sessions
from store.keyring import KeyRing

COOKIE = "__Host-desk"
_BOUND = "bound"


def install(app: Flask) -> None:
    app.before_request(_open)
    app.context_processor(_about_the_member)


def ring() -> KeyRing:
    """The key ring of the member who is logged in; only behind `require_member`."""
    found = g.get("ring")
    if found is None:
        abort(403)
    assert isinstance(found, KeyRing)
    return found


def require_member() -> AnyResponse | tuple[str, int] | None:
    """For the pages of the desk: to the log-in, or, where something was sent, a page that gives it back."""
    if g.get("ring") is not None:
        return None
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("login.form", then=request.full_path.rstrip("?")))
    return errors.page(403, gettext("You were logged out because nothing happened for a while. Log in again."))


def admit(response: AnyResponse, secret: str) -> None:
    """Start afresh with a new secret: nothing from before the log-in counts any longer."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    session[_BOUND] = _digest(secret)
    response.set_cookie(COOKIE, secret, secure=True, httponly=True, samesite="Strict", path="/")


def dismiss(response: AnyResponse) -> None:
    """Forget the log-in in the browser and on the server."""
    secret = request.cookies.get(COOKIE)
    if secret:
        with parts().database.begin() as transaction:
            sessions.end(transaction, secret)
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Strict", path="/")


def _open() -> None:
    g.ring = None
    secret = request.cookies.get(COOKIE)
    if not secret or request.endpoint == "static":
        return
    with parts().database.begin() as transaction:
        g.ring = sessions.resume(transaction, secret, parts().clock())
    if g.ring is None:
        return
    desk = parts().settings.desks.get(g.ring.desk)
    if desk is not None:
        g.timezone = desk.timezone
    if session.get(_BOUND) != _digest(secret):  # the token of another log-in is worth nothing in this one
        session.pop("csrf_token", None)
        session[_BOUND] = _digest(secret)


def _digest(secret: str) -> str:
    return hashlib.sha256(b"csrf is bound to " + secret.encode()).hexdigest()[:32]


def _about_the_member() -> dict[str, object]:
    """What the frame of each page shows; safe on error pages too, where nobody may be logged in."""
    found = g.get("ring")
    desk = parts().settings.desks.get(found.desk) if found is not None else None
    return {
        "ring": found is not None,
        "member_name": found.login if found is not None else None,
        "desk_name": desk.name if desk is not None else None,
        "idle_seconds": parts().settings.web.idle_minutes * 60,
        "here": request.full_path.rstrip("?") if request.method == "GET" else url_for("queue.show"),
        "now": parts().clock(),
    }
