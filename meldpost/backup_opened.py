"""Opening a case of a backup with somebody's passphrase, beside the database and not in its place."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from config.settings import Settings
from meldpost import hygiene
from store import backups, records
from store.copies import BackupError, Copies
from store.database import Database, open_database
from store.keyring import KeyRing, NoSuchKey, pins_of
from store.lookups import IndexKey
from store.members import WrongLogin, unlock
from store.records import Name, RecordKind
from store.schema import CaseFile


@dataclass(frozen=True)
class Asked:
    """A member who offers their passphrase."""

    desk: str
    login: str
    passphrase: str


def open_one(database: Copies, target: Path, index_of: dict[str, IndexKey], settings: Settings, asked: Asked) -> bool:
    """Open the newest case that this member opens; False where there is none. What is put together for it, sealed as it
    is, goes again. Raises BackupError."""
    hygiene.no_core_dumps()
    opened = open_database(backups.restore(database, target, index_of))
    try:
        opened.upgrade()
        return _open_newest(opened, _ring(opened, settings, asked))
    finally:
        opened.close()
        database.discard()


def _ring(opened: Database, settings: Settings, asked: Asked) -> KeyRing:
    secret = settings.secrets().key(f"passphrase-secret-{asked.desk}")
    try:
        with opened.read() as session:
            pins = pins_of(settings.desks[asked.desk])
            return unlock(session, asked.desk, asked.login, asked.passphrase, secret, pins=pins)
    except WrongLogin:
        raise BackupError(
            "The log-in name or the passphrase is not one of the backup's; it may be of before."
        ) from None


def _open_newest(opened: Database, ring: KeyRing) -> bool:
    with opened.read() as session:
        ids = select(CaseFile.id).where(CaseFile.desk == ring.desk).order_by(CaseFile.opened_at.desc())
        for case_id in session.scalars(ids).all():
            try:
                records.opened_json(session, ring, Name(case_id, case_id, RecordKind.CARD))
            except (NoSuchKey, records.NoSuchRecord):
                continue  # kept from this member, or being destroyed
            except records.CANNOT_OPEN:
                raise BackupError(
                    "A case of the backup does not open: its key record or its card is damaged."
                ) from None
            return True
    return False
