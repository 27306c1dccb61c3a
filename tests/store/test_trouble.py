import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from store import trouble
from store.database import Database, open_database
from tests.databases import PostgresTemplates


def test_a_file_that_is_no_database_is_called_so_without_a_word_of_it(tmp_path: Path) -> None:
    (tmp_path / "meldpost.db").write_bytes(b"Rolf Dijkgraaf " * 500)
    database = open_database(f"sqlite:///{tmp_path}/meldpost.db")
    with pytest.raises(DBAPIError) as raised, database.begin() as session:
        session.execute(text("select 1"))
    assert trouble.describe(raised.value).startswith("the database file is no database")


def test_a_full_database_asks_for_room(db: Database) -> None:
    if db.dialect != "sqlite":
        pytest.skip("NOT RUN: SQLite's own limit stands in for a full disk")
    with db.begin() as session:
        session.execute(text("create table more (content blob)"))
        session.execute(text("pragma max_page_count = 1"))
        with pytest.raises(DBAPIError) as raised:
            session.execute(text("insert into more values (zeroblob(10000000))"))
    assert "make room" in trouble.describe(raised.value)


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    database = open_database("postgresql://meldpost@127.0.0.1:1/meldpost")
    with pytest.raises(DBAPIError) as raised:
        database.now()
    assert trouble.describe(raised.value) == "the database server cannot be reached"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (psycopg.errors.DiskFull(), "make room"),
        (psycopg.errors.ReadOnlySqlTransaction(), "only be read"),
        (psycopg.errors.AdminShutdown(), "shutting down"),
        (psycopg.errors.InvalidPassword(), "refuses the log-in"),
        (psycopg.errors.InvalidCatalogName(), "no such database"),
        (psycopg.errors.UniqueViolation(), ""),
    ],
)
def test_what_postgresql_says_is_put_into_our_words(error: psycopg.Error, said: str) -> None:
    described = trouble.describe(OperationalError("select Dijkgraaf", None, error))
    assert said in described
    assert bool(said) is bool(described)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('FATAL:  role "meldpost_desk" does not exist', "refuses the log-in"),
        ('FATAL:  password authentication failed for user "meldpost"', "refuses the log-in"),
        ("fe_sendauth: no password supplied", "refuses the log-in"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "meldpost"', "refuses the log-in"),
        ('FATAL:  database "meldpost" does not exist', "no such database"),
        ("FATAL:  sorry, too many clients already", "connections"),
        ("FATAL:  the database system is starting up", "starting"),
        ("FATAL:  something new", "its log says why"),
        ("connection refused", "cannot be reached"),
    ],
)
def test_a_server_that_lets_nobody_in_is_not_called_out_of_reach(words: str, said: str) -> None:
    described = trouble.describe(OperationalError("x", None, psycopg.OperationalError(words)))
    assert said in described
    assert ("cannot be reached" in described) is (words == "connection refused")


def test_a_server_that_knows_no_such_role_refuses_the_log_in(postgres_templates: PostgresTemplates) -> None:
    database = open_database(postgres_templates.server.url_of("postgres").replace("meldpost@", "nobody_here@"))
    with pytest.raises(DBAPIError) as raised:
        database.now()
    assert "refuses the log-in" in trouble.describe(raised.value)


def test_an_error_of_another_kind_is_not_explained_away() -> None:
    assert trouble.describe(OperationalError("x", None, sqlite3.OperationalError("no such table"))) == ""
