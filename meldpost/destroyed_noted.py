"""The list of destroyed cases beside the backups, kept up to date by the daemon where it knows their folder."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from config.errors import ConfigError
from config.settings import Settings
from meldpost.findings import Finding, Verdict
from store import backups, destroyed_list
from store.copies import BackupError
from store.lookups import IndexKey


def note(settings: Settings, index_of: Mapping[str, IndexKey]) -> bool:
    """Have the list name what is destroyed; False where that cannot be written. Without a folder nothing is done."""
    folder = settings.backup.folder
    if folder is None:
        return True
    try:
        gone = backups.copies_of(settings.database.url).destroyed()
        if gone.cases and not destroyed_list.holds(folder, index_of, gone):
            destroyed_list.write(folder, index_of, gone, datetime.now(UTC))
    except (BackupError, OSError):
        return False
    return True


def noted(settings: Settings) -> Iterator[Finding]:
    """What the doctor says of it."""
    folder, what = settings.backup.folder, "list of destroyed cases"
    if folder is None:
        text = (
            "not kept between backups: what is destroyed after a backup comes back with it, if the database is lost. "
            "Set [backup] folder to where they lie."
        )
        yield Finding(what, Verdict.NOTE, text)
        return
    try:
        secrets = settings.secrets()
        index_of = {desk: IndexKey(secrets.key(f"index-key-{desk}")) for desk in settings.desks}
        is_complete = destroyed_list.holds(folder, index_of, backups.copies_of(settings.database.url).destroyed())
    except (BackupError, OSError, SQLAlchemyError) as error:
        yield Finding(what, Verdict.WRONG, str(error) if isinstance(error, BackupError) else "it cannot be read.")
        return
    except ConfigError:
        return  # said elsewhere
    if is_complete:
        yield Finding(what, Verdict.FINE, f"names all, in {folder}")
    else:
        text = f"{folder / destroyed_list.NAME} does not name all that are gone, or was changed. Check that the daemon "
        yield Finding(what, Verdict.WRONG, text + "runs and may write there, or make a backup.")
