"""The figures of a year as files: numbers for a spreadsheet (CSV), and the report to read (PDF, Markdown).

All are made in memory. The PDF holds what the Markdown holds, with the plots.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO, StringIO
from typing import Any
from xml.sax.saxutils import escape

from flask_babel import get_locale, gettext
from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as PdfTable

from cases.overview import YearFigures
from desk.figures import LEFT_OUT, Bar, Plot, about_the_figures, indicators, plots, terms_kept
from desk.language import day

Years = Iterable[tuple[int, int | None]]

_MARGIN = 20 * mm
_BAR = 50 * mm
_THIN = 3 * mm
_INK = colors.HexColor("#154273")
_LINE = colors.HexColor("#b4bcc6")


def to_csv(figures: YearFigures, years: Years = ()) -> str:
    """A row for each row of each table: slugs for programs, labels for people. A count left out is empty."""
    written = StringIO()
    out = csv.writer(written)
    out.writerow(["year", "table", "row", "label", "count", "left_out"])
    for plot in plots(figures, years):
        for bar in plot.bars:
            count: int | str = "" if bar.count is None else bar.count
            out.writerow([figures.year, plot.slug, bar.slug, bar.label, count, "yes" if bar.count is None else "no"])
    return written.getvalue()


def to_markdown(figures: YearFigures, desk: str, organisation: str, years: Years = ()) -> str:
    """The yearly report, in words and tables."""
    return "\n".join(_markdown(figures, desk, organisation, years))


def to_pdf(figures: YearFigures, desk: str, organisation: str, years: Years = ()) -> bytes:
    """The yearly report, with a bar for each number. It names no time but that of the figures, nor who made it."""
    written = BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=_title(figures),
        author=desk,
        lang=str(get_locale()),
        invariant=1,
    )
    document.build(list(_pdf(figures, desk, organisation, years)), onFirstPage=_number, onLaterPages=_number)
    return written.getvalue()


def _title(figures: YearFigures) -> str:
    return str(gettext("Report on %(year)s", year=figures.year))


def _made(figures: YearFigures) -> str:
    return str(gettext("Figures of %(day)s.", day=day(figures.made_at)))


def _markdown(figures: YearFigures, desk: str, organisation: str, years: Years) -> Iterator[str]:
    yield f"# {_title(figures)}\n"
    yield f"{desk}, {organisation}. {_made(figures)}\n"
    yield from (f"{said}\n" for said in about_the_figures(figures))
    yield f"## {gettext('Terms kept')}\n"
    yield from _markdown_rows([gettext("What was due"), gettext("In time")], terms_kept(figures))
    for plot in plots(figures, years):
        yield f"## {plot.title}\n"
        if plot.is_left_out:
            yield str(LEFT_OUT).capitalize() + ".\n"
            continue
        yield from _markdown_rows(
            ["", gettext("Count")], [*((bar.label, bar.shown) for bar in plot.bars), *_total(plot)]
        )
    yield f"## {gettext('Indicators of ISO 37002')}\n"
    yield gettext("In our own words and order; the standard is for sale at ISO.") + "\n"
    yield from _markdown_rows(["", ""], indicators(figures))


def _markdown_rows(head: Sequence[str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"| {head[0]} | {head[1]} |"
    yield "| --- | --- |"
    yield from (f"| {label} | {said} |" for label, said in rows)
    yield ""


def _total(plot: Plot) -> list[tuple[str, str]]:
    return [] if plot.total is None else [(gettext("Total"), str(plot.total))]


def _pdf(figures: YearFigures, desk: str, organisation: str, years: Years) -> Iterator[Flowable]:
    styles = getSampleStyleSheet()
    text, head = styles["BodyText"], styles["Heading2"]
    cell = ParagraphStyle("cell", parent=text, spaceBefore=0, fontSize=9, leading=11)

    def said(words: str, style: Any = text) -> Paragraph:
        return Paragraph(escape(words), style)

    yield said(_title(figures), styles["Title"])
    yield said(f"{desk}, {organisation}. {_made(figures)}")
    yield from (said(each) for each in about_the_figures(figures))
    kept = [[said(label, cell), said(times, cell)] for label, times in terms_kept(figures)]
    yield KeepTogether([said(gettext("Terms kept"), head), _ruled(kept, [60 * mm, 110 * mm])])
    for plot in plots(figures, years):
        if plot.is_left_out:
            shown: Flowable = said(str(LEFT_OUT).capitalize() + ".")
        else:
            rows = [[said(bar.label, cell), _bar(bar), said(bar.shown, cell)] for bar in plot.bars]
            rows += [[said(label, cell), "", said(total, cell)] for label, total in _total(plot)]
            shown = _ruled(rows, [85 * mm, _BAR + 5 * mm, 30 * mm])
        yield KeepTogether([said(plot.title, head), shown])
    yield said(gettext("Indicators of ISO 37002"), head)
    yield said(gettext("In our own words and order; the standard is for sale at ISO."))
    yield Spacer(0, 2 * mm)
    yield _ruled([[said(what, cell), said(found, cell)] for what, found in indicators(figures)], [75 * mm, 95 * mm])


def _ruled(rows: list[list[Any]], widths: list[float]) -> PdfTable:
    style = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.3, _LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")])
    return PdfTable(rows, colWidths=widths, style=style, hAlign="LEFT")


def _bar(bar: Bar) -> Drawing:
    drawing = Drawing(_BAR, _THIN)
    if bar.share:
        drawing.add(Rect(0, 0, _BAR * bar.share / 100, _THIN, fillColor=_INK, strokeColor=None))
    return drawing


def _number(canvas: Any, document: Any) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawRightString(A4[0] - _MARGIN, _MARGIN / 2, str(document.page))
