"""A file that came with a mail, looked at without harm: pages made anew, its text, a safe copy, and a warning before
the file itself."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape

import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from werkzeug.test import TestResponse

from desk import safe_copies
from ingest.attachments.drawn import CannotDraw, Drawing, Reason
from ingest.errors import NurseryGone
from store import casework
from store.audit import Action
from tests.desk.conftest import log_in, open_case
from tests.desk.test_trail import of_action
from tests.desk.world import Visitor, World, coordinator, found_file
from tests.ingest import made_files as made

WORD = made.WORD
MARK = b"SerialNumber-7731-Amsterdam"
RED = (200, 30, 30)


def photograph(size: tuple[int, int] = (400, 300)) -> bytes:
    """With where, when and by which device it was made, and something behind its end."""
    exif = Image.Exif()
    exif[0x010F] = MARK.decode()
    exif[0x8769] = {0x9003: "2026:01:02 03:04:05"}
    return made.picture(Image.new("RGB", size, RED), "JPEG", exif=exif, comment=MARK) + MARK


def came(world: World, name: str, content_type: str, content: bytes, **found: object) -> str:
    """The address of a file that came with a mail."""
    case_id = world.new_case(found=[found_file(name, content_type, content, **found)]).case_id
    with world.database.begin() as session:
        view = casework.view_case(session, world.ring, case_id, world.clock.now)
    return f"/cases/{case_id}/attachments/{view.messages[0].content['attachments'][0]['id']}"


def tile(visitor: Visitor, path: str) -> str:
    return unescape(
        visitor.get(path.partition("/attachments")[0]).text.split('<ul class="files">')[1].split("</ul>")[0]
    )


def pdf(answer: TestResponse) -> pypdfium2.PdfDocument:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    return pypdfium2.PdfDocument(answer.data)


def words(document: pypdfium2.PdfDocument) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def test_a_picture_is_shown_as_one_made_anew_without_what_it_told_of_its_maker(world: World) -> None:
    content = photograph()
    assert content.count(MARK) == 3
    path, visitor = came(world, "foto.jpg", "image/jpeg", content), coordinator(world)
    assert f'href="{path}"' in tile(visitor, path)
    assert "<img" not in tile(visitor, path), "nobody sees a picture unasked, nor stands on the trail for it"
    assert f'src="{path}/pages/1"' in visitor.get(path).text
    answer = visitor.get(f"{path}/pages/1")
    assert answer.mimetype == "image/jpeg"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert MARK not in answer.data
    shown = Image.open(io.BytesIO(answer.data))
    assert shown.size == (400, 300)
    assert not shown.getexif()
    assert abs(shown.getpixel((9, 9))[0] - RED[0]) < 8  # type: ignore[index]


def test_each_page_of_a_pdf_is_shown_and_what_is_written_in_it(world: World) -> None:
    path = came(world, "brief.pdf", "application/pdf", made.pdf("Een", "Twee"), text="Tien procent.")
    page = coordinator(world).get(path).text
    assert re.findall(r"/pages/(\d+)", page) == ["1", "2"]
    assert "Pagina 2 van 2" in page
    assert "Tien procent." in page
    assert coordinator(world).get(f"{path}/pages/3").status_code == 404


def test_a_long_file_is_shown_some_pages_at_a_time(world: World) -> None:
    path, visitor = came(world, "a.pdf", "application/pdf", made.pdf(*map(str, range(12)))), coordinator(world)
    first = visitor.get(path).text
    assert len(re.findall(r"/pages/\d+", first)) == 10
    further = re.search(r'href="([^"]+first=11)"', first)
    assert further
    rest = visitor.get(further[1]).text
    assert re.findall(r"/pages/(\d+)", rest) == ["11", "12"]
    assert "first=1" in rest
    for odd in ("0", "-5", "99", "x"):
        assert "/pages/" in visitor.get(f"{path}?first={odd}").text


def test_the_safe_copy_of_a_picture_or_pdf_holds_pictures_and_nothing_that_names_anybody(world: World) -> None:
    visitor = coordinator(world)
    info = b"/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (app.alert\\(1\\)) >>] >> >>"
    for name, content_type, content, pages in (
        ("foto.jpg", "image/jpeg", photograph(), 1),
        ("brief.pdf", "application/pdf", made.pdf("Een", "Twee", more=info) + MARK, 2),
    ):
        answer = visitor.get(f"{came(world, name, content_type, content)}/copy.pdf")
        copy = pdf(answer)
        assert len(copy) == pages
        assert f'filename="{name}.pdf"' in answer.headers["Content-Disposition"]
        for told in (MARK, b"JavaScript", b"anonymous", b"2026"):
            assert told not in answer.data
        assert {each for each in copy.get_metadata_dict().values() if not each.startswith("D:2000")} == {""}
        assert words(copy).strip() == ""
        assert min(copy[0].render().to_pil().convert("L").tobytes()) < 120, "it is to be seen"


def test_the_safe_copy_of_an_office_file_or_a_mail_is_its_text(world: World) -> None:
    text = "Geachte heer <b>Dijkgraaf</b> & co,\n\n  tien procent\n" + "lang " * 2000
    path = came(world, "brief.docx", WORD, made.docx("x"), text=text, findings=["macros"])
    visitor = coordinator(world)
    shown = tile(visitor, path)
    assert "Veilige kopie (pdf)" in shown
    assert "/pages/" not in shown
    copy = pdf(visitor.get(f"{path}/copy.pdf"))
    assert "Geachte heer <b>Dijkgraaf</b> & co," in words(copy)
    assert len(copy) > 1
    assert "ander schrift" not in words(copy)


def test_a_safe_copy_says_where_letters_of_another_script_are_not_in_it(world: World) -> None:
    path = came(world, "отчёт.txt", "text/plain", "отчёт".encode(), text="Zie отчёт")
    visitor = coordinator(world)
    assert "отчёт" in visitor.get(path).text
    told = words(pdf(visitor.get(f"{path}/copy.pdf")))
    assert "ander schrift" in told
    assert "Zie ?????" in told


def test_a_file_that_cannot_be_shown_says_so_and_offers_no_copy(world: World) -> None:
    visitor = coordinator(world)
    path = came(world, "stukken.7z", "application/x-7z-compressed", b"7z", findings=["unsupported"])
    shown = tile(visitor, path)
    assert "Dit bestand is hier niet veilig te tonen." in shown
    assert "copy.pdf" not in shown
    assert f"{path}/original" in shown
    assert "kan niet als plaatje worden getoond" in visitor.get(path).text
    assert visitor.get(f"{path}/copy.pdf").status_code == 404


HOSTILE = {
    "a pdf that is a page": ("stuk.pdf", "application/pdf", b"%PDF-1.7\n<script>alert(1)</script>\n%%EOF"),
    "a picture that is a script": ("foto.gif", "image/gif", b"GIF89a/*<script>alert(1)</script>*/=1;"),
    "a picture that unpacks to much": (
        "foto.png",
        "image/png",
        made.picture(Image.new("1", (30_000, 30_000))),
    ),
    "half a picture": ("foto.png", "image/png", photograph()[:300]),
    "nothing": ("leeg.png", "image/png", b""),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_costs_its_own_preview_and_says_why(world: World, kind: str) -> None:
    path, visitor = came(world, *HOSTILE[kind]), coordinator(world)
    page = visitor.get(path)
    assert page.status_code == 200
    assert re.search(r"beschadigd, of niet wat het zegt|groter dan Meldpost tekent|niet als plaatje", page.text)
    assert "<script>alert" not in page.text
    for part in ("pages/1", "copy.pdf"):
        assert visitor.get(f"{path}/{part}").status_code == 404


def test_where_no_process_can_be_had_that_draws_nothing_is_drawn(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: object) -> None:
        raise NurseryGone("The nursery has ended.")

    monkeypatch.setattr("ingest.nursery.Nursery.start", gone)
    path = came(world, "geheim.jpg", "image/jpeg", photograph())
    page = coordinator(world).get(path).text
    assert "Waarschuw uw beheerder" in page
    assert "geheim" not in caplog.text


def test_the_libraries_of_formats_meet_no_file_in_the_process_that_holds_the_keys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*_: object, **__: object) -> None:
        raise AssertionError("opened in the desk's own process")

    monkeypatch.setattr("PIL.Image.open", here)
    monkeypatch.setattr("pypdfium2.PdfDocument", here)
    visitor = coordinator(world)
    for name, content_type, content in (
        ("foto.png", "image/png", photograph()),
        ("brief.pdf", "application/pdf", made.pdf("Een")),
    ):
        path = came(world, name, content_type, content)
        assert visitor.get(path).status_code == 200
        assert visitor.get(f"{path}/pages/1").status_code == 200


def test_the_file_itself_comes_after_a_warning_and_by_a_form_alone(world: World) -> None:
    path, visitor = came(world, "brief.docm", WORD, b"docm", text="x", findings=["macros"]), coordinator(world)
    page = unescape(visitor.get(f"{path}/original").text)
    assert "Het kan macro’s of andere programma’s bevatten" in page
    assert "Bevat macro’s" in page
    assert f'href="{path}/copy.pdf"' in page
    assert of_action(world, Action.DOWNLOAD) == []
    assert visitor.post(f"{path}/original").data == b"docm"
    (row,) = of_action(world, Action.DOWNLOAD)
    assert row.subject_id == path.rpartition("/")[2]


def test_the_timeline_tells_a_safe_copy_from_the_file_itself(world: World) -> None:
    path, visitor = came(world, "brief.txt", "text/plain", b"x", text="x"), coordinator(world)
    visitor.get(f"{path}/copy.pdf")
    visitor.post(f"{path}/original")
    page = visitor.get(path.partition("/attachments")[0]).text
    assert "Veilige kopie van een bestand gedownload" in page
    assert "Bestand gedownload" in page


def test_nothing_of_a_file_is_shown_while_who_reported_is_closed(world: World) -> None:
    path, visitor = came(world, "foto.jpg", "image/jpeg", photograph()), coordinator(world, reason="")
    for part in ("", "/pages/1", "/copy.pdf", "/original"):
        assert visitor.get(path + part).status_code == 403
    assert visitor.post(f"{path}/original").status_code == 403


def test_a_copy_that_could_not_be_finished_says_where_it_ends() -> None:
    def drawings() -> object:
        yield Drawing(1, 3, 2, 2, bytes(12))
        raise CannotDraw(Reason.BROKEN)

    from flask import Flask

    from desk import language

    app = Flask("desk", root_path=str(language.PACKAGE))
    language.speak(app, lambda: "en")
    with app.app_context():
        copy = pypdfium2.PdfDocument(safe_copies.of_pages(drawings()))  # type: ignore[arg-type]
    assert "page 1 of 3" in words(copy)
    assert len(copy) == 2


def test_in_a_browser_a_picture_is_seen_one_step_from_its_tile(world: World, new_page: Callable[..., Page]) -> None:
    path = came(world, "foto.jpg", "image/jpeg", photograph())
    page = new_page(java_script_enabled=False)
    log_in(page)
    open_case(page, path.split("/")[2])
    page.get_by_role("link", name="Bekijken").click()
    expect(page.get_by_role("heading", level=1, name="foto.jpg")).to_be_visible()
    picture = page.get_by_role("img", name="Pagina 1 van 1")
    expect(picture).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Veilige kopie").click()
    assert taken.value.suggested_filename == "foto.jpg.pdf"
