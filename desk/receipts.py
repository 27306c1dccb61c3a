"""Receipts that wait for the coordinator's word: see which, and let them go, one, some or all."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from cases.roles import May
from desk import gate, identity
from desk.parts import parts
from store import audit, casework, changes, outbox, records
from store.audit import Action
from store.outbox import OutgoingKind, OutgoingRow
from store.records import RecordKind
from store.schema import Message

blueprint = Blueprint("receipts", __name__, url_prefix="/receipts")
blueprint.before_request(gate.require(May.OPEN_THE_DESK))

DOUBTFUL = frozenset({"dmarc_fail", "spf_fail"})
"""Reasons for which a receipt would go to somebody who wrote nothing; such a one is chosen by itself."""


MOST_TEXTS = 100
"""So many are shown as they are written, the oldest; the page of a case shows the others."""


@dataclass(frozen=True)
class Copy:
    """A mail as it is written. `to` is None while who reported is closed, and so is all of a letter, which people write
    and which may name the reporter."""

    subject: str | None
    text: str | None
    to: str | None


@dataclass(frozen=True)
class Why:
    """Why a receipt waits (a slug), and when the message came that it answers."""

    reason: str
    received_at: datetime


@blueprint.get("/")
def show() -> str:
    with parts().database.read() as transaction:
        held = casework.held_outgoing(transaction, gate.ring())
        cases = [row.case_id for row in held if row.case_id]
        reasons = _reasons(transaction, held)
        cards = records.opened_of_subjects(transaction, gate.ring(), cases, RecordKind.CARD)
        copies = records.opened_of_subjects(
            transaction, gate.ring(), [row.id for row in held[:MOST_TEXTS]], RecordKind.OUTGOING
        )
        paused_at = outbox.paused_at(transaction, gate.ring().desk)
    opened = identity.open_cases()
    gate.note_look_at(cases)
    references = {case_id: card["reference"] for case_id, card in cards.items()}
    doubtful = {mail_id for mail_id, why in reasons.items() if why.reason in DOUBTFUL}
    return render_template(
        "receipts.html",
        section="receipts",
        held=held,
        references=references,
        reasons=reasons,
        doubtful=doubtful,
        copies={row.id: _copy(row, copies[row.id], opened) for row in held if row.id in copies},
        paused_at=paused_at,
    )


def _copy(row: OutgoingRow, copy: Mapping[str, Any], opened: Set[str]) -> Copy:
    is_open = row.case_id in opened
    shown = copy if is_open or row.kind is not OutgoingKind.LETTER else {}
    return Copy(shown.get("subject"), shown.get("text"), copy.get("to") if is_open else None)


def _reasons(session: Session, held: Sequence[OutgoingRow]) -> Mapping[str, Why]:
    """Why each of these waits. A receipt is decided on in the transaction that writes it, and so at the same time."""
    cases = {row.case_id for row in held if row.case_id}
    found = session.execute(select(Message.id, Message.received_at).where(Message.case_id.in_(cases)))
    received = dict(found.all())
    decided = {
        (case_id, entry.at): Why(entry.detail["reason"], received[entry.subject_id])
        for case_id in cases
        for entry in audit.timeline(session, gate.ring(), case_id)
        if entry.action is Action.RECEIPT_DECIDED and entry.detail.get("held") and entry.subject_id in received
    }
    return {
        row.id: decided[row.case_id, row.created_at]
        for row in held
        if row.case_id and (row.case_id, row.created_at) in decided
    }


@blueprint.post("/resume")
def resume() -> Response:
    """Have mail go out again after a restore. What waits for a word goes on waiting for it."""
    with parts().database.begin() as transaction:
        outbox.resume(transaction, gate.ring().desk, gate.ring().member_id, parts().clock())
    flash(gettext("Mail goes out again."), "good")
    return redirect(url_for("receipts.show"), 303)


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
        count = changes.release_receipts(transaction, gate.ring(), gate.index(), ids, parts().clock())
    if count:
        flash(ngettext("%(num)s mail is on its way.", "%(num)s mails are on their way.", count), "good")
    else:
        flash(gettext("Nothing waited any more: somebody else was first."), "warn")
