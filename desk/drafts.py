"""What a page that keeps what is typed on it by itself is answered: a sentence, and the version to go on from."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_babel import gettext

from desk.language import zone
from desk.parts import parts

Answer = tuple[Response, int]


def kept(version: int) -> Answer:
    """It is kept, as this version; 0 where nothing was left to keep."""
    if not version:
        return _said("", version), HTTPStatus.OK
    at = f"{parts().clock().astimezone(zone()):%H:%M}"
    return _said(
        gettext("Kept as your draft at %(time)s. Nothing is sent or added yet.", time=at), version
    ), HTTPStatus.OK


def changed_elsewhere() -> Answer:
    """Another window kept another since: the one on this page is kept only when its writer says so."""
    said = gettext("Not kept by itself any more: this draft was changed in another window. Use the buttons below.")
    return _said(said), HTTPStatus.CONFLICT


def not_kept() -> Answer:
    """It cannot be kept as it is."""
    return _said(gettext("This cannot be kept as it is.")), HTTPStatus.BAD_REQUEST


def _said(said: str, version: int | None = None) -> Response:
    return jsonify(said=str(said), draft=version)
