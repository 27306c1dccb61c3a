"""`meldpost init --roles`: a role of its own in PostgreSQL for the daemon, the desk and the auditor."""

from pathlib import Path

import click

from meldpost.config_option import config_option


@click.command("init")
@click.option("--roles", is_flag=True, required=True, help="Make or correct the database roles of an installation.")
@config_option
@click.option("--print", "only_print", is_flag=True, help="Only print the SQL, for a database administrator to run.")
def roles(roles: bool, config: Path, only_print: bool) -> None:
    """Make the roles that database.url, desk_url and auditor_url name, and give each what it needs and no more.

    Done as the owner of the tables (database.owner_url), who must be allowed to make roles. Safe to repeat. No role
    gets a password by this: set them with psql's \\password, or let the server know its clients by certificate or peer.
    """
    from config.settings import load
    from meldpost.database_roles import NoRoles, give, roles_of, script
    from meldpost.startup import NotReady

    settings = load(config)
    try:
        if only_print:
            click.echo(script(settings))
            return
        give(settings)
        named = roles_of(settings)
    except (NoRoles, NotReady) as error:
        raise click.ClickException(str(error)) from error
    for process, role in named.items():
        click.echo(f"{process}: {role}")
    click.echo("Each role may do what it needs and no more. Check with: meldpost doctor")
