"""Does the list beside the backups name all that is destroyed? `store/destroyed_listing.py` keeps it so."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from config.errors import ConfigError
from config.settings import Settings
from meldpost.findings import Finding, Verdict
from store import backups, destroyed_list
from store.copies import BackupError
from store.lookups import IndexKey


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
        text = (
            f"{folder / destroyed_list.NAME} does not name all that are gone, or was changed: an older backup brings "
            "back what it does not name. Check that the folder is there and that the daemon and the desk may write to "
            "it; the daemon tries again each hour. Or make a backup there."
        )
        yield Finding(what, Verdict.WRONG, text)
