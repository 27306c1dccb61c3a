"""Retention: what goes when and why, what is kept from going, and what is gone."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response as AnyResponse

from cases.retention import Policy, policy_of
from cases.roles import May
from desk import gate
from desk.faults import NotFilledIn
from desk.forms import CaseForm, ReasonForm
from desk.language import zone
from desk.parts import parts
from store import consent, declarations, destruction, early_destruction, retention, retention_overview
from store.casework import CaseView, case_row
from store.changes import Changed
from store.consent import Act, ConsentNeeded
from store.declarations import CANNOT_SIGN, Declaration
from store.destroyed_listing import list_destroyed
from store.destruction import NotDestroyable
from store.keyring import KeyRing
from store.members import logins
from store.retention import OnHold
from store.retention_overview import Gone

blueprint = Blueprint("retention", __name__)
blueprint.before_request(gate.require(May.OPEN_THE_DESK))

LOOK_AHEAD = timedelta(days=90)
MOST_SHOWN = 500

log = logging.getLogger(__name__)


def policy() -> Policy:
    """The retention table of the member's desk."""
    return policy_of(parts().settings, gate.ring().desk)


@blueprint.get("/retention/")
def show() -> str:
    """The table, what goes within 90 days, holds, what no rule is for, and the declarations."""
    ring, index, now = gate.ring(), gate.index(), parts().clock()
    sign_for_what_is_gone(ring)
    with parts().database.read() as transaction:
        names = logins(transaction, ring)
        soon = retention.planned(transaction, ring, now + LOOK_AHEAD)
        held = retention.holds(transaction, ring, names)
        references = retention.references(transaction, ring, [each.case_id for each in held])
        dated, undated = retention.counts(transaction, ring)
        kept = declarations.kept(transaction, ring)
        gone = destruction.ended(transaction, ring.desk, index)
        overview = {each.case_id: each for each in retention_overview.gone(transaction, ring.desk)}
    gate.note_look_at([each.case_id for each in held])
    return render_template(
        "retention.html",
        section="retention",
        policy=policy(),
        soon=soon[:MOST_SHOWN],
        held=held,
        references=references,
        dated=dated,
        undated=undated,
        declared=kept[:MOST_SHOWN],
        gone={each.id: each for each in gone},
        for_good={each.id: _gone_for_good(overview[each.case_id]) for each in gone if each.case_id in overview},
        unproven=[each for each in gone if not each.proven],
    )


@blueprint.post("/retention/apply")
def apply() -> AnyResponse:
    """Compute the dates of all ended cases by the table as it is now."""
    count = retention.plan_all(parts().database, gate.ring(), gate.index(), policy(), parts().clock())
    text = ngettext("%(num)s case has another date now.", "%(num)s cases have another date now.", count)
    flash(text if count else gettext("All dates were right already."), "good")
    return redirect(url_for("retention.show"), 303)


@blueprint.get("/retention/declarations/<declaration_id>.txt")
def declaration(declaration_id: str) -> Response:
    with parts().database.read() as transaction:
        found = next((each for each in declarations.kept(transaction, gate.ring()) if each.id == declaration_id), None)
    if found is None:
        abort(404)
    title = gettext("Declaration of destruction")
    text = f"{title}\n\n{declarations.to_text(found, _words_of(found))}"
    headers = {"Content-Disposition": f'attachment; filename="{declaration_id}.txt"'}
    return Response(text, mimetype="text/plain; charset=utf-8", headers=headers)


@blueprint.post("/cases/<case_id>/hold")
def hold(case_id: str) -> AnyResponse:
    """Keep a case from being destroyed."""
    return _change_hold(case_id, lift=False)


@blueprint.post("/cases/<case_id>/hold/lift")
def lift(case_id: str) -> AnyResponse:
    return _change_hold(case_id, lift=True)


@blueprint.post("/cases/<case_id>/destroy")
def destroy(case_id: str) -> AnyResponse:
    """Destroy a case before its time. It is gone when the answer comes."""
    _must_exist(case_id)
    form, number = ReasonForm(), CaseForm()
    back = redirect(url_for("case.show", case_id=case_id, _anchor="retention"), 303)
    if form.validate() and request.form.get("sure") != "yes":
        form.reason.errors = [gettext("Nothing was destroyed: say that you are sure.")]
    if form.errors or not number.validate():
        raise NotFilledIn(case_id, "retention", form, "destroy-reason")
    ring, index, now = gate.ring(), gate.index(), parts().clock()
    with parts().database.read() as transaction:
        names = logins(transaction, ring)
    two = consent.is_needed(parts().settings.desks[ring.desk], Act.DESTROY)
    arguments = (parts().database, ring, index, case_id, form.reason.data, policy(), names)
    begun = partial(list_destroyed, parts().database, parts().settings.backup.folder, {ring.desk: index})
    try:
        early_destruction.destroy_now(*arguments, version=number.version.data, now=now, two=two, begun=begun)
    except ConsentNeeded:
        flash(gettext("A second member has to agree first. They were asked to, on the page of the members."), "warn")
        return back
    except Changed:
        flash(gettext("Somebody changed the case. Look at it again before you decide."), "warn")
        return back
    except NotDestroyable:
        flash(
            gettext(
                "The case is not destroyed: it has not ended, is on hold, has a message that nobody looked at, or a "
                "mail of it is on its way out."
            ),
            "warn",
        )
        return back
    flash(gettext("The case is destroyed."), "good")
    return redirect(url_for("retention.show"), 303)


def of_case(view: CaseView) -> dict[str, object]:
    """What the page of a case shows of this."""
    with parts().database.read() as transaction:
        at = retention.destroy_at(transaction, view.case_id)
        held = retention.is_held(transaction, view.case_id)
    return {"destroy_at": at, "held": held, "form": ReasonForm(formdata=None)}


def sign_for_what_is_gone(ring: KeyRing) -> None:
    """What was destroyed since somebody last looked gets its declaration, and models that saw it go."""
    index, now = parts().index(ring.desk), parts().clock()
    with parts().database.read() as transaction:
        if not destruction.ended(transaction, ring.desk, index, undeclared=True):
            return
        names = logins(transaction, ring)
    try:
        with parts().database.begin() as transaction:
            declarations.declare(transaction, ring, index, names, now)
    except CANNOT_SIGN as error:
        log.error("desk %s: destructions are not declared: %s", ring.desk, type(error).__name__)  # noqa: TRY400


def _must_exist(case_id: str) -> None:
    """Raises NotFound, which answers as for any address that leads nowhere."""
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)


def _change_hold(case_id: str, *, lift: bool) -> AnyResponse:
    _must_exist(case_id)
    form = ReasonForm()
    back = redirect(url_for("case.show", case_id=case_id, _anchor="retention"), 303)
    if not form.validate():
        raise NotFilledIn(case_id, "retention", form, "hold-reason")
    ring, index, now = gate.ring(), gate.index(), parts().clock()
    try:
        with parts().database.begin() as transaction:
            if lift:
                retention.lift(transaction, ring, index, case_id, form.reason.data, policy(), now)
            else:
                retention.hold(transaction, ring, index, case_id, form.reason.data, now)
    except OnHold:
        flash(gettext("Somebody else was first."), "warn")
        return back
    flash(gettext("Saved."), "good")
    return back


def _gone_for_good(gone: Gone) -> str:
    """The day, or what is in the way of one."""
    at = gone.for_good_at(parts().settings.backup.key_backup_days)
    if at is not None:
        return at.astimezone(zone()).date().isoformat()
    if gone.lying:
        return str(
            ngettext(
                "No day yet: %(num)s mail of it still lies readable on the mail server.",
                "No day yet: %(num)s mails of it still lie readable on the mail server.",
                gone.lying,
            )
        )
    return str(gettext("No day yet: the database has not given the space back in which it lay."))


def _words_of(found: Declaration) -> dict[str, str]:
    parts_of: Sequence[tuple[str, str]] = (
        ("desk", gettext("Desk")),
        ("reference", gettext("Reference of the case")),
        ("closed_on", gettext("Closed on")),
        ("destroyed_at", gettext("Destroyed at (UTC)")),
        ("ground", gettext("Ground")),
        ("term", gettext("Term")),
        ("selection", gettext("Number in the selection list")),
        ("reason", gettext("Reason for destroying it before its time")),
        ("records", gettext("Sealed records destroyed")),
        ("messages", gettext("Messages among them")),
        ("attachments", gettext("Attachments among them")),
        ("destroyed_by", gettext("Destroyed by")),
        ("signed_by", gettext("Signed by")),
        ("signed_at", gettext("Signed at (UTC)")),
    )
    words = dict(parts_of)
    return {part: str(words[part]) for part in words if part in found.content}
