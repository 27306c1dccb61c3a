"""What takes two members: what was asked for, and agreeing to it or taking it back."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from cases.roles import May
from desk import gate
from desk.parts import parts
from store import consent
from store.consent import CannotConsent, NeverAsked
from store.keyring import KeyRing
from store.members import logins

blueprint = Blueprint("consents", __name__, url_prefix="/consents")
blueprint.before_request(gate.require(May.MANAGE_ACCESS))


@blueprint.get("/")
def show() -> str:
    ring = gate.ring()
    with parts().database.read() as transaction:
        asked = consent.standing(transaction, ring, parts().clock())
        names = logins(transaction, ring)
    return render_template("consents.html", section="members", asked=asked, names=names, me=ring.member_id)


@blueprint.post("/<consent_id>/give")
def give(consent_id: str) -> Response:
    return _carry_out(consent_id, consent.give, gettext("You agreed. It can be done now by who asked."))


@blueprint.post("/<consent_id>/take-back")
def take_back(consent_id: str) -> Response:
    return _carry_out(consent_id, consent.take_back, gettext("Taken back. It is not done."))


def _carry_out(consent_id: str, change: Callable[[Session, KeyRing, str, datetime], None], said: str) -> Response:
    try:
        with parts().database.begin() as transaction:
            change(transaction, gate.ring(), consent_id, parts().clock())
    except NeverAsked:
        abort(404)
    except CannotConsent:
        flash(gettext("Not possible: another member has to agree, within a week, and only once."), "warn")
    else:
        flash(said, "good")
    return redirect(url_for("consents.show"), 303)
