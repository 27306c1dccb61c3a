"""Errors as pages: what happened and what to do, in the reader's language, without a word of any case."""

import logging
import secrets
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from flask import Flask, render_template, request
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge, ServiceUnavailable

from desk.words import FIELDS
from store import trouble
from store.casework import NotFound
from store.identity import IdentityClosed
from store.keyring import NoSuchKey, NotAllowed, UnprovenKey
from store.passphrase import TooManyDerivations

log = logging.getLogger(__name__)

TEXTS: Mapping[int, tuple[LazyString, LazyString]] = {
    400: (
        _l("This request cannot be understood"),
        _l("Something was missing from what your browser sent. Go back, reload the page and try once more."),
    ),
    403: (_l("This is not allowed"), _l("Your browser sent this from another place than the desk's own pages.")),
    404: (_l("There is nothing here"), _l("This page does not exist, or it is not one that you may see.")),
    405: (_l("This request cannot be understood"), _l("Open the page from the queue instead.")),
    409: (_l("Somebody else was first"), _l("The case was changed in the meantime.")),
    413: (
        _l("That is too much"),
        _l("What you sent is larger than the desk takes. Make it shorter and send it again."),
    ),
    500: (
        _l("Something went wrong here"),
        _l("It is not your fault; nothing was changed. Try once more. If it happens again, tell your administrator."),
    ),
    503: (
        _l("Many people log in right now"),
        _l("Several people are logging in at this moment. Try again in a minute."),
    ),
}


def handle(app: Flask) -> None:
    """Answer all errors of an application by pages."""
    app.register_error_handler(CSRFError, lambda _: page(400, _form_out_of_date()))
    app.register_error_handler(NotFound, lambda _: page(404))
    app.register_error_handler(NotAllowed, lambda _: page(403, _not_your_role()))
    app.register_error_handler(IdentityClosed, lambda _: page(403, _identity_closed()))
    app.register_error_handler(NoSuchKey, lambda _: page(403, _no_key()))
    app.register_error_handler(UnprovenKey, lambda _: page(500, _key_not_ours()))
    app.register_error_handler(TooManyDerivations, lambda _: (*page(503), {"Retry-After": "60"}))
    app.register_error_handler(HTTPException, _expected)
    app.register_error_handler(Exception, _unexpected)


def page(
    status: int,
    text: str | None = None,
    incident: str | None = None,
    title: str | None = None,
    then: str | None = None,
) -> tuple[str, int]:
    """The page for one status; title and text are the status's own unless others are given. `then` is where one goes
    who has to log in first."""
    named, usual = TEXTS.get(status, TEXTS[400] if status < HTTPStatus.INTERNAL_SERVER_ERROR else TEXTS[500])
    told = {"title": title or named, "text": text or usual, "incident": incident, "typed": typed(), "then": then}
    return render_template("error.html", **told), status


def typed() -> list[tuple[str, str]]:
    """What a person wrote into the refused form, to be given back. Never a passphrase."""
    try:
        note = request.form.get("text")
    except RequestEntityTooLarge:
        return []
    return [(str(FIELDS["note"]), note)] if note else []


def _form_out_of_date() -> str:
    return str(
        gettext(
            "This form is out of date, because you logged in again or keep no cookies. Nothing was changed. "
            "Open the page again and repeat what you did."
        )
    )


def _not_your_role() -> str:
    return str(gettext("Your role at this desk does not let you do this. Ask a coordinator of the desk."))


def _identity_closed() -> str:
    return str(
        gettext(
            "Who reported is closed, and this would tell it. Open the page of the case, and say there why you open who "
            "reported."
        )
    )


def _no_key() -> str:
    return str(
        gettext(
            "You have no key to this part of the case: who reported, and what tells it. A coordinator of the desk can "
            "give you access to it."
        )
    )


def _key_not_ours() -> str:
    return str(
        gettext(
            "Nothing was saved: the database holds a key for this case that Meldpost did not write. What is written "
            "with it could be read by somebody else. Tell your administrator at once."
        )
    )


def _expected(error: HTTPException) -> tuple[str, int] | HTTPException:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error  # a redirect
    return page(error.code)


def _unexpected(error: Exception) -> tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Log where it happened and what kind of error it was. Its message may quote a case, so it stays out; of a
    database the log says in our own words what is wrong with it, and the page that it is the database."""
    incident = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in frames[:-4:-1])
    what = f"{type(error).__name__} at {places}"
    said = trouble.describe(error) if isinstance(error, DBAPIError) else ""
    log.error("Incident %s: %s", incident, f"{said} ({what})" if said else what)
    if said:
        body, status = page(ServiceUnavailable.code, _database_away(), incident, str(gettext("The database is away")))
        return body, status, {"Retry-After": "60"}
    return page(InternalServerError.code, incident=incident)


def _database_away() -> str:
    return str(
        gettext(
            "The desk cannot use its database at this moment. Nothing was changed, and mail that comes in is not lost. "
            "Try again in a minute. If it stays so, tell your administrator."
        )
    )
