"""What the sender holds of each desk: the only private key outside a person's log-in, and two secrets for tokens.

These are read in the delivery process alone, which is started for one round and ends after it.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.orm import Session

from config.errors import ConfigError, SecretMissing
from config.secrets import Secrets
from config.settings import Settings
from store.database import Database
from store.frame import SealError
from store.keypairs import KeyKind, PrivateKey
from store.keyring import NoSuchKey, PublicPair, in_force
from store.lookups import IndexKey, TokenKey

TOKEN_KEY_NUMBER = 1
"""The number of the token key in use. A second one comes with the rotation of keys."""

T = TypeVar("T")

log = logging.getLogger(__name__)


def seed_of(desk: str) -> str:
    """The name of the secret that the mailer of a desk opens with."""
    return f"mailer-seed-{desk}"


def seed_to_come(desk: str) -> str:
    """The same, of the one that takes its place while the mailer's key is made anew: both open until then. No desk's
    name has a dot in it."""
    return f"{seed_of(desk)}.new"


class Mailer:
    """The private half of the mailer's key; both halves there are while it is made anew.

    They are read again when none opens what is to be opened: the key may have been made anew since.
    """

    def __init__(self, secrets: Secrets, desk: str) -> None:
        """Raises ConfigError where the secret is missing or no good."""
        self._secrets, self._desk = secrets, desk
        self._known: dict[bytes, PrivateKey] = {}
        self._look()

    @property
    def publics(self) -> tuple[bytes, ...]:
        """What may be sealed so that it is opened here."""
        return tuple(self._known)

    def private_of(self, pair: PublicPair) -> PrivateKey | None:
        return self._known.get(pair.public.to_bytes())

    def opening(self, what: Callable[[PrivateKey], T]) -> T:
        """What one of the halves opens. Raises SealError."""
        try:
            return self._with_any(what)
        except SealError:
            self._look()
            return self._with_any(what)

    def _with_any(self, what: Callable[[PrivateKey], T]) -> T:
        *others, last = self._known.values()
        for private in others:
            with suppress(SealError):
                return what(private)
        return what(last)

    def _look(self) -> None:
        # the one to come first: if it takes the other's place meanwhile, it is found there
        with suppress(SecretMissing):
            self._know(seed_to_come(self._desk))
        self._know(seed_of(self._desk))

    def _know(self, name: str) -> None:
        private = PrivateKey.from_seed(self._secrets.key(name))
        self._known[private.public.to_bytes()] = private


@dataclass(frozen=True)
class SenderKeys:
    """Of one desk. `mailer` opens due mails and contacts, and nothing else in the store."""

    mailer: Mailer = field(repr=False)
    token: TokenKey = field(repr=False)
    index: IndexKey = field(repr=False)


def sender_keys(settings: Settings, secrets: Secrets) -> Mapping[str, SenderKeys]:
    """The keys of every desk. Raises ConfigError where a secret is missing or no good."""
    return {
        desk: SenderKeys(
            mailer=Mailer(secrets, desk),
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
                own_pair(session, desk, held)
        except (ConfigError, NoSuchKey) as error:
            log.error("no mail of desk %s goes out: %s", desk, error)  # noqa: TRY400 - a traceback would say no more
        else:
            good[desk] = held
    return good


def own_pair(session: Session, desk: str, keys: SenderKeys) -> PublicPair:
    """The newest public half of the mailer of which we have the private one: nothing is sealed to a key that somebody
    put there, nor to one that was not brought to this machine yet.

    Raises ConfigError.
    """
    ours = [pair for pair in in_force(session, desk, KeyKind.MAILER) if keys.mailer.private_of(pair)]
    if not ours:
        raise ConfigError(
            f"The secret {seed_of(desk)} does not belong to the mailer key in the database. Put back the value that "
            "`meldpost init` or `meldpost rotate --mailer` made; nothing goes out until then."
        )
    return ours[-1]
