"""Notes of a case, and the one that a member is writing: kept sealed as a draft until it is added."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.roles import May
from desk import case, drafts, gate
from desk.case import Refused
from desk.forms import NoteForm
from desk.language import switched
from desk.parts import parts
from store import changes, note_drafts
from store.letters import DraftChanged
from store.note_drafts import Begun

blueprint = Blueprint("notes", __name__, url_prefix="/cases/<case_id>/notes")
blueprint.before_request(gate.require(May.WRITE))

Answer = Response | tuple[str, int]


@blueprint.post("")
def write(case_id: str) -> Answer:
    """Add a note, or do what another button says: keep it for later, throw it away, go on in another language.

    A note overwrites nothing: it asks for no version of the case, and is never refused because somebody else was first.
    """
    form, later = NoteForm(), request.form.get("then", "add")
    if switched():
        later = "keep"
    if later == "drop":
        return _dropped(case_id, form)
    if later == "keep":
        form.text.validators = form.text.validators[1:]  # an empty one is kept, too: by forgetting it
    if not form.validate():
        return case.page(case_id, Refused("notes", form)), 400
    return _kept(case_id, form) if later == "keep" else _added(case_id, form)


@blueprint.post("/keep")
def keep(case_id: str) -> drafts.Answer:
    """Keep what was typed so far, as the page does by itself."""
    form = NoteForm()
    form.text.validators = form.text.validators[1:]
    if not form.validate():
        return drafts.not_kept()
    try:
        return drafts.kept(_keep(case_id, form))
    except DraftChanged:
        return drafts.changed_elsewhere()


def _added(case_id: str, form: NoteForm) -> Response:
    with parts().database.begin() as transaction:
        changes.add_note(transaction, gate.ring(), gate.index(), case_id, form.text.data, parts().clock())
        note_drafts.drop(transaction, gate.ring(), case_id, form.draft.data)
    return _back(case_id, gettext("The note is added."))


def _kept(case_id: str, form: NoteForm) -> Answer:
    try:
        version = _keep(case_id, form)
    except DraftChanged:
        with parts().database.read() as transaction:
            kept = note_drafts.begun(transaction, gate.ring(), case_id)
        form.text.errors = [
            gettext(
                "Another note of yours is kept already, from another window: “%(note)s”. Keep this "
                "one in its place, or add it.",
                note=kept.text,
            )
        ]
        form.draft.data = kept.version
        return case.page(case_id, Refused("notes", form)), 409
    return _back(case_id, gettext("The note is kept as your draft. It is not added yet.") if version else None)


def _dropped(case_id: str, form: NoteForm) -> Response:
    with parts().database.begin() as transaction:
        note_drafts.drop(transaction, gate.ring(), case_id, form.draft.data or 0)
    return _back(case_id, gettext("The draft is thrown away."))


def _keep(case_id: str, form: NoteForm) -> int:
    """Raises NotFound, DraftChanged."""
    with parts().database.begin() as transaction:
        note = Begun(form.text.data, form.draft.data)
        return note_drafts.keep(transaction, gate.ring(), gate.index(), case_id, note, parts().clock())


def _back(case_id: str, said: str | None) -> Response:
    if said:
        flash(said, "good")
    return redirect(url_for("case.show", case_id=case_id, _anchor="notes"), 303)
