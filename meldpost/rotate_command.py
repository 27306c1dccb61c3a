"""The command `meldpost rotate`: a new key of the desk, with a bar that says how far it is."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meldpost.config_option import config_option

if TYPE_CHECKING:
    from meldpost.at_desk import AtDesk
    from store.rotation import Progress


@click.command()
@config_option
@click.option("--desk", help="The desk's short name; needed where there are several.")
@click.option("--login", help="Your own log-in name; your passphrase is asked for.")
@click.option(
    "--pin",
    "only_pin",
    is_flag=True,
    help="Only put the newest key into this configuration: for further machines. Needs no log-in.",
)
def rotate(config: Path, desk: str | None, login: str | None, only_pin: bool) -> None:
    """Make the desk's key anew, while daemon and desk run. Needed when somebody leaves who had it.

    It may be stopped at any time; the same command goes on where it stopped.
    """
    from meldpost.at_desk import asked_in
    from meldpost.pinning import pin_newest
    from meldpost.startup import NotReady
    from store import rotation
    from store.keyring import DeskKeyDiffers, NoSuchKey, NotAllowed, pins_of
    from store.membership import UnprovenMember
    from store.rotation import CannotRotate

    if only_pin:
        try:
            click.echo(pin_newest(config, desk))
        except NotReady as error:
            raise click.ClickException(str(error)) from error
        return
    if login is None:
        raise click.UsageError("Name the member whose passphrase opens the desk's key, with --login.")
    try:
        with asked_in(config, desk, login) as here:
            pins = pins_of(here.settings)
            with here.database.read() as session:
                begun = rotation.unfinished(session, here.ring.desk)
            if begun is not None:
                click.echo(f"Going on from key {begun.before} to key {begun.after}, begun on {begun.since:%Y-%m-%d}.")
                _show(rotation.resume(here.database, here.ring, pins))
            if begun is None or _is_due(here):
                _show(rotation.rotate(here.database, here.ring, pins, datetime.now(UTC)))
            named = here.ring.desk
        click.echo(pin_newest(config, named))
    except (NotReady, NotAllowed, NoSuchKey, DeskKeyDiffers, UnprovenMember, CannotRotate) as error:
        raise click.ClickException(str(error)) from error


def _is_due(here: "AtDesk") -> bool:
    """Did somebody leave who knows the new key already?"""
    from store.membership import is_rotation_due

    with here.database.read() as session:
        return is_rotation_due(session, here.ring.desk)


def _show(progress: "Iterable[Progress]") -> None:
    """Do it, with a bar on the terminal; where there is none, with a line for each step."""
    lost = 0
    if not sys.stderr.isatty():
        for each in progress:
            lost = each.lost
            click.echo(f"Sealed anew: {each.done} of {each.total}", err=True)
    else:
        lost = _with_a_bar(progress)
    if lost:
        click.echo(f"{lost} sealed keys or records were damaged, and opened with no key before either.")


def _with_a_bar(progress: "Iterable[Progress]") -> int:
    lost = 0
    with click.progressbar(length=1, label="Sealing anew", file=sys.stderr) as bar:
        for each in progress:
            bar.length, lost = max(each.total, 1), each.lost
            bar.update(each.done - bar.pos)
        bar.update((bar.length or 1) - bar.pos)
    return lost
