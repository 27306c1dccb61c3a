"""What `meldpost doctor` says of retention: what was begun and not finished, and what is overdue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from meldpost.counted import counted, counted_were
from meldpost.findings import Finding, Verdict
from meldpost.startup import NotReady, existing_database
from store import destruction
from store import retention_overview as overview
from store.database import Database
from store.retention_overview import Gone, ToGo

LATE = timedelta(hours=4)
"""The daemon destroys once an hour."""


def retention(settings: Settings) -> Iterator[Finding]:
    """One finding for each thing that is wrong, or one that all is well, for each desk."""
    try:
        database = existing_database(settings)
        try:
            for desk, of_desk in settings.desks.items():
                yield from _of_desk(database, desk, filled_in=bool(of_desk.retention_rows))
        finally:
            database.close()
    except (NotReady, SQLAlchemyError):
        return


def _of_desk(database: Database, desk: str, *, filled_in: bool) -> Iterator[Finding]:
    with database.read() as session:
        going, gone = overview.to_go(session, desk), overview.gone(session, desk)
        unnoted = overview.half_destroyed(session, desk)
    found = list(_troubles(desk, going, gone, unnoted, datetime.now(UTC)))
    yield from found
    if not filled_in:
        text = f"the retention table of {desk} is not filled in: nothing is destroyed"
        yield Finding(f"retention of {desk}", Verdict.NOTE, text)
    elif not found:
        text = f"to be destroyed: {len(going)}, destroyed: {len(gone)}"
        yield Finding(f"retention of {desk}", Verdict.FINE, text)


def _troubles(
    desk: str, going: tuple[ToGo, ...], gone: tuple[Gone, ...], unnoted: int, now: datetime
) -> Iterator[Finding]:
    """Each with how many, and what to do."""
    begun = [each for each in gone if each.ended_at is None and each.begun_at < now - LATE]
    if begun:
        text = f"{counted_were(len(begun), 'case')} begun with and not finished. Does `meldpost run` run? See its log."
        yield Finding(f"destruction at {desk}", Verdict.WRONG, text)
    if unnoted:
        text = f"{counted_were(unnoted, 'case')} marked destroyed and noted nowhere: somebody wrote to the database."
        yield Finding(f"destruction at {desk}", Verdict.WRONG, text)
    overdue = [each for each in going if each.destroy_at < now - LATE and _should_be_gone(each, now)]
    if overdue:
        text = f"{counted(len(overdue), 'case')} overdue, and nothing keeps them. Does `meldpost run` run?"
        yield Finding(f"destruction at {desk}", Verdict.WRONG, text)
    unheard = [each for each in going if each.destroy_at < now - LATE and each.may_go_at is None]
    if unheard:
        text = f"{counted(len(unheard), 'case')} overdue and waiting: no member got the notice. Do they get mail?"
        yield Finding(f"destruction at {desk}", Verdict.WRONG, text)
    unswept = [each for each in gone if each.ended_at is not None and each.swept_at is None]
    late = [each for each in unswept if each.ended_at is not None and each.ended_at < now - LATE]
    if late:
        text = (
            f"the database's free pages may still hold rows of {counted(len(late), 'destroyed case')} and sealed keys. "
            "Run: meldpost retention --sweep (on PostgreSQL as the owner of the tables)"
        )
        yield Finding(f"free pages at {desk}", Verdict.WRONG, text)
    lying = sum(each.lying for each in gone if each.begun_at < now - LATE)
    if lying:
        text = (
            f"Readable in done folders: {counted(lying, 'mail')} of destroyed cases. Is the mailbox reached? See above."
        )
        yield Finding(f"mails of destroyed cases at {desk}", Verdict.WRONG, text)


def _should_be_gone(case: ToGo, now: datetime) -> bool:
    """Not where it waits out the days after its notice; a try that was put off is looked at again within the hour."""
    return not case.keeps and case.may_go_at is not None and case.may_go_at < now + destruction.LATER
