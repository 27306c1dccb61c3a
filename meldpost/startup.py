"""What must hold before the daemon may work, and before the desk is served; the doctor asks the same, one by one."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from access import credentials
from access.credentials import accounts_by_token
from config.errors import ConfigError
from config.settings import MailboxSettings, Settings
from ingest.check import check_isolation
from notify.keys import TOKEN_KEY_NUMBER, Mailer, seed_of, seed_to_come
from store import trouble
from store.database import Database, NewerTables, StoreError, open_database
from store.keypairs import NotAKey
from store.keyring import DeskKeyDiffers, NoSuchKey, desk_keys, is_index_key, pins_of
from store.lookups import IndexKey, TokenKey

OTHER_DATABASE = (
    "This is another database than the desk's, or an empty one. Put the backup back in its place, or correct "
    "database.url."
)
NEWER_TABLES = (
    "The tables are of a newer version of Meldpost than this one. Install the version that made them. Nothing was "
    "changed."
)


class NotReady(Exception):
    """Something that must hold does not; the message says what to do."""


def refuse_unless_ready(settings: Settings) -> None:
    """Raises NotReady with the first thing that is wrong."""
    for check in (secrets_are_private, database_is_current, keys_are_the_pinned_ones, isolation_works):
        check(settings)


def refuse_unless_servable(settings: Settings) -> None:
    """What the desk needs; it has no key of the daemon's. Raises NotReady with the first thing that is wrong."""
    secrets_of_the_desk_are_there(settings)
    desks_database_is_current(settings)
    desks_keys_are_the_pinned_ones(settings)


def desks_keys_are_the_pinned_ones(settings: Settings) -> str:
    with _reading(settings.database.for_desk) as session:
        for slug, desk in settings.desks.items():
            desk_keys(session, slug, pins_of(desk))
            _index_key_is_the_desks(session, slug, settings)
            if settings.secrets().has(f"token-key-{slug}"):  # a desk can do without
                _token_key_is_the_desks(slug, settings)
    return "as pinned in the configuration"


def secrets_of_the_desk_are_there(settings: Settings) -> str:
    secrets = settings.secrets()
    try:
        for desk in settings.desks:
            for name in ("passphrase-secret", "index-key"):
                secrets.key(f"{name}-{desk}")
        secrets.get("web-session-key")
    except ConfigError as error:
        raise NotReady(f"{error} Without it nobody logs in to the desk.") from None
    return "there"


def secrets_are_private(settings: Settings) -> str:
    secrets = settings.secrets()
    folder = secrets.directory
    if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotReady(f"Others can enter the secrets folder {folder}. Run: chmod 700 {folder}")
    names = list(_needed_secrets(settings))
    for name, is_key in names:
        try:
            if is_key:
                secrets.key(name)
            else:
                secrets.text(name)
        except ConfigError as error:
            raise NotReady(str(error)) from None
    tokens = accounts_by_token(settings)
    for account, oauth in tokens.items():
        try:
            credentials.secrets_are_there(oauth, account, secrets)
        except ConfigError as error:
            raise NotReady(str(error)) from None
    return f"{len(names) + len(tokens)} secrets, readable by their owner only"


def database_is_current(settings: Settings) -> str:
    return _is_current(settings.database.url)


def owners_database_is_current(settings: Settings) -> str:
    return _is_current(settings.database.for_owner)


def desks_database_is_current(settings: Settings) -> str:
    return _is_current(settings.database.for_desk)


def migrated(settings: Settings) -> None:
    """Bring the tables up to this version. Only `init` makes a database: an empty one is refused. Raises NotReady."""
    database = opened(settings.database.for_owner)
    try:
        if database.is_empty():
            raise NotReady(OTHER_DATABASE)
        database.upgrade()
    except NewerTables:
        raise NotReady(NEWER_TABLES) from None
    except SQLAlchemyError as error:
        raise NotReady(unusable(error)) from None
    finally:
        database.close()


def _is_current(url: str) -> str:
    database = opened(url)
    try:
        if database.is_empty():
            raise NotReady(OTHER_DATABASE)
        if not database.is_of_a_known_version():
            raise NotReady(NEWER_TABLES)
        if not database.is_current():
            raise NotReady("The database has not the tables of this version. Run: meldpost migrate")
    except SQLAlchemyError as error:
        raise NotReady(unusable(error)) from None
    finally:
        database.close()
    return f"{database.dialect}, up to date"


def keys_are_the_pinned_ones(settings: Settings) -> str:
    """Also that the mailer's secret seed is the one whose public half mail is sealed to, that the index key knows the
    desk's cases, and that the token key is the one that the configuration knows."""
    secrets = settings.secrets()
    with _reading(settings.database.url) as session:
        for slug, desk in settings.desks.items():
            keys = desk_keys(session, slug, pins_of(desk))
            if Mailer(secrets, slug).private_of(keys.mailer) is None:
                raise NotReady(
                    f"The secret {seed_of(slug)} does not belong to the desk {slug!r} of this database. Put back the "
                    "one that `meldpost init` made with it. Was the mailer's key made anew on another machine? Copy "
                    f"{seed_to_come(slug)} from there, or {seed_of(slug)} if that is there no more. Is the seed lost "
                    "for good, or is this an older database? Run: meldpost rotate --mailer --lost"
                )
            _index_key_is_the_desks(session, slug, settings)
            _token_key_is_the_desks(slug, settings)
    return "as pinned in the configuration"


def _index_key_is_the_desks(session: Session, slug: str, settings: Settings) -> None:
    """By another one, mail that is there already would be taken in once more, and answers would find no case."""
    if settings.desks[slug].index_key_lost:
        return
    if not is_index_key(session, slug, IndexKey(settings.secrets().key(f"index-key-{slug}"))):
        raise NotReady(
            f"The secret index-key-{slug} is not the one by which the cases of this database were written down. Put "
            "back the one that `meldpost init` made with it. If it is lost for good, set index_key_lost = true for "
            "this desk: new mail then joins none of the cases of before."
        )


def _token_key_is_the_desks(slug: str, settings: Settings) -> None:
    """By another one, answers to all that was sent would open new cases. A configuration of before knows none."""
    known, held = settings.desks[slug].token_key_check, token_key(settings, slug).check()
    if known and known != held:
        raise NotReady(
            f"The secret token-key-{slug} is not the one that the configuration knows by token_key_check. Put back the "
            f'one that `meldpost init` made with it. If it is lost for good, set token_key_check = "{held}" for this '
            "desk: answers to what was sent by the old one then join no case."
        )


def token_key(settings: Settings, slug: str) -> TokenKey:
    """Raises ConfigError."""
    return TokenKey(TOKEN_KEY_NUMBER, settings.secrets().key(f"token-key-{slug}"))


def isolation_works(settings: Settings) -> str:
    report = check_isolation(settings.isolation)
    if not report.working:
        raise NotReady(report.sentence)
    return report.sentence


def existing_database(settings: Settings) -> Database:
    """The daemon's database, which is not made where it is missing: only `init` does that. Raises NotReady."""
    return opened(settings.database.url)


def opened(url: str) -> Database:
    """The database at one of the URLs of the settings; one that is missing is not made. Raises NotReady."""
    path = _file_of(url)
    if path is not None and not path.exists():
        raise NotReady(f"There is no database at {path}. Put it back where it was, or correct database.url.")
    try:
        return open_database(url)
    except StoreError as error:
        raise NotReady(str(error)) from None


def unusable(error: SQLAlchemyError) -> str:
    """Why the database cannot be used. Never the driver's own words: they may quote."""
    said = trouble.describe(error) if isinstance(error, DBAPIError) else ""
    return f"The database cannot be used: {said or type(error).__name__}. Check database.url, and that it runs."


@contextmanager
def _reading(url: str) -> Iterator[Session]:
    """The database, to look at keys in. Raises NotReady for all that may be wrong with those."""
    database = opened(url)
    try:
        with database.read() as session:
            yield session
    except NotAKey:
        raise NotReady("A desk's public_key in the configuration is no key. Put back the one of `init`.") from None
    except NoSuchKey:
        raise NotReady(OTHER_DATABASE) from None
    except (DeskKeyDiffers, ConfigError) as error:
        raise NotReady(str(error)) from None
    except SQLAlchemyError as error:
        raise NotReady(unusable(error)) from None
    finally:
        database.close()


def _file_of(url: str) -> Path | None:
    """The file of an SQLite database; None for other ones."""
    prefix = "sqlite:///"
    return Path(url.removeprefix(prefix)) if url.startswith(prefix) else None


def _needed_secrets(settings: Settings) -> Iterator[tuple[str, bool]]:
    """Names of the secrets that the daemon needs, and whether each is key material."""
    for desk in settings.desks:
        for name in (f"index-key-{desk}", f"token-key-{desk}", seed_of(desk)):
            yield name, True
        if settings.secrets().has(seed_to_come(desk)):
            yield seed_to_come(desk), True
    for account, mailbox in settings.mailboxes_of(MailboxSettings).items():
        if mailbox.oauth is None:
            yield f"mailbox-password-{account}", False
    if settings.smtp.user and settings.smtp.oauth is None:
        yield "smtp-password", False
