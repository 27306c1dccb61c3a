"""The language of a page, and times as its reader writes them, in the time zone of the desk."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_timedelta
from babel.numbers import format_decimal
from flask import Blueprint, Flask, abort, g, redirect, request, session, url_for
from flask_babel import Babel, get_locale, gettext, ngettext, refresh
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from werkzeug.wrappers import Response

from desk.paths import local_path

LANGUAGES = {"nl": "Nederlands", "en": "English"}
DEFAULT = "nl"
_THOUSAND = 1000
_MOST_SAID = 4096
"""Of each a few are said over and over: the fifty rows of a queue say thousands of words."""
PACKAGE = Path(__file__).parent

blueprint = Blueprint("language", __name__)


@blueprint.post("/language")
def choose() -> Response:
    """Remember the language and go back to the page it was chosen on."""
    picked = request.form.get("language", "")
    if picked not in LANGUAGES:
        abort(400)
    session["language"] = picked
    return redirect(local_path(request.form.get("then")) or url_for("queue.show"))


def switched() -> bool:
    """Was a form sent by the buttons that choose the language, so that what stands in it goes along? Then the language
    is chosen: from now on, and for this page."""
    speak, _, picked = request.form.get("then", "").partition("-")
    if speak != "speak" or picked not in LANGUAGES:
        return False
    session["language"] = picked
    refresh()
    return True


def chosen() -> str:
    """What the person chose; else what their browser prefers; else Dutch."""
    picked = session.get("language")
    if picked in LANGUAGES:
        return str(picked)
    return request.accept_languages.best_match(list(LANGUAGES)) or DEFAULT


def speak(app: Flask, select: Callable[[], str] = chosen) -> None:
    """Give an application its languages; `select` says which one a page is in."""
    app.config.update(BABEL_TRANSLATION_DIRECTORIES="translations", BABEL_DEFAULT_LOCALE=DEFAULT)
    Babel(app, locale_selector=select)
    speaking: dict[str, Callable[..., str]] = {
        "day": day,
        "moment": moment,
        "age": age,
        "ago": ago,
        "left": left,
        "size": size,
    }
    app.jinja_env.filters.update({name: in_the_readers_language(speak) for name, speak in speaking.items()})
    app.jinja_env.globals.update({"_": said, "gettext": said})
    app.context_processor(lambda: {"languages": LANGUAGES, "language": here()})


def here() -> str:
    """The language of this page."""
    return str(getattr(get_locale(), "language", DEFAULT))


def said(text: str, **values: object) -> Markup:
    """A text of a template in the language of its page."""
    return Markup(gettext(text)) % values if values else _said(text, here())  # noqa: S704 - our own


@lru_cache(_MOST_SAID)
def _said(text: str, _language: str) -> Markup:
    return Markup(gettext(text)) % {}  # noqa: S704 - our own


def in_the_readers_language(say: Callable[..., str]) -> Callable[..., str]:
    """A filter that is asked anew for each page. Jinja works out a filter of a constant once, when it compiles the
    template, and everybody would read it in the language of who came first."""

    @pass_context
    def said(_context: Context, *args: Any, **named: Any) -> str:
        return say(*args, **named)

    return said


def zone() -> ZoneInfo:
    """The time zone of the desk whose page this is (set at log-in)."""
    return ZoneInfo(g.get("timezone", "Europe/Amsterdam"))


def day(when: datetime | date) -> str:
    """29 nov 2026"""
    return _day(when.astimezone(zone()).date() if isinstance(when, datetime) else when, here())


@lru_cache(_MOST_SAID)
def _day(when: date, language: str) -> str:
    return format_date(when, "d MMM y", locale=language)


def moment(when: datetime) -> str:
    """29 november 2026, 18:19"""
    return f"{day(when)}, {when.astimezone(zone()):%H:%M}"


def age(when: datetime, now: datetime) -> str:
    """How long ago: 2 dagen"""
    passed = now - when
    if passed < timedelta(minutes=1):
        return str(gettext("just now"))
    return str(format_timedelta(passed, threshold=1.2, granularity="minute", locale=get_locale()))


def ago(when: datetime, now: datetime) -> str:
    """2 dagen geleden"""
    if now - when < timedelta(minutes=1):
        return str(gettext("just now"))
    return str(
        format_timedelta(when - now, threshold=1.2, granularity="minute", add_direction=True, locale=get_locale())
    )


def left(when: datetime, now: datetime) -> str:
    """How long until something is due, or since it was, in days of the desk: over 3 dagen, vandaag, 2 dagen te laat"""
    here = when.astimezone(zone())
    days = (here.date() - now.astimezone(zone()).date()).days
    if when < now:
        return str(ngettext("%(num)s day overdue", "%(num)s days overdue", -days)) if days else _hours_late(when, now)
    if days == 0:
        ends_with_the_day = here.time() >= time(23, 59)
        return str(gettext("today") if ends_with_the_day else gettext("today, %(time)s", time=f"{here:%H:%M}"))
    return str(gettext("tomorrow") if days == 1 else ngettext("in %(num)s day", "in %(num)s days", days))


def _hours_late(when: datetime, now: datetime) -> str:
    return str(gettext("%(time)s overdue", time=age(when, now)))


def size(count: int) -> str:
    """1,2 MB"""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < _THOUSAND:
            break
        amount, unit = amount / _THOUSAND, larger
    return f"{format_decimal(amount, '#,##0' if unit == 'B' else '#,##0.#', locale=get_locale())} {unit}"
