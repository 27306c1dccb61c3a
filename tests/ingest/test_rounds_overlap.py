"""While a mail is read, the one before is committed: faster, and no mail pays for another."""

import time

import pytest
from sqlalchemy import select

from config.settings import MailboxSettings
from ingest import rounds
from ingest.mail import ParsedMail
from ingest.raw import RawMail
from ingest.sources.imap import Account
from store.schema import Ledger, Message
from tests.ingest.conftest import Dovecot
from tests.ingest.office import Office, Reader, Understander, mail
from triage import MailText, Report

PATIENCE = 20.0


class _Waiting(Reader):
    """Reads the second mail only when the first one is committed."""

    office: Office

    def read(self, raw: RawMail) -> ParsedMail:
        until = time.monotonic() + PATIENCE
        while self.read_mails == 1 and not self.office.case_ids():
            assert time.monotonic() < until, "the first mail is not committed while the second is read"
            time.sleep(0.01)
        return super().read(raw)


class _Killed(BaseException):
    """Stands for what ends a process without a word."""


class _KilledBy(Understander):
    """Ends the process at a mail with this word in it."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    def understand(self, mail: MailText) -> Report:
        if self._word in mail.own_text:
            raise _Killed
        return super().understand(mail)


def test_a_mail_is_committed_while_the_next_one_is_read(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail(1), mail(2), mail(3))
    reader = _Waiting()
    reader.office = office
    office.reader = reader
    assert office.take_in().taken == 3
    assert len(dovecot.uids(account, "Verwerkt")) == 3


def test_a_mail_that_ends_the_process_again_and_again_costs_only_itself_its_understanding(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(account, mail(1, text="zwanenzang"), mail(2), mail(3))
    office.understander = _KilledBy("zwanenzang")
    monkeypatch.setattr(rounds._Round, "_put_back", lambda _: None)  # who is killed puts nothing back
    for _ in range(2):
        with pytest.raises(_Killed):
            office.take_in()
    assert office.take_in().unreadable == 1
    with office.database.read() as session:
        assert sorted(session.scalars(select(Message.state))) == ["read", "read", "unreadable"]


def test_a_mail_that_was_read_when_the_round_had_to_end_keeps_its_attempts(
    dovecot: Dovecot, office: Office, account: MailboxSettings
) -> None:
    dovecot.deliver(account, mail(1, text="zwanenzang"), mail(2))
    office.understander = _KilledBy("zwanenzang")
    with pytest.raises(_Killed):
        office.take_in()
    with office.database.read() as session:
        assert dict(session.execute(select(Ledger.uid, Ledger.attempts)).all()) == {1: 1, 2: 0}


def test_a_mail_that_was_tried_before_begins_when_all_before_it_is_done(
    dovecot: Dovecot, office: Office, account: MailboxSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(account, mail(1, text="zwanenzang"), mail(2))
    monkeypatch.setattr(rounds._Round, "_put_back", lambda _: None)
    office.understander = _KilledBy("zwanenzang")
    with pytest.raises(_Killed):
        office.take_in()
    office.understander = Understander()

    def killed_while_moving(*_: object, **__: object) -> None:
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(Account, "set_aside", killed_while_moving)
        with pytest.raises(_Killed):
            office.take_in()
    with office.database.read() as session:
        assert dict(session.execute(select(Ledger.uid, Ledger.attempts)).all()) == {1: 2, 2: 1}
    assert office.take_in().taken == 1
