"""Logging in and out. The passphrase opens the key ring; nothing else about it is checked or kept.

Whoever guesses learns nothing: an unknown name costs the same derivation as a wrong passphrase and gives the same
answer, and failures are counted per name and per address of the network, whether or not the name exists.
"""

import logging

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk import gate
from desk.forms import LoginForm
from desk.parts import parts
from desk.paths import local_path
from store import sessions
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.members import unlock
from store.passphrase import WrongPassphrase

blueprint = Blueprint("login", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/login")
def form() -> str | Response:
    then = local_path(request.args.get("then"))
    if g.get("ring") is not None:
        return redirect(then or url_for("queue.show"))
    return _page(_form(then=then), ended="ended" in request.args)


@blueprint.post("/login")
def enter() -> Response | tuple[str, int]:
    entry = _form()
    if not entry.validate():
        return _page(entry), 400
    ring = _unlock(entry)
    if isinstance(ring, str):
        entry.passphrase.data = ""
        return _page(entry, refused=ring), 429 if ring == _too_often() else 403
    response = make_response(redirect(local_path(entry.then.data) or url_for("queue.show"), 303))
    gate.forget(response)  # a session from before the log-in, if there is one, ends here
    with parts().database.begin() as transaction:
        secret = sessions.start(transaction, ring, parts().clock())
    gate.admit(response, secret)
    return response


@blueprint.post("/logout")
def leave() -> Response:
    response = make_response(redirect(url_for("login.form"), 303))
    gate.forget(response)
    return response


@blueprint.get("/alive")
def alive() -> tuple[str, int]:
    """Asked now and then by a page in which a person types: looking keeps the session open."""
    return ("", 204) if g.get("ring") is not None else ("", 403)


def _form(then: str | None = None) -> LoginForm:
    entry = LoginForm(then=then)
    entry.desk.choices = [(slug, desk.name) for slug, desk in parts().settings.desks.items()]
    return entry


def _page(entry: LoginForm, *, refused: str | None = None, ended: bool = False) -> str:
    return render_template("login.html", form=entry, refused=refused, ended=ended)


def _wrong() -> str:
    return gettext("This name and passphrase do not belong together. Check both and try once more.")


def _too_often() -> str:
    return gettext("There were too many attempts. Wait a quarter of an hour and try once more.")


def _unlock(entry: LoginForm) -> KeyRing | str:
    """The key ring, or what to tell the person."""
    here, desk = parts(), str(entry.desk.data)
    index = IndexKey(here.secrets.key(f"index-key-{desk}"))
    digests = [index.login("name:" + entry.login.data), index.login("from:" + (request.remote_addr or ""))]
    with here.database.begin() as transaction:
        if not all(sessions.may_try(transaction, digest, here.clock()) for digest in digests):
            return _too_often()
    try:
        with here.database.read() as transaction:  # a derivation takes a while: no writer waits for it
            return unlock(
                transaction,
                desk,
                entry.login.data,
                entry.passphrase.data,
                here.secrets.key(f"passphrase-secret-{desk}"),
            )
    except WrongPassphrase:
        with here.database.begin() as transaction:
            for digest in digests:
                sessions.note_failure(transaction, digest, here.clock())
        return _wrong()
