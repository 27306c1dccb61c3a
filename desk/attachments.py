"""What came with a mail, handed on: files and originals as a stream, HTML as a page that can do nothing.

Nothing here is shown by the browser as what it claims to be: files are bytes to be saved.
"""

from collections.abc import Iterator
from urllib.parse import quote

from flask import Blueprint, Response, abort
from flask_babel import get_locale

from desk import gate, mailhtml
from desk.parts import parts
from store import casework

blueprint = Blueprint("attachments", __name__)
blueprint.before_request(gate.require_member)

FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
