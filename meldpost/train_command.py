"""The command `meldpost train`."""

import sys
from pathlib import Path
from typing import Any

import click

from meldpost.desk_training_command import asks_for_a_desk, desk_options, train_from_desk


@click.command()
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="MELDPOST_CONFIG",
    help="The configuration file whose [triage] says by itself which model is written, and what it is built on.",
)
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of labelled mails (*.jsonl).  [default: the one that comes with Meldpost]",
)
@click.option("--model", type=click.Path(path_type=Path, file_okay=False), help="Folder that the model is written to.")
@click.option(
    "--pipeline",
    metavar="NAME",
    help="A spaCy pipeline, or vectors, to build on: an installed package or a folder. Empty for none.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@desk_options
def train(
    config: Path | None, corpus: Path | None, model: Path | None, pipeline: str | None, seed: int, **of_a_desk: Any
) -> None:
    """Train the model of triage on labelled mails.

    With --from-desk on those and on what the desk decided in its own cases, on this machine; the new model is sealed to
    the desk, and refused where it does worse. It takes a quarter of an hour and more.
    """
    if asks_for_a_desk(of_a_desk):
        if model is not None or pipeline:
            raise click.UsageError(
                "A model that has seen cases is kept sealed in the database, and built on no pipeline: leave out "
                "--model and --pipeline."
            )
        well = train_from_desk(config or Path("meldpost.toml"), corpus, seed, _progress, **of_a_desk)
        sys.exit(0 if well else 1)
    from config.settings import TriageSettings, load
    from triage.labelled import CORPUS, BadCorpus
    from triage.model import MODEL
    from triage.pretrained import BadPipeline
    from triage.training import train as train_model

    settings = load(config).triage if config else TriageSettings()
    built_on = settings.pipeline if pipeline is None else pipeline
    folder = model or settings.model
    if built_on and folder is None:
        raise click.UsageError(
            "The model that comes with Meldpost is built on no pipeline, and stays so: name a folder of your own with "
            "--model, or as `model` in the [triage] of the configuration."
        )
    try:
        train_model(corpus or CORPUS, folder or MODEL, seed, _progress, built_on)
    except BadCorpus as error:
        raise click.ClickException(str(error)) from error
    except BadPipeline as error:
        raise click.ClickException(f"Nothing was trained: {error}") from error
    if folder and folder.resolve() != (settings.model or MODEL).resolve():
        click.echo(f'To have mails understood with it, set model = "{folder.resolve()}" in [triage].', err=True)


def _progress(step: str) -> None:
    click.echo(step, err=True)
