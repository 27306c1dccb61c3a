"""One process at a time reads a mailbox; when it is gone, another goes on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ingest.claims import claimed
from store import ledger
from store.database import Database, open_database
from store.schema import MailboxClaim
from tests.databases import Databases
from tests.system.waiting import wait_until


@pytest.fixture
def url(databases: Databases, tmp_path: Path) -> str:
    return databases.new(tmp_path)


@pytest.fixture
def here(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    database.close()


@pytest.fixture
def there(url: str) -> Iterator[Database]:
    """The same database, as another process has it."""
    database = open_database(url)
    yield database
    database.close()


def is_free(database: Database, account: str = "main") -> bool:
    with claimed(database, account) as extend:
        return extend is not None


def test_a_mailbox_is_claimed_by_one_alone_and_others_are_free(here: Database, there: Database) -> None:
    with claimed(here, "main") as extend:
        assert extend is not None
        assert extend()
        assert not is_free(there)
        assert is_free(there, "second")
    wait_until("the claim is given back", lambda: is_free(there), 10)


def test_the_claim_of_a_process_that_was_killed_is_taken_over(url: str, there: Database) -> None:
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with claimed(open_database(url), "main") as extend:
            os.write(tell, b"y" if extend else b"n")
            signal.pause()
    try:
        assert os.read(ready, 1) == b"y"
        assert not is_free(there)
        os.kill(child, signal.SIGKILL)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has buried it yet
        wait_until("the claim is taken over", lambda: is_free(there), 10)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_claim_that_the_database_dropped_cannot_be_extended(
    here: Database, there: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another may read the mailbox by now: stop."""
    monkeypatch.setattr("ingest.claims._EXTEND_AFTER", 0.0)
    with claimed(here, "main") as extend:
        assert extend is not None
        if here.dialect == "sqlite":
            with there.begin() as session:
                held = session.scalars(select(MailboxClaim)).one()
                held.holder, held.lease_until = "another machine", there.now().replace(year=2999)
        else:
            with there.begin() as session:
                locked = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                session.execute(
                    text(f"{locked} and database = (select oid from pg_database where datname = current_database())")
                )
        assert not extend()


def test_on_sqlite_the_claim_of_another_machine_is_waited_for(here: Database) -> None:
    if here.dialect != "sqlite":
        pytest.skip("PostgreSQL itself knows whether the other machine is there")
    assert ledger.claim_mailbox(here, "main", "another machine", 60)
    assert not is_free(here)
