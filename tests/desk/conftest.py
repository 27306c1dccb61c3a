"""A desk for each test, and a browser for those that need one."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from desk.server import listen
from tests.databases import Databases
from tests.desk.world import LOGIN, PASSPHRASE, Prepared, World, make_world, prepare

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def world(databases: Databases, prepared: Prepared, tmp_path: Path) -> Iterator[World]:
    made = make_world(prepared, tmp_path / "desk", databases)
    yield made
    made.close()


def flags() -> list[str]:
    return [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"{CHROMIUM} is not there; install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags())
        yield browser
        browser.close()


@pytest.fixture
def server(world: World) -> Iterator[Any]:
    """The desk, served as it is in earnest, on a port of its own on loopback."""
    made: Any = listen(world.app, world.settings)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield made
    made.task_dispatcher.shutdown()
    made.close()
    thread.join(timeout=10)


@pytest.fixture
def address(server: Any) -> str:
    return f"http://127.0.0.1:{server.effective_port}"


@pytest.fixture
def new_page(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Makes pages of a browser that nobody used before: `new_page(java_script_enabled=False)`."""
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> Page:
        context = chromium.new_context(**{"base_url": address, "locale": "nl-NL", **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


class _Listener(BaseHTTPRequestHandler):
    """The sender's own web server, which learns of every request for what their mail names."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(204)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        pass


@pytest.fixture
def outside() -> Iterator[tuple[str, list[str]]]:
    """An address outside the desk, and what was asked of it."""
    seen: list[str] = []
    handler = type("Listener", (_Listener,), {"seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def open_case(page: Page, case_id: str) -> None:
    """Look at a case, and open who reported it."""
    page.goto(f"/cases/{case_id}")
    open_who_reported(page)


def open_who_reported(page: Page) -> None:
    """On the page of a case: say why."""
    page.locator("#contact").get_by_label("Reden").fill("Behandeling.")
    page.locator("#contact").get_by_role("button", name="Openen wie er meldde").click()
    page.locator("#contact").get_by_text("Verbeteren").wait_for()


def log_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Naam").fill(LOGIN)
    page.get_by_label("Wachtzin").fill(PASSPHRASE)
    page.get_by_role("button", name="Inloggen", exact=True).click()
    page.wait_for_url("**/")
