"""What came with a mail, handed on: files and originals as a stream, HTML as a page that can do nothing.

A file is never shown as what it claims to be: it is bytes to be saved, in a sandbox should a browser try otherwise.
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, render_template
from flask_babel import get_locale, gettext

from cases.roles import May
from desk import gate, identity, mailhtml
from desk.parts import parts
from store import audit, casework, records
from store.audit import Action
from store.casework import Download, NotFound
from store.records import Name, NoSuchRecord, RecordKind

blueprint = Blueprint("attachments", __name__, url_prefix="/cases/<case_id>")
blueprint.before_request(gate.require(May.OPEN_THE_DESK, May.OPEN_GRANTED))

FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
LONGEST_NAME = 150


@blueprint.post("/attachments/<attachment_id>/original")
def attachment(case_id: str, attachment_id: str) -> Response:
    """A file as it came, for who was warned (desk.previews)."""
    identity.require(case_id)
    here = parts()
    return _download(
        casework.download_attachment(here.database, gate.ring(), case_id, attachment_id, here.clock()), "file"
    )


@blueprint.get("/messages/<message_id>/original")
def before_original(case_id: str, message_id: str) -> str:
    """What is to be known before a mail is taken out as it came."""
    _content(case_id, message_id, Action.LOOK)
    title = gettext("The message as it came")
    return render_template("original.html", section="queue", case_id=case_id, title=title, message_id=message_id)


@blueprint.post("/messages/<message_id>/original")
def original(case_id: str, message_id: str) -> Response:
    """The mail as it came. Its file name is its id: a subject has no place in a download list."""
    identity.require(case_id)
    here = parts()
    return _download(casework.download_raw(here.database, gate.ring(), case_id, message_id, here.clock()), "mail.eml")


@blueprint.get("/messages/<message_id>/html")
def as_html(case_id: str, message_id: str) -> Response:
    """The mail as its sender laid it out, cleaned, for the frame on the case's page."""
    content = _content(case_id, message_id, Action.LOOK)
    files = content.get("attachments") or ()
    shown = mailhtml.page(content.get("html") or "", content.get("text") or "", str(get_locale()), files)
    response = Response(shown, mimetype="text/html")
    response.headers["Content-Security-Policy"] = mailhtml.POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@blueprint.get("/messages/<message_id>/text")
def as_text(case_id: str, message_id: str) -> Response:
    """All the text of a mail in its order, quotes and signature where they stood."""
    content = _content(case_id, message_id, Action.LOOK)
    text = (content.get("text") or "").encode(errors="replace")
    response = Response(text, mimetype="text/plain")
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@blueprint.get("/messages/<message_id>/keys/<int:number>")
def sender_key(case_id: str, message_id: str, number: int) -> Response:
    """A public key that came with a mail, as a file; they are counted from 1."""
    keys = _content(case_id, message_id, Action.DOWNLOAD).get("sender_keys") or ()
    if not 1 <= number <= len(keys):
        raise NotFound("No such key came with this message.")
    key = keys[number - 1]
    response = Response(b64decode(key["data"]), mimetype="application/octet-stream")
    ending = "cer" if key["kind"] == "smime" else "pgp"
    response.headers["Content-Disposition"] = disposition(f"{key['fingerprint'][-16:]}.{ending}")
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


def _content(case_id: str, message_id: str, action: Action) -> Mapping[str, Any]:
    """What a message says, with the look or download on the trail. Raises NotFound, IdentityClosed."""
    identity.require(case_id)
    here, ring = parts(), gate.ring()
    with here.database.begin() as transaction:
        try:
            content = records.opened_json(transaction, ring, Name(case_id, message_id, RecordKind.MESSAGE))
        except NoSuchRecord:
            raise NotFound("There is no such message in this case.") from None
        audit.write_look(transaction, ring, action, here.clock(), case_id=case_id, subject_id=message_id)
    return content


def disposition(name: str) -> str:
    """RFC 6266: the name in any script (RFC 8187), and an ASCII stand-in for those who cannot read that."""
    kept = "".join(character for character in name if character.isprintable() and character not in '/\\:*?"<>|')
    kept = kept.strip(". ")[-LONGEST_NAME:] or "file"
    plain = "".join(character if character.isascii() else "_" for character in kept)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(kept, safe='')}"


def _download(opening: AbstractContextManager[Download], name: str) -> Response:
    """Send a file on piece by piece, in constant memory; its transaction ends when the browser has it or leaves."""
    with ExitStack() as stack:
        download = stack.enter_context(opening)
        held = stack.pop_all()

    def stream() -> Iterator[bytes]:
        with held:
            yield from download.chunks

    response = Response(stream(), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = disposition(download.name or name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.call_on_close(held.close)
    return response
