"""What the doctor says of cases to be looked at today: is there a deputy who hears of those that nobody looked at?"""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from config.errors import ConfigError
from config.settings import Settings
from meldpost import startup
from meldpost.findings import Finding, Verdict
from store.members import notice_addresses


def urgency(settings: Settings) -> Iterator[Finding]:
    """Nothing where the database cannot be read: others say so."""
    with_a_deputy = {desk: about.deputy for desk, about in settings.desks.items() if about.look_today and about.deputy}
    try:
        database = startup.existing_database(settings)
        try:
            with database.read() as session:
                for desk, deputy in with_a_deputy.items():
                    what = f"deputy of {desk}"
                    if deputy in notice_addresses(session, desk):
                        yield Finding(what, Verdict.FINE, "hears of cases that nobody looked at on the same day")
                    else:
                        text = f"{deputy} is no member who opens what comes in, so all who do hear of what is urgent. "
                        yield Finding(what, Verdict.WRONG, text + "See: meldpost member list")
        finally:
            database.close()
    except (startup.NotReady, ConfigError, SQLAlchemyError):
        return
