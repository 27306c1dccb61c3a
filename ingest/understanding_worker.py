"""A triage worker, between its isolation and its end: one answer per request. Runs in a nursery's child."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import cast

import phonenumbers

import triage
from ingest.charsets import load_all_codecs
from ingest.nursery_parent import Job

_LENGTH = struct.Struct("!I")
_WARM_UP = triage.MailText(
    subject="Melding",
    from_name="J. Jansen",
    from_email="j.jansen@example.org",
    own_text="Mijn leidinggevende, P. Pietersen, nam geld aan. Bel mij: 06 12345678. Kerkstraat 1, 1234 AB Utrecht.",
    quoted_text="My manager took money. Call me: +31 6 12345678.",
)


def prepare(model: str | None) -> triage.Triage:
    """Load the model, and understand once so that whatever is imported late is there before the file system goes."""
    load_all_codecs()
    phonenumbers.PhoneMetadata.load_all()  # a number from abroad would otherwise look for its country on disk
    loaded = triage.load(Path(model) if model else None)
    json.dumps(loaded.understand(_WARM_UP).to_wire())
    return loaded


def serve(job: Job) -> None:
    model = cast(triage.Triage, job.state)
    while header := _exactly(job, _LENGTH.size):
        (length,) = _LENGTH.unpack(header)
        request = json.loads(_exactly(job, length))
        answer = json.dumps(model.understand(triage.MailText(**request)).to_wire()).encode()
        job.reply.sendall(_LENGTH.pack(len(answer)) + answer)


def _exactly(job: Job, size: int) -> bytes:
    """`size` bytes, or b"" when the asker has gone."""
    pieces = bytearray()
    while len(pieces) < size:
        piece = job.reply.recv(min(size - len(pieces), 256 * 1024))
        if not piece:
            return b""
        pieces += piece
    return bytes(pieces)
