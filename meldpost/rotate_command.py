"""The command `meldpost rotate`: new keys of the desk and of its cases, with a bar that says how far it is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meldpost.config_option import config_option
from meldpost.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

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
@click.option(
    "--mailer", is_flag=True, help="The mailer's key instead, on the machine that sends. No log-in: no member has it."
)
@click.option("--finish", is_flag=True, help="With --mailer, when all pin the new key: end the one before.")
@click.option("--lost", is_flag=True, help="With --mailer: its seed is gone. What waits for it is given up.")
def rotate(
    config: Path, desk: str | None, login: str | None, only_pin: bool, mailer: bool, finish: bool, lost: bool
) -> None:
    """Make the desk's key anew, and then those of its cases, while daemon and desk run. Needed when somebody leaves
    who had it.

    It may be stopped at any time; the same command goes on where it stopped.
    """
    if mailer:
        if login is not None or (only_pin and (finish or lost)):
            raise click.UsageError("--mailer goes with --pin, or with --finish and --lost, and needs no --login.")
        _mailers_key(config, desk, only_pin=only_pin, finish=finish, lost=lost)
        return
    if finish or lost:
        raise click.UsageError("--finish and --lost go with --mailer.")
    from meldpost.at_desk import asked_in
    from meldpost.pinning import pin_newest
    from meldpost.startup import NotReady
    from store import case_rotation, rotation
    from store.keyring import DeskKeyDiffers, NoSuchKey, NotAllowed, pins_of
    from store.membership import UnprovenMember, is_rotation_due
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
            named, pins = here.ring.desk, pins_of(here.settings)
            with here.database.read() as session:
                begun = rotation.unfinished(session, named)
                is_due = is_rotation_due(session, named)
                behind = case_rotation.behind(session, here.ring)
            if begun is not None:
                click.echo(f"Going on from key {begun.before} to key {begun.after}, begun on {begun.since:%Y-%m-%d}.")
                _seal_anew(rotation.resume(here.database, here.ring, pins))
            elif behind and not is_due:
                click.echo(
                    f"Going on with the keys of {counted(len(behind), 'case')}, which are older than the desk's."
                )
            if is_due or not (begun or behind):
                _seal_anew(rotation.rotate(here.database, here.ring, pins, datetime.now(UTC)))
            click.echo(pin_newest(config, named))
            _cases_anew(here, config)
    except (NotReady, NotAllowed, NoSuchKey, DeskKeyDiffers, UnprovenMember, CannotRotate) as error:
        raise click.ClickException(str(error)) from error


def _mailers_key(config: Path, desk: str | None, *, only_pin: bool, finish: bool, lost: bool) -> None:
    from config.errors import ConfigError
    from meldpost import mailer_anew
    from meldpost.bars import show
    from meldpost.startup import NotReady

    try:
        if only_pin:
            click.echo(f"{mailer_anew.pin_newest(config, desk)}\nStart the daemon and the desk of this machine again.")
        elif finish:
            last = show(mailer_anew.finish(config, desk, lost=lost), "Sealed anew")
            if last and last.lost:
                click.echo(f"Given up, since no seed opens them: {last.lost} mails or addresses for reminders.")
            click.echo("The mailer has one key, and nothing else is left. The seed of before is destroyed here.")
        else:
            fingerprint = mailer_anew.begin(config, desk, lost=lost)
            click.echo(_what_next(fingerprint))
    except (NotReady, ConfigError) as error:
        raise click.ClickException(str(error)) from error


def _what_next(fingerprint: str) -> str:
    return f"""
The mailer has a new key, and the configuration pins it; its fingerprint is {fingerprint}.
What is sealed to the key before is sent as ever.

Next:
  1. Start the desk of this machine again, and a daemon that takes mail in by LMTP: they know their pins from the start.
  2. On every other machine that sends, copy the secret mailer-seed-<desk>.new from here to its secrets.
  3. On every other machine with a configuration of its own, run: meldpost rotate --mailer --pin
  4. Then, here: meldpost rotate --mailer --finish   (meldpost doctor says what is sealed to the key before)
"""


def _seal_anew(progress: "Iterator[Progress]") -> None:
    from meldpost.bars import show

    last = show(progress, "Sealed anew")
    if last and last.lost:
        click.echo(f"{last.lost} sealed keys or records were damaged, and opened with no key before either.")


def _cases_anew(here: "AtDesk", config: Path) -> None:
    """With the ring and the pins of after the rotation."""
    from config.settings import load
    from meldpost.bars import show
    from store import case_rotation
    from store.keyring import desk_keys, pins_of
    from store.members import ring_of

    before = here.ring
    pins = pins_of(load(config).desks[before.desk])
    with here.database.read() as session:
        own = before.privates[before.own]
        ring = ring_of(session, before.desk, before.member_id, before.login, own, pins)
        keys = desk_keys(session, ring.desk, pins)
    last = show(case_rotation.resume(here.database, ring, here.index, keys), "New keys of cases")
    if last:
        click.echo(f"{counted(last.done, 'case')} got new keys; everybody keeps the access that they had.")
    with here.database.read() as session:
        left = case_rotation.count_behind(session, ring.desk)
    if left:
        click.echo(
            f"{counted(left, 'case')} left with the keys of before, for you do not open what they hold. Have a member "
            "who does run: meldpost rotate"
        )
