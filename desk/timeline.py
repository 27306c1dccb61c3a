"""What happened to a case, in sentences."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from desk.words import name
from store.audit import Action
from store.casework import Event

SENTENCES = {
    Action.INTAKE: _l("A mail was taken in"),
    Action.RECEIPT_DECIDED: _l("Decided which receipt the mail gets by itself"),
    Action.LOOK: _l("Looked at the case"),
    Action.DOWNLOAD: _l("Downloaded a file"),
    Action.FIRST_LOOK: _l("Answered the questions of the first look"),
    Action.NOTE: _l("Added a note"),
    Action.RELEASE: _l("Let a mail go that waited"),
    Action.MAIL_QUEUED: _l("A mail was written"),
    Action.MAIL_SENT: _l("A mail was sent"),
    Action.MAIL_FAILED: _l("A mail could not be delivered"),
    Action.MAIL_UNCERTAIN: _l("It is uncertain whether a mail was sent"),
    Action.MAIL_CANCELLED: _l("A mail was withdrawn"),
}

REASONS = {
    "report": _l("The mail gets the full receipt by itself"),
    "neutral": _l("The mail gets the neutral receipt by itself"),
    "own_mail": _l("No receipt: the mail is our own"),
    "automatic": _l("No receipt: no person wrote this mail"),
    "no_sender": _l("No receipt: the mail names no sender"),
    "cap_address": _l("No receipt: this address got many already"),
    "cap_case": _l("No receipt: this case got many already"),
    "imported": _l("The receipt waits: the mail was imported"),
    "first_connection": _l("The receipt waits: the mail lay there when Meldpost first looked"),
    "too_old": _l("The receipt waits: the mail is old"),
    "cap_total": _l("The receipt waits: many were sent in a short time"),
}
"""Why a mail got which receipt (cases.receipts)."""


@dataclass(frozen=True)
class Line:
    at: datetime
    text: str
    by: str | None


def lines(events: Iterable[Event]) -> tuple[Line, ...]:
    """Newest first; looks that follow one another are one line, that of the last."""
    return tuple(reversed([Line(event.at, sentence(event), event.by) for event in _folded(events)]))


def sentence(event: Event) -> str:
    if event.action is Action.STATUS:
        before, after = (name(event.detail.get(end), "status") for end in ("from", "to"))
        return str(gettext("Changed the status from %(before)s to %(after)s", before=before, after=after))
    if event.action is Action.RECEIPT_DECIDED and event.detail.get("reason") in REASONS:
        return str(REASONS[event.detail["reason"]])
    if event.action is Action.DUE_DONE:
        due, reason = name(event.detail.get("due"), "due"), name(event.detail.get("reason"), "done_reason")
        return str(gettext("Said that it is done: %(due)s. %(reason)s", due=due, reason=reason))
    if event.action is Action.DUE_REOPENED:
        return str(gettext("Took back that it is done: %(due)s", due=name(event.detail.get("due"), "due")))
    if event.action is Action.DECIDE:
        return str(gettext("Decided: %(part)s", part=name(event.detail.get("part"), "field")))
    return str(SENTENCES.get(event.action, event.action))


def _folded(events: Iterable[Event]) -> Iterator[Event]:
    held: Event | None = None
    for event in events:
        same = held is not None and (held.action, held.by) == (event.action, event.by) == (Action.LOOK, event.by)
        if held is not None and not same:
            yield held
        held = event
    if held is not None:
        yield held
