"""What a view works with: the settings, secrets, database and clock of its application."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flask import Flask, current_app
from sqlalchemy.orm import Session

from config.secrets import Secrets
from config.settings import Settings
from desk.indexes import Indexes
from desk.upkeep import Upkeep
from ingest.drawing import Drawers
from store.database import Database
from store.keyring import DeskPublicKeys, desk_keys, pins_of
from store.lookups import IndexKey
from store.passphrase import DEFAULT, Derivations, Params

Clock = Callable[[], datetime]
_NAME = "meldpost-desk"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    settings: Settings
    secrets: Secrets
    database: Database
    clock: Clock
    derivations: Derivations = field(default_factory=Derivations)  # 128 MiB each: two at once for the whole process
    cost: Params = DEFAULT
    configured_in: str = "meldpost.toml"  # the name of the configuration file, as a page may tell it
    indexes: Indexes = field(init=False)
    upkeep: Upkeep = field(init=False)
    drawers: Drawers = field(init=False)

    def __post_init__(self) -> None:
        idle = timedelta(minutes=self.settings.web.idle_minutes)
        object.__setattr__(self, "indexes", Indexes(self.database, self.clock, idle))
        object.__setattr__(self, "upkeep", Upkeep(self.database))
        object.__setattr__(self, "drawers", Drawers(self.settings.isolation))

    def index(self, desk: str) -> IndexKey:
        """Raises SecretMissing, SecretExposed."""
        return IndexKey(self.secrets.key(f"index-key-{desk}"))

    def public_keys(self, session: Session, desk: str) -> DeskPublicKeys:
        """What is sealed to at a desk, as the configuration pins it. Raises DeskKeyDiffers, NoSuchKey, ConfigError."""
        return desk_keys(session, desk, pins_of(self.settings.desks[desk]))

    def passphrase_secret(self, desk: str) -> bytes:
        """What passphrases are mixed with. Raises SecretMissing, SecretExposed."""
        return self.secrets.key(f"passphrase-secret-{desk}")


def equip(app: Flask, parts: Parts) -> None:
    app.extensions[_NAME] = parts


def parts_of(app: Flask) -> Parts:
    found = app.extensions[_NAME]
    assert isinstance(found, Parts)
    return found


def parts() -> Parts:
    """The parts of the application that answers this request."""
    return parts_of(current_app)
