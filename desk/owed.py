"""What a case still asks for at the moment that somebody closes it: each in a sentence, with the place to see to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext

from cases.terms import LOOKS, OF_THE_DESK, DueKind
from desk import thread
from desk.language import day
from desk.parts import parts
from desk.words import name
from store.casework import CaseView, Outgoing
from store.dues import OpenDue
from store.outbox import OutboxState, OutgoingKind

_ON_ITS_WAY = (OutboxState.QUEUED, OutboxState.SENDING)
_NOT_ARRIVED = (OutboxState.FAILED, OutboxState.UNCERTAIN)
_BY_A_LETTER = {DueKind.FIRST_MESSAGE: "status", DueKind.FEEDBACK: "feedback"}
"""What a letter meets, and what such a letter is for."""


@dataclass(frozen=True)
class Owed:
    said: str
    address: str


def owed(view: CaseView) -> tuple[Owed, ...]:
    """All of it: what is due, a letter or a note that was begun, mail that waits, is on its way or did not arrive."""
    return (*_due(view), *_begun(view), *_mail(view))


def _due(view: CaseView) -> Iterator[Owed]:
    for due in view.dues:
        if due.kind in OF_THE_DESK:
            yield Owed(_said_of(due), _place_of(view, due))


def _said_of(due: OpenDue) -> str:
    kind, when = name(due.kind, "due"), day(due.due_at)
    if due.overdue(parts().clock()):
        return str(gettext("%(kind)s: should have been done by %(day)s", kind=kind, day=when))
    return str(gettext("%(kind)s: due by %(day)s", kind=kind, day=when))


def _place_of(view: CaseView, due: OpenDue) -> str:
    if due.kind in LOOKS:
        return _on_the_page(view, "first-look")
    if due.kind in _BY_A_LETTER:
        return url_for("letters.show", case_id=view.case_id, purpose=_BY_A_LETTER[due.kind])
    return _on_the_page(view, "dues")


def _begun(view: CaseView) -> Iterator[Owed]:
    if thread.has_draft(view.case_id):
        yield Owed(gettext("Your letter is a draft still"), url_for("letters.show", case_id=view.case_id))
    if thread.has_note(view.case_id):
        yield Owed(gettext("Your note is not added yet"), _on_the_page(view, "notes"))


def _mail(view: CaseView) -> Iterator[Owed]:
    """Of what did not arrive only what no later mail made good."""
    mails = [mail for mail in view.outgoing if mail.kind is not OutgoingKind.NOTICE]
    arrived = max(
        (mail.created_at for mail in mails if mail.state is OutboxState.SENT and not mail.bounced), default=None
    )
    for mail in mails:
        kind = name(mail.kind, "outgoing")
        if mail.state is OutboxState.HELD:
            yield Owed(gettext("%(mail)s: waits for your word, and is withdrawn", mail=kind), _place(view, mail))
        elif mail.state in _ON_ITS_WAY:
            yield Owed(gettext("%(mail)s: did not go out yet, and is withdrawn", mail=kind), _place(view, mail))
        elif (mail.bounced or mail.state in _NOT_ARRIVED) and (arrived is None or arrived < mail.created_at):
            yield Owed(gettext("%(mail)s: did not arrive, or nobody knows", mail=kind), _place(view, mail))


def _place(view: CaseView, mail: Outgoing) -> str:
    return _on_the_page(view, f"letter-{mail.id}" if mail.kind is OutgoingKind.LETTER else "mail")


def _on_the_page(view: CaseView, place: str) -> str:
    return url_for("case.show", case_id=view.case_id, _anchor=place)
