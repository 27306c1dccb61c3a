"""The one thing that a case needs next, of all that its page offers: from its state and what is due to it."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from cases.lifecycle import OPEN, Status
from cases.roles import May
from cases.terms import LOOKS, DueKind
from desk import gate
from store.casework import CaseView
from store.outbox import OutboxState


@dataclass(frozen=True)
class Step:
    """`address`: where it is done."""

    words: LazyString
    address: str


def next_step(view: CaseView, *, has_draft: bool) -> Step | None:
    """None where nothing of this case is for this member to do now."""
    if view.merged_into:
        return Step(_l("Go to the case that it was merged into"), url_for("case.show", case_id=view.merged_into))
    if not gate.ring().may(May.WRITE) or view.status not in OPEN:
        return None
    if view.next_due is not None and view.next_due.kind in LOOKS:
        return Step(_l("Answer the questions of the first look"), "#first-look")
    if gate.ring().may(May.OPEN_THE_DESK) and any(mail.state is OutboxState.HELD for mail in view.outgoing):
        return Step(_l("Decide on the receipt that waits"), "#mail")
    letter = url_for("letters.show", case_id=view.case_id, known=len(view.messages))
    if has_draft:
        return Step(_l("Go on with your draft"), letter)
    if view.next_due is not None:
        return _of_due(view.next_due.kind, letter)
    if view.status in (Status.RECEIVED, Status.ASSESSING):
        return Step(_l("Decide where the case goes"), "#status")
    return None


def _of_due(kind: DueKind, letter: str) -> Step:
    if kind is DueKind.RECEIPT:
        return Step(_l("See to the receipt"), "#dues")
    return Step(_l("Write to the reporter"), letter)
