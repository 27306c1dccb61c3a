"""The command `meldpost mailkey`: the desk's keys for encrypted mail, made, imported and shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from config.settings import DeskSettings, Settings, load
from meldpost.config_option import config_option
from meldpost.hidden import ask_hidden

_desk = click.option("--desk", help="Short name of the desk. Needed where there are several.")
_standard = click.argument("standard", type=click.Choice(["smime", "openpgp"]))


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    return config_option(_desk(command))


@click.group()
def mailkey() -> None:
    """The keys with which a desk opens encrypted mail."""


@mailkey.command()
@_options
@_standard
def new(config: Path, desk: str | None, standard: Any) -> None:
    """Make a key for the desk's address, and print the half to publish. Older keys stay."""
    from meldpost.mail_keys import make

    settings, slug, chosen = _chosen(config, desk)
    _print(lambda: make(settings.secrets(), slug, chosen, standard).text)


@mailkey.command(name="import")
@_options
@click.argument("file", type=click.File("rb"))
@click.option("--passphrase", help="Of the key. Asked for when absent, if the key is locked.")
def import_(config: Path, desk: str | None, file: Any, passphrase: str | None) -> None:
    """Take over a key made elsewhere: PEM, PKCS#12, an OpenPGP secret key, or the certificate for a key of the desk."""
    from meldpost.mail_keys import Locked, take_over

    settings, slug, chosen = _chosen(config, desk)
    data = file.read()

    def taken(with_passphrase: str) -> str:
        return take_over(settings.secrets(), slug, chosen, data, with_passphrase.encode()).text

    def asking() -> str:
        try:
            return taken(passphrase or "")
        except Locked:
            if passphrase is not None:
                raise
            return taken(ask_hidden("Passphrase of the key", err=True))

    _print(asking)


@mailkey.command()
@_options
def request(config: Path, desk: str | None) -> None:
    """Print a request (PKCS#10) with which an authority makes a certificate for the desk's S/MIME key."""
    from meldpost.mail_keys import request as requested

    settings, slug, chosen = _chosen(config, desk)
    _print(lambda: requested(settings.secrets(), slug, chosen))


@mailkey.command()
@_options
def show(config: Path, desk: str | None) -> None:
    """Print what may be published: the certificates and OpenPGP keys, newest first."""
    from ingest.protection.keys import mail_keys
    from meldpost.mail_keys import public_halves

    settings, slug, chosen = _chosen(config, desk)
    _print(lambda: "".join(half.text for half in public_halves(mail_keys(settings.secrets(), slug, chosen))))


def _chosen(config: Path, desk: str | None) -> tuple[Settings, str, DeskSettings]:
    settings = load(config)
    if desk is None and len(settings.desks) == 1:
        desk = next(iter(settings.desks))
    if desk is None or desk not in settings.desks:
        raise click.UsageError(f"Name a desk with --desk: {', '.join(settings.desks)}.")
    return settings, desk, settings.desks[desk]


def _print(made: Callable[[], str]) -> None:
    from meldpost.mail_keys import BadMailKey

    try:
        click.echo(made(), nl=False)
    except BadMailKey as error:
        raise click.ClickException(str(error)) from error
