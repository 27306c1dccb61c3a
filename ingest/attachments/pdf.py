"""The text of PDF files by PDFium, which runs no scripts as it is built here; pages without text are recognised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pypdfium2
import pypdfium2.raw

from ingest.attachments.task import FileText, Task, Text
from ingest.mail import Finding

_MOST_PAGES = 1000
_FEW_LETTERS = 10
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
            if pages > _MOST_PAGES:
                findings.append(Finding.CUT)
    except pypdfium2.PdfiumError as error:
        findings.append(_reason(error))
    return text.read(*dict.fromkeys(findings))


def _reason(error: pypdfium2.PdfiumError) -> Finding:
    locked = getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD
    return Finding.ENCRYPTED if locked else Finding.BROKEN


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
        written = words.get_text_bounded()
    text.add(written + "\n\n")
    if sum(map(str.isalnum, written[:1000])) < _FEW_LETTERS and _has_picture(page):
        _recognise(page, text, findings, task)


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
        found = task.recogniser.text_of(bitmap.to_pil(), task.budget)
    if found is None:
        findings.append(Finding.NO_TIME)
    elif found:
        findings.append(Finding.OCR)
        text.add(found + "\n\n")
