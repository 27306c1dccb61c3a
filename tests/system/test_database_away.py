"""A database that is gone, full or read-only: mail waits in its mailbox, the log says why, and then it goes on."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.ledger import State
from store.schema import CaseFile, Ledger
from tests.system.installation import Installation, letter
from tests.system.postgres import Postgres

TEXT = "Goedemorgen,\n\nRolf Dijkgraaf laat 10 procent van elke factuur op zijn eigen rekening storten.\n"


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("NOT RUN: this test mounts a small disk, which takes root and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def post(installation: Installation, *numbers: int) -> None:
    for number in numbers:
        mail = letter(installation.reporter(f"r{number}"), installation.address, text=f"{TEXT}\n{number}\n")
        with installation.dovecot.mailbox(installation.address) as mailbox:
            mailbox.append(mail.as_bytes())


def assert_one_case_and_one_receipt_each(installation: Installation, count: int) -> None:
    installation.wait_taken(count)
    for number in range(1, count + 1):
        assert len(installation.receipts(1, f"r{number}")) == 1
    with installation.opened() as (session, _):
        assert session.query(CaseFile).count() == count
        assert session.query(Ledger).filter(Ledger.state != State.ATTEMPTED).count() == count
    assert "Dijkgraaf" not in installation.log()


def test_while_postgresql_is_gone_mail_waits_and_then_each_is_one_case(
    installation: Installation, postgres: Postgres
) -> None:
    """mail-cases 1, 37"""
    installation.set_up(database={"url": postgres.url})
    daemon = installation.start()
    post(installation, 1)
    installation.wait_taken(1)
    postgres.stop()
    post(installation, 2, 3)
    installation.wait_for_log(daemon, "the database server cannot be reached")
    assert installation.dovecot.count(installation.address) == 2
    postgres.start()
    assert_one_case_and_one_receipt_each(installation, 3)
    assert daemon.running


def test_on_a_full_disk_mail_waits_and_then_each_is_one_case(installation: Installation) -> None:
    """mail-cases 1, 37"""
    with small_disk(installation.folder / "disk", 24) as disk:
        installation.set_up(database={"url": f"sqlite:///{disk}/meldpost.db"})
        daemon = installation.start()
        post(installation, 1)
        installation.wait_taken(1)
        filler = disk / "filler"
        fill(filler)
        post(installation, 2, 3)
        installation.wait_for_log(daemon, "make room")
        assert installation.dovecot.count(installation.address) >= 1
        filler.unlink()
        assert_one_case_and_one_receipt_each(installation, 3)
        assert daemon.running
        installation.stop()


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(os.urandom(4096))


def test_with_a_read_only_database_mail_waits_and_then_each_is_one_case(installation: Installation) -> None:
    """mail-cases 1, 37"""
    with small_disk(installation.folder / "disk", 24) as disk:
        installation.set_up(database={"url": f"sqlite:///{disk}/meldpost.db"})
        post(installation, 1)
        installation.round()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        post(installation, 2, 3)
        program = installation.start(once=True)
        assert program.wait(120) != 0
        assert "The database file cannot be opened for writing" in program.text()
        assert installation.dovecot.count(installation.address) == 2
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        daemon = installation.start()
        assert_one_case_and_one_receipt_each(installation, 3)
        assert daemon.running
        installation.stop()
