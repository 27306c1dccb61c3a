"""Keys of one character: a sheet that names them, and turning them off (WCAG 2.2, 2.1.4).

Who speaks to a computer, or types with a shaking hand, sets them off by accident. Whether they work is kept in the
browser, for it hangs on what somebody works with, not on who they are.
"""

from datetime import timedelta

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from desk import gate
from desk.paths import local_path

COOKIE = "__Host-keys"
KEPT = timedelta(days=365)
CHOICES = ("on", "off")

KEYS = {
    "j": _l("To the next case of the list"),
    "k": _l("To the case before it"),
    "Enter": _l("Open that case"),
    "u": _l("From a case back to its list"),
    "/": _l("To the search box"),
    "?": _l("Show this list"),
}

blueprint = Blueprint("keys", __name__, url_prefix="/keys")
blueprint.before_request(gate.require_member)


def install(app: Flask) -> None:
    """Say on each page whether keys work."""
    app.context_processor(lambda: {"keys_work": are_on()})


def are_on() -> bool:
    return request.cookies.get(COOKIE) != "off"


@blueprint.get("")
def show() -> str:
    return render_template("keys.html", section="keys", keys=KEYS)


@blueprint.post("")
def choose() -> Response:
    """Turn them on or off in this browser, and go back."""
    wanted = request.form.get("keys")
    if wanted not in CHOICES:
        abort(400)
    answer = redirect(local_path(request.form.get("then")) or url_for("keys.show"), 303)
    answer.set_cookie(COOKIE, wanted, max_age=KEPT, secure=True, httponly=True, samesite="Strict", path="/")
    said = (
        gettext("Keyboard shortcuts work in this browser.")
        if wanted == "on"
        else gettext("Keyboard shortcuts are off in this browser.")
    )
    flash(said, "good")
    return answer
