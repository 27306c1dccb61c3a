"""The daemon is killed at the worst moments and started again: nothing is lost, and nothing happens twice.

`MELDPOST_FAULT` names the moment. The kill takes the whole process group at once.
"""

import signal

import pytest

from tests.system.installation import Installation, letter
from tests.system.waiting import wait_until

INTAKE = (
    "after-attempt",
    "after-fetch",
    "in-reader",
    "before-intake-commit",
    "after-intake-commit",
    "before-move",
    "after-move",
)
SMTP = {"transaction_seconds": 8, "lease_seconds": 10, "timeout_seconds": 5}
SENT_TWICE = ("after-data-before-reply", "after-reply-before-mark")
NAMES = ("first", "second")


@pytest.mark.parametrize("point", INTAKE)
def test_killed_during_intake_every_mail_is_one_case_with_one_receipt(installation: Installation, point: str) -> None:
    _survives(installation, point)
    assert _receipts(installation) == [1, 1]


@pytest.mark.parametrize("point", ["before-move", "between-copy-and-expunge", "after-move"])
def test_killed_while_moving_without_move_every_mail_is_one_case(plain_installation: Installation, point: str) -> None:
    _survives(plain_installation, point)
    assert _receipts(plain_installation) == [1, 1]
    assert plain_installation.dovecot.count(plain_installation.address, "Verwerkt") == 2


def test_killed_before_data_every_receipt_goes_out_once(installation: Installation) -> None:
    _survives(installation, "before-data")
    assert _receipts(installation) == [1, 1]


@pytest.mark.parametrize("point", SENT_TWICE)
def test_killed_between_data_and_the_mark_a_receipt_may_come_twice_as_the_same_mail(
    installation: Installation, point: str
) -> None:
    _survives(installation, point)
    assert sorted(_receipts(installation)) == [1, 2]
    for name in NAMES:
        mails = installation.receipts(1, name)
        assert len({mail["Message-ID"] for mail in mails}) == 1


def test_killed_twice_in_the_reader_a_mail_is_kept_whole_as_unreadable(installation: Installation) -> None:
    installation.set_up(smtp=SMTP)
    _send(installation, NAMES[:1])
    for _ in range(2):
        assert installation.start(fault="in-reader=kill").wait(180) == -signal.SIGKILL
    installation.start()
    installation.wait_taken(1)
    assert installation.rows("select state from message") == [("unreadable",)]


def test_killed_again_and_again_nothing_is_lost_and_nothing_happens_twice(installation: Installation) -> None:
    installation.set_up(smtp=SMTP)
    _send(installation, NAMES)
    for point in ("after-attempt", "before-intake-commit", "after-intake-commit", "before-move", "before-data"):
        program = installation.start(fault=f"{point}=kill")
        wait_until(f"{point} was reached", lambda program=program: not program.running or _settled(installation), 180)
        program.stop()
    installation.start()
    _wait_settled(installation)
    assert (installation.count("case_file"), installation.count("message")) == (2, 2)
    assert all(count <= 1 for count in _receipts(installation))


@pytest.mark.parametrize(("point", "allowed"), [("before-data", 1), ("after-data-before-reply", 2)])
def test_a_sender_paused_beyond_its_lease_sends_no_further_mail(
    installation: Installation, point: str, allowed: int
) -> None:
    installation.set_up(smtp=SMTP)
    _send(installation, NAMES[:1])
    paused = installation.start(fault=f"{point}=stop")
    wait_until("the mail is being sent", lambda: _states(installation) == ["sending"], 150)
    other = installation.start()
    _wait_settled(installation)
    paused.signal_group(signal.SIGCONT)
    other.stop()
    paused.stop()
    _wait_until_delivered(installation)
    mails = installation.receipts(allowed, NAMES[0])
    assert len(mails) == allowed
    assert len({mail["Message-ID"] for mail in mails}) == 1


def _survives(installation: Installation, point: str) -> None:
    """Kill the daemon at this point, start it again, and wait until all is done."""
    installation.set_up(smtp=SMTP)
    _send(installation, NAMES)
    killed = installation.start(fault=f"{point}=kill")
    assert killed.wait(180) == -signal.SIGKILL, f"{point} was never reached\n{killed.text()}"
    killed.wait_until_group_is_gone()
    installation.start()
    _wait_settled(installation)
    installation.wait_taken(2)
    assert (installation.count("case_file"), installation.count("message")) == (2, 2)


def _send(installation: Installation, names: tuple[str, ...]) -> None:
    for name in names:
        reporter = installation.reporter(name)
        installation.send(letter(reporter, installation.address, text=f"Ik meld iets. {name}"), sender=reporter)
    installation.wait_in(len(names))


def _states(installation: Installation) -> list[str]:
    return sorted(state for (state,) in installation.rows("select state from outbox where kind = 'receipt'"))


def _settled(installation: Installation) -> bool:
    states = _states(installation)
    return (
        len(states) > 0 and set(states) <= {"sent", "failed"} and installation.dovecot.count(installation.address) == 0
    )


def _wait_settled(installation: Installation) -> None:
    installation.wait("all receipts are sent", lambda: _settled(installation), 240)


def _wait_until_delivered(installation: Installation) -> None:
    wait_until("the mail server has delivered all it has", installation.exim.is_empty, 60)


def _receipts(installation: Installation) -> list[int]:
    """How many receipts each reporter has in the end."""
    installation.stop()
    _wait_until_delivered(installation)
    return [installation.dovecot.count(installation.reporter(name)) for name in NAMES]
