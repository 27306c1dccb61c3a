"""A file as a PDF that holds nothing of it but what is to be seen: no macros, no links, no metadata."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from xml.sax.saxutils import escape

from flask_babel import gettext
from PIL import Image
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from ingest.attachments.drawn import CannotDraw, Drawing

MOST_PAGES = 100
LONGEST_SIDE = 1754
"""In pixels: A4 at 150 dpi."""

_QUALITY = 85
_MARGIN = 20 * mm
_LINE = 14
_LETTERS = "cp1252"
"""What the fonts hold that every PDF reader has."""
_LONGEST_LINE = 2000


def jpeg(drawing: Drawing) -> bytes:
    """The pixels as a picture made anew."""
    held = BytesIO()
    Image.frombytes("RGB", (drawing.width, drawing.height), drawing.pixels).save(held, "JPEG", quality=_QUALITY)
    return held.getvalue()


def of_pages(drawings: Iterable[Drawing]) -> bytes:
    """A page of A4 for each drawing; a last one says what is missing. Raises CannotDraw where there is none at all."""
    held = BytesIO()
    canvas = Canvas(held, pagesize=A4, invariant=1)
    _name_nothing(canvas)
    done = pages = 0
    try:
        for drawing in drawings:
            _draw(canvas, drawing)
            done, pages = drawing.number, drawing.pages
    except CannotDraw:
        if not done:
            raise
    if done < pages:
        said = gettext("Here the copy ends: page %(done)s of %(pages)s. The rest is not in it.", done=done, pages=pages)
        canvas.setPageSize(A4)
        canvas.drawString(_MARGIN, A4[1] - _MARGIN, _printable(said))
        canvas.showPage()
    canvas.save()
    return held.getvalue()


def of_text(text: str) -> bytes:
    """The text, line by line; it says so where letters are not printed."""
    held = BytesIO()
    document = SimpleDocTemplate(
        held, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN, invariant=1
    )
    document.build(list(_lines(text)), onFirstPage=lambda canvas, _: _name_nothing(canvas))
    return held.getvalue()


def _lines(text: str) -> Iterator[Flowable]:
    body = getSampleStyleSheet()["BodyText"]
    plain = ParagraphStyle("plain", parent=body, leading=_LINE, spaceBefore=0, spaceAfter=0, splitLongWords=1)
    if _printable(text) != text:
        said = gettext("Letters that are printed here as ? belong to another script. The desk shows them.")
        yield Paragraph(escape(_printable(said)), ParagraphStyle("said", parent=plain, fontName="Helvetica-Oblique"))
        yield Spacer(0, _LINE)
    for line in text.expandtabs(4).splitlines() or [""]:
        for start in range(0, max(1, len(line)), _LONGEST_LINE):
            piece = _printable(line[start : start + _LONGEST_LINE])
            yield Paragraph(escape(piece), plain) if piece.strip() else Spacer(0, _LINE)


def _printable(text: str) -> str:
    return text.encode(_LETTERS, "replace").decode(_LETTERS)


def _draw(canvas: Canvas, drawing: Drawing) -> None:
    """As large as the page takes it, but never blown up."""
    size = landscape(A4) if drawing.width > drawing.height else A4
    scale = min(size[0] / drawing.width, size[1] / drawing.height, 1)
    width, height = drawing.width * scale, drawing.height * scale
    canvas.setPageSize(size)
    picture = ImageReader(BytesIO(jpeg(drawing)))
    canvas.drawImage(picture, (size[0] - width) / 2, (size[1] - height) / 2, width, height)
    canvas.showPage()


def _name_nothing(canvas: Canvas) -> None:
    """Without these the library writes words of its own."""
    for name in (canvas.setTitle, canvas.setAuthor, canvas.setSubject, canvas.setCreator, canvas.setKeywords):
        name("")
    canvas.setProducer("")
