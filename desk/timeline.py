"""What happened to a case, in sentences."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from cases.minutes import MinutesAnswer
from desk.language import day
from desk.messages import undelivered
from desk.words import name
from store.audit import Action
from store.casework import CaseView, Event, Outgoing

SENTENCES = {
    Action.INTAKE: _l("A message came in"),
    Action.ENTERED: _l("Entered the report, which did not come by mail"),
    Action.RECEIPT_DECIDED: _l("Decided which receipt the message gets by itself"),
    Action.LOOK: _l("Looked at the case"),
    Action.FOUND: _l("Saw a passage of the case among the hits of a search"),
    Action.LOOK_REFUSED: _l("Asked for the case, and was refused"),
    Action.DOWNLOAD: _l("Downloaded a file"),
    Action.TRANSLATED: _l("Had a message translated"),
    Action.SAFE_COPY: _l("Downloaded a safe copy of a file"),
    Action.EXPORT: _l("Took the case out as a ZIP"),
    Action.FIRST_LOOK: _l("Answered the questions of the first look. Severity: %(severity)s"),
    Action.TAKEN: _l("Gave the case to %(member)s"),
    Action.GIVEN_BACK: _l("Gave the case back: nobody has it. It was with %(member)s"),
    Action.MINUTES_ANSWERED: _l("Noted what the reporter answered to the minutes"),
    Action.MINUTES_UNANSWERED: _l("Took back what was noted of the minutes"),
    Action.FIRST_LOOK_UNDONE: _l("Took back the answers of the first look"),
    Action.MERGED: _l("Merged this case into another"),
    Action.MERGED_HERE: _l("Merged another case into this one"),
    Action.MERGER_UNDONE: _l("Undid the merging with another case"),
    Action.SPLIT_OFF: _l("Made a message a case of its own"),
    Action.SPLIT_FROM: _l("Made this case of a message of another"),
    Action.NOTE: _l("Added a note"),
    Action.DESTROY_ORDERED: _l("Had the case destroyed before its time"),
    Action.DESTROY_BEGUN: _l("The keys of the case were destroyed"),
    Action.DESTROYED: _l("The case was destroyed"),
    Action.DECLARED: _l("Signed the declaration of destruction"),
    Action.TAUGHT: _l("Had the desk's own model learn from the case"),
    Action.RELEASE: _l("Agreed to send: %(mail)s"),
    Action.MAIL_QUEUED: _l("Written: %(mail)s"),
    Action.MAIL_SENT: _l("Sent: %(mail)s"),
    Action.MAIL_FAILED: _l("Could not be delivered: %(mail)s"),
    Action.MAIL_UNCERTAIN: _l("Uncertain whether it was sent: %(mail)s"),
    Action.MAIL_CANCELLED: _l("Withdrawn: %(mail)s"),
    Action.ACCESS_GRANTED: _l("Gave %(member)s access to the case. Reason: %(reason)s"),
    Action.ACCESS_WITHDRAWN: _l("Took access to the case away from %(member)s. Reason: %(reason)s"),
    Action.SHUT_OUT: _l("Kept %(member)s out of the case. Reason: %(reason)s"),
    Action.IDENTITY_OPENED: _l("Opened who reported. Reason: %(reason)s"),
    Action.KEYS_ANEW: _l("Made the keys of the case anew"),
    Action.KEYS_DESTROYED: _l("Destroyed the keys of before"),
}

HOLDS = {
    Action.HOLD_SET: _l("Put on hold, not to be destroyed: %(reason)s"),
    Action.HOLD_LIFTED: _l("Lifted the hold: %(reason)s"),
}

MINUTES = {
    MinutesAnswer.APPROVED: _l("Noted that the reporter approved the minutes, on %(day)s"),
    MinutesAnswer.CORRECTED: _l("Noted that the reporter approved the minutes with corrections, on %(day)s"),
}

REASONS = {
    "report": _l("The message gets the full receipt by itself"),
    "neutral": _l("The message gets the neutral receipt by itself"),
    "encrypted": _l("The message gets the neutral receipt by itself: it came encrypted"),
    "own_mail": _l("No receipt: the message is our own"),
    "automatic": _l("No receipt: no person wrote this message"),
    "no_sender": _l("No receipt: the message names no sender"),
    "unreadable": _l("No receipt: the message could not be read"),
    "too_large": _l("No receipt: the message is too large to be read"),
    "cap_address": _l("The receipt waits: this address got many already"),
    "cap_case": _l("The receipt waits: this case got many already"),
    "imported": _l("The receipt waits: the message was imported"),
    "first_connection": _l("The receipt waits: the message lay there when Meldpost first looked"),
    "too_old": _l("The receipt waits: the message is old"),
    "cap_total": _l("The receipt waits: many were sent in a short time"),
    "dmarc_fail": _l("The receipt waits: the sender's domain says that the message is not from there"),
    "spf_fail": _l("The receipt waits: the sender's domain says that the message is not from there"),
    "cap_domain": _l("The receipt waits: many were sent to this domain"),
}
"""Why a mail got which receipt (cases.receipts, ingest.take_in)."""

READINGS = {
    "read": _l("Had a message read again"),
    "unreadable": _l("Had a message read again: it still could not be read"),
    "too_large": _l("Had a message read again: it is too large"),
    "not_understood": _l("Had a message read again: nothing was made of it"),
    "damaged": _l("Had a message read again: its mail could not be opened"),
    "locked": _l("Had a message read again: there was no key to open it"),
}
"""How it went when a message was read again (desk.again)."""

_SAME_VISIT = timedelta(minutes=10)


@dataclass(frozen=True)
class Line:
    at: datetime
    text: str
    by: str | None


def lines(view: CaseView) -> tuple[Line, ...]:
    """Newest first. A look is no line of its own where the same member did or saw something just before it."""
    mails = {mail.id: name(mail.kind, "outgoing") for mail in view.outgoing}
    bounces = {mail.bounce_message_id: _came_back(mails[mail.id], view, mail.bounce_message_id) for mail in _back(view)}
    told = [
        Line(event.at, bounces.get(_taken_in(event)) or sentence(event, mails), event.by)
        for event in _folded(view.timeline)
    ]
    return tuple(reversed(told))


def _back(view: CaseView) -> Iterable[Outgoing]:
    return (mail for mail in view.outgoing if mail.bounce_message_id)


def _taken_in(event: Event) -> str | None:
    """The message whose coming in this is."""
    return event.subject_id if event.action is Action.INTAKE else None


def _came_back(mail: str, view: CaseView, message_id: str | None) -> str:
    """Which mail could not be delivered, and why, as the bounce has it."""
    content = next((message.content for message in view.messages if message.id == message_id), {})
    why = "; ".join(one.why for one in undelivered(content)[:3] if one.why)
    said = gettext("Could not be delivered: %(mail)s", mail=mail)
    return f"{said} ({why})" if why else str(said)


def sentence(event: Event, mails: Mapping[str, str]) -> str:
    """What happened, in words; `mails` says of each of our mails what it is."""
    if event.action is Action.STATUS:
        before, after = (name(event.detail.get(end), "status") for end in ("from", "to"))
        changed = gettext("Changed the status from %(before)s to %(after)s", before=before, after=after)
        outcome = event.detail.get("outcome")
        return f"{changed}: {name(outcome, 'outcome')}" if outcome else str(changed)
    if event.action is Action.RECEIPT_DECIDED and event.detail.get("reason") in REASONS:
        return str(REASONS[event.detail["reason"]])
    if event.action is Action.READ_AGAIN:
        return str(READINGS.get(event.detail.get("result", ""), READINGS["read"]))
    if event.action is Action.DUE_DONE:
        due, reason = name(event.detail.get("due"), "due"), name(event.detail.get("reason"), "done_reason")
        return str(gettext("Said that it is done: %(due)s. %(reason)s", due=due, reason=reason))
    if event.action is Action.DUE_REOPENED:
        return str(gettext("Took back that it is done: %(due)s", due=name(event.detail.get("due"), "due")))
    if event.action in HOLDS:
        return str(HOLDS[event.action]) % {"reason": event.detail.get("reason", "")}
    if event.action is Action.MINUTES_ANSWERED and event.detail.get("answer") in MINUTES:
        return str(MINUTES[event.detail["answer"]]) % {"day": day(date.fromisoformat(event.detail["on"]))}
    if event.action is Action.DECIDE:
        return _decision(event.detail)
    if event.action is Action.DECISION_UNDONE:
        return str(gettext("Undid the decision: %(part)s", part=name(event.detail.get("part"), "field")))
    about = {
        "mail": mails.get(event.subject_id or "", str(gettext("a mail"))),
        "severity": name(event.detail.get("severity"), "severity"),
        "member": event.detail.get("member_name", "?"),
        "reason": event.detail.get("reason", "?"),
    }
    if event.action is Action.TAKEN and event.by == event.detail.get("member_name"):
        return str(gettext("Took the case"))
    if event.action is Action.ACCESS_GRANTED and event.detail.get("identity"):
        return str(gettext("Gave %(member)s access to the case and to who reported. Reason: %(reason)s", **about))
    if event.action is Action.SHUT_OUT and event.detail.get("by_link"):
        return str(gettext("Kept %(member)s out of the case: they do not open the case that it is linked to", **about))
    if event.action is Action.SHUT_OUT and event.detail.get("at_intake"):
        return str(gettext("Kept %(member)s out of the case: the message names them", **about))
    if event.action is Action.SHUT_OUT and event.detail.get("by_request"):
        return str(gettext("Kept %(member)s out of the case, as the reporter asked. Reason: %(reason)s", **about))
    return str(SENTENCES.get(event.action, event.action)) % about


def _decision(detail: Mapping[str, Any]) -> str:
    part = name(detail.get("part"), "field")
    if "value" not in detail or detail.get("part") not in _VALUES:
        return str(gettext("Decided: %(part)s", part=part))
    value = _VALUES[detail["part"]](detail["value"])
    return str(gettext("Decided: %(part)s: %(value)s", part=part, value=value))


def _one(table: str) -> Callable[[str | None], str]:
    return lambda slug: name(slug, table) if slug else str(gettext("none"))


def _categories(value: Sequence[Mapping[str, Any]]) -> str:
    shown = []
    for entry in value:
        subs = ", ".join(name(sub, "sub") for sub in entry.get("sub") or ())
        shown.append(name(entry["slug"], "category") + (f" ({subs})" if subs else ""))
    return ", ".join(shown) or str(gettext("none"))


def _concerned(value: Sequence[Mapping[str, Any]]) -> str:
    persons = (", ".join(filter(None, (person.get("name"), person.get("function")))) for person in value)
    return "; ".join(persons) or str(gettext("not named"))


def _missing(value: Sequence[str]) -> str:
    return ", ".join(name(slug, "missing") for slug in value) or str(gettext("nothing"))


_VALUES: Mapping[str, Callable[[Any], str]] = {
    "kind": _one("kind"),
    "primary": _one("category"),
    "severity": _one("severity"),
    "categories": _categories,
    "concerned": _concerned,
    "missing": _missing,
}


def _folded(events: Iterable[Event]) -> Iterator[Event]:
    """Of looks that follow one another the last. A page that comes back after a change is no look of its own."""
    held: Event | None = None
    for event in events:
        if held is not None and event.action is Action.LOOK and event.by == held.by:
            if held.action is not Action.LOOK and event.at - held.at <= _SAME_VISIT:
                continue
            if held.action is not Action.LOOK:
                yield held
        elif held is not None:
            yield held
        held = event
    if held is not None:
        yield held
