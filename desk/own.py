"""A member's own access to the desk: their passphrase and second factors, passkeys among them."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk import confirming, gate, passkeys, second, unlocking
from desk.forms import LetUnlockForm, NewPasskeyForm, PassphraseForm, TotpForm
from desk.parts import parts
from desk.tries import TooManyAttempts, counted
from store import membership, second_factor
from store.members import WrongLogin
from store.passphrase_rules import WeakPassphrase, offer
from store.second_factor import NoSuchFactor

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


@blueprint.post("/confirm")
def confirm() -> confirming.Answer:
    return confirming.confirm()


@blueprint.get("/totp")
@confirming.first
def show_totp() -> str:
    return second.setup_page(gate.ring(), TotpForm(), url_for("own.keep_totp"))


@blueprint.post("/totp")
def keep_totp() -> confirming.Answer:
    if not confirming.is_confirmed():
        return redirect(url_for("own.show_totp"), 303)
    form = TotpForm()
    codes = second.keep_totp(gate.ring(), form)
    if codes is None:
        return second.setup_page(gate.ring(), form, url_for("own.keep_totp")), 400
    return render_template("codes.html", section="own", codes=codes)


@blueprint.get("/passkey")
@confirming.first
def show_passkey() -> str:
    return second.passkey_page(gate.ring(), passkeys.asked_here(), NewPasskeyForm(), url_for("own.keep_passkey"))


@blueprint.post("/passkey")
def keep_passkey() -> confirming.Answer:
    if not confirming.is_confirmed():
        return redirect(url_for("own.show_passkey"), 303)
    form, ring = NewPasskeyForm(), gate.ring()
    codes = passkeys.keep(ring, passkeys.asked_here(), form)
    if codes is None:
        return second.passkey_page(ring, passkeys.asked_here(), form, url_for("own.keep_passkey")), 400
    if codes:
        return render_template("codes.html", section="own", codes=codes)
    flash(gettext("Added. From now on you can log in with it, after your passphrase."), "good")
    return redirect(url_for("own.show"), 303)


@blueprint.get("/unlocking")
def show_unlocking() -> str:
    return unlocking.set_up_page(gate.ring(), LetUnlockForm())


@blueprint.post("/unlocking")
def let_unlock() -> Response | tuple[str, int]:
    form = LetUnlockForm()
    if not unlocking.set_up(gate.ring(), form):
        return unlocking.set_up_page(gate.ring(), form), 400
    flash(gettext("From now on this passkey opens your access by itself."), "good")
    return redirect(url_for("own.show"), 303)


@blueprint.post("/unlocking/stop")
def stop_unlocking() -> Response:
    with parts().database.begin() as transaction:
        membership.forget_unlocking(transaction, gate.ring().member_id)
    flash(gettext("From now on your passphrase is needed again."), "good")
    return redirect(url_for("own.show"), 303)


@blueprint.post("/codes")
@confirming.first
def new_codes() -> str:
    """Ten new codes for emergencies: those of before are worth nothing any more."""
    here, ring = parts(), gate.ring()
    with here.database.begin() as transaction:
        if not second_factor.of(transaction, ring.member_id):
            abort(404)
        codes = second_factor.new_codes(transaction, ring, here.index(ring.desk), here.clock())
    return render_template("codes.html", section="own", codes=codes)


@blueprint.post("/factors/<factor_id>/remove")
@confirming.first
def remove(factor_id: str) -> Response:
    try:
        with parts().database.begin() as transaction:
            second_factor.remove(transaction, gate.ring(), factor_id, parts().clock())
    except NoSuchFactor:
        abort(404)
    flash(gettext("Taken away. It opens nothing here any more."), "good")
    return redirect(url_for("own.show"), 303)


def _page(form: PassphraseForm) -> str:
    ring, here = gate.ring(), parts()
    with here.database.read() as transaction:
        factors = second_factor.of(transaction, ring.member_id)
    return render_template(
        "own.html",
        section="own",
        form=form,
        offered=offer(),
        factors=factors,
        needed=here.settings.desks[ring.desk].second_factor == "required",
        passkeys=passkeys.listed(ring) if factors.passkeys else (),
        passkey_domain=here.settings.web.passkey_domain,
        may_unlock=unlocking.party(ring.desk) is not None,
    )
