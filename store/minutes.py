"""What a reporter answered to the minutes of what they said, as a member notes it: on which day, and what has to stand
otherwise.

The answer is sealed to the case, for whoever opens it; what has to stand otherwise are the reporter's own words, and go
to the identity key. The minutes stay as they were written.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from cases.minutes import MinutesAnswer
from cases.roles import May
from store import records
from store.audit import Action
from store.changes import Changed, claim_version, put_on_the_trail, write_next
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.records import Name, RecordKind


def note_answer(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    answer: MinutesAnswer,
    on: date,
    corrections: str,
    *,
    version: int,
    now: datetime,
) -> int:
    """Note what the reporter answered on that day, in the place of what was noted. Gives the case's new version.

    Raises NotAllowed, NotFound, Changed, UnprovenKey.
    """
    ring.require(May.WRITE)
    row = claim_version(session, ring, case_id, version)
    by = {"by": ring.member_id, "at": now.isoformat()}
    told = {"answer": answer, "on": on.isoformat()}
    write_next(session, ring, index, case_id, RecordKind.APPROVAL, {**told, **by}, now)
    write_next(session, ring, index, case_id, RecordKind.CORRECTIONS, {"text": corrections, **by}, now)
    put_on_the_trail(session, ring, index, case_id, Action.MINUTES_ANSWERED, now, told)
    return row.version


def take_answer_back(
    session: Session, ring: KeyRing, index: IndexKey, case_id: str, *, version: int, now: datetime
) -> int:
    """Nothing is noted of the minutes any more. Gives the case's new version.

    Raises NotAllowed, NotFound, UnprovenKey, and Changed, also where nothing was noted.
    """
    ring.require(May.WRITE)
    row = claim_version(session, ring, case_id, version)
    found = records.marked(session, ring, Name(case_id, case_id, RecordKind.APPROVAL))
    if found is None or not found.counts or found.content.get("taken_back"):
        raise Changed("This was taken back since you opened the case.")
    taken_back = {"taken_back": True, "by": ring.member_id, "at": now.isoformat()}
    write_next(session, ring, index, case_id, RecordKind.APPROVAL, taken_back, now)
    put_on_the_trail(session, ring, index, case_id, Action.MINUTES_UNANSWERED, now, {})
    return row.version
