"""The desk in a real browser: the coordinator's work with and without JavaScript, and mail that means harm."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from cases.terms import DueKind
from desk import words
from tests.desk.conftest import log_in, open_case, open_who_reported
from tests.desk.test_again import RAW
from tests.desk.world import REPORT, World, found_file

NewPage = Callable[..., Page]


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_coordinator_logs_in_reads_corrects_and_moves_a_case_on(
    world: World, new_page: NewPage, java_script: bool
) -> None:
    world.new_case(quoted_text="Op maandag schreef het loket")
    page = new_page(java_script_enabled=java_script)
    log_in(page)
    row = page.get_by_role("row").filter(has_text="K2345-00000")
    expect(row).to_contain_text("Strafbaar feit")
    page.get_by_role("link", name="K2345-00000").click()
    expect(page.get_by_role("heading", name="Melding over facturen")).to_have_count(0)
    open_who_reported(page)
    expect(page.get_by_role("heading", name="Melding over facturen")).to_be_visible()
    expect(page.get_by_text("Op maandag schreef het loket")).to_be_hidden()
    page.get_by_text("Aangehaald uit eerdere berichten").click()
    expect(page.get_by_text("Op maandag schreef het loket")).to_be_visible()

    category = page.locator("#field-primary")
    category.get_by_text("Verbeteren").click()
    category.get_by_label("Belangenverstrengeling").check()
    category.get_by_role("button", name="Opslaan").click()
    expect(page.get_by_role("status").first).to_have_text("Opgeslagen.")
    expect(page.locator("#field-primary .value")).to_have_text("Belangenverstrengeling")
    expect(page.locator("#field-primary .by").first).to_contain_text("Vastgesteld door j.coordinator")

    page.locator("#field-kind").get_by_role("button", name="Akkoord").click()
    expect(page.locator("#field-kind .by").first).to_contain_text("Vastgesteld door j.coordinator")

    look = page.locator("#first-look")
    look.get_by_role("group", name="Is duidelijk").get_by_label("Ja").check()
    look.get_by_role("group", name="Kan het").get_by_label("Ja").check()
    look.get_by_role("group", name="Hoe ernstig").get_by_label("Midden").check()
    look.get_by_role("button", name="Antwoorden opslaan").click()
    expect(page.locator("#first-look")).to_contain_text("Beantwoord door j.coordinator")

    page.get_by_label("Nieuwe notitie").fill("Morgen bellen.")
    page.get_by_role("button", name="Notitie toevoegen").click()
    expect(page.locator("#notes")).to_contain_text("Morgen bellen.")

    page.locator("#status").get_by_label("In onderzoek").check()
    page.get_by_role("button", name="Status wijzigen").click()
    expect(page.locator("#timeline")).to_contain_text("Status gewijzigd van Ontvangen naar In onderzoek")

    page.get_by_role("link", name="Werkvoorraad").first.click()
    row = page.get_by_role("row").filter(has_text="K2345-00000")
    expect(row).to_contain_text("In onderzoek")
    expect(row).to_contain_text("Belangenverstrengeling")
    expect(row).to_contain_text("Midden")
    page.get_by_role("button", name="Uitloggen").click()
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()


def test_the_desk_obeys_its_own_policy(world: World, new_page: NewPage) -> None:
    case_id = world.new_case(html="<p>Hoi</p>", files=[("brief.txt", b"x")]).case_id
    page = new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(page)
    open_case(page, case_id)
    for path in ("/", f"/cases/{case_id}", "/receipts/", "/nowhere"):
        page.goto(path)
    assert [text for text in complaints if "404" not in text] == []


HOSTILE = """
<html><head>
<base href="{outside}/base/">
<meta http-equiv="refresh" content="0;url={outside}/refresh">
<link rel="stylesheet" href="{outside}/link.css"><link rel="prefetch" href="{outside}/prefetch">
<link rel="dns-prefetch" href="{outside}/"><link rel="preconnect" href="{outside}/">
<style>@import url({outside}/import.css); @font-face {{font-family: f; src: url({outside}/font)}}
body {{background: url({outside}/css.png); font-family: f}} body * {{display: none !important}}</style>
<script src="{outside}/script.js"></script>
</head><body onload="top.location='{outside}/onload'">
<script>top.document.title = 'pwned'; parent.location = '{outside}/script'; fetch('{outside}/fetch')</script>
<p>Leesbare tekst</p>
<img src="{outside}/img.png" srcset="{outside}/srcset.png 2x" onerror="parent.location='{outside}/onerror'">
<img src="x" onerror="top.document.title='pwned'"><svg onload="top.document.title='pwned'"></svg>
<svg><image href="{outside}/svg.png"/><use href="{outside}/use.svg#a"/></svg>
<iframe src="{outside}/iframe"></iframe><object data="{outside}/object"></object><embed src="{outside}/embed">
<video src="{outside}/video" poster="{outside}/poster" autoplay></video><audio src="{outside}/audio" autoplay></audio>
<div style="position:fixed;inset:0;background:url({outside}/style.png)">over alles heen</div>
<table background="{outside}/table.png"><tr><td background="{outside}/td.png">cel</td></tr></table>
<form action="{outside}/form" method="post"><input name="passphrase" autofocus><button id="go">Log in</button></form>
<a id="js" href="javascript:top.document.title='pwned'">klik</a>
<a href="{outside}/link" target="_top" ping="{outside}/ping">een koppeling</a>
</body></html>
"""


def _open_hostile(world: World, page: Page, address: str) -> list[str]:
    """Look at a hostile mail in every way the desk offers; gives all that the browser asked for meanwhile."""
    html = HOSTILE.format(outside=address)
    subject = "<script>document.title='pwned'</script>"
    taken = world.new_case(html=html, own_text=html, quoted_text=html, subject=subject)
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    log_in(page)
    open_case(page, taken.case_id)
    page.goto(f"/cases/{taken.case_id}/messages/{taken.message_id}/html")  # outside its frame
    page.goto(f"/cases/{taken.case_id}")
    page.get_by_text("Zoals de afzender het opmaakte").click()
    page.frame_locator("iframe.html").get_by_text("een koppeling").wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    return asked


@pytest.mark.parametrize("java_script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_hostile_mail_runs_nothing_loads_nothing_and_stays_in_its_frame(
    world: World, new_page: NewPage, outside: tuple[str, list[str]], java_script: bool
) -> None:
    address, seen = outside
    page = new_page(java_script_enabled=java_script)
    asked = _open_hostile(world, page, address)
    frame = page.frame_locator("iframe.html")
    expect(frame.get_by_text("Leesbare tekst")).to_be_visible()
    expect(frame.locator("form, input, button, script, iframe, object, embed, svg, video, base, link")).to_have_count(0)
    expect(frame.get_by_text("een koppeling")).to_have_attribute("rel", "noopener noreferrer")
    assert page.title().startswith("K2345-00000")
    assert seen == []
    assert [url for url in asked if url.startswith(address)] == []


def test_the_policy_of_the_page_would_hold_a_hostile_mail_without_the_cleaning(
    world: World, new_page: NewPage, outside: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.mailhtml.clean", lambda html, *_: html)
    address, seen = outside
    page = new_page()
    _open_hostile(world, page, address)
    assert page.title().startswith("K2345-00000")
    assert seen == []


def test_the_cleaning_would_hold_a_hostile_mail_without_the_policy_of_the_page(
    world: World, new_page: NewPage, outside: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.mailhtml.POLICY", "frame-ancestors 'self'")
    address, seen = outside
    page = new_page()
    _open_hostile(world, page, address)
    assert page.title().startswith("K2345-00000")
    assert seen == []


def test_a_link_in_a_mail_opens_apart_and_does_not_say_where_it_stood(
    world: World, new_page: NewPage, outside: tuple[str, list[str]]
) -> None:
    address, _ = outside
    taken = world.new_case(html=f'<a href="{address}/elsewhere">lees dit</a>')
    page = new_page()
    log_in(page)
    open_case(page, taken.case_id)
    page.get_by_text("Zoals de afzender het opmaakte").click()
    asked: list[Request] = []
    page.context.on("request", lambda request: asked.append(request))  # it takes no method of a list
    with page.context.expect_event("request", lambda request: request.url == f"{address}/elsewhere"):
        page.frame_locator("iframe.html").get_by_text("lees dit").click()
    assert {request.headers.get("referer") for request in asked if request.url.startswith(address)} == {None}
    assert urlsplit(page.url).path.endswith(taken.case_id)


def test_a_file_is_saved_under_its_own_name(world: World, new_page: NewPage) -> None:
    taken = world.new_case(files=[("verslag – één.html", b"<script>alert(1)</script>")])
    page = new_page()
    log_in(page)
    open_case(page, taken.case_id)
    page.get_by_role("link", name="Het bestand zoals het kwam").click()
    expect(page.get_by_text("Het kan macro’s of andere programma’s bevatten")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Het bestand downloaden zoals het kwam").click()
    assert waiting.value.suggested_filename == "verslag – één.html"
    assert waiting.value.path().read_bytes() == b"<script>alert(1)</script>"


def test_two_windows_on_one_case_lose_nothing(world: World, new_page: NewPage) -> None:
    case_id = world.new_case().case_id
    page = new_page()
    log_in(page)
    page.goto(f"/cases/{case_id}")
    other = page.context.new_page()
    other.goto(f"/cases/{case_id}")
    other.locator("#field-severity").get_by_role("button", name="Akkoord").click()
    page.locator("#field-concerned").get_by_text("Verbeteren").click()
    page.locator("#field-concerned").get_by_label("Naam").nth(1).fill("Mia Example")
    page.locator("#field-concerned").get_by_role("button", name="Opslaan").click()
    expect(page.get_by_role("heading", name="Iemand anders was eerder")).to_be_visible()
    expect(page.get_by_text("Mia Example")).to_be_visible()
    page.get_by_role("button", name="Toch het mijne opslaan").click()
    expect(page.locator("#field-concerned .value")).to_contain_text("Mia Example")


def test_a_page_left_alone_leaves_the_screen_when_the_session_ends(world: World, new_page: NewPage) -> None:
    case_id = world.new_case().case_id
    page = new_page()
    page.clock.install()
    log_in(page)
    page.goto(f"/cases/{case_id}")
    world.clock.forward(minutes=16)
    page.clock.run_for(16 * 60 * 1000)
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 800, 1024, 1100, 1200, 1280])
def test_no_page_is_wider_than_its_window(world: World, new_page: NewPage, width: int) -> None:
    long = "n" * 120
    child = {"from": {"name": long, "address": long}, "subject": long, "date": None}
    inner = [found_file(long, "message/rfc822", inside=level, child=child, text=long * 3) for level in range(7)]
    signature = {"kind": "openpgp", "result": "valid", "signer": long, "fingerprint": long}
    case_id = world.new_case(
        own_text="x" * 300,
        subject="Zeer" + "lang" * 60,
        html="<p>a</p>",
        files=[(long + ".pdf", b"x")],
        found=inner,
        more={
            "flags": ["dmarc_fail", "reply_to_elsewhere"],
            "reply_to": [{"name": "", "address": long}],
            "protection": {"encrypted": "openpgp", "opened": True, "reason": "", "signatures": [signature]},
            "sender_keys": [{"kind": "openpgp", "fingerprint": long, "data": ""}],
            "defects": [long],
        },
    ).case_id
    everything = {"primary": "belangenverstrengeling", "missing": list(words.MISSING), "marks": list(words.MARKS)}
    due = {DueKind.FIRST_MESSAGE: world.clock.now - timedelta(days=3)}
    world.new_case(report={**REPORT, **everything}, dues=due, received_at=world.clock.now - timedelta(days=300))
    page = new_page(viewport={"width": width, "height": 800})
    log_in(page)
    open_case(page, case_id)
    for path in ("/", f"/cases/{case_id}", "/receipts/"):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_message_that_could_not_be_read_is_read_again_by_a_button(world: World, new_page: NewPage) -> None:
    case_id = world.new_case(state="unreadable", raw=RAW).case_id
    page = new_page()
    log_in(page)
    open_case(page, case_id)
    expect(page.locator("#conversation")).to_contain_text("Meldpost kon dit bericht niet lezen")
    page.get_by_role("button", name="Probeer het opnieuw te lezen").click()
    expect(page.get_by_role("status").first).to_have_text("Het bericht is opnieuw gelezen.")
    expect(page.locator("#conversation .words").first).to_contain_text("10 procent van iedere factuur")
    expect(page.get_by_role("button", name="Probeer het opnieuw te lezen")).to_have_count(0)


def test_what_stands_in_a_file_is_read_by_keyboard_alone(world: World, new_page: NewPage) -> None:
    files = [found_file("verslag.docx", "application/zip", text="Wij spraken tien procent af.")]
    case_id = world.new_case(found=files).case_id
    page = new_page()
    log_in(page)
    open_case(page, case_id)
    expect(page.get_by_text("Wij spraken tien procent af.")).to_be_hidden()
    page.get_by_role("link", name="verslag.docx", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Wij spraken tien procent af.")).to_be_visible()


def test_the_work_can_be_done_by_keyboard_alone(world: World, new_page: NewPage) -> None:
    world.new_case()
    page = new_page()
    log_in(page)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Naar de inhoud")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    while page.evaluate("document.activeElement.className") != "open ref":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="K2345-00000")).to_be_visible()
