"""What `meldpost doctor` says of the roles of a PostgreSQL."""

from collections.abc import Iterator, Sequence

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config.settings import Settings
from meldpost.database_roles import EACH_ITS_OWN
from meldpost.findings import Finding, Verdict
from meldpost.startup import NotReady, opened
from store import trouble
from store.database_rights import Process

_SHOWN = 5


def database_roles(settings: Settings, processes: Sequence[Process] = tuple(Process)) -> Iterator[Finding]:
    """For each process: may its role do what it needs, and no more?"""
    if not settings.database.url.startswith("postgresql"):
        return
    if len(processes) > 1 and (shared := _who_share(settings)):
        text = f"{shared} one role. {EACH_ITS_OWN} Then run: meldpost init --roles"
        yield Finding("database roles", Verdict.NOTE, text)
        return
    urls = {
        Process.DAEMON: settings.database.url,
        Process.DESK: settings.database.for_desk,
        Process.AUDITOR: settings.database.for_auditor,
    }
    for process in processes:
        yield _role(process, urls[process])


def _who_share(settings: Settings) -> str:
    """Which processes share a role, by the URLs that are here; empty where none do. The owner's URL is left out where
    daemon and desk run, so that it is not there says nothing."""
    database = settings.database
    urls = {"daemon": database.url, "desk": database.for_desk, "auditor": database.for_auditor}
    urls |= {"the owner of the tables": database.owner_url} if database.owner_url else {}
    by_role: dict[str, list[str]] = {}
    for who, url in urls.items():
        by_role.setdefault(make_url(url).username or "", []).append(who)
    return next((f"{', '.join(each[:-1])} and {each[-1]} share" for each in by_role.values() if len(each) > 1), "")


def _role(process: Process, url: str) -> Finding:
    what = f"database role of the {process}"
    try:
        database = opened(url)
        try:
            missing, surplus = database.rights_that_differ(process)
        finally:
            database.close()
    except NotReady as error:
        return Finding(what, Verdict.WRONG, str(error))
    except SQLAlchemyError as error:
        said = trouble.describe(error) if isinstance(error, DBAPIError) else ""
        return Finding(what, Verdict.NOTE, f"cannot be looked at from here: {said or type(error).__name__}")
    if missing:
        text = f"may not do what it needs: {_some(missing)}. Run: meldpost init --roles"
        return Finding(what, Verdict.WRONG, text)
    if surplus:
        text = f"may do more than it needs: {_some(surplus)}. Run: meldpost init --roles"
        return Finding(what, Verdict.WRONG, text)
    return Finding(what, Verdict.FINE, "may do what it needs, and no more")


def _some(rights: Sequence[str]) -> str:
    more = len(rights) - _SHOWN
    return ", ".join(rights[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
