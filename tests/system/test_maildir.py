"""The daemon over a Maildir, killed at the worst moments: nothing is lost, and nothing happens twice."""

import signal
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.system.installation import Installation, letter

KILLS = (
    "after-attempt",
    "after-fetch",
    "in-reader",
    "before-intake-commit",
    "after-intake-commit",
    "before-move",
    "after-move",
)


def set_up(installation: Installation) -> Path:
    path = installation.folder / "mail"
    for where in ("new", "cur", "tmp", ".Junk/new", ".Junk/cur", ".Junk/tmp"):
        (path / where).mkdir(parents=True)
    installation.set_up(
        mailboxes={"desk": {"kind": "maildir", "desk": "integriteit", "path": "mail", "folders": ["", "Junk"]}},
        smtp={"transaction_seconds": 8, "lease_seconds": 10, "timeout_seconds": 5},
    )
    return path


def deliver(path: Path, mail: EmailMessage, name: str, folder: str = "") -> None:
    (path / folder / "tmp" / name).write_bytes(mail.as_bytes())
    (path / folder / "tmp" / name).rename(path / folder / "new" / name)


def lying(path: Path, where: str) -> int:
    return len(list((path / where).glob("*")))


def test_what_a_mail_server_puts_into_the_inbox_or_the_junk_folder_is_answered_and_moved(
    installation: Installation,
) -> None:
    path = set_up(installation)
    installation.start()
    for number, folder in enumerate(("", ".Junk")):
        reporter = installation.reporter(f"r{number}")
        deliver(path, letter(reporter, installation.address), f"{number}.M1.mx", folder)
    for number in range(2):
        installation.receipts(name=f"r{number}")
    installation.wait("both are moved", lambda: lying(path, ".Verwerkt/cur") == 2)
    assert lying(path, "new") + lying(path, ".Junk/new") == 0


@pytest.mark.parametrize("point", KILLS)
def test_killed_at_any_moment_a_mail_is_one_case_with_one_receipt(installation: Installation, point: str) -> None:
    path = set_up(installation)
    deliver(path, letter(installation.reporter(), installation.address), "1.M1.mx")
    killed = installation.start(fault=f"{point}=kill")
    assert killed.wait(180) == -signal.SIGKILL, f"{point} was never reached\n{killed.text()}"
    killed.wait_until_group_is_gone()
    installation.start()
    installation.wait("all is sent", lambda: installation.rows("select state from outbox") == [("sent",)] * 2, 120)
    installation.wait("it is moved", lambda: lying(path, ".Verwerkt/cur") == 1)
    assert (installation.count("case_file"), installation.count("message")) == (1, 1)
    installation.receipts()
    assert installation.dovecot.count(installation.reporter()) == 1
