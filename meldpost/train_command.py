"""The command `meldpost train`."""

from pathlib import Path

import click


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
def train(config: Path | None, corpus: Path | None, model: Path | None, pipeline: str | None, seed: int) -> None:
    """Train the model of triage on labelled mails."""
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
