"""The settings that the promises rest on, and transactions that behave alike on both databases."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from store.database import Database, StoreError, clock, database_now, open_database
from store.schema import Desk, Due
from tests.store.world import NOW


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    database = open_database(f"sqlite:///{tmp_path}/meldpost.db")
    database.upgrade()
    return database


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("temp_store", 2),
        ("secure_delete", 1),
        ("busy_timeout", 30_000),
    ],
)
def test_sqlite_runs_with_the_settings_that_the_promises_need(sqlite: Database, setting: str, value: object) -> None:
    for way in (sqlite.begin, sqlite.read):
        with way() as session:
            assert session.execute(text(f"PRAGMA {setting}")).scalar_one() == value


def test_nobody_else_may_read_the_files(sqlite: Database, tmp_path: Path) -> None:
    with sqlite.begin() as session:
        session.add(Desk(slug="x", created_at=NOW))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"meldpost.db": 0o600, "meldpost.db-wal": 0o600, "meldpost.db-shm": 0o600}


def test_an_error_takes_the_whole_transaction_back(db: Database) -> None:
    def fail() -> None:
        with db.begin() as session:
            session.add(Desk(slug="x", created_at=NOW))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with db.read() as session:
        assert session.get(Desk, "x") is None


def test_a_writing_transaction_holds_the_lock_from_its_beginning(sqlite: Database) -> None:
    """Two that read first and write later would otherwise both read, and one fail for nothing."""
    inside = threading.Event()
    order: list[str] = []

    def second() -> None:
        inside.wait()
        with sqlite.begin() as session:
            session.scalars(select(Desk)).all()
            order.append("second")
            session.add(Desk(slug="second", created_at=NOW))

    thread = threading.Thread(target=second)
    thread.start()
    with sqlite.begin() as session:
        session.scalars(select(Desk)).all()
        inside.set()
        thread.join(timeout=0.2)  # gives the other every chance to come in between
        session.add(Desk(slug="first", created_at=NOW))
        session.flush()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_looking_waits_for_no_writer(sqlite: Database) -> None:
    with sqlite.begin() as writing:
        writing.add(Desk(slug="x", created_at=NOW))
        writing.flush()
        with sqlite.read() as session:
            assert session.get(Desk, "x") is None


def test_the_databases_clock_compares_with_times_in_rows(db: Database) -> None:
    with db.begin() as session:
        now = clock(session)
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
        session.add(Desk(slug="x", created_at=now - timedelta(seconds=5), outbox_paused_at=now + timedelta(seconds=90)))
        session.flush()
        past, soon, late = (
            session.scalars(select(Desk.slug).where(condition)).all()
            for condition in (
                Desk.created_at < database_now(),
                Desk.outbox_paused_at < database_now(60),
                Desk.outbox_paused_at < database_now(120),
            )
        )
    assert (list(past), list(soon), list(late)) == (["x"], [], ["x"])


def test_times_come_back_as_they_went_in(db: Database) -> None:
    at = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC).astimezone(tz=None)
    with db.begin() as session:
        session.add(Desk(slug="x", created_at=at))
    with db.read() as session:
        kept = session.get_one(Desk, "x").created_at
    assert kept == at
    assert kept.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(db: Database) -> None:
    with db.begin() as session, pytest.raises(SQLAlchemyError, match="time zone"):
        session.execute(select(Desk).where(Desk.created_at < datetime(2026, 1, 1)))  # noqa: DTZ001


def test_an_error_of_the_database_tells_no_values(db: Database) -> None:
    with db.begin() as session:
        session.add(Due(id="i", desk="zwanenzang", case_id="c", kind="k", step=0, due_at=NOW, state="open"))
        with pytest.raises(IntegrityError) as caught:
            session.flush()
        session.rollback()
    parameters = str(caught.value).split("[SQL", 1)[1]
    assert "zwanenzang" not in parameters


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://x/y", "mysql"),
        ("sqlite://", "no file"),
        ("sqlite:////nowhere/at/all.db", "folder"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_in_words(url: str, word: str) -> None:
    with pytest.raises(StoreError, match=word):
        open_database(url)
