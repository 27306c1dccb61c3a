"""`meldpost backup` and `meldpost restore`: what is around the files (`store/backups.py`).

On PostgreSQL both are done as the owner of the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from config.settings import MailboxSettings, MaildirSettings, Settings
from meldpost import backup_opened, backup_pins, startup
from meldpost.backup_opened import Asked
from meldpost.database_roles import give, has_roles
from store import audit, backup_proof, backups, destroyed_list, destruction, ledger, mailboxes
from store.audit import Action
from store.backup_proof import Proven
from store.copies import BackupError, Copies, Destroyed
from store.database import Database, open_database
from store.destroyed_listing import list_destroyed
from store.lookups import IndexKey
from store.manifests import Manifest
from store.outbox import OutboxState
from store.schema import Desk, Due, Outbox
from store.volatile import lies_in_memory

PENDING = (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.UNCERTAIN)


@dataclass(frozen=True)
class Made:
    """`unread`: what is wrong with manifests of others. `elsewhere`: it lies on another disk than the database, so that
    mails that it holds leave the mail servers."""

    manifest: Manifest
    expired: tuple[Path, ...]
    unread: tuple[str, ...]
    elsewhere: bool
    refused_list: Path | None
    on_the_trail: bool


@dataclass(frozen=True)
class Checked:
    """`opened`: did a case open? None where nobody offered a passphrase."""

    manifest: Manifest
    proven: Proven
    opened: bool | None


@dataclass(frozen=True)
class Restored:
    """`destroyed`: cases that the backup would have brought back. `uncertain`: mails that wait for a person's word.
    `pins`: by desk, what the configuration has to pin from now on. `listed_at`: of when the list of what was destroyed
    is. `was_there`: is there a database of before, which knew of destructions?"""

    manifest: Manifest
    destroyed: int
    uncertain: int
    aside: str | None
    pins: Mapping[str, Mapping[str, str]]
    listed_at: datetime | None
    was_there: bool


def back_up(settings: Settings, target: Path) -> Made:
    """Make a backup and check it, then remove key files that are too old. Raises BackupError, NotReady."""
    startup.owners_database_is_current(settings)
    _refuse_without_folder(target.parent)
    copies, now = _database_of(settings), datetime.now(UTC)
    database = open_database(settings.database.for_owner)
    try:
        begun = database.now()
        on_the_trail = _note_begun(database, begun)
        written = backups.make(copies, target, _index_keys(settings), now, backup_pins.of_now(settings))
        elsewhere = copies.is_elsewhere(target.parent) and not lies_in_memory(target.parent)
        if elsewhere:
            with database.begin() as session:
                backups.note(session, begun)
    finally:
        database.close()
    expired = backups.expire(target.parent, settings.backup.key_backup_days, now)
    return Made(written.manifest, expired.removed, expired.unread, elsewhere, written.refused_list, on_the_trail)


def check(settings: Settings, target: Path, asked: Asked | None = None) -> Checked:
    """Prove what can be proved of a backup, and with a passphrase that a case opens. Raises BackupError."""
    database, index_of = _database_of(settings), _index_keys(settings)
    manifest = backups.check(database, target, index_of)
    content, keys = backups.files_of(target)
    backup_pins.refuse_without_pinned_keys(database, content, settings, manifest)
    proven = backup_proof.prove(database, content, keys)
    opened = backup_opened.open_one(database, target, index_of, settings, asked) if asked else None
    return Checked(manifest, proven, opened)


def restore(
    settings: Settings, target: Path, *, replace: bool, pins_of_backup: bool = False, trust_list: bool = False
) -> Restored:
    """Put a backup into the place of the database. With `pins_of_backup` the keys that were pinned when it was made
    count, and are given back to be pinned; with `trust_list` lines of destroyed.list without a proof count. Raises
    BackupError, NotReady."""
    database, index_of, now = _database_of(settings), _index_keys(settings), datetime.now(UTC)
    if database.is_there() and not replace:
        raise BackupError(
            "There is a database already. Stop the daemon and the desk; then say --replace, and it is put aside."
        )
    manifest = backups.check(database, target, index_of)
    then = backup_pins.settings_of_then(settings, manifest) if pins_of_backup else settings
    listed = destroyed_list.read(target.parent, index_of)
    gone = listed.trusted(target.parent / destroyed_list.NAME, unproven=trust_list) | database.destroyed()
    known_by_database = database.is_there()
    opened = open_database(backups.restore(database, target, index_of))
    try:
        opened.upgrade()
        backup_pins.refuse_other_keys(opened, then, manifest)
        again = _destroy_again(opened, gone, index_of)
        uncertain = _pause(opened, settings, now)
        _note_on_the_trail(opened, manifest, now)
        list_destroyed(opened, settings.backup.folder, index_of)  # what the database of before alone knew, too
    except BaseException:
        opened.close()
        database.discard()
        raise
    opened.close()
    aside = database.put_in_place(now)
    pins = backup_pins.that_differ(settings, manifest) if pins_of_backup else {}
    if has_roles(settings):
        give(settings)
    return Restored(manifest, again, uncertain, aside, pins, listed.written_at, known_by_database)


def _destroy_again(database: Database, gone: Destroyed, index_of: Mapping[str, IndexKey]) -> int:
    """What was destroyed stays destroyed, its mails too, and what was half destroyed is finished."""
    for case_id, desk in gone.cases.items():
        if desk in index_of:
            with database.begin() as session:
                destruction.destroy_again(session, desk, case_id, index_of[desk], database.now())
    with database.begin() as session:
        for mail in sorted(gone.mails, key=lambda each: each.case_id):
            if mail.desk not in index_of:
                continue
            ledger.write_tombstone(session, mail)
    count = destruction.finish_begun(database, index_of)
    destruction.sweep(database)
    return count


def _pause(database: Database, settings: Settings, now: datetime) -> int:
    """Nothing goes out until a member says so; what waited may have gone out since the backup was made. Mail that was
    taken in since lies in the done folders."""
    with database.begin() as session:
        session.execute(update(Desk).values(outbox_paused_at=now))
        session.execute(update(Due).values(claim=None, lease_until=None))
        mailboxes.ask_recheck(session, _where_mail_lies(settings), now)
        waiting = session.scalars(select(Outbox).where(Outbox.state.in_(PENDING), Outbox.frame.is_not(None))).all()
        for row in waiting:
            row.state, row.claim, row.lease_until = OutboxState.HELD, None, None
            audit.write(session, row.desk, Action.MAIL_UNCERTAIN, now, case_id=row.case_id, subject_id=row.id)
    return len(waiting)


def _note_on_the_trail(database: Database, manifest: Manifest, now: datetime) -> None:
    """That a backup was put back, and of when it is, by the times of two rows: who reads the trail opens nothing."""
    with database.begin() as session:
        for desk in session.scalars(select(Desk.slug).order_by(Desk.slug)).all():
            audit.write(session, desk, Action.BACKUP_OF_THEN, datetime.fromisoformat(manifest.made_at))
            audit.write(session, desk, Action.RESTORED, now)


def _refuse_without_folder(folder: Path) -> None:
    """A folder is not made: where a disk is not mounted, the backup would lie beside the database."""
    if not folder.is_dir():
        raise BackupError(
            f"The folder {folder} is not there. Nothing was written. Check its name; make it, or mount the disk that "
            "it lies on, and try again."
        )


def _note_begun(database: Database, now: datetime) -> bool:
    """Before anything is copied, so that the copy holds it, too. A database that takes no row, as where its disk is
    full, is backed up all the same."""
    try:
        with database.begin() as session:
            for desk in session.scalars(select(Desk.slug).order_by(Desk.slug)).all():
                audit.write(session, desk, Action.BACKED_UP, now)
    except SQLAlchemyError:
        return False
    return True


def _where_mail_lies(settings: Settings) -> list[str]:
    return [*settings.mailboxes_of(MailboxSettings), *settings.mailboxes_of(MaildirSettings)]


def _database_of(settings: Settings) -> Copies:
    return backups.copies_of(settings.database.for_owner)


def _index_keys(settings: Settings) -> dict[str, IndexKey]:
    secrets = settings.secrets()
    return {desk: IndexKey(secrets.key(f"index-key-{desk}")) for desk in settings.desks}
