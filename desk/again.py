"""Having a message read again: by a reader and an understander of its own, which end with the request.

One at a time for the whole desk, since each may take the memory that a large mail wants. Nothing is sent. Where the
message cannot be read now either, nothing is changed but the trail, which says that somebody tried.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from flask import Blueprint, flash, redirect, url_for
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from cases.roles import May
from config.errors import ConfigError
from desk import case, gate
from desk.forms import CaseForm
from desk.language import size
from desk.parts import parts
from ingest.again import Anew, message_anew, read_again
from ingest.automatic import Own
from ingest.errors import NotIsolated, NurseryGone, ReadError
from ingest.intake import own_mail
from ingest.isolation import ProcessLimits
from ingest.mail import ParsedMail
from ingest.nurseries import nurseries
from ingest.protection.keys import opening_for
from ingest.raw import RawMail
from ingest.scanning import Scanner
from notify.keys import TOKEN_KEY_NUMBER
from store import models, reread
from store.changes import Changed
from store.lookups import TokenKey
from store.records import CANNOT_OPEN, WrittenAtOnce
from store.reread import Before
from triage.model import is_of_this_version

blueprint = Blueprint("again", __name__, url_prefix="/cases/<case_id>/messages/<message_id>")
blueprint.before_request(gate.require(May.OPEN_THE_DESK))

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60
_ONE_AT_A_TIME = threading.BoundedSemaphore(1)

UNREADABLE, TOO_LARGE, NOT_UNDERSTOOD, LOCKED = "unreadable", "too_large", "not_understood", "locked"
DAMAGED = "damaged"

FAILURES: dict[str, LazyString] = {
    UNREADABLE: _l("This message cannot be read now either. Nothing was changed, and it is kept whole as it came."),
    TOO_LARGE: _l("This message is larger than the desk reads (%(most)s). Nothing was changed."),
    NOT_UNDERSTOOD: _l("The message was read, but the machine made nothing of it this time. Nothing was changed."),
    DAMAGED: _l("The mail as it came cannot be opened: the database was damaged or changed. Tell your administrator."),
    LOCKED: _l("The desk has no key here for this message, which was opened when it came. Nothing was changed."),
}


class _Failed(Exception):
    """What there is now is no better than what is known; `result` is a slug of FAILURES."""

    def __init__(self, result: str) -> None:
        super().__init__(result)
        self.result = result


class Busy(Exception):
    """Another message is being read."""


@blueprint.post("/read-again")
def read(case_id: str, message_id: str) -> Response | tuple[str, int]:
    form = CaseForm()
    if not form.validate():
        return case.page(case_id), 400
    here = parts()
    try:
        with here.database.read() as transaction:
            known = reread.before(transaction, gate.ring(), case_id, message_id, form.version.data)
        said, kind = _attempt(known, form.version.data), "good"
    except Busy:
        said, kind = gettext("Another message is being read right now. Try again in a minute."), "warn"
    except Changed:
        said, kind = gettext("Somebody was first: this case was changed, or a message of it was read again."), "warn"
    except _Failed as error:
        said, kind = _failed(known, error.result), "bad"
    except ReadError:
        said, kind = _failed(known, UNREADABLE), "bad"
    except (NotIsolated, NurseryGone, ConfigError) as error:
        log.error("a message cannot be read again: %s", error)  # noqa: TRY400 - its message says what to do
        said, kind = gettext("No mail can be read on this machine right now. Tell your administrator."), "bad"
    flash(said, kind)
    return redirect(url_for("case.show", case_id=case_id, _anchor=f"message-{message_id}"), 303)


def _attempt(known: Before, version: int) -> str:
    """Read, understand, write; gives what to say. Raises what can be in the way."""
    here, ring = parts(), gate.ring()
    with turn(), _raw(known) as raw:
        anew = understand(raw)
        _refuse_what_is_worse(known, anew)
        authserv_id = here.settings.desks[ring.desk].trusted_authserv_id
        new = message_anew(raw, anew, _own(anew.mail), authserv_id, known.received_at, known.content)
        with here.database.begin() as transaction:
            reread.write_anew(transaction, ring, gate.index(), known, new, version=version, now=here.clock())
    case.look(known.case_id)  # so that the card says the same
    protection = anew.mail.protection
    if protection is not None and protection.encrypted and not protection.opened:
        return str(gettext("The message was read again. It is encrypted still, and could not be opened."))
    return str(gettext("The message was read again."))


def _refuse_what_is_worse(known: Before, anew: Anew) -> None:
    """A desk on another machine than the daemon may have no key to open what the daemon opened."""
    was_open = (known.content.get("protection") or {}).get("opened")
    if was_open and not (anew.mail.protection and anew.mail.protection.opened):
        raise _Failed(LOCKED)
    if known.report.get("kind") and anew.report is None:
        raise _Failed(NOT_UNDERSTOOD)


def _raw(known: Before) -> RawMail:
    """The mail, in memory alone."""
    most = parts().settings.limits.again_max_bytes
    with parts().database.read() as transaction:
        try:
            return RawMail.from_chunks(_at_most(most, reread.raw_of(transaction, gate.ring(), known)))
        except CANNOT_OPEN:
            raise _Failed(DAMAGED) from None


def _at_most(most: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        most -= len(chunk)
        if most < 0:
            raise _Failed(TOO_LARGE)
        yield chunk


@contextmanager
def turn() -> Iterator[None]:
    """The only one for whom something is read now. Raises Busy."""
    if not _ONE_AT_A_TIME.acquire(timeout=PATIENCE_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


def understand(raw: RawMail) -> Anew:
    """What a mail says, read and understood by processes that end with this. Raises ReadError for this mail."""
    settings = parts().settings
    limits = settings.limits
    reading = ProcessLimits(limits.again_seconds, limits.again_seconds, limits.again_memory_bytes)
    with nurseries(settings, reading, _own_model()) as (readers, understanders):
        return read_again(
            raw,
            readers,
            understanders,
            opening_for(settings, parts().secrets, gate.ring().desk),
            Scanner.of(settings.clamd),
        )


def _own_model() -> bytes | None:
    """The model that the desk trained itself, where one is in force; None for the packaged one.

    One that cannot be trusted or loaded by this version keeps no mail from being read.
    """
    here, ring, index = parts(), gate.ring(), gate.index()
    try:
        with here.database.begin() as transaction:
            models.withdraw_outlived(transaction, ring, index, here.clock())
        with here.database.read() as transaction:
            content = models.in_force(transaction, ring, index)
    except (models.UnprovenModels, WrittenAtOnce) as error:
        log.error("the packaged model is used, not the desk's own: %s", error)  # noqa: TRY400 - it says what is wrong
        return None
    if content is not None and not is_of_this_version(content):
        log.warning("the packaged model is used: the desk's own is of another version; train it anew")
        return None
    return content


def _own(mail: ParsedMail) -> Own:
    """How to know our own mail. A desk that does not hold the daemon's token key takes no token for ours."""
    here, desk = parts(), gate.ring().desk
    name = f"token-key-{desk}"
    secret = here.secrets.key(name) if here.secrets.has(name) else os.urandom(32)
    return own_mail(here.settings, desk, TokenKey(TOKEN_KEY_NUMBER, secret), mail)


def _failed(known: Before, result: str) -> str:
    here = parts()
    with here.database.begin() as transaction:
        reread.note(transaction, gate.ring(), gate.index(), known, result, here.clock())
    return str(FAILURES[result]) % {"most": size(here.settings.limits.again_max_bytes)}
