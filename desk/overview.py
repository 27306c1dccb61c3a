"""The overview: what came in in a year and what became of it, in plots, as CSV and as PDF.

Who opens the desk sees figures made at that moment; who reads figures alone sees those that they were given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, redirect, render_template, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response as AnyResponse

from cases.overview import YearFigures
from cases.roles import May
from config.settings import DeskSettings
from desk import gate
from desk.figures import about_the_figures, plots, terms_kept
from desk.figures_files import to_csv, to_pdf
from desk.parts import parts
from store import given_figures
from store.keyring import KeyRing

blueprint = Blueprint("overview", __name__)
blueprint.before_request(gate.require(May.READ_FIGURES))

LAST_YEAR = 9999


@dataclass(frozen=True)
class Seen:
    """What a member sees. `years`: those there are figures of, newest first; `reports`: how many of each, oldest first.
    `reading`: cases are being read in that are not counted right yet."""

    figures: YearFigures | None
    years: Sequence[int]
    reports: Sequence[tuple[int, int | None]]
    reading: bool = False


@blueprint.get("/overview/")
def show() -> str:
    """The newest year."""
    return _page(_seen(None))


@blueprint.get("/overview/<int:year>")
def of_year(year: int) -> str:
    return _page(_seen_or_404(year))


@blueprint.get("/overview/<int:year>.csv")
def as_csv(year: int) -> Response:
    """The figures of a year as numbers."""
    seen = _seen_or_404(year)
    assert seen.figures is not None
    return _file(to_csv(seen.figures, seen.reports), "text/csv; charset=utf-8", f"meldpost-{year}.csv")


@blueprint.get("/overview/<int:year>.pdf")
def as_pdf(year: int) -> Response:
    """The yearly report."""
    seen, desk = _seen_or_404(year), _desk(gate.ring())
    assert seen.figures is not None
    made = to_pdf(seen.figures, desk.name, desk.organisation, seen.reports)
    return _file(made, "application/pdf", f"meldpost-{year}.pdf")


@blueprint.post("/overview/<int:year>/give")
def give(year: int) -> AnyResponse:
    """Have those who read figures alone see the figures of a year that is over, as they are now."""
    ring = gate.ring()
    if not ring.may(May.OPEN_THE_DESK):
        abort(403)
    seen = _seen_or_404(year)
    back = redirect(url_for("overview.of_year", year=year), 303)
    if seen.reading or seen.figures is None:
        flash(gettext("Cases are still being read in. Nothing was given."), "warn")
        return back
    if not seen.figures.is_over:
        flash(gettext("This year is not over. Nothing was given."), "warn")
        return back
    with parts().database.begin() as transaction:
        given = given_figures.give(transaction, ring, seen.figures, parts().clock())
    if given:
        told = ngettext("%(num)s member has these figures now.", "%(num)s members have these figures now.", given)
        flash(told, "good")
    else:
        flash(gettext("The desk has no auditor and no secretary-general to give them to."), "warn")
    return back


def _page(seen: Seen) -> str:
    shown = {}
    if seen.figures is not None:
        shown = {
            "about": about_the_figures(seen.figures),
            "kept": list(terms_kept(seen.figures)),
            "plots": list(plots(seen.figures, seen.reports)),
        }
    return render_template(
        "overview.html", section="overview", figures=seen.figures, years=seen.years, reading=seen.reading, **shown
    )


def _seen_or_404(year: int) -> Seen:
    if not 1 <= year <= LAST_YEAR:
        abort(404)
    seen = _seen(year)
    if seen.figures is None:
        abort(404)
    return seen


def _seen(year: int | None) -> Seen:
    ring = gate.ring()
    return _made_now(ring, year) if ring.may(May.OPEN_THE_DESK) else _given(ring, year)


def _made_now(ring: KeyRing, year: int | None) -> Seen:
    """Any year may be asked for: of one in which nothing came in the figures say so."""
    now, desk = parts().clock(), _desk(ring)
    zone = ZoneInfo(desk.timezone)
    made = gate.tally(zone)
    if made is None:
        return Seen(None, (), (), reading=True)
    this_year = now.astimezone(zone).year
    wanted = year if year is not None else next(iter(made.tally.years), this_year)
    figures = made.tally.figures(wanted, desk.smallest_count, made.at, this_year)
    return Seen(figures, made.tally.years, made.tally.reports_by_year(desk.smallest_count), made.reading)


def _given(ring: KeyRing, year: int | None) -> Seen:
    with parts().database.read() as transaction:
        given = {each.year: each for each in given_figures.given_to(transaction, ring)}
    years = sorted(given, reverse=True)
    wanted = year if year is not None else next(iter(years), None)
    figures = given.get(wanted) if wanted is not None else None
    return Seen(figures, years, [(each, given[each].reports) for each in sorted(given)])


def _desk(ring: KeyRing) -> DeskSettings:
    return parts().settings.desks[ring.desk]


def _file(content: str | bytes, content_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type=content_type, headers=headers)
