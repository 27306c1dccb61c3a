"""The pictures of the main pages in docs/screens: `python -m tests.desk.screenshots`, with a real desk and browser."""

import tempfile
import threading
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from cases.terms import DueKind
from desk.server import listen
from tests.desk.conftest import CHROMIUM, flags, log_in, open_case
from tests.desk.world import REPORT, World, found_file, make_world, prepare

PLACE = Path(__file__).parents[2] / "docs" / "screens"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
COLOURS = 128
OTHERS: tuple[tuple[dict[str, Any], int], ...] = (
    ({"kind": "melding", "primary": "pesten", "categories": [{"slug": "pesten", "score": 0.9, "sub": []}]}, 9),
    ({"severity": "acuut", "primary": "intimidatie", "missing": []}, 6),
    ({"severity": "laag", "primary": "belangenverstrengeling", "missing": ["email"]}, 4),
    ({"kind": "advies", "severity": None, "primary": None, "categories": [], "missing": None}, 2),
    ({"severity": "midden", "primary": "discriminatie"}, 1),
)


def main() -> None:
    PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "prepared").mkdir()
        world = make_world(prepare(place / "prepared"), place / "desk")
        case_id = _cases(world)
        server: Any = listen(world.app, world.settings)
        threading.Thread(target=server.run, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags())
            address = f"http://127.0.0.1:{server.effective_port}"
            for size, (width, height) in SIZES.items():
                page = browser.new_page(
                    base_url=address, locale="nl-NL", color_scheme="light", viewport={"width": width, "height": height}
                )
                log_in(page)
                open_case(page, case_id)
                _take(page, case_id, size)
                page.context.close()
            browser.close()
        server.task_dispatcher.shutdown()
        server.close()
        world.close()


def _cases(world: World) -> str:
    """Some cases as a desk has them; the first is the one to be shown."""
    now = world.clock.now
    taken = world.new_case(
        received_at=now - timedelta(hours=3),
        quoted_text="Op maandag schreef het loket: dank voor uw bericht.",
        found=[found_file("facturen.pdf", "application/pdf", text="Factuur 2026-118: advies, 10 procent.")],
    )
    for report, days in OTHERS:
        due = {DueKind.FIRST_LOOK: now + timedelta(days=3 - days), DueKind.FEEDBACK: now + timedelta(days=90 - days)}
        world.new_case(report={**REPORT, **report}, received_at=now - timedelta(days=days), dues=due)
    return taken.case_id


def _take(page: Page, case_id: str, size: str) -> None:
    paths = {
        "queue": "/",
        "case": f"/cases/{case_id}",
        "letter": f"/cases/{case_id}/letter",
        "overview": "/overview/",
        "search": "/search",
        "settings": "/settings/",
    }
    for name, path in paths.items():
        page.goto(path)
        if name == "search":
            page.locator("#search-words").fill("factuur")
            page.keyboard.press("Enter")
            page.locator(".hits li").first.wait_for()
        with Image.open(BytesIO(page.screenshot())) as picture:
            few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(PLACE / f"{name}-{size}.png", optimize=True)


if __name__ == "__main__":
    main()
