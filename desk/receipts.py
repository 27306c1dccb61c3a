"""Receipts that wait for the coordinator's word: see which, and let them go, one, some or all."""

from collections.abc import Iterable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from desk import gate
from desk.parts import parts
from store import casework, changes, records
from store.records import RecordKind

blueprint = Blueprint("receipts", __name__, url_prefix="/receipts")
blueprint.before_request(gate.require_member)


@blueprint.get("/")
def show() -> str:
    with parts().database.read() as transaction:
        held = casework.held_outgoing(transaction, gate.ring())
        cases = [row.case_id for row in held if row.case_id]
        cards = records.opened_of_subjects(transaction, gate.ring(), cases, RecordKind.CARD)
    references = {case_id: card["reference"] for case_id, card in cards.items()}
    return render_template("receipts.html", section="receipts", held=held, references=references)


@blueprint.post("/")
def release() -> Response:
    """Send those that were ticked. "All" are those that the page showed: a later one waits for its own word."""
    everything = request.form.get("which") == "all"
    chosen = request.form.getlist("shown" if everything else "mail")
    if not chosen:
        flash(gettext("Choose at least one."), "warn")
        return redirect(url_for("receipts.show"), 303)
    let_go(chosen)
    return redirect(url_for("receipts.show"), 303)


def let_go(ids: Iterable[str]) -> None:
    """Release these mails and say how many."""
    with parts().database.begin() as transaction:
        count = changes.release_receipts(transaction, gate.ring(), ids, parts().clock())
    if count:
        flash(ngettext("%(num)s mail is on its way.", "%(num)s mails are on their way.", count), "good")
    else:
        flash(gettext("Nothing waited any more: somebody else was first."), "warn")
