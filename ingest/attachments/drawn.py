"""How the pages of a file look: bare pixels, of a picture or of a PDF."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum

import pypdfium2
import pypdfium2.raw
from PIL import Image, ImageOps

from ingest.attachments.kinds import Kind, kind_of
from ingest.attachments.pictures import BROKEN, FORMATS, MOST_PIXELS

MOST_PAGES = 200
"""Of one file that are drawn at all."""
LONGEST_SIDE = 2000
"""In pixels: a page of A4 at 170 dpi, on which the small print can be read."""
_FINEST = 3.0
"""Pixels a point: a page that is a stamp is not blown up beyond that."""


class Reason(StrEnum):
    """Why a file cannot be drawn."""

    UNSUPPORTED = "unsupported"  # neither a picture nor a PDF, as far as anybody here knows
    ENCRYPTED = "encrypted"  # a password protects it
    BROKEN = "broken"  # it is not what it says, damaged, or it was the end of what drew it
    BOUNDS = "bounds"  # it has no such page, or one that is larger than is ever unpacked
    BUSY = "busy"  # others are being drawn
    NOT_HERE = "not_here"  # no process can be had on this machine that would draw it


class CannotDraw(Exception):
    """There is no picture of this file; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Drawing:
    """Page `number` (from 1) of so many `pages`: `width` × `height` pixels of red, green and blue, row by row."""

    number: int
    pages: int
    width: int
    height: int
    pixels: bytes = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """Which pages, from `first` to `last`, and how many pixels their longer side has at most."""

    first: int = 1
    last: int = 1
    longest: int = LONGEST_SIDE


def draw(data: bytes, name: str, content_type: str, wanted: Wanted) -> Iterator[Drawing]:
    """The pages that there are, one after the other; at least one. Raises CannotDraw, and MemoryError."""
    match kind_of(data, name, content_type):
        case Kind.PDF:
            drawings = _of_pdf(data, wanted)
        case Kind.PICTURE:
            drawings = _of_picture(data, wanted)
        case _:
            raise CannotDraw(Reason.UNSUPPORTED)
    yield from drawings


def _numbers(pages: int, wanted: Wanted) -> range:
    numbers = range(max(1, wanted.first), min(pages, wanted.last, MOST_PAGES) + 1)
    if not numbers:
        raise CannotDraw(Reason.BOUNDS)
    return numbers


def _of_pdf(data: bytes, wanted: Wanted) -> Iterator[Drawing]:
    try:
        with closing(pypdfium2.PdfDocument(data)) as document:
            document.init_forms()  # what was filled in is no part of a page; PDFium as it is built here runs no script
            for number in _numbers(len(document), wanted):
                with closing(document[number - 1]) as page:
                    yield _drawing(_of_page(page, wanted.longest), number, len(document), wanted)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise CannotDraw(Reason.ENCRYPTED if locked else Reason.BROKEN) from None


def _of_page(page: pypdfium2.PdfPage, longest: int) -> Image.Image:
    """On white, with what was noted on it and filled in."""
    side = max(page.get_size())
    if side <= 0:
        raise CannotDraw(Reason.BROKEN)
    with closing(page.render(scale=min(longest / side, _FINEST), rev_byteorder=True)) as bitmap:
        drawn: Image.Image = bitmap.to_pil().convert("RGB")
    return drawn


def _of_picture(data: bytes, wanted: Wanted) -> Iterator[Drawing]:
    """The pages of a fax; of a moving picture the first one."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            pages = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            for number in _numbers(pages, wanted):
                picture.seek(number - 1)
                if picture.width * picture.height > MOST_PIXELS:
                    raise CannotDraw(Reason.BOUNDS)
                yield _drawing(_upright(picture, wanted.longest), number, pages, wanted)
    except Image.DecompressionBombError:
        raise CannotDraw(Reason.BOUNDS) from None
    except BROKEN:
        raise CannotDraw(Reason.BROKEN) from None


def _upright(picture: Image.Image, longest: int) -> Image.Image:
    """As its camera says that it is to be held, in colours, on white."""
    if picture.format == "JPEG":
        picture.draft("RGB", (longest, longest))
    picture.load()
    if picture.mode.startswith(("I", "F")):  # 16 bits a pixel, which "RGB" would cut off
        low, high = (float(value) for value in picture.getextrema())  # type: ignore[arg-type]
        factor = 255 / max(1.0, high - low)
        shown = picture.convert("F").point(lambda value: (value - low) * factor).convert("L").convert("RGB")
    elif picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        whole = picture.convert("RGBA")
        shown = Image.new("RGB", whole.size, "white")
        shown.paste(whole, mask=whole.getchannel("A"))
    else:
        shown = picture.convert("RGB")
    return ImageOps.exif_transpose(shown) if shown.getexif() else shown


def _drawing(image: Image.Image, number: int, pages: int, wanted: Wanted) -> Drawing:
    image.thumbnail((wanted.longest, wanted.longest))
    return Drawing(number, pages, image.width, image.height, image.tobytes())
