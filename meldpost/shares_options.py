"""The options that say how a recovery seed is split."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from cases.sharing import DEFAULT, MOST, BadScheme, Scheme

_COUNT = click.IntRange(2, MOST)  # one page that opens everything is what they are there to avoid
_OPTIONS = (
    click.option(
        "--shares",
        type=_COUNT,
        default=DEFAULT.of,
        show_default=True,
        help="How many recovery pages are made.",
    ),
    click.option(
        "--needed",
        type=_COUNT,
        default=DEFAULT.needed,
        show_default=True,
        help="How many of them together open everything.",
    ),
)


def shares_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def scheme_of(given: Mapping[str, Any]) -> Scheme:
    """Raises UsageError."""
    try:
        return Scheme(given["needed"], given["shares"])
    except BadScheme as error:
        raise click.UsageError(str(error)) from None
