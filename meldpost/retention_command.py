"""`meldpost retention`: what goes when, and when what went is gone for good. It needs no key and shows no reference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from meldpost.config_option import config_option
from meldpost.counted import counted

if TYPE_CHECKING:
    from config.settings import Settings
    from store.database import Database
    from store.retention_overview import Gone, ToGo


@click.command()
@config_option
@click.option("--sweep", is_flag=True, help="Empty the database's free pages now; on PostgreSQL as the tables' owner.")
def retention(config: Path, sweep: bool) -> None:
    """Say which cases are to be destroyed and when, which were, and when each of those is gone for good.

    Cases are named by their ids: their references are sealed, and stand on the desk's page. --sweep does what the
    daemon's role may not on PostgreSQL (MELDPOST_DATABASE__OWNER_URL).
    """
    from config.settings import load
    from meldpost.startup import NotReady, opened

    settings = load(config)
    try:
        database = opened(settings.database.for_owner if sweep else settings.database.url)
        try:
            if sweep:
                _sweep(database)
            for line in _lines(settings, database):
                click.echo(line)
        finally:
            database.close()
    except NotReady as error:
        raise click.ClickException(str(error)) from error


def _sweep(database: Database) -> None:
    from store.destruction import sweep

    if not sweep(database):
        raise click.ClickException(
            "The free pages could not be emptied: somebody is at the tables, there is no room for a second copy of "
            "them, or this role does not own them (MELDPOST_DATABASE__OWNER_URL). Try again."
        )


def _lines(settings: Settings, database: Database) -> Iterator[str]:
    from store import retention_overview as overview

    for slug, desk in settings.desks.items():
        zone, days = ZoneInfo(desk.timezone), settings.backup.key_backup_days
        with database.read() as session:
            going, undated = overview.to_go(session, slug), overview.without_a_day(session, slug)
            gone = overview.gone(session, slug)
        yield f"Desk {slug}"
        if not desk.retention_rows:
            yield "  Nothing is destroyed: the retention table is not filled in."
        yield f"  To be destroyed: {len(going)}; ended, and without a day: {undated}"
        yield from (f"    {_day(each.destroy_at, zone)}  {each.case_id}{_kept(each)}" for each in going)
        yield f"  Destroyed: {len(gone)}"
        yield from (f"    {_day(each.begun_at, zone)}  {each.case_id}  {_for_good(each, zone, days)}" for each in gone)
        if gone:
            yield f"  Gone for good: where `meldpost backup` runs each day and removes key files after {days} days."


def _kept(case: ToGo) -> str:
    from store.retention_overview import Keeps

    words = {
        Keeps.NOTICE: "the members have not had their notice yet",
        Keeps.HOLD: "on hold",
        Keeps.UNREAD: "kept by a message that nobody looked at",
    }
    return "".join(f"  {words[keeps]}" for keeps in case.keeps)


def _for_good(case: Gone, zone: ZoneInfo, days: int) -> str:
    at = case.for_good_at(days)
    if at is not None:
        return f"gone for good on {_day(at, zone)}"
    left = [
        *(["its rows are being removed"] if case.ended_at is None else []),
        *(["the database's free pages hold rows of it: meldpost retention --sweep"] if _unswept(case) else []),
        *([f"{counted(case.lying, 'mail')} of it in the done folder"] if case.lying else []),
    ]
    return f"not gone for good: {', and '.join(left)}"


def _unswept(case: Gone) -> bool:
    return case.ended_at is not None and case.swept_at is None


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat()
