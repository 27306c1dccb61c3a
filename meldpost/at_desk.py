"""A member at the command line, with an open key ring: for commands that need a person's keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

from config.settings import DeskSettings, Settings
from meldpost import hygiene
from meldpost.hidden import ask_hidden
from meldpost.startup import NotReady, opened, refuse_unless_servable
from store import audit, sessions
from store.audit import Action
from store.database import Database
from store.keyring import KeyRing, desk_keys, pins_of
from store.lookups import IndexKey
from store.members import WrongLogin, complete_signing_keys, unlock


@dataclass(frozen=True)
class AtDesk:
    """A member with an open key ring, on the machine of their desk. `secret` is the one that passphrases go with."""

    settings: DeskSettings
    database: Database
    ring: KeyRing
    index: IndexKey
    secret: bytes = field(repr=False)
    passphrase: str = field(repr=False)


@contextmanager
def at_desk(settings: Settings, desk: str, login: str, passphrase: str) -> Iterator[AtDesk]:
    """Raises NotReady, WrongLogin."""
    hygiene.no_core_dumps()  # mails are opened here
    refuse_unless_servable(settings)
    secrets, database = settings.secrets(), opened(settings.database.for_desk)
    place = audit.PLACE.set(audit.COMMAND_LINE)
    try:
        pins = pins_of(settings.desks[desk])
        secret = secrets.key(f"passphrase-secret-{desk}")
        index = IndexKey(secrets.key(f"index-key-{desk}"))
        name, now = index.login(f"name {login}"), datetime.now(UTC)
        with database.begin() as session:  # counted as at the pages, and together with what is tried there
            if not sessions.may_try(session, name, now):
                raise NotReady("Too many log-ins of this name went wrong. Wait some minutes, and try again.")
            sessions.note_try(session, [name], now)
        try:
            with database.read() as session:
                ring = unlock(session, desk, login, passphrase, secret, pins=pins)
        except WrongLogin:
            with database.begin() as session:
                to_desk = desk_keys(session, desk, pins).to_desk
                sessions.note_failure(session, desk, datetime.now(UTC), to_desk)
            raise
        with database.begin() as session:
            sessions.note_success(session, name)
            complete_signing_keys(session, ring, pins, datetime.now(UTC))
            audit.write_look(session, ring, Action.LOGIN, datetime.now(UTC))
        yield AtDesk(settings.desks[desk], database, ring, index, secret, passphrase)
    finally:
        database.close()
        audit.PLACE.reset(place)


@contextmanager
def asked_in(config: Path, desk: str | None, login: str) -> Iterator[AtDesk]:
    """The member of this name, whose passphrase is asked for; the desk may be left out where there is one alone."""
    from config.settings import load

    settings = load(config)
    named = desk or next(iter(settings.desks))
    if named not in settings.desks or (desk is None and len(settings.desks) > 1):
        raise click.UsageError(f"Name the desk with --desk. There is: {', '.join(settings.desks)}.")
    passphrase = ask_hidden(f"Passphrase of {login}", err=True)
    try:
        with at_desk(settings, named, login, passphrase) as here:
            yield here
    except (NotReady, WrongLogin) as error:
        raise click.ClickException(str(error)) from error
