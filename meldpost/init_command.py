"""The command `meldpost init`: asks what only a person knows, and tells them what was made and what to do next."""

import sys
from pathlib import Path
from typing import Any

import click

SECURITY = click.Choice(["tls", "starttls", "plain"])


def _file(help_text: str) -> Any:
    return {"type": click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True), "help": help_text}


def _mail_address(_: click.Context, __: click.Parameter, value: str) -> str:
    """One plain address; a prompt asks again. Found here, before anything is made, and not by the mail that fails."""
    from config.addresses import BadAddress, domain_to_ascii

    try:
        domain_to_ascii(value.strip())
    except BadAddress as error:
        raise click.BadParameter(str(error)) from error
    return value.strip()


@click.command()
@click.option("--config", "-c", type=click.Path(path_type=Path, dir_okay=False), default=Path("meldpost.toml"))
@click.option("--desk", default="integriteit", prompt="Short name of the desk (a-z, 0-9, -)", help="Short name.")
@click.option("--organisation", prompt="Name of the organisation", help="As reporters read it.")
@click.option("--name", prompt="Name of the desk", default="Integriteitscoördinator", help="As reporters read it.")
@click.option(
    "--address",
    callback=_mail_address,
    prompt="E-mail address that reporters write to",
    help="Receipts come from it.",
)
@click.option(
    "--about-coordinator",
    prompt="Where to write when the report is about the coordinator (one line, for the receipt)",
    help="One line in every receipt.",
)
@click.option("--support-point", prompt="Where to get confidential advice (one line)", help="One line in receipts.")
@click.option("--complaints", prompt="Where other complaints go (one line)", help="One line in receipts.")
@click.option("--imap-host", prompt="IMAP server")
@click.option("--imap-port", type=int, default=993, show_default=True)
@click.option("--imap-security", type=SECURITY, default="tls", show_default=True)
@click.option("--imap-user", prompt="IMAP user")
@click.option("--imap-password-file", **_file("File that holds the mailbox's password, or -. Asked for when absent."))
@click.option("--smtp-host", prompt="SMTP server")
@click.option("--smtp-port", type=int, default=587, show_default=True)
@click.option("--smtp-security", type=SECURITY, default="starttls", show_default=True)
@click.option("--smtp-user", prompt="SMTP user (empty: no log-in)", default="")
@click.option("--smtp-password-file", **_file("File that holds the SMTP password. Asked for when absent."))
@click.option("--database-url", default="sqlite:///meldpost.db", show_default=True)
@click.option("--login", prompt="Log-in name of the first member")
@click.option("--member-address", callback=_mail_address, prompt="That member's own e-mail address, for notices")
@click.option("--passphrase-file", **_file("File that holds the first member's passphrase. Asked for when absent."))
def init(**given: Any) -> None:
    """Set up a desk: configuration, secrets, database, keys and the first member. Never overwrites anything."""
    from config.errors import ConfigError
    from meldpost.init import FirstMember, InitError, Plan, initialise
    from store.database import StoreError

    passwords = {f"mailbox-password-{given['desk']}": _password(given["imap_password_file"], "IMAP password")}
    if given["smtp_user"]:
        passwords["smtp-password"] = _password(given["smtp_password_file"], "SMTP password")
    passphrase, offered = _passphrase(given)
    plan = Plan(
        config=given["config"],
        desk=given["desk"],
        settings=_settings(given),
        member=FirstMember(given["login"], given["member_address"], passphrase),
        passwords=passwords,
    )
    try:
        made = initialise(plan)
    except (InitError, ConfigError, StoreError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"""
The desk is set up.

  {made.config}: the configuration, with every setting explained
  {made.secrets_dir}: the secrets; keep a copy apart from backups of the database
  {made.recovery_file}: THE RECOVERY KEY. It opens every case.
  Fingerprint of the desk's key: {made.fingerprint}

Next:
  1. Print the recovery key (or copy it to sticks that go into a safe), then take it off this machine:
     shred -u {made.recovery_file}
  2. {_about_passphrase(given["login"], offered)}
  3. meldpost doctor --config {made.config}
  4. meldpost run --config {made.config}     (takes mail in, sends receipts)
  5. meldpost desk --config {made.config}    (the web application)
"""
    )


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    desk = given["desk"]
    return {
        "database": {"url": given["database_url"]},
        "desks": {
            desk: {
                "name": given["name"],
                "organisation": given["organisation"],
                "address": given["address"],
                "texts": {name: given[name] for name in ("about_coordinator", "support_point", "complaints")},
            }
        },
        "mailboxes": {
            desk: {
                "desk": desk,
                "host": given["imap_host"],
                "port": given["imap_port"],
                "security": given["imap_security"],
                "user": given["imap_user"],
            }
        },
        "smtp": {
            "host": given["smtp_host"],
            "port": given["smtp_port"],
            "security": given["smtp_security"],
            "user": given["smtp_user"],
        },
    }


def _password(file: Path | None, what: str) -> str:
    return _first_line(file) if file is not None else str(click.prompt(what, hide_input=True))


def _passphrase(given: dict[str, Any]) -> tuple[str, str | None]:
    """The passphrase, and the same when it was ours and has to be shown."""
    from store.passphrase_rules import WeakPassphrase, offer, refuse_weak

    known = [given["login"], given["member_address"], given["desk"], given["organisation"], given["address"]]
    if given["passphrase_file"] is not None:
        passphrase = _first_line(given["passphrase_file"])
        try:
            refuse_weak(passphrase, known)
        except WeakPassphrase as error:
            raise click.ClickException(f"Nothing was made: {error}.") from error
        return passphrase, None
    offered = offer()
    click.echo(f"\nA passphrase for {given['login']}, which opens the cases, of seven words:\n\n  {offered}\n")
    while True:
        passphrase = click.prompt(
            "Press Enter to take it, or type one of your own", default="", hide_input=True, show_default=False
        )
        if not passphrase:
            return offered, offered
        try:
            refuse_weak(passphrase, known)
        except WeakPassphrase as error:
            click.echo(f"Not taken: {error}.")
            continue
        if click.prompt("The same once more", hide_input=True) == passphrase:
            return passphrase, None
        click.echo("Those were two different ones.")


def _about_passphrase(login: str, offered: str | None) -> str:
    if offered is None:
        return f"Remember the passphrase of {login}: nobody can look it up."
    return f"Give {login} this passphrase, and keep it nowhere else: {offered}"


def _first_line(file: Path) -> str:
    text = sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8")
    line = text.partition("\n")[0].rstrip("\r")
    if not line:
        raise click.ClickException(f"{file} holds nothing on its first line.")
    return line
