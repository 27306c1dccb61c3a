"""Every schema that there was leads to the one of now, with the cases that lie in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import DateTime, MetaData, create_engine, func, insert, inspect, select

from store.authentic import Standing
from store.casework import CaseMessage, download_attachment, download_raw, view_case
from store.certificates import first_of
from store.changes import add_note
from store.database import Database, _alembic, open_database
from store.keypairs import KeyKind, PublicKey
from store.keyring import KeyRing, Pins
from store.members import complete_signing_keys, unlock
from store.queue import queue_page
from store.schema import Base, KeyPair, UtcTime
from store.verification import verify
from tests.databases import Databases
from tests.store.stored import NOTE, VERSIONS, load
from tests.store.world import INDEX, NOW, PASSPHRASE, SECRET

DESK = "integriteit"
LATER = NOW + timedelta(days=3 * 365)
SIGNED_SINCE, CHAINED_SINCE = "0007", "0006"
HAD_KEYS_AND_SIGNED_NOTHING = ("0005", "0006")
"""Their desks say that they sign, and their notes have no signature: nothing tells those from somebody else's."""


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stored(databases: Databases, version: str, tmp_path: Path) -> Database:
    """A database of this version with its rows, as its code left it."""
    database = open_database(databases.blank(tmp_path))
    if database.dialect == "sqlite":
        load(version, tmp_path / "meldpost.db")
    else:
        load(version, tmp_path / "stored.db")
        with database._engine.begin() as connection:
            command.upgrade(_alembic(connection), version)
        _carry_over(tmp_path / "stored.db", database)
    return database


def test_there_is_a_stored_database_of_every_version_of_the_schema() -> None:
    """Where this fails for a new migration: `python -m tests.store.make_stored`, and keep what it writes."""
    scripts = ScriptDirectory.from_config(_alembic(None)).walk_revisions()
    assert sorted(script.revision for script in scripts) == list(VERSIONS)


def test_a_stored_database_leads_to_the_schema_of_now_and_its_case_is_gone_on_with(
    stored: Database, version: str
) -> None:
    assert stored.is_current() == (version == VERSIONS[-1])
    stored.upgrade()
    assert stored.is_current()
    assert _differences(stored) == []
    ring = _log_in(stored)
    with stored.begin() as session:
        (row,) = queue_page(session, ring).rows
        add_note(session, ring, INDEX, row.case_id, "Jaren later.", LATER)
        view = view_case(session, ring, row.case_id, LATER)
    assert (view.reference, view.damaged, view.foreign) == ("AAAAA-BBBBB", 0, ())
    (message,) = view.messages
    assert (message.content["text"], message.standing) == ("Zwanenzang in de kantine.", Standing.GENUINE)
    assert view.contact["name"] == "Sanne Vogel"
    before, after = view.notes
    assert (after.text, after.standing) == ("Jaren later.", Standing.GENUINE)
    assert (before.text, before.standing) == (NOTE, _standing_of_notes(version))
    _files_open(stored, ring, row.case_id, message)
    _trail_is_sound(stored, version)


def _differences(db: Database) -> list[Any]:
    with db._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def _standing_of_notes(version: str) -> Standing:
    if version >= SIGNED_SINCE:
        return Standing.GENUINE
    return Standing.FOREIGN if version in HAD_KEYS_AND_SIGNED_NOTHING else Standing.BEFORE


def _files_open(db: Database, ring: KeyRing, case_id: str, message: CaseMessage) -> None:
    (file,) = message.content["attachments"]
    with download_attachment(db, ring, case_id, file["id"], LATER) as download:
        assert b"".join(download.chunks) == b"%PDF zwanenzang"
    with download_raw(db, ring, case_id, message.id, LATER) as download:
        assert b"".join(download.chunks).endswith(b"Zwanenzang in de kantine.")


def _trail_is_sound(db: Database, version: str) -> None:
    with db.read() as session:
        verdict = verify(session, DESK, None)
    assert verdict.is_sound
    assert (verdict.unhashed is not None) == (version < CHAINED_SINCE)


def _log_in(db: Database) -> KeyRing:
    """As the pages do, with what `init` pinned: the signing key only where that version made one."""
    with db.begin() as session:
        found = session.execute(select(KeyPair.kind, KeyPair.public).where(KeyPair.owner == ""))
        publics = {kind: PublicKey.from_bytes(public) for kind, public in found}
        desk = publics[KeyKind.DESK]
        pins = Pins(desk, publics[KeyKind.RECOVERY], publics[KeyKind.MAILER], first_of(session, DESK, desk.to_bytes()))
        ring = unlock(session, DESK, "ada", PASSPHRASE, SECRET, pins=pins)
        complete_signing_keys(session, ring, pins, LATER - timedelta(days=1))
        return ring


def _carry_over(source: Path, target: Database) -> None:
    """Copy all rows into the same tables, whatever columns they had in that version."""
    reading = create_engine(f"sqlite:///{source}")
    tables = MetaData()
    tables.reflect(target._engine)
    with reading.connect() as one, target._engine.begin() as other:
        for table in tables.sorted_tables:
            if table.name == "alembic_version":
                continue
            times = {column.name for column in table.columns if isinstance(column.type, DateTime)}
            for name in times:
                table.columns[name].type = UtcTime()
            rows = [dict(row) for row in one.execute(select(table)).mappings()]
            if rows:
                other.execute(insert(table), rows)
            if table.name == "audit":
                sequence = func.pg_get_serial_sequence("audit", "id")
                other.execute(select(func.setval(sequence, max(row["id"] for row in rows))))
    assert set(inspect(reading).get_table_names()) == set(tables.tables)
    reading.dispose()
