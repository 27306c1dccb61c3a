"""A file that came with a mail, to look at without harm: pages as pictures made anew, text, and a safe copy of these.

No library of formats meets the file in this process, which holds opened keys: its pages are drawn elsewhere
(ingest.drawing) and come as bare pixels; its text was read by a reader when the mail came in. Nothing is kept.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager

from flask import Blueprint, Response, render_template, request
from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _l

from cases.roles import May
from desk import errors, gate, identity, safe_copies
from desk.attachments import FILE_POLICY, disposition
from desk.messages import file_of
from desk.parts import parts
from ingest.attachments.drawn import MOST_PAGES, CannotDraw, Drawing, Reason, Wanted
from ingest.errors import NotIsolated, NurseryGone
from store import casework
from store.audit import Action
from store.casework import Download

blueprint = Blueprint("previews", __name__, url_prefix="/cases/<case_id>/attachments/<attachment_id>")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))

log = logging.getLogger(__name__)

AT_ONCE = 10
"""Pages that stand on a page of the desk: without JavaScript a browser asks for all of them at once."""
SMALL = 64
"""Pixels: enough to know that it can be drawn, and how many pages there are."""

REASONS: Mapping[Reason, LazyString] = {
    Reason.UNSUPPORTED: _l("This kind of file cannot be shown as a picture."),
    Reason.ENCRYPTED: _l("It is protected with a password, so it cannot be shown."),
    Reason.BROKEN: _l("It is damaged, or not what it says it is, so it cannot be shown."),
    Reason.BOUNDS: _l("It is larger than Meldpost draws."),
    Reason.BUSY: _l("Other files are being drawn right now. Try again in a minute."),
    Reason.NOT_HERE: _l("No file can be drawn on this machine right now. Tell your administrator."),
}


@blueprint.get("")
def show(case_id: str, attachment_id: str) -> str:
    """All that can be shown of a file, some pages at a time. Raises NotFound, IdentityClosed."""
    why, pages = None, 0
    first = request.args.get("first", 1, type=int)
    with _opened(case_id, attachment_id, Action.LOOK) as download:
        file = file_of(download.about)
        try:
            pages = next(_drawn(download, Wanted(longest=SMALL))).pages
        except CannotDraw as refusal:
            why = REASONS[refusal.reason] if not file.words or refusal.reason != Reason.UNSUPPORTED else None
    last = min(pages, MOST_PAGES)
    first = min(max(1, first), max(1, last))
    return render_template(
        "attachment.html",
        section="queue",
        case_id=case_id,
        file=file,
        pages=pages,
        last=last,
        numbers=range(first, min(first + AT_ONCE - 1, last) + 1),
        at_once=AT_ONCE,
        why=why,
    )


@blueprint.get("/pages/<int:number>")
def page(case_id: str, attachment_id: str, number: int) -> Response | tuple[str, int]:
    """One page as a picture, counted from 1."""
    with _opened(case_id, attachment_id, Action.LOOK) as download:
        try:
            picture = safe_copies.jpeg(next(_drawn(download, Wanted(number, number))))
        except CannotDraw as refusal:
            return errors.page(404, str(REASONS[refusal.reason]))
    response = Response(picture, mimetype="image/jpeg")
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@blueprint.get("/copy.pdf")
def copy(case_id: str, attachment_id: str) -> Response | tuple[str, int]:
    """A PDF of what is to be seen of the file: its pages, or else its text."""
    with _opened(case_id, attachment_id, Action.SAFE_COPY) as download:
        wanted = Wanted(1, safe_copies.MOST_PAGES, safe_copies.LONGEST_SIDE)
        text = download.about.get("text") or ""
        try:
            content = safe_copies.of_pages(_drawn(download, wanted))
        except CannotDraw as refusal:
            if not text:
                return errors.page(404, str(REASONS[refusal.reason]))
            content = safe_copies.of_text(text)
    response = Response(content, mimetype="application/pdf")
    response.headers["Content-Disposition"] = disposition(f"{download.name}.pdf")
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@blueprint.get("/original")
def warn(case_id: str, attachment_id: str) -> str:
    """What is to be known before the file itself is taken out."""
    with _opened(case_id, attachment_id, Action.LOOK) as download:
        file = file_of(download.about, 1)
        title = gettext("The file as it came: %(file)s", file=file.name or gettext("attachment without a name"))
        return render_template("original.html", section="queue", case_id=case_id, title=title, file=file)


def _opened(case_id: str, attachment_id: str, action: Action) -> AbstractContextManager[Download]:
    identity.require(case_id)
    here = parts()
    return casework.download_attachment(here.database, gate.ring(), case_id, attachment_id, here.clock(), action)


def _drawn(download: Download, wanted: Wanted) -> Iterator[Drawing]:
    """The pages that are wanted. Raises CannotDraw."""
    size, content_type = download.size or 0, str(download.about.get("found_type") or download.content_type)
    try:
        yield from parts().drawers.draw(download.chunks, size, download.name, content_type, wanted)
    except (NotIsolated, NurseryGone) as error:
        log.error("no file can be drawn: %s", error)  # noqa: TRY400 - its message says what to do
        raise CannotDraw(Reason.NOT_HERE) from None
