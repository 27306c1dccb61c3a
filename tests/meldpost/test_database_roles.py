"""`meldpost init --roles`, what it refuses, and what the doctor says of the roles."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from config.settings import load
from meldpost.cli import main
from meldpost.doctor import examine, examine_desk
from meldpost.findings import Finding, Verdict
from meldpost.init import initialise
from meldpost.startup import refuse_unless_ready, refuse_unless_servable
from store.database import open_database
from tests.databases import PostgresTemplates
from tests.meldpost.pages import words_on
from tests.meldpost.plans import PASSPHRASE, plan_in

NAMES = ("anna_daemon", "anna_desk", "anna_auditor", "anna_owner")


@pytest.fixture
def base(postgres_templates: PostgresTemplates) -> Iterator[str]:
    """The URL of an empty database, of an owner who may make roles but is nothing more."""
    name = postgres_templates.create("template0")
    server = postgres_templates.server
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        connection.execute("create role anna_owner login createrole")
        connection.execute(f"alter database {name} owner to anna_owner")
    yield server.url_of(name).replace("meldpost@", "USER@")
    postgres_templates.drop(name)
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        for role in NAMES:
            connection.execute(f"drop role if exists {role}")


def urls(base: str) -> dict[str, str]:
    daemon, desk, auditor, owner = (base.replace("USER", name) for name in NAMES)
    return {"url": daemon, "desk_url": desk, "auditor_url": auditor, "owner_url": owner}


@pytest.fixture
def config(base: str, tmp_path: Path) -> Path:
    """A desk that `init` made as the owner of an empty database; the other roles are not there yet."""
    return initialise(plan_in(tmp_path / "installation", database=urls(base))).config


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--config", str(config)])


def said(findings: Iterator[Finding], what: str) -> Finding:
    return next(finding for finding in findings if finding.what == what)


def test_roles_are_made_and_daemon_and_desk_start_under_them(config: Path) -> None:
    result = run(config, "init", "--roles")
    assert result.exit_code == 0, result.output
    assert "desk: anna_desk" in result.output
    refuse_unless_ready(load(config))
    refuse_unless_servable(load(config))
    for process in ("daemon", "desk", "auditor"):
        assert said(examine(config), f"database role of the {process}").verdict is Verdict.FINE
    assert said(examine_desk(config), "database role of the desk").verdict is Verdict.FINE


def test_the_doctor_looks_at_the_rights_where_the_owners_url_is_left_out(config: Path) -> None:
    """As the administrator's guide says for where daemon and desk run."""
    assert run(config, "init", "--roles").exit_code == 0
    lines = [line for line in config.read_text().splitlines() if not line.startswith("owner_url")]
    config.write_text("\n".join(lines))
    found = list(examine(config))
    assert not [each for each in found if each.what == "database roles"]
    for process in ("daemon", "desk", "auditor"):
        assert said(iter(found), f"database role of the {process}").verdict is Verdict.FINE


def test_the_doctor_says_of_keys_what_the_daemons_role_may_not_read(config: Path) -> None:
    assert run(config, "init", "--roles").exit_code == 0
    found = list(examine(config))
    (desk,) = load(config).desks
    for what in (f"desk key of {desk}", f"recovery key of {desk}"):
        assert said(iter(found), what).verdict is Verdict.FINE
    lines = [line for line in config.read_text().splitlines() if not line.startswith("desk_url")]
    config.write_text("\n".join(lines))
    blind = said(examine(config), "rotation and recovery of keys")
    assert (blind.verdict, "desk_url" in blind.text) == (Verdict.NOTE, True)


def test_the_doctor_names_who_shares_a_role(config: Path) -> None:
    lines = [line for line in config.read_text().splitlines() if not line.startswith("auditor_url")]
    config.write_text("\n".join(lines))
    assert said(examine(config), "database roles").text.startswith("daemon and auditor share one role.")


def test_what_is_printed_does_the_same(config: Path, base: str) -> None:
    result = run(config, "init", "--roles", "--print")
    assert result.exit_code == 0, result.output
    with psycopg.connect(base.replace("USER", "anna_owner"), autocommit=True) as connection:
        connection.execute(result.output)  # type: ignore[arg-type]
    assert said(examine(config), "database role of the daemon").verdict is Verdict.FINE


def test_the_doctor_says_when_a_role_may_more_or_less_than_it_needs(config: Path, base: str) -> None:
    assert run(config, "init", "--roles").exit_code == 0
    with psycopg.connect(base.replace("USER", "anna_owner"), autocommit=True) as connection:
        connection.execute("grant select on record to anna_daemon")
        connection.execute("revoke insert on audit from anna_desk")
    daemon = said(examine(config), "database role of the daemon")
    assert (daemon.verdict, "more than it needs: select record.frame" in daemon.text) == (Verdict.WRONG, True)
    desk = said(examine(config), "database role of the desk")
    assert (desk.verdict, "insert audit." in desk.text) == (Verdict.WRONG, True)
    assert run(config, "init", "--roles").exit_code == 0
    assert said(examine(config), "database role of the daemon").verdict is Verdict.FINE


def test_migrating_gives_the_grants_anew(config: Path, base: str) -> None:
    """A migration may bring columns that nobody was given yet."""
    assert run(config, "init", "--roles").exit_code == 0
    with psycopg.connect(base.replace("USER", "anna_owner"), autocommit=True) as connection:
        connection.execute("revoke all on audit from anna_desk")
    assert run(config, "migrate").exit_code == 0
    assert said(examine(config), "database role of the desk").verdict is Verdict.FINE


def test_an_owner_who_may_make_no_roles_is_told_of_the_administrator(config: Path, base: str) -> None:
    database = open_database(base.replace("USER", "meldpost"))
    with database.begin() as session:
        session.execute(text("alter role anna_owner nocreaterole"))
    database.close()
    result = run(config, "init", "--roles")
    assert result.exit_code == 1
    assert "--print" in result.output


def test_one_url_for_all_has_no_roles_and_is_told_what_to_set(config: Path, base: str, tmp_path: Path) -> None:
    text = config.read_text()
    for name in ("desk_url", "auditor_url"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(name))
    config.write_text(text)
    result = run(config, "init", "--roles")
    assert result.exit_code == 1
    assert "desk_url" in result.output


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    made = initialise(plan_in(tmp_path / "installation"))
    result = run(made.config, "init", "--roles")
    assert result.exit_code == 1
    assert "SQLite" in result.output


COMMANDS = {
    "member list": "member list --login co",
    "consent list": "consent list --login co",
    "rotate": "rotate --login co",
    "rotate --pin": "rotate --pin",
    "report": "report 2026 --login co",
    "retention": "retention",
    "audit verify": "audit verify",
    "recovery renew": "recovery renew --login co",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_goes_under_the_roles_that_the_configuration_names(
    config: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)  # where the report is written to
    assert run(config, "init", "--roles").exit_code == 0
    without_owner = "".join(
        line for line in config.read_text().splitlines(keepends=True) if not line.startswith("owner_url")
    )
    config.write_text(without_owner)
    for page in config.parent.glob("recovery-*.html"):
        page.unlink()
    result = CliRunner().invoke(main, [*command.split(), "--config", str(config)], input=f"{PASSPHRASE}\n")
    assert "rights" not in result.output
    assert result.exit_code == 0, (result.output, result.exception)


def test_a_recovery_goes_under_the_desks_role(config: Path) -> None:
    assert run(config, "init", "--roles").exit_code == 0
    phrase = config.parent / "phrase"
    phrase.write_text("zeven andere woorden die men nergens anders vindt staan\n", encoding="utf-8")
    pages = sorted(config.parent.glob("recovery-*.html"))[:2]
    typed = "".join(" ".join(words_on(page)) + "\n" for page in pages)
    options = ["--login", "co", "--passphrase-file", str(phrase), "--config", str(config)]
    result = CliRunner().invoke(main, ["recover", *options], input=typed)
    assert result.exit_code == 0, (result.output, result.exception)
