"""The text in pictures: photographs of letters, scans, screenshots."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image, ImageOps, UnidentifiedImageError

from ingest.attachments.pages import text_on
from ingest.attachments.task import FileText, Task, Text
from ingest.mail import Finding

FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")
MOST_PIXELS = 40_000_000
"""Of a picture that is unpacked at all: a page of A4 at 600 dpi has 35 million."""

_LONGEST_SIDE = 2600
"""A page of A4 at 220 dpi: finer pictures take longer to read, and are read no better."""
_MOST_PAGES = 100
_SMALLEST = (200, 50)
_SMALLEST_INLINE = (700, 400)
"""What the mail shows among its text is a logo below this size, and a photograph or a screenshot above."""

BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, TypeError, AttributeError, KeyError)


def read(data: bytes, task: Task) -> FileText:
    return picture_text(data, task)


def picture_text(data: bytes, task: Task) -> FileText:
    """Raises nothing but MemoryError: what a library says of a broken picture is a finding."""
    text = Text(task.limits.attachment_text_chars)
    findings: list[Finding] = []
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            for page in _pages(picture, task):
                _read_page(page, text, findings, task)
                if text.is_full or Finding.NO_TIME in findings or Finding.BOUNDS in findings:
                    break
    except Image.DecompressionBombError:
        findings.append(Finding.BOUNDS)
    except BROKEN:
        findings.append(Finding.BROKEN)
    return text.read(*dict.fromkeys(findings))


def _pages(picture: Image.Image, task: Task) -> Iterator[Image.Image]:
    """Those that are large enough to hold a letter; of a moving picture the first one only."""
    smallest = _SMALLEST_INLINE if task.inline else _SMALLEST
    pages = min(getattr(picture, "n_frames", 1), _MOST_PAGES) if picture.format == "TIFF" else 1
    for number in range(pages):
        picture.seek(number)
        if picture.width >= smallest[0] and picture.height >= smallest[1]:
            yield picture


def _read_page(page: Image.Image, text: Text, findings: list[Finding], task: Task) -> None:
    if page.width * page.height > MOST_PIXELS:
        findings.append(Finding.BOUNDS)
        return
    if task.recogniser is None:
        findings.append(Finding.UNSUPPORTED)
        page.load()
        return
    if not task.budget.left:
        findings.append(Finding.NO_TIME)
        return
    found, said = text_on(_grey(page), task.recogniser, task.budget)
    findings.extend([said] if said else [])
    text.add(found + "\n\n")


def _grey(page: Image.Image) -> Image.Image:
    """Upright, no larger than needed, in shades of grey on white."""
    if page.format == "JPEG":
        page.draft("L", (_LONGEST_SIDE, _LONGEST_SIDE))
    page.load()
    if page.mode in ("RGBA", "LA", "PA") or "transparency" in page.info:
        whole = page.convert("RGBA")
        grey = Image.new("L", whole.size, 255)
        grey.paste(whole.convert("L"), mask=whole.getchannel("A"))
    elif page.mode.startswith(("I", "F")):  # 16 bits a pixel, which "L" would cut off
        low, high = page.getextrema()
        factor = 255 / max(1, float(high) - float(low))  # type: ignore[arg-type]
        grey = page.convert("F").point(lambda value: (value - float(low)) * factor).convert("L")  # type: ignore[arg-type]
    else:
        grey = page.convert("L")
    grey = ImageOps.exif_transpose(grey) if grey.getexif() else grey
    grey.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    return grey
