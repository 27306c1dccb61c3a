"""What the sender holds of each desk: the only private key outside a person's log-in, and two secrets for tokens.

These are read in the delivery process alone, which is started for one round and ends after it.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.errors import ConfigError
from config.secrets import Secrets
from config.settings import Settings
from store.database import Database
from store.keypairs import KeyKind, PrivateKey
from store.keyring import NoSuchKey, PublicPair, newest
from store.lookups import IndexKey, TokenKey

TOKEN_KEY_NUMBER = 1
"""The number of the token key in use. A second one comes with the rotation of keys."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SenderKeys:
    """Of one desk. `mailer` opens due mails and contacts, and nothing else in the store."""

    mailer: PrivateKey = field(repr=False)
    token: TokenKey = field(repr=False)
    index: IndexKey = field(repr=False)


def sender_keys(settings: Settings, secrets: Secrets) -> Mapping[str, SenderKeys]:
    """The keys of every desk. Raises ConfigError where a secret is missing or no good."""
    return {
        desk: SenderKeys(
            mailer=PrivateKey.from_seed(secrets.key(f"mailer-seed-{desk}")),
            token=TokenKey(TOKEN_KEY_NUMBER, secrets.key(f"token-key-{desk}")),
            index=IndexKey(secrets.key(f"index-key-{desk}")),
        )
        for desk in settings.desks
    }


def usable(database: Database, keys: Mapping[str, SenderKeys]) -> Mapping[str, SenderKeys]:
    """The keys of those desks that the database knows as we do; of the others the log says what is wrong, and their
    mail waits. One desk's mistake holds up no other desk."""
    good = {}
    for desk, held in keys.items():
        try:
            with database.read() as session:
                checked(newest(session, desk, KeyKind.MAILER), held)
        except (ConfigError, NoSuchKey) as error:
            log.error("no mail of desk %s goes out: %s", desk, error)  # noqa: TRY400 - a traceback would say no more
        else:
            good[desk] = held
    return good


def checked(mailer: PublicPair, keys: SenderKeys) -> PublicPair:
    """The mailer's public half, if it is the half of ours: nothing is sealed to a key that somebody put there.

    Raises ConfigError.
    """
    if mailer.public != keys.mailer.public:
        raise ConfigError(
            f"The secret mailer-seed-{mailer.desk} does not belong to the mailer key in the database. Put back the "
            "value that `meldpost init` made; nothing goes out until then."
        )
    return mailer
