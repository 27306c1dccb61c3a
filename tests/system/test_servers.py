"""The servers that the other tests lean on do what those take for granted."""

from tests.system.dovecot import Dovecot
from tests.system.exim import Exim

MAIL = b"From: someone@reporter.example\r\nTo: desk@desk.example\r\nSubject: servers\r\n\r\nHello.\r\n"


def test_mail_sent_by_smtp_lies_in_the_mailbox_of_its_address_without_the_detail(dovecot: Dovecot, exim: Exim) -> None:
    exim.send(MAIL, "someone@reporter.example", ["servers@desk.example", "servers+token@desk.example"])
    assert [mail["Subject"] for mail in dovecot.wait_for("servers@desk.example", 2)] == ["servers"] * 2


def test_an_address_that_does_not_exist_bounces_to_the_envelope_sender(dovecot: Dovecot, exim: Exim) -> None:
    exim.send(MAIL, "bounces+b.token@desk.example", ["gone@nowhere.example"])
    [bounce] = dovecot.wait_for("bounces@desk.example", 1)
    assert bounce.get_content_type() == "multipart/report"
    assert bounce["Return-Path"] == "<>"


def test_the_plain_server_offers_neither_move_nor_uidplus(dovecot: Dovecot, plain_dovecot: Dovecot) -> None:
    offered = []
    for server in (dovecot, plain_dovecot):
        with server.mailbox("servers@desk.example") as mailbox:
            offered.append({"MOVE", "UIDPLUS"} & set(mailbox.imap.capability()[1][0].decode().split()))
    assert offered == [{"MOVE", "UIDPLUS"}, set()]


def test_a_server_keeps_its_mail_when_it_is_stopped_and_started(plain_dovecot: Dovecot) -> None:
    with plain_dovecot.mailbox("kept@desk.example") as mailbox:
        mailbox.append(MAIL)
    plain_dovecot.stop()
    plain_dovecot.start()
    assert plain_dovecot.count("kept@desk.example") == 1
