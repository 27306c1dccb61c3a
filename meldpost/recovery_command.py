"""The commands `meldpost recovery`: a new recovery key with new pages, and the consent of members to a recovery."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cases.sharing import Scheme
from meldpost.config_option import config_option
from meldpost.counted import counted
from meldpost.shares_options import scheme_of, shares_options

_desk = click.option("--desk", help="The desk's short name; needed where there are several.")
_login = click.option("--login", required=True, help="Your own log-in name; your passphrase is asked for.")


@click.group()
def recovery() -> None:
    """Make the recovery key and its pages anew, or agree that somebody is given access by them."""


@recovery.command()
@config_option
@_desk
@_login
@shares_options
def renew(config: Path, desk: str | None, login: str, **split: Any) -> None:
    """Make a new recovery key, with new pages: when a keeper leaves, a page is missing, or there is a key file of
    before. The old pages open nothing then.

    It may be stopped at any time; the same command goes on where it stopped.
    """
    from config.settings import load
    from meldpost.at_desk import asked_in
    from meldpost.bars import show
    from meldpost.renewing import begin, pin_begun
    from store import renewal
    from store.keyring import DeskKeyDiffers, NoSuchKey, NotAllowed, UnprovenKey, pins_of
    from store.renewal import CannotRenew

    scheme = scheme_of(split)
    try:
        with asked_in(config, desk, login) as here:
            named = here.ring.desk
            pages = begin(here, config, scheme, datetime.now(UTC))
            pin_begun(here, config)
            progress = renewal.resume(here.database, here.ring, pins_of(load(config).desks[named]))
            last = show(progress, "Sealing to the new recovery key")
    except (NotAllowed, NoSuchKey, UnprovenKey, DeskKeyDiffers, CannotRenew) as error:
        raise click.ClickException(str(error)) from error
    click.echo(_told(config, scheme, pages, last.closed if last else 0))


def _told(config: Path, scheme: Scheme, pages: Sequence[Path], closed: int) -> str:
    """What there is now, and what to do."""
    if closed:
        old = (
            f"Sealed to the old recovery key alone: {counted(closed, 'key')} of cases that you do not open. Have\n"
            "     a member who opens them run: meldpost recovery renew. Keep the old pages until then: they open those."
        )
    else:
        old = "Destroy the old pages. They open nothing in this database any more, but do in backups of before."
    if not pages:
        return f"The renewal that was begun before is gone on with; its pages were written then.\n     {old}"
    listed = "\n".join(f"  {page}: recovery page {number}" for number, page in enumerate(pages, start=1))
    return f"""
The recovery key is made anew. Any {scheme.needed} of these {scheme.of} pages open every case, fewer open nothing.

{listed}

Next:
  1. Print each page, give each to another person to keep in a safe, then take all off this machine:
     shred -u {" ".join(str(page) for page in pages)}
  2. {old}
  3. On every other machine with a configuration of its own, copy the line recovery_key from {config}.
"""


@recovery.command()
@config_option
@_desk
@_login
@click.argument("who")
def allow(config: Path, desk: str | None, login: str, who: str) -> None:
    """Agree that WHO (a log-in name) is given access by the recovery pages, where the setting two_members asks for it.

    Two members agree, each by this command (or at the desk); it counts for a week, and once.
    """
    from meldpost.at_desk import asked_in
    from meldpost.recovering import subject_of
    from store import consent
    from store.consent import Act, CannotConsent
    from store.keyring import NotAllowed

    now = datetime.now(UTC)
    try:
        with asked_in(config, desk, login) as here, here.database.begin() as session:
            subject = subject_of(here.index, who)
            found = [each for each in consent.standing(session, here.ring, now) if each.act is Act.RECOVERY]
            asked = next((each for each in found if each.about.get("who") == who.strip().casefold()), None)
            if asked is None:
                consent.ask(session, here.ring, Act.RECOVERY, subject, {"who": who.strip().casefold()}, now)
                said = "You agreed. Where others logged in of late, one has to agree, too: meldpost recovery allow."
            else:
                consent.give(session, here.ring, asked.id, now)
                said = f"Two members agreed. {who} can be given access now: meldpost recover"
    except (NotAllowed, CannotConsent) as error:
        raise click.ClickException(str(error)) from error
    click.echo(said)
