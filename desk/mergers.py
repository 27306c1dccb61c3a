"""Merging a case into another, undoing that, and making a message a case of its own."""

from secrets import randbelow

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from cases.references import new_reference, references_in
from cases.roles import May
from cases.terms import terms_of
from desk import case, gate
from desk.forms import CaseForm, MergeForm, ReferenceForm
from desk.parts import parts
from store import lookups, mergers, merging, splitting
from store.casework import NotFound, case_row
from store.changes import Changed
from store.keyring import desk_keys, pins_of
from store.mergers import CannotMerge, CannotMove, Merger
from store.records import CANNOT_OPEN
from store.splitting import CannotSplit

blueprint = Blueprint("mergers", __name__, url_prefix="/cases/<case_id>")
blueprint.before_request(gate.require(May.WRITE))

Answer = Response | str | tuple[str, int]

WHY_NOT: dict[str, LazyString] = {
    "same": _l("That is this case itself."),
    "ended": _l("Only open cases are merged or split. Reopen the other first, or look whether it was merged already."),
    "identity": _l("For that you have to be given both cases with who reported. Ask a coordinator of the desk."),
    "held": _l("This case is on hold. Lift the hold first, or merge the other into this one."),
    "letter": _l("A letter of this case is still on its way. Wait until it is sent, or take it back."),
    "restricted": _l(
        "Members are kept out of this case who can open the other; merged, they would read it. Merge the other into "
        "this one, or keep them out of the other first."
    ),
    "nothing_left": _l("None of the messages is where the merger put them: they were split off since."),
    "nothing_stays": _l("The other case would be left without a message."),
    "only_one": _l("A case keeps at least one message."),
    "damaged": _l("Something of this case cannot be opened, so it stays where it is. Tell your administrator."),
    "unknown": _l("There is no case of that reference that you can open."),
}


@blueprint.post("/merge/choose")
def choose(case_id: str) -> Answer:
    """Look at both cases before they are merged."""
    view, form = case.look(case_id), ReferenceForm()
    into = _named(form.reference.data or "")
    if into is None:
        return _refused(case_id, "unknown")
    found = _considered(case_id, into)
    return _refused(case_id, found) if isinstance(found, str) else _page(case_id, found, view.version)


@blueprint.post("/merge")
def merge(case_id: str) -> Answer:
    """Merge the case into the one that was chosen, as both were seen."""
    view, form = case.look(case_id), MergeForm()
    into = form.into.data or ""
    found = _considered(case_id, into)
    if isinstance(found, str):
        return _refused(case_id, found)
    form.strangers = found.strangers
    if not form.validate():
        return _page(case_id, found, view.version, form), 400
    try:
        with parts().database.begin() as transaction:
            mergers.merge(
                *(transaction, gate.ring(), gate.index(), case_id, into),
                version=form.version.data,
                into_version=form.into_version.data,
                now=parts().clock(),
            )
    except (CannotMerge, CannotMove, Changed) as error:
        return _refused(case_id, _why(error))
    flash(gettext("The cases are merged. You can undo that on the page of the merged one."), "good")
    return redirect(url_for("case.show", case_id=into), 303)


@blueprint.post("/merge/undo")
def undo(case_id: str) -> Answer:
    form = CaseForm()
    case.look(case_id)
    if not form.validate():
        return case.page(case_id), 400
    try:
        with parts().database.begin() as transaction:
            mergers.undo(
                *(transaction, gate.ring(), gate.index(), case_id), version=form.version.data, now=parts().clock()
            )
    except (CannotMerge, CannotMove, Changed, *CANNOT_OPEN) as error:
        return _refused(case_id, _why(error))
    flash(gettext("The merger is undone: this case has its messages again."), "good")
    return redirect(url_for("case.show", case_id=case_id), 303)


@blueprint.post("/messages/<message_id>/split")
def split(case_id: str, message_id: str) -> Answer:
    """Make a message a case of its own."""
    form, here = CaseForm(), parts()
    case.look(case_id)
    if not form.validate():
        return case.page(case_id), 400
    desk = gate.ring().desk
    try:
        with here.database.begin() as transaction:
            made = splitting.split_off(
                *(transaction, gate.ring(), gate.index()),
                desk_keys(transaction, desk, pins_of(here.settings.desks[desk])),
                *(case_id, message_id),
                reference=new_reference(randbelow),
                terms=terms_of(here.settings, desk),
                version=form.version.data,
                now=here.clock(),
            )
    except (CannotSplit, CannotMove, Changed) as error:
        return _refused(case_id, _why(error))
    flash(
        gettext("The message is a case of its own now, linked to the one that it was in. To undo that, merge it."),
        "good",
    )
    return redirect(url_for("case.show", case_id=made), 303)


def _named(text: str) -> str | None:
    """The case of a reference, if the member reaches it."""
    references = references_in(text[:100])
    with parts().database.read() as transaction:
        for reference in references or (text.strip(),):
            found = lookups.case_by_reference(transaction, gate.ring().desk, gate.index().reference(reference))
            try:
                return case_row(transaction, gate.ring(), found).id if found else None
            except NotFound:
                return None
    return None


def _considered(case_id: str, into: str) -> Merger | str:
    """What merging would do, or the slug of why it cannot be."""
    try:
        with parts().database.read() as transaction:
            return mergers.consider(transaction, gate.ring(), gate.index(), case_id, into)
    except NotFound:
        return "unknown"
    except (CannotMerge, CannotMove) as error:
        return _why(error)


def _why(error: Exception) -> str:
    if isinstance(error, Changed):
        return "changed"
    return error.why if isinstance(error, CannotMerge | CannotSplit) else "damaged"


def _refused(case_id: str, why: str) -> Response:
    changed = gettext("Somebody changed one of the cases meanwhile. Look at it, and do it again if you still want to.")
    flash(str(WHY_NOT[why]) if why in WHY_NOT else str(changed), "warn")
    return redirect(url_for("case.show", case_id=case_id, _anchor="merge"), 303)


def _page(case_id: str, found: Merger, version: int, form: MergeForm | None = None) -> str:
    view, other = case.look(case_id), case.look(found.into)
    return render_template(
        "merge.html",
        section="queue",
        view=view,
        other=other,
        both=(view, other),
        version=version,
        together=merging.both(other.report, view.report),
        graver=merging.graver(view.report, other.report),
        strangers=found.strangers,
        form=form or MergeForm(formdata=None),
    )
