"""`meldpost backup` and `meldpost restore` on the command line."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meldpost.config_option import config_option
from meldpost.counted import counted
from meldpost.hidden import ask_hidden

if TYPE_CHECKING:
    from config.settings import Settings
    from meldpost.backup import Checked, Restored
    from meldpost.backup_opened import Asked


@click.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(config: Path, file: Path) -> None:
    """Write a backup while everything runs: FILE.content, FILE.keys and FILE.manifest.

    It is read back before it counts. Key files that are older than key_backup_days are removed from the folder of FILE.
    On PostgreSQL this is done by pg_dump, as the owner of the tables (MELDPOST_DATABASE__OWNER_URL).
    """
    from config.settings import load
    from meldpost import backup as backups
    from meldpost.startup import NotReady
    from store.copies import BackupError

    try:
        made = backups.back_up(load(config), file)
    except (BackupError, NotReady) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Backed up and checked: {counted(made.manifest.cases, 'case')}, in {file}.content and {file}.keys.")
    if made.elsewhere:
        click.echo("It lies on another disk than the database: mails that it holds leave the done folders now.")
    if made.expired:
        click.echo(f"Key files removed, since their time was over: {len(made.expired)}.")
    if not made.on_the_trail:
        click.echo("The trail does not tell of it: the database took no row. Run: meldpost doctor", err=True)
    if made.refused_list:
        click.echo(
            f"Lines of destroyed.list bore no proof. The list was written anew without them; as it was it is kept as "
            f"{made.refused_list}. Find out who wrote to the folder.",
            err=True,
        )
    for each in made.unread:
        click.echo(f"{each} Its key file stays until then, whatever its age.", err=True)


@click.command()
@config_option
@click.option("--check", is_flag=True, help="Prove what can be proved of the backup; nothing is replaced.")
@click.option("--login", help="With --check: also open a case of it. Your passphrase of then is asked for.")
@click.option("--desk", help="With --login: the desk's short name; needed where there are several.")
@click.option("--replace", is_flag=True, help="Put the database that is there now aside.")
@click.option(
    "--pins-of-backup",
    is_flag=True,
    help="Pin the public keys that were pinned when the backup was made: needed for one of before a rotation.",
)
@click.option("--trust-list", is_flag=True, help="Have lines of destroyed.list count that bear no proof.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(
    config: Path,
    check: bool,
    login: str | None,
    desk: str | None,
    replace: bool,
    pins_of_backup: bool,
    trust_list: bool,
    file: Path,
) -> None:
    """Put a backup into the place of the database. Stop the daemon and the desk first.

    On PostgreSQL into an empty database, or with --replace, as the owner of the tables (MELDPOST_DATABASE__OWNER_URL).
    What was destroyed since stays destroyed. No mail goes out until a member says so at the desk.
    """
    from config.settings import load
    from meldpost import backup as backups
    from meldpost.settings_file import pin
    from meldpost.startup import NotReady
    from store.copies import BackupError

    settings = load(config)
    try:
        if check:
            _say_checked(backups.check(settings, file, _asked(settings, desk, login) if login else None))
            return
        restored = backups.restore(
            settings, file, replace=replace, pins_of_backup=pins_of_backup, trust_list=trust_list
        )
    except (BackupError, NotReady) as error:
        raise click.ClickException(str(error)) from error
    for desk, pins in restored.pins.items():
        pin(config, desk, pins)
        click.echo(
            f"The configuration pins the keys of then of desk {desk}. Whoever had those has them again. If they should "
            f"not, or other machines pin newer ones, run: meldpost rotate --desk {desk} --login ..."
        )
        if "mailer_key" in pins:
            click.echo(
                f"To go on with the mailer's key of then takes its seed, mailer-seed-{desk}. If that is gone, give up "
                f"what waited for it: meldpost rotate --mailer --lost --desk {desk}"
            )
    click.echo(f"Restored: {counted(restored.manifest.cases, 'case')}, as of {restored.manifest.made_at}.")
    if restored.destroyed:
        click.echo(f"Destroyed once more, since they were by then: {counted(restored.destroyed, 'case')}.")
    _say_what_is_known(restored)
    click.echo(f"No mail goes out until a member says so; mails that wait for their word: {restored.uncertain}.")
    if restored.aside:
        click.echo(f"What was there before is kept: {restored.aside}. Remove it when all is well: its keys open cases.")


def _asked(settings: "Settings", desk: str | None, login: str) -> "Asked":
    from meldpost.backup_opened import Asked

    named = desk if desk is not None or len(settings.desks) > 1 else next(iter(settings.desks))
    if named not in settings.desks:
        raise click.UsageError(f"Name the desk with --desk. There is: {', '.join(settings.desks)}.")
    return Asked(named, login, ask_hidden("Passphrase"))


def _say_checked(checked: "Checked") -> None:
    manifest, proven = checked.manifest, checked.proven
    click.echo(f"Whole, and as it was made: {counted(manifest.cases, 'case')}, made at {manifest.made_at}.")
    click.echo(
        f"{proven.records} sealed records are as the trail has them, and {proven.keys} keys have their key records."
    )
    if proven.unnamed:
        click.echo(f"Of {proven.unnamed} sealed records the trail has no digest: of these nothing is proved.")
    if checked.opened:
        click.echo("The newest case that you open was opened.")
    elif checked.opened is False:
        click.echo("The passphrase is right. There is no case in it that you open, so none was.")
    else:
        click.echo("That it opens is not proved without a passphrase: say --login, too.")


def _say_what_is_known(restored: "Restored") -> None:
    """Of what was destroyed since the backup was made."""
    at = restored.listed_at
    by_database = " or than the database of before knew, if it could be read" if restored.was_there else ""
    if at is None:
        why = "There is no list of what was destroyed beside this backup (destroyed.list), or it is not whole."
    elif at < datetime.fromisoformat(restored.manifest.made_at):
        why = f"The list of what was destroyed is of {at:%Y-%m-%d %H:%M} UTC, older than this backup."
    else:
        click.echo(f"What was destroyed later than {at:%Y-%m-%d %H:%M} UTC, by the list{by_database}, lives again.")
        return
    but = ", but for those that the database of before knew, if it could be read" if restored.was_there else ""
    click.echo(
        f"WARNING: {why} Cases that were destroyed since live again{but}. "
        "Compare with the declarations of destruction that you keep, and destroy them once more.",
        err=True,
    )
