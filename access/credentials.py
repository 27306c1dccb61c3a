"""With what an account logs in to its mail server: a password, or tokens that are fetched when they are needed."""

from collections.abc import Callable
from typing import Protocol

from access.cache import CacheFile
from access.errors import TokenRefused
from config.errors import SecretMissing
from config.secrets import Secrets
from config.settings import SMTP_ACCOUNT, MailboxSettings, OAuthSettings, Settings, SmtpSettings


class Provider(Protocol):
    def token(self, cache: CacheFile, *, renew: bool) -> str: ...


class Tokens:
    """Access tokens of one account. Holds places and not values: what it gives is kept in a file alone."""

    def __init__(self, settings: OAuthSettings, account: str, user: str, secrets: Secrets) -> None:
        self._settings = settings
        self._account = account
        self._user = user
        self._secrets = secrets
        self._cache = CacheFile(secrets.directory, account)

    def token(self, *, renew: bool = False) -> str:
        """A token that is good by the clock; with `renew` one that was never used. Raises NoToken, ConfigError."""
        provider = self._provider()
        with self._cache.turn():
            return provider.token(self._cache, renew=renew)

    def log_in(self, attempt: Callable[[str], None]) -> None:
        """Call `attempt` with a token; where the server refuses that (TokenRefused), once more with a fresh one."""
        try:
            attempt(self.token())
        except TokenRefused:
            attempt(self.token(renew=True))

    def _provider(self) -> Provider:
        # what is not used is not loaded
        if self._settings.flow == "service_account":
            from access.google import ServiceAccount

            return ServiceAccount(self._settings, self._account, self._user, self._secrets)
        from access.openid import OpenIdProvider

        return OpenIdProvider(self._settings, self._account, self._secrets)


Credential = str | Tokens
"""A password, or tokens."""


def accounts_by_token(settings: Settings) -> dict[str, OAuthSettings]:
    """Every account that logs in by token, the sender's among them."""
    mailboxes = settings.mailboxes_of(MailboxSettings)
    found = {account: mailbox.oauth for account, mailbox in mailboxes.items() if mailbox.oauth is not None}
    return found if settings.smtp.oauth is None else found | {SMTP_ACCOUNT: settings.smtp.oauth}


def tokens_of(settings: Settings, account: str) -> Tokens:
    """Tokens of one of `accounts_by_token`."""
    user = settings.smtp.user if account == SMTP_ACCOUNT else settings.mailboxes_of(MailboxSettings)[account].user
    return Tokens(accounts_by_token(settings)[account], account, user, settings.secrets())


def of_mailbox(settings: MailboxSettings, account: str, secrets: Secrets) -> Credential:
    """Raises ConfigError where the password is not there; whether there are tokens shows when one is needed."""
    if settings.oauth is not None:
        return Tokens(settings.oauth, account, settings.user, secrets)
    return secrets.text(f"mailbox-password-{account}")


def of_sender(settings: SmtpSettings, secrets: Secrets) -> Credential | None:
    """None where there is no log-in. Raises ConfigError."""
    if settings.oauth is not None:
        return Tokens(settings.oauth, SMTP_ACCOUNT, settings.user, secrets)
    return secrets.text("smtp-password") if settings.user else None


def secrets_are_there(settings: OAuthSettings, account: str, secrets: Secrets) -> None:
    """What the flow needs, without asking anybody. Raises ConfigError, which says what to do."""
    match settings.flow:
        case "service_account":
            secrets.text(f"oauth-service-account-{account}")
        case "client_credentials" if secrets.has(f"oauth-certificate-{account}"):
            secrets.text(f"oauth-certificate-{account}")
        case "client_credentials":
            secrets.text(f"oauth-secret-{account}")
        case "device_code" if CacheFile(secrets.directory, account).read() is None:
            raise SecretMissing(
                f"Nobody has signed in for the account {account!r} yet. Run: meldpost authorise {account}"
            )
