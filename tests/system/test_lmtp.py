"""A real mail server delivers by LMTP into the running daemon: there is no mailbox, and nothing is lost or doubled."""

import signal
from email.message import EmailMessage
from typing import Any

import pytest

from store.schema import CaseFile
from tests.system.disk import fill, small_disk
from tests.system.installation import Installation, letter
from tests.system.postgres import Postgres
from tests.system.waiting import free_port, wait_until

KILLS = (
    "in-lmtp-data",
    "after-attempt",
    "in-reader",
    "before-intake-commit",
    "after-intake-commit",
    "before-lmtp-reply",
)


def set_up(installation: Installation, **more: dict[str, Any]) -> str:
    """A desk that has no mailbox; gives its address."""
    domain, port = f"lmtp{installation.number}.example", free_port()
    installation.exim.deliver_by_lmtp(domain, port)
    address = f"meldpunt@{domain}"
    installation.set_up(
        desk={"address": address},
        mailboxes={"desk": {"kind": "lmtp", "desk": "integriteit"}},
        lmtp={"listen": f"127.0.0.1:{port}"},
        smtp={"transaction_seconds": 8, "lease_seconds": 10, "timeout_seconds": 5},
        **more,
    )
    return address


def large_letter(installation: Installation, address: str) -> EmailMessage:
    text = "Ik meld iets.\n" + "Dit stuk van het verhaal is lang en staat hier om ruimte te vullen.\n" * 8000
    return letter(installation.reporter(), address, text=text)


def test_what_a_mail_server_delivers_is_a_case_with_a_receipt_and_an_answer_to_that_joins_it(
    installation: Installation,
) -> None:
    address = set_up(installation)
    installation.start()
    installation.send(letter(installation.reporter(), address), to=address)
    (receipt,) = installation.receipts()
    reply_to = str(receipt["Reply-To"])
    assert "+" in reply_to
    installation.send(letter(installation.reporter(), address, subject="Nog iets"), to=reply_to)
    installation.wait("the answer is in", lambda: installation.count("message") == 2)
    assert installation.count("case_file") == 1
    assert installation.rows("select distinct folder from ledger") == [("delivery",)]


def test_an_address_that_is_not_the_desks_bounces_and_a_mail_with_the_null_sender_gets_no_receipt(
    installation: Installation,
) -> None:
    """mail-cases 70"""
    address = set_up(installation)
    installation.start()
    installation.send(letter(installation.reporter(), address), to=address.replace("meldpunt", "nobody"))
    (bounce,) = installation.receipts()
    assert "550 5.1.1" in bounce.as_string()
    installation.send(letter(installation.reporter("robot"), address), sender="", to=address)
    installation.wait("it is in", lambda: installation.count("message") == 1)
    installation.stop()
    assert installation.rows("select kind from outbox where kind = 'receipt'") == []


@pytest.mark.parametrize("point", KILLS)
def test_killed_while_a_mail_is_delivered_the_mail_server_keeps_it_and_it_is_one_case_with_one_receipt(
    installation: Installation, point: str
) -> None:
    address = set_up(installation)
    killed = installation.start(fault=f"{point}=kill")
    installation.wait_for_log(killed, "started")
    installation.send(large_letter(installation, address), to=address)
    assert killed.wait(180) == -signal.SIGKILL, f"{point} was never reached\n{killed.text()}"
    killed.wait_until_group_is_gone()
    assert not installation.exim.is_empty()
    installation.start()
    wait_until("the mail server is rid of it", installation.exim.is_empty, 120)
    installation.receipts()
    installation.wait(
        "all is sent", lambda: installation.rows("select state from outbox") == [("sent",), ("sent",)], 120
    )
    assert (installation.count("case_file"), installation.count("message")) == (1, 1)
    assert installation.dovecot.count(installation.reporter()) == 1


def test_a_flood_of_mails_is_taken_in_by_one_worker_after_the_other(installation: Installation) -> None:
    address = set_up(installation)
    daemon = installation.start()
    for number in range(60):
        installation.send(letter(installation.reporter(), address, text=f"Ik meld iets, {number}."), to=address)
    installation.wait("all are in", lambda: installation.count("message") == 60, 240)
    wait_until("the mail server is rid of them", installation.exim.is_empty, 60)
    installation.wait("two workers have ended", lambda: daemon.text().count(" INFO meldpost.work: lmtp: ") >= 2)
    assert installation.rows("select state, count(*) from ledger group by state") == [("settled", 60)]
    assert "Traceback" not in daemon.text()


def test_on_a_full_disk_the_mail_server_keeps_the_mail_and_then_each_is_one_case(installation: Installation) -> None:
    """mail-cases 37"""
    with small_disk(installation.folder / "disk", 24) as disk:
        address = set_up(installation, database={"url": f"sqlite:///{disk}/meldpost.db"})
        daemon = installation.start()
        filler = disk / "filler"
        installation.wait_for_log(daemon, "started")
        fill(filler)
        installation.send(large_letter(installation, address), to=address)
        installation.wait_for_log(daemon, "a delivery was put off")
        assert not installation.exim.is_empty()
        filler.unlink()
        _is_one_case(installation)
        assert daemon.running
        installation.stop()


def test_while_postgresql_is_gone_the_mail_server_keeps_the_mail_and_then_it_is_one_case(
    installation: Installation, postgres: Postgres
) -> None:
    address = set_up(installation, database={"url": postgres.url})
    daemon = installation.start()
    installation.wait_for_log(daemon, "started")
    postgres.stop()
    installation.send(letter(installation.reporter(), address), to=address)
    installation.wait_for_log(daemon, "a delivery was put off")
    assert not installation.exim.is_empty()
    postgres.start()
    _is_one_case(installation)
    assert daemon.running


def _is_one_case(installation: Installation) -> None:
    wait_until("the mail server is rid of it", installation.exim.is_empty, 120)
    assert len(installation.receipts()) == 1
    with installation.opened() as (session, _):
        assert session.query(CaseFile).count() == 1
