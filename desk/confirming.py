"""A member gives their passphrase once more before they change what lets members in, or end sessions: who finds a
session open cannot do that (ASVS 5.0, 7.5.1 and 7.5.2)."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from desk import gate
from desk.forms import ConfirmForm
from desk.parts import parts
from desk.paths import local_path
from desk.tries import TooManyAttempts, counted
from store import membership
from store.members import WrongLogin

FOR = timedelta(minutes=5)
"""How long it holds."""

Asked = ParamSpec("Asked")
Answer = Response | str | tuple[str, int]


def first(view: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """For a page, or a button that sends nothing but itself: the passphrase is asked on the way there."""

    @wraps(view)
    def behind(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        if is_confirmed():
            return view(*args, **kwargs)
        if request.method != "POST":
            return _page(ConfirmForm(formdata=None, then=request.path), url_for("own.confirm"))
        if "passphrase" not in request.form:
            return _page(ConfirmForm(formdata=None), request.path)
        return _refused(request.path) or view(*args, **kwargs)

    return behind


def is_confirmed() -> bool:
    """Whether the member gave their passphrase a short while ago, in this log-in."""
    at = session.get(gate.CONFIRMED)
    return at is not None and parts().clock().timestamp() - at < FOR.total_seconds()


def confirm() -> Answer:
    """Take the passphrase, and lead to the page that was asked for."""
    return _refused(url_for("own.confirm")) or redirect(
        local_path(request.form.get("then")) or url_for("own.show"), 303
    )


def _refused(action: str) -> tuple[str, int] | None:
    """The form once more, where this is not the member's passphrase; else it counts from now on, and None."""
    form, here, ring = ConfirmForm(), parts(), gate.ring()
    if not form.validate():
        return _page(form, action), 400
    secret = here.passphrase_secret(ring.desk)
    try:
        with counted(ring.desk, f"passphrase of {ring.member_id}"):
            membership.confirm_passphrase(here.database, ring, form.passphrase.data, secret, here.derivations)
    except TooManyAttempts:
        form.passphrase.errors = [gettext("There were too many attempts. Wait a quarter of an hour and try once more.")]
        return _page(form, action), 429
    except WrongLogin:
        form.passphrase.errors = [gettext("That is not your passphrase of now.")]
        return _page(form, action), 403
    session[gate.CONFIRMED] = here.clock().timestamp()
    return None


def _page(form: ConfirmForm, action: str) -> str:
    return render_template("confirm.html", section="own", form=form, action=action)
