"""Who may do what in PostgreSQL: each process what it needs, and no more."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ProgrammingError

from store import database_rights, destruction
from store.database import open_database
from store.database_rights import DELETES, GRANTS, Process
from store.schema import Base
from tests.databases import ROLES, PostgresTemplates

TABLES = {table.name: [column.name for column in table.columns] for table in Base.metadata.sorted_tables}


@pytest.fixture(scope="module")
def engines(postgres_templates: PostgresTemplates) -> Iterator[dict[Process, Engine]]:
    """One database, as each process has it."""
    name = postgres_templates.create()
    database = open_database(postgres_templates.server.url_of(name))
    database.grant(ROLES)  # what is granted on a database itself no copy has
    database.close()
    url = make_url(postgres_templates.server.url_of(name)).set(drivername="postgresql+psycopg")
    made = {process: create_engine(url.set(username=role)) for process, role in ROLES.items()}
    yield made
    for engine in made.values():
        engine.dispose()
    postgres_templates.drop(name)


def is_refused(engine: Engine, statement: str) -> bool:
    with engine.connect() as connection:
        try:
            connection.execute(text(statement))
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") == "42501":  # insufficient_privilege
                return True
            raise
    return False


def test_every_column_is_granted_or_withheld_and_no_other_is_named() -> None:
    """Whoever adds a column says here who needs it."""
    assert {table: list(columns) for table, columns in GRANTS.items()} == TABLES
    assert set(DELETES) <= set(TABLES)


def test_a_grant_is_written_in_one_way() -> None:
    for columns in GRANTS.values():
        for given in columns.values():
            assert all(each in (".", "r", "w", "u", "rw", "ru", "wu", "rwu") for each in given.split())
            assert len(given.split()) == len(Process)


@pytest.mark.parametrize("process", Process)
def test_a_role_has_what_is_granted_and_nothing_else(engines: dict[Process, Engine], process: Process) -> None:
    asked = "select has_column_privilege(:table, :column, :verb)"
    verbs = {"r": "select", "w": "insert", "u": "update"}
    with engines[process].connect() as connection:
        for table, columns in TABLES.items():
            for right, verb in verbs.items():
                has = [
                    column
                    for column in columns
                    if connection.scalar(text(asked), {"table": table, "column": column, "verb": verb})
                ]
                assert has == list(database_rights.columns_of(process, table, right)), f"{verb} on {table}"
            for verb in ("delete", "truncate", "references", "trigger"):
                allowed = connection.scalar(
                    text("select has_table_privilege(:table, :verb)"), {"table": table, "verb": verb}
                )
                assert allowed == (verb == "delete" and database_rights.may_delete(process, table)), (
                    f"{verb} on {table}"
                )


@pytest.mark.parametrize("process", Process)
@pytest.mark.parametrize(
    "statement",
    [
        "update audit set action = 'look'",
        "update audit set detail = null",
        "delete from audit",
        "truncate audit",
        "alter table audit add column x int",
        "create table x (id int)",
        "create temporary table x (id int)",
        "update alembic_version set version_num = '0000'",
        "select setval('audit_id_seq', 1)",
        "delete from ledger",
        "delete from desk",
    ],
)
def test_nobody_but_the_owner_changes_the_trail_or_the_tables(
    engines: dict[Process, Engine], process: Process, statement: str
) -> None:
    assert is_refused(engines[process], statement)


@pytest.mark.parametrize(
    "statement",
    [
        "select frame from record",
        "select frame from record_piece",
        "select frame from sealed_seed",
        "select frame from session",
        "select wrapped_seed from member",
        "select login_digest from member",
        "select detail from audit",
        "update record set frame = null",
        "update key_pair set public = ''",
        "update signing_key set public = ''",
        "update sealed_seed set frame = ''",
        "delete from member",
        "delete from destruction",
        "insert into member (id) values ('x')",
        "insert into signing_key (id) values ('x')",
    ],
)
def test_the_daemon_writes_what_it_cannot_read_back(engines: dict[Process, Engine], statement: str) -> None:
    assert is_refused(engines[Process.DAEMON], statement)


@pytest.mark.parametrize(
    "statement",
    [
        "select frame from mailer_contact",
        "update ledger set state = 'gone'",
        "insert into ledger (id) values ('x')",
        "update record set frame = null",
        "update key_pair set public = ''",
    ],
)
def test_the_desk_takes_no_mail_in_and_sends_none(engines: dict[Process, Engine], statement: str) -> None:
    assert is_refused(engines[Process.DESK], statement)


OF_OTHER_KEYS = {"consent", "second_factor"}
"""Sealed to keys of the desk and of members, never to a case's: no row of theirs hangs on a case."""


@pytest.mark.parametrize("process", [Process.DAEMON, Process.DESK])
def test_who_destroys_cases_may_take_away_whatever_hangs_on_one(process: Process) -> None:
    tables = {step.table.name: step.table for step in destruction._steps("")} | {
        "case_file": Base.metadata.tables["case_file"]
    }
    assert {name for name in tables if not database_rights.may_delete(process, name)} <= OF_OTHER_KEYS
    for name, table in tables.items():
        named = {column.name for column in table.primary_key}
        assert named <= set(database_rights.columns_of(process, name, "r")), name


@pytest.mark.parametrize("table", TABLES)
def test_the_auditor_changes_nothing_and_reads_no_frame(engines: dict[Process, Engine], table: str) -> None:
    engine = engines[Process.AUDITOR]
    assert is_refused(engine, f'insert into "{table}" default values')
    assert is_refused(engine, f'delete from "{table}"')
    for column in TABLES[table]:
        assert is_refused(engine, f'update "{table}" set "{column}" = null')
        if column in ("frame", "wrapped_seed", "address"):
            assert is_refused(engine, f'select "{column}" from "{table}"')


def test_giving_the_grants_twice_is_giving_them_once(postgres_templates: PostgresTemplates) -> None:
    name = postgres_templates.create()
    database = open_database(postgres_templates.server.url_of(name))
    try:
        database.grant(ROLES)
        database.grant(ROLES)
    finally:
        database.close()
        postgres_templates.drop(name)
