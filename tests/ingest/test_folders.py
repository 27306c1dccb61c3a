"""Several folders of one mailbox, on a real Dovecot."""

import pytest
from sqlalchemy import select

from config.settings import MailboxSettings
from ingest.mail import ParsedMail
from ingest.raw import RawMail
from store.mailboxes import looks
from store.schema import Ledger
from tests.ingest.conftest import Dovecot, NewOffice
from tests.ingest.office import DESK, Reader, mail


@pytest.fixture
def account(dovecot: Dovecot) -> MailboxSettings:
    account = dovecot.account(folders=("INBOX", "Junk"))
    with dovecot.client(account) as client:
        client.create_folder("Junk")
    return account


def test_a_report_in_the_junk_folder_is_a_report(
    dovecot: Dovecot, account: MailboxSettings, new_office: NewOffice
) -> None:
    office = new_office(account)
    dovecot.deliver(account, mail(1), folder="Junk", flags=(b"$Junk", b"\\Seen"))
    assert office.take_in().taken == 1
    assert dovecot.uids(account, "Junk") == []
    assert len(dovecot.uids(account, "Verwerkt")) == 1
    assert len(office.receipts()) == 1


def test_every_uid_of_every_folder_has_a_row_and_what_has_no_result_is_told(
    dovecot: Dovecot, account: MailboxSettings, new_office: NewOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mail-cases 35"""
    office = new_office(account)
    dovecot.deliver(account, mail(1), mail(2, text="trouble"))
    dovecot.deliver(account, mail(3), flags=(b"\\Seen",))
    dovecot.deliver(account, mail(4), mail(5), folder="Junk", flags=(b"\\Flagged",))
    original = Reader.read

    def read(self: Reader, raw: RawMail) -> ParsedMail:
        if b"trouble" in b"".join(raw.chunks()):
            raise RuntimeError
        return original(self, raw)

    monkeypatch.setattr(Reader, "read", read)
    result = office.take_in()
    assert (result.taken, result.left) == (4, 1)
    with office.database.read() as session:
        rows = session.execute(select(Ledger.folder, Ledger.uid, Ledger.state).order_by(Ledger.folder, Ledger.uid))
        assert rows.all() == [
            ("INBOX", 1, "settled"),
            ("INBOX", 2, "attempted"),
            ("INBOX", 3, "settled"),
            ("Junk", 1, "settled"),
            ("Junk", 2, "settled"),
        ]
        assert [look.waiting for look in looks(session, DESK)] == [1]
    assert dovecot.uids(account) == [2]
