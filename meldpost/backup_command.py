"""`meldpost backup` and `meldpost restore` on the command line."""

from pathlib import Path

import click

from meldpost.config_option import config_option


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
    click.echo(f"Backed up and checked: {made.manifest.cases} cases, in {file}.content and {file}.keys.")
    if made.elsewhere:
        click.echo("It lies on another disk than the database: mails that it holds leave the done folders now.")
    if made.expired:
        click.echo(f"Key files removed, since their time was over: {len(made.expired)}.")
    for each in made.unread:
        click.echo(f"{each} Its key file stays until then, whatever its age.", err=True)


@click.command()
@config_option
@click.option("--check", is_flag=True, help="Prove that the backup is whole and opens; write nothing.")
@click.option("--replace", is_flag=True, help="Put the database that is there now aside.")
@click.option(
    "--pins-of-backup",
    is_flag=True,
    help="Pin the public keys that were pinned when the backup was made: needed for one of before a rotation.",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(config: Path, check: bool, replace: bool, pins_of_backup: bool, file: Path) -> None:
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
            manifest = backups.check(settings, file)
            click.echo(f"Whole, and it opens: {manifest.cases} cases, made at {manifest.made_at}.")
            return
        restored = backups.restore(settings, file, replace=replace, pins_of_backup=pins_of_backup)
    except (BackupError, NotReady) as error:
        raise click.ClickException(str(error)) from error
    for desk, pins in restored.pins.items():
        pin(config, desk, pins)
        click.echo(
            f"The configuration pins the keys of then of desk {desk}. Whoever had those has them again. If they should "
            f"not, or other machines pin newer ones, run: meldpost rotate --desk {desk} --login ..."
        )
    click.echo(f"Restored: {restored.manifest.cases} cases, as of {restored.manifest.made_at}.")
    if restored.destroyed:
        click.echo(f"Destroyed once more, since they were by then: {restored.destroyed} cases.")
    click.echo(f"No mail goes out until a member says so; mails that wait for their word: {restored.uncertain}.")
    if restored.aside:
        click.echo(f"What was there before is kept: {restored.aside}. Remove it when all is well: its keys open cases.")
