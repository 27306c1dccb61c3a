"""What the doctor says of conflicts of interest: whom a mail can name so that it is kept from them, and who is left."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.errors import ConfigError
from config.settings import DeskSettings, Settings
from meldpost import startup
from meldpost.findings import Finding, Verdict
from store import certificates
from store.keyring import pins_of
from store.restriction import certified


def conflicts(settings: Settings) -> Iterator[Finding]:
    """Nothing where the database or the pins cannot be read: others say so."""
    try:
        database = startup.existing_database(settings)
        try:
            with database.read() as session:
                for desk, about in settings.desks.items():
                    yield _of_a_desk(session, desk, about)
        finally:
            database.close()
    except (startup.NotReady, ConfigError, SQLAlchemyError):
        return


def _of_a_desk(session: Session, desk: str, about: DeskSettings) -> Finding:
    what = f"mail about members of {desk}"
    if not about.people:
        text = "kept from nobody by itself, for [[desks.NAME.people]] names no member (docs/administrator.md)"
        return Finding(what, Verdict.NOTE, text)
    counted = certificates.chain(session, desk, pins_of(about).signing or b"")
    listed = [*(each.member for each in about.people), *filter(None, [about.second_recipient])]
    unknown = [each for each in listed if certified(session, counted, each) is None]
    if unknown:
        text = f"people or second_recipient name members that the desk has not: {', '.join(unknown)}. "
        return Finding(what, Verdict.WRONG, text + "See: meldpost member list")
    if not about.second_recipient:
        text = "there is no second_recipient: a mail that names all of people is kept from nobody"
        return Finding(what, Verdict.NOTE, text)
    return Finding(what, Verdict.FINE, "kept from them from the beginning, where the machine finds their name")
