"""How far something is that takes its time: a bar on the terminal; where there is none, a line for each step."""

import sys
from collections.abc import Iterable
from typing import Protocol, TypeVar

import click


class Progress(Protocol):
    """So much is done, of so much."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


P = TypeVar("P", bound=Progress)


def show(progress: Iterable[P], label: str) -> P | None:
    """Do it, and show it on standard error; gives what it said last, None where there was nothing to do."""
    if not sys.stderr.isatty():
        last = None
        for last in progress:
            click.echo(f"{label}: {last.done} of {last.total}", err=True)
        return last
    return _with_a_bar(progress, label)


def _with_a_bar(progress: Iterable[P], label: str) -> P | None:
    last = None
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:
        for last in progress:
            bar.length = max(last.total, 1)
            bar.update(last.done - bar.pos)
        bar.update((bar.length or 1) - bar.pos)
    return last
