"""The second factor at a log-in: asked for after the passphrase, and set up first by who needs one and has none.

Between the two a key ring is held, sealed under a secret in the cookie `__Host-door`, for five minutes: no session yet.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from segno import make as make_picture
from werkzeug.wrappers import Response

from desk import gate, passkeys
from desk.forms import CodeForm, NewPasskeyForm, PasskeyForm, TotpForm
from desk.parts import parts
from desk.paths import local_path
from desk.tries import TooManyAttempts, counted
from store import second_factor, sessions
from store.keyring import KeyRing
from store.second_factor import Factors, WrongCode

blueprint = Blueprint("second", __name__, url_prefix="/login/second")

DOOR = "__Host-door"
Answer = Response | str | tuple[str, int]


def after_passphrase(ring: KeyRing, then: str | None) -> Response:
    """Whoever opened this ring comes in, or is asked for more first."""
    here = parts()
    with here.database.read() as transaction:
        factors = second_factor.of(transaction, ring.member_id)
    if not factors and here.settings.desks[ring.desk].second_factor == "optional":
        return _come_in(ring, redirect(then or url_for("queue.show"), 303))
    with here.database.begin() as transaction:
        secret = sessions.hold(transaction, ring, here.clock())
    response = redirect(url_for("second.ask" if factors else "second.show_setup", then=then), 303)
    encoded = urlsafe_b64encode(secret).decode()
    response.set_cookie(DOOR, encoded, secure=True, httponly=True, samesite="Strict", path="/")
    return response


@blueprint.get("/")
def ask() -> Answer:
    ring, factors = _waiting()
    if ring is None:
        return _from_the_start()
    return _page(ring, factors, CodeForm(then=local_path(request.args.get("then"))))


@blueprint.post("/")
def check() -> Answer:
    """A code of the app, or one of those for emergencies."""
    ring, factors = _waiting()
    if ring is None:
        return _from_the_start()
    form = CodeForm()
    if not form.validate():
        return _page(ring, factors, form), 400
    refused = _refused(ring, form.code.data)
    if refused is not None:
        text, status = refused
        form.code.errors = [text]
        return _page(ring, factors, form), status
    return _let_in(ring, redirect(local_path(form.then.data) or url_for("queue.show"), 303))


@blueprint.post("/passkey")
def check_passkey() -> Answer:
    """The answer of one of the member's passkeys to what this page asked."""
    ring, factors = _waiting()
    if ring is None:
        return _from_the_start()
    form = PasskeyForm()
    code = CodeForm(formdata=None, then=local_path(form.then.data))
    if not form.validate():
        return _page(ring, factors, code, form), 400
    refused = passkeys.refused(ring, _asked(), form.credential.data)
    if refused is not None:
        text, status = refused
        form.credential.errors = [text]
        return _page(ring, factors, code, form), status
    return _let_in(ring, redirect(local_path(form.then.data) or url_for("queue.show"), 303))


@blueprint.get("/setup")
def show_setup() -> Answer:
    ring, factors = _waiting()
    if ring is None or factors:  # who has one shows it first
        return _from_the_start()
    return setup_page(ring, TotpForm(), url_for("second.set_up"), _instead(ring))


@blueprint.post("/setup")
def set_up() -> Answer:
    ring, factors = _waiting()
    if ring is None or factors:
        return _from_the_start()
    form = TotpForm()
    codes = keep_totp(ring, form)
    if codes is None:
        return setup_page(ring, form, url_for("second.set_up"), _instead(ring)), 400
    return _let_in(ring, make_response(render_template("codes.html", section="own", codes=codes)))


@blueprint.get("/setup/passkey")
def show_passkey_setup() -> Answer:
    ring, factors = _waiting()
    if ring is None or factors:
        return _from_the_start()
    return passkey_page(ring, _asked(), NewPasskeyForm(), url_for("second.set_passkey_up"))


@blueprint.post("/setup/passkey")
def set_passkey_up() -> Answer:
    ring, factors = _waiting()
    if ring is None or factors:
        return _from_the_start()
    form = NewPasskeyForm()
    codes = passkeys.keep(ring, _asked(), form)
    if codes is None:
        return passkey_page(ring, _asked(), form, url_for("second.set_passkey_up")), 400
    return _let_in(ring, make_response(render_template("codes.html", section="own", codes=codes)))


def passkey_page(ring: KeyRing, asked: bytes, form: NewPasskeyForm, action: str) -> str:
    """Where a member makes a passkey and gives it a name."""
    question = passkeys.question_for_new(ring, asked)
    return render_template("passkey.html", section="own", form=form, action=action, question=question)


def setup_page(ring: KeyRing, form: TotpForm, action: str, instead: str | None = None) -> str:
    """A secret for the member's app, as a picture and in letters; the same again when the code was wrong."""
    secret = form.given_secret() or second_factor.new_secret()
    form.secret.data, form.code.data = secret.hex(), ""
    address = second_factor.address_of(secret, ring.login, f"Meldpost {parts().settings.desks[ring.desk].name}")
    picture = Markup(make_picture(address, error="m").svg_inline(scale=5, border=2))  # noqa: S704 - a picture of ours
    letters = second_factor.readable(secret)
    return render_template(
        "totp.html", section="own", form=form, action=action, picture=picture, letters=letters, instead=instead
    )


def keep_totp(ring: KeyRing, form: TotpForm) -> tuple[str, ...] | None:
    """Set the app up; gives new codes for emergencies, or None where the form says what is wrong."""
    here, secret = parts(), form.given_secret()
    if not form.validate() or secret is None:
        return None
    try:
        with counted(ring.desk, f"second factor of {ring.member_id}"), here.database.begin() as transaction:
            second_factor.add_totp(transaction, ring, secret, form.code.data, here.clock())
            return second_factor.new_codes(transaction, ring, here.index(ring.desk), here.clock())
    except WrongCode:
        form.code.errors = [gettext("That is not what the app should show now. Check the clock of your telephone.")]
    except TooManyAttempts:
        form.code.errors = [gettext("There were too many attempts. Wait a quarter of an hour and try once more.")]
    return None


def _refused(ring: KeyRing, code: str) -> tuple[str, int] | None:
    """Why this code is not taken; None where it is."""
    here = parts()
    try:
        with counted(ring.desk, f"second factor of {ring.member_id}"), here.database.begin() as transaction:
            if "".join(code.split()).isdigit():
                second_factor.check_totp(transaction, ring, code, here.clock())
            else:
                second_factor.use_code(transaction, ring, here.index(ring.desk), code, here.clock())
    except WrongCode:
        with here.database.begin() as transaction:
            second_factor.note_failure(transaction, ring, here.clock())
        return str(gettext("This code is wrong, too old, or was used already. Wait for the next one.")), 403
    except TooManyAttempts:
        return str(gettext("There were too many attempts. Wait a quarter of an hour and try once more.")), 429
    return None


def _waiting() -> tuple[KeyRing | None, Factors]:
    secret, here = _secret(), parts()
    with here.database.read() as transaction:
        ring = None if secret is None else sessions.held(transaction, secret, here.clock())
        return ring, second_factor.of(transaction, ring.member_id if ring else "")


def _let_in(ring: KeyRing, response: Response) -> Response:
    secret = _secret()
    with parts().database.begin() as transaction:
        first = secret is not None and sessions.let_in(transaction, secret)
    return _come_in(ring, response) if first else _from_the_start()


def _come_in(ring: KeyRing, response: Response) -> Response:
    response.delete_cookie(DOOR, secure=True, httponly=True, samesite="Strict", path="/")
    gate.admit(response, ring)
    return response


def _from_the_start() -> Response:
    return redirect(url_for("login.form"), 303)


def _page(ring: KeyRing, factors: Factors, form: CodeForm, passkey: PasskeyForm | None = None) -> str:
    question = passkeys.question_at_the_door(ring, _asked()) if factors.passkeys else None
    return render_template(
        "second.html", form=form, factors=factors, question=question, passkey=passkey or PasskeyForm(formdata=None)
    )


def _instead(ring: KeyRing) -> str | None:
    return url_for("second.show_passkey_setup") if passkeys.party(ring.desk) else None


def _asked() -> bytes:
    """Whom a question to a passkey is for: who waits behind this door."""
    return sessions.id_of(_secret() or b"")


def _secret() -> bytes | None:
    try:
        return urlsafe_b64decode(request.cookies.get(DOOR, "").encode("ascii")) or None
    except ValueError:
        return None
