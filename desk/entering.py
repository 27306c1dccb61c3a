"""A new report that did not come by mail: a letter (scan, photographs, PDF), or what was said by telephone or in
person.

What is entered is made a mail in memory and read as one: by a reader that holds no key and reaches no network, with the
same limits, then understood by the same machine. So hostile files are as far from the desk as those of a mail, and what
was entered can be read again. Only then is it sealed.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from mimetypes import guess_type
from secrets import randbelow, token_hex

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from cases.references import new_reference, references_in
from cases.roles import May
from cases.terms import DueKind, dues_of_a_new_case, terms_of
from config.errors import ConfigError
from config.settings import DeskSettings
from config.taxonomy import Severity
from desk import again, gate
from desk.forms import EnterForm
from desk.language import switched, zone
from desk.parts import parts
from desk.security import BODY_LIMIT
from ingest.again import Anew
from ingest.automatic import Verdict
from ingest.conflicts import as_closed_as, restriction_of
from ingest.errors import NotIsolated, NurseryGone, ReadError
from ingest.message import read_message, unread_message
from ingest.raw import RawMail
from store import entering, lookups
from store.casework import NotFound, case_row
from store.entering import EnteredAlready, was_entered
from store.intake import NewMessage
from store.keyring import desk_keys, pins_of
from store.restriction import Restriction
from triage import Report

blueprint = Blueprint("entering", __name__, url_prefix="/new")
blueprint.before_request(gate.require(May.OPEN_THE_DESK))

log = logging.getLogger(__name__)

LONGEST_NAME = 150

Answer = Response | str | tuple[str, int]


def admit_files(app: Flask) -> None:
    """Let members who open the desk, and nobody else, send more than a form where a report takes files."""

    @app.before_request
    def allow() -> None:
        ring = g.get("ring")
        if request.endpoint == "entering.enter" and ring is not None and ring.may(May.OPEN_THE_DESK):
            request.max_content_length = BODY_LIMIT + EnterForm.MOST_BYTES


@dataclass(frozen=True)
class Entered:
    """What was understood of what a member entered. `restriction`: whom the report is kept from."""

    message: NewMessage
    report: Report | None
    restriction: Restriction | None


@blueprint.get("")
def show() -> str:
    form = EnterForm(formdata=None)
    form.once.data = token_hex(16)
    form.received.data = parts().clock().astimezone(zone()).date()
    return _page(form)


@blueprint.post("")
def enter() -> Answer:
    """Read, understand and seal what was sent, and show the case of it; or show the form in another language."""
    gate.ring().require(May.WRITE)
    form = EnterForm()
    form.today = parts().clock().astimezone(zone()).date()
    if switched():
        if form.given():
            flash(gettext("Choose your files again."), "warn")
        return _page(form, unsent=True)
    if not form.validate():
        return _page(form), 400
    case_id = _case_of(form)
    try:
        with RawMail.from_bytes(_as_mail(form)) as raw:
            _enter(form, raw, case_id)
    except EnteredAlready:
        return _shown(case_id, before=True)
    except again.Busy:
        flash(
            gettext("Another message is being read right now. Choose your files again and send it in a minute."), "warn"
        )
        return _page(form), 503
    except (NotIsolated, NurseryGone, ConfigError) as error:
        log.error("a report cannot be entered: %s", error)  # noqa: TRY400 - its message says what to do
        flash(gettext("No file can be read on this machine right now. Tell your administrator."), "bad")
        return _page(form), 503
    return _shown(case_id)


def _case_of(form: EnterForm) -> str:
    """The id of the case that this form becomes: by the token of the form, its member and all that was filled in. So
    the same is entered once, however often it is sent, and what was changed since is never taken for the same."""
    written = [form.once.data, gate.ring().member_id, form.way.data, str(form.received.data), form.text.data]
    digest = hashlib.sha256(json.dumps([*written, form.contact()]).encode())
    for file in form.given():
        content = hashlib.file_digest(file.stream, "sha256")  # type: ignore[arg-type]
        file.stream.seek(0)
        digest.update(json.dumps([file.filename, content.hexdigest()]).encode())
    return digest.hexdigest()[:32]


def _enter(form: EnterForm, raw: RawMail, case_id: str) -> None:
    """Raises EnteredAlready, whether the same was sent to this process or to another."""
    here, ring = parts(), gate.ring()
    received_at = _received_at(form)
    way = str(form.way.data)
    try:
        with again.turn():
            _refuse_what_is_there(case_id)  # before it is read: it may have waited for the same to be entered
            found: Anew | None = again.understand(raw)
    except ReadError:
        found = None  # kept whole, as a mail is that nobody can read
    desk = here.settings.desks[ring.desk]
    with here.database.begin() as transaction:
        now = here.clock()
        linked = _named_in(transaction, form.text.data or "")
        entered = _understood(transaction, desk, found, raw, received_at, way, linked)
        entering.enter(
            *(transaction, ring, gate.index()),
            desk_keys(transaction, ring.desk, pins_of(desk)),
            entered.message,
            reference=new_reference(randbelow),
            contact=form.contact(),
            due=_dues(desk, entered.report, received_at, now),
            restriction=entered.restriction,
            linked_case=linked,
            case_id=case_id,
            now=now,
        )


def _refuse_what_is_there(case_id: str) -> None:
    with parts().database.read() as transaction:
        if was_entered(transaction, case_id):
            raise EnteredAlready("This was entered already.")


def _named_in(session: Session, text: str) -> str | None:
    """The first case whose reference stands in what was written down: what is entered is linked to it."""
    desk, index = gate.ring().desk, gate.index()
    found = (lookups.case_by_reference(session, desk, index.reference(each)) for each in references_in(text)[:20])
    return next((lookups.surviving_case(session, case_id) for case_id in found if case_id), None)


def _understood(
    session: Session,
    desk: DeskSettings,
    found: Anew | None,
    raw: RawMail,
    received_at: datetime,
    way: str,
    linked: str | None,
) -> Entered:
    slug = gate.ring().desk
    if found is None:
        kept = as_closed_as(session, slug, desk, linked, None, None)
        return Entered(unread_message(raw, "unreadable", received_at), None, kept)
    decided = {
        "thread": "linked_by_reference" if linked else "new",
        "automatic": "person",
        "receipt": "by_hand",
        "way": way,
    }
    message = read_message(
        raw,
        found.mail,
        found.report,
        Verdict(None, False, "person"),
        received_at,
        authentication=None,
        flags=[],
        decided=decided,
    )
    kept = restriction_of(session, slug, desk, found.report)
    return Entered(message, found.report, as_closed_as(session, slug, desk, linked, found.report, kept))


def _dues(
    desk: DeskSettings, report: Report | None, received_at: datetime, now: datetime
) -> Mapping[DueKind, datetime]:
    """As of a mail. What lay somewhere before it was entered is overdue: the law counts from the day it came."""
    due = dict(dues_of_a_new_case(received_at, terms_of(parts().settings, gate.ring().desk)))
    if desk.look_today and report is not None and report.severity is Severity.ACUUT:
        due[DueKind.URGENT_LOOK] = now + timedelta(hours=desk.deputy_hours)
    return due


def _received_at(form: EnterForm) -> datetime:
    """A day is a day: what came today came now, what came before at noon."""
    now = parts().clock()
    day = form.received.data
    assert day is not None  # a form that is valid has one
    return now if day == form.today else datetime.combine(day, time(12), zone()).astimezone(UTC)


def _as_mail(form: EnterForm) -> bytes:
    """What was entered as a mail from nobody. Who reported stands beside it, not in it: a person wrote that down."""
    mail = EmailMessage(policy=SMTP)
    mail["Date"] = format_datetime(_received_at(form))
    mail.set_content((form.text.data or "").replace("\r\n", "\n") + "\n", cte="base64")
    for file in form.given():
        kind, name = _kind(file)
        maintype, _, subtype = kind.partition("/")
        mail.add_attachment(file.read(), maintype=maintype, subtype=subtype, filename=name)
    return mail.as_bytes()


def _kind(file: FileStorage) -> tuple[str, str]:
    """What a file says that it is, by its name; a reader looks at its bytes. Browsers of before sent the whole path."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    name = "".join(each for each in name if each.isprintable())[-LONGEST_NAME:] or "file"
    kind = guess_type(name)[0] or ""
    return (kind if kind.startswith(("image/", "application/")) else "application/octet-stream"), name


def _shown(case_id: str, *, before: bool = False) -> Response:
    with parts().database.read() as transaction:
        try:
            case_row(transaction, gate.ring(), case_id)
        except NotFound:
            flash(
                gettext("The report is entered. It is kept from you: it names a member, or a case closed to you."),
                "warn",
            )
            return redirect(url_for("queue.show"), 303)
    if before:
        flash(gettext("You sent this report more than once. It is entered once: this is its case."), "warn")
        return redirect(url_for("case.show", case_id=case_id), 303)
    flash(gettext("The report is entered. Read what the machine made of it."), "good")
    return redirect(url_for("case.show", case_id=case_id), 303)


def _page(form: EnterForm, *, unsent: bool = False) -> str:
    return render_template("entering.html", section="new", form=form, unsent=unsent)
