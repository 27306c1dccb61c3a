"""The style of a desk: design tokens of the organisation's own, from a file of theirs, after those of the desk."""

from flask import Flask, Response, request
from werkzeug.http import generate_etag

from config.errors import ConfigError
from config.settings import WebSettings

ENDPOINT = "organisation_style"
MAX_BYTES = 1 << 20


class StyleUnusable(ConfigError):
    """The file of design tokens cannot be served; the message says why."""


def wear(app: Flask, web: WebSettings) -> None:
    """Give every page the organisation's file, where there is one. Raises StyleUnusable."""
    content = _read(web)
    app.context_processor(lambda: {"organisation_style": content is not None, "style_class": web.style_class})
    if content is None:
        return
    etag = generate_etag(content)

    def organisation_style() -> Response:
        response = Response(content, mimetype="text/css")
        response.set_etag(etag)
        response.cache_control.no_cache = True
        response.make_conditional(request)
        return response

    app.add_url_rule("/organisation.css", ENDPOINT, organisation_style)


def _read(web: WebSettings) -> bytes | None:
    if web.style_file is None:
        return None
    try:
        content = web.style_file.read_bytes()
        content.decode()
    except OSError as error:
        raise StyleUnusable(f"web.style_file {web.style_file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise StyleUnusable(f"web.style_file {web.style_file} is not UTF-8 text.") from None
    if len(content) > MAX_BYTES:
        raise StyleUnusable(f"web.style_file {web.style_file} is larger than {MAX_BYTES} bytes.")
    return content
