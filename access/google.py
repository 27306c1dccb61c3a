"""Access tokens of Google: a service account that may act for the mailbox's user (domain-wide delegation, RFC 7523)."""

import json
import time
from datetime import UTC
from typing import Any

from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from access.cache import CacheFile
from access.errors import NoToken
from access.explanations import explained
from access.http import Session
from config.secrets import Secrets
from config.settings import OAuthSettings

SCOPES = ("https://mail.google.com/",)
_EARLY_SECONDS = 300
"""A token is not used in the last minutes of its life."""


class ServiceAccount:
    """Tokens for one user, by the secret ``oauth-service-account-<account>``: the JSON file that Google gave."""

    def __init__(self, settings: OAuthSettings, account: str, user: str, secrets: Secrets) -> None:
        self._settings = settings
        self._account = account
        self._user = user
        self._secrets = secrets

    def token(self, cache: CacheFile, *, renew: bool) -> str:
        """Raises NoToken, ConfigError."""
        kept = None if renew else _kept(cache)
        if kept:
            return kept
        credentials = self._credentials()
        try:
            credentials.refresh(Request(Session(self._settings.timeout_seconds, self._settings.ca_file)))
        except RefreshError as error:
            raise explained(_answer(error), self._account, by_person=False) from None
        except (GoogleAuthError, OSError, ValueError) as error:
            raise NoToken(f"no access token: Google cannot be reached ({type(error).__name__})") from None
        expires = credentials.expiry.replace(tzinfo=UTC).timestamp()  # google-auth gives UTC without saying so
        cache.write(json.dumps({"token": credentials.token, "expires": expires}))
        return str(credentials.token)

    def _credentials(self) -> Any:
        name = f"oauth-service-account-{self._account}"
        scopes = list(self._settings.scopes or SCOPES)
        try:
            return Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                json.loads(self._secrets.text(name)), scopes=scopes, subject=self._user
            )
        except (ValueError, LookupError, TypeError, AttributeError, GoogleAuthError):
            raise NoToken(
                f"the secret {name} is not the JSON key of a Google service account. Put back the file as it was given"
            ) from None


def _kept(cache: CacheFile) -> str | None:
    try:
        kept = json.loads(cache.read() or "{}")
        good = kept["expires"] - _EARLY_SECONDS > time.time()
        return str(kept["token"]) if good else None
    except (ValueError, LookupError, TypeError):
        return None


def _answer(error: RefreshError) -> dict[str, Any]:
    """What the token endpoint said; google-auth gives it as the second argument."""
    return next((part for part in error.args if isinstance(part, dict)), {})
