"""Serves the desk by waitress, with nothing of a page or form on disk."""

import gc
import logging
import sys

from flask import Flask
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from config.settings import Settings
from desk.security import BODY_LIMIT

NEVER = 1 << 30
"""Waitress puts a request beyond inbuf_overflow, and an answer beyond outbuf_overflow, into a temporary file. Requests
are limited to far less, and an answer waits at the high watermark until the browser has read on: neither is reached.
"""

TURN = 0.0005
"""Seconds after which a thread lets another go on (Python's own: 5 ms). A page gives its turn away at each of its many
questions to the database, and waited so long to have it back while others were at work.
"""

log = logging.getLogger(__name__)


def listen(app: Flask, settings: Settings) -> MultiSocketServer | BaseWSGIServer:
    """A server that already holds its address; its `run` serves. Raises OSError where the address cannot be had."""
    sys.setswitchinterval(TURN)
    return create_server(
        app,
        host=settings.web.host,
        port=settings.web.port,
        threads=8,
        ident=None,
        clear_untrusted_proxy_headers=False,  # the application believes web.trusted_proxies of them, and no more
        # the application refuses what is beyond its own limits, with a page that says why
        max_request_body_size=4 * BODY_LIMIT + settings.rules.letter_max_bytes,
        max_request_header_size=1 << 16,
        inbuf_overflow=NEVER,
        outbuf_overflow=NEVER,
        outbuf_high_watermark=1 << 20,
        channel_timeout=60,
        asyncore_use_poll=True,  # select() fails where a process holds more than 1,024 files and connections
    )


def settle() -> None:
    """What was loaded by now stays, and is looked through for garbage no more: that held up all threads at once, for
    150 ms."""
    gc.collect()
    gc.freeze()


def serve(app: Flask, settings: Settings) -> None:
    """Serve until the process is told to stop (SIGINT, or SystemExit raised by a signal handler)."""
    server = listen(app, settings)
    log.info("The desk listens on %s port %s", settings.web.host, settings.web.port)
    settle()
    try:
        server.run()
    finally:
        server.close()
