"""`meldpost report`: the yearly report to the secretary-general, by which nobody is recognised."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meldpost.counted import counted
from meldpost.member_command import acting_here, acting_member

if TYPE_CHECKING:
    from cases.overview import YearFigures
    from meldpost.at_desk import AtDesk

    Years = tuple[tuple[int, int | None], ...]

_FIRST, _LAST = 1900, 9999


@click.command()
@acting_member
@click.option("--language", type=click.Choice(["nl", "en"]), help="Of the report.  [default: that of the desk]")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The folder to write to.  [default: this one]",
)
@click.option("--give", is_flag=True, help="Let auditors and the secretary-general see the figures at the desk, too.")
@click.argument("year", type=click.IntRange(_FIRST, _LAST))
def report(year: int, language: str | None, folder: Path, give: bool, **acting: Any) -> None:
    """Write the report of a YEAR: as PDF, as Markdown, and its numbers as CSV.

    It holds no name and no small count. The files are readable to you alone until you hand them on.
    """
    from desk.figures_files import to_csv, to_markdown, to_pdf
    from desk.pictures import speaking
    from meldpost.private_file import CannotWrite, write_private

    with acting_here(acting) as here:
        figures, years = _figures(here, year)
        if give:
            _give(here, figures)
        named = (here.settings.name, here.settings.organisation)
        with speaking(language or here.settings.language):
            written: dict[str, str | bytes] = {
                "pdf": to_pdf(figures, *named, years),
                "md": to_markdown(figures, *named, years),
                "csv": to_csv(figures, years),
            }
        for ending, content in written.items():
            path = folder / f"meldpost-{year}.{ending}"
            try:
                write_private(path, [content])
            except CannotWrite as error:
                raise click.ClickException(str(error)) from error
            click.echo(f"Written: {path}")
    if not figures.is_over:
        click.echo(f"{year} is not over: keep this to yourself, and hand on the report that you make next year.")


def _figures(here: "AtDesk", year: int) -> "tuple[YearFigures, Years]":
    """Made now by who opens the desk; those they were given by who reads figures alone."""
    from cases.roles import May

    if here.ring.may(May.OPEN_THE_DESK):
        return _made_now(here, year)
    if not here.ring.may(May.READ_FIGURES):
        raise click.ClickException("Your role reads no figures. Nothing was written.")
    from store import given_figures

    with here.database.read() as session:
        given = {each.year: each for each in given_figures.given_to(session, here.ring)}
    if year not in given:
        raise click.ClickException(f"You were given no figures of {year}. Ask a coordinator of the desk.")
    return given[year], tuple((each, given[each].reports) for each in sorted(given))


def _made_now(here: "AtDesk", year: int) -> "tuple[YearFigures, Years]":
    from zoneinfo import ZoneInfo

    from store.overview import Overview
    from store.search import SearchIndex

    now, timezone, smallest = datetime.now(UTC), ZoneInfo(here.settings.timezone), here.settings.smallest_count
    index = SearchIndex()
    try:
        index.refresh(here.database, here.ring, now=now)
        with here.database.read() as session:
            facts = index.facts(session, here.ring)
            tally = Overview().tally(session, here.ring, here.index, facts, timezone, now)
    finally:
        index.wipe()
    return tally.figures(year, smallest, now, now.astimezone(timezone).year), tally.reports_by_year(smallest)


def _give(here: "AtDesk", figures: "YearFigures") -> None:
    from cases.roles import May
    from store import given_figures
    from store.given_figures import YearNotOver

    if not here.ring.may(May.OPEN_THE_DESK):
        raise click.ClickException("Figures are given by who opens the desk. Nothing was written.")
    try:
        with here.database.begin() as session:
            given = given_figures.give(session, here.ring, figures, datetime.now(UTC))
    except YearNotOver as error:
        raise click.ClickException(f"{error} Its figures are given to nobody. Nothing was written.") from error
    click.echo(f"Given to {counted(given, 'member')}.")
