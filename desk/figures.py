"""The figures of a year in words: the same tables for the page, the report and the file of numbers.

What is shown follows from `cases.overview.YearFigures` alone, which holds no count that should not be known.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import LazyString, gettext, ngettext
from flask_babel import lazy_gettext as _l

from cases.overview import IN_TIME, PACES, STILL_OPEN, Table, YearFigures
from desk.words import CATEGORIES, KINDS, OUTCOMES, SEVERITIES, STATUSES

LEFT_OUT = _l("left out")

TITLES = {
    "years": _l("Reports in each year"),
    "quarter": _l("Reports over the year"),
    "kind": _l("What came in, by kind"),
    "category": _l("Reports by main category"),
    "severity": _l("Reports by severity"),
    "standing": _l("What became of the reports"),
    "receipt": _l("Time to the confirmation of receipt"),
    "first_look": _l("Time to the first look"),
    "feedback": _l("Time to feedback"),
    "closing": _l("Time to closing, of the reports that have ended"),
    "age": _l("Reports still open, by age"),
}
TERMS = {
    "receipt": _l("Confirmation of receipt"),
    "first_look": _l("First look"),
    "feedback": _l("Feedback"),
}
_NONE = _l("not known")
_BANDS = {
    "0-1": _l("within 1 day"),
    "2-7": _l("2 to 7 days"),
    "8-30": _l("8 to 30 days"),
    "31-90": _l("31 to 90 days"),
    "91-180": _l("91 to 180 days"),
    "181-365": _l("181 to 365 days"),
    "366+": _l("more than a year"),
    "none": _NONE,
}
_PACES = {
    "in_time_0-1": _l("in time, within 1 day"),
    "in_time_2-7": _l("in time, after 2 to 7 days"),
    "in_time_8-30": _l("in time, after 8 to 30 days"),
    "in_time_31+": _l("in time, after more than 30 days"),
    "late_0-30": _l("too late, within 30 days"),
    "late_31+": _l("too late, after more than 30 days"),
    "not_yet": _l("not yet, and there is time left"),
    "missed": _l("not done, and the time is over"),
    "none": _l("was not due, or is not known"),
}
_ROWS: Mapping[str, Mapping[str, LazyString]] = {
    "quarter": {
        "Q1": _l("January to March"),
        "Q2": _l("April to June"),
        "Q3": _l("July to September"),
        "Q4": _l("October to December"),
    },
    "kind": {**KINDS, "none": _NONE},
    "category": {**CATEGORIES, "none": _NONE},
    "severity": {**SEVERITIES, "none": _NONE},
    "standing": {
        STILL_OPEN: _l("Still open"),
        **OUTCOMES,
        "set_aside": STATUSES["set_aside"],
        "merged": STATUSES["merged"],
        "none": _NONE,
    },
    **dict.fromkeys(PACES, _PACES),
    "closing": _BANDS,
    "age": _BANDS,
}


@dataclass(frozen=True)
class Bar:
    """One row of a plot. `count` is None where it is left out; `share` is of the longest, in hundredths."""

    slug: str
    label: str
    count: int | None
    share: int

    @property
    def shown(self) -> str:
        return str(LEFT_OUT) if self.count is None else str(self.count)


@dataclass(frozen=True)
class Plot:
    """A table that is a plot: each row has its bar."""

    slug: str
    title: str
    bars: tuple[Bar, ...]
    total: int | None

    @property
    def is_left_out(self) -> bool:
        """Is nothing of it shown?"""
        return all(bar.count is None for bar in self.bars)


def plots(figures: YearFigures, years: Iterable[tuple[int, int | None]] = ()) -> Iterator[Plot]:
    """All plots of a year, after that of the reports of each year where there are several."""
    counted = list(years)
    if len(counted) > 1:
        yield _plot("years", [(str(year), str(year), count) for year, count in counted], None)
    for slug in (each for each in TITLES if each != "years"):
        table = figures.table(slug)
        yield _plot(slug, [(row.slug, row_name(slug, row.slug), row.count) for row in table.rows], table.total)


def row_name(table: str, row: str) -> str:
    """What a row is called; the slug itself where it has no name, so that nothing hides."""
    return str(_ROWS[table].get(row, row))


def terms_kept(figures: YearFigures) -> Iterator[tuple[str, str]]:
    """What is due to a report, and how often it was done in time, by what the tables show."""
    for slug in PACES:
        yield str(TERMS[slug]), _in_time(figures.table(slug))


def about_the_figures(figures: YearFigures) -> Sequence[str]:
    """What a reader has to know before they read a number."""
    told = [
        gettext(
            "Counted is what came in in %(year)s, each case once, and what had become of it when these figures were "
            "made. Cases that were destroyed since are counted. Cases that the maker of the figures is kept out of "
            "are not. All tables but that of kinds count reports alone.",
            year=figures.year,
        ),
        gettext(
            "So that nobody can be recognised, counts from 1 to %(most)s are left out, and with them others from which "
            "they could be worked out; where little was counted, a whole table.",
            most=figures.smallest - 1,
        ),
    ]
    if not figures.is_over:
        told.append(
            gettext(
                "This year is not over. Do not hand its figures on: who compares them with later ones sees what came "
                "in between."
            )
        )
    return told


def indicators(figures: YearFigures) -> Iterator[tuple[str, str]]:
    """Fifteen things that ISO 37002 (9.1.2) has an organisation look at, in our words, each with what the figures say
    of it, or that they cannot."""
    see = gettext("See the table “%(title)s”.")
    none = gettext("Meldpost does not know this.")
    times = dict(zip(PACES, (said for _, said in terms_kept(figures)), strict=True))

    def table(slug: str) -> str:
        return str(see % {"title": TITLES[slug]})

    yield gettext("How many reports came in"), _count(figures.reports)
    yield gettext("How they lie over time"), table("quarter")
    yield gettext("What they are about"), table("category")
    yield gettext("How serious they are"), table("severity")
    yield gettext("What else came in: requests for advice, complaints"), table("kind")
    yield gettext("How soon receipt was confirmed"), times["receipt"]
    yield gettext("How soon reports were assessed"), times["first_look"]
    yield gettext("How soon reporters heard what was done"), times["feedback"]
    yield gettext("How long cases take, and how many are open"), table("closing") + " " + table("age")
    yield gettext("How many reports turned out to be true"), _substantiated(figures)
    yield gettext("How many reporters gave no name"), gettext("Meldpost does not count this.")
    yield (
        gettext("By which ways reports came in"),
        gettext("What is counted came by e-mail, or was entered as if it had."),
    )
    yield gettext("How many reporters were harmed for reporting, and what was done"), none
    yield gettext("What was changed in the organisation because of reports"), none
    yield gettext("Whether staff know of the desk and trust it, and what reporters think of it"), none


def _substantiated(figures: YearFigures) -> str:
    return _of(figures.table("standing"), frozenset({"substantiated", "partly_substantiated"}))


def _in_time(table: Table) -> str:
    return _of(table, IN_TIME)


def _of(table: Table, rows: frozenset[str]) -> str:
    between = table.between(rows)
    if between is None or table.total is None:
        return str(LEFT_OUT).capitalize() + "."
    least, most = between
    if least == 0 and most == table.total > 0:  # which says nothing, and reads as if nothing had been done
        return str(LEFT_OUT).capitalize() + "."
    if least == most:
        return str(gettext("%(count)s of %(total)s.", count=least, total=table.total))
    return str(
        gettext("At least %(least)s and at most %(most)s of %(total)s.", least=least, most=most, total=table.total)
    )


def _count(count: int | None) -> str:
    if count is None:
        return str(LEFT_OUT).capitalize() + "."
    return str(ngettext("%(num)s report.", "%(num)s reports.", count))


def _plot(slug: str, rows: Sequence[tuple[str, str, int | None]], total: int | None) -> Plot:
    longest = max((count or 0 for _, _, count in rows), default=0)
    bars = tuple(
        Bar(row, label, count, round(100 * (count or 0) / longest) if longest else 0) for row, label, count in rows
    )
    return Plot(slug, str(TITLES[slug]), bars, total)
