"""`meldpost recover`: gives a person access anew by the recovery key, and puts that onto the trail."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from cases.roles import Role
from config.errors import SecretMissing
from config.secrets import write_key
from config.settings import DeskSettings, Settings
from meldpost import hygiene
from meldpost.shares_asked import RecoverySeed
from meldpost.startup import NotReady, desks_database_is_current, opened
from store import consent, recovery
from store.consent import Act
from store.database import Database
from store.keyring import DeskKeyDiffers, NoSuchKey, pins_of
from store.lookups import IndexKey
from store.members import OwnKey, admit, complete_desk_signing_key
from store.recovery import OfBefore, Recovered


@dataclass(frozen=True)
class AtRecovery:
    """A desk that its recovery key opened."""

    settings: DeskSettings
    index: IndexKey
    database: Database
    recovered: Recovered
    shares: tuple[int, ...]
    members: tuple[OfBefore, ...]

    def member(self, login: str) -> OfBefore | None:
        """The member of this log-in name, if there is one."""
        wanted = login.strip().casefold()
        return next((each for each in self.members if each.login.strip().casefold() == wanted), None)

    def give_back(self, member: OfBefore, passphrase: str, secret: bytes) -> None:
        """Raises nothing that a second try would not put right: all is done, or nothing."""
        own_key, now = OwnKey.make(passphrase, secret), datetime.now(UTC)
        with self.database.begin() as session:
            self._use_consent(session, member.login, member.id, now)
            recovery.give_back(session, self.recovered, self.index, member, own_key, secret=secret, now=now)
            recovery.note(session, self.recovered, member.id, self.shares, now)

    def _use_consent(self, session: Session, login: str, member_id: str | None, now: datetime) -> None:
        """Raises ConsentNeeded where the settings ask for it, and members remain whom one could ask."""
        if consent.is_needed(self.settings, Act.RECOVERY) and recovery.others_remain(
            session, self.recovered, member_id, now
        ):
            consent.use(session, self.recovered.ring(), Act.RECOVERY, subject_of(self.index, login), now)

    def add(self, login: str, address: str, role: Role, passphrase: str, secret: bytes) -> None:
        """Add a new member. Raises MemberExists, BadAddress."""
        own_key, now = OwnKey.make(passphrase, secret), datetime.now(UTC)
        with self.database.begin() as session:
            self._use_consent(session, login, None, now)
            member_id = admit(
                *(session, self.recovered, own_key), login=login, address=address, secret=secret, role=role, now=now
            )
            recovery.note(session, self.recovered, member_id, self.shares, now)


@contextmanager
def at_recovery(settings: Settings, desk: str, seed: RecoverySeed) -> Iterator[AtRecovery]:
    """Raises NotReady, NotTheRecoveryKey, NotRecoverable."""
    hygiene.no_core_dumps()
    desks_database_is_current(settings)
    database = opened(settings.database.for_desk)  # it does what a member of the desk could
    try:
        try:
            with database.read() as session:
                pins = pins_of(settings.desks[desk])
                recovered = recovery.open_desk(session, desk, pins, seed.seed)
            with database.begin() as session:
                complete_desk_signing_key(session, recovered, pins, datetime.now(UTC))
                members = recovery.members(session, recovered)
        except (DeskKeyDiffers, NoSuchKey) as error:
            raise NotReady(str(error)) from None
        index = IndexKey(settings.secrets().key(f"index-key-{desk}"))
        yield AtRecovery(settings.desks[desk], index, database, recovered, seed.shares, members)
    finally:
        database.close()


def subject_of(index: IndexKey, login: str) -> bytes:
    """What a consent to give this person access is about."""
    return consent.subject_of(index, Act.RECOVERY, login.strip().casefold())


def passphrase_secret(settings: Settings, desk: str, *, make: bool) -> bytes:
    """The secret that passphrases are mixed with; where it is lost, and only with `make`, a new one.

    Raises SecretMissing, ConfigError.
    """
    name, held = f"passphrase-secret-{desk}", settings.secrets()
    try:
        return held.key(name)
    except SecretMissing:
        if not make:
            raise
    made = secrets.token_bytes(32)
    write_key(held.directory, name, made)
    return made
