"""Writes the stored database of the newest schema: `python -m tests.store.make_stored`, once, with each new migration.

One that is there is never made anew: it is what that version wrote. Those of earlier versions were written by this
program too, with the code of their time; so it uses little of ours, and nothing that changed its form since.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

from store.changes import add_note
from store.database import open_database
from tests.store.stored import FOLDER, NOTE, dump
from tests.store.world import INDEX, NOW, make_world


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "meldpost.db"
        _fill(file)
        version = _version(file)
        target = FOLDER / f"{version}.sql"
        if target.exists():
            sys.exit(f"The stored database of version {version} is there, and is not made anew.")
        dump(file, target)


def _fill(file: Path) -> None:
    db = open_database(f"sqlite:///{file}")
    db.upgrade()
    world = make_world(db)
    opened = world.open_case()
    with db.begin() as session:
        add_note(session, world.ring, INDEX, opened.case_id, NOTE, NOW)
    world.enqueue()
    db.close()


def _version(file: Path) -> str:
    with sqlite3.connect(file) as connection:
        version: str = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        return version


if __name__ == "__main__":
    main()
