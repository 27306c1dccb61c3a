"""The text of PDF files by PDFium, which runs no scripts as it is built here; pages without text are recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from statistics import median

import pypdfium2
import pypdfium2.raw

from ingest.attachments.pages import text_on
from ingest.attachments.programs import is_called_a_program
from ingest.attachments.task import FileText, Task, Text
from ingest.mail import Finding

_MOST_PAGES = 1000
_MOST_FILES = 100
_SCRIPT = re.compile(rb"/S\s{0,9}/JavaScript\b")
_LAUNCH = re.compile(rb"/S\s{0,9}/Launch\b")
"""Actions (ISO 32000-2 §12.6.4)."""
_FEW_LETTERS = 10
_PARAGRAPH = 1.4
"""So many times the usual step from line to line."""

_DPI = 200
_LONGEST_SIDE = 2600


def read(data: bytes, task: Task) -> FileText:
    text = Text(task.limits.attachment_text_chars)
    findings: list[Finding] = []
    try:
        with closing(pypdfium2.PdfDocument(data)) as document:
            pages = len(document)
            for page in _pages(document, min(pages, _MOST_PAGES)):
                _read_page(page, text, findings, task)
                if text.is_full or Finding.NO_TIME in findings:
                    break
            findings.extend(_what_it_runs(document, data))
            if pages > _MOST_PAGES:
                findings.append(Finding.CUT)
    except pypdfium2.PdfiumError as error:
        findings.append(_reason(error))
    return text.read(*dict.fromkeys(findings))


def _reason(error: pypdfium2.PdfiumError) -> Finding:
    locked = getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD
    return Finding.ENCRYPTED if locked else Finding.BROKEN


def _what_it_runs(document: pypdfium2.PdfDocument, data: bytes) -> Iterator[Finding]:
    """Scripts, and programs that it starts or holds; what stands packed inside of it is seen where PDFium lists it."""
    if pypdfium2.raw.FPDFDoc_GetJavaScriptActionCount(document) > 0 or _SCRIPT.search(data):
        yield Finding.MACROS
    files = min(document.count_attachments(), _MOST_FILES)
    names = (document.get_attachment(number).get_name() for number in range(files))
    if _LAUNCH.search(data) or any(map(is_called_a_program, names)):
        yield Finding.PROGRAM


def _pages(document: pypdfium2.PdfDocument, count: int) -> Iterator[pypdfium2.PdfPage]:
    for number in range(count):
        page = document[number]
        try:
            yield page
        finally:
            page.close()


def _read_page(page: pypdfium2.PdfPage, text: Text, findings: list[Finding], task: Task) -> None:
    if not task.budget.left:
        findings.append(Finding.NO_TIME)
        return
    with closing(page.get_textpage()) as words:
        written = _with_paragraphs(words)
    text.add(written + "\n\n")
    if sum(map(str.isalnum, written[:1000])) < _FEW_LETTERS and _has_picture(page):
        _recognise(page, text, findings, task)


def _with_paragraphs(words: pypdfium2.PdfTextPage) -> str:
    """The text of a page, with an empty line where more room is left between two lines than elsewhere: PDF knows lines
    only, and a letter is understood by its paragraphs."""
    written: str = words.get_text_range()
    if len(written) != words.count_chars():  # then places in the text are none on the page
        return written
    lines = written.split("\n")
    heights = _heights(lines, words)
    steps = [above - below for above, below in pairwise(heights)]
    usual = median([step for step in steps if step > 0] or [0.0])
    pieces = lines[:1]
    for line, step in zip(lines[1:], steps, strict=True):
        pieces.append("\n\n" if step > _PARAGRAPH * usual else "\n")
        pieces.append(line)
    return "".join(pieces)


def _heights(lines: list[str], words: pypdfium2.PdfTextPage) -> list[float]:
    """How high on its page each line stands, in points; an empty one where the last one stood."""
    found: list[float] = []
    start = 0
    for line in lines:
        at = start + len(line) - len(line.lstrip())
        found.append(words.get_charbox(at)[1] if line.strip() else found[-1] if found else 0.0)
        start += len(line) + 1
    return found


def _has_picture(page: pypdfium2.PdfPage) -> bool:
    found = page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE, pypdfium2.raw.FPDF_PAGEOBJ_PATH), max_depth=3)
    return next(iter(found), None) is not None


def _recognise(page: pypdfium2.PdfPage, text: Text, findings: list[Finding], task: Task) -> None:
    if task.recogniser is None:
        findings.append(Finding.UNSUPPORTED)
        return
    longest = max(page.get_size())
    if longest <= 0:
        return
    with closing(page.render(scale=min(_DPI / 72, _LONGEST_SIDE / longest), grayscale=True)) as bitmap:
        found, said = text_on(bitmap.to_pil().convert("L"), task.recogniser, task.budget)
    findings.extend([said] if said else [])
    text.add(found + "\n\n")
