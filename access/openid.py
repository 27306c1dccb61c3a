"""Access tokens of Entra ID and of any other OpenID Connect provider, by MSAL.

Two ways: an application that is someone itself (client credentials, RFC 6749 §4.4), and a person who signs in once at
another device (RFC 8628), whose refresh token is kept in the cache file and replaced by each new one that comes.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import msal

from access.cache import CacheFile
from access.errors import NeedsAuthorisation, NoToken
from access.explanations import explained
from access.http import Session
from config.secrets import Secrets
from config.settings import SMTP_ACCOUNT, OAuthSettings

log = logging.getLogger(__name__)

LOGIN = "https://login.microsoftonline.com/"
APPLICATION_SCOPES = ("https://outlook.office365.com/.default",)
IMAP_SCOPES = ("https://outlook.office.com/IMAP.AccessAsUser.All",)
SMTP_SCOPES = ("https://outlook.office.com/SMTP.Send",)

_EARLY_SECONDS = 300
"""A token is not used in the last minutes of its life."""

ShowCode = Callable[[str, str], None]
"""Gets the address to open and the code to enter there."""


class OpenIdProvider:
    """Tokens for one account."""

    def __init__(self, settings: OAuthSettings, account: str, secrets: Secrets) -> None:
        self._settings = settings
        self._account = account
        self._secrets = secrets

    def token(self, cache: CacheFile, *, renew: bool) -> str:
        """One that is kept and still good, without asking anybody; else a new one. Raises NoToken, ConfigError."""
        kept = self._kept(cache)
        good = None if renew else self._still_good(kept)
        if good is not None:
            return good
        by_person = self._settings.flow == "device_code"
        answer = self._of_person(kept, renew=renew) if by_person else self._of_application(kept, renew=renew)
        if kept.has_state_changed:  # before the token is used: what is not kept now is lost (mail-cases 33)
            cache.write(kept.serialize())
        return self._access_token(answer)

    def authorise(self, cache: CacheFile, show: ShowCode) -> None:
        """Have a person sign in, wait until that is done, and keep what came of it. Raises NoToken."""
        kept = msal.SerializableTokenCache()
        application = self._application(msal.PublicClientApplication, kept)
        flow = self._asked(lambda: application.initiate_device_flow(scopes=self._scopes()))
        if "user_code" not in flow:
            raise explained(flow, self._account, by_person=False)
        show(str(flow["verification_uri"]), str(flow["user_code"]))
        self._access_token(self._asked(lambda: application.acquire_token_by_device_flow(flow)))
        with cache.turn():
            if not cache.write(kept.serialize()):
                raise NoToken(
                    f"the sign-in cannot be kept: {cache.path} cannot be written. Correct that, and sign in again"
                )

    def _kept(self, cache: CacheFile) -> msal.SerializableTokenCache:
        """Raises NeedsAuthorisation where a person's file is damaged; what an application gets can be got again."""
        try:
            return _kept_in(cache)
        except ValueError:
            if self._settings.flow == "device_code":
                raise NeedsAuthorisation(
                    f"the secret file {cache.path} is damaged. Run: meldpost authorise {self._account}"
                ) from None
            log.warning("%s: what was kept of the provider is damaged; it is fetched anew", self._account)
            return msal.SerializableTokenCache()

    def _still_good(self, kept: msal.SerializableTokenCache) -> str | None:
        """MSAL finds it too, but asks the provider for its addresses first: in each round, even if it is away."""
        kind = msal.TokenCache.CredentialType.ACCESS_TOKEN
        until = time.time() + _EARLY_SECONDS
        for entry in kept.search(kind, target=self._scopes(), query={"client_id": self._settings.client_id}):
            if float(entry["expires_on"]) > until:
                return str(entry["secret"])
        return None

    def _of_application(self, kept: msal.SerializableTokenCache, *, renew: bool) -> Mapping[str, Any]:
        application = self._application(msal.ConfidentialClientApplication, kept, client_credential=self._secret())
        if renew:
            application.remove_tokens_for_client()
        answer: Mapping[str, Any] = self._asked(lambda: application.acquire_token_for_client(scopes=self._scopes()))
        return answer

    def _of_person(self, kept: msal.SerializableTokenCache, *, renew: bool) -> Mapping[str, Any]:
        application = self._application(msal.PublicClientApplication, kept)
        accounts = self._asked(application.get_accounts)
        if not accounts:
            raise NeedsAuthorisation(f"nobody has signed in yet. Run: meldpost authorise {self._account}")
        answer = self._asked(
            lambda: application.acquire_token_silent_with_error(self._scopes(), accounts[0], force_refresh=renew)
        )
        return answer or {"error": "login_required"}

    def _application(self, kind: type[Any], kept: msal.SerializableTokenCache, **more: Any) -> Any:
        settings = self._settings
        if settings.provider == "microsoft":
            where = {"authority": settings.authority or LOGIN + settings.tenant}
        else:
            where = {"oidc_authority": settings.authority}
        session = Session(settings.timeout_seconds, settings.ca_file)
        make = lambda: kind(  # noqa: E731
            settings.client_id, token_cache=kept, http_client=session, instance_discovery=False, **where, **more
        )
        return self._asked(make)

    def _scopes(self) -> list[str]:
        if self._settings.scopes:
            return list(self._settings.scopes)
        if self._settings.flow == "client_credentials":
            return list(APPLICATION_SCOPES)
        return list(SMTP_SCOPES if self._account == SMTP_ACCOUNT else IMAP_SCOPES)

    def _secret(self) -> str | dict[str, str]:
        """The certificate where there is one, the secret otherwise; a certificate's file holds its key too (PEM)."""
        name = f"oauth-certificate-{self._account}"
        if self._secrets.has(name):
            pem = self._secrets.text(name)
            return {"private_key": pem, "public_certificate": pem}
        return self._secrets.text(f"oauth-secret-{self._account}")

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Ask the provider, or MSAL for it; their errors are not repeated, since they may quote."""
        try:
            return ask()
        except (OSError, msal.exceptions.MsalServiceError) as error:  # those of requests are OSErrors, too
            raise NoToken(f"no access token: the provider cannot be reached ({type(error).__name__})") from None
        except (ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:
            raise NoToken(
                f"no access token: the provider's answer makes no sense ({type(error).__name__}). Check `authority`, "
                f"`tenant` and the secrets of the account {self._account}"
            ) from None

    def _access_token(self, answer: Mapping[str, Any]) -> str:
        token = answer.get("access_token")
        if isinstance(token, str) and token:
            return token
        raise explained(answer, self._account, by_person=self._settings.flow == "device_code")


def _kept_in(cache: CacheFile) -> msal.SerializableTokenCache:
    """Raises ValueError where the file holds no cache of MSAL's: tables of entries, each a table."""
    text = cache.read()
    tables = {} if text is None else json.loads(text)
    if not isinstance(tables, dict) or not all(_is_table_of_tables(table) for table in tables.values()):
        raise ValueError("not a token cache")
    kept = msal.SerializableTokenCache()
    kept.deserialize(text)
    try:
        list(kept.search(msal.TokenCache.CredentialType.ACCESS_TOKEN))
    except (LookupError, TypeError) as error:
        raise ValueError("not a token cache") from error
    return kept


def _is_table_of_tables(table: object) -> bool:
    return isinstance(table, dict) and all(isinstance(entry, dict) for entry in table.values())
