"""The main job, end to end: real servers, the real daemon process, mail in and mail out."""

import re
import signal
from datetime import UTC, datetime

import pytest

from ingest.housekeeping import tidy
from store.casework import view_case
from tests.system.installation import Installation, letter

TEXT = """Goedemorgen,

Op 3 maart heeft Rolf Dijkgraaf, contractmanager catering, mij tien procent van iedere factuur gevraagd in ruil voor
verlenging van het contract. Ik heb dat geweigerd. Mijn nummer is 06 - 24 81 77 03 en ik woon aan de Zinkwerf 31,
2544 EC Den Haag.

Anna de Boer
"""


def test_a_report_is_answered_within_seconds_and_lies_sealed_for_the_coordinator(installation: Installation) -> None:
    installation.set_up(mailbox={"poll_seconds": 3600})
    installation.start()
    mail = letter(installation.reporter(), installation.address, subject="Steekpenningen bij de catering", text=TEXT)
    installation.send(mail)

    [receipt] = installation.receipts(1)
    assert receipt["In-Reply-To"] == mail["Message-ID"]
    assert mail["Message-ID"] in receipt["References"]
    assert receipt["Auto-Submitted"] == "auto-replied"
    assert installation.address in receipt["From"]
    assert receipt["Subject"] == "Ontvangstbevestiging"
    assert not re.search("dijkgraaf|catering|factuur|steekpenningen|zinkwerf|24 81|boer", receipt.as_string(), re.I)

    installation.wait_taken(1)
    with installation.opened() as (session, ring):
        [(case_id,)] = installation.rows("select id from case_file")
        view = view_case(session, ring, case_id, datetime.now(UTC))
        assert view.messages[0].content["subject"] == "Steekpenningen bij de catering"
        assert "Rolf Dijkgraaf" in str(view.report)
    [notice] = installation.dovecot.wait_for(installation.coordinator, 1)
    assert not re.search("dijkgraaf|catering|factuur|boer", notice.as_string(), re.I)


def test_mail_is_noticed_by_idle_long_before_the_next_poll(installation: Installation) -> None:
    installation.set_up(mailbox={"poll_seconds": 3600})
    installation.start()
    for count in (1, 2, 3):
        installation.send(letter(installation.reporter(), installation.address, text=TEXT))
        installation.receipts(count)


def test_an_answer_to_the_receipt_joins_its_case(installation: Installation) -> None:
    installation.set_up()
    installation.start()
    installation.send(letter(installation.reporter(), installation.address, text=TEXT))
    [receipt] = installation.receipts(1)

    reply_to = receipt["Reply-To"].addresses[0].addr_spec
    answer = letter(
        installation.reporter(),
        reply_to,
        subject=f"Re: {receipt['Subject']}",
        text="Mijn telefoonnummer is 06 24 81 77 03.",
        headers={"In-Reply-To": receipt["Message-ID"], "References": receipt["Message-ID"]},
    )
    installation.send(answer, to=reply_to)
    installation.wait_taken(2)
    assert (installation.count("case_file"), installation.count("message")) == (1, 2)


def test_an_answer_whose_reply_address_was_lost_still_joins_by_its_headers(installation: Installation) -> None:
    """mail-cases 96"""
    installation.set_up()
    installation.start()
    installation.send(letter(installation.reporter(), installation.address, text=TEXT))
    [receipt] = installation.receipts(1)
    answer = letter(
        installation.reporter(), installation.address, headers={"In-Reply-To": receipt["Message-ID"]}, text="Meer."
    )
    installation.send(answer)
    installation.wait_taken(2)
    assert (installation.count("case_file"), installation.count("message")) == (1, 2)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk", "List-Id": "<news.list.example>"},
        {"X-Auto-Response-Suppress": "All", "Auto-Submitted": "auto-generated"},
    ],
    ids=["auto-reply", "list", "robot"],
)
def test_automatic_mail_is_kept_and_never_answered(installation: Installation, headers: dict[str, str]) -> None:
    """mail-cases 72"""
    installation.set_up()
    installation.send(letter(installation.reporter(), installation.address, text="Ik ben er niet.", headers=headers))
    installation.wait_in(1)
    installation.round()
    installation.wait_taken(1)
    assert installation.count("message") == 1
    assert installation.rows("select kind from outbox where kind = 'receipt'") == []
    assert installation.dovecot.count(installation.reporter()) == 0


def test_the_bounce_of_a_receipt_joins_its_case_and_is_never_answered(installation: Installation) -> None:
    """mail-cases 70, 79"""
    installation.set_up()
    gone = f"gone{installation.number}@nowhere.example"
    installation.start()
    installation.send(letter(gone, installation.address, text=TEXT), sender=installation.reporter())
    installation.wait_taken(2)
    assert (installation.count("case_file"), installation.count("message")) == (1, 2)
    assert len(installation.rows("select id from outbox where kind = 'receipt'")) == 1
    assert installation.rows("select count(*) from outbox where bounce_message_id is not null") == [(1,)]


def test_the_null_sender_gets_no_answer(installation: Installation) -> None:
    """mail-cases 70"""
    installation.set_up()
    installation.send(letter(installation.reporter(), installation.address, text=TEXT), sender="")
    installation.wait_in(1)
    installation.round()
    installation.wait_taken(1)
    assert installation.rows("select kind from outbox where kind = 'receipt'") == []


def test_a_server_without_move_and_uidplus_serves_as_well(plain_installation: Installation) -> None:
    plain_installation.set_up()
    plain_installation.start()
    for count in (1, 2):
        plain_installation.send(letter(plain_installation.reporter(), plain_installation.address, text=TEXT))
        plain_installation.receipts(count)
    plain_installation.wait_taken(2)
    assert plain_installation.count("case_file") == 2


def test_what_lay_in_the_done_folder_long_enough_is_expunged_and_nothing_else(installation: Installation) -> None:
    installation.set_up(mailbox={"keep_days": 0})
    with installation.dovecot.mailbox(installation.address) as mailbox:
        mailbox.imap.create("Verwerkt")
        mailbox.imap.append("Verwerkt", "", None, b"Subject: put here by a person\r\n\r\nMine.\r\n")  # type: ignore[arg-type]
    installation.send(letter(installation.reporter(), installation.address, text=TEXT))
    installation.wait_in(1)
    installation.round()
    installation.wait_taken(2)
    settings = installation.settings
    assert tidy(settings, settings.secrets(), "desk") == 1
    [left] = installation.dovecot.messages(installation.address, "Verwerkt")
    assert left["Subject"] == "put here by a person"


def test_sigterm_ends_the_daemon_within_five_seconds_and_leaves_no_process(installation: Installation) -> None:
    installation.set_up()
    daemon = installation.start()
    installation.send(letter(installation.reporter(), installation.address, text=TEXT))
    installation.receipts(1)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait(5) == 0
    daemon.wait_until_group_is_gone()


def test_sigterm_during_the_start_ends_the_daemon_too(installation: Installation) -> None:
    installation.set_up()
    daemon = installation.start()
    installation.wait_for_log(daemon, "")
    daemon.signal(signal.SIGTERM)
    daemon.wait(5)
    daemon.wait_until_group_is_gone()


def test_mail_servers_that_are_down_are_waited_for(installation: Installation) -> None:
    installation.set_up()
    installation.dovecot.stop()
    try:
        daemon = installation.start()
        installation.wait_for_log(daemon, "desk")  # it says that the mailbox cannot be reached
        installation.send(letter(installation.reporter(), installation.address, text=TEXT))
    finally:
        installation.dovecot.start()
    installation.receipts(1)
    assert daemon.running


def test_a_line_that_drops_is_taken_up_again(installation: Installation) -> None:
    installation.set_up()
    daemon = installation.start()
    installation.send(letter(installation.reporter(), installation.address, text=TEXT))
    installation.receipts(1)
    installation.dovecot.stop()
    installation.dovecot.start()
    installation.send(letter(installation.reporter(), installation.address, text=TEXT))
    installation.receipts(2)
    assert daemon.running


def test_receipts_wait_for_an_smtp_server_that_is_down(installation: Installation) -> None:
    """mail-cases 82"""
    installation.set_up()
    installation.exim.stop()
    try:
        daemon = installation.start()
        with installation.dovecot.mailbox(installation.address) as mailbox:
            mailbox.append(letter(installation.reporter(), installation.address, text=TEXT).as_bytes())
        installation.wait_taken(1)
    finally:
        installation.exim.start()
    installation.receipts(1)
    sent = "select state from outbox where kind = 'receipt'"
    installation.wait("the receipt is marked as sent", lambda: installation.rows(sent) == [("sent",)])
    assert daemon.running
