"""Any sequence of crashes, at any of the named points: nothing is lost, and nothing happens twice.

A crash is an exception that nothing catches. The system tests kill real processes at the same points; here hypothesis
looks for sequences that nobody thought of.
"""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from ingest.rounds import RoundResult
from ingest.take_in import MAX_ATTEMPTS
from store.schema import Ledger
from tests.ingest.conftest import Dovecot
from tests.ingest.office import Founded, Office, mail, open_office

POINTS = (
    "after-attempt",
    "after-fetch",
    "before-intake-commit",
    "after-intake-commit",
    "before-move",
    "between-copy-and-expunge",
    "after-move",
)
BEFORE_COMMIT = POINTS[:3]
USERS = ("ingest.rounds", "ingest.take_in", "ingest.sources.imap")


class Crash(BaseException):
    pass


@contextlib.contextmanager
def crashing(at: str, skip: int) -> Iterator[None]:
    """Crash when `at` is reached for the time after the first `skip` times."""
    passed = itertools.count()

    def fault(point: str) -> None:
        if point == at and next(passed) >= skip:
            raise Crash

    with pytest.MonkeyPatch.context() as patch:
        for module in USERS:
            patch.setattr(f"{module}.fault", fault)
        yield


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each example is a mail server's work: a failure is short enough unshrunk
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(crashes=st.lists(st.tuples(st.sampled_from(POINTS), st.integers(0, 2)), min_size=1, max_size=3))
def test_after_any_crashes_each_mail_is_one_message_with_one_receipt(
    any_dovecot: Dovecot, founded: Founded, crashes: list[tuple[str, int]]
) -> None:
    account = any_dovecot.account()
    one, two = mail(1, sender="one@home.example"), mail(2, sender="two@home.example")
    any_dovecot.deliver(account, one, two, b"Received: by another way\r\n" + one)
    mailbox = account.model_dump(exclude_defaults=True)
    with tempfile.TemporaryDirectory() as folder, open_office(Path(folder), founded, mailbox) as office:
        for point, skip in crashes:
            with crashing(point, skip):
                _round(office)
        _round(office)
        assert office.take_in() == RoundResult()
        states = [message.state for case in office.cases() for message in case.messages]
        receipts = [each.recipient for each in office.receipts()]
        assert _entries(office) == {"settled": 2, "duplicate": 1}
    assert len(states) == 2
    assert len(receipts) == len(set(receipts)) == states.count("read")
    if sum(point in BEFORE_COMMIT for point, _ in crashes) < MAX_ATTEMPTS:
        assert states == ["read", "read"]
    assert any_dovecot.uids(account) == []
    done = any_dovecot.bodies(account, "Verwerkt")
    assert {one, two} <= set(done)
    assert len(done) <= 3


def _round(office: Office) -> None:
    with contextlib.suppress(Crash):
        office.take_in()


def _entries(office: Office) -> dict[str, int]:
    with office.database.read() as session:
        return dict(session.execute(select(Ledger.state, func.count()).group_by(Ledger.state)).all())  # type: ignore[arg-type]
