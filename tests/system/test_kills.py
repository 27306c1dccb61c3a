"""The daemon is killed at the worst moments and started again: nothing is lost, and nothing happens twice.

`MELDPOST_FAULT` names the moment. The kill takes the whole process group at once. Each mail makes two mails: a receipt
for its reporter and a notice for the coordinator; both are counted.
"""

import signal
from collections import Counter

import pytest

from ingest.housekeeping import tidy
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
NAMES = ("first", "second")


@pytest.mark.parametrize("point", INTAKE)
def test_killed_during_intake_every_mail_is_one_case_with_one_receipt(installation: Installation, point: str) -> None:
    """mail-cases 1, 3, 5, 37"""
    _survives(installation, point)
    assert _delivered(installation) == [1, 1, 1, 1]
    _leaves_nothing_in_the_done_folder(installation)


@pytest.mark.parametrize("point", ["before-move", "between-copy-and-expunge", "after-move"])
def test_killed_while_moving_without_move_every_mail_is_one_case(plain_installation: Installation, point: str) -> None:
    """mail-cases 1, 13"""
    _survives(plain_installation, point)
    assert _delivered(plain_installation) == [1, 1, 1, 1]
    _leaves_nothing_in_the_done_folder(plain_installation)


def test_killed_before_data_every_mail_goes_out_once(installation: Installation) -> None:
    """mail-cases 82, 90"""
    _survives(installation, "before-data")
    assert _delivered(installation) == [1, 1, 1, 1]


@pytest.mark.parametrize("point", ["after-data-before-reply", "after-reply-before-mark"])
def test_killed_between_data_and_the_mark_one_mail_may_come_twice_with_the_same_message_id(
    installation: Installation, point: str
) -> None:
    """mail-cases 81, 90"""
    _survives(installation, point)
    assert _delivered(installation) == [1, 1, 1, 2]


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
        killed = installation.start(fault=f"{point}=kill")
        wait_until(f"{point} was reached", lambda killed=killed: not killed.running or _settled(installation, 2), 180)
        killed.stop()
    installation.start()
    installation.wait("all is sent", lambda: _settled(installation, 2), 240)
    assert (installation.count("case_file"), installation.count("message")) == (2, 2)
    assert set(_delivered(installation)) == {1}


@pytest.mark.parametrize(("point", "delivered"), [("before-data", [1, 1]), ("after-data-before-reply", [1, 2])])
def test_a_sender_paused_beyond_its_lease_adds_no_mail_when_it_goes_on(
    installation: Installation, point: str, delivered: list[int]
) -> None:
    installation.set_up(smtp=SMTP)
    _send(installation, NAMES[:1])
    paused = installation.start(fault=f"{point}=stop")
    installation.wait("a mail is being sent", lambda: "sending" in _states(installation))
    installation.start()
    installation.wait("all is sent by another", lambda: _settled(installation, 1), 240)
    paused.signal_group(signal.SIGCONT)
    paused.stop()
    assert _delivered(installation) == delivered


def _survives(installation: Installation, point: str) -> None:
    """Kill the daemon at this point, start it again, and wait until all is done."""
    installation.set_up(smtp=SMTP)
    _send(installation, NAMES)
    killed = installation.start(fault=f"{point}=kill")
    assert killed.wait(180) == -signal.SIGKILL, f"{point} was never reached\n{killed.text()}"
    killed.wait_until_group_is_gone()
    installation.start()
    installation.wait("all is sent", lambda: _settled(installation, len(NAMES)), 240)
    installation.wait_taken(len(NAMES))
    assert (installation.count("case_file"), installation.count("message")) == (2, 2)


def _send(installation: Installation, names: tuple[str, ...]) -> None:
    for name in names:
        reporter = installation.reporter(name)
        installation.send(letter(reporter, installation.address, text=f"Ik meld iets. {name}"), sender=reporter)
    installation.wait_in(len(names))


def _states(installation: Installation) -> list[str]:
    return [state for (state,) in installation.rows("select state from outbox")]


def _settled(installation: Installation, mails: int) -> bool:
    return _states(installation) == ["sent"] * (2 * mails) and installation.dovecot.count(installation.address) == 0


def _delivered(installation: Installation) -> list[int]:
    """Stop everything, and give for each Message-ID that was delivered how often it was."""
    installation.stop()
    wait_until("the mail server has delivered all it has", installation.exim.is_empty, 60)
    boxes = [*(installation.reporter(name) for name in NAMES), installation.coordinator]
    came = Counter(str(mail["Message-ID"]) for box in boxes for mail in installation.dovecot.messages(box))
    return sorted(came.values())


def _leaves_nothing_in_the_done_folder(installation: Installation) -> None:
    """Wherever the kill came, the mails are known again later, and expunged when their time is over."""
    assert installation.dovecot.count(installation.address, "Verwerkt") == 2
    mailbox = installation.settings.mailboxes["desk"].model_copy(update={"keep_days": 0})
    settings = installation.settings.model_copy(update={"mailboxes": {"desk": mailbox}})
    tidy(settings, settings.secrets(), "desk")
    assert installation.dovecot.count(installation.address, "Verwerkt") == 0
