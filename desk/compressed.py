"""The desk's own files go to the browser compressed: its styles are most of the weight of a page.

Pages are not. They hold what is secret (the token of a form, a case) beside what others may have chosen (a mail), and
how long they are once compressed tells of the secret to who watches the line (BREACH, CVE-2013-3587).
"""

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request

_TEXTS = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})


def compress_files(app: Flask) -> None:
    """Let an application send its static files so, to a browser that takes it."""
    folder = Path(app.static_folder or "")

    def compressed(response: Response) -> Response:
        if request.endpoint != "static" or response.mimetype not in _TEXTS:
            return response
        response.vary.add("Accept-Encoding")
        if response.status_code != 200 or request.accept_encodings["gzip"] <= 0:
            return response
        file = folder / (request.view_args or {})["filename"]
        etag, _ = response.get_etag()
        response.direct_passthrough = False
        response.set_data(_gzipped(file, file.stat().st_mtime_ns))
        response.content_encoding = "gzip"
        response.set_etag(f"{etag}-gzip")
        return response

    app.after_request(compressed)


@lru_cache(maxsize=64)
def _gzipped(file: Path, _changed: int) -> bytes:
    return gzip.compress(file.read_bytes(), mtime=0)
