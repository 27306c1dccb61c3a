"""The database server itself: nothing personal in its log, and no line to it but to the server that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from store import ledger, outbox, trouble
from store.database import Database, open_database
from store.ledger import AlreadyTakenIn, MailPlace
from store.outbox import NewOutgoing, OutgoingKind
from store.schema import Member, new_id
from tests.databases import _carry_over
from tests.desk.world import DESK, LOGIN, Prepared, Visitor, World, coordinator, make_world, prepare
from tests.system.certificates import Certificates, make_certificates
from tests.system.postgres import Postgres

TELLS_ALL = (
    "log_statement=all",
    "log_parameter_max_length=-1",
    "log_parameter_max_length_on_error=-1",
    "log_error_verbosity=verbose",
    "log_min_messages=info",
)
"""A server whose administrator wants to know everything, which is the worst case; by itself it tells far less."""

WORDS = (
    "Dijkgraaf",
    "Appie",
    "Ramdin",
    "appie@reporter.example",
    "factuur",
    "Melding over",
    "zwanenzang",
    "x.vreemd",
    LOGIN,
    "trommel",
)
"""Of the report, its reporter, a note, a search, and of log-ins."""


@dataclass
class OwnServers:
    """The form in which a desk's world asks for its database: this server has one."""

    server: Postgres

    def copy(self, file: Path, folder: Path) -> str:
        database = open_database(self.server.url)
        database.upgrade()
        database.close()
        _carry_over(f"sqlite:///{file}", self.server.url)
        return self.server.url

    def blank(self, folder: Path) -> str:
        raise NotImplementedError

    def new(self, folder: Path) -> str:
        raise NotImplementedError

    def as_process(self, url: str, process: object) -> str:
        return url


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def talkative() -> Iterator[Postgres]:
    server = Postgres(*TELLS_ALL, in_memory=True)
    yield server
    server.remove()


def test_no_error_of_the_database_puts_anything_personal_into_the_servers_log(
    prepared: Prepared, talkative: Postgres, tmp_path: Path
) -> None:
    world = make_world(prepared, tmp_path / "desk", OwnServers(talkative))
    case_id = world.new_case(files=[("zwanenzang.pdf", b"zwanenzang")]).case_id
    visitor = coordinator(world)
    visitor.post(f"/cases/{case_id}/notes", {"version": visitor.version(case_id), "text": "De zwanenzang."})
    visitor.search("zwanenzang")
    Visitor(world).log_in(login="x.vreemd")
    _make_statements_fail(world, case_id)
    world.close()
    for control, column in (("desk (slug, created_at)", "control"), ("login_attempt (digest, last_at)", b"control")):
        with psycopg.connect(talkative.url) as connection, pytest.raises(psycopg.Error):
            connection.execute(f"INSERT INTO {control} VALUES (%s, now()), (%s, now())", [column, column])
    log = talkative.log()
    assert {word in log for word in ("control", b"control".hex())} == {True}, "parameters that fail stand in this log"
    for error in ("duplicate key", "violates foreign key", "violates not-null", "value too long"):
        assert error in log, error
    assert [word for word in WORDS if word in log or word.encode().hex() in log] == []


def _make_statements_fail(world: World, case_id: str) -> None:
    """Each with what a report, a member or a mail holds among its parameters."""
    db = world.database
    taken = world.new_case()
    entries = [ledger.begin_attempt(db, DESK, MailPlace("post", "INBOX", 1, uid)) for uid in (1, 2)]
    digests = {"raw_digest": world.index.raw([b"Dijkgraaf"]), "stable_digest": world.index.stable([b"Dijkgraaf"])}
    ids = {"case_id": taken.case_id, "message_id": taken.message_id}
    with db.begin() as session:
        ledger.settle(session, entries[0].id, **digests, **ids)
    with pytest.raises(AlreadyTakenIn), db.begin() as session:
        ledger.settle(session, entries[1].id, **digests, **ids)

    new = NewOutgoing(
        id=world.hold_receipt(case_id),
        kind=OutgoingKind.RECEIPT,
        case_id=case_id,
        recipient="appie@reporter.example",
        mime=b"Subject: Dijkgraaf\r\n\r\nzwanenzang",
        message_id="<zwanenzang@desk.example>",
        envelope_sender="integriteit@desk.example",
        held=True,
        copy={"kind": "receipt", "subject": "Dijkgraaf", "text": "zwanenzang", "to": "appie@reporter.example"},
    )
    with pytest.raises(DBAPIError), db.begin() as session:
        outbox.enqueue(session, world.keys.mailer, world.index, new, world.clock.now)

    row = {"desk": DESK, "login_digest": world.index.login(LOGIN), "wrapped_seed": b"", "address": "a@desk.example"}
    for broken in ({"desk": "none", "login_digest": b""}, {"created_at": None}, {"id": "i" * 100}):
        values = {"id": new_id(), "created_at": world.clock.now, **row, **broken}
        with pytest.raises(DBAPIError), db.begin() as session:
            session.execute(insert(Member).values(**values))


# the line to the server


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, Certificates]]:
    certificates = make_certificates(tmp_path_factory.mktemp("ours"))
    server = Postgres(in_memory=True)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("ALTER ROLE meldpost PASSWORD 'geheim'")
    server.use_tls(certificates)
    yield server, certificates
    server.remove()


def _database(server: Postgres, **query: str) -> Database:
    asked = {"sslmode": "verify-full", **query}
    url = make_url(server.url).set(host="localhost", password="geheim").update_query_dict(asked)
    return open_database(url.render_as_string(hide_password=False))


def test_a_server_with_a_certificate_of_our_authority_is_spoken_to(secured: tuple[Postgres, Certificates]) -> None:
    server, certificates = secured
    database = _database(server, sslrootcert=str(certificates.ca))
    with database.own_connection() as connection:
        assert connection.exec_driver_sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").scalar() is True
    database.close()


def test_a_server_of_another_authority_or_another_name_is_not(
    secured: tuple[Postgres, Certificates], tmp_path: Path
) -> None:
    server, certificates = secured
    others = make_certificates(tmp_path)
    elsewhere = {"host": "db.ministry.example", "hostaddr": "127.0.0.1"}
    for query in ({"sslrootcert": str(others.ca)}, {"sslrootcert": str(certificates.ca), **elsewhere}):
        database = _database(server, **query)
        with pytest.raises(OperationalError) as raised:
            database.now()
        assert "certificate is not trusted" in trouble.describe(raised.value), raised.value
        assert "geheim" not in str(raised.value)
        database.close()
