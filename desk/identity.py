"""Who reported: closed on the page of a case until the member says why, and then open for a while in this log-in."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import gate
from desk.forms import ReasonForm
from desk.parts import parts
from store import identity
from store.casework import case_row
from store.identity import IdentityClosed
from store.keyring import NoSuchKey

blueprint = Blueprint("identity", __name__, url_prefix="/cases/<case_id>/identity")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))


@blueprint.post("")
def open_it(case_id: str) -> Response:
    """Open it, for the reason that is given. Raises NotFound."""
    form, now = ReasonForm(), parts().clock()
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)
    if form.validate():
        try:
            with parts().database.begin() as transaction:
                identity.open_for(transaction, gate.ring(), gate.index(), case_id, form.reason.data, _visit(), now)
        except NoSuchKey:
            flash(gettext("You were given this case without who reported. Ask a coordinator of the desk."), "warn")
    else:
        flash(gettext("Write down why."), "warn")
    return redirect(url_for("case.show", case_id=case_id), 303)


def is_open(case_id: str) -> bool:
    """Is who reported this case open here and now?"""
    now, lasts = parts().clock(), timedelta(minutes=parts().settings.web.identity_minutes)
    with parts().database.read() as transaction:
        return identity.is_open(transaction, gate.ring(), case_id, _visit(), now, lasts)


def require(case_id: str) -> None:
    """For what tells who reported. Raises NotFound, IdentityClosed."""
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)
    if not is_open(case_id):
        raise IdentityClosed("Nobody said why they open who reported this case.")


def _visit() -> str:
    return (gate.session_id() or b"").hex()[:32]
