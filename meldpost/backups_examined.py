"""What `meldpost doctor` says of databases that a restore put aside, and of what backups and restores left."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from meldpost.findings import Finding, Verdict
from store import backups, leftovers
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


def left_over(settings: Settings) -> Iterator[Finding]:
    """What was left by backups and restores that were killed, where their folder is known; one finding."""
    lying: list[str] = []
    try:
        lying += backups.copies_of(settings.database.url).half_restored()
        if settings.backup.folder is not None:
            lying += map(str, leftovers.left_in(settings.backup.folder))
            lying += map(str, leftovers.without_manifest(settings.backup.folder))
    except (BackupError, SQLAlchemyError, OSError):
        pass  # what is wrong with the database, or with the folder, is said elsewhere
    if lying:
        text = f"{', '.join(lying)}: left by a backup or a restore that was killed, unless one is at work now. "
        text += "They hold keys. The next backup or restore removes its own; a .keys without a .manifest goes in its "
        yield Finding("left by backups", Verdict.WRONG, text + "time, or remove it yourself.")
