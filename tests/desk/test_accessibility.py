"""Every page and main state of the desk by axe: no violation of WCAG 2.2 A or AA, in each language and each scheme."""

import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from cases.roles import Role
from cases.terms import OF_THE_DESK, DueKind
from config.settings import TranslationSettings, WebSettings
from desk import words
from store import grants
from store.casework import view_case
from store.grants import shut_out
from tests.desk.test_access import filled
from tests.desk.test_letters import write
from tests.desk.test_overview import came_in, read_in
from tests.desk.test_second import ask_of_everybody, codes
from tests.desk.world import LOGIN, PASSPHRASE, REPORT, Visitor, World, coordinator, found_file, join
from tests.ingest import made_files as made

__all__ = ["codes"]  # a fixture
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MANY = 20
NO_PAGES = {"static", "live.mail", "presence.events", "presence.show", "papers.minutes"}
PARTS_OF_A_CASE = {"message_id", "attachment_id", "file_id", "declaration_id"}
"""What comes as a file, or within the page of a case."""
NARROW = 320
"""WCAG 2.2, 1.4.10: here nobody scrolls sideways."""
WIDTHS = (NARROW, 800, 1024, 1280, 1440)
SCHEMES = ("light", "dark")

NewPage = Callable[..., Page]


@pytest.fixture
def world(world: World) -> World:
    """A desk that knows its own address, and has passkeys and a program that translates."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    web = WebSettings(
        port=port, public_url=f"http://localhost:{port}", passkey_domain="localhost", passkey_unlocks=True
    )
    translation = TranslationSettings(command=(sys.executable, "-c", "print('Vertaalde tekst')"))
    world.serve(world.settings.model_copy(update={"web": web, "translation": translation}))
    return world


@pytest.fixture(params=["nl", "en"])
def reader(world: World, new_page: NewPage, request: pytest.FixtureRequest) -> "Reader":
    language: str = request.param
    return Reader(world, new_page(locale=language, base_url=world.settings.web.public_url))


@dataclass
class Reader:
    """Somebody who looks at pages, and has axe look at each."""

    world: World
    page: Page

    def enters(self, login: str = LOGIN, passphrase: str = PASSPHRASE) -> "Reader":
        """Logs in."""
        self.page.goto("/login")
        self.page.locator("#login").fill(login)
        self.page.locator("#passphrase").fill(passphrase)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: not url.endswith("/login"))
        return self

    def opens(self, path: str, status: int = 200) -> list[str]:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == status, path
        return self.looks(path)

    def sends(self, what: str, form: str, **fields: str) -> list[str]:
        """Fills in and sends the form whose action ends so, on the page that stands there."""
        shown = self.page.locator(f"form[action$='{form}']").first
        shown.evaluate("form => form.closest('details')?.setAttribute('open', '')")
        for name, value in fields.items():
            shown.locator(f"[name={name}]").fill(value)
        with self.page.expect_navigation():
            shown.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
        return self.looks(what)

    def looks(self, what: str) -> list[str]:
        """What axe finds on the page as it stands, unfolded, in each scheme."""
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        self.page.evaluate(f"{AXE}; 0")
        found = [fault for scheme in SCHEMES for fault in self._faults(f"{what}, {scheme}", scheme)]
        return found + list(self._wider_than_the_window(what))

    def _wider_than_the_window(self, what: str) -> Iterator[str]:
        usual = self.page.viewport_size
        assert usual is not None
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                yield f"{what}: {wide} wide at {width}"
        self.page.set_viewport_size(usual)

    def _faults(self, what: str, scheme: Any) -> Iterator[str]:
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        options = {"runOnly": RULES, "resultTypes": ["violations"], "iframes": False}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        for violation in found["violations"]:
            for node in violation["nodes"]:
                yield f"{what}: {violation['id']}: {node['html'][:160]}: {node['failureSummary'][:300]}"


def a_full_case(world: World) -> str:
    """A case with everything that a case can show."""
    child = {"from": {"name": "Kees", "address": "kees@elsewhere.example"}, "subject": "Fw: route", "date": None}
    infected = {"engine": "clamd", "result": "infected", "name": "Eicar"}
    signature = {"kind": "openpgp", "result": "valid", "signer": "Appie", "fingerprint": "AB" * 20}
    taken = world.new_case(
        quoted_text="Op maandag schreef het loket",
        html="<p>Hoi</p>",
        report={**REPORT, "missing": list(words.MISSING), "anonymous": True},
        found=[
            found_file("verslag.docx", "application/zip", text="Wij spraken tien procent af.", findings=["macros"]),
            found_file("bericht.eml", "message/rfc822", child=child, text="Zie bijlage."),
            found_file("kwaad.exe", "application/octet-stream", scan=infected),
        ],
        more={
            "flags": ["dmarc_fail", "reply_to_elsewhere"],
            "reply_to": [{"name": "", "address": "else@elsewhere.example"}],
            "protection": {"encrypted": "openpgp", "opened": True, "reason": "", "signatures": [signature]},
            "sender_keys": [{"kind": "openpgp", "fingerprint": "AB" * 20, "data": ""}],
        },
        dues={DueKind.FIRST_MESSAGE: world.clock.now - timedelta(days=3), DueKind.FIRST_LOOK: world.clock.now},
    )
    world.further_message(taken.case_id, state="unreadable")
    world.further_message(taken.case_id, sender_is_new=True, own_text="Er is meer.")
    world.hold_receipt(taken.case_id)
    world.say_why_it_waits(taken, "dmarc_fail")
    visitor = coordinator(world)
    for text in ("Morgen bellen.", "Gebeld."):
        visitor.post(f"/cases/{taken.case_id}/notes", {"text": text})
    return taken.case_id


def pages(world: World, visitor: Visitor, given: Mapping[str, str]) -> Iterator[str]:
    """Every page of the application that is read behind a log-in, so that whoever adds one has it looked at."""
    for rule in world.app.url_map.iter_rules():
        if (
            "GET" not in (rule.methods or ())
            or rule.endpoint in NO_PAGES
            or rule.arguments & {*PARTS_OF_A_CASE, "search_id"}
        ):
            continue
        assert rule.arguments <= given.keys(), f"{rule.rule}: say here what stands for what"
        answer = visitor.get(filled(rule, given))
        assert answer.status_code < 400, rule.rule
        if answer.status_code == 200 and b"<html" in answer.data:
            yield filled(rule, given)


def test_the_pages_of_a_coordinator(reader: Reader) -> None:
    world = reader.world
    came_in(world, 12)
    case_id = a_full_case(world)
    world.new_case(state="unreadable")
    long_words = {"kind": "aanvulling", "primary": "belangenverstrengeling", "missing": list(words.MISSING)}
    for kind in OF_THE_DESK:
        long_ago = world.clock.now - timedelta(days=300)
        world.new_case(report={**REPORT, **long_words}, dues={kind: long_ago}, received_at=long_ago)
    other = join(world, "o.nderzoeker", Role.INVESTIGATOR)
    head = read_in(world)
    head.get("/overview/2025")
    head.post("/overview/2025/give")
    plain = world.new_case().case_id
    head.get(f"/cases/{plain}")
    write(head, plain, "Goedendag, wij spreken Rolf Dijkgraaf over [datum].", then="keep")
    reader.enters()
    given = {"case_id": case_id, "member_id": other.member_id, "year": "2025", "purpose": "status", "language": "nl"}
    shown = [*pages(world, head, given), "/?status=received", "/?status=closed"]
    assert len(shown) > MANY
    faults = reader.opens("/own/totp")
    faults += reader.sends("behind the passphrase, given once more", "/own/confirm", passphrase=PASSPHRASE)
    faults += [fault for path in shown for fault in reader.opens(path)]
    for more in ("", "/letter", "/letter/preview"):
        faults += reader.opens(f"/cases/{plain}{more}")
    faults += reader.opens("/nowhere", 404)
    assert faults == []


def test_what_a_script_puts_on_a_page(reader: Reader) -> None:
    world = reader.world
    case_id = world.new_case().case_id
    colleague = coordinator(world, join(world, "a.collega", Role.COORDINATOR))
    reader.enters()
    reader.page.goto("/?mail=new&kind=melding")
    reader.page.keyboard.press("?")
    reader.page.get_by_role("dialog").wait_for()
    faults = reader.looks("the list of keys")
    reader.page.goto(f"/cases/{case_id}")
    colleague.get(f"/cases/{case_id}/letter")
    reader.page.get_by_role("status").get_by_text("a.collega").wait_for()
    faults += reader.looks("a colleague on the same case")
    colleague.post(f"/cases/{case_id}/decide/kind", {"version": colleague.version(case_id), "value": "klacht"})
    reader.page.get_by_role("status").get_by_role("link").wait_for()
    faults += reader.looks("a case that was changed")
    assert faults == []


def test_a_file_before_it_is_opened_and_a_translation(reader: Reader) -> None:
    world = reader.world
    came = [
        found_file("brief.pdf", "application/pdf", made.pdf(*map(str, range(12))), text="Woorden"),
        found_file("kwaad.docm", "application/zip", text="x", findings=["macros"]),
        found_file("stuk.pdf", "application/pdf", b"%PDF-1.7"),
    ]
    case_id = world.new_case(report={**REPORT, "language": "fr"}, found=came).case_id
    with world.database.begin() as session:
        message = view_case(session, world.ring, case_id, world.clock.now).messages[0]
    reader.enters()
    reader.page.goto(f"/cases/{case_id}")
    faults = reader.sends("why", "/identity", reason="Behandeling.")
    faults += reader.sends("a translation", "/translate#message-" + message.id)
    for file in message.content["attachments"]:
        faults += reader.opens(f"/cases/{case_id}/attachments/{file['id']}")
    assert reader.page.get_by_text("Vertaalde tekst").count() == 0
    faults += reader.opens(f"/cases/{case_id}/attachments/{message.content['attachments'][1]['id']}/original")
    assert faults == []


def test_the_door(reader: Reader) -> None:
    world = reader.world
    faults = reader.opens("/login") + reader.opens("/login?ended=1")
    faults += reader.sends("a log-in that is refused", "/login", login=LOGIN, passphrase="geen idee")
    ask_of_everybody(world)
    reader.enters()
    faults += reader.looks("no second factor yet")
    faults += reader.opens("/login/second/setup/passkey") + reader.opens("/login/second/setup")
    faults += reader.sends("a code that is wrong", "/login/second/setup", code="000000")
    assert faults == []


def test_the_door_for_who_has_an_app_for_codes(reader: Reader, codes: tuple[str, ...]) -> None:
    reader.enters()
    faults = reader.opens("/login/second/")
    faults += reader.sends("a code that is wrong", "/login/second/", code="000000")
    faults += reader.sends("let in by a code for emergencies", "/login/second/", code=codes[0])
    faults += reader.opens("/own/")
    faults += reader.sends("the passphrase is asked once more", "/own/codes")
    faults += reader.sends("it was wrong", "/own/codes", passphrase="geen idee")
    faults += reader.sends("new codes", "/own/codes", passphrase=PASSPHRASE)
    assert faults == []


def test_what_follows_a_form_of_a_case(reader: Reader) -> None:
    world = reader.world
    case_id = world.new_case(files=[("brief.txt", b"x")]).case_id
    ring = join(world, "o.nderzoeker", Role.INVESTIGATOR)
    reader.enters()
    here = f"/cases/{case_id}"
    faults = reader.opens(here)
    faults += reader.sends("who reported, without a reason", "/identity", reason="")
    faults += reader.sends("who reported", "/identity", reason="Behandeling.")
    faults += reader.sends("a note without words", "/notes", text="")
    faults += reader.sends("a note", "/notes", text="Gebeld.")
    faults += reader.sends("contact details that cannot be", "/contact", email="geen adres")
    coordinator(world).post(f"{here}/decide/kind", {"version": "1", "value": "klacht"})
    faults += reader.sends("somebody else was first", "/decide/severity")
    for _ in shut_out(
        *(world.database, world.ring, world.index, world.keys, case_id, ring.member_id, "Over hen."), by_request=False
    ):
        pass
    reader.page.goto(here)
    reader.page.locator("#status [value=closed]").check()
    reader.page.locator("#outcome").select_option(index=1)
    faults += reader.sends("restricted, and something is owed", "/status", approver="De directeur")
    reader.page.locator("[name=all_the_same]").click()
    reader.page.locator("#status").wait_for()
    faults += reader.looks("restricted and closed")
    assert faults == []


def test_the_minutes_of_a_conversation(reader: Reader) -> None:
    world = reader.world
    case_id = world.new_case(more={"intake": {"way": "in_person"}}).case_id
    reader.enters()
    faults = reader.opens(f"/cases/{case_id}")
    reader.sends("who reported", "/identity", reason="Behandeling.")
    faults += reader.sends("minutes without an answer", "/minutes", corrections="", answered="")
    reader.page.locator("#minutes [value=corrected]").check()
    day = f"{world.clock.now:%d-%m-%Y}"
    faults += reader.sends("minutes with corrections", "/minutes", answered=day, corrections="Niet in maart.")
    reader.page.locator("#minutes .tag").wait_for()
    assert faults == []


def test_what_follows_the_other_forms(reader: Reader) -> None:
    reader.world.new_case()
    read_in(reader.world)
    reader.enters()
    reader.page.goto("/search")
    faults = reader.sends("found", "/search", words="factuur")
    faults += reader.sends("found nothing", "/search", words="nergens")
    reader.page.goto("/trail/")
    faults += reader.sends("a trail that was proved", "/trail/verify")
    reader.page.goto("/members/add")
    faults += reader.sends("a member who cannot be", "/members/add", login="", address="geen adres")
    faults += reader.sends("a member", "/members/add", login="bram", address="bram@desk.example")
    reader.page.goto("/own/")
    faults += reader.sends(
        "a passphrase that is refused", "/own/passphrase", before="x", after="welkom01", repeated="y"
    )
    assert faults == []


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.AUDITOR], ids=str)
def test_the_pages_of_who_does_not_open_the_desk(reader: Reader, role: Role) -> None:
    world = reader.world
    case_id = world.new_case().case_id
    ring = join(world, "e.en.ander", role)
    if role is Role.INVESTIGATOR:
        with world.database.begin() as session:
            grants.grant(
                *(session, world.ring, world.index, case_id, ring.member_id),
                reason="Onderzoek.",
                identity=False,
                now=world.clock.now,
            )
    reader.enters("e.en.ander")
    faults = reader.opens("/") + reader.opens("/receipts/", 403)
    if role is Role.INVESTIGATOR:
        faults += reader.opens(f"/cases/{case_id}")
    assert faults == []


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        ("document.querySelector('h1').style.color = 'rgb(200, 200, 200)'", "color-contrast"),
        ("document.querySelector('label[for=login]').remove()", "label"),
        ("document.documentElement.lang = ''", "html-has-lang"),
    ],
)
def test_axe_sees_a_page_that_was_harmed(reader: Reader, harm: str, rule: str) -> None:
    reader.page.goto("/login")
    assert reader.looks("whole") == []
    reader.page.evaluate(harm)
    assert f": {rule}: " in reader.looks("harmed")[0]
