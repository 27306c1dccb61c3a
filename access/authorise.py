"""A person's sign-in for an account, once: what `meldpost authorise` does."""

from access.cache import CacheFile
from access.credentials import accounts_by_token
from access.openid import OpenIdProvider, ShowCode
from config.errors import ConfigError
from config.settings import OAuthSettings, Settings


def authorise(settings: Settings, account: str, show: ShowCode) -> None:
    """Show a code, wait until somebody has signed in with it, and keep what came of it.

    Raises ConfigError where the account needs no such sign-in, and NoToken.
    """
    secrets = settings.secrets()
    OpenIdProvider(_settings_of(settings, account), account, secrets).authorise(
        CacheFile(secrets.directory, account), show
    )


def _settings_of(settings: Settings, account: str) -> OAuthSettings:
    signing_in = [name for name, oauth in accounts_by_token(settings).items() if oauth.flow == "device_code"]
    if account not in signing_in:
        raise ConfigError(
            f'Nobody signs in for the account {account!r}: it has no flow = "device_code". Accounts that have one: '
            f"{', '.join(signing_in) or 'none'}."
        )
    return accounts_by_token(settings)[account]
