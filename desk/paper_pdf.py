"""A letter on paper as PDF, made in memory: sender, address for the window of an envelope, date, and the blocks."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, ListFlowable, SimpleDocTemplate, Spacer
from reportlab.platypus import Paragraph as PdfParagraph

from notify.document import Block, Document, Heading, Items, Paragraph

_MARGIN = 25 * mm
_WINDOW_BELOW = 20 * mm
_GAP = 3 * mm


def to_pdf(document: Document, sender: Sequence[str], recipient: Sequence[str], dated: str) -> bytes:
    """The letter. Its properties name nobody, and its title is the neutral subject of a mail."""
    written = BytesIO()
    pages = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=document.title,
        lang=document.language,
        invariant=1,
    )
    pages.build(list(_letter(document, sender, recipient, dated)))
    return written.getvalue()


def _letter(document: Document, sender: Sequence[str], recipient: Sequence[str], dated: str) -> Iterator[Flowable]:
    styles = getSampleStyleSheet()
    plain = ParagraphStyle("plain", parent=styles["BodyText"], fontSize=11, leading=15, spaceAfter=_GAP)
    head = ParagraphStyle("head", parent=plain, fontName="Helvetica-Bold", spaceBefore=_GAP)
    yield _lines(sender, plain)
    yield Spacer(1, _WINDOW_BELOW)
    if recipient:
        yield _lines(recipient, plain)
        yield Spacer(1, _WINDOW_BELOW)
    yield PdfParagraph(escape(dated), plain)
    for block in document.blocks:
        yield _flowable(block, plain, head)


def _flowable(block: Block, plain: ParagraphStyle, head: ParagraphStyle) -> Flowable:
    match block:
        case Heading(text, _):
            return PdfParagraph(escape(text), head)
        case Paragraph(text, _):
            return _lines(text.split("\n"), plain)
        case Items(texts):
            return ListFlowable([PdfParagraph(escape(text), plain) for text in texts], bulletType="bullet", start="–")


def _lines(lines: Sequence[str], style: ParagraphStyle) -> PdfParagraph:
    return PdfParagraph("<br/>".join(escape(line) for line in lines), style)
