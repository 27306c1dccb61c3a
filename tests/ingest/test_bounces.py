"""What comes back of our own mail: it is tied to what it is about, changes what it must, and never makes us write."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from cases.terms import DueKind
from config.settings import MailboxSettings
from ingest.bounces import came_back
from ingest.parse import parse_bytes
from notify.addressing import BOUNCE_MARK
from notify.keys import TOKEN_KEY_NUMBER, Mailer, SenderKeys
from notify.notices import QUIET_AFTER_BOUNCE
from notify.schedule import notify_members
from store import dues
from store.lookups import IndexKey, TokenKey
from store.outbox import Mail
from tests.ingest.conftest import Dovecot
from tests.ingest.office import COORDINATOR, DESK, Office, mail

FAILED = "Final-Recipient: rfc822; appie@home.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"


def report(
    about: Mail | None, block: str = FAILED, kind: str = "delivery-status", part: str = "message/delivery-status"
) -> bytes:
    """What a mail server says of one of our mails."""
    to = about.envelope_sender if about else "x@y.example"
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@home.example\r\nTo: {to}\r\nSubject: Report\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\nabout your mail\r\n--b\r\nContent-Type: {part}\r\n\r\n"
        f"Reporting-MTA: dns; x\r\n\r\n{block}\r\n--b--\r\n"
    ).encode()


def disposition(about: Mail | None) -> bytes:
    block = "Disposition: manual-action/MDN-sent-manually; displayed\r\n"
    return report(about, block, "disposition-notification", "message/disposition-notification")


NOT_FINAL: dict[str, Callable[[Mail | None], bytes]] = {
    "delayed": lambda about: report(about, FAILED.replace("failed", "delayed").replace("5.1.1", "4.4.1")),
    "delivered": lambda about: report(about, FAILED.replace("failed", "delivered").replace("5.1.1", "2.0.0")),
    "relayed": lambda about: report(about, FAILED.replace("failed", "relayed").replace("5.1.1", "2.0.0")),
    "read": disposition,
    "complaint": lambda about: report(about, "Feedback-Type: abuse\r\n", "feedback-report", "message/feedback-report"),
}


@pytest.mark.parametrize("kind", NOT_FINAL)
def test_a_mail_that_may_still_arrive_or_did_has_not_come_back(kind: str) -> None:
    assert not came_back(parse_bytes(NOT_FINAL[kind](None)))


@pytest.mark.parametrize(
    "bounce",
    [
        report(None),
        report(None, FAILED.replace("Action: failed\r\n", "")),
        report(None, "Final-Recipient: rfc822; x@home.example\r\n"),
        report(None, FAILED.replace("failed", "relayed") + "\r\n" + FAILED),
        b"From: MAILER-DAEMON@home.example\r\nSubject: Undelivered\r\n\r\nno such user\r\n",
        b"From: x@home.example\r\nX-Failed-Recipients: x@home.example\r\n\r\nno such user\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\nno such user\r\n",
    ],
)
def test_a_mail_that_failed_has_come_back_and_so_has_one_of_which_no_more_is_said(bounce: bytes) -> None:
    assert came_back(parse_bytes(bounce))


def test_a_delay_without_an_action_has_not_come_back() -> None:
    block = FAILED.replace("Action: failed\r\n", "").replace("5.1.1", "4.4.1")
    assert not came_back(parse_bytes(report(None, block)))


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Warning: message 1GdV3O-0002RD-H2 delayed 72 hours", "has not yet been delivered"),
        ("Delivery status", "host mx.home.example said: 450 4.2.1 try again"),
        ("Uw bericht is vertraagd", "nog niet bezorgd"),
    ],
)
def test_a_delay_in_plain_words_has_not_come_back(subject: str, said: str) -> None:
    late = f"From: MAILER-DAEMON@home.example\r\nSubject: {subject}\r\n\r\n{said}\r\n"
    assert not came_back(parse_bytes(late.encode()))
    assert came_back(parse_bytes(late.replace(said, f"{said}. 550 5.1.1 user unknown").encode()))


@pytest.fixture
def sent(dovecot: Dovecot, office: Office, account: MailboxSettings) -> Mapping[str, Mail]:
    """A case whose reporter waits for a reminder; its receipt and its notice to the coordinator are out."""
    dovecot.deliver(account, mail())
    office.take_in()
    by_recipient = {each.recipient: each for each in office.outgoing()}
    (case_id,) = office.case_ids()
    with office.database.begin() as session:
        dues.set_due(session, DESK, case_id, DueKind.REMINDER, datetime.now(UTC) + timedelta(days=14))
    return {"receipt": by_recipient["appie@home.example"], "notice": by_recipient[COORDINATOR]}


def bounced(office: Office) -> dict[str, bool]:
    (case,) = office.cases()
    return {each.kind.value: each.bounced for each in case.outgoing}


def is_reminded(office: Office) -> bool:
    return DueKind.REMINDER in {due.kind for due in office.cases()[0].dues}


@pytest.mark.parametrize("kind", NOT_FINAL)
def test_a_delay_or_a_receipt_for_reading_ends_no_reminder_and_is_no_bounce(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail], kind: str
) -> None:
    dovecot.deliver(account, NOT_FINAL[kind](sent["receipt"]))
    assert office.take_in().taken == 1
    assert bounced(office) == {"receipt": False, "notice": False}
    assert is_reminded(office)
    assert office.outgoing() == []


def test_a_receipt_that_came_back_ends_the_reminder(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail]
) -> None:
    """mail-cases 71, 79, 87"""
    dovecot.deliver(account, report(sent["receipt"]))
    office.take_in()
    assert bounced(office) == {"receipt": True, "notice": False}
    assert not is_reminded(office)


def test_a_bounce_of_where_a_receipt_was_passed_on_to_names_whom_it_went_to(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail]
) -> None:
    """RFC 3464 §2.3.1: the address that we wrote to is the original one; mail-cases 87"""
    block = "Original-Recipient: rfc822;Appie@home.example\r\n" + FAILED.replace("appie@", "a.ramdin@new-")
    dovecot.deliver(account, report(sent["receipt"], block))
    office.take_in()
    assert bounced(office) == {"receipt": True, "notice": False}
    assert not is_reminded(office)


def words_only(about: Mail, returned: str) -> bytes:
    """A bounce as qmail writes it: no report, the mail's header in its own words."""
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@home.example\r\nTo: integriteit@ministry.example\r\n"
        "Subject: failure notice\r\n\r\nHi. This is the qmail-send program at home.example.\r\n"
        f"<Appie@home.example>:\r\n550 5.1.1 no such user\r\n\r\n--- Below this line\r\n{returned}\r\n"
    ).encode()


def in_a_part(about: Mail) -> bytes:
    """A bounce with the returned mail as a part of no report."""
    return (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON <>\r\nTo: integriteit@ministry.example\r\n"
        b'Subject: Undeliverable\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="q"\r\n\r\n'
        b"--q\r\nContent-Type: text/plain\r\n\r\nappie@home.example is unknown here\r\n"
        b"--q\r\nContent-Type: message/rfc822\r\n\r\n" + about.mime + b"\r\n--q--\r\n"
    )


def failed_field(about: Mail) -> bytes:
    """A bounce as Exim writes it."""
    return words_only(about, f"Message-ID: {about.message_id}").replace(
        b"Subject:", b"X-Failed-Recipients: appie@home.example\r\nSubject:"
    )


WITHOUT_A_REPORT: dict[str, Callable[[Mail], bytes]] = {
    "its Message-ID in words": lambda about: words_only(about, f"Message-ID: {about.message_id}"),
    "its envelope sender in words": lambda about: words_only(about, f"Return-Path: <{about.envelope_sender}>"),
    "In-Reply-To": lambda about: words_only(about, "").replace(
        b"Subject:", f"In-Reply-To: {about.message_id}\r\nSubject:".encode()
    ),
    "the mail as a part": in_a_part,
    "X-Failed-Recipients": failed_field,
}


@pytest.mark.parametrize("kind", WITHOUT_A_REPORT)
def test_a_bounce_without_the_form_of_a_report_is_tied_to_what_came_back(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail], kind: str
) -> None:
    """mail-cases 71, 79"""
    dovecot.deliver(account, WITHOUT_A_REPORT[kind](sent["receipt"]))
    office.take_in()
    assert bounced(office) == {"receipt": True, "notice": False}
    assert not is_reminded(office)
    assert office.outgoing() == []


def test_a_stranger_with_the_token_who_lets_their_own_receipt_bounce_ends_no_reminder(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail]
) -> None:
    stranger = "stranger@elsewhere.example"
    dovecot.deliver(account, mail(2, sender=stranger, fields=(f"In-Reply-To: {sent['receipt'].message_id}",)))
    office.take_in()
    (theirs,) = office.outgoing()
    assert theirs.recipient == stranger
    dovecot.deliver(account, report(theirs, FAILED.replace("appie@home.example", stranger)), report(theirs))
    office.take_in()
    (case,) = office.cases()
    assert sorted(each.bounced for each in case.outgoing if each.kind == "receipt") == [False, True]
    assert is_reminded(office)


@pytest.mark.parametrize(
    "made_up",
    [
        lambda about: report(about, FAILED.replace("appie@", "somebody@")),
        lambda about: report(about, "Action: failed\r\n"),
        lambda about: (
            b"Authentication-Results: mx.ministry.example; dmarc=fail header.from=home.example\r\n" + report(about)
        ),
    ],
)
def test_a_bounce_that_does_not_know_whom_the_receipt_went_to_or_is_disowned_ends_no_reminder(
    dovecot: Dovecot,
    office: Office,
    account: MailboxSettings,
    sent: Mapping[str, Mail],
    made_up: Callable[[Mail], bytes],
) -> None:
    dovecot.deliver(account, made_up(sent["receipt"]))
    office.take_in()
    assert bounced(office) == {"receipt": True, "notice": False}
    assert is_reminded(office)


def test_a_notice_that_came_back_from_a_member_leaves_the_reporters_reminder_alone(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail]
) -> None:
    dovecot.deliver(account, report(sent["notice"]))
    office.take_in()
    assert bounced(office) == {"receipt": False, "notice": True}
    assert is_reminded(office)


def overdue_notice(office: Office) -> Mail:
    """The notice that a tick writes when a first look is overdue: it is about no one case."""
    with office.database.begin() as session:
        past = {"at": datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)}
        session.execute(text("UPDATE due SET due_at = :at, wake_at = :at WHERE kind = 'first_look'"), past)
    keys = SenderKeys(
        Mailer(office.secrets, DESK),
        TokenKey(TOKEN_KEY_NUMBER, office.secrets.key("token-key-desk")),
        IndexKey(office.secrets.key("index-key-desk")),
    )
    assert notify_members(office.settings, office.database, {DESK: keys}) == 1
    (notice,) = office.outgoing()
    assert notice.recipient == COORDINATOR
    return notice


MACHINES: dict[str, Callable[[Mail], bytes]] = {
    "bounce": report,
    "absent": lambda about: mail(
        7, sender=COORDINATOR, fields=("Auto-Submitted: auto-replied", f"In-Reply-To: {about.message_id}")
    ),
    "robot": lambda about: mail(
        7, sender="no-reply@ministry.example", fields=(f"References: {about.message_id}",), subject="Ontvangen"
    ),
    "list": lambda about: mail(
        7, sender="all@ministry.example", fields=("List-Id: <all>", f"In-Reply-To: {about.message_id}")
    ),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_that_answers_a_notice_of_the_schedule_brings_about_no_further_one(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail], machine: str
) -> None:
    """mail-cases 71"""
    dovecot.deliver(account, MACHINES[machine](overdue_notice(office)))
    assert not office.take_in().queued
    _, kept = office.cases()
    assert kept.dues == ()
    assert office.outgoing() == []


def test_a_person_who_answers_a_notice_of_the_schedule_is_heard_like_anybody(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail]
) -> None:
    notice = overdue_notice(office)
    dovecot.deliver(account, mail(7, sender=COORDINATOR, fields=(f"In-Reply-To: {notice.message_id}",)))
    office.take_in()
    assert DueKind.FIRST_LOOK in {due.kind for due in office.cases()[1].dues}


def test_a_member_of_whom_a_notice_came_back_gets_none_for_a_while(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail]
) -> None:
    """mail-cases 71, 87"""
    dovecot.deliver(account, report(overdue_notice(office)))
    dovecot.deliver(account, mail(8))
    office.take_in()
    assert [each.recipient for each in office.outgoing()] == ["appie@home.example"]
    with office.database.begin() as session:
        past = datetime.now(UTC).replace(tzinfo=None) - QUIET_AFTER_BOUNCE
        session.execute(text("UPDATE message SET taken_in_at = :at"), {"at": past})
    dovecot.deliver(account, mail(9, sender="iemand@home.example"))
    office.take_in()
    assert {each.recipient for each in office.outgoing()} == {"iemand@home.example", COORDINATOR}


@pytest.mark.parametrize("kind", NOT_FINAL)
def test_a_member_whose_notice_is_only_late_or_was_read_gets_the_next_one(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail], kind: str
) -> None:
    dovecot.deliver(account, NOT_FINAL[kind](sent["notice"]), mail(8))
    office.take_in()
    assert COORDINATOR in {each.recipient for each in office.outgoing()}


def test_a_bounce_with_a_token_that_is_not_ours_is_tied_to_nothing(
    dovecot: Dovecot, office: Office, account: MailboxSettings, sent: Mapping[str, Mail]
) -> None:
    """mail-cases 95"""
    local, _, _ = sent["receipt"].envelope_sender.partition("@")
    at = local.index(BOUNCE_MARK) + len(BOUNCE_MARK)
    forged = local[:at] + "a" * (len(local) - at)
    dovecot.deliver(account, report(sent["receipt"]).replace(local.encode(), forged.encode()))
    office.take_in()
    assert {each.bounced for case in office.cases() for each in case.outgoing} == {False}
