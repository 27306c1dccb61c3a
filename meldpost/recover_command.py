"""The command `meldpost recover`: asks for recovery shares and for whom they are to open the desk."""

from pathlib import Path

import click

from cases.roles import Role
from config.settings import EmailAddress
from meldpost.click_types import Checked
from meldpost.config_option import config_option
from meldpost.passphrase_asked import ask_new_passphrase

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@config_option
@click.option("--desk", help="The short name of the desk. Needed where there are several.")
@click.option("--login", help="Log-in name of the person who is given access. Asked for when absent.")
@click.option("--address", type=Checked(EmailAddress), help="For a new member: where their notices go.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.COORDINATOR.value,
    show_default=True,
    help="For a new member.",
)
@click.option("--passphrase-file", type=_FILE, help="File that holds the new passphrase. Asked for when absent.")
@click.option(
    "--share-file", "files", multiple=True, type=_FILE, help="File with the words of one share. Asked for when absent."
)
@click.option(
    "--new-passphrase-secret",
    is_flag=True,
    help="The secret passphrase-secret is lost: make a new one. Then every member has to be recovered.",
)
def recover(
    config: Path,
    desk: str | None,
    login: str | None,
    address: str | None,
    role: str,
    passphrase_file: Path | None,
    files: tuple[Path, ...],
    new_passphrase_secret: bool,
) -> None:
    """Give a person access by the recovery pages, when passphrases are lost.

    A member of before gets a new passphrase; somebody else becomes a member. It stands on the trail.
    """
    from config.settings import load
    from meldpost.recovering import at_recovery, passphrase_secret
    from meldpost.shares_asked import ask_recovery_seed
    from meldpost.startup import NotReady
    from store.consent import ConsentNeeded
    from store.members import MemberExists
    from store.recovery import NotRecoverable, NotTheRecoveryKey

    settings = load(config)
    named = one_desk(desk, list(settings.desks))
    if not new_passphrase_secret:
        settings.secrets().key(f"passphrase-secret-{named}")  # before anybody types 66 words
    seed = ask_recovery_seed(files)
    try:
        with at_recovery(settings, named, seed) as here:
            click.echo(f"The recovery key of desk {named} is rebuilt; it opens the desk.")
            who = login or str(click.prompt("Log-in name of the person who is given access"))
            member = here.member(who)
            if member is None and address is None:
                click.echo(f"There is no member {who}: a new one, with the role {role}.")
                address = click.prompt("Their own e-mail address, for notices", type=Checked(EmailAddress))
            known = [who, address or "", named]
            passphrase = ask_new_passphrase(who, known, passphrase_file)
            secret = passphrase_secret(settings, named, make=new_passphrase_secret)
            if member is None:
                here.add(who, str(address), Role(role), passphrase.text, secret)
            else:
                here.give_back(member, passphrase.text, secret)
    except ConsentNeeded:
        raise click.ClickException(
            "Nothing was changed: the settings ask for the consent of two members. Each of them runs: meldpost "
            f"recovery allow {who} --login ... Then run this again. (Where fewer than two others logged in during the "
            "last seven days, it is not asked for.)"
        ) from None
    except (NotReady, NotTheRecoveryKey, NotRecoverable, MemberExists) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"""
{who} can log in now. It stands on the trail.

Next:
  1. {passphrase.advice}
  2. The pages were seen on this machine. When somebody looked on, or a page is not back in its safe:
     meldpost recovery renew --desk {named} --login {who}
""")


def one_desk(given: str | None, desks: list[str]) -> str:
    """The desk that is meant. Raises UsageError."""
    if given is None and len(desks) == 1:
        return desks[0]
    if given is None or given not in desks:
        raise click.UsageError(f"Name the desk with --desk. There is: {', '.join(desks)}.")
    return given
