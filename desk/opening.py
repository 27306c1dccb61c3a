"""Saying why who reported a case is opened."""

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import case, gate, identity
from desk.case import Refused
from desk.forms import ReasonForm
from desk.parts import parts
from store import identity as store_identity
from store.casework import case_row
from store.keyring import NoSuchKey

blueprint = Blueprint("opening", __name__, url_prefix="/cases/<case_id>/identity")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))

PLACE = "contact"


@blueprint.post("")
def open_it(case_id: str) -> Response | tuple[str, int]:
    """Open it, for the reason that is given. Raises NotFound."""
    form, now = ReasonForm(), parts().clock()
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)
    if not form.validate():
        return case.page(case_id, Refused(PLACE, form)), 400
    try:
        with parts().database.begin() as transaction:
            visit = identity.visit()
            store_identity.open_for(transaction, gate.ring(), gate.index(), case_id, form.reason.data, visit, now)
    except NoSuchKey:
        flash(gettext("You were given this case without who reported. Ask a coordinator of the desk."), "warn")
    else:
        flash(gettext("Who reported is open."), "good")
    return redirect(url_for("case.show", case_id=case_id, _anchor=PLACE), 303)
