"""A government's set-up: PostgreSQL over TLS, a role for each process, and the desk on the coordinator's own computer.

The server logs all that it can be told to log: every statement with its parameters, and every error with both.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from meldpost.database_roles import give
from store import trouble
from store.database import open_database
from store.intake import open_case
from store.keyring import desk_keys, pins_of
from store.lookups import IndexKey
from tests.store.world import mail
from tests.system.certificates import Certificates, make_certificates
from tests.system.deskclient import DeskClient
from tests.system.dovecot import Dovecot
from tests.system.exim import Exim
from tests.system.installation import DESK, LOGIN, PASSPHRASE, TOP, Installation, letter
from tests.system.marks import Marks
from tests.system.postgres import Postgres

MARKS = Marks(
    (
        "Kwartelzandstraat",  # where the reporter lives
        "Zwaluwenberg",  # who it is about
        "Ooievaarsnest",  # the subject
        "Griezelpudding",  # the text
        "Mosselbankje",  # a file's name
        "Duizendguldenkruid",  # a file's content, and a note
        "Bernagie",  # the reporter's name
        "lepelblad-tester",  # the reporter's address
        "0687654329",
        "stengel atoom",  # the passphrase
    )
)
ALL = (
    "log_statement=all",
    "log_min_duration_statement=0",
    "log_min_messages=notice",
    "log_min_error_statement=debug5",
    "log_error_verbosity=verbose",
    "log_parameter_max_length=-1",
    "log_parameter_max_length_on_error=-1",
)
DESK_ALONE = (f"passphrase-secret-{DESK}", "web-session-key")
OF_THE_DESK = (f"index-key-{DESK}", *DESK_ALONE)
ROLES = ("meldpost_daemon", "meldpost_desk", "meldpost_auditor")


@dataclass(frozen=True)
class SetUp:
    server: Postgres
    certificates: Certificates
    installation: Installation
    """The server's: the daemon runs there."""
    own: Installation
    """The coordinator's own computer: nothing but the desk."""

    def url(self, role: str) -> str:
        ca = self.certificates.ca
        return f"postgresql://{role}@localhost:{self.server.port}/meldpost?sslmode=verify-full&sslrootcert={ca}"


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, dovecot: Dovecot, exim: Exim
) -> Iterator[SetUp]:
    folder = tmp_path_factory.mktemp("government")
    server = Postgres(*ALL)
    installation = Installation(folder / "server", dovecot, exim)
    own = replace(installation, folder=folder / "own", programs=[])
    made = SetUp(server, certificates, installation, own)
    with pytest.MonkeyPatch.context() as patched:
        try:
            with psycopg.connect(server.url, autocommit=True) as connection:
                for role in ROLES:
                    connection.execute(f"create role {role} login")
                for role in ("meldpost", *ROLES):
                    connection.execute(f"alter role {role} password '{role}'")
            server.use_tls(certificates)
            patched.setenv("PGPASSFILE", str(passwords(folder / "pgpass", "meldpost", *ROLES)))
            daemon, desk, auditor = map(made.url, ROLES)
            urls = {"url": daemon, "desk_url": desk, "auditor_url": auditor, "owner_url": made.url("meldpost")}
            installation.set_up(database=urls)
            give(installation.settings)
            move_the_desk(made)
            yield made
        finally:
            own.stop()
            installation.stop()
            server.remove()


def passwords(file: Path, *roles: str) -> Path:
    file.write_text("".join(f"*:*:*:{role}:{role}\n" for role in roles))
    file.chmod(0o600)
    return file


def move_the_desk(made: SetUp) -> None:
    """What goes to the coordinator's computer: the configuration, and three secrets. Of those the server keeps one, by
    which it knows mails again."""
    own, installation = made.own, made.installation
    (own.folder / "secrets").mkdir(parents=True, mode=0o700)
    for name in OF_THE_DESK:
        shutil.copy2(installation.folder / "secrets" / name, own.folder / "secrets" / name)
    for name in DESK_ALONE:
        (installation.folder / "secrets" / name).unlink()
    lines = installation.config.read_text().splitlines()
    others = ("desk_url", "auditor_url", "owner_url")
    kept = [line.replace(ROLES[0], ROLES[1]) for line in lines if not line.startswith(others)]
    own.config.write_text("\n".join(kept))


@pytest.fixture(scope="module")
def worked(made: SetUp) -> str:
    """A mail comes in and is worked on, and something goes wrong; gives the page of the case."""
    installation, own = made.installation, made.own
    reporter = installation.reporter("lepelblad-tester")
    text = (
        "Goedemorgen,\n\nIk meld dat Karel Zwaluwenberg, hoofd inkoop, mij heeft bedreigd met een Griezelpudding.\n\n"
        "Anna Bernagie\nKwartelzandstraat 10, 2511 AB Den Haag\ntel. 0687654329\n"
    )
    report = letter(reporter, installation.address, subject="Ooievaarsnest", text=text, name="Anna Bernagie")
    report.add_attachment(b"Duizendguldenkruid " * 90_000, "application", "pdf", filename="Mosselbankje.pdf")
    installation.send(report, sender=reporter)
    installation.wait_in(1)
    installation.round()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PGPASSFILE", str(passwords(own.folder / "pgpass", ROLES[1])))
        own.start_desk()
        desk = DeskClient(own.desk_port)
        desk.log_in(DESK, LOGIN, PASSPHRASE)
        (case,) = desk.links("/", r"/cases/[0-9a-f]{32}")
        desk.post(f"{case}/notes", {"text": "Duizendguldenkruid besproken met Zwaluwenberg"}, seen_on=case)
        page = desk.page(case)
    provoke_errors(made)
    return page


def provoke_errors(made: SetUp) -> None:
    """The same case twice: the database says which row was there already."""
    settings = made.installation.settings
    database = open_database(settings.database.url)
    index = IndexKey((made.own.settings.secrets()).key(f"index-key-{DESK}"))
    new = mail(sender="lepelblad-tester@home.example", masked_text="Griezelpudding")

    def intake() -> None:
        with database.begin() as session:
            keys = desk_keys(session, DESK, pins_of(settings.desks[DESK]))
            open_case(session, keys, index, new, reference="Zwaluwenberg", now=datetime.now(UTC), dues={})

    intake()
    with pytest.raises(IntegrityError) as raised:
        intake()
    database.close()
    assert MARKS.found_in(str(raised.value).encode()) == []


def test_the_daemon_takes_in_and_the_desk_elsewhere_opens(made: SetUp, worked: str) -> None:
    assert "Griezelpudding" in worked
    assert "Duizendguldenkruid besproken" in worked
    assert len(made.installation.receipts(1, "lepelblad-tester")) == 1


def test_the_desk_had_its_own_secrets_and_the_server_none_that_open(made: SetUp, worked: str) -> None:
    assert sorted(path.name for path in (made.own.folder / "secrets").iterdir()) == sorted(OF_THE_DESK)
    assert not set(DESK_ALONE) & {path.name for path in (made.installation.folder / "secrets").iterdir()}


def test_the_doctor_finds_the_desk_well_on_its_own_computer(made: SetUp, worked: str) -> None:
    command = [sys.executable, "-m", "meldpost", "doctor", "--desk", "--config", str(made.own.config)]
    environment = {**os.environ, "PYTHONPATH": str(TOP), "PGPASSFILE": str(made.own.folder / "pgpass")}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout
    for what in ("secrets of the desk: there", "database: postgresql, up to date", "and no more", "keys: as pinned"):
        assert what in said, said


def test_the_server_lets_nobody_in_over_a_plain_line(made: SetUp) -> None:
    url = f"postgresql://{ROLES[1]}@localhost:{made.server.port}/meldpost?sslmode=disable"
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(url)


def test_a_server_of_another_authority_is_not_talked_to(made: SetUp, tmp_path: Path) -> None:
    database = open_database(made.url(ROLES[1]).replace(str(made.certificates.ca), str(make_certificates(tmp_path).ca)))
    with pytest.raises(OperationalError) as raised:
        database.now()
    assert "sslrootcert" in trouble.describe(raised.value)


def test_no_word_of_a_report_stands_in_the_servers_log(made: SetUp, worked: str) -> None:
    log = made.server.log()
    assert "duplicate key value violates unique constraint" in log, "the error must have been logged"
    assert "parameters: $1 = " in log, "parameters must have been logged"
    assert "insert into record" in log.lower()
    assert made.installation.address.split("@")[0] not in log
    assert MARKS.found_in(log.encode(), compressed=False) == []
