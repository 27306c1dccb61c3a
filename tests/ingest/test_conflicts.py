"""A mail that names a member of the desk is told from others, however the name is spelled."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from cases.roles import Role
from cases.terms import DueKind
from config.settings import MailboxSettings, PersonSettings
from ingest.conflicts import named_members
from store import grants
from store.audit import Action
from store.casework import CaseView, view_case
from store.dues import set_due
from store.keyring import KeyRing, desk_keys, pins_of
from store.lookups import IndexKey
from store.outbox import Mail
from store.schema import CaseFile
from tests.ingest.conftest import Dovecot
from tests.ingest.office import COORDINATOR, DESK, REPORT, Office, mail
from tests.store.office import opened_kinds
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


# A later mail


@dataclass(frozen=True)
class Desk:
    """Rolf takes mails in; Anna is another who does, and sg is the second recipient."""

    office: Office
    anna: KeyRing
    second: KeyRing

    @property
    def rolf(self) -> KeyRing:
        return self.office.ring

    def opens(self, ring: KeyRing, case_id: str) -> bool:
        return bool(opened_kinds(self.office.database, ring, case_id) - {"trail"})


@pytest.fixture
def desk(office: Office) -> Desk:
    anna = office.join("anna", Role.DEPUTY)
    second = office.join("sg", Role.SECRETARY_GENERAL)
    office.set_people({office.ring.member_id: "Rolf Dijkgraaf", anna.member_id: "Anna de Boer"}, second.member_id)
    return Desk(office, anna, second)


def says(office: Office, *names: str) -> None:
    """Whom the machine takes to be concerned from now on."""
    office.understander.report = replace(REPORT, concerned=tuple(Concerned(name, None) for name in names))


def answer(receipt: Mail, number: int, **more: Any) -> bytes:
    return mail(number, fields=(f"In-Reply-To: {receipt.message_id}", *more.pop("fields", ())), **more)


def first_mail(dovecot: Dovecot, desk: Desk, account: MailboxSettings, *names: str) -> tuple[str, Mail]:
    """Take it in; gives its case, and its receipt."""
    says(desk.office, *names)
    dovecot.deliver(account, mail(1))
    desk.office.take_in()
    (case_id,) = desk.office.case_ids()
    return case_id, next(each for each in desk.office.outgoing() if each.recipient == "appie@home.example")


def test_a_later_mail_about_a_member_goes_into_a_linked_case_without_them_and_the_second_recipient_is_told(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings
) -> None:
    first, receipt = first_mail(dovecot, desk, account, "Piet Dijkstra")
    assert desk.opens(desk.rolf, first)
    says(desk.office, "Rolf Dijkgraaf")
    dovecot.deliver(account, answer(receipt, 2))
    desk.office.take_in()
    (later,) = set(desk.office.case_ids()) - {first}
    assert not desk.opens(desk.rolf, later)
    assert desk.opens(desk.anna, later)
    assert desk.opens(desk.second, later)
    assert {each.recipient for each in desk.office.outgoing()} == {
        "anna@ministry.example",
        "sg@ministry.example",
        "appie@home.example",
    }
    assert len(desk.office.case(first).messages) == 1
    assert desk.office.case(first).linked_case_ids == ()
    with desk.office.database.begin() as session:
        seen = view_case(session, desk.anna, later, datetime.now(UTC))
    assert seen.linked_case_ids == (first,)


def test_who_answered_so_is_not_reminded_in_the_first_case(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings
) -> None:
    first, receipt = first_mail(dovecot, desk, account, "Piet Dijkstra")
    with desk.office.database.begin() as session:
        set_due(session, DESK, first, DueKind.REMINDER, datetime.now(UTC))
    says(desk.office, "Rolf Dijkgraaf")
    dovecot.deliver(account, answer(receipt, 2))
    desk.office.take_in()
    assert DueKind.REMINDER not in {due.kind for due in desk.office.case(first).dues}


def test_a_later_mail_joins_a_case_that_is_kept_from_whom_it_names_already(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings
) -> None:
    first, receipt = first_mail(dovecot, desk, account, "Rolf Dijkgraaf")
    dovecot.deliver(account, answer(receipt, 2))
    desk.office.take_in()
    assert desk.office.case_ids() == [first]
    says(desk.office, "Rolf Dijkgraaf", "Anna de Boer")
    dovecot.deliver(account, answer(receipt, 3))
    desk.office.take_in()
    (later,) = set(desk.office.case_ids()) - {first}
    assert not desk.opens(desk.anna, later)
    assert not desk.opens(desk.rolf, later)
    assert desk.opens(desk.second, later)


def test_a_later_mail_that_names_nobody_of_the_desk_or_comes_from_a_machine_joins_its_case(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings
) -> None:
    first, receipt = first_mail(dovecot, desk, account, "Piet Dijkstra")
    dovecot.deliver(account, answer(receipt, 2))
    desk.office.take_in()
    says(desk.office, "Rolf Dijkgraaf")
    dovecot.deliver(account, answer(receipt, 3, fields=("Auto-Submitted: auto-replied",)))
    desk.office.take_in()
    assert desk.office.case_ids() == [first]
    assert len(desk.office.case(first).messages) == 3


# Linked to a restricted case


def shut_out(desk: Desk, case_id: str, member: KeyRing) -> None:
    """Anna keeps a member out of a case."""
    office = desk.office
    index, pins = IndexKey(office.secrets.key(f"index-key-{DESK}")), pins_of(office.settings.desks[DESK])
    with office.database.read() as session:
        keys = desk_keys(session, DESK, pins)
    about = (replace(desk.anna, root=pins.signing or b""), index, keys, case_id, member.member_id, "a friend of theirs")
    list(grants.shut_out(office.database, *about, by_request=False))


def take_in_linked(dovecot: Dovecot, desk: Desk, account: MailboxSettings, first: str, raw: bytes) -> str:
    """Gives the new case, linked to the first; all that waited to be sent before is gone."""
    desk.office.outgoing()
    before = set(desk.office.case_ids())
    dovecot.deliver(account, raw)
    desk.office.take_in()
    (later,) = set(desk.office.case_ids()) - before
    assert first in seen_by_anna(desk, later).linked_case_ids
    return later


def seen_by_anna(desk: Desk, case_id: str) -> CaseView:
    with desk.office.database.begin() as session:
        return view_case(session, desk.anna, case_id, datetime.now(UTC))


def follow_ups(desk: Desk, first: str) -> dict[str, bytes]:
    """Further mails of who reported, none with a token of ours."""
    reference = seen_by_anna(desk, first).reference
    return {
        "its reference": mail(2, subject=f"Re: onze melding [{reference}]"),
        "its first mail's Message-ID": mail(3, fields=("In-Reply-To: <1.abc@home.example>",)),
        "a machine": mail(4, subject=f"Re: [{reference}]", fields=("Auto-Submitted: auto-replied",)),
    }


@pytest.mark.parametrize("by", ["its reference", "its first mail's Message-ID", "a machine"])
def test_a_mail_that_is_linked_to_a_restricted_case_is_closed_to_the_same_members_and_no_notice_tells_them_of_it(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings, by: str
) -> None:
    first, _ = first_mail(dovecot, desk, account, "Piet Dijkstra")
    shut_out(desk, first, desk.rolf)
    later = take_in_linked(dovecot, desk, account, first, follow_ups(desk, first)[by])
    assert not desk.opens(desk.rolf, later)
    assert desk.opens(desk.anna, later)
    told = {each.recipient for each in desk.office.outgoing()}
    assert COORDINATOR not in told
    assert ("anna@ministry.example" in told) == (by != "a machine")
    seen = seen_by_anna(desk, later)
    kept_out = [each.detail for each in seen.timeline if each.action is Action.SHUT_OUT]
    assert [(each["member_name"], each["by_link"]) for each in kept_out] == [("coordinator", True)]
    again = take_in_linked(dovecot, desk, account, later, mail(9, subject=f"[{seen.reference}]"))
    assert not desk.opens(desk.rolf, again)


def test_a_cleared_mark_of_the_restricted_case_opens_nothing_that_is_linked_to_it(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings
) -> None:
    first, _ = first_mail(dovecot, desk, account, "Piet Dijkstra")
    shut_out(desk, first, desk.rolf)
    with desk.office.database.begin() as session:
        session.execute(update(CaseFile).values(restricted=False))
    later = take_in_linked(dovecot, desk, account, first, follow_ups(desk, first)["its reference"])
    assert not desk.opens(desk.rolf, later)


def test_a_mail_about_an_opener_of_a_restricted_case_is_kept_from_them_and_from_whom_that_case_is_kept_from(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings
) -> None:
    first, receipt = first_mail(dovecot, desk, account, "Piet Dijkstra")
    shut_out(desk, first, desk.rolf)
    says(desk.office, "Anna de Boer")
    dovecot.deliver(account, answer(receipt, 2))
    desk.office.take_in()
    (later,) = set(desk.office.case_ids()) - {first}
    assert not desk.opens(desk.rolf, later)
    assert not desk.opens(desk.anna, later)
    assert desk.opens(desk.second, later)


def test_a_case_linked_to_one_that_only_whom_it_names_opens_stays_closed_to_the_others_where_there_is_nobody_else(
    dovecot: Dovecot, desk: Desk, account: MailboxSettings
) -> None:
    first, _ = first_mail(dovecot, desk, account, "Piet Dijkstra")
    shut_out(desk, first, desk.rolf)
    shut_out(desk, first, desk.second)
    desk.office.set_people({desk.rolf.member_id: "Rolf Dijkgraaf", desk.anna.member_id: "Anna de Boer"})
    says(desk.office, "Anna de Boer")
    later = take_in_linked(dovecot, desk, account, first, follow_ups(desk, first)["its reference"])
    assert desk.opens(desk.anna, later)
    assert not desk.opens(desk.rolf, later)
    assert not desk.opens(desk.second, later)
