"""What a member can set, and what is set elsewhere: the way to each page, and the terms as the configuration has them.

The configuration file is the administrator's. What comes from it is shown with the name that it has there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template
from flask_babel import LazyString, gettext, ngettext
from flask_babel import lazy_gettext as _l

from cases.roles import May
from desk import gate
from desk.parts import parts

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
blueprint.before_request(gate.require_member)


@dataclass(frozen=True)
class Line:
    """A setting as it is now. `key`: its name in the configuration file."""

    what: LazyString
    value: str
    key: str


@dataclass(frozen=True)
class Group:
    title: LazyString
    lines: tuple[Line, ...]


@blueprint.get("/")
def show() -> str:
    return render_template("settings.html", section="settings")


@blueprint.get("/terms")
def terms() -> str | tuple[str, int]:
    """Terms, deadlines and the desk's own words: all of them stand in the configuration file."""
    if not (gate.ring().may(May.OPEN_THE_DESK) or gate.ring().may(May.SEE_SYSTEM)):
        return gate.own_place(), 403
    return render_template("terms.html", section="settings", groups=list(_groups()), file=parts().configured_in)


def _groups() -> Iterator[Group]:
    settings, slug = parts().settings, gate.ring().desk
    desk, terms, rules, web = settings.desks[slug], settings.terms, settings.rules, settings.web
    yield Group(
        _l("Terms of the law and of the desk"),
        (
            Line(_l("Receipt, at the latest after"), _days(terms.receipt_days), "terms.receipt_days"),
            Line(
                _l("First look within"), _working_days(terms.first_look_working_days), "terms.first_look_working_days"
            ),
            Line(
                _l("First personal message within"),
                _working_days(terms.first_message_working_days),
                "terms.first_message_working_days",
            ),
            Line(_l("Feedback within"), _months(terms.feedback_months), "terms.feedback_months"),
            Line(_l("Reminder of what is missing after"), _days(rules.reminder_days), "rules.reminder_days"),
            Line(
                _l("A member who was given a case hears of it by mail after"),
                _minutes(desk.given_notice_minutes) if desk.given_notice_minutes else str(gettext("never")),
                f"desks.{slug}.given_notice_minutes",
            ),
            Line(_l("Public holidays of"), terms.holidays, "terms.holidays"),
            Line(
                _l("Receipts go by themselves to mail that is no older than"),
                _days(rules.receipt_max_age_days),
                "rules.receipt_max_age_days",
            ),
        ),
    )
    yield Group(
        _l("How long things stay open"),
        (
            Line(_l("A session without a request"), _minutes(web.idle_minutes), "web.idle_minutes"),
            Line(_l("A session in all"), _hours(web.session_hours), "web.session_hours"),
            Line(
                _l("Who reported, after the reason was given"), _minutes(web.identity_minutes), "web.identity_minutes"
            ),
            Line(_l("Taking back a letter that was sent"), _seconds(rules.undo_seconds), "rules.undo_seconds"),
        ),
    )
    of_the_desk, texts = f"desks.{slug}", f"desks.{slug}.texts"
    yield Group(
        _l("The words of the desk in mail to reporters"),
        (
            Line(_l("Name of the desk"), desk.name, f"{of_the_desk}.name"),
            *(
                Line(
                    _l("Name of the desk, in another language"),
                    f"{name} ({language})",
                    f"{of_the_desk}.name_in.{language}",
                )
                for language, name in desk.name_in.items()
            ),
            Line(_l("Organisation"), desk.organisation, f"{of_the_desk}.organisation"),
            *(
                Line(
                    _l("Organisation, in another language"),
                    f"{name} ({language})",
                    f"{of_the_desk}.organisation_in.{language}",
                )
                for language, name in desk.organisation_in.items()
            ),
            Line(
                _l("Where to write about the coordinator"), desk.texts.about_coordinator, f"{texts}.about_coordinator"
            ),
            Line(_l("External support point"), desk.texts.support_point, f"{texts}.support_point"),
            Line(_l("Other complaints go to"), desk.texts.complaints, f"{texts}.complaints"),
            Line(_l("Number to call in danger"), desk.texts.emergency, f"{texts}.emergency"),
            *(
                Line(_l("Subject of receipts"), f"{subject} ({language})", f"{of_the_desk}.neutral_subject.{language}")
                for language, subject in desk.neutral_subject.items()
            ),
            Line(_l("Time zone"), desk.timezone, f"{of_the_desk}.timezone"),
        ),
    )


def _days(number: float) -> str:
    return str(ngettext("%(num)s day", "%(num)s days", int(number) if number == int(number) else number))


def _working_days(number: int) -> str:
    return str(ngettext("%(num)s working day", "%(num)s working days", number))


def _months(number: int) -> str:
    return str(ngettext("%(num)s month", "%(num)s months", number))


def _minutes(number: int) -> str:
    return str(ngettext("%(num)s minute", "%(num)s minutes", number))


def _hours(number: int) -> str:
    return str(ngettext("%(num)s hour", "%(num)s hours", number))


def _seconds(number: int) -> str:
    return str(ngettext("%(num)s second", "%(num)s seconds", number))
