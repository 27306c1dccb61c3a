"""Destroying a case before its time: a member's order, with a reason, which stands in the declaration.

Only a case that has ended, and that nothing keeps (`store.destruction.why_not`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cases.retention import Policy
from cases.roles import May
from store import audit, consent, declarations, destruction, records, retention
from store.audit import Action
from store.casework import case_row
from store.changes import Changed
from store.consent import Act, ConsentNeeded
from store.database import Database
from store.keypairs import KeyKind
from store.keyring import KeyRing, newest_proven
from store.lookups import IndexKey
from store.records import Name, RecordKind
from store.retention import NoReason


def destroy_now(
    db: Database,
    ring: KeyRing,
    index: IndexKey,
    case_id: str,
    reason: str,
    policy: Policy,
    names: Mapping[str, str],
    *,
    version: int,
    now: datetime,
    two: bool = False,
    begun: Callable[[], object] = destruction.nothing_to_tell,
) -> None:
    """Destroy a case, and sign for it. Who is killed on the way leaves the rest to the daemon, and to the next log-in.

    `two`: only with the consent of another member, which is asked for where it is not there.
    `begun` is called when the case's keys are gone.
    Raises NotAllowed, NotFound, Changed, NoReason, NotDestroyable, ConsentNeeded.
    """
    ring.require(May.DESTROY)
    if not reason.strip():
        raise NoReason("Say why.")
    subject = consent.subject_of(index, Act.DESTROY, case_id, reason.strip())
    if two:
        _ask_unless_given(db, ring, index, case_id, subject, reason, now)
    with db.begin() as session:
        if two:
            consent.use(session, ring, Act.DESTROY, subject, now)
        row = case_row(session, ring, case_id, lock=True)
        if row.version != version:
            raise Changed("Somebody changed this case since you opened it. Look at it again before you decide.")
        card = records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD))
        reference = card.get("reference", "")
        retention.write_order_of_a_member(session, ring, case_id, reference, reason, policy, now)
        to = ring.to_desk(session)  # the case's own goes in this very transaction
        detail = {"reason": reason.strip()}
        named = {"member_id": ring.member_id, "case_id": case_id}
        audit.write(session, ring.desk, Action.DESTROY_ORDERED, now, detail=detail, to=to, **named)
        destruction.begin(session, ring.desk, case_id, index, now, ring.member_id)
    begun()
    destruction.finish_begun(db, {ring.desk: index})
    with db.begin() as session:
        declarations.declare(session, ring, index, names, now)


def _ask_unless_given(
    db: Database, ring: KeyRing, index: IndexKey, case_id: str, subject: bytes, reason: str, now: datetime
) -> None:
    """Raises ConsentNeeded, after it was asked for."""
    with db.begin() as session:
        if consent.is_given(session, ring, Act.DESTROY, subject, now):
            return
        case_row(session, ring, case_id)
        reference = retention.references(session, ring, [case_id]).get(case_id, "")
        about = {"reference": reference, "reason": reason.strip()}
        to = newest_proven(session, index, ring.desk, KeyKind.CASE, case_id)
        consent.ask_once(session, ring, Act.DESTROY, subject, about, now, to)
    raise ConsentNeeded("A second member has to agree to this destruction first.")
