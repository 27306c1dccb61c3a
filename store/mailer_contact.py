"""What the sender may know of an open case's reporter: address, language, what is still asked. Sealed to the mailer.

A row goes when its reporter has answered or its case is closed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from config.taxonomy import MissingField
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


def write(session: Session, mailer: PublicPair, case_id: str, contact: Contact, now: datetime) -> None:
    """Keep or replace the contact of a case."""
    row = session.get(MailerContact, case_id, with_for_update=True)
    version = 1 if row is None else row.version + 1
    context = Context(mailer.desk, case_id, _FRAME, case_id, mailer.generation, version)
    named = {"address": contact.address, "language": contact.language, "asked": list(contact.asked)}
    frame = seal(json.dumps(named).encode(), mailer.public, context)
    if row is None:
        row = MailerContact(case_id=case_id, desk=mailer.desk)
        session.add(row)
    row.version, row.key_pair_id, row.frame, row.updated_at = version, mailer.id, frame, now
    session.flush()


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
