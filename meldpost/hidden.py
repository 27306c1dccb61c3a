"""Asks for what nobody may read over a shoulder; from a pipe takes its next line."""

import os
import sys

import click


def ask_hidden(what: str, default: str | None = None, err: bool = False) -> str:
    """What a person types, unseen. Where there is no terminal nothing could be seen, and so none is looked for.
    Raises ClickException at the end of the input."""
    if _has_terminal():
        shown = default is None
        return str(click.prompt(what, default=default, hide_input=True, show_default=shown, err=err))
    click.echo(f"{what}: ", nl=False, err=err)
    line = sys.stdin.readline()
    if not line:
        raise click.ClickException(f"Nobody answered what was asked: {what}.")
    click.echo(err=err)
    given = line.rstrip("\r\n")
    return default if not given and default is not None else given


def _has_terminal() -> bool:
    """As getpass looks for it, which warns three times where it finds none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return sys.stdin.isatty()
    return True
