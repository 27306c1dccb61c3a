"""A case as one ZIP, to be handed on: what of it the member has open, and no more.

Where a desk's settings ask for it, only with the consent of another member, used by the export.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cases.roles import May
from store import audit, consent, records, retention
from store.audit import Action
from store.casework import CaseMessage, CaseView, MinutesAnswered, case_row
from store.consent import Act, ConsentNeeded
from store.database import Database
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.records import Name, NoSuchRecord, RecordKind


def permit(db: Database, ring: KeyRing, index: IndexKey, case_id: str, now: datetime, *, two: bool) -> None:
    """Note on the trail that the case is taken out, before it is. `two`: only with the consent of another member,
    which is asked for where it is not there. Raises NotAllowed, NotFound, ConsentNeeded."""
    ring.require(May.OPEN_THE_DESK)
    subject = consent.subject_of(index, Act.EXPORT, case_id)
    with db.begin() as session:
        case_row(session, ring, case_id)
        if two and not consent.is_given(session, ring, Act.EXPORT, subject, now):
            reference = retention.references(session, ring, [case_id]).get(case_id, "")
            to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
            consent.ask_once(session, ring, Act.EXPORT, subject, {"reference": reference}, now, to)
            asked = True
        else:
            asked = False
            if two:
                consent.use(session, ring, Act.EXPORT, subject, now)
            audit.write_look(session, ring, Action.EXPORT, now, case_id=case_id, subject_id=case_id)
    if asked:
        raise ConsentNeeded("A second member has to agree to this export first.")


def packed(session: Session, ring: KeyRing, view: CaseView, timeline: str) -> bytes:
    """The ZIP. Its file names are numbers and ids: what a reporter called a file stands in `report.json`, and which
    mail or file is not there: a report on paper has no mail."""
    holder = io.BytesIO()
    with zipfile.ZipFile(holder, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("timeline.html", timeline)
        not_there = []
        for number, message in enumerate(view.messages, start=1):
            folder = f"messages/{number:03}"
            archive.writestr(f"{folder}/masked.txt", message.masked_text)
            for name, path in _sealed(view, message, folder):
                if not _added(archive, session, ring, name, path):
                    not_there.append(path)
        about = {**_about(view), "not_there": not_there}
        archive.writestr("report.json", json.dumps(about, ensure_ascii=False, indent=2, default=str))
    return holder.getvalue()


def _sealed(view: CaseView, message: CaseMessage, folder: str) -> Iterator[tuple[Name, str]]:
    """The mail and the files of a message, and where they go; none while who reported is closed."""
    if not view.opens_identity:
        return
    yield Name(view.case_id, message.id, RecordKind.RAW), f"{folder}/original.eml"
    for file in _files(message):
        yield Name(view.case_id, file["id"], RecordKind.ATTACHMENT), f"{folder}/{file['id']}.bin"


def _added(archive: zipfile.ZipFile, session: Session, ring: KeyRing, name: Name, path: str) -> bool:
    """False where there is no such record."""
    try:
        chunks = records.chunks(session, ring, name)
    except NoSuchRecord:
        return False
    with archive.open(path, "w", force_zip64=True) as file:
        for chunk in chunks:
            file.write(chunk)
    return True


def _minutes(answered: MinutesAnswered | None) -> dict[str, Any] | None:
    """What the reporter answered to the minutes of what they said; None where nothing is noted."""
    if answered is None:
        return None
    return {"answer": answered.answer, "on": answered.on.isoformat(), "corrections": answered.corrections}


def _files(message: CaseMessage) -> tuple[Mapping[str, Any], ...]:
    return tuple(message.content.get("attachments") or ())


def _about(view: CaseView) -> dict[str, Any]:
    return {
        "reference": view.reference,
        "status": view.status,
        "received_at": view.received_at.isoformat(),
        "report": view.report,
        "contact": view.contact,
        "minutes": _minutes(view.minutes),
        "notes": [{"text": note.text, "by": note.by, "at": note.at and note.at.isoformat()} for note in view.notes],
        "files": [
            {"message": number, "file": f"{file['id']}.bin", "name": file["name"]}
            for number, message in enumerate(view.messages, start=1)
            for file in (_files(message) if view.opens_identity else ())
        ],
    }
