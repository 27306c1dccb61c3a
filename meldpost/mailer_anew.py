"""`meldpost rotate --mailer`: what it does on this machine, in the order in which each key in use has its seed.

The new seed is on the disk before its public half is in the database, and that is in the database before the
configuration pins it. At the end nothing is sealed to the old key before its seed goes. So it may be killed at any
moment, and each command be given again; which state it is in, files, database and configuration say.

No member is asked: none holds the seed. It is for who reads the secrets of the machine that sends.
"""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from config.faults import fault
from config.secrets import Secrets, read_private, replace_secret, sync_folder
from config.settings import Settings, load
from meldpost.settings_file import pin
from meldpost.startup import OTHER_DATABASE, NotReady, opened, unusable
from notify.keys import Mailer, seed_of, seed_to_come
from store import mailer_rotation
from store.database import Database, clock
from store.keypairs import KeyKind, PrivateKey, PublicKey, generate
from store.keyring import NoSuchKey, PublicPair, UnprovenKey, newest_proven, pins_of
from store.leftovers import overwrite
from store.lookups import IndexKey
from store.mailer_rotation import Progress


@dataclass(frozen=True)
class _Here:
    """One desk of this machine's configuration."""

    config: Path
    desk: str
    settings: Settings
    secrets: Secrets
    database: Database
    index: IndexKey

    @property
    def seed(self) -> Path:
        return self.secrets.directory / seed_of(self.desk)

    @property
    def to_come(self) -> Path:
        return self.secrets.directory / seed_to_come(self.desk)

    @property
    def leaving(self) -> Path:
        """The seed of before, until it is written over."""
        return self.secrets.directory / f"{seed_of(self.desk)}.old"


def begin(config: Path, desk: str | None, *, lost: bool) -> str:
    """Make a new key of the mailer, and have this configuration pin it; gives its fingerprint. Begun already: go on.

    `lost`: the seed of before is not there any more. Raises NotReady, ConfigError.
    """
    with _here(config, desk) as here:
        with here.database.begin() as session:
            mailer_rotation.one_at_a_time(session, here.desk)
            new = mailer_rotation.begun(session, here.desk, here.index)
            if new is None:
                (now_in_force,) = mailer_rotation.live(session, here.desk)
                private = _next_seed(here, now_in_force, lost=lost)
                fault("mailer-seed-written")
                new = mailer_rotation.begin(session, here.desk, here.index, private.public, clock(session))
        fault("mailer-key-written")
        _seeds_at_hand(here, new)
        _pin(here, new)
        return new.public.fingerprint()


def pin_newest(config: Path, desk: str | None) -> str:
    """Have a further configuration pin the mailer's newest key; says what was done. Raises NotReady, ConfigError."""
    with _here(config, desk, of_owner=False) as here:
        with here.database.read() as session:
            newest = mailer_rotation.live(session, here.desk)[-1]
            if newest.public != _pinned(here):
                newest = newest_proven(session, here.index, here.desk, KeyKind.MAILER, "")
        _pin(here, newest)
        said = f"The configuration pins the mailer's key {newest.generation} of desk {here.desk}; its fingerprint is "
        said += f"{newest.public.fingerprint()}."
        if here.seed.is_file() and Mailer(here.secrets, here.desk).private_of(newest) is None:
            said += f"\nThis machine sends, too: {_bring(here)}"
        return said


def finish(config: Path, desk: str | None, *, lost: bool) -> Iterator[Progress]:
    """Have all that waits sealed to the new key, end the one before, and destroy its seed. Read it to its end.

    `lost`: the seed of before is not there any more; what waits for it is given up. Raises NotReady, ConfigError.
    """
    with _here(config, desk) as here:
        with here.database.read() as session:
            *old, new = mailer_rotation.live(session, here.desk)
            begun = mailer_rotation.unfinished(session, here.desk)
        if new.public != _pinned(here):
            raise NotReady("This configuration pins another key of the mailer. Run: meldpost rotate --mailer --pin")
        seeds = _seeds_at_hand(here, new)
        privates = {pair.id: private for pair in old if (private := seeds.private_of(pair))}
        if begun and begun.left and len(privates) < len(old) and not lost:
            raise NotReady(
                f"The seed of the key before is not on this machine, and {begun.left} mails and addresses wait for it. "
                "Run this where it is. If it is lost for good, say --lost: what waits for it is given up."
            )
        for progress in mailer_rotation.resume(here.database, here.desk, here.index, privates):
            yield progress
            fault("mailer-batch-sealed")
        fault("mailer-key-ended")
        _put_in_place(here, new)


def _next_seed(here: _Here, now_in_force: PublicPair, *, lost: bool) -> PrivateKey:
    """The seed of the next key, on the disk: one that broke off here, or a fresh one. Nothing is written over."""
    if now_in_force.public != _pinned(here):
        raise NotReady("This configuration pins another key of the mailer. Run: meldpost rotate --mailer --pin")
    if here.to_come.is_file():
        private = _read(here, here.to_come)
        if private.public == now_in_force.public:
            raise NotReady(
                "The key was made anew, but its seed is not in its place. Run: meldpost rotate --mailer --finish"
            )
        return private
    there = _read(here, here.seed) if here.seed.is_file() else None
    if there is not None and there.public == now_in_force.public:
        return _fresh(here, here.to_come)
    if lost:
        return there or _fresh(here, here.seed)
    raise NotReady(
        f"{here.seed} does not hold the mailer's seed of this database. Put it there, also where it is given by other "
        "means. If it is lost for good, say --lost: what waits to be sent and the addresses for reminders then go, too."
    )


def _fresh(here: _Here, path: Path) -> PrivateKey:
    private = generate()
    replace_secret(here.secrets.directory, path.name, base64.b64encode(private.seed))
    return private


def _read(here: _Here, path: Path) -> PrivateKey:
    """Raises NotReady where the secret is given in a way that comes before the file, ConfigError."""
    if here.secrets.get(path.name) != read_private(path):
        raise NotReady(f"The secret {path.name} is given in another way than by {path}. Put it there alone.")
    return PrivateKey.from_seed(here.secrets.key(path.name))


def _seeds_at_hand(here: _Here, new: PublicPair) -> Mailer:
    """Raises NotReady where that of the new key is not there."""
    seeds = Mailer(here.secrets, here.desk)
    if seeds.private_of(new) is None:
        raise NotReady(f"The mailer's key was made anew on another machine. {_bring(here)}")
    return seeds


def _bring(here: _Here) -> str:
    names = f"{here.to_come.name} (or {here.seed.name}, if that is there no more)"
    return f"Copy {names} from where the key was made anew to {here.to_come}."


def _put_in_place(here: _Here, new: PublicPair) -> None:
    """The new seed takes the place of the old one, which is written over with zeros."""
    if here.to_come.is_file():
        if _read(here, here.to_come).public != new.public:
            raise NotReady(
                f"{here.to_come} belongs to no key. A new one that broke off goes on by: meldpost rotate --mailer"
            )
        with suppress(FileExistsError):
            os.link(here.seed, here.leaving)
        here.to_come.replace(here.seed)
        sync_folder(here.secrets.directory)
        fault("mailer-seed-in-place")
    if here.leaving.is_file():
        overwrite(here.leaving)
        here.leaving.unlink()
        sync_folder(here.secrets.directory)


def _pinned(here: _Here) -> PublicKey:
    return pins_of(here.settings.desks[here.desk]).mailer


def _pin(here: _Here, pair: PublicPair) -> None:
    if pair.public != _pinned(here):
        pin(here.config, here.desk, {"mailer_key": base64.b64encode(pair.public.to_bytes()).decode()})


@contextmanager
def _here(config: Path, desk: str | None, *, of_owner: bool = True) -> Iterator[_Here]:
    """Raises NotReady."""
    settings = load(config)
    named = desk if desk is not None or len(settings.desks) > 1 else next(iter(settings.desks))
    if named is None or named not in settings.desks:
        raise NotReady(f"Name the desk with --desk. There is: {', '.join(settings.desks)}.")
    secrets = settings.secrets()
    index = IndexKey(secrets.key(f"index-key-{named}"))
    database = opened(settings.database.for_owner if of_owner else settings.database.url)
    try:
        yield _Here(config, named, settings, secrets, database, index)
    except UnprovenKey:
        raise NotReady(
            "A key of the mailer in the database was not written by Meldpost. Nothing is sealed to it. Compare the "
            "database with a backup, and find out who wrote to it."
        ) from None
    except NoSuchKey:
        raise NotReady(OTHER_DATABASE) from None
    except SQLAlchemyError as error:
        raise NotReady(unusable(error)) from None
    finally:
        database.close()
