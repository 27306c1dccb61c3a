"""Files that mean harm, through every way into the desk and out of it: kept byte for byte, shown by no browser, and of
their names nothing is left that leads anywhere."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page
from werkzeug.test import TestResponse

from store import casework
from tests.desk.conftest import log_in, open_case
from tests.desk.test_letters import write
from tests.desk.world import Visitor, World, coordinator

_SCRIPT = b"<script>top.document.title='pwned'</script>"
FILES = {
    "svg": ("tekening.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + _SCRIPT + b"</svg>"),
    "html": ("brief.html", b"<!doctype html><body onload=alert(1)>" + _SCRIPT),
    "xhtml": (
        "brief.xhtml",
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">' + _SCRIPT + b"</html>",
    ),
    "style sheet in XML": ("a.xml", b'<?xml-stylesheet href="javascript:alert(1)"?><a/>'),
    "picture that is a page": ("foto.gif", b"GIF89a/*" + _SCRIPT + b"*/=1;"),
    "document that is a page": ("stuk.pdf", b"%PDF-1.7\n" + _SCRIPT + b"\n%%EOF"),
    "archive that is a page": ("stukken.zip", b"PK\x05\x06" + bytes(18) + _SCRIPT),
    "script": ("foto.js", b"fetch('/cases')//"),
    "archive of pages": ("brief.mhtml", b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + _SCRIPT),
    "page in UTF-7": ("a.txt", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-"),
    "nothing": ("leeg.svg", b""),
}
NAMES = {
    "way up": ("../../../etc/passwd", "passwd"),
    "way up of Windows": ("..\\..\\windows\\win.ini", None),
    "whole path": ("/etc/cron.d/x", "x"),
    "drive": ("C:\\Users\\a\\b.txt", None),
    "nothing but dots": ("...", None),
    "turned around": ("factuur\u202efdp.exe", "factuurfdp.exe"),
    "markup": ("<img src=x onerror=alert(1)>.png", None),
    "quote": ('a" onmouseover="alert(1).txt', None),
    "template": ("{{ config }}.txt", "{{ config }}.txt"),
    "very long": ("a" * 5000 + ".txt", None),
}


def _arrived(world: World, visitor: Visitor, name: str, content: bytes) -> tuple[str, str]:
    """With a mail: the page that lists the file, and its address."""
    case_id = world.new_case(files=[(name, content)]).case_id
    with world.database.begin() as session:
        view = casework.view_case(session, world.ring, case_id, world.clock.now)
    file_id = view.messages[0].content["attachments"][0]["id"]
    return visitor.get(f"/cases/{case_id}").text, f"/cases/{case_id}/attachments/{file_id}/original"


def _uploaded(world: World, visitor: Visitor, name: str, content: bytes) -> tuple[str, str]:
    """With a letter that a member writes."""
    case_id = world.new_case().case_id
    assert write(visitor, case_id, then="keep", files=(io.BytesIO(content), name)).status_code == 303
    page = visitor.get(f"/cases/{case_id}/letter").text
    found = re.search(rf"/cases/{case_id}/letter/files/[0-9a-f]{{32}}", page)
    assert found
    return page, found[0]


WAYS = pytest.mark.parametrize("brought", [_arrived, _uploaded], ids=["with a mail", "with a letter"])
Brought = Callable[[World, Visitor, str, bytes], tuple[str, str]]


def _is_only_saved(answer: TestResponse) -> None:
    headers = answer.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment; filename=")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store"


@WAYS
@pytest.mark.parametrize("kind", list(FILES))
def test_a_file_comes_back_as_it_was_and_no_browser_shows_it(world: World, brought: Brought, kind: str) -> None:
    name, content = FILES[kind]
    visitor = coordinator(world)
    _, path = brought(world, visitor, name, content)
    answer = visitor.post(path) if brought is _arrived else visitor.get(path)
    assert answer.data == content
    _is_only_saved(answer)


@WAYS
@pytest.mark.parametrize("kind", list(NAMES))
def test_a_name_leads_nowhere_and_is_text_on_the_page(world: World, brought: Brought, kind: str) -> None:
    name, left = NAMES[kind]
    visitor = coordinator(world)
    page, path = brought(world, visitor, name, b"x")
    assert "<img src=x" not in page
    assert 'onmouseover="alert' not in unescape(page).replace(name, "") or escape(name) in page
    answer = visitor.post(path) if brought is _arrived else visitor.get(path)
    saved = unquote(answer.headers["Content-Disposition"].split("filename*=UTF-8''")[1])
    assert not re.search(r'[/\\:*?"<>|\x00-\x1f\u202a-\u202e]', saved)
    assert saved.strip(". ")
    assert len(saved) <= 150
    if left is not None and brought is _uploaded:
        assert saved == left


def test_what_came_with_a_mail_is_only_saved_in_each_of_its_forms(world: World) -> None:
    key = {"kind": "openpgp", "fingerprint": "A" * 40, "data": "PHNjcmlwdD4="}
    taken = world.new_case(raw=b"Content-Type: text/html\r\n\r\n" + _SCRIPT, more={"sender_keys": [key]})
    visitor = coordinator(world)
    path = f"/cases/{taken.case_id}/messages/{taken.message_id}"
    _is_only_saved(visitor.get(f"{path}/keys/1"))
    _is_only_saved(visitor.post(f"{path}/original"))


def test_text_that_is_markup_is_shown_as_text(world: World) -> None:
    taken = world.new_case(own_text="<html>" + _SCRIPT.decode())
    answer = coordinator(world).get(f"/cases/{taken.case_id}/messages/{taken.message_id}/text")
    assert answer.mimetype == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "..%5capp.py",
        "../../secrets/web-session-key",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "desk.css%00.txt",
    ],
)
def test_no_way_leads_out_of_the_folder_of_the_desks_own_files(world: World, path: str) -> None:
    answer = coordinator(world).get(f"/static/{path}")
    assert answer.status_code in (404, 308)
    assert "Flask" not in answer.text


def test_a_form_that_has_no_place_for_a_file_keeps_none(world: World) -> None:
    case_id, visitor = world.new_case().case_id, coordinator(world)
    visitor.get(f"/cases/{case_id}")
    answer = visitor.post(f"/cases/{case_id}/notes", {"text": (io.BytesIO(_SCRIPT), "a.html")})
    assert answer.status_code == 400
    assert "pwned" not in visitor.get(f"/cases/{case_id}").text


@pytest.mark.parametrize("kind", ["svg", "html", "xhtml", "picture that is a page"])
def test_a_browser_that_is_led_to_a_file_saves_it_and_runs_nothing(
    world: World, new_page: Callable[..., Page], kind: str
) -> None:
    name, content = FILES[kind]
    case_id = world.new_case(files=[(name, content)]).case_id
    with world.database.begin() as session:
        view = casework.view_case(session, world.ring, case_id, world.clock.now)
    path = f"/cases/{case_id}/attachments/{view.messages[0].content['attachments'][0]['id']}/original"
    page = new_page()
    log_in(page)
    open_case(page, case_id)
    page.goto(path)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Het bestand downloaden zoals het kwam").click()
    assert saved.value.suggested_filename == name
    assert page.url.endswith("/original")
    assert "pwned" not in page.title()
