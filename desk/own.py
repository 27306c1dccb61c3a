"""A member's own access to the desk: their passphrase."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk import gate
from desk.forms import PassphraseForm
from desk.parts import parts
from desk.tries import TooManyAttempts, counted
from store import membership
from store.members import WrongLogin
from store.passphrase_rules import WeakPassphrase, offer

blueprint = Blueprint("own", __name__, url_prefix="/own")
blueprint.before_request(gate.require_member)


@blueprint.get("/")
def show() -> str:
    return _page(PassphraseForm())


@blueprint.post("/passphrase")
def change_passphrase() -> Response | tuple[str, int]:
    form, here, ring = PassphraseForm(), parts(), gate.ring()
    if not form.validate():
        return _page(form), 400
    try:
        with counted(ring.desk, f"passphrase of {ring.member_id}"):
            membership.change_passphrase(
                *(here.database, ring, form.before.data, form.after.data),
                secret=here.passphrase_secret(ring.desk),
                now=here.clock(),
                keep=gate.session_id(),
                params=here.cost,
                derivations=here.derivations,
            )
    except TooManyAttempts:
        form.before.errors = [gettext("There were too many attempts. Wait a quarter of an hour and try once more.")]
        return _page(form), 429
    except WrongLogin:
        form.before.errors = [gettext("That is not your passphrase of now.")]
        return _page(form), 403
    except WeakPassphrase:
        form.after.errors = [
            gettext("This passphrase is too easy to guess. Take seven words that have nothing to do with each other.")
        ]
        return _page(form), 400
    flash(gettext("Your passphrase is changed. Where else you were logged in, you are not any more."), "good")
    return redirect(url_for("own.show"), 303)


def _page(form: PassphraseForm) -> str:
    return render_template("own.html", section="own", form=form, offered=offer())
