"""A note that a member began and did not add yet: one a member and case, sealed to the case, for that member alone.

It is thrown away once the note is added, and its versions before are, too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from cases.roles import May
from store import records
from store.casework import case_row
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.letters import DraftChanged
from store.lookups import IndexKey
from store.records import Name, RecordKind, WrittenAtOnce


@dataclass(frozen=True)
class Begun:
    """A note as far as it is written; `version` is 0 where nothing is kept."""

    text: str = field(default="", repr=False)
    version: int = 0


def begun(session: Session, ring: KeyRing, case_id: str) -> Begun:
    """What the member has written so far. What cannot be opened, or was written past Meldpost, is an empty note."""
    version = records.newest_version(session, ring.desk, _name(ring, case_id))
    try:
        found = records.marked(session, ring, _name(ring, case_id)) if version else None
    except records.CANNOT_OPEN:
        found = None
    return Begun(str(found.content["text"]) if found and found.counts else "", version)


def keep(session: Session, ring: KeyRing, index: IndexKey, case_id: str, note: Begun, now: datetime) -> int:
    """Keep a note in the place of the one that has its version; gives the version that it has now, 0 for an empty one.

    Raises NotAllowed, NotFound, DraftChanged.
    """
    ring.require(May.WRITE)
    case_row(session, ring, case_id)
    name = _name(ring, case_id)
    if records.newest_version(session, ring.desk, name) != note.version:
        raise DraftChanged("This note was changed in another window.")
    version = records.next_version(session, ring.desk, name)
    records.destroy(session, ring.desk, name)
    if not note.text.strip():
        return 0
    to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
    content = {"text": note.text, "by": ring.member_id, "at": now.isoformat()}
    try:
        records.write_json(session, name, content, to, now, version=version, by=ring.author)
    except WrittenAtOnce:
        raise DraftChanged("This note was changed in another window.") from None
    return version


def drop(session: Session, ring: KeyRing, case_id: str, version: int) -> None:
    """Throw the member's draft away, if it is the one of this version. Raises NotFound."""
    case_row(session, ring, case_id)
    if records.newest_version(session, ring.desk, _name(ring, case_id)) == version:
        records.destroy(session, ring.desk, _name(ring, case_id))


def _name(ring: KeyRing, case_id: str) -> Name:
    """Named by member and case, so that it is found without a row that says so."""
    subject_id = hashlib.sha256(f"note of {ring.member_id} in {case_id}".encode()).hexdigest()[:32]
    return Name(case_id, subject_id, RecordKind.NOTE_DRAFT)
