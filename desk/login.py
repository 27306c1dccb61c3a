"""Logging in and out. The passphrase opens the key ring; nothing else about it is checked or kept.

Whoever guesses learns nothing: an unknown name costs the same derivation as a wrong passphrase and gives the same
answer, and tries are counted per name and per address of the network, before they are made, whether or not the name
exists.
"""

from contextlib import suppress

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response
from wtforms import SelectChoice

from cases.roles import May
from desk import gate, second, unlocking
from desk.forms import LoginForm
from desk.parts import parts
from desk.paths import local_path
from desk.retention import sign_for_what_is_gone
from desk.tries import PLACE, TooManyAttempts
from store import membership, sessions
from store.keyring import KeyRing, desk_keys, pins_of
from store.members import WrongLogin, complete_signing_keys, unlock
from store.passphrase import TooManyDerivations

blueprint = Blueprint("login", __name__)


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
    try:
        ring = _unlock(entry)
    except TooManyAttempts:
        wait = gettext("There were too many attempts. Wait a quarter of an hour and try once more.")
        return _page(entry, refused=wait), 429
    except WrongLogin:
        wrong = gettext("This name and passphrase do not belong together. Check both and try once more.")
        return _page(entry, refused=wrong), 403
    return second.after_passphrase(ring, local_path(entry.then.data))


@blueprint.post("/logout")
def leave() -> Response:
    response = redirect(url_for("login.form"), 303)
    gate.dismiss(response)
    return response


@blueprint.get("/alive")
def alive() -> tuple[str, int]:
    """Asked now and then by a page in which a person types: looking keeps the session open."""
    return ("", 204) if g.get("ring") is not None else ("", 403)


def _form(then: str | None = None) -> LoginForm:
    entry = LoginForm(then=then)
    entry.desk.choices = [SelectChoice(slug, desk.name) for slug, desk in parts().settings.desks.items()]
    return entry


def _page(entry: LoginForm, *, refused: str | None = None, ended: bool = False) -> str:
    passkeys = any(unlocking.party(desk) for desk in parts().settings.desks)
    return render_template("login.html", form=entry, refused=refused, ended=ended, passkeys=passkeys)


def _unlock(entry: LoginForm) -> KeyRing:
    """Raises WrongLogin, TooManyAttempts, TooManyDerivations."""
    here, desk, now = parts(), str(entry.desk.data), parts().clock()
    index, pins = here.index(desk), pins_of(here.settings.desks[desk])
    name, place = index.login(f"name {entry.login.data}"), index.login(f"address {request.remote_addr}")
    with here.database.begin() as transaction:
        if not (sessions.may_try(transaction, name, now) and sessions.may_try(transaction, place, now, PLACE)):
            raise TooManyAttempts
        sessions.note_try(transaction, [name, place], now)
    try:
        with here.database.read() as transaction:  # a derivation takes its time: no writer waits for it
            ring = unlock(
                transaction,
                desk,
                entry.login.data,
                entry.passphrase.data,
                here.passphrase_secret(desk),
                here.derivations,
                pins=pins,
                params=here.cost,
            )
    except WrongLogin:
        with here.database.begin() as transaction:
            sessions.note_failure(transaction, desk, now, desk_keys(transaction, desk, pins).to_desk)
        raise
    except TooManyDerivations:
        with here.database.begin() as transaction:
            sessions.take_back_try(transaction, [name, place], now)
        raise
    with here.database.begin() as transaction:
        sessions.note_success(transaction, name)
        sessions.note_success(transaction, place)
        complete_signing_keys(transaction, ring, pins, now)
        if not here.settings.web.passkey_unlocks:
            membership.forget_unlocking(transaction, ring.member_id)
    _raise_cost(ring, entry.passphrase.data)
    if ring.may(May.OPEN_THE_DESK):
        sign_for_what_is_gone(ring)
    return ring


def _raise_cost(ring: KeyRing, passphrase: str) -> None:
    """Where a derivation is to be dearer than when this passphrase was chosen, that is made good now."""
    here = parts()
    with suppress(TooManyDerivations):  # then at the next log-in
        membership.raise_cost(
            *(here.database, ring, passphrase, here.passphrase_secret(ring.desk)),
            params=here.cost,
            derivations=here.derivations,
        )
