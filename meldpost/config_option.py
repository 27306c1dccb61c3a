"""The option `--config`, the same for every command that works on an installation."""

from pathlib import Path

import click

CONFIG = Path("meldpost.toml")

config_option = click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, dir_okay=False),
    default=CONFIG,
    show_default=True,
    envvar="MELDPOST_CONFIG",
    help="The configuration file.",
)
