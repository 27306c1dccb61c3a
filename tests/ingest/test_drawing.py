"""How files look: drawn in a process that can reach nothing, as pixels, whatever is in the file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ingest.attachments.drawn import LONGEST_SIDE, CannotDraw, Drawing, Reason, Wanted
from ingest.attachments.pictures import MOST_PIXELS
from ingest.drawing import Drawers
from ingest.errors import NotIsolated
from ingest.isolation import Layer, ProcessLimits, is_isolated
from tests.ingest import made_files as made

HOSTILE = Path(__file__).parent / "hostile"
sys.path.append(str(HOSTILE))
from hostile_drawer import ANSWERS  # noqa: E402

RED, BLUE = (255, 0, 0), (0, 0, 255)
ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def drawers() -> Iterator[Drawers]:
    made = Drawers()
    try:
        list(drawn(made, picture("PNG")))
    except NotIsolated as error:
        pytest.skip(str(error))
    yield made
    made.close()


def drawn(drawers: Drawers, data: bytes, name: str = "", wanted: Wanted | None = None) -> list[Drawing]:
    return list(drawers.draw([data], len(data), name, "application/octet-stream", wanted or Wanted()))


def refused(drawers: Drawers, data: bytes, name: str = "", wanted: Wanted | None = None) -> Reason:
    with pytest.raises(CannotDraw) as refusal:
        drawn(drawers, data, name, wanted)
    return refusal.value.reason


def image(drawing: Drawing) -> Image.Image:
    return Image.frombytes("RGB", (drawing.width, drawing.height), drawing.pixels)


def picture(format_: str, size: tuple[int, int] = (30, 20), **more: object) -> bytes:
    return made.picture(Image.new("RGB", size, RED), format_, **more)


def test_a_file_is_drawn_in_isolation(drawers: Drawers) -> None:
    assert is_isolated(drawers._running().layers)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_a_picture_of_each_format_is_drawn_whatever_it_is_called(drawers: Drawers, format_: str) -> None:
    (page,) = drawn(drawers, picture(format_, size=(300, 200)), name="brief.txt")
    assert (page.number, page.pages, page.width, page.height) == (1, 1, 300, 200)
    red, green, blue = image(page).getpixel((150, 100))  # type: ignore[misc]
    assert red > 240
    assert max(green, blue) < 20


def test_each_page_of_a_pdf_is_drawn_and_says_of_how_many(drawers: Drawers) -> None:
    pages = drawn(drawers, made.pdf("Eerste", "Tweede", "Derde"), wanted=Wanted(2, 3, 1000))
    assert [(page.number, page.pages) for page in pages] == [(2, 3), (3, 3)]
    assert max(pages[0].width, pages[0].height) == 1000
    assert min(image(pages[0]).convert("L").tobytes()) < 50, "its words are there"
    assert pages[0].pixels != pages[1].pixels


def test_the_pages_of_a_fax_are_drawn_and_of_a_moving_picture_the_first(drawers: Drawers) -> None:
    first, second = Image.new("RGB", (30, 20), RED), Image.new("RGB", (30, 20), BLUE)
    fax = made.picture(first, "TIFF", save_all=True, append_images=[second])
    pages = drawn(drawers, fax, wanted=Wanted(1, 9))
    assert [image(page).getpixel((1, 1)) for page in pages] == [RED, BLUE]
    moving = made.picture(first, "GIF", save_all=True, append_images=[second])
    (page,) = drawn(drawers, moving, wanted=Wanted(1, 9))
    assert image(page).getpixel((1, 1)) == RED


def test_a_photograph_is_drawn_upright_and_what_is_clear_in_a_picture_is_white(drawers: Drawers) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    (page,) = drawn(drawers, picture("JPEG", exif=exif))
    assert (page.width, page.height) == (20, 30)
    (page,) = drawn(drawers, made.picture(Image.new("RGBA", (9, 9), (0, 0, 0, 0))))
    assert image(page).getpixel((1, 1)) == (255, 255, 255)


def test_a_large_picture_is_made_smaller(drawers: Drawers) -> None:
    (page,) = drawn(drawers, picture("JPEG", size=(4000, 3000)))
    assert (page.width, page.height) == (LONGEST_SIDE, LONGEST_SIDE * 3 // 4)


BOMB = made.picture(Image.new("1", (9000, MOST_PIXELS // 9000 + 1)))
BURST = picture("PNG")[:20] + b"\xff\xff" + picture("PNG")[22:]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hallo", Reason.UNSUPPORTED),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Reason.UNSUPPORTED),
        (made.archive({"a": "b"}), Reason.UNSUPPORTED),
        (b"%PDF-1.7\nnot at all", Reason.BROKEN),
        (b"%PDF-1.7\n<script>alert(1)</script>", Reason.BROKEN),
        (b"GIF89a/*<script>*/=1;", Reason.BROKEN),
        (picture("PNG")[:40], Reason.BROKEN),
        (BURST, Reason.BROKEN),
        (BOMB, Reason.BOUNDS),
        (b"", Reason.UNSUPPORTED),
    ],
    ids=["words", "svg", "archive", "no pdf", "pdf and page", "gif and script", "half", "changed", "bomb", "empty"],
)
def test_what_cannot_be_drawn_says_why(drawers: Drawers, data: bytes, reason: Reason) -> None:
    assert refused(drawers, data) is reason


def test_a_page_that_there_is_not_is_none(drawers: Drawers) -> None:
    assert refused(drawers, made.pdf("Een"), wanted=Wanted(2, 2)) is Reason.BOUNDS
    assert refused(drawers, made.pdf("Een"), wanted=Wanted(0, 0)) is Reason.BOUNDS


def test_a_page_as_large_as_a_house_is_no_larger_than_asked(drawers: Drawers) -> None:
    house = made.pdf("x").replace(b"[0 0 595 842]", b"[0 0 9000000 9000000]")
    (page,) = drawn(drawers, house, wanted=Wanted(longest=300))
    assert (page.width, page.height) == (300, 300)
    stamp = made.pdf("x").replace(b"[0 0 595 842]", b"[0 0 2 3]")
    (page,) = drawn(drawers, stamp)
    assert max(page.width, page.height) < 20
    line = made.pdf("x").replace(b"[0 0 595 842]", b"[0 0 1 9000000]")
    (page,) = drawn(drawers, line, wanted=Wanted(longest=300))
    assert (page.width, page.height) == (1, 300)


def test_what_somebody_filled_in_on_a_form_is_drawn(drawers: Drawers) -> None:
    """Its program keeps a picture of each field in the file; no script has to run for it."""
    look = made._stream(b"1 0 0 rg 0 0 300 300 re f", b" /Type /XObject /Subtype /Form /BBox [0 0 300 300]")
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (n) /V (x) /F 4 /Rect [100 100 400 400] /AP << /N 5 0 R >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 500 500] /Annots [4 0 R] >>"
    catalogue = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>"
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    (drawing,) = drawn(drawers, made.pdf_of([catalogue, pages, page, field, look]))
    assert image(drawing).getpixel((drawing.width // 2, drawing.height // 2)) == RED


def test_a_pdf_of_endless_drawing_costs_its_time_and_no_more() -> None:
    forms = b"".join(b"/F%d Do " % (number % 2) for number in range(40))
    kinds = b" /Resources << /XObject << /F0 %d 0 R /F1 %d 0 R >> >>"
    deep = [made._stream(forms, b" /Type /XObject /Subtype /Form /BBox [0 0 9 9]" + kinds % (at, at))
            for at in range(5, 15)]  # fmt: skip
    leaf = made._stream(b"0 0 9 9 re f " * 2000, b" /Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R" + kinds % (4, 4) + b" >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, *deep, leaf]
    limited = Drawers(layers=Layer.SECCOMP, limits=ProcessLimits(cpu_seconds=1, wall_seconds=20))
    assert refused(limited, made.pdf_of(objects)) is Reason.BROKEN
    assert len(drawn(limited, picture("PNG"))) == 1, "and the next is drawn"
    limited.close()


@pytest.fixture
def hostile() -> Iterator[Drawers]:
    limits = ProcessLimits(cpu_seconds=20, wall_seconds=1)
    taken_over = Drawers(layers=Layer.SECCOMP, limits=limits, entry="hostile_drawer", path=(str(HOSTILE),))
    yield taken_over
    taken_over.close()


@pytest.mark.parametrize("answer", [*ANSWERS, "hang", "die"])
def test_whatever_a_process_that_was_taken_over_says_it_costs_this_file_its_picture(
    hostile: Drawers, answer: str
) -> None:
    assert refused(hostile, b"x", name=answer) is Reason.BROKEN


def test_a_nursery_that_ended_is_started_anew(drawers: Drawers) -> None:
    process = drawers._running()._process
    assert process is not None
    process.kill()
    process.wait()
    assert len(drawn(drawers, picture("PNG"))) == 1
