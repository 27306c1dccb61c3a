"""`meldpost desk`: serves the web application until it is told to stop."""

import signal
from types import FrameType

from config.settings import Settings
from desk.app import close, create_app
from desk.server import serve
from meldpost import hygiene
from meldpost.startup import opened, refuse_unless_servable


class CannotServe(Exception):
    """The desk cannot be served; the message says what to do."""


def serve_desk(settings: Settings, configured_in: str = "meldpost.toml") -> None:
    """`configured_in` names the file that the settings come from. Raises NotReady, CannotServe, ConfigError."""
    hygiene.no_core_dumps()
    signal.signal(signal.SIGTERM, _leave)
    refuse_unless_servable(settings)
    database = opened(settings.database.for_desk)
    try:
        app = create_app(settings, settings.secrets(), database, configured_in=configured_in)
        try:
            serve(app, settings)
        finally:
            close(app)
    except OSError as error:
        where = f"{settings.web.host} port {settings.web.port}"
        raise CannotServe(f"The desk cannot listen on {where}: {error.strerror}. Set web.port to another.") from error
    finally:
        database.close()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
