"""Asks a person for a new passphrase on the terminal: seven words that we offer, or one of their own."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from meldpost.hidden import ask_hidden


@dataclass(frozen=True)
class NewPassphrase:
    """`offered`: it is ours, and the person has to be told what it is."""

    login: str
    text: str = field(repr=False)
    offered: bool

    @property
    def advice(self) -> str:
        """What to do with it. Shows it where it is ours."""
        if self.offered:
            return f"Give {self.login} this passphrase, and keep it nowhere else: {self.text}"
        return f"Remember the passphrase of {self.login}: nobody can look it up."


def ask_new_passphrase(login: str, known: Sequence[str], file: Path | None) -> NewPassphrase:
    """A passphrase that is not weak, also for who knows these words of its owner. Raises ClickException for a weak one
    in a file."""
    from store.passphrase_rules import WeakPassphrase, offer, refuse_weak

    if file is not None:
        passphrase = first_line(file)
        try:
            refuse_weak(passphrase, known)
        except WeakPassphrase as error:
            raise click.ClickException(f"Nothing was made: {error}.") from error
        return NewPassphrase(login, passphrase, offered=False)
    offered = offer()
    click.echo(f"\nA passphrase for {login}, which opens the cases, of seven words:\n\n  {offered}\n")
    while True:
        passphrase = ask_hidden("Press Enter to take it, or type one of your own", default="")
        if not passphrase:
            return NewPassphrase(login, offered, offered=True)
        try:
            refuse_weak(passphrase, known)
        except WeakPassphrase as error:
            click.echo(f"Not taken: {error}.")
            continue
        if ask_hidden("The same once more") == passphrase:
            return NewPassphrase(login, passphrase, offered=False)
        click.echo("Those were two different ones.")


def first_line(file: Path) -> str:
    """What stands on the first line of a file, or of standard input (-). Raises ClickException where that is empty."""
    text = sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8")
    line = text.partition("\n")[0].rstrip("\r")
    if not line:
        raise click.ClickException(f"{file} holds nothing on its first line.")
    return line
