"""The demo's mail server, spoken to by the same libraries that the daemon uses."""

import smtplib
from collections.abc import Iterator

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from meldpost.postoffice import HOST, PostOffice
from meldpost.samples import samples

DESK = "desk@demo.example"


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice(imap_port=0, smtp_port=0) as office:
        office.open_mailbox(DESK)
        yield office


def send(post: PostOffice, mail: bytes, to: str = DESK) -> None:
    with smtplib.SMTP(HOST, post.smtp_port, local_hostname="test.example") as client:
        client.sendmail("a@home.example", [to], mail)


def log_in(post: PostOffice, address: str = DESK) -> IMAPClient:
    client = IMAPClient(HOST, post.imap_port, ssl=False, timeout=10)
    client.login(address, post.password)
    return client


def test_it_offers_all_that_the_daemon_likes_to_use(post: PostOffice) -> None:
    with log_in(post) as client:
        assert {b"IDLE", b"MOVE", b"UIDPLUS"} <= set(client.capabilities())


def test_mail_to_a_tagged_address_comes_to_its_mailbox_byte_for_byte(post: PostOffice) -> None:
    mail = b"From: a@home.example\r\nSubject: x\r\n\r\nline\r\n.dot\r\n\xff\x00 odd bytes\r\n"
    send(post, mail, to="desk+token@demo.example")
    (delivered,) = post.mails_of(DESK)
    assert delivered.endswith(mail)
    assert delivered.startswith(b"Return-Path: <a@home.example>\r\nDelivered-To: desk+token@demo.example\r\n")
    with log_in(post) as client:
        client.select_folder("INBOX")
        (uid,) = client.search("ALL")
        assert client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"] == delivered


def test_idle_tells_of_new_mail(post: PostOffice) -> None:
    with log_in(post) as client:
        client.select_folder("INBOX")
        client.idle()
        send(post, b"From: a@home.example\r\n\r\nhello\r\n")
        assert (1, b"EXISTS") in client.idle_check(timeout=10)
        client.idle_done()


def test_a_mail_is_moved_whole(post: PostOffice) -> None:
    send(post, b"From: a@home.example\r\n\r\nhello\r\n")
    (before,) = post.mails_of(DESK)
    with log_in(post) as client:
        client.create_folder("Verwerkt")
        client.select_folder("INBOX")
        client.move(client.search("ALL"), "Verwerkt")
        assert client.search("ALL") == []
    assert post.mails_of(DESK, "Verwerkt") == [before]


def test_a_wrong_password_opens_nothing(post: PostOffice) -> None:
    client = IMAPClient(HOST, post.imap_port, ssl=False, timeout=10)
    with pytest.raises(LoginError):
        client.login(DESK, "wrong")
    client.shutdown()


def test_a_taken_port_is_left_to_who_has_it(post: PostOffice) -> None:
    with PostOffice(imap_port=post.imap_port, smtp_port=post.smtp_port) as second:
        assert {second.imap_port, second.smtp_port}.isdisjoint({post.imap_port, post.smtp_port})


def test_every_sample_can_be_delivered(post: PostOffice) -> None:
    for sample in samples():
        send(post, sample.mail)
    assert [mail.partition(b"Received: ")[2].partition(b"\r\n")[2] for mail in post.mails_of(DESK)] == [
        sample.mail for sample in samples()
    ]
