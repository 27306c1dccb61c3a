"""`meldpost init`: everything that a new desk needs, made once, and never over something that is already there.

All files are written before the one transaction that makes the desk: when that transaction is there, everything is. An
`init` that broke off leaves files without a desk, and the next one says which to remove.
"""

import base64
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from cases.roles import Role
from cases.sharing import DEFAULT, Scheme
from config.errors import ConfigError
from config.secrets import Secrets, write_key, write_secret
from config.settings import SLUG, EmailAddress, load
from meldpost import recovery_pages
from meldpost.recovery_pages import Batch
from meldpost.settings_file import render, render_more, write_over, write_private
from meldpost.startup import unusable
from notify.keys import TOKEN_KEY_NUMBER
from store.database import Database, StoreError, open_database
from store.keyring import Pins
from store.lookups import TokenKey
from store.members import FreshDesk, add_member, create_desk
from store.schema import Desk
from store.shares import split
from store.signing import SigningKey

DESK_KEYS = ("index-key", "token-key", "passphrase-secret", "trail-seed")
"""Secrets of 32 random bytes that each desk has for itself (the mailer's seed comes with its key pair)."""


class InitError(Exception):
    """Nothing was made, or not everything; the message says what to do."""


@dataclass(frozen=True)
class FirstMember:
    """The person who opens the desk for the first time."""

    login: str
    address: str
    passphrase: str


@dataclass(frozen=True)
class Plan:
    """What is to be made, and where. `settings` has the shape of `config.settings`, without the desk's public key."""

    config: Path
    desk: str
    settings: Mapping[str, Any]
    member: FirstMember
    passwords: Mapping[str, str]
    """Secrets that are known already, such as the mailbox's password, by name."""
    shares: Scheme = DEFAULT
    """How the recovery seed is split."""

    @property
    def folder(self) -> Path:
        return self.config.resolve().parent

    @property
    def secrets_dir(self) -> Path:
        return self.folder / str(self.settings.get("secrets_dir", "secrets"))

    @property
    def recovery_pages(self) -> tuple[Path, ...]:
        return recovery_pages.paths(self.folder, self.desk, self.shares)


@dataclass(frozen=True)
class Made:
    """What there is now, to be told to the person who asked."""

    config: Path
    secrets_dir: Path
    recovery_pages: tuple[Path, ...]
    fingerprint: str


def initialise(plan: Plan) -> Made:
    """Make the desk. Raises InitError, ConfigError, StoreError."""
    _refuse_what_makes_no_sense(plan)
    _refuse_what_is_there(plan)
    plan.folder.mkdir(parents=True, exist_ok=True)
    database = open_database(_database_url(plan))
    try:
        database.upgrade()
        return _make(plan, database, plan.secrets_dir)
    except SQLAlchemyError as error:
        raise InitError(
            f"{unusable(error)} Check the rights of its user, too. Then run init again; it says which files to remove "
            "first."
        ) from error
    finally:
        database.close()


def add_desk(plan: Plan) -> Made:
    """Make a further desk, with its mailboxes, in an installation that is there. Its database and secrets stay one; two
    desks share no key. Raises InitError, ConfigError, StoreError."""
    settings = load(plan.config)
    before = plan.config.read_text(encoding="utf-8")
    if plan.desk in settings.desks:
        raise InitError(f"There is a desk {plan.desk!r} in {plan.config} already; nothing was changed.")
    _refuse_what_makes_no_sense(plan, before)
    names = [*(f"{name}-{plan.desk}" for name in (*DESK_KEYS, "mailer-seed")), *plan.passwords]
    _refuse_files([*_recovery_files(plan), *(settings.secrets_dir / name for name in names)])
    database = open_database(settings.database.for_owner)
    try:
        if not database.is_current():
            raise InitError("The database has not the tables of this version. Run: meldpost migrate")
        return _make(plan, database, settings.secrets_dir, before)
    except SQLAlchemyError as error:
        raise InitError(f"{unusable(error)} The desk was not added.") from error
    finally:
        database.close()


def _make(plan: Plan, database: Database, secrets_dir: Path, before: str = "") -> Made:
    """`before`: the configuration that the desk is added to."""
    for name in DESK_KEYS:
        write_key(secrets_dir, f"{name}-{plan.desk}", secrets.token_bytes(32))
    if not before:
        write_key(secrets_dir, "web-session-key", secrets.token_bytes(32))
    for name, value in plan.passwords.items():
        write_secret(secrets_dir, name, value.encode())
    made = Secrets(secrets_dir, {})
    passphrase_secret = made.key(f"passphrase-secret-{plan.desk}")
    trail_key = SigningKey(made.key(f"trail-seed-{plan.desk}")).public
    token_check = TokenKey(TOKEN_KEY_NUMBER, made.key(f"token-key-{plan.desk}")).check()
    now = datetime.now(UTC)
    with database.begin() as session:
        desk = create_desk(session, plan.desk, now)
        add_member(
            session,
            desk,
            login=plan.member.login,
            address=plan.member.address,
            passphrase=plan.member.passphrase,
            secret=passphrase_secret,
            role=Role.COORDINATOR,
            now=now,
        )
        public = desk.keys.to_desk.public
        write_key(secrets_dir, f"mailer-seed-{plan.desk}", desk.mailer_seed)
        recovery_pages.write(plan.folder, _batch(plan, desk, now), split(desk.recovery_seed, plan.shares))
        pinned = _with_pins(plan, desk.pins, trail_key, token_check)
        if before:
            write_over(plan.config, _joined(before, render_more(pinned)))
        else:
            write_private(plan.config, render(pinned))
        load(plan.config)  # what was written must be what can be read
    return Made(plan.config.resolve(), secrets_dir, plan.recovery_pages, public.fingerprint())


def _refuse_what_makes_no_sense(plan: Plan, before: str = "") -> None:
    """Before anything is made: the settings are checked by reading them back, with stand-ins for the keys."""
    if not SLUG.fullmatch(plan.desk):
        raise InitError(f"{plan.desk!r} is no short name: use a-z, 0-9 and hyphens only, at most 40.")
    desk = plan.settings["desks"][plan.desk]
    for name in ("name", "organisation"):
        if not desk[name].strip() or not desk[name].isprintable():
            raise InitError(f"The {name} must be one line of text, and not empty.")
    if not plan.member.login.strip() or not plan.member.login.isprintable():
        raise InitError("The first member's log-in name must not be empty.")
    try:
        TypeAdapter(EmailAddress).validate_python(plan.member.address)
    except ValidationError:
        raise InitError("The first member's address must be one plain e-mail address, like co@example.org.") from None
    stand_in = base64.b64encode(bytes(32)).decode()
    names = ("public_key", "recovery_key", "mailer_key", "signing_key", "trail_key", "token_key_check")
    pins = dict.fromkeys(names, stand_in)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "meldpost.toml"
        values = {**plan.settings, "desks": {plan.desk: {**desk, **pins}}}
        trial.write_text(_joined(before, render_more(values)) if before else render(values), encoding="utf-8")
        try:
            load(trial)
        except ConfigError as error:
            raise InitError(f"Nothing was made. {str(error).replace(str(trial), str(plan.config))}") from None


def _refuse_what_is_there(plan: Plan) -> None:
    there = [path for path in _files_of(plan) if path.exists()]
    if not there:
        return
    if plan.config.exists() and _is_set_up(plan):
        raise InitError(
            f"{plan.config} is a finished set-up already; nothing was changed. Check it with `meldpost doctor`, add a "
            "desk to it with `meldpost init --add`, or give a new desk a folder of its own."
        )
    _refuse_files(there)


def _refuse_files(paths: Iterable[Path]) -> None:
    there = [path for path in paths if path.exists()]
    if not there:
        return
    listed = "\n".join(f"  {path}" for path in there)
    raise InitError(
        "Nothing was made, for init never overwrites. These files are there already, of an init that broke off or of "
        f"another desk:\n{listed}\nIf no desk uses them, remove them and run init again."
    )


def _is_set_up(plan: Plan) -> bool:
    try:
        settings = load(plan.config)
        database = open_database(settings.database.for_owner)
    except (ConfigError, StoreError):
        return False
    try:
        with database.read() as session:
            return session.get(Desk, plan.desk) is not None
    except SQLAlchemyError:
        return False
    finally:
        database.close()


def _files_of(plan: Plan) -> list[Path]:
    names = [f"{name}-{plan.desk}" for name in (*DESK_KEYS, "mailer-seed")] + ["web-session-key", *plan.passwords]
    return [plan.config, *_recovery_files(plan), *(plan.secrets_dir / name for name in names)]


def _database_url(plan: Plan) -> str:
    """As `config.settings.load` will read it: a relative SQLite path is relative to the configuration's folder."""
    given = plan.settings.get("database", {})
    url = str(given.get("owner_url") or given.get("url", "sqlite:///meldpost.db"))
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str(plan.folder / url.removeprefix(prefix))
    return url


def _with_pins(plan: Plan, pins: Pins, trail_key: bytes, token_check: str) -> dict[str, Any]:
    publics = {
        "public_key": pins.to_desk.to_bytes(),
        "recovery_key": pins.recovery.to_bytes(),
        "mailer_key": pins.mailer.to_bytes(),
        "signing_key": pins.signing or b"",
        "trail_key": trail_key,
    }
    pinned = {name: base64.b64encode(public).decode() for name, public in publics.items()}
    named = {**plan.settings["desks"][plan.desk], **pinned, "token_key_check": token_check}
    return {**plan.settings, "desks": {plan.desk: named}}


def _recovery_files(plan: Plan) -> list[Path]:
    """Where the pages are to go, and what lies there of others: pages of two keys are not told from each other."""
    return [*plan.recovery_pages, *(set(recovery_pages.lying(plan.folder, plan.desk)) - set(plan.recovery_pages))]


def _batch(plan: Plan, desk: FreshDesk, now: datetime) -> Batch:
    named = plan.settings["desks"][plan.desk]
    return Batch(
        desk=plan.desk,
        name=named["name"],
        organisation=named["organisation"],
        made_on=now,
        recovery=desk.keys.recovery.public.fingerprint(),
        desk_key=desk.keys.to_desk.public.fingerprint(),
        scheme=plan.shares,
    )


def _joined(before: str, more: str) -> str:
    return f"{before.rstrip()}\n\n{more}"
