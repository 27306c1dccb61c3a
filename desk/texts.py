"""The texts that letters to reporters begin from: a desk's own in the place of those that Meldpost comes with."""

from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from cases.letters import Purpose
from cases.roles import May
from config.settings import DeskSettings
from config.taxonomy import Kind, MissingField
from desk import gate
from desk.forms import LetterTextForm
from desk.language import zone
from desk.parts import parts
from notify.catalogue import languages
from notify.letter_texts import NAMES, CannotBeFilled, built_in
from notify.letters import LetterFacts, offered
from store import letter_texts
from store.letter_texts import TextChanged
from store.members import logins

blueprint = Blueprint("texts", __name__, url_prefix="/settings/letters")
blueprint.before_request(gate.require(May.SET_TEXTS))

Answer = Response | str | tuple[str, int]

EXAMPLE_REFERENCE = "K2345-67890"


@blueprint.get("")
def show() -> str:
    with parts().database.read() as transaction:
        own = letter_texts.texts(transaction, gate.ring())
    return render_template("texts.html", section="settings", purposes=list(Purpose), spoken=languages(), own=own)


@blueprint.get("/<purpose>/<language>")
def edit(purpose: str, language: str) -> Answer:
    """The text as it is now; `?version=` puts an earlier one into the form, to be kept anew."""
    which = _which(purpose, language)
    form = LetterTextForm(formdata=None)
    with parts().database.read() as transaction:
        form.seen.data = letter_texts.newest(transaction, gate.ring(), *which)
        form.text.data = _asked_version(which) or letter_texts.text_of(transaction, gate.ring(), *which)
    form.text.data = form.text.data or built_in(*which)
    return _page(which, form)


@blueprint.post("/<purpose>/<language>")
def write(purpose: str, language: str) -> Answer:
    """Show what a letter would begin with, keep the text, or go back to the one that Meldpost comes with."""
    which, form = _which(purpose, language), LetterTextForm()
    then = request.form.get("then", "preview")
    if then == "default":
        form.text.validators = ()
    if not form.validate():
        return _page(which, form), 400
    text = None if then == "default" else form.text.data.replace("\r\n", "\n").strip() + "\n"
    try:
        preview = _preview(which, text)
    except CannotBeFilled as error:
        wrong = gettext(
            "“%(name)s” cannot be filled in. Take one of the names below, or leave the braces out.", name=error.what
        )
        form.text.errors = [wrong]
        return _page(which, form), 400
    if then == "preview":
        return _page(which, form, preview)
    here, ring = parts(), gate.ring()
    try:
        with here.database.begin() as transaction:
            to_desk = here.public_keys(transaction, ring.desk).to_desk
            letter_texts.keep(*(transaction, ring, to_desk, *which, text), seen=form.seen.data, now=here.clock())
    except TextChanged:
        form.text.errors = [
            gettext("Somebody else changed this text meanwhile; theirs stands first below. Compare, then keep yours.")
        ]
        with here.database.read() as transaction:
            form.seen.data = letter_texts.newest(transaction, ring, *which)
        return _page(which, form), 409
    flash(
        gettext("Letters begin with the text of Meldpost again.")
        if text is None
        else gettext("Letters begin with this text from now on."),
        "good",
    )
    return redirect(url_for("texts.edit", purpose=purpose, language=language), 303)


def _page(which: tuple[Purpose, str], form: LetterTextForm, preview: str | None = None) -> str:
    with parts().database.read() as transaction:
        versions = letter_texts.versions(transaction, gate.ring(), *which)
        names = logins(transaction, gate.ring())
    return render_template(
        "text.html",
        section="settings",
        purpose=which[0],
        spoken=which[1],
        form=form,
        preview=preview,
        versions=versions,
        names=names,
        places=NAMES,
    )


def _preview(which: tuple[Purpose, str], text: str | None) -> str:
    """What a letter would begin with, of a case that nobody has. Raises CannotBeFilled."""
    now = parts().clock()
    facts = LetterFacts(
        *which,
        now - timedelta(days=3),
        EXAMPLE_REFERENCE,
        Kind.MELDING,
        (MissingField.CONCERNED_FUNCTION, MissingField.DESCRIPTION),
        anonymous=False,
        answer_by=(now + timedelta(days=90)).astimezone(zone()).date(),
    )
    return offered(_desk(), facts, text)


def _which(purpose: str, language: str) -> tuple[Purpose, str]:
    if purpose not in set(Purpose) or language not in languages():
        abort(404)
    return Purpose(purpose), language


def _asked_version(which: tuple[Purpose, str]) -> str | None:
    number = request.args.get("version", None, type=int)
    if number is None:
        return None
    with parts().database.read() as transaction:
        found = letter_texts.versions(transaction, gate.ring(), *which)
    return next((each.text for each in found if each.number == number), None)


def _wrong(error: CannotBeFilled) -> str:
    return str(
        gettext(
            "“%(name)s” cannot be filled in. Take one of the names below, or leave the braces out.", name=error.what
        )
    )


def _somebody_was_first() -> str:
    return str(
        gettext("Somebody else changed this text meanwhile; theirs stands first below. Compare, then keep yours.")
    )


def _desk() -> DeskSettings:
    return parts().settings.desks[gate.ring().desk]
