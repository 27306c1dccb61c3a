"""Taking back what a person decided: parts of the report, contact details, and the first look.

What was decided stays on the trail, and the undo is a row of its own. What it called off towards the reporter (a
reminder of what was not missing) stays called off: the mailer has forgotten what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cases.lifecycle import OPEN, Status
from cases.retention import ENDED, Policy
from cases.terms import LOOKS, DueKind
from store import merging, records, retention
from store.audit import Action
from store.changes import Changed, NotDecidable, change_card, claim_version, put_on_the_trail, unmet, write_next
from store.dues import DueState, reopen_dues
from store.keyring import KeyRing
from store.lookups import IndexKey
from store.records import Name, RecordKind


def undo_decisions(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    parts: Collection[str],
    *,
    suggested: Mapping[str, Any],
    version: int,
    now: datetime,
    policy: Policy | None = None,
) -> int:
    """Each of these parts is what it was before it was decided last: what was decided then, else what is `suggested`.
    Gives the case's new version. Raises NotFound, NotDecidable, and Changed, also where nothing is decided on one.
    """
    if not set(parts) <= set(merging.DECIDABLE):
        raise NotDecidable("This part of a report is not there to be corrected.")
    row = claim_version(session, ring, case_id, version)
    decided = [each.content for each in records.history(session, ring, _name(case_id, RecordKind.DECISIONS))]
    if not decided or not set(parts) <= decided[-1].keys():
        raise Changed("This decision was undone since you opened the case.")
    before = {part: _before(decided, part) for part in parts}
    kept = {part: each for part, each in decided[-1].items() if part not in before}
    after = kept | {part: each for part, each in before.items() if each}
    write_next(session, ring, index, case_id, RecordKind.DECISIONS, after, now)
    if "severity" in before and row.status in OPEN and DueKind.URGENT_LOOK in unmet(session, ring, case_id):
        reopen_dues(session, case_id, [DueKind.URGENT_LOOK], DueState.CANCELLED)
    shown = merging.decided(suggested, after, _look(session, ring, case_id))
    change_card(session, ring, index, case_id, {part: shown.get(part) for part in before}, now)
    for part in before:
        put_on_the_trail(session, ring, index, case_id, Action.DECISION_UNDONE, now, {"part": part})
    if Status(row.status) in ENDED and policy is not None:
        retention.plan(session, ring, index, case_id, policy, now)
    return row.version


def undo_contact(session: Session, ring: KeyRing, index: IndexKey, case_id: str, *, version: int, now: datetime) -> int:
    """Who the reporter is, is what was known before a person corrected it last. Gives the case's new version.

    Raises NotFound, and Changed, also where nobody corrected it.
    """
    row = claim_version(session, ring, case_id, version)
    written = [each.content for each in records.history(session, ring, _name(case_id, RecordKind.CONTACT))]
    before = merging.contact_before(written)
    if before is None:
        raise Changed("This correction was undone since you opened the case.")
    undone = {"by": ring.member_id, "at": now.isoformat(), **before}
    write_next(session, ring, index, case_id, RecordKind.CONTACT, undone, now)
    put_on_the_trail(session, ring, index, case_id, Action.DECISION_UNDONE, now, {"part": "contact"})
    return row.version


def undo_first_look(
    session: Session,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    *,
    suggested: Mapping[str, Any],
    version: int,
    now: datetime,
) -> int:
    """Take the answers of the first look back: it is due when it was. Gives the case's new version.

    Raises NotFound, and Changed, also where nobody answered it or nothing is due to this case.
    """
    row = claim_version(session, ring, case_id, version)
    if row.status not in OPEN or not _look(session, ring, case_id):
        raise Changed("This was taken back, or the case was ended, since you opened it.")
    taken_back = {"taken_back": True, "by": ring.member_id, "at": now.isoformat()}
    write_next(session, ring, index, case_id, RecordKind.FIRST_LOOK, taken_back, now)
    reopen_dues(session, case_id, LOOKS, DueState.DONE)
    decided = records.marked(session, ring, _name(case_id, RecordKind.DECISIONS))
    shown = merging.decided(suggested, decided.content if decided and decided.counts else {}, None)
    change_card(session, ring, index, case_id, {"severity": shown.get("severity")}, now)
    put_on_the_trail(session, ring, index, case_id, Action.FIRST_LOOK_UNDONE, now, {})
    return row.version


def _before(decided: Sequence[Mapping[str, Any]], part: str) -> Mapping[str, Any] | None:
    """What was decided of a part before it was decided last; None where nothing was. `decided`: oldest first.

    A decision that an undo brought back is the one that it was: what came before it is found where it came first.
    """
    first = next(place for place, each in enumerate(decided) if each.get(part) == decided[-1][part])
    return decided[first - 1].get(part) if first else None


def _look(session: Session, ring: KeyRing, case_id: str) -> Mapping[str, Any] | None:
    found = records.marked(session, ring, _name(case_id, RecordKind.FIRST_LOOK))
    return merging.look_taken(found.content if found and found.counts else None)


def _name(case_id: str, kind: RecordKind) -> Name:
    return Name(case_id, case_id, kind)
