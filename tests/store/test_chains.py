"""The chains of the trail hold whatever becomes of the transactions that write them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import PoolProxiedConnection

from store import audit
from store.audit import Action
from store.chains import GENESIS
from store.database import Database, open_database
from store.verification import Wrong
from tests.databases import Databases
from tests.store.trail import DESK, chains, checkpoint, make_desk, rows, verify, write, write_in
from tests.store.world import NOW


@pytest.fixture
def url(databases: Databases, tmp_path: Path) -> str:
    return databases.new(tmp_path)


@pytest.fixture
def desk(url: str) -> Iterator[Database]:
    database = open_database(url)
    make_desk(database)
    yield database
    database.close()


def test_the_rows_of_a_process_are_one_chain_without_a_gap(desk: Database) -> None:
    write(desk, 3)
    write(desk, 2)
    (chain,) = chains(rows(desk)).values()
    assert [row["number"] for row in chain] == [1, 2, 3, 4, 5, 6]
    assert [row["previous"] for row in chain] == [GENESIS, *(row["hash"] for row in chain[:-1])]
    assert verify(desk).is_sound


def test_a_chain_begins_after_the_newest_row_of_any_other(desk: Database, url: str) -> None:
    write(desk)
    other = open_database(url)
    write(other)
    other.close()
    found = rows(desk)
    assert len(chains(found)) == 2
    assert found[-1]["number"] == 1
    assert found[-1]["previous"] == found[-2]["hash"]
    assert verify(desk).is_sound


def test_each_desk_has_chains_of_its_own(desk: Database) -> None:
    from store.members import create_desk

    with desk.begin() as session:
        create_desk(session, "steunpunt", NOW)
        write_in(session)
    found = rows(desk)
    assert len(chains(found)) == 2
    assert [row["previous"] for row in found if row["desk"] == "steunpunt"] == [GENESIS]
    assert verify(desk).is_sound


class GoneAway(Exception):
    """Something broke off."""


def fail() -> None:
    raise GoneAway


def write_and_roll_back(desk: Database, count: int) -> None:
    with suppress(GoneAway), desk.begin() as session:
        write_in(session, count)
        session.flush()
        fail()


def test_a_transaction_that_is_rolled_back_leaves_no_gap(desk: Database) -> None:
    write_and_roll_back(desk, 2)
    write(desk)
    (chain,) = chains(rows(desk)).values()
    assert [row["number"] for row in chain] == [1, 2]
    assert verify(desk).is_sound


def test_a_session_that_goes_on_after_a_rollback_writes_none_of_what_was_rolled_back(desk: Database) -> None:
    with desk.begin() as session:
        write_in(session, 2)
        session.rollback()
    write(desk)
    assert [row["number"] for row in rows(desk)] == [1, 2]
    assert verify(desk).is_sound


def test_a_savepoint_that_is_rolled_back_takes_its_rows_and_no_others(desk: Database) -> None:
    with desk.begin() as session:
        write_in(session, 1)
        with suppress(GoneAway), session.begin_nested():
            write_in(session, 2)
            fail()
        write_in(session, 1)
        with session.begin_nested():
            write_in(session, 1)
        write_in(session, 1)
    write(desk)
    assert [row["number"] for row in rows(desk)] == [1, 2, 3, 4, 5, 6]
    assert verify(desk).is_sound


def test_a_savepoint_in_which_the_first_row_was_written_takes_it_back_too(desk: Database) -> None:
    write(desk)
    with desk.begin() as session:
        with suppress(GoneAway), session.begin_nested():
            write_in(session)
            fail()
        write_in(session)
    assert verify(desk).is_sound


@pytest.mark.parametrize("went_through", [True, False])
def test_after_a_commit_of_which_nobody_knows_whether_it_went_through_a_new_chain_begins(
    desk: Database, went_through: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(desk)
    commit = desk._engine.dialect.do_commit

    def break_off(connection: PoolProxiedConnection) -> None:
        if went_through:
            commit(connection)
        fail()

    with monkeypatch.context() as patched:
        patched.setattr(desk._engine.dialect, "do_commit", break_off)
        with pytest.raises(GoneAway):
            write(desk)
    write(desk)
    assert len(rows(desk)) == 3 + went_through
    assert len(chains(rows(desk))) == 2
    assert verify(desk).is_sound


def test_two_transactions_at_once_write_two_chains_and_neither_waits(desk: Database) -> None:
    if desk.dialect == "sqlite":
        pytest.skip("one transaction after the other there")
    write(desk)
    with desk.begin() as one, desk.begin() as two:
        write_in(one)
        one.flush()
        write_in(two, 2)
        two.flush()
        write_in(one)
    write(desk)
    assert len(chains(rows(desk))) == 2
    assert verify(desk).is_sound


def test_a_statement_that_fails_takes_its_rows_with_it(desk: Database) -> None:
    again = text("INSERT INTO desk (slug, created_at) VALUES ('integriteit', '2026-01-01')")
    with suppress(IntegrityError), desk.begin() as session:
        write_in(session)
        session.execute(again)
    write(desk)
    assert [row["number"] for row in rows(desk)] == [1, 2]
    assert verify(desk).is_sound


def test_threads_of_one_process_leave_chains_that_verify(desk: Database) -> None:
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        for turn in range(8):
            if (turn + number) % 4 == 0:
                write_and_roll_back(desk, 2)
            else:
                write(desk, 1 + turn % 3)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verify(desk)
    assert found.is_sound
    assert found.rows == len(rows(desk)) > 60


def _write_for_ever(url: str, wrote: object) -> None:
    database = open_database(url)
    while True:
        for count in (1, 3):
            write(database, count)
            wrote.release()  # type: ignore[attr-defined]
        write_and_roll_back(database, 1)


def test_processes_that_write_at_once_and_are_killed_leave_chains_that_verify(desk: Database, url: str) -> None:
    context = multiprocessing.get_context("spawn")
    killed = 0
    for _ in range(2):
        signs = [context.Semaphore(0) for _ in range(2)]
        writers = [context.Process(target=_write_for_ever, args=(url, wrote), daemon=True) for wrote in signs]
        for writer in writers:
            writer.start()
        for turn in range(10):
            for wrote in signs:
                wrote.acquire()
            if turn == 5:
                checkpoint(desk)
            write(desk)
        for writer in writers:
            assert writer.pid
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
            killed += writer.exitcode == -signal.SIGKILL
    checkpoint(desk, all_rows=True)
    found = verify(desk)
    assert killed == 4
    assert found.is_sound
    assert found.chains >= 5
    assert found.uncovered is None


def test_a_process_that_was_forked_writes_a_chain_of_its_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/trail.db"
    desk = open_database(url)
    make_desk(desk)
    taken = desk._chains.take(DESK)
    assert taken is not None
    desk._chains.put_back(DESK, taken)
    child = os.fork()
    if child == 0:
        os._exit(0 if desk._chains.take(DESK) is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert desk._chains.take(DESK) == taken


def test_a_new_chain_costs_one_statement_and_an_old_one_none(tmp_path: Path) -> None:
    desk = open_database(f"sqlite:///{tmp_path}/trail.db")
    make_desk(desk)
    desk.close()
    counted: list[str] = []
    fresh = open_database(f"sqlite:///{tmp_path}/trail.db")
    event.listen(fresh._engine, "before_cursor_execute", lambda *a: counted.append(a[2]))
    write(fresh)
    assert [statement.split()[0] for statement in counted] == ["BEGIN", "SELECT", "INSERT"]
    counted.clear()
    write(fresh, 5)
    assert [statement.split()[0] for statement in counted] == ["BEGIN", "INSERT"]


def test_rows_of_before_there_were_chains_are_named_as_such_and_later_ones_are_not_taken_for_them(
    tmp_path: Path,
) -> None:
    from alembic import command

    from store.database import _alembic

    desk = open_database(f"sqlite:///{tmp_path}/trail.db")
    with desk._engine.begin() as connection:
        command.upgrade(_alembic(connection), "0005")
    old = sqlite3.connect(tmp_path / "trail.db")
    old.execute("INSERT INTO desk (slug, created_at) VALUES (?, '2026-01-01 00:00:00.000000')", (DESK,))
    row = "INSERT INTO audit (desk, at, action) VALUES (?, '2026-01-01 00:00:00.000000', 'look')"
    for _ in range(4):
        old.execute(row, (DESK,))
    old.commit()
    desk.upgrade()
    write(desk, 2)
    found = verify(desk)
    assert found.is_sound
    assert found.unhashed is not None
    assert (found.unhashed.rows, found.unhashed.first_id, found.unhashed.last_id) == (4, 1, 4)
    old.execute(row, (DESK,))
    old.commit()
    assert [(fault.wrong, fault.row_id) for fault in verify(desk).faults] == [(Wrong.INSERTED, 8)]
    old.execute("DELETE FROM audit WHERE id IN (2, 8)")
    old.commit()
    assert [(fault.wrong, fault.rows) for fault in verify(desk).faults] == [(Wrong.REMOVED, 1)]
    old.close()


def test_the_trail_is_only_written_in_a_writing_transaction(desk: Database) -> None:
    with desk.read() as session, pytest.raises(TypeError):
        audit.write(session, DESK, Action.LOOK, NOW)
