"""The daemon starts only where all that it promises can hold."""

import re
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from click.testing import CliRunner

from config.secrets import write_key
from config.settings import Settings, load
from meldpost.cli import main
from meldpost.init import InitError, Made, Plan, initialise
from meldpost.keys_examined import token_keys
from meldpost.startup import NotReady, refuse_unless_ready, refuse_unless_servable
from store.database import _alembic, open_database
from store.intake import open_case
from store.keyring import desk_keys, pins_of
from store.lookups import IndexKey
from tests.meldpost.plans import plan_in
from tests.store.world import NOW, mail


def test_what_init_made_may_start(made: Made) -> None:
    refuse_unless_ready(load(made.config))


def test_a_secret_that_others_can_read_is_refused(made: Made) -> None:
    (made.secrets_dir / "token-key-desk-a").chmod(0o644)
    with pytest.raises(NotReady, match="chmod 600"):
        refuse_unless_ready(load(made.config))


def test_a_secrets_folder_that_others_can_enter_is_refused(made: Made) -> None:
    made.secrets_dir.chmod(0o755)
    with pytest.raises(NotReady, match="chmod 700"):
        refuse_unless_ready(load(made.config))


@pytest.mark.parametrize("name", ["index-key-desk-a", "token-key-desk-a", "mailer-seed-desk-a", "mailbox-password-box"])
def test_a_missing_secret_is_named(made: Made, name: str) -> None:
    (made.secrets_dir / name).unlink()
    with pytest.raises(NotReady, match=name):
        refuse_unless_ready(load(made.config))


def test_a_mailer_seed_of_another_desk_is_refused(made: Made) -> None:
    (made.secrets_dir / "mailer-seed-desk-a").unlink()
    write_key(made.secrets_dir, "mailer-seed-desk-a", bytes(32))
    with pytest.raises(NotReady, match="does not belong to the desk"):
        refuse_unless_ready(load(made.config))


@pytest.mark.parametrize("refuses", [refuse_unless_ready, refuse_unless_servable])
def test_an_index_key_that_knows_no_case_is_refused(made: Made, refuses: Callable[[Settings], None]) -> None:
    settings = load(made.config)
    database = open_database(settings.database.url)
    with database.begin() as session:
        keys = desk_keys(session, "desk-a", pins_of(settings.desks["desk-a"]))
        index = IndexKey(settings.secrets().key("index-key-desk-a"))
        open_case(session, keys, index, mail(), reference="CASE-1", now=NOW, dues={})
    database.close()
    refuses(settings)
    (made.secrets_dir / "index-key-desk-a").unlink()
    write_key(made.secrets_dir, "index-key-desk-a", bytes(32))
    with pytest.raises(NotReady, match="index-key-desk-a is not the one"):
        refuses(settings)
    lost = settings.desks["desk-a"].model_copy(update={"index_key_lost": True})
    refuses(settings.model_copy(update={"desks": {"desk-a": lost}}))


@pytest.mark.parametrize("refuses", [refuse_unless_ready, refuse_unless_servable])
def test_another_token_key_is_refused_until_the_configuration_knows_it(
    made: Made, refuses: Callable[[Settings], None]
) -> None:
    settings = load(made.config)
    (made.secrets_dir / "token-key-desk-a").unlink()
    write_key(made.secrets_dir, "token-key-desk-a", bytes(32))
    with pytest.raises(NotReady, match="token-key-desk-a is not the one") as refused:
        refuses(settings)
    told = re.search(r'token_key_check = "(\w+)"', str(refused.value))
    assert told
    text = made.config.read_text(encoding="utf-8").replace(_line(made.config, "token_key_check"), told[0])
    made.config.write_text(text, encoding="utf-8")
    refuses(load(made.config))


def test_a_configuration_that_knows_no_token_key_is_told_the_line_by_the_doctor(made: Made) -> None:
    line, text = _line(made.config, "token_key_check"), made.config.read_text(encoding="utf-8")
    assert not list(token_keys(load(made.config)))
    made.config.write_text(text.replace(line, ""), encoding="utf-8")
    refuse_unless_ready(load(made.config))
    assert [line in finding.text for finding in token_keys(load(made.config))] == [True]


@pytest.mark.parametrize("pin", ["public_key", "recovery_key", "mailer_key"])
def test_a_database_with_other_keys_than_the_pinned_ones_is_refused(made: Made, tmp_path: Path, pin: str) -> None:
    other = initialise(plan_in(tmp_path / "other"))
    theirs = _line(other.config, pin)
    made.config.write_text(made.config.read_text(encoding="utf-8").replace(_line(made.config, pin), theirs), "utf-8")
    with pytest.raises(NotReady, match="not the one in the configuration"):
        refuse_unless_ready(load(made.config))


def take_back_to(file: Path, revision: str) -> None:
    """The same rows in the tables of an older version, as far as that has them."""
    older = open_database(f"sqlite:///{file}.older")
    with older._engine.begin() as connection:
        command.upgrade(_alembic(connection), revision)
    older.close()
    with closing(sqlite3.connect(f"{file}.older", isolation_level=None)) as database:
        database.execute("attach ? as newer", [str(file)])
        for (table,) in database.execute("select name from main.sqlite_master where type = 'table'").fetchall():
            ours, theirs = (
                {name for (name,) in database.execute("select name from pragma_table_info(?, ?)", [table, schema])}
                for schema in ("main", "newer")
            )
            names = ", ".join(f'"{name}"' for name in sorted(ours & theirs))
            if table != "alembic_version":
                database.execute(f'insert into main."{table}" ({names}) select {names} from newer."{table}"')
    remove_files(file)
    Path(f"{file}.older").rename(file)


def remove_files(file: Path) -> None:
    for each in file.parent.glob(f"{file.name}*"):
        if not each.name.endswith(".older"):
            each.unlink()


def test_a_database_of_an_older_version_is_refused_and_migrate_mends_it(made: Made, plan: Plan) -> None:
    take_back_to(plan.folder / "meldpost.db", "0003")
    with pytest.raises(NotReady, match="Run: meldpost migrate"):
        refuse_unless_ready(load(made.config))
    assert CliRunner().invoke(main, ["migrate", "--config", str(made.config)]).exit_code == 0
    refuse_unless_ready(load(made.config))


@pytest.mark.parametrize("command", ["run", "desk", "doctor"])
@pytest.mark.parametrize("tables", [False, True])
def test_an_empty_database_is_said_to_be_and_nobody_is_sent_in_a_circle(
    made: Made, plan: Plan, command: str, tables: bool
) -> None:
    remove_database(plan)
    (plan.folder / "meldpost.db").touch()
    if tables:
        database = open_database(f"sqlite:///{plan.folder / 'meldpost.db'}")
        database.upgrade()
        database.close()
    result = CliRunner().invoke(main, [command, "--config", str(made.config)])
    assert result.exit_code == 1
    assert "another database than the desk's, or an empty one. Put the backup back" in result.output
    assert "migrate" not in result.output


@pytest.mark.parametrize("command", ["migrate", "audit verify"])
def test_a_command_makes_no_tables_in_an_empty_file_and_says_that_it_is_one(
    made: Made, plan: Plan, command: str
) -> None:
    remove_database(plan)
    (plan.folder / "meldpost.db").touch()
    result = CliRunner().invoke(main, [*command.split(), "--config", str(made.config)])
    assert result.exit_code == 1
    assert "another database than the desk's, or an empty one" in result.output
    with closing(sqlite3.connect(plan.folder / "meldpost.db")) as database:
        assert database.execute("select count(*) from sqlite_master").fetchone() == (0,)


@pytest.mark.parametrize("command", ["migrate", "audit verify", "run", "desk", "doctor"])
def test_tables_of_a_newer_version_are_said_to_be_and_are_left_alone(made: Made, plan: Plan, command: str) -> None:
    with closing(sqlite3.connect(plan.folder / "meldpost.db")) as database, database:
        database.execute("update alembic_version set version_num = 'zzz'")
    result = CliRunner().invoke(main, [*command.split(), "--config", str(made.config)])
    assert result.exit_code == 1
    assert "of a newer version of Meldpost than this one. Install the version that made them" in result.output


@pytest.mark.parametrize("name", ["passphrase-secret-desk-a", "web-session-key", "index-key-desk-a"])
def test_a_desk_without_one_of_its_secrets_is_not_served(made: Made, name: str) -> None:
    (made.secrets_dir / name).unlink()
    result = CliRunner().invoke(main, ["desk", "--config", str(made.config)])
    assert (result.exit_code, name in result.output) == (1, True)


def test_a_desk_needs_no_secret_of_the_daemons(made: Made) -> None:
    for name in ("token-key-desk-a", "mailer-seed-desk-a", "mailbox-password-box"):
        (made.secrets_dir / name).unlink()
    refuse_unless_servable(load(made.config))


@pytest.mark.parametrize("command", ["run", "desk", "doctor", "init"])
def test_a_postgresql_that_is_away_is_said_to_be(made: Made, tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"postgresql://meldpost@127.0.0.1:{port}/meldpost"
    if command == "init":
        with pytest.raises(InitError, match="the database server cannot be reached"):
            initialise(plan_in(tmp_path / "new", database={"url": url}))
        return
    environment = {"MELDPOST_DATABASE__URL": url}
    result = CliRunner().invoke(main, [command, "--config", str(made.config)], env=environment)
    assert result.exit_code == 1
    assert "the database server cannot be reached" in result.output
    assert "OperationalError" not in result.output


@pytest.mark.parametrize("command", ["run", "desk", "migrate", "doctor"])
def test_a_database_that_is_missing_is_said_to_be_and_not_made(made: Made, plan: Plan, command: str) -> None:
    remove_database(plan)
    result = CliRunner().invoke(main, [command, "--config", str(made.config)])
    assert result.exit_code == 1
    assert f"There is no database at {plan.folder / 'meldpost.db'}" in result.output
    assert not (plan.folder / "meldpost.db").exists()


def remove_database(plan: Plan) -> None:
    for file in plan.folder.glob("meldpost.db*"):
        file.unlink()


def test_a_database_that_is_none_is_refused(made: Made, plan: Plan) -> None:
    (plan.folder / "meldpost.db").write_bytes(b"this is no database, " * 100)
    with pytest.raises(NotReady, match="cannot be used"):
        refuse_unless_ready(load(made.config))


def test_the_command_says_what_is_wrong_in_one_line_and_fails(made: Made) -> None:
    (made.secrets_dir / "token-key-desk-a").chmod(0o644)
    result = CliRunner().invoke(main, ["run", "--config", str(made.config)])
    assert result.exit_code == 1
    assert re.fullmatch(r"Error: Not started\. .*chmod 600 \S+\n", result.output)


def test_without_a_configuration_the_command_says_how_to_make_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 1
    assert "meldpost init" in result.output


def _line(config: Path, name: str) -> str:
    return next(line for line in config.read_text(encoding="utf-8").splitlines() if line.startswith(f"{name} = "))
