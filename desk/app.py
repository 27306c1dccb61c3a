"""Makes the application: parts, locks, languages, pages."""

from flask import Flask
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from config.secrets import Secrets
from config.settings import Settings
from desk import (
    again,
    attachments,
    case,
    changes,
    compressed,
    consents,
    entering,
    errors,
    exporting,
    faults,
    gate,
    grants,
    interpreting,
    keys,
    language,
    letters,
    lists,
    live,
    login,
    members,
    mergers,
    minutes,
    notes,
    opening,
    overview,
    own,
    papers,
    presence,
    previews,
    queue,
    receipts,
    referring,
    retention,
    search,
    second,
    security,
    sessions,
    style,
    system,
    taking,
    texts,
    trail,
    unlocking,
    words,
)
from desk import settings as settings_pages
from desk.parts import Clock, Parts, equip, parts_of, utc_now
from store.database import Database
from store.passphrase import DEFAULT, Params


def create_app(
    settings: Settings,
    secrets: Secrets,
    database: Database,
    clock: Clock = utc_now,
    cost: Params = DEFAULT,
    configured_in: str = "meldpost.toml",
) -> Flask:
    """The desk as a WSGI application. `cost` is what a derivation of a passphrase takes from now on; `configured_in`
    names the file that the settings come from.

    Raises SecretMissing or SecretExposed where the secret web-session-key cannot be had, and StyleUnusable.
    """
    app = Flask("desk", root_path=str(language.PACKAGE))
    equip(app, Parts(settings, secrets, database, clock, cost=cost, configured_in=configured_in))
    app.config.update(
        SECRET_KEY=secrets.get("web-session-key"),
        SESSION_COOKIE_NAME="__Host-page",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=None,  # a token lives and dies with the log-in that it is bound to
        WTF_CSRF_SSL_STRICT=False,  # asks for a Referer, which our pages forbid; Fetch Metadata is checked instead
    )
    security.guard(app)
    compressed.compress_files(app)
    gate.install(app)
    keys.install(app)
    lists.install(app)
    faults.install(app)
    letters.admit_files(app)
    entering.admit_files(app)
    CSRFProtect(app)
    language.speak(app)
    words.teach(app)
    errors.handle(app)
    style.wear(app, settings.web)
    for part in (
        login,
        language,
        queue,
        case,
        changes,
        entering,
        grants,
        interpreting,
        opening,
        keys,
        letters,
        lists,
        live,
        again,
        attachments,
        exporting,
        receipts,
        referring,
        members,
        mergers,
        minutes,
        notes,
        overview,
        own,
        papers,
        presence,
        previews,
        retention,
        search,
        second,
        sessions,
        settings_pages,
        taking,
        texts,
        system,
        consents,
        trail,
        unlocking,
    ):
        app.register_blueprint(part.blueprint)
    if settings.web.trusted_proxies:
        count = settings.web.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app


def close(app: Flask) -> None:
    """Wipe what members could search in, and finish what is being done beside. The database is not closed."""
    parts_of(app).drawers.close()
    parts_of(app).upkeep.close()
    parts_of(app).indexes.close()
