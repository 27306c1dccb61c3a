"""`meldpost ingest`: mails from files, with the real readers and the real model."""

import mailbox
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from config.settings import load
from meldpost.cli import main
from meldpost.init import Made
from store.database import open_database
from store.outbox import OutboxState
from store.schema import CaseFile, Outbox

SAMPLES = Path(__file__).resolve().parents[2] / "meldpost" / "samples"
NAMES = ("02-afdeling", "31-tweemaal-bezorgd", "04-subvention", "17-afwezig", "20-ongelezen")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An mbox of five: a report twice, another, an out-of-office, one beyond the limits."""
    path = tmp_path / "old.mbox"
    with closing(mailbox.mbox(path)) as old:
        for name in NAMES:
            old.add((SAMPLES / f"{name}.eml").read_bytes())
    return path


def ingest(made: Made, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["ingest", "--config", str(made.config), *map(str, arguments)])


def test_an_mbox_is_taken_in_once_and_no_mail_goes_out_by_itself(made: Made, box: Path) -> None:
    first = ingest(made, box)
    assert first.exit_code == 0, first.output
    assert "4 taken in (1 of them unreadable), 1 were here already, 0 failed." in first.output
    again = ingest(made, box)
    assert "0 taken in (0 of them unreadable), 5 were here already, 0 failed." in again.output
    database = open_database(load(made.config).database.url)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseFile)) == 4
        assert set(session.scalars(select(Outbox.state))) == {OutboxState.HELD}
    database.close()


def test_an_account_that_is_not_there_is_said_before_anything_is_read(made: Made, box: Path) -> None:
    result = ingest(made, "--account", "other", box)
    assert result.exit_code == 1
    assert "It has: box." in result.output


def test_a_file_that_is_not_there_is_said(made: Made, tmp_path: Path) -> None:
    result = ingest(made, tmp_path / "none.eml")
    assert result.exit_code == 2
    assert "does not exist" in result.output
