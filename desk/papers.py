"""Letters on paper: the receipt where there is no address for mail, and minutes to be signed; as PDF, to be printed.

Who reported stands on them, so they are for who said why they open that.
"""

from datetime import datetime

from flask import Blueprint, Response, flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from cases.roles import May
from cases.terms import DueKind, feedback_due, terms_of
from config.settings import DeskSettings
from config.taxonomy import MissingField
from desk import case, gate, identity
from desk.attachments import FILE_POLICY, disposition
from desk.forms import CaseForm
from desk.language import zone
from desk.paper_pdf import to_pdf
from desk.parts import parts
from desk.ways import held_at, minutes_of
from notify.catalogue import catalogue_for
from notify.document import Document
from notify.paper import paper_minutes, paper_receipt
from store import entering
from store.casework import CaseView, NotFound
from store.changes import Changed

blueprint = Blueprint("papers", __name__, url_prefix="/cases/<case_id>/paper")
blueprint.before_request(gate.require(May.WRITE))


@blueprint.get("/receipt.pdf")
def receipt(case_id: str) -> Response:
    """The receipt of the report, for the envelope of its reporter."""
    view = _open(case_id)
    report = view.report
    made = paper_receipt(
        _desk(),
        _language(view),
        reference=view.reference,
        received_on=view.received_at.astimezone(zone()).date(),
        feedback_by=_feedback_by(view).date(),
        missing=tuple(MissingField(slug) for slug in report.get("missing") or () if slug in set(MissingField)),
        anonymous=bool(report.get("anonymous")),
    )
    return _pdf(made, view, "receipt.pdf")


@blueprint.get("/minutes.pdf")
def minutes(case_id: str) -> Response:
    """The minutes of a conversation, to be checked and signed. Raises NotFound where there was none."""
    view = _open(case_id)
    written = minutes_of(view)
    if not written:
        raise NotFound("There are no minutes in this case.")
    held = held_at(view) or view.received_at
    made = paper_minutes(
        _desk(), _language(view), reference=view.reference, held_at=held.astimezone(zone()), minutes=written
    )
    return _pdf(made, view, "minutes.pdf")


@blueprint.post("/sent")
def sent(case_id: str) -> AnyResponse | tuple[str, int]:
    """Say that the receipt is in the post: what it promised is due from now on."""
    form, view, now = CaseForm(), case.look(case_id), parts().clock()
    if not form.validate():
        return case.page(case_id), 400
    feedback_at = feedback_due(view.received_at, now, terms_of(parts().settings, gate.ring().desk))
    try:
        with parts().database.begin() as transaction:
            entering.receipt_was_posted(
                *(transaction, gate.ring(), gate.index(), case_id, feedback_at), version=form.version.data, now=now
            )
    except Changed:
        flash(gettext("The case was changed meanwhile, or no receipt is due any more. Look at it again."), "warn")
    else:
        flash(gettext("Noted: the receipt is in the post."), "good")
    return redirect(url_for("case.show", case_id=case_id, _anchor="dues"), 303)


def _open(case_id: str) -> CaseView:
    """The case, whose reporter is open. Raises NotFound, IdentityClosed."""
    identity.require(case_id)
    return case.look(case_id)


def _feedback_by(view: CaseView) -> datetime:
    now = parts().clock()
    from_now = feedback_due(view.received_at, now, terms_of(parts().settings, gate.ring().desk))
    due = [each.due_at for each in view.dues if each.kind is DueKind.FEEDBACK]
    return min([from_now, *due]).astimezone(zone())


def _pdf(made: Document, view: CaseView, name: str) -> Response:
    desk, contact = _desk(), view.contact
    sender = [desk.name, desk.organisation, *filter(None, [desk.postal_address])]
    lines = [contact.get("name"), *(contact.get("address") or "").splitlines()]
    dated = catalogue_for(made.language).date(parts().clock().astimezone(zone()).date())
    response = Response(to_pdf(made, sender, [each for each in lines if each], dated), mimetype="application/pdf")
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


def _language(view: CaseView) -> str:
    written = next((each.report.get("language") for each in view.messages if each.report.get("language")), None)
    return catalogue_for(written or _desk().language).language


def _desk() -> DeskSettings:
    return parts().settings.desks[gate.ring().desk]
