"""Who is logged in: a member sees and ends their own sessions, who manages the members also those of others."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import confirming, gate
from desk.parts import parts
from store import running_sessions
from store.casework import NotFound
from store.members import logins
from store.running_sessions import NoSuchSession

blueprint = Blueprint("sessions", __name__, url_prefix="/settings/sessions")
blueprint.before_request(gate.require_member)


@blueprint.get("")
def show() -> str:
    ring, here = gate.ring(), parts()
    with here.database.read() as transaction:
        running = running_sessions.running(transaction, ring, here.clock(), gate.limits())
        names = logins(transaction, ring) if ring.may(May.MANAGE_ACCESS) else {}
    return render_template(
        "sessions.html",
        section="settings",
        own=[each for each in running if each.member_id == ring.member_id],
        others=[each for each in running if each.member_id != ring.member_id],
        names=names,
        this=gate.session_id(),
    )


@blueprint.post("/<session_id>/end")
def end(session_id: str) -> confirming.Answer:
    """End one; where it is the one of this request, that is to log out, and needs no passphrase."""
    asked = _id(session_id)
    if asked == gate.session_id():
        response = redirect(url_for("login.form"), 303)
        gate.dismiss(response)
        return response
    return _end_elsewhere(asked)


@blueprint.post("/others/end")
@confirming.first
def end_others() -> Response:
    keep = gate.session_id()
    assert keep is not None
    with parts().database.begin() as transaction:
        ended = running_sessions.end_others(transaction, gate.ring(), keep, parts().clock())
    flash(ngettext("%(num)s other session is ended.", "%(num)s other sessions are ended.", ended), "good")
    return redirect(url_for("sessions.show"), 303)


@confirming.first
def _end_elsewhere(asked: bytes) -> Response:
    try:
        with parts().database.begin() as transaction:
            running_sessions.end_one(transaction, gate.ring(), asked, parts().clock())
    except NoSuchSession:
        raise NotFound("There is no such session.") from None
    flash(gettext("The session is ended. Whoever used it has to log in again."), "good")
    return redirect(url_for("sessions.show"), 303)


def _id(written: str) -> bytes:
    """Raises NotFound."""
    try:
        return bytes.fromhex(written)
    except ValueError:
        raise NotFound("There is no such session.") from None
