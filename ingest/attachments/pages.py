"""The text on a page that is a picture, whichever way up it was scanned."""

from __future__ import annotations

from PIL import Image

from ingest.attachments.task import Budget, Recogniser
from ingest.mail import Finding

_TURNS = (None, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
_FEW_LETTERS = 20
"""Of fewer, a page may be one that lies on its side: shapes that look like a word or two are on any."""
_DARK = 128
_BLANK = 0.0005
"""A page of which less is dark is the back of another."""


def text_on(page: Image.Image, recogniser: Recogniser, budget: Budget) -> tuple[str, Finding | None]:
    """The text, and what is to be said of it. `page` is in shades of grey."""
    blank = _is_blank(page)
    best = ""
    for turn in _TURNS:
        found = recogniser.text_of(page if turn is None else page.transpose(turn), budget) if budget.left else None
        if found is None:
            return best, Finding.OCR if best else Finding.NO_TIME
        best = max(best, found, key=_letters)
        if blank or _letters(best) >= _FEW_LETTERS:
            break
    return best, Finding.OCR if best else None if blank else Finding.NO_TEXT


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _is_blank(page: Image.Image) -> bool:
    return sum(page.histogram()[:_DARK]) < _BLANK * page.width * page.height
