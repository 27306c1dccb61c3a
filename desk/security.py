"""What every answer of the desk tells the browser to allow, and which requests it does not take."""

from io import BytesIO
from typing import IO

from flask import Flask, Request, Response, abort, request

from desk import style

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""For the desk's own pages: its own files only, no inline script or style, no plugin, no frame around it."""

BODY_LIMIT = 1 << 20
"""A form of the desk is text typed by a person. A body beyond this is refused with 413."""


TAKES_FILES = frozenset({"letters.write", "entering.enter"})
"""Forms with a place for files. In any other a file could stand where words are read."""


class MemoryRequest(Request):
    """A request whose body never touches a disk: werkzeug spools the file parts of a form to a temporary file."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return BytesIO()


def guard(app: Flask) -> None:
    """Put the limits and headers on an application."""
    app.request_class = MemoryRequest
    app.config.update(MAX_CONTENT_LENGTH=BODY_LIMIT, MAX_FORM_MEMORY_SIZE=BODY_LIMIT, MAX_FORM_PARTS=500)
    app.before_request(_refuse_other_sites)
    app.before_request(_refuse_files)
    app.after_request(_add_headers)


def _refuse_other_sites() -> None:
    """Fetch Metadata: a browser says where a change comes from, and only our own pages may make one.

    A second lock beside the CSRF token. Browsers that do not say (and command-line clients) pass on to the token.
    """
    if request.method not in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(403)


def _refuse_files() -> None:
    if request.mimetype == "multipart/form-data" and request.endpoint not in TAKES_FILES:
        abort(400)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
    headers.setdefault("X-Frame-Options", "DENY")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    headers["X-Robots-Tag"] = "noindex"
    headers["X-DNS-Prefetch-Control"] = "off"  # no policy covers look-ups of names
    if request.endpoint not in ("static", style.ENDPOINT):
        headers["Cache-Control"] = "no-store"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return response
