"""What a person does to a case. Each change is one form; whatever is refused comes back with what was typed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import BooleanField, FieldList, HiddenField, SelectFieldBase

from cases.lifecycle import TRANSITIONS, Outcome, Status
from cases.roles import May
from cases.terms import BY_HAND, DueKind
from desk import case, gate, identity, receipts, retention
from desk.case import Refused
from desk.forms import (
    DECISIONS,
    AcceptForm,
    CaseForm,
    CategoriesForm,
    ContactForm,
    DoneForm,
    FirstLookForm,
    StatusForm,
)
from desk.owed import owed
from desk.parts import parts
from store import changes, undoing
from store.casework import CaseView, FirstLook, case_row
from store.changes import Changed

blueprint = Blueprint("changes", __name__, url_prefix="/cases/<case_id>")
blueprint.before_request(gate.require(May.WRITE))

Answer = Response | tuple[str, int]


@blueprint.post("/decide/<part>")
def decide(case_id: str, part: str) -> Answer:
    """Accept or correct a part of the report; what was decided before can be decided anew."""
    if part not in DECISIONS:
        abort(404)
    form = DECISIONS[part]()
    report = case.look(case_id).report
    if isinstance(form, CategoriesForm):
        form.main = report.get("primary")

    def change(transaction: Session, version: int) -> None:
        decided = agreeing(report, {part: form.decided()})
        changes.decide(
            *(transaction, gate.ring(), gate.index(), case_id, decided),
            version=version,
            now=parts().clock(),
            policy=retention.policy(),
        )

    return carry_out(case_id, f"field-{part}", form, change)


def agreeing(report: Mapping[str, Any], decided: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is decided, with what follows from it: the main category is one of the categories."""
    after = {**report, **decided}
    main, categories = after.get("primary"), after.get("categories") or []
    if main in {one["slug"] for one in categories} or (main is None and (categories or "primary" in decided)):
        return decided
    if "categories" in decided and "primary" not in decided:
        return {**decided, "primary": categories[0]["slug"] if categories else None}
    kept = [{"slug": one["slug"], "sub": list(one.get("sub") or ())} for one in categories]
    return {**decided, "categories": [*kept, {"slug": main, "sub": []}]}


@blueprint.post("/accept")
def accept(case_id: str) -> Answer:
    """Accept all that the machine suggests and nobody decided, if it still suggests what the page showed."""
    form = AcceptForm()
    view = case.look(case_id)
    suggestions = case.suggestions(view)
    if not suggestions.values or form.seen.data != suggestions.seen:
        flash(gettext("The suggestions changed while you had this page open. Look at them again."), "warn")
        return redirect(url_for("case.show", case_id=case_id, _anchor="report"), 303)

    def change(transaction: Session, version: int) -> None:
        changes.decide(
            *(transaction, gate.ring(), gate.index(), case_id, agreeing(view.report, suggestions.values)),
            version=version,
            now=parts().clock(),
            policy=retention.policy(),
        )

    return carry_out(case_id, "report", form, change)


@blueprint.post("/contact")
def contact(case_id: str) -> Answer:
    form = ContactForm()
    identity.require(case_id)

    def change(transaction: Session, version: int) -> None:
        changes.correct_contact(
            *(transaction, gate.ring(), gate.index(), case_id, form.decided()), version=version, now=parts().clock()
        )

    return carry_out(case_id, "contact", form, change)


@blueprint.post("/contact/undo")
def undo_contact(case_id: str) -> Answer:
    """Undo what was written down of the reporter last."""
    form = CaseForm()
    identity.require(case_id)

    def change(transaction: Session, version: int) -> None:
        undoing.undo_contact(transaction, gate.ring(), gate.index(), case_id, version=version, now=parts().clock())

    return carry_out(case_id, "contact", form, change, gettext("Undone."))


@blueprint.post("/first-look")
def first_look(case_id: str) -> Answer:
    form = FirstLookForm()

    def change(transaction: Session, version: int) -> None:
        answers = FirstLook(
            clear=form.clear.data == "yes", breach=form.breach.data == "yes", severity=form.chosen_severity()
        )
        changes.answer_first_look(
            transaction, gate.ring(), gate.index(), case_id, answers, version=version, now=parts().clock()
        )

    return carry_out(case_id, "first-look", form, change)


@blueprint.post("/undo")
def undo(case_id: str) -> Answer:
    """Undo what was decided last on these parts of the report."""
    form, wanted = CaseForm(), request.form.getlist("part")
    suggested = case.look(case_id).suggested
    if not set(wanted) <= set(DECISIONS):
        abort(404)
    if not wanted:
        abort(400)

    def change(transaction: Session, version: int) -> None:
        undoing.undo_decisions(
            *(transaction, gate.ring(), gate.index(), case_id, wanted),
            suggested=suggested,
            version=version,
            now=parts().clock(),
            policy=retention.policy(),
        )

    place = f"field-{wanted[0]}" if len(wanted) == 1 else "report"
    return carry_out(case_id, place, form, change, gettext("Undone."))


@blueprint.post("/first-look/undo")
def undo_first_look(case_id: str) -> Answer:
    form, suggested = CaseForm(), case.look(case_id).suggested

    def change(transaction: Session, version: int) -> None:
        undoing.undo_first_look(
            *(transaction, gate.ring(), gate.index(), case_id),
            suggested=suggested,
            version=version,
            now=parts().clock(),
        )

    return carry_out(case_id, "first-look", form, change, gettext("Undone."))


@blueprint.post("/status")
def status(case_id: str) -> Answer:
    """Take the case to another status. Whoever closes one that still asks for something sees first what that is."""
    form, view = StatusForm(), case.look(case_id)
    form.offer(TRANSITIONS[view.status])
    if form.validate() and form.status.data == Status.CLOSED and not form.all_the_same.data:
        still = owed(view)
        if still:
            return render_template("closing.html", section="queue", view=view, form=form, owed=still), 409

    def change(transaction: Session, version: int) -> None:
        wanted = Status(form.status.data)
        changes.change_status(
            transaction,
            gate.ring(),
            gate.index(),
            case_id,
            wanted,
            version=version,
            now=parts().clock(),
            outcome=Outcome(form.outcome.data) if wanted is Status.CLOSED else None,
            approver=form.approver.data if wanted is Status.CLOSED else "",
            policy=retention.policy(),
        )

    return carry_out(case_id, "status", form, change)


@blueprint.post("/dues/<due>/done")
def done(case_id: str, due: str) -> Answer:
    """Say that something that was due is done, and how; it can be taken back."""
    form, kind = DoneForm(), _by_hand(due)

    def change(transaction: Session, version: int) -> None:
        changes.finish_due(
            *(transaction, gate.ring(), gate.index(), case_id, kind, form.chosen_reason()),
            version=version,
            now=parts().clock(),
        )

    return carry_out(case_id, "dues", form, change)


@blueprint.post("/dues/<due>/open")
def due_again(case_id: str, due: str) -> Answer:
    form, kind = CaseForm(), _by_hand(due)

    def change(transaction: Session, version: int) -> None:
        changes.reopen_due(transaction, gate.ring(), gate.index(), case_id, kind, version=version, now=parts().clock())

    return carry_out(case_id, "dues", form, change)


def _by_hand(due: str) -> DueKind:
    if due not in BY_HAND:
        abort(404)
    return DueKind(due)


@blueprint.post("/release")
def release(case_id: str) -> Response:
    """Let a mail of this case go that waits for the coordinator's word. Raises NotAllowed, NotFound."""
    gate.ring().require(May.OPEN_THE_DESK)
    with parts().database.read() as transaction:
        case_row(transaction, gate.ring(), case_id)
    receipts.let_go(request.form.getlist("mail"))
    return redirect(url_for("case.show", case_id=case_id, _anchor="mail"), 303)


def carry_out(
    case_id: str, place: str, form: CaseForm, change: Callable[[Session, int], None], said: str = ""
) -> Answer:
    if not form.validate():
        return case.page(case_id, Refused(place, form)), 400
    try:
        with parts().database.begin() as transaction:
            _check_unmerged(transaction, case_id)
            change(transaction, form.version.data)
    except Changed:
        return _somebody_was_first(case_id, place, form)
    return _back(case_id, place, said or gettext("Saved."))


def _check_unmerged(transaction: Session, case_id: str) -> None:
    """Raises NotFound, and Changed where the case was merged into another since its page was made."""
    if case_row(transaction, gate.ring(), case_id).status == Status.MERGED:
        raise Changed("This case was merged into another: it is only read.")


def _back(case_id: str, place: str, said: str) -> Response:
    flash(said, "good")
    return redirect(url_for("case.show", case_id=case_id, _anchor=place), 303)


def _somebody_was_first(case_id: str, place: str, form: CaseForm) -> tuple[str, int]:
    """Show what was sent, and offer to look at the case first or to send it once more on top of what changed."""
    sent = [(name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", "version")]
    view = case.look(case_id)
    body = render_template(
        "changed.html",
        section="queue",
        case_id=case_id,
        view=view,
        place=place,
        sent=sent,
        both=_beside(form, _as_it_is(place, view)),
    )
    return body, 409


def _as_it_is(place: str, view: CaseView) -> CaseForm | None:
    """The form that was sent, filled in as the case is now; None where it says nothing that stands in the case."""
    part = place.removeprefix("field-")
    if part in DECISIONS:
        form = DECISIONS[part](formdata=None)
        form.show(view.report)
        return form
    if place == "first-look" and view.first_look:
        return case.first_look_form(view)
    if place == "contact":
        return case.contact_form(view)
    if place == "status":
        status = StatusForm(formdata=None)
        status.offer([view.status])
        status.status.data = view.status.value
        if view.closing:
            status.outcome.data, status.approver.data = view.closing.outcome.value, view.closing.approver
        return status
    return None


def _beside(sent: CaseForm, now: CaseForm | None) -> list[tuple[str, str, str]]:
    """Label, what was sent and what stands there now, line by line."""
    mine, theirs = dict(_shown(sent)), dict(_shown(now)) if now else {}
    return [(label, mine.get(label, ""), theirs.get(label, "")) for label in dict.fromkeys([*mine, *theirs])]


def _shown(form: CaseForm) -> Iterator[tuple[str, str]]:
    """What a form says, as label and words."""
    for field in form:
        if field.name == "version" or isinstance(field, HiddenField | BooleanField):
            continue
        words = _words(field)
        if words:
            yield str(field.label.text), words


def _words(field: Any) -> str:
    if isinstance(field, FieldList):
        persons = [[value for value in entry.data.values() if value] for entry in field.entries]
        return "; ".join(", ".join(person) for person in persons if person)
    if isinstance(field, SelectFieldBase):
        chosen = field.data if isinstance(field.data, list) else [field.data]
        return ", ".join(str(choice.label) for choice in field.choices if choice.value and choice.value in chosen)
    return str(field.data or "")
