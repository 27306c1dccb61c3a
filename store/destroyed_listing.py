"""Names what is destroyed in the list beside the backups, at once, by whoever destroys: desk, daemon or restore.

To be called after the commit that took the keys away: a case that is named and lives on would be destroyed by the next
restore. The daemon does it again each hour, for who was killed in between, or might not write to the folder.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from store import destroyed_list
from store.copies import OF_CASES, OF_MAILS, BackupError, Destroyed, destroyed_of
from store.database import Database
from store.lookups import IndexKey

log = logging.getLogger(__name__)


def list_destroyed(db: Database, folder: Path | None, index_of: Mapping[str, IndexKey]) -> bool:
    """Have the list name all that is destroyed at these desks; without a folder nothing is done. False, and a line in
    the log, where it cannot be written: that undoes no destruction."""
    if folder is None:
        return True
    try:
        gone = _destroyed(db)
        if gone.cases and not destroyed_list.holds(folder, index_of, gone):
            destroyed_list.write(folder, index_of, gone, datetime.now(UTC))
    except (BackupError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else "it cannot be read"
        log.warning(
            "destroyed.list in the folder of backups cannot be written: %s. Until it is, a backup of before "
            "brings back what is destroyed now. The daemon tries again each hour. Run: meldpost doctor",
            why,
        )
        return False
    return True


def _destroyed(db: Database) -> Destroyed:
    with db.read() as session:
        connection = session.connection()
        return destroyed_of(connection.exec_driver_sql(OF_CASES), connection.exec_driver_sql(OF_MAILS))
