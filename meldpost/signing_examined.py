"""What the doctor says of signing keys: what is not pinned, who does not sign yet, and what does not hold together."""

import base64
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.errors import ConfigError
from config.settings import Settings
from meldpost import startup
from meldpost.findings import Finding, Verdict
from store import certificates
from store.certificates import Chain
from store.keyring import Pins, pins_of
from store.schema import Member


def signing(settings: Settings) -> Iterator[Finding]:
    """Nothing where the database or the pins cannot be read: others say so."""
    try:
        database = startup.existing_database(settings)
        try:
            with database.read() as session:
                for desk, about in settings.desks.items():
                    yield from _of_a_desk(session, desk, pins_of(about))
        finally:
            database.close()
    except (startup.NotReady, ConfigError, SQLAlchemyError):
        return


def _of_a_desk(session: Session, desk: str, pins: Pins) -> Iterator[Finding]:
    what = f"signing key of {desk}"
    if pins.signing is None:
        yield Finding(what, Verdict.NOTE, _what_to_pin(session, desk, pins))
        return
    counted = certificates.chain(session, desk, pins.signing)
    if counted.newest is None:
        text = "the pinned signing_key is not in the database as it was written: nothing that was signed counts now. "
        text += "Compare both with a backup, and find out who changed which."
        yield Finding(what, Verdict.WRONG, text)
        return
    if certificates.loose(session, counted):
        text = (
            "there is a newer one that the desk did not certify, which is not used. Find out who wrote to the database."
        )
        yield Finding(what, Verdict.WRONG, text)
    elif counted.newest.signing != pins.signing:
        text = "an older one is pinned. The desk's key was made anew: pin the new ones, so that who had the old key "
        text += "can certify nothing. Run: meldpost rotate --pin"
        yield Finding(what, Verdict.NOTE, text)
    else:
        yield Finding(what, Verdict.FINE, "as pinned in the configuration")
    yield from _members(session, counted)


def _what_to_pin(session: Session, desk: str, pins: Pins) -> str:
    first = certificates.first_of(session, desk, pins.to_desk.to_bytes())
    if first is None:
        return "there is none yet. It is made when a member who opens the desk logs in; then pin it."
    line = f'signing_key = "{base64.b64encode(first).decode()}"'
    return f"not pinned. After a member has logged in, add to [desks.{desk}] in the configuration: {line}"


def _members(session: Session, counted: Chain) -> Iterator[Finding]:
    found = select(Member.id).where(Member.desk == counted.desk, Member.retired_at.is_(None))
    without = sum(not certificates.member_keys(session, counted, each) for each in session.scalars(found).all())
    if without:
        text = f"{without} of the members sign nothing yet: their keys are certified when they next log in."
        yield Finding(f"signatures of {counted.desk}", Verdict.NOTE, text)
