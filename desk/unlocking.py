"""Coming in by a passkey alone, where the installation lets members: no name, no passphrase, no second factor.

The passkey asked for its owner's finger, face or number; that and the passkey itself are the two factors.
"""

import json
import secrets
from base64 import urlsafe_b64decode

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import gate, passkeys
from desk.forms import LetUnlockForm, UnlockForm
from desk.parts import parts
from desk.retention import sign_for_what_is_gone
from desk.tries import PLACE, TooManyAttempts, counted
from store import membership, sessions, unlocking
from store.challenges import Purpose
from store.keyring import KeyRing, desk_keys, pins_of
from store.members import WrongLogin, complete_signing_keys
from store.passkeys import Answer, Party, WrongPasskey, note_refusal

blueprint = Blueprint("unlocking", __name__, url_prefix="/login/passkey")

_ASKED = "passkey"


@blueprint.post("/")
def ask() -> Response | str:
    """The page on which the browser asks for a passkey at once."""
    here, desk = parts(), request.form.get("desk", "")
    who = party(desk) or abort(404)
    place = here.index(desk).login(f"address {request.remote_addr}")
    with here.database.begin() as transaction:
        if not sessions.may_try(transaction, place, here.clock(), PLACE):
            return _back(gettext("There were too many attempts. Wait a quarter of an hour and try once more."))
        sessions.note_try(transaction, [place], here.clock())
    session[_ASKED] = secrets.token_hex(16)
    form = UnlockForm(formdata=None, desk=desk)
    return render_template("unlock.html", form=form, question=_question(Purpose.UNLOCK, desk, who, _asked()))


@blueprint.post("/open")
def enter() -> Response:
    here, form, now = parts(), UnlockForm(), parts().clock()
    desk = form.desk.data or ""
    who = party(desk) or abort(404)
    refused = gettext("This passkey was not accepted. Try once more, or use another way.")
    if not form.validate():
        return _back(refused)
    try:
        answer = passkeys.answer(Purpose.UNLOCK, _asked(), form.credential.data)
        ring = _unlock(desk, who, answer, form.prf.data)
    except WrongPasskey:
        return _back(refused)
    with here.database.begin() as transaction:
        sessions.note_success(transaction, here.index(desk).login(f"address {request.remote_addr}"))
        complete_signing_keys(transaction, ring, pins_of(here.settings.desks[desk]), now)
    if ring.may(May.OPEN_THE_DESK):
        sign_for_what_is_gone(ring)
    response = redirect(url_for("queue.show"), 303)
    gate.admit(response, ring)
    return response


def party(desk: str) -> Party | None:
    """In whose name a passkey is asked for that opens by itself; None where none may."""
    may = parts().settings.web.passkey_unlocks and desk in parts().settings.desks
    return passkeys.party(desk) if may else None


def set_up_page(ring: KeyRing, form: LetUnlockForm) -> str:
    """Where a member lets a passkey open their access: with their passphrase, for it will do what that does."""
    who = party(ring.desk) or abort(404)
    question = _question(Purpose.LET_UNLOCK, ring.desk, who, passkeys.asked_here())
    return render_template("let_unlock.html", section="own", form=form, question=question)


def set_up(ring: KeyRing, form: LetUnlockForm) -> bool:
    """Let a passkey open its member's access; False where the form says what is wrong."""
    here, who = parts(), party(ring.desk) or abort(404)
    if not form.validate():
        return False
    secret = here.passphrase_secret(ring.desk)
    try:
        with counted(ring.desk, f"passphrase of {ring.member_id}"):
            membership.confirm_passphrase(here.database, ring, form.passphrase.data, secret, here.derivations)
        answer = passkeys.answer(Purpose.LET_UNLOCK, passkeys.asked_here(), form.credential.data)
        with here.database.begin() as transaction:
            index, prf = here.index(ring.desk), _computed(form.prf.data)
            unlocking.set_up(transaction, ring, index, who, answer, prf, secret, here.clock())
    except TooManyAttempts:
        form.passphrase.errors = [gettext("There were too many attempts. Wait a quarter of an hour and try once more.")]
    except WrongLogin:
        form.passphrase.errors = [gettext("That is not your passphrase of now.")]
    except WrongPasskey:
        passkeys.note_refused(ring)
        form.credential.errors = [gettext("That did not work. Try once more; if it fails again, use another passkey.")]
    return not form.errors


def _unlock(desk: str, who: Party, answer: Answer, prf: str) -> KeyRing:
    """Raises WrongPasskey, which is on the trail then."""
    here, now = parts(), parts().clock()
    index, pins = here.index(desk), pins_of(here.settings.desks[desk])
    try:
        with here.database.begin() as transaction:
            secret = here.passphrase_secret(desk)
            return unlocking.unlock(transaction, index, desk, who, answer, _computed(prf), secret, pins, now)
    except WrongPasskey:
        with here.database.begin() as transaction:
            note_refusal(transaction, desk, now, None, desk_keys(transaction, desk, pins).to_desk)
        raise


def _question(purpose: Purpose, desk: str, who: Party, asked: bytes) -> str:
    with parts().database.begin() as transaction:
        return json.dumps(unlocking.ask(transaction, purpose, desk, who, asked, parts().clock()))


def _computed(text: str | None) -> bytes:
    """What the passkey computed, as the page sends it. Raises WrongPasskey."""
    try:
        return urlsafe_b64decode(f"{text}==")
    except ValueError:
        raise WrongPasskey("This is nothing that a passkey computes.") from None


def _asked() -> bytes:
    """Whom a question is for: who has the cookie of the page on which it stands."""
    return str(session.get(_ASKED) or abort(403)).encode()


def _back(why: str) -> Response:
    flash(why, "bad")
    return redirect(url_for("login.form"), 303)
