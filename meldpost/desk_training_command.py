"""The options of `meldpost train` for a desk's own model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from meldpost.hidden import ask_hidden

_OPTIONS = (
    click.option("--from-desk", metavar="DESK", help="Learn from the decided cases of this desk too."),
    click.option("--login", help="The log-in name of a member of the desk; their passphrase is asked for."),
    click.option("--list", "show", is_flag=True, help="With --from-desk: train nothing, list the desk's models."),
    click.option("--use", "number", type=click.IntRange(0), help="With --from-desk: use this one; 0 is the packaged."),
    click.option("--back", is_flag=True, help="With --from-desk: go back to the model before the one in force."),
)


def desk_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asks_for_a_desk(given: Mapping[str, Any]) -> bool:
    """Is it about a desk's model? Raises UsageError for half a question."""
    if given["from_desk"] is not None:
        if not given["login"]:
            raise click.UsageError("Name the member whose passphrase opens the cases, with --login.")
        if sum((given["show"], given["back"], given["number"] is not None)) > 1:
            raise click.UsageError("--list, --use and --back are asked for one at a time.")
        return True
    if given["login"] or given["show"] or given["back"] or given["number"] is not None:
        raise click.UsageError("--login, --list, --use and --back go with --from-desk.")
    return False


def train_from_desk(
    config: Path,
    corpus: Path | None,
    seed: int,
    progress: Callable[[str], None],
    *,
    from_desk: str,
    login: str,
    show: bool,
    number: int | None,
    back: bool,
) -> bool:
    """Do what was asked for; False where a new model was refused."""
    from config.settings import load
    from meldpost import desk_training
    from meldpost.at_desk import at_desk
    from meldpost.startup import NotReady
    from store.members import WrongLogin
    from store.models import NoSuchModel, UnprovenModels
    from store.records import WrittenAtOnce
    from triage.labelled import CORPUS, BadCorpus
    from triage.relearning import TooFew

    settings = load(config)
    if from_desk not in settings.desks:
        raise click.UsageError(f"There is no such desk. There is: {', '.join(settings.desks)}.")
    passphrase = ask_hidden(f"Passphrase of {login}", err=True)
    try:
        with at_desk(settings, from_desk, login, passphrase) as here:
            if show:
                click.echo(desk_training.listing(here))
            elif back or number is not None:
                click.echo(desk_training.back(here) if number is None else desk_training.use(here, number))
            else:
                return desk_training.train(here, click.echo, progress, corpus or CORPUS, seed)
    except (NotReady, WrongLogin, NoSuchModel, UnprovenModels, WrittenAtOnce, TooFew, BadCorpus) as error:
        raise click.ClickException(str(error)) from error
    return True
