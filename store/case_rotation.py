"""The keys of single cases made anew, after the desk's: who had that one may have taken keys of cases by it.

A case is behind whose keys were there before the desk's newest key and were not made anew since. The order is that of
the trail's rows, not of any clock. So it may be stopped at any time, and be gone on with by anybody who opens the cases
left: nothing else keeps how far it is. Everybody keeps the access that they have, investigators too.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from store import grants, rekeying
from store.audit import Action
from store.database import Database
from store.grants import Renewing
from store.keypairs import KeyKind
from store.keyring import DeskPublicKeys, KeyRing, newest
from store.lookups import IndexKey
from store.reach import within_reach
from store.schema import Audit, CaseFile, KeyPair, SealedSeed


def resume(db: Database, ring: KeyRing, index: IndexKey, keys: DeskPublicKeys) -> Iterator[Renewing]:
    """Make the keys anew of every case that is behind and that this member opens. Nothing to do is no error.

    The ring is one of after the rotation. Raises NotAllowed.
    """
    rekeying.take_up(db, ring, index)
    with db.read() as session:
        case_ids = behind(session, ring)
    yield from grants.renew_all(db, ring, index, keys, case_ids)


def behind(session: Session, ring: KeyRing) -> tuple[str, ...]:
    """The cases that are behind, of those that this member opens."""
    return tuple(session.scalars(_behind(session, ring.desk).where(within_reach(ring))))


def count_behind(session: Session, desk: str) -> int:
    """How many cases of the desk are behind. Needs no key."""
    return session.scalars(select(func.count()).select_from(_behind(session, desk).subquery())).one()


def _behind(session: Session, desk: str) -> Select[str]:
    own = newest(session, desk, KeyKind.DESK)
    created_at = session.get_one(KeyPair, own.id).created_at
    begun = (
        Audit.desk == desk,
        Audit.at == created_at,
        Audit.action == Action.ROTATION_BEGUN,
        Audit.subject_id == own.id,
    )
    since = session.scalar(select(func.max(Audit.id)).where(*begun, Audit.subject_id == own.id)) or 0
    of_the_case = (Audit.desk == desk, Audit.case_id == CaseFile.id)
    there_before = exists().where(*of_the_case, Audit.id < since)
    anew_since = exists().where(*of_the_case, Audit.id > since, Audit.action == Action.KEYS_ANEW)
    has_keys = (
        exists()
        .where(KeyPair.owner == CaseFile.id, KeyPair.kind == KeyKind.CASE, KeyPair.retired_at.is_(None))
        .where(SealedSeed.key_pair_id == KeyPair.id)
    )
    return select(CaseFile.id).where(CaseFile.desk == desk, has_keys, there_before, ~anew_since).order_by(CaseFile.id)
