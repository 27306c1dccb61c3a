"""Whatever happens to the line to the mail server, at whichever command: nothing lost, nothing double, all said."""

import logging
from collections import Counter

import pytest

from ingest.sources.imap import SourceError
from tests.ingest.broken_line import Break, BrokenLine
from tests.ingest.conftest import Dovecot, NewOffice
from tests.ingest.office import COORDINATOR, Office, mail

MAILS = 1
COMMANDS = range(1, 200)
"""More than a round of a mail takes: the test ends at the first number that no command has."""


@pytest.mark.parametrize(
    ("any_dovecot", "how"),
    [
        *(("move", how) for how in Break),
        *((server, how) for server in ("copy", "neither") for how in (Break.UNANSWERED, Break.CUT)),
    ],  # the servers without MOVE differ only in what moves a mail: done or not, and half said
    indirect=["any_dovecot"],
)
def test_a_line_that_breaks_at_any_command_loses_nothing_and_doubles_nothing(
    how: Break, any_dovecot: Dovecot, new_office: NewOffice, caplog: pytest.LogCaptureFixture
) -> None:
    """mail-cases 2, 12, 13, 23, 25, 27, 32"""
    caplog.set_level(logging.INFO)
    broken: set[bytes] = set()
    for number in COMMANDS:
        caplog.clear()
        account = any_dovecot.account()
        sent = [mail(MAILS * number + each) for each in range(MAILS)]
        any_dovecot.deliver(account, *sent)
        line = BrokenLine(any_dovecot.port, how, number)
        with line.open():
            office = new_office(account.model_copy(update={"port": line.port, "timeout_seconds": 1}))
            said = rounds_until_all_is_moved(office, any_dovecot, account)
        if line.commands < number:
            break
        broken.add(line.broken_at)
        where = f"{how} at command {number}, {line.broken_at!r}"
        assert said or [record for record in caplog.records if record.levelno >= logging.WARNING] or harmless(line), (
            where
        )
        assert sorted(any_dovecot.bodies(account, "Verwerkt")) == sorted(sent), where
        receipts = Counter(each.recipient for each in office.outgoing() if each.recipient != COORDINATOR)
        assert receipts.total() == MAILS, where
        assert len(office.case_ids()) == MAILS, where
        assert "Dijkgraaf" not in caplog.text + said, where
        office.database.close()
    assert {b"LOGIN", b"SELECT", b"UID FETCH"} <= broken
    assert {b"UID MOVE", b"UID COPY"} & broken


def harmless(line: BrokenLine) -> bool:
    """At the end all is done already."""
    return line.broken_at == b"LOGOUT"


def rounds_until_all_is_moved(office: Office, dovecot: Dovecot, account: object) -> str:
    """As many rounds as it takes, as the daemon would begin them; gives what they raised."""
    said = ""
    for _ in range(6):
        try:
            office.take_in()
        except SourceError as error:
            said += f"{type(error).__name__}: {error}\n"
        if dovecot.uids(account) == []:  # type: ignore[arg-type]
            return said
    raise AssertionError(f"mails are left in the mailbox: {said}")
