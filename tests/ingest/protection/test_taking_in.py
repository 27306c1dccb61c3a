"""Encrypted mail on its whole way: from a mailbox into a case, and the receipt that its sender gets."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from sqlalchemy import text

from config.secrets import write_secret
from config.settings import MailboxSettings
from config.taxonomy import Kind, Severity
from ingest.automatic import Verdict
from ingest.mail import Protection
from ingest.message import mail_text, read_message
from ingest.raw import RawMail
from ingest.rounds import RoundResult
from tests.ingest.conftest import Dovecot, NewOffice
from tests.ingest.office import Office
from tests.ingest.protection.sealing import HEAD, REPORTER, WORDS, OpenSSL, read
from triage import load

PUBLISHED = "https://ministry.example/sleutel"


def sent_now(mail: bytes) -> bytes:
    now = format_datetime(datetime.now(UTC)).encode()
    return mail.replace(b"Thu, 01 Jan 2026 12:00:00 +0100", now)


def with_key(office: Office, openssl: OpenSSL, *names: str) -> None:
    write_secret(office.settings.secrets_dir, "smime-key-desk", openssl.keys(*names).smime)


def test_with_the_desks_key_the_report_is_read_and_its_receipt_tells_nothing_of_it(
    dovecot: Dovecot, office: Office, account: MailboxSettings, openssl: OpenSSL
) -> None:
    """mail-cases 68. The machine is sure that this is a report; the receipt is the neutral one all the same."""
    with_key(office, openssl)
    signed = openssl.signed_entity()
    dovecot.deliver(account, sent_now(openssl.encrypt(entity=signed)))
    assert office.take_in().taken == 1
    [case] = office.cases()
    content = case.messages[0].content
    assert content["text"].strip() == WORDS
    assert content["protection"]["encrypted"] == "smime"
    assert [each["result"] for each in content["protection"]["signatures"]] == ["valid"]
    assert [key["kind"] for key in content["sender_keys"]] == ["smime"]
    assert content["intake"]["receipt"] == "encrypted"
    [receipt] = (each for each in case.outgoing if each.kind == "receipt")
    assert "versleuteld" not in (receipt.text or "")
    assert "Binnen 3 maanden" not in (receipt.text or "")


def test_without_a_key_the_case_is_opened_and_the_receipt_says_what_can_be_done(
    dovecot: Dovecot, new_office: NewOffice, account: MailboxSettings, openssl: OpenSSL
) -> None:
    """mail-cases 46, 69"""
    office = new_office(account, desk={"encryption_key_at": PUBLISHED})
    dovecot.deliver(account, sent_now(openssl.encrypt()))
    assert office.take_in().taken == 1
    assert office.take_in() == RoundResult()  # once, and not at each round again
    [case] = office.cases()
    [message] = case.messages
    assert message.state == "read"
    assert message.content["protection"]["reason"] == "no_key"
    assert [each["name"] for each in message.content["attachments"]] == ["smime.p7m"]
    [receipt] = office.receipts()
    assert receipt.recipient == REPORTER
    [shown] = (each for each in case.outgoing if each.kind == "receipt")
    said = " ".join((shown.text or "").split())
    assert "zo versleuteld dat wij het niet kunnen openen" in said
    assert PUBLISHED in said
    with office.database.read() as session:
        assert session.execute(text("select attempts from ledger")).scalars().all() == [1]


def test_what_nobody_could_open_is_not_assessed(
    dovecot: Dovecot, office: Office, account: MailboxSettings, openssl: OpenSSL
) -> None:
    """mail-cases 69. Whoever encrypts has something to fear: that there are no words must not read as "no report"."""
    dovecot.deliver(account, sent_now(openssl.encrypt()))
    office.take_in()
    [case] = office.cases()
    assert case.messages[0].report == {"automatic": None, "marks": ["encrypted"]}
    assert case.report.get("severity") is None
    [receipt] = (each for each in case.outgoing if each.kind == "receipt")
    assert case.messages[0].content["intake"]["receipt"] == "encrypted"
    assert receipt.text


@pytest.mark.parametrize(
    ("words", "severity", "kept"),
    [
        (b"Hij heeft een mes en bedreigt mij nu, ik vrees voor mijn leven.\r\n", "acuut", {"severity", "kind"}),
        (b"Bijgaand het verslag van de vergadering van dinsdag.\r\n", "laag", set()),
    ],
)
def test_what_stands_around_what_nobody_could_open_makes_it_graver_and_never_lighter(
    words: bytes, severity: str, kept: set[str]
) -> None:
    protection = Protection("openpgp", opened=False, reason="no_key")
    mail = replace(read(HEAD + b"\r\n" + words), protection=protection)
    kind = Kind.MELDING if kept else Kind.OVERIG
    report = replace(load().understand(mail_text(mail)), severity=Severity(severity), kind=kind)
    new = read_message(
        RawMail.from_chunks([b"x"]),
        mail,
        report,
        Verdict(None, False, ""),
        datetime.now(UTC),
        authentication=None,
        flags=(),
        decided={},
    )
    assert {"severity", "kind", "missing"} & set(new.report) == kept


def test_what_names_our_key_and_does_not_open_gets_the_same_receipt_as_what_does(
    dovecot: Dovecot, office: Office, account: MailboxSettings, openssl: OpenSSL
) -> None:
    """Else whoever got hold of a mail to the desk could try changes to it until the receipts tell what it says."""
    with_key(office, openssl, "rsa")
    sealed = openssl.encrypt("-aes-256-gcm", "-outform", "SMIME")
    middle = sealed.index(b"\n\n") + 400 if b"\n\n" in sealed else len(sealed) // 2
    letter = b"A" if sealed[middle : middle + 1] != b"A" else b"B"
    broken = sealed[:middle] + letter + sealed[middle + 1 :]
    dovecot.deliver(account, sent_now(sealed), sent_now(broken))
    office.take_in()
    reasons = [case.messages[0].content["protection"]["reason"] for case in office.cases()]
    assert sorted(reasons) == ["", "broken"]
    texts = {
        re.sub(r"\d\d:\d\d", "", (each.text or "").replace(case.reference, ""))
        for case in office.cases()
        for each in case.outgoing
        if each.kind == "receipt"
    }
    assert len(texts) == 1


def test_a_decrypter_that_cannot_open_a_mail_holds_no_other_up(
    dovecot: Dovecot, office: Office, account: MailboxSettings, openssl: OpenSSL
) -> None:
    """mail-cases 46"""
    write_secret(office.settings.secrets_dir, "smime-key-desk", b"no key at all")
    dovecot.deliver(account, sent_now(openssl.encrypt()), sent_now(openssl.sign()))
    assert office.take_in().taken == 2
    assert {case.messages[0].state for case in office.cases()} == {"read"}
