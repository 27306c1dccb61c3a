"""A database of any version that there was comes up to this one, with all that is in it, on either kind."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from store.database import open_database
from store.schema import Base
from tests.databases import Databases
from tests.store.stored import read, reflected, restore, revisions, stored, upgrade_to, write


def test_there_is_a_stored_database_of_every_version() -> None:
    """Else: `python -m tests.store.stored`, and commit what it adds."""
    assert stored() == sorted(revisions())


@pytest.mark.parametrize("revision", stored())
def test_a_stored_database_comes_up_to_this_version_with_all_its_rows(
    databases: Databases, tmp_path: Path, revision: str
) -> None:
    restore(revision, tmp_path / "stored.db")
    old = open_database(f"sqlite:///{tmp_path}/stored.db")
    with old._engine.connect() as connection:
        before = read(connection)
    database = open_database(databases.blank(tmp_path))
    if database.dialect == "sqlite":
        database.close()
        database = old
    else:
        upgrade_to(database, revision)
        with database._engine.begin() as connection:
            write(connection, before)
    database.upgrade()
    with database._engine.connect() as connection:
        after = read(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    for table, rows in before.items():
        names = [name for name in rows[0] if name in after[table][0]]
        kept = [[row[name] for name in names] for row in after[table]]  # a migration may have added rows
        assert [row for row in rows if [row[name] for name in names] not in kept] == [], table
    database.close()
    old.close()


@pytest.mark.parametrize("revision", stored())
def test_the_migrations_make_today_what_they_made_then(tmp_path: Path, revision: str) -> None:
    """A migration that was released is not changed any more."""
    restore(revision, tmp_path / "then.db")
    then, now = open_database(f"sqlite:///{tmp_path}/then.db"), open_database(f"sqlite:///{tmp_path}/now.db")
    upgrade_to(now, revision)
    with then._engine.connect() as one, now._engine.connect() as other:
        described = [
            {
                (table.name, column.name, str(column.type), column.nullable)
                for table in tables.tables.values()
                for column in table.columns
            }
            for tables in (reflected(one), reflected(other))
        ]
    assert described[0] == described[1]
    then.close()
    now.close()
