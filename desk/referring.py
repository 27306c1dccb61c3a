"""What is not for the desk: the letter that tells the reporter where to go instead, begun as a draft.

Sending it sets the case to referred. To set a case aside without a letter is a change of status like others.
"""

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import case, gate, letters
from desk.forms import ReferForm
from desk.referrals import choices

blueprint = Blueprint("referring", __name__, url_prefix="/cases/<case_id>/refer")
blueprint.before_request(gate.require(May.WRITE))


@blueprint.post("")
def refer(case_id: str) -> Response | tuple[str, int]:
    """Begin the letter, and lead to it."""
    view, form = case.look(case_id), ReferForm()
    if not form.validate() or form.to.data not in choices():
        flash(gettext("Say to whom you refer the reporter."), "warn")
        return redirect(url_for("case.show", case_id=case_id, _anchor="refer"), 303)
    if letters.begin_referral(view, form.to.data):
        flash(gettext("The letter is begun. Read it, and send it; then the case is referred."), "good")
    else:
        flash(gettext("No letter was begun: you are writing one already, or none can go to this reporter."), "warn")
    return redirect(url_for("letters.show", case_id=case_id), 303)
