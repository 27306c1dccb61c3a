"""The roles of an installation's database, by the URLs of its settings."""

from collections.abc import Mapping

from sqlalchemy import make_url
from sqlalchemy.exc import ProgrammingError

from config.settings import Settings
from meldpost.startup import NotReady, opened
from store import database_rights
from store.database_rights import Process

EACH_ITS_OWN = (
    "Name a user of its own in each of database.url (the daemon), database.desk_url, database.auditor_url and "
    "database.owner_url (who owns the tables), such as postgresql://meldpost_desk@host/meldpost."
)


class NoRoles(Exception):
    """This installation has no roles of its own for its processes; says what to set."""


def roles_of(settings: Settings) -> Mapping[Process, str]:
    """The role of each process. Raises NoRoles."""
    database = settings.database
    urls = {Process.DAEMON: database.url, Process.DESK: database.for_desk, Process.AUDITOR: database.for_auditor}
    if not database.url.startswith("postgresql"):
        raise NoRoles("SQLite has no roles: who may read the file may read all of it.")
    named = {process: make_url(url).username or "" for process, url in urls.items()}
    owner = make_url(database.for_owner).username or ""
    if not all(named.values()) or len({owner, *named.values()}) < len(named) + 1:
        raise NoRoles(EACH_ITS_OWN)
    return named


def has_roles(settings: Settings) -> bool:
    try:
        roles_of(settings)
    except NoRoles:
        return False
    return True


def script(settings: Settings) -> str:
    """What a database administrator runs with psql, in the installation's database. Raises NoRoles."""
    lines = database_rights.statements(roles_of(settings), make_url(settings.database.for_owner).database or "")
    return "\n".join(["BEGIN;", *(f"{line};" for line in lines), "COMMIT;"])


def give(settings: Settings) -> None:
    """Make the roles, or correct what they may. Raises NoRoles, NotReady."""
    named = roles_of(settings)
    database = opened(settings.database.for_owner)
    try:
        database.grant(named)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != "42501":  # insufficient_privilege
            raise
        raise NotReady(
            "The owner of the tables may not make roles. Let a database administrator run what "
            "`meldpost init --roles --print` prints."
        ) from None
    finally:
        database.close()
