"""Taking a case out of Meldpost, as one ZIP."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from cases.roles import May
from desk import gate, identity
from desk.attachments import FILE_POLICY, disposition
from desk.parts import parts
from desk.timeline import lines
from store import case_export, consent
from store.casework import view_case
from store.consent import Act, ConsentNeeded

blueprint = Blueprint("exporting", __name__)
blueprint.before_request(gate.require(May.OPEN_THE_DESK))


@blueprint.post("/cases/<case_id>/export")
def export(case_id: str) -> AnyResponse:
    """The case, without who reported while that is closed to the member. Raises NotFound."""
    here, ring, now = parts(), gate.ring(), parts().clock()
    two = consent.is_needed(here.settings.desks[ring.desk], Act.EXPORT)
    try:
        case_export.permit(here.database, ring, gate.index(), case_id, now, two=two)
    except ConsentNeeded:
        flash(gettext("A second member has to agree first. They were asked to, on the page of the members."), "warn")
        return redirect(url_for("case.show", case_id=case_id, _anchor="timeline"), 303)
    with here.database.begin() as transaction:
        view = view_case(transaction, ring, case_id, now)
        if not (view.opens_identity and identity.is_open(case_id)):
            view = view.without_identity()
        timeline = render_template("export.html", lines=lines(view), reference=view.reference)
        content = case_export.packed(transaction, ring, view, timeline)
    response = Response(content, mimetype="application/zip")
    response.headers["Content-Disposition"] = disposition(f"{view.reference or case_id}.zip")
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response
