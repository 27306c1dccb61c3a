"""Backups and restores of a real PostgreSQL: the promises that SQLite's keep, and what only a server brings."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from config.settings import DatabaseSettings
from meldpost import backup, backup_pins
from meldpost.backups_examined import put_aside
from meldpost.cli import main
from store import copies, outbox, postgresql_programs, sending
from store.audit import Action
from store.copies import BackupError
from store.database import open_database
from store.database_rights import Process
from store.keyring import NoSuchKey
from store.outbox import OutboxState
from store.schema import Audit, Base, CaseFile, Desk, KeyPair, Outbox
from tests.databases import PostgresDatabases, PostgresTemplates
from tests.desk.world import DESK, Prepared, make_world, prepare
from tests.meldpost.backed_up import Here, opens
from tests.system.certificates import make_certificates
from tests.system.disk import small_disk
from tests.system.postgres import Postgres


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def servers(postgres_templates: PostgresTemplates) -> Iterator[PostgresDatabases]:
    databases = PostgresDatabases(postgres_templates)
    yield databases
    databases.drop()


@pytest.fixture
def here(prepared: Prepared, servers: PostgresDatabases, tmp_path: Path) -> Iterator[Here]:
    """With a role of its own for each process."""
    world = make_world(prepared, tmp_path / "desk", servers)
    url = world.database._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    database = DatabaseSettings(
        url=servers.as_process(url, Process.DAEMON),
        desk_url=servers.as_process(url, Process.DESK),
        auditor_url=servers.as_process(url, Process.AUDITOR),
        owner_url=url,
    )
    world.settings = world.settings.model_copy(update={"database": database})
    folder = tmp_path / "backups"
    folder.mkdir()
    yield Here(world, url, folder)
    world.close()


def test_a_backup_is_three_private_files_from_which_the_database_comes_back_with_its_rights(here: Here) -> None:
    case_id = here.world.new_case(files=[("a.bin", os.urandom(2_000_000))]).case_id
    made = backup.back_up(here.world.settings, here.target)
    assert made.manifest.cases == 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in here.folder.iterdir()} == {0o600}
    assert backup.check(here.world.settings, here.target).manifest == made.manifest
    later = here.world.new_case().case_id
    here.stop()
    restored = backup.restore(here.world.settings, here.target, replace=True)
    assert "drop schema replaced_" in str(restored.aside)
    assert opens(here.restored(), here.ring(), case_id)
    assert not opens(here.restored(), here.ring(), later)
    for process, url in zip(Process, _urls(here), strict=True):
        assert open_database(url).rights_that_differ(process) == ((), ())


def test_what_was_there_before_is_kept_where_only_its_owner_enters(here: Here) -> None:
    backup.back_up(here.world.settings, here.target)
    here.stop()
    aside = str(backup.restore(here.world.settings, here.target, replace=True).aside).split()[1]
    with psycopg.connect(here.url) as owner:
        assert owner.execute(f"SELECT count(*) FROM {aside}.sealed_seed").fetchone() != (0,)
    for url in _urls(here):
        with psycopg.connect(url) as one, pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema"):
            one.execute(f"SELECT count(*) FROM {aside}.alembic_version")
    (finding,) = put_aside(here.world.settings)
    assert f"drop schema {aside} cascade" in finding.text
    with psycopg.connect(here.url) as owner:
        owner.execute(f"DROP SCHEMA {aside} CASCADE")
    assert list(put_aside(here.world.settings)) == []


def test_into_an_empty_database_a_backup_goes_without_a_word_more(here: Here, servers: PostgresDatabases) -> None:
    case_id = here.world.new_case().case_id
    backup.back_up(here.world.settings, here.target)
    empty = here.world.settings.model_copy(update={"database": DatabaseSettings(url=servers.blank(here.folder))})
    assert backup.restore(empty, here.target, replace=False).aside is None
    assert opens(open_database(empty.database.url), here.ring(), case_id)


def test_both_files_are_of_one_moment_though_mail_comes_in(here: Here) -> None:
    stop = threading.Event()

    def take_in() -> None:
        while not stop.is_set():
            here.world.new_case()

    thread = threading.Thread(target=take_in)
    thread.start()
    try:
        made = backup.back_up(here.world.settings, here.target)
    finally:
        stop.set()
        thread.join()
    here.stop()
    backup.restore(here.world.settings, here.target, replace=True)  # foreign keys hold
    with here.restored().read() as session:
        there = set(session.scalars(select(CaseFile.id)))
    assert len(there) == made.manifest.cases
    assert all(opens(here.restored(), here.ring(), case_id) for case_id in there)


def test_a_backup_of_before_a_destruction_restored_by_hand_opens_nothing_of_the_case_without_its_key_file(
    here: Here, servers: PostgresDatabases
) -> None:
    """With pg_restore alone, as whoever holds the content file would."""
    case_id = here.world.new_case().case_id
    here.world.hold_receipt(case_id)
    backup.back_up(here.world.settings, here.target)
    here.destroy(case_id)
    by_hand = servers.blank(here.folder)
    _pg_restore(by_hand, here.folder / "monday.content", "pre-data", "data")
    with psycopg.connect(by_hand) as connection:
        found = connection.execute("SELECT count(*) FROM record WHERE case_id = %s", [case_id]).fetchone()
        assert found is not None
        assert found[0] > 5
    db = open_database(by_hand)
    with db.read() as session:
        pairs = session.scalars(select(KeyPair.id).where(KeyPair.owner == case_id)).all()
        assert len(pairs) == 2
        for pair_id in pairs:
            with pytest.raises(NoSuchKey):
                here.ring().private(session, pair_id)
        assert session.scalars(select(Outbox.id)).all() == []
    with psycopg.connect(by_hand) as connection:
        counts = {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone() for table in _kept_out()}
    assert set(counts.values()) == {(0,)}
    db.close()


def test_both_files_restored_by_hand_are_the_whole_database(here: Here, servers: PostgresDatabases) -> None:
    case_id = here.world.new_case().case_id
    backup.back_up(here.world.settings, here.target)
    by_hand = servers.blank(here.folder)
    for file, sections in (("content", ("pre-data", "data")), ("keys", ("data",)), ("content", ("post-data",))):
        _pg_restore(by_hand, here.folder / f"monday.{file}", *sections)
    assert opens(open_database(by_hand), here.ring(), case_id)


@pytest.mark.parametrize("known_by", ["the database that is there", "the list beside the backups"])
def test_what_was_destroyed_stays_destroyed(here: Here, servers: PostgresDatabases, known_by: str) -> None:
    gone, kept = here.world.new_case().case_id, here.world.new_case().case_id
    backup.back_up(here.world.settings, here.target)
    here.destroy(gone)
    settings = here.world.settings
    if known_by == "the list beside the backups":
        backup.back_up(settings, here.folder / "tuesday")
        settings = settings.model_copy(update={"database": DatabaseSettings(url=servers.blank(here.folder))})
    here.stop()
    assert backup.restore(settings, here.target, replace=True).destroyed == 1
    db = open_database(settings.database.for_owner)
    assert not opens(db, here.ring(), gone)
    assert opens(db, here.ring(), kept)
    with db.read() as session:
        assert session.get(CaseFile, gone) is None


def test_after_a_restore_nothing_goes_out_by_itself_and_what_waited_waits_for_a_word(here: Here) -> None:
    world = here.world
    waiting = world.hold_receipt(world.new_case().case_id)
    with world.database.begin() as session:
        outbox.release(session, DESK, [waiting])
    backup.back_up(world.settings, here.target)
    here.stop()
    assert backup.restore(world.settings, here.target, replace=True).uncertain == 1
    with here.restored().read() as session:
        assert session.get_one(Desk, DESK).outbox_paused_at is not None
        assert session.get_one(Outbox, waiting).state == OutboxState.HELD
        told = session.scalars(select(Audit.action).order_by(Audit.id)).all()
        assert told[-2:] == [Action.BACKUP_OF_THEN, Action.RESTORED]
    assert sending.claim(here.restored(), 600) is None


def test_nothing_is_restored_while_anybody_is_at_the_database(here: Here) -> None:
    backup.back_up(here.world.settings, here.target)
    case_id = here.world.new_case().case_id
    here.stop()
    with psycopg.connect(_urls(here)[1]), pytest.raises(BackupError, match="1 other connections"):
        backup.restore(here.world.settings, here.target, replace=True)
    assert opens(here.restored(), here.ring(), case_id)


def test_a_restore_that_fails_half_way_leaves_what_is_there_as_it_is(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.back_up(here.world.settings, here.target)
    case_id = here.world.new_case().case_id
    here.stop()

    def fail(*_: object) -> None:
        raise BackupError("the disk broke")

    monkeypatch.setattr(backup, "_pause", fail)
    with pytest.raises(BackupError, match="broke"):
        backup.restore(here.world.settings, here.target, replace=True)
    assert opens(here.restored(), here.ring(), case_id)
    with psycopg.connect(here.url) as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'meldpost%'").fetchall()
    assert left == []


def test_a_psql_that_ends_at_an_error_leaves_what_is_there_as_it_is(here: Here) -> None:
    """The transaction that puts a backup together moves the tables that are there out of its way."""
    case_id = here.world.new_case().case_id
    with pytest.raises(BackupError, match="nowhere"):
        postgresql_programs.fed(
            postgresql_programs.environment(here.url),
            lambda psql: psql.write(b"BEGIN;\nALTER SCHEMA public RENAME TO aside;\nSELECT 1 FROM nowhere;\nCOMMIT;\n"),
        )
    assert opens(here.restored(), here.ring(), case_id)


def test_a_role_that_may_not_read_all_is_told_to_give_the_owners_url(here: Here) -> None:
    daemons = here.world.settings.database.model_copy(update={"owner_url": None})
    settings = here.world.settings.model_copy(update={"database": daemons})
    with pytest.raises(BackupError, match="MELDPOST_DATABASE__OWNER_URL"):
        backup.back_up(settings, here.target)
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("programs", "told"),
    [({}, "pg_dump is not installed"), ({"pg_dump": "echo 'pg_dump (PostgreSQL) 9.6.24'"}, "older than the database")],
    ids=["none", "old"],
)
def test_programs_that_are_not_there_or_too_old_are_told_of(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str], told: str
) -> None:
    _only_programs(tmp_path / "bin", programs, monkeypatch)
    with pytest.raises(BackupError, match=told):
        backup.back_up(here.world.settings, here.target)
    assert list(here.folder.iterdir()) == []


def test_a_full_disk_gives_a_clear_error_and_leaves_no_half_file(here: Here, tmp_path: Path) -> None:
    here.world.new_case(files=[("a.bin", os.urandom(3_000_000))])
    with small_disk(tmp_path / "small", 2) as folder:
        with pytest.raises(BackupError, match="disk is full"):
            backup.back_up(here.world.settings, folder / "monday")
        assert list(folder.iterdir()) == []


def test_a_backup_of_the_other_kind_of_database_is_refused(here: Here, tmp_path: Path) -> None:
    backup.back_up(here.world.settings, here.target)
    sqlite = DatabaseSettings(url=f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(BackupError, match="names an SQLite file"):
        backup.check(here.world.settings.model_copy(update={"database": sqlite}), here.target)


def test_no_password_stands_on_a_command_line(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS, with the server's name checked; each program notes its arguments before it runs."""
    password, server = "zwanenzang", Postgres()
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"ALTER ROLE meldpost PASSWORD '{password}'")
        certificates = make_certificates(tmp_path)
        server.use_tls(certificates)
        secured = f"?sslmode=verify-full&sslrootcert={certificates.ca}"
        url = server.url.replace("meldpost@127.0.0.1", f"meldpost:{password}@localhost") + secured
        database = open_database(url)
        database.upgrade()
        database.close()
        world = make_world(prepared, tmp_path / "desk")
        settings = world.settings.model_copy(update={"database": DatabaseSettings(url=url)})
        noted = _noting_programs(tmp_path / "bin", monkeypatch)
        monkeypatch.setattr(backup_pins, "refuse_other_keys", lambda *_: None)  # no desk was made in this database
        backup.back_up(settings, tmp_path / "monday")
        backup.restore(settings, tmp_path / "monday", replace=True)
        world.close()
    finally:
        server.remove()
    lines = noted.read_text().splitlines()
    assert {line.split()[0] for line in lines} == {"pg_dump", "pg_restore", "psql"}
    assert password not in noted.read_text()


def test_the_commands_say_what_they_did(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "meldpost.toml"
    monkeypatch.setattr("config.settings.load", lambda _: here.world.settings)
    here.world.new_case()
    here.stop()
    runner = CliRunner()
    for arguments, code, words in (
        (["backup"], 0, "1 case"),
        (["restore", "--check"], 0, "as the trail has them"),
        (["restore"], 1, "--replace"),
        (["restore", "--replace"], 0, "drop schema"),
    ):
        done = runner.invoke(main, [*arguments, "-c", str(config), str(here.target)])
        assert (done.exit_code, words in done.output) == (code, True), done.output


def _urls(here: Here) -> list[str]:
    """Of the daemon, the desk and the auditor."""
    database = here.world.settings.database
    return [database.url, database.for_desk, database.for_auditor]


def _kept_out() -> list[str]:
    return [table.name for table in Base.metadata.sorted_tables if table.name not in copies.OF_CONTENT]


def _pg_restore(url: str, file: Path, *sections: str) -> None:
    named = [f"--section={section}" for section in sections]
    postgresql_programs.run("pg_restore", ["--dbname", url, "--schema=public", *named, str(file)])


def _only_programs(folder: Path, programs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def _noting_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In front of the real ones; gives the file in which they note."""
    noted, path = folder / "noted", os.environ["PATH"]
    lines = {
        name: f'echo "{name} $(tr "\\0" " " < /proc/$$/cmdline)" >> {noted}; PATH={path}; exec {name} "$@"'
        for name in ("pg_dump", "pg_restore", "psql")
    }
    _only_programs(folder, lines, monkeypatch)
    monkeypatch.setenv("PATH", f"{folder}:{path}")
    return noted
