"""How the slugs of the taxonomy, the life cycle and the trail are called on a page."""

from collections.abc import Mapping

from flask import Flask
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l

KINDS = {
    "melding": _l("Report"),
    "advies": _l("Wants advice"),
    "klacht": _l("Other complaint"),
    "aanvulling": _l("Addition"),
    "overig": _l("Other"),
}
CATEGORIES = {
    "belangenverstrengeling": _l("Conflict of interest"),
    "informatiemisbruik": _l("Misuse of information"),
    "strafbaar_feit": _l("Criminal offence"),
    "pesten": _l("Bullying"),
    "overschrijdend_gedrag": _l("Transgressive behaviour"),
    "intimidatie": _l("Intimidation"),
    "discriminatie": _l("Discrimination"),
    "machtsmisbruik": _l("Improper use of powers"),
}
SUBS = {
    "diefstal": _l("theft"),
    "verduistering": _l("embezzlement"),
    "fraude": _l("fraud"),
    "corruptie": _l("corruption"),
    "seksueel": _l("sexual"),
    "huidskleur": _l("skin colour"),
    "achtergrond": _l("background"),
    "geaardheid": _l("orientation"),
    "geslacht": _l("gender"),
    "leeftijd": _l("age"),
    "religie": _l("religion"),
    "handicap": _l("disability"),
}
SEVERITIES = {
    "laag": _l("Low"),
    "midden": _l("Medium"),
    "hoog": _l("High"),
    "acuut": _l("Acute"),
}
MISSING = {
    "concerned_name": _l("Name of the person concerned"),
    "concerned_function": _l("Function of the person concerned"),
    "description": _l("Description"),
    "address": _l("Postal address"),
    "phone": _l("Phone number"),
    "email": _l("E-mail address"),
}
STATUSES = {
    "received": _l("Received"),
    "assessing": _l("Being assessed"),
    "awaiting_reporter": _l("Waiting for the reporter"),
    "investigating": _l("Being investigated"),
    "handled_in_line": _l("Handled in the line"),
    "referred": _l("Referred"),
    "closed": _l("Closed"),
    "merged": _l("Merged"),
    "set_aside": _l("Set aside"),
}
OUTCOMES = {
    "substantiated": _l("Substantiated"),
    "partly_substantiated": _l("Partly substantiated"),
    "unsubstantiated": _l("Not substantiated"),
    "not_investigated": _l("Not investigated"),
    "handled_in_line": _l("Handled in the line"),
    "referred": _l("Referred"),
    "withdrawn": _l("Withdrawn by the reporter"),
}
DUES = {
    "receipt": _l("Receipt"),
    "first_look": _l("First look"),
    "first_message": _l("First personal message"),
    "feedback": _l("Feedback to the reporter"),
    "reminder": _l("Reminder to the reporter"),
}
DONE_REASONS = {
    "done": _l("Done"),
    "no_way": _l("The reporter cannot be reached"),
    "unwanted": _l("Not wished for, or it would endanger the reporter"),
    "no_report": _l("This is no report"),
}
AUTOMATIC = {
    "auto_reply": _l("Automatic reply"),
    "bounce": _l("Delivery report"),
    "list": _l("Mailing list"),
}
OUTGOING = {
    "receipt": _l("Confirmation of receipt"),
    "reminder": _l("Reminder of what is missing"),
    "notice": _l("Notice to the coordinator"),
}
OUTGOING_STATES = {
    "held": _l("Waits for your approval"),
    "queued": _l("Queued"),
    "sending": _l("Being sent"),
    "sent": _l("Sent"),
    "uncertain": _l("Uncertain whether it was sent"),
    "failed": _l("Could not be delivered"),
    "cancelled": _l("Withdrawn"),
}
HELD_REASONS = {
    "imported": _l("The message was imported"),
    "first_connection": _l("The message lay there when Meldpost first looked"),
    "too_old": _l("The message is old"),
    "cap_total": _l("Many were sent in a short time"),
}
MESSAGE_STATES = {
    "read": _l("Read"),
    "unreadable": _l("Could not be read"),
    "too_large": _l("Too large to read"),
}
FIELDS = {
    "kind": _l("Kind"),
    "primary": _l("Main category"),
    "categories": _l("Categories"),
    "severity": _l("Severity"),
    "concerned": _l("Persons concerned"),
    "missing": _l("Missing"),
    "first_look": _l("First look"),
    "status": _l("Status"),
    "note": _l("Note"),
    "contact": _l("Contact details"),
}

TABLES: Mapping[str, Mapping[str, LazyString]] = {
    "kind": KINDS,
    "category": CATEGORIES,
    "sub": SUBS,
    "severity": SEVERITIES,
    "missing": MISSING,
    "status": STATUSES,
    "outcome": OUTCOMES,
    "due": DUES,
    "done_reason": DONE_REASONS,
    "automatic": AUTOMATIC,
    "outgoing": OUTGOING,
    "outgoing_state": OUTGOING_STATES,
    "held_reason": HELD_REASONS,
    "message_state": MESSAGE_STATES,
    "field": FIELDS,
}


def name(slug: str | None, table: str) -> str:
    """The word for a slug in the language of the page; the slug itself where there is none, so that nothing hides."""
    if slug is None:
        return str(gettext("unknown"))
    return str(TABLES[table].get(slug, slug))


def teach(app: Flask) -> None:
    """Give the templates `{{ slug|name("kind") }}`."""
    app.jinja_env.filters["name"] = name
