"""The strongest set-up, step by step as docs/administrator.md has it: the desk on the coordinator's own computer.

The server has PostgreSQL (TLS), the daemon under its role, and the daemon's secrets. `meldpost init` was run on the
coordinator's computer, where the desk runs; so no passphrase, recovery key or opened case was ever on the server. The
two machines are two folders here, each with its own configuration, secrets and passwords for the database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import tomlkit

from store.database import open_database
from store.keyring import pins_of
from store.members import unlock
from tests.system.certificates import Certificates, make_certificates
from tests.system.deskclient import DeskClient
from tests.system.dovecot import PASSWORD, Dovecot
from tests.system.exim import Exim
from tests.system.installation import DESK, LOGIN, PASSPHRASE, Installation, letter
from tests.system.postgres import Postgres
from tests.system.test_postgresql_server import TELLS_ALL
from tests.system.thief import Loot, keys_in, open_with, try_all

HOST = "db.ministry.example"
"""The name of the database server, as other machines call it; `hostaddr` leads it to this one."""

HBA = (
    "host     all       meldpost                       127.0.0.1/32  trust",
    "hostssl  meldpost  meldpost_owner,meldpost_desk   127.0.0.1/32  scram-sha-256",
    "host     meldpost  meldpost_daemon                127.0.0.1/32  scram-sha-256",
)
"""Of the database administrator (here the test), of the network, and of the server itself."""

PASSWORDS = {"meldpost_owner": "eigenaar", "meldpost_desk": "loket", "meldpost_daemon": "dienst"}
OF_THE_SERVER = ("index-key", "token-key", "mailer-seed", "trail-seed")
OF_THE_DESK = ("passphrase-secret", "index-key")
TEXT = "Rolf Dijkgraaf rekent de Zwaluwenberg dubbel af.\n\nKwartelzandstraat 7, 2511 AB Den Haag\n"
WORDS = ("Dijkgraaf", "Zwaluwenberg", "Kwartelzandstraat", PASSPHRASE, PASSPHRASE.split()[0])


@dataclass
class SetUp:
    server: Installation
    computer: Installation
    postgres: Postgres
    certificates: Certificates

    def stolen(self) -> Loot:
        """What whoever has the server opens, with its secrets and its database; what else stands in its files is public
        (and tried in `test_daemon_cannot_open`)."""
        database = open_database(f"{self.postgres.url}?options=-clog_statement%3Dnone")  # a thief tries much
        with database.read() as session:
            loot = try_all(session, DESK, keys_in(_files(self.server.folder / "secrets")))
        database.close()
        return loot

    def rightful(self) -> Loot:
        """What the coordinator opens at their computer."""
        settings = self.computer.settings
        secret = settings.secrets().key(f"passphrase-secret-{DESK}")
        database = open_database(self.postgres.url)  # the desk's role reads no more than the desk needs
        with database.read() as session:
            ring = unlock(session, DESK, LOGIN, PASSPHRASE, secret, pins=pins_of(settings.desks[DESK]))
            loot = open_with(session, ring)
        database.close()
        return loot

    def take_in(self, count: int) -> None:
        """One more mail, so that so many are there."""
        sender = self.server.reporter(f"r{count}")
        self.server.send(letter(sender, self.server.address, subject="Zwaluwenberg", text=TEXT), sender=sender)
        self.server.wait_in(1)
        self.server.round()
        self.server.wait_taken(count)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, exim: Exim) -> Iterator[SetUp]:
    folder = tmp_path_factory.mktemp("elsewhere")
    certificates = make_certificates(folder, HOST)
    postgres = Postgres(*TELLS_ALL)
    computer = Installation(folder / "computer", dovecot, exim)
    server = replace(computer, folder=folder / "server", programs=[], environment={})
    try:
        _a_database_of_an_owner(postgres)
        postgres.use_tls(certificates, *HBA)
        made = SetUp(server, computer, postgres, certificates)
        _init_on_the_computer(made)
        _roles_on_the_server(made)
        _only_the_desk_on_the_computer(made)
        yield made
    finally:
        computer.stop()
        server.stop()
        postgres.remove()


def _a_database_of_an_owner(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url_of("postgres"), autocommit=True) as connection:
        connection.execute("create role meldpost_owner login createrole")
        connection.execute("alter database meldpost owner to meldpost_owner")
        _set_password(connection, "meldpost_owner")


def _set_password(connection: psycopg.Connection[Any], role: str) -> None:
    connection.execute(f"alter role {role} password '{PASSWORDS[role]}'")


def _init_on_the_computer(made: SetUp) -> None:
    computer = made.computer
    _let_know(made, computer, HOST, "meldpost_owner")
    passphrase, password = computer.folder / "passphrase", computer.folder / "password"
    passphrase.write_text(PASSPHRASE + "\n")
    password.write_text(PASSWORD + "\n")
    options = {
        "database-url": _from_afar(made, "meldpost_owner"),
        "desk": DESK,
        "organisation": "het Ministerie van Voorbeelden",
        "name": "Integriteitscoördinator",
        "name-in-english": "Integrity Coordinator",
        "organisation-in-english": "the Ministry of Examples",
        "address": computer.address,
        "about-coordinator": "de secretaris-generaal, sg@ministry.example",
        "support-point": "het steunpunt, steunpunt@support.example",
        "complaints": "de klachtencommissie, klachten@ministry.example",
        "imap-host": "127.0.0.1",
        "imap-port": str(computer.dovecot.ports.imaps),
        "imap-security": "tls",
        "imap-user": computer.address,
        "imap-password-file": str(password),
        "smtp-host": "127.0.0.1",
        "smtp-port": str(computer.exim.port),
        "smtp-security": "starttls",
        "smtp-user": "",
        "login": LOGIN,
        "member-address": computer.coordinator,
        "passphrase-file": str(passphrase),
    }
    computer.command("init", *(word for name, value in options.items() for word in (f"--{name}", value)))
    passphrase.unlink()
    password.unlink()
    for page in computer.folder.glob("recovery-*.html"):  # printed, and in three safes
        page.unlink()


def _roles_on_the_server(made: SetUp) -> None:
    server, computer, ca = made.server, made.computer, str(made.server.dovecot.certificates.ca)
    (server.folder / "secrets").mkdir(parents=True, mode=0o700)
    shutil.copy(computer.config, server.config)
    for name in (*(f"{each}-{DESK}" for each in OF_THE_SERVER), f"mailbox-password-{DESK}"):
        shutil.copy(computer.folder / "secrets" / name, server.folder / "secrets" / name)
    here = f"localhost:{made.postgres.port}/meldpost"
    urls = {
        name: f"postgresql://meldpost_{role}@{here}"
        for name, role in (("url", "daemon"), ("desk_url", "desk"), ("auditor_url", "auditor"))
    }
    box = {"ca_file": ca, "poll_seconds": 2, "timeout_seconds": 10}
    _write(server.config, {"database": urls, "smtp": {"ca_file": ca}, "mailboxes": {DESK: box}})
    _let_know(made, server, "localhost", "meldpost_owner", "meldpost_daemon")
    owner = {"MELDPOST_DATABASE__OWNER_URL": f"postgresql://meldpost_owner@{here}?sslmode=require"}
    replace(server, environment=server.environment | owner).command("init", "--roles")
    with psycopg.connect(made.postgres.url, autocommit=True) as connection:
        for role in ("meldpost_daemon", "meldpost_desk"):
            _set_password(connection, role)


def _only_the_desk_on_the_computer(made: SetUp) -> None:
    computer, kept = made.computer, {*(f"{name}-{DESK}" for name in OF_THE_DESK), "web-session-key"}
    for path in (computer.folder / "secrets").iterdir():
        if path.name not in kept:
            path.unlink()
    _write(computer.config, {"database": {"url": _from_afar(made, "meldpost_desk")}})
    _let_know(made, computer, HOST, "meldpost_desk")


def _from_afar(made: SetUp, role: str, **changed: str) -> str:
    asked = {"sslmode": "verify-full", "sslrootcert": str(made.certificates.ca), "hostaddr": "127.0.0.1", **changed}
    query = "&".join(f"{name}={value}" for name, value in asked.items() if value)
    return f"postgresql://{role}@{HOST}:{made.postgres.port}/meldpost?{query}"


def _let_know(made: SetUp, machine: Installation, host: str, *roles: str) -> None:
    """A machine's ~/.pgpass, and no other."""
    machine.folder.mkdir(exist_ok=True)
    file = machine.folder / ".pgpass"
    file.write_text("".join(f"{host}:{made.postgres.port}:meldpost:{role}:{PASSWORDS[role]}\n" for role in roles))
    file.chmod(0o600)
    machine.environment = {"PGPASSFILE": str(file)}


def _write(config: Path, changed: dict[str, Any]) -> None:
    document = tomlkit.parse(config.read_text(encoding="utf-8"))
    _put(document, changed)
    config.write_text(tomlkit.dumps(document), encoding="utf-8")


def _put(table: Any, changed: dict[str, Any]) -> None:
    for name, value in changed.items():
        if isinstance(value, dict):
            _put(table[name], value)
        else:
            table[name] = value


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_server_takes_mail_in_and_opens_nothing_and_the_coordinators_computer_opens_it(set_up: SetUp) -> None:
    set_up.computer.command("doctor", "--desk")
    set_up.server.command("doctor")
    set_up.take_in(1)
    computer = set_up.computer
    computer.start_desk()
    person = DeskClient(computer.desk_port)
    person.log_in(DESK, LOGIN, PASSPHRASE)
    [case] = person.cases("/?all=1")
    assert "Zwaluwenberg" in person.page(case)

    computer.command("rotate", "--login", LOGIN, typed=PASSPHRASE + "\n")
    set_up.server.command("rotate", "--pin")
    set_up.take_in(2)
    stolen, rightful = set_up.stolen(), set_up.rightful()
    assert (stolen.records, stolen.cases) == (0, frozenset())
    assert len(rightful.cases) == 2
    assert rightful.records == rightful.of > 0

    set_up.postgres.stop()  # while it runs, files of its come and go
    on_the_server = [*_files(set_up.server.folder), *_files(set_up.postgres.folder)]
    found = {word for path in on_the_server for word in WORDS if word.encode() in path.read_bytes()}
    set_up.postgres.start()
    assert found == set()


def test_the_computer_speaks_to_no_server_but_the_one_that_its_authority_vouches_for(
    set_up: SetUp, tmp_path: Path
) -> None:
    computer, config = set_up.computer, set_up.computer.config
    whole = config.read_text(encoding="utf-8")
    _write(config, {"database": {"url": _from_afar(set_up, "meldpost_desk", sslmode="require")}})
    unsafe = computer.attempt("desk")
    assert (unsafe.returncode, "sslmode=verify-full" in unsafe.stdout) == (1, True), unsafe.stdout
    config.write_text(whole, encoding="utf-8")
    set_up.postgres.use_tls(make_certificates(tmp_path, HOST), *HBA)
    refused = computer.attempt("desk")
    set_up.postgres.use_tls(set_up.certificates, *HBA)
    assert (refused.returncode, "certificate is not trusted" in refused.stdout) == (1, True), refused.stdout
    assert PASSWORDS["meldpost_desk"] not in refused.stdout
