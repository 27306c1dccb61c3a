"""The command `meldpost evaluate`: measures, prints, and puts the pages of figures in their place."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from triage.evaluation import Judged

PAGE = "evaluation.md"


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@click.command()
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of labelled mails (*.jsonl).  [default: the one that comes with Meldpost]",
)
@click.option("--folds", type=click.IntRange(2, 20), default=5, show_default=True, help="Groups of writers left out.")
@click.option("--leave-one-writer-out", "one_by_one", is_flag=True, help="Leave out each writer alone.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=_cores,
    show_default="one a core",
    help="Groups measured at a time; each takes some two gigabytes.",
)
@click.option(
    "--probe-every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="With --docs: swap names and take evidence out in one of so many mails.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--pipeline", default="", metavar="NAME", help="A spaCy pipeline to build on, as for meldpost train.")
@click.option(
    "--docs",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help=f"Measure everything, write {PAGE} into this folder, and fill in the figures of the documents there.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write what was said of each mail to this file (*.jsonl). It quotes the mails: keep it as you keep those.",
)
def evaluate(
    corpus: Path | None,
    folds: int,
    one_by_one: bool,
    processes: int,
    probe_every: int,
    seed: int,
    pipeline: str,
    docs: Path | None,
    answers: Path | None,
) -> None:
    """Say how well triage understands mails of writers that it was not trained on."""
    from triage.evaluation import Plan, by_language_of, run
    from triage.evaluation.cards import BadDocument
    from triage.evaluation.side_by_side import WorkerGone
    from triage.labelled import CORPUS, BadCorpus
    from triage.pretrained import BadPipeline

    if pipeline and docs is not None:
        raise click.UsageError("The documents hold the figures of the model that comes with Meldpost: leave one out.")
    whole = docs is not None
    groups = None if one_by_one else folds
    plan = Plan(groups, seed, None, whole, pipeline, processes, probe_every)
    try:
        if docs is not None:
            _documents(docs)
        judged = run(plan, corpus or CORPUS, _progress)
        if answers is not None:
            answers.write_text("".join(_lines(judged)), encoding="utf-8")
        _print(by_language_of(judged))
        if docs is not None:
            for path in _write(docs, judged, folds, one_by_one, seed):
                _progress(f"written: {path}")
    except (BadCorpus, BadDocument, WorkerGone) as error:
        raise click.ClickException(str(error)) from error
    except BadPipeline as error:
        raise click.ClickException(f"Nothing was measured: {error}") from error


def _documents(docs: Path) -> dict[Path, str]:
    """The documents with marked blocks, checked before hours are spent on their figures."""
    from triage.evaluation.cards import BLOCKS, filled, has_figures

    found = {path: path.read_text(encoding="utf-8") for path in sorted(docs.glob("*.md")) if path.name != PAGE}
    found = {path: text for path, text in found.items() if has_figures(text)}
    for text in found.values():
        filled(text, dict.fromkeys(BLOCKS, ""))
    return found


def _write(docs: Path, judged: "Sequence[Judged]", folds: int, one_by_one: bool, seed: int) -> list[Path]:
    from triage.evaluation.cards import blocks, filled
    from triage.evaluation.page import DIAGRAM, page
    from triage.evaluation.reliability import diagram
    from triage.evaluation.results import result
    from triage.evaluation.sections import PANELS

    groups = len({j.labelled.writer for j in judged})
    found, date = result(judged, groups if one_by_one else min(folds, groups), seed), f"{datetime.now(UTC):%Y-%m-%d}"
    figures = blocks(found, date)
    pages = {
        docs / PAGE: page(found, date),
        docs / DIAGRAM: diagram({name: found.own.bins[key] for key, name in PANELS.items()}),
        **{path: filled(text, figures) for path, text in _documents(docs).items()},
    }
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return list(pages)


def _lines(judged: "Sequence[Judged]") -> list[str]:
    """What was said, mail by mail, as the judge of the corpus reads it."""
    from triage.evaluation.run import MELDPOST

    return [json.dumps({"id": j.labelled.gold["id"], **j.said[MELDPOST]}, ensure_ascii=False) + "\n" for j in judged]


def _print(found: Mapping[str, Mapping[str, float]]) -> None:
    for language, figures in found.items():
        click.echo(f"{language}: {int(figures['mails'])} mails")
        for name, value in figures.items():
            if name != "mails":
                click.echo(f"  {name:32} {value:8.3f}")


def _progress(step: str) -> None:
    click.echo(step, err=True)
