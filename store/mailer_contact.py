"""What the sender may know of an open case's reporter: address, language, what is still asked. Sealed to the mailer.

A row goes when its reporter has answered or its case is closed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from config.taxonomy import MissingField
from store import rows
from store.frame import Context
from store.keypairs import PrivateKey
from store.keyring import PublicPair, pair
from store.schema import MailerContact
from store.sealing import open_sealed, seal

_FRAME = "mailer-contact"


@dataclass(frozen=True)
class Contact:
    address: str = field(repr=False)
    language: str
    asked: tuple[MissingField, ...]


def add(session: Session, mailer: PublicPair, case_id: str, contact: Contact, now: datetime) -> None:
    """Keep the contact of a case that is new in this transaction, and so has none."""
    rows.add(session, MailerContact, case_id=case_id, desk=mailer.desk, **_sealed(mailer, case_id, contact, 1, now))


def write(session: Session, mailer: PublicPair, case_id: str, contact: Contact, now: datetime) -> None:
    """Keep or replace the contact of a case."""
    of_the_case = MailerContact.case_id == case_id
    before = session.scalars(select(MailerContact.version).where(of_the_case).with_for_update()).one_or_none()
    if before is None:
        add(session, mailer, case_id, contact, now)
    else:
        values = _sealed(mailer, case_id, contact, before + 1, now)
        session.execute(update(MailerContact).where(of_the_case).values(values))


def _sealed(mailer: PublicPair, case_id: str, contact: Contact, version: int, now: datetime) -> dict[str, Any]:
    context = Context(mailer.desk, case_id, _FRAME, case_id, mailer.generation, version)
    named = {"address": contact.address, "language": contact.language, "asked": list(contact.asked)}
    frame = seal(json.dumps(named).encode(), mailer.public, context)
    return {"version": version, "key_pair_id": mailer.id, "frame": frame, "updated_at": now}


def read(session: Session, mailer: PrivateKey, case_id: str) -> Contact | None:
    """The contact of a case, for the sender alone; None where there is none. Raises SealError."""
    row = session.get(MailerContact, case_id)
    if row is None:
        return None
    generation = pair(session, row.key_pair_id).generation
    context = Context(row.desk, case_id, _FRAME, case_id, generation, row.version)
    named = json.loads(open_sealed(row.frame, mailer, context))
    return Contact(named["address"], named["language"], tuple(MissingField(slug) for slug in named["asked"]))


def forget(session: Session, case_id: str) -> None:
    """The reporter answered, or the case is closed: the sender need not know them any more."""
    session.execute(delete(MailerContact).where(MailerContact.case_id == case_id))
