"""`meldpost ingest PATH…`: mails from files, taken in as from a mailbox, with a bar that shows how far it is."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.settings import Settings
from ingest.errors import NotIsolated, NurseryGone
from ingest.nurseries import nurseries
from ingest.rounds import FilesResult, ingest_files
from ingest.sources.files import CannotRead
from meldpost import hygiene, logs
from meldpost.mail_files import NoMail, find
from meldpost.startup import NotReady, refuse_unless_ready


class CannotImport(Exception):
    """Nothing more is taken in; the message says what to do."""


def import_files(settings: Settings, account: str | None, paths: Sequence[Path]) -> bool:
    """Take in all mails under these paths; says how many on stderr. Did every one go well? Raises CannotImport."""
    hygiene.no_core_dumps()
    logs.only_trouble()
    name = account_of(settings, account)
    try:
        refuse_unless_ready(settings)
        files = find(paths)
        with nurseries(settings) as (readers, understanders), _bar() as bar:
            task = bar.add_task("mails", total=files.count)

            def show(result: FilesResult) -> None:
                bar.update(task, completed=_seen(result))

            result = ingest_files(settings, settings.secrets(), name, files.paths, readers, understanders, show)
    except (NotReady, NotIsolated, NurseryGone, CannotRead, NoMail) as error:
        raise CannotImport(str(error)) from error
    print(
        f"{result.taken} taken in ({result.unreadable} of them unreadable), {result.duplicates} were here already, "
        f"{result.failed} failed.",
        file=sys.stderr,
    )
    if files.skipped:
        print(f"Files passed over, since they are no mails: {len(files.skipped)}.", file=sys.stderr)
    return result.failed == 0


def account_of(settings: Settings, account: str | None) -> str:
    """The mailbox that was named, or the only one. Raises CannotImport."""
    known = ", ".join(settings.mailboxes) or "none"
    if account is None:
        if len(settings.mailboxes) != 1:
            raise CannotImport(f"Say for which mailbox: --account NAME. The configuration has: {known}.")
        return next(iter(settings.mailboxes))
    if account not in settings.mailboxes:
        raise CannotImport(f"There is no mailbox {account!r} in the configuration. It has: {known}.")
    return account


def _seen(result: FilesResult) -> int:
    return result.taken + result.duplicates + result.failed


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))
