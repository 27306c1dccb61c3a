"""What `meldpost doctor` says of databases that a restore put aside."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from meldpost.findings import Finding, Verdict
from store import backups
from store.copies import BackupError


def put_aside(settings: Settings) -> Iterator[Finding]:
    """One finding where there are any: they hold keys of cases, also of those that were destroyed since."""
    try:
        lying = backups.copies_of(settings.database.url).put_aside()
    except (BackupError, SQLAlchemyError, OSError):
        return  # what is wrong with the database is said elsewhere
    if lying:
        text = f"{', '.join(lying)}: from before a restore. Their keys open cases, also such as were destroyed since. "
        yield Finding("databases put aside", Verdict.WRONG, text + "Remove them when all is well.")
