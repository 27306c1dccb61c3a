"""What the desk looks like: components of NL Design System, tokens, an organisation's own, and what a page weighs."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from config.settings import WebSettings
from desk.style import MAX_BYTES, StyleUnusable
from tests.desk.world import Visitor, World

TOP = Path(__file__).parents[2]
DESK = TOP / "desk"
BUILD = TOP / "tools" / "styles"
BUILT = (DESK / "static" / "components.css").read_text("utf-8")
OURS = "\n".join((DESK / "static" / name).read_text("utf-8") for name in ("theme.css", "desk.css", "pictures.css"))
TEMPLATES = "\n".join(path.read_text("utf-8") for path in (DESK / "templates").glob("*.html"))
NPM_SECONDS = 300

NewPage = Callable[..., Page]


def test_the_built_file_is_what_the_build_makes(tmp_path: Path) -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not there; with Node 20 this builds desk/static/components.css anew and compares")
    place = tmp_path / "tools" / "styles"
    place.mkdir(parents=True)
    (tmp_path / "desk").symlink_to(DESK)
    for name in ("package.json", "package-lock.json", "build.mjs"):
        shutil.copy(BUILD / name, place)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    if subprocess.run(install, cwd=place, capture_output=True, timeout=NPM_SECONDS, check=False).returncode:
        pytest.skip("npm could not fetch what `make styles` builds from")
    subprocess.run(["node", "build.mjs", "built.css"], cwd=place, check=True, timeout=NPM_SECONDS)
    assert (place / "built.css").read_text("utf-8") == BUILT, "run `make styles`"


def test_every_class_of_a_component_that_a_template_names_is_in_the_built_file() -> None:
    named = set(re.findall(r"utrecht-[\w-]*\w", TEMPLATES))
    assert len(named) > 5
    assert sorted(named - set(re.findall(r"utrecht-[\w-]*\w", BUILT))) == [], "run `make styles`"


def test_every_token_that_our_own_style_names_is_set() -> None:
    named = set(re.findall(r"var\((--[\w-]+)\)", OURS))
    assert sorted(named - set(re.findall(r"(--[\w-]+)\s*:", BUILT + OURS))) == [], "run `make styles`"


def test_no_style_loads_anything_nor_wears_the_house_style_of_another() -> None:
    for part in (BUILT, OURS):
        assert "url(" not in part
        assert "@import" not in part
        assert "@font-face" not in part
        assert "rijksoverheid" not in part.lower()


def test_no_lock_of_the_build_names_a_host() -> None:
    assert "://" not in re.sub(r'"funding":\s*(\{[^}]*\}|\[[^\]]*\])', "", (BUILD / "package-lock.json").read_text())


def _wear(world: World, tmp_path: Path, style: str, style_class: str) -> None:
    file = tmp_path / "house.css"
    file.write_text(style, "utf-8")
    web = WebSettings(port=0, style_file=file, style_class=style_class)
    world.serve(world.settings.model_copy(update={"web": web}))


def test_an_organisations_tokens_come_last_and_need_no_log_in(world: World, tmp_path: Path) -> None:
    _wear(world, tmp_path, ".house {--utrecht-link-color: red}", "house")
    visitor = Visitor(world)
    page = visitor.get("/login")
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page.text)
    assert sheets[-1] == "/organisation.css"
    assert re.search(r'<html [^>]*class="utrecht-root house"', page.text)
    served = visitor.get("/organisation.css")
    assert served.text == ".house {--utrecht-link-color: red}"
    assert served.mimetype == "text/css"
    assert served.headers["Cache-Control"] == "no-cache"
    assert served.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]
    kept = {"If-None-Match": served.headers["ETag"]}
    assert world.app.test_client().get("/organisation.css", headers=kept).status_code == 304


def test_a_desk_without_tokens_of_its_own_serves_none(world: World) -> None:
    visitor = Visitor(world)
    assert "organisation.css" not in visitor.get("/login").text
    assert visitor.get("/organisation.css").status_code == 404


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"\xff", "is not UTF-8"), (b" " * (MAX_BYTES + 1), "is larger than")],
    ids=["not there", "not text", "too large"],
)
def test_a_file_of_tokens_that_cannot_be_served_stops_the_desk_at_once(
    world: World, tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "house.css"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StyleUnusable, match=says):
        world.serve(world.settings.model_copy(update={"web": WebSettings(port=0, style_file=file)}))


def _colour(page: Page, element: str, of: str = "backgroundColor") -> str:
    colour: str = page.evaluate(f"getComputedStyle(document.querySelector('{element}')).{of}")
    return colour


def test_each_scheme_is_readable_and_the_dark_one_is_dark(world: World, new_page: NewPage) -> None:
    light, dark = (new_page(color_scheme=scheme) for scheme in ("light", "dark"))
    for page in (light, dark):
        page.goto("/login")
    assert _colour(light, ".sheet") == "rgb(255, 255, 255)"
    assert _colour(dark, ".sheet") == "rgb(24, 33, 42)"
    assert _colour(light, "html") != _colour(dark, "html")
    dark.emulate_media(media="print")
    assert _colour(dark, ".sheet") == "rgb(255, 255, 255)"


def test_a_plain_button_wears_the_tokens_of_the_desk(new_page: NewPage) -> None:
    page = new_page(color_scheme="light")
    page.goto("/login")
    assert _colour(page, "main button") == "rgb(0, 86, 139)"


def test_a_plain_button_wears_the_tokens_of_the_organisation_where_it_has_its_own(
    world: World, tmp_path: Path, outside: tuple[str, list[str]], request: pytest.FixtureRequest
) -> None:
    address, seen = outside
    token = "--utrecht-button-primary-action-background-color"
    _wear(world, tmp_path, f"@import url({address}/a.css); .house {{{token}: rgb(1, 2, 3)}}", "house")
    page = request.getfixturevalue("new_page")(color_scheme="light")
    page.goto("/login")
    assert _colour(page, "main button") == "rgb(1, 2, 3)"
    assert seen == []
