"""What the doctor says of the audit trail: whether checkpoints are made, and whether a copy of them goes outside."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from config.errors import ConfigError
from config.settings import DeskSettings, Settings
from meldpost.findings import Finding, Verdict
from meldpost.startup import NotReady, existing_database
from meldpost.trail import signing_key
from store.checkpoints import unsigned_since

LONGEST_WITHOUT = timedelta(minutes=10)


def trails(settings: Settings) -> Iterator[Finding]:
    for slug, desk in settings.desks.items():
        what = f"trail of {slug}"
        try:
            key = signing_key(settings.secrets(), slug, desk)
        except ConfigError as error:
            yield Finding(what, Verdict.WRONG, str(error))
            continue
        if key is None:
            text = "no checkpoints are made: who writes to the database can cut it off. Run: meldpost audit key --desk"
            yield Finding(what, Verdict.NOTE, f"{text} {slug}")
            continue
        yield _copies(what, desk)
        yield from _late(settings, slug, what)


def _copies(what: str, desk: DeskSettings) -> Finding:
    path = desk.checkpoint_file
    if path is not None and not os.access(path if path.exists() else path.parent, os.W_OK):
        return Finding(
            what, Verdict.WRONG, f"the checkpoint_file {path} cannot be written. Check its folder and owner."
        )
    if path is None and desk.checkpoint_mail is None:
        text = (
            "checkpoints stay in the database alone, where who can write can remove them. Set checkpoint_file to a "
            "place that the database's machine cannot change, or checkpoint_mail."
        )
        return Finding(what, Verdict.NOTE, text)
    return Finding(what, Verdict.FINE, "checkpoints are made, and go outside")


def _late(settings: Settings, slug: str, what: str) -> Iterator[Finding]:
    try:
        database = existing_database(settings)
        try:
            with database.read() as session:
                since = unsigned_since(session, slug)
        finally:
            database.close()
    except (NotReady, SQLAlchemyError):
        return
    if since is not None and datetime.now(UTC) - since > LONGEST_WITHOUT:
        text = f"no checkpoint since {since:%Y-%m-%d %H:%M} UTC, though more was written. Does `meldpost run` run?"
        yield Finding(f"checkpoints of {what}", Verdict.NOTE, text)
