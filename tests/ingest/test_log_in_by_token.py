"""A whole round, housekeeping and the watch by token, against a Dovecot that asks a provider of the test's own."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.cache import CacheFile
from access.credentials import Tokens, of_mailbox
from access.openid import OpenIdProvider
from config.secrets import Secrets, write_secret
from config.settings import MailboxSettings, OAuthSettings
from ingest.housekeeping import tidy
from ingest.raw import RawMail
from ingest.rounds import RoundResult
from ingest.sources.idle import watch
from ingest.sources.imap import Account, CannotConnect, connected
from tests.access.dovecot import by_token, endpoint_for_dovecot, running_dovecot_by_token
from tests.access.endpoint import SECRET, Endpoint, cache_of, log_as_written, no_secret_in
from tests.ingest.conftest import Dovecot, NewOffice
from tests.ingest.office import mail


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with endpoint_for_dovecot() as running:
        yield running


@pytest.fixture(scope="module", params=["oauthbearer", "xoauth2", "oauthbearer xoauth2"])
def dovecot_by_token(endpoint: Endpoint, request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    with running_dovecot_by_token(endpoint, request.param) as server:
        yield server


@pytest.fixture
def account(dovecot_by_token: Dovecot, endpoint: Endpoint) -> MailboxSettings:
    """A mailbox at that server, which the tokens of now on open."""
    settings = by_token(dovecot_by_token, endpoint)
    endpoint.user = settings.user
    endpoint.asked.clear()
    endpoint.answer_next = lambda _: None
    return settings


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    write_secret(tmp_path / "secrets", "oauth-secret-main", SECRET.encode())
    return Secrets(tmp_path / "secrets", {})


def test_a_round_by_token_takes_a_mail_in_and_moves_it(
    dovecot_by_token: Dovecot, endpoint: Endpoint, account: MailboxSettings, new_office: NewOffice
) -> None:
    office = new_office(account)
    write_secret(office.secrets.directory, "oauth-secret-main", SECRET.encode())
    (office.secrets.directory / "mailbox-password-main").unlink()
    dovecot_by_token.deliver(account, mail())
    with log_as_written() as written:
        assert office.take_in() == RoundResult(taken=1, queued=True)
        assert office.take_in() == RoundResult()
        assert tidy(office.settings, office.secrets, "main") == 0
    assert dovecot_by_token.uids(account, "Verwerkt") == [1]
    assert endpoint.grants() == ["client_credentials"]  # one token for all three
    assert no_secret_in(written.getvalue(), endpoint)


def test_a_token_that_the_server_refuses_is_fetched_anew_once(
    endpoint: Endpoint, account: MailboxSettings, secrets: Secrets
) -> None:
    tokens = of_mailbox(account, "main", secrets)
    with connected(account, tokens):
        endpoint.expire()  # before its time, as when rights change
    with connected(account, tokens) as connection:
        connection.open("INBOX")
    assert endpoint.grants() == ["client_credentials"] * 2


def test_a_token_that_expires_in_the_middle_of_a_round_costs_no_mail(
    dovecot_by_token: Dovecot,
    endpoint: Endpoint,
    account: MailboxSettings,
    new_office: NewOffice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = new_office(account)
    write_secret(office.secrets.directory, "oauth-secret-main", SECRET.encode())
    dovecot_by_token.deliver(account, *map(mail, range(3)))
    fetch, lost = Account.fetch, []

    def fetch_or_lose(self: Account, uid: int, size: int) -> RawMail:
        if uid == 2 and not lost:
            lost.append(uid)
            endpoint.expire()
            self._client.shutdown()  # as a server does when the session's token is over
        return fetch(self, uid, size)

    monkeypatch.setattr(Account, "fetch", fetch_or_lose)
    assert office.take_in() == RoundResult(taken=2, left=1, queued=True)  # the one that broke off waits for the next
    assert office.take_in() == RoundResult(taken=1, queued=True)
    assert endpoint.grants() == ["client_credentials"] * 2
    assert len(dovecot_by_token.uids(account, "Verwerkt")) == 3


def test_a_token_for_another_mailbox_is_refused_with_the_servers_status(
    endpoint: Endpoint, account: MailboxSettings, secrets: Secrets
) -> None:
    endpoint.user = "somebody-else"
    with log_as_written() as written, pytest.raises(CannotConnect) as caught:
        connected(account, of_mailbox(account, "main", secrets)).__enter__()
    assert "refuses the token (" in str(caught.value)
    assert "may the application open it?" in str(caught.value)
    assert endpoint.grants() == ["client_credentials"] * 2
    assert no_secret_in(str(caught.value) + written.getvalue(), endpoint)


def test_without_a_token_there_is_no_log_in_and_the_error_says_what_to_do(
    endpoint: Endpoint, account: MailboxSettings, secrets: Secrets
) -> None:
    endpoint.answer_next = lambda _: (400, {"error": "invalid_client", "error_codes": [7000222]})
    with pytest.raises(CannotConnect, match="the client secret has expired"):
        connected(account, of_mailbox(account, "main", secrets)).__enter__()


def test_a_server_that_takes_no_tokens_is_told(dovecot: Dovecot, endpoint: Endpoint, secrets: Secrets) -> None:
    settings = by_token(dovecot, endpoint)
    with pytest.raises(CannotConnect, match="neither OAUTHBEARER nor XOAUTH2"):
        connected(settings, of_mailbox(settings, "main", secrets)).__enter__()


def test_the_watch_logs_in_by_token_and_new_mail_wakes(
    dovecot_by_token: Dovecot, endpoint: Endpoint, account: MailboxSettings, secrets: Secrets
) -> None:
    woken, stop = threading.Semaphore(0), threading.Event()
    thread = threading.Thread(target=watch, args=(account, "main", secrets, woken.release, stop))
    thread.start()
    try:
        assert woken.acquire(timeout=20)
        dovecot_by_token.deliver(account, mail())
        assert woken.acquire(timeout=20)
    finally:
        stop.set()
        thread.join(10)


def test_a_persons_sign_in_opens_the_mailbox_again_and_again(
    endpoint: Endpoint, account: MailboxSettings, secrets: Secrets
) -> None:
    """mail-cases 33"""
    settings = OAuthSettings.model_validate(endpoint.oauth(flow="device_code"))
    OpenIdProvider(settings, "main", secrets).authorise(CacheFile(secrets.directory, "main"), lambda *_: None)
    tokens = Tokens(settings, "main", account.user, secrets)
    for _ in range(2):
        endpoint.expire()
        with connected(account, tokens) as connection:
            connection.open("INBOX")
        assert endpoint.refresh in cache_of(secrets.directory, "main").read_text()
