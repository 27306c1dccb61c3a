"""The state of the system, for who runs it and who relies on it: what is well, and what to do about the rest.

Counts and times alone. What the database cannot tell (certificates, disks, keys), `meldpost doctor` tells.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import Blueprint, render_template
from flask_babel import gettext, ngettext

from cases.roles import May
from config.settings import MailboxSettings, MaildirSettings
from desk import gate
from desk.language import moment
from desk.parts import parts
from notify.notices import QUIET_AFTER_BOUNCE
from store import system_state
from store.mailboxes import STALE_AFTER
from store.outbox import unreachable_members
from store.system_state import Account, SystemState

blueprint = Blueprint("system", __name__, url_prefix="/settings/system")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.SEE_SYSTEM))

BACKUP_WANTED = timedelta(days=8)
"""A backup each week is late after that."""


class Verdict(StrEnum):
    FINE = "fine"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Line:
    """How one part is. `what` and `text` are words; `to_do` is empty where all is well."""

    what: str
    verdict: Verdict
    text: str
    to_do: str = ""


@blueprint.get("")
def show() -> str:
    here, desk = parts(), gate.ring().desk
    now = here.clock()
    configured = [account for account, mailbox in here.settings.mailboxes.items() if mailbox.desk == desk]
    with here.database.read() as transaction:
        state = system_state.of(transaction, desk, configured, now)
        away = len(unreachable_members(transaction, desk, now - QUIET_AFTER_BOUNCE))
    lines = [*_daemon(state, now), *_mailboxes(state, now), *_outbox(state), *_notices(away), *_backup(state, now)]
    return render_template("system.html", section="settings", lines=lines)


def _daemon(state: SystemState, now: datetime) -> Iterator[Line]:
    what = gettext("The daemon, which takes mail in and sends it")
    start = gettext("Start “meldpost run”, or look into its log.")
    if state.seen_at is None:
        yield Line(what, Verdict.NOTE, gettext("It did nothing yet."), start)
    else:
        text = gettext("The last sign of it is of %(when)s.", when=moment(state.seen_at))
        silent = now - state.seen_at > STALE_AFTER
        yield Line(what, Verdict.WRONG, text, start) if silent else Line(what, Verdict.FINE, text)
    if state.late:
        late = ngettext(
            "%(num)s task was due more than half an hour ago and is not done: a reminder, or an end of a term.",
            "%(num)s tasks were due more than half an hour ago and are not done: reminders, or ends of terms.",
            state.late,
        )
        yield Line(gettext("What it does by itself"), Verdict.WRONG, late, start)
    yield Line(gettext("Last mail taken in"), Verdict.FINE, _when(state.taken_at))
    yield Line(gettext("Last mail sent"), Verdict.FINE, _when(state.sent_at))


def _mailboxes(state: SystemState, now: datetime) -> Iterator[Line]:
    settings = parts().settings
    read: dict[str, MailboxSettings | MaildirSettings] = {}
    read |= settings.mailboxes_of(MailboxSettings)
    read |= settings.mailboxes_of(MaildirSettings)
    for account in state.accounts:
        yield from _read(account, now, is_read=account.name in read)
        yield from _unfinished(account)
        if account.lying:
            yield _lying(account, read.get(account.name))


def _read(account: Account, now: datetime, *, is_read: bool) -> Iterator[Line]:
    """Nobody reads a mailbox whose mail is delivered to us."""
    what = gettext("Mailbox %(name)s", name=account.name)
    if account.look is None:
        if is_read:
            yield Line(what, Verdict.NOTE, gettext("It was not read yet."), _have_it_examined())
        return
    waiting = ngettext("%(num)s mail had no result then.", "%(num)s mails had no result then.", account.look.waiting)
    text = gettext("Read to its end on %(when)s.", when=moment(account.look.looked_at)) + " " + waiting
    if account.look.is_stale(now):
        yield Line(what, Verdict.WRONG, text, _have_it_examined())
    else:
        yield Line(what, Verdict.FINE, text)


def _unfinished(account: Account) -> Iterator[Line]:
    what = gettext("Mails of %(name)s without a result", name=account.name)
    if account.mails:
        text = ngettext(
            "%(num)s mail was begun more than half an hour ago and is not taken in.",
            "%(num)s mails were begun more than half an hour ago and are not taken in.",
            account.mails,
        )
        yield Line(what, Verdict.WRONG, text, _have_it_examined())
    if account.deliveries:
        text = ngettext(
            "%(num)s delivery of the mail server was not taken in.",
            "%(num)s deliveries of the mail server were not taken in.",
            account.deliveries,
        )
        yield Line(what, Verdict.WRONG, text, gettext("The mail server has to offer them again: look into its queue."))
    if account.files:
        text = ngettext("%(num)s file was not taken in.", "%(num)s files were not taken in.", account.files)
        yield Line(what, Verdict.WRONG, text, gettext("Run “meldpost ingest” again with the same files."))


def _lying(account: Account, mailbox: MailboxSettings | MaildirSettings | None) -> Line:
    what = gettext("Readable mails on the server of %(name)s", name=account.name)
    text = ngettext(
        "%(num)s mail that was taken in can still be read there.",
        "%(num)s mails that were taken in can still be read there.",
        account.lying,
    )
    if mailbox is None:
        return Line(what, Verdict.NOTE, text)
    days = ngettext("They go after %(num)s day,", "They go after %(num)s days,", mailbox.keep_days)
    return Line(what, Verdict.FINE, f"{text} {days} " + gettext("or when a checked backup on another disk holds them."))


def _outbox(state: SystemState) -> Iterator[Line]:
    what = gettext("Mail that goes out")
    if state.paused_at is not None:
        text = gettext("Nothing goes out since the restore of %(when)s.", when=moment(state.paused_at))
        to_do = gettext("A coordinator lets it go out again, under “Receipts that wait”.")
        yield Line(what, Verdict.WRONG, text, to_do)
    if state.queued_late:
        text = ngettext(
            "%(num)s mail should have gone out more than half an hour ago.",
            "%(num)s mails should have gone out more than half an hour ago.",
            state.queued_late,
        )
        yield Line(what, Verdict.WRONG, text, gettext("“meldpost doctor” says whether the SMTP server takes mail."))
    if state.failed:
        text = ngettext(
            "%(num)s mail of the last seven days could not be delivered.",
            "%(num)s mails of the last seven days could not be delivered.",
            state.failed,
        )
        yield Line(
            what, Verdict.NOTE, text, gettext("The pages of their cases say which; a coordinator looks at them.")
        )
    if state.uncertain:
        text = ngettext(
            "Of %(num)s mail of the last seven days nobody knows whether it went out.",
            "Of %(num)s mails of the last seven days nobody knows whether they went out.",
            state.uncertain,
        )
        yield Line(what, Verdict.NOTE, text, gettext("The log of the SMTP server may tell."))
    if state.held:
        text = ngettext(
            "%(num)s mail waits for a coordinator's word.", "%(num)s mails wait for a coordinator's word.", state.held
        )
        yield Line(what, Verdict.NOTE, text, gettext("A coordinator decides, under “Receipts that wait”."))
    if not (state.paused_at or state.queued_late or state.failed or state.uncertain or state.held):
        yield Line(what, Verdict.FINE, gettext("Nothing waits."))


def _notices(away: int) -> Iterator[Line]:
    if away:
        text = ngettext(
            "Notices to %(num)s member came back in the last day.",
            "Notices to %(num)s members came back in the last day.",
            away,
        )
        to_do = gettext("Find out whether their mailboxes take mail; their addresses stand under Members.")
        yield Line(gettext("Notices to members"), Verdict.WRONG, text, to_do)


def _backup(state: SystemState, now: datetime) -> Iterator[Line]:
    what = gettext("Last backup that was checked and lies on another disk")
    make = gettext("Have “meldpost backup” run each day, by a timer, to another disk.")
    if state.backup_at is None:
        yield Line(what, Verdict.WRONG, gettext("There is none."), make)
    elif now - state.backup_at > BACKUP_WANTED:
        yield Line(what, Verdict.WRONG, moment(state.backup_at), make)
    else:
        yield Line(what, Verdict.FINE, moment(state.backup_at))


def _have_it_examined() -> str:
    return str(gettext("Run “meldpost doctor”: it says what is in the way. The log of “meldpost run” tells more."))


def _when(at: datetime | None) -> str:
    return str(gettext("none yet")) if at is None else moment(at)
