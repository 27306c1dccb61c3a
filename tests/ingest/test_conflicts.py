"""A mail that names a member of the desk is told from others, however the name is spelled."""

import logging
from dataclasses import replace

import pytest

from config.settings import MailboxSettings, PersonSettings
from ingest.conflicts import named_members
from tests.ingest.conftest import Dovecot
from tests.ingest.office import DESK, REPORT, Office, mail
from triage import Concerned

ROLF, ANNA = "a" * 32, "b" * 32
PEOPLE = (
    PersonSettings(member=ROLF, names=("Rolf Dijkgraaf", "r.dijkgraaf@ministry.example")),
    PersonSettings(member=ANNA, names=("Anna Maria van den Boer",)),
)


@pytest.mark.parametrize(
    ("written", "who"),
    [
        ("Rolf Dijkgraaf", {ROLF}),
        ("R. Dijkgraaf", {ROLF}),
        ("dhr. Dijkgraaff", {ROLF}),
        ("mevrouw A.M. van den Boer", {ANNA}),
        ("Boer, Anna", {ANNA}),
        ("Rolf de Vries", set()),
        ("Piet Dijkstra", set()),
        ("", set()),
    ],
)
def test_a_member_is_known_by_their_name_as_names_are_compared(office: Office, written: str, who: set[str]) -> None:
    desk = office.settings.desks[DESK].model_copy(update={"people": PEOPLE})
    assert named_members(desk, replace(REPORT, concerned=(Concerned(written, None),))) == who


def test_a_mail_that_names_the_only_member_is_read_by_them_rather_than_by_nobody(
    dovecot: Dovecot, office: Office, account: MailboxSettings, caplog: pytest.LogCaptureFixture
) -> None:
    office.set_people({office.ring.member_id: "Rolf Dijkgraaf"})
    dovecot.deliver(account, mail())
    with caplog.at_level(logging.WARNING):
        assert office.take_in().taken == 1
    assert "name a second_recipient" in caplog.text
    assert len(office.cases()) == 1
