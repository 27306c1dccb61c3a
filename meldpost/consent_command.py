"""`meldpost consent`: what takes two members, where a desk's settings say so."""

from datetime import UTC, datetime
from typing import Any

import click

from meldpost.member_command import acting_here, acting_member


@click.group()
def consent() -> None:
    """See what another member asks you to agree to, and agree or not."""


@consent.command("list")
@acting_member
def list_asked(**acting: Any) -> None:
    """Show what was asked for within the last week, and is not done yet."""
    from store import consent as consents
    from store.members import logins

    with acting_here(acting) as here, here.database.read() as session:
        names = logins(session, here.ring)
        for each in consents.standing(session, here.ring, datetime.now(UTC)):
            given = f"agreed by {names.get(each.given_by, '?')}" if each.given_by else "nobody has agreed"
            about = ", ".join(str(part) for part in each.about.values())
            asked = f"asked by {names.get(each.asked_by, '?')}, until {each.expires_at:%Y-%m-%d %H:%M} UTC"
            click.echo(f"{each.id}  {each.act}: {about}; {asked}; {given}")


@consent.command()
@acting_member
@click.argument("number")
def give(number: str, **acting: Any) -> None:
    """Agree to what has this NUMBER in the list."""
    from store import consent as consents

    with acting_here(acting) as here, here.database.begin() as session:
        consents.give(session, here.ring, number, datetime.now(UTC))
    click.echo("You agreed. It can be done now by who asked.")


@consent.command("take-back")
@acting_member
@click.argument("number")
def take_back(number: str, **acting: Any) -> None:
    """Say no to what has this NUMBER in the list, whoever asked or agreed."""
    from store import consent as consents

    with acting_here(acting) as here, here.database.begin() as session:
        consents.take_back(session, here.ring, number, datetime.now(UTC))
    click.echo("Taken back. It is not done.")
