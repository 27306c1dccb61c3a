"""Having a message translated: shown once, below the original, and kept nowhere."""

import logging
from collections.abc import Mapping

from flask import Blueprint, flash, redirect, url_for
from flask_babel import LazyString, get_locale
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from cases.roles import May
from desk import case, gate, identity, interpreter
from desk.interpreter import LONGEST_TEXT, CannotTranslate, Translation
from desk.language import DEFAULT
from desk.messages import shown
from desk.parts import parts
from store import audit
from store.audit import Action
from store.casework import CaseMessage, NotFound

blueprint = Blueprint("interpreting", __name__, url_prefix="/cases/<case_id>/messages/<message_id>")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))

log = logging.getLogger(__name__)

FAILURES: Mapping[str, LazyString] = {
    "busy": _l("Another message is being translated right now. Try again in a minute."),
    "not_there": _l("The program that translates cannot be started on this machine. Tell your administrator."),
    "no_time": _l("The translation took too long and was stopped. Have a shorter message translated, or try again."),
    "too_much": _l("The program that translates answered far more than it was given. Nothing is shown of it."),
    "failed": _l(
        "The program that translates failed: perhaps it does not know this language. Tell your administrator."
    ),
    "nothing": _l("The program that translates answered nothing."),
    "no_words": _l("This message holds no words to translate."),
}


@blueprint.post("/translate")
def translate(case_id: str, message_id: str) -> str | Response:
    """The page of the case with the translation on it. Raises NotFound."""
    message, is_open = _message(case_id, message_id)
    source, target = str(message.report.get("language") or ""), target_language()
    text = _words(message, is_open)
    try:
        said = interpreter.translated(parts().settings.translation, text[:LONGEST_TEXT], source, target)
    except CannotTranslate as failure:
        log.warning("a message was not translated: %s", failure.reason)
        flash(FAILURES[failure.reason], "bad")
        return redirect(url_for("case.show", case_id=case_id, _anchor=f"message-{message_id}"), 303)
    translation = Translation(message_id, source, target, said, cut=len(text) > LONGEST_TEXT)
    return case.page(case_id, translation=translation)


def target_language() -> str:
    return str(get_locale() or DEFAULT).partition("_")[0]


def _message(case_id: str, message_id: str) -> tuple[CaseMessage, bool]:
    """The message as far as the member opens it, with what is done to it on the trail. Raises NotFound."""
    here, ring = parts(), gate.ring()
    whole = case.look(case_id)
    is_open = whole.opens_identity and identity.is_open(case_id)
    view = whole if is_open else whole.without_identity()
    message = next((each for each in view.messages if each.id == message_id), None)
    if message is None:
        raise NotFound("There is no such message in this case.")
    with here.database.begin() as transaction:
        audit.write_look(transaction, ring, Action.TRANSLATED, here.clock(), case_id=case_id, subject_id=message_id)
    return message, is_open


def _words(message: CaseMessage, is_open: bool) -> str:
    """The subject and the reporter's own words; the masked ones where who reported is closed, with what they quote."""
    mail = shown(message, identity=is_open)
    told = [*mail.words, *([] if is_open else mail.quoted)]
    own = "".join(piece.text for stretch in told for piece in stretch.pieces)
    subject = str(message.content.get("subject") or "") if is_open else ""
    return f"{subject}\n\n{own}".strip()
