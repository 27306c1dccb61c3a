"""A walk through the desk from its first page along every link, as each role in each language: nothing breaks, nothing
leads or loads outside, no address tells of a case, and each answer says what it forbids."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import pytest
from werkzeug.test import TestResponse

from cases.roles import Role
from store import grants
from tests.desk.test_letters import write
from tests.desk.test_overview import came_in, read_in
from tests.desk.world import CONTACT, DESK, OWN_TEXT, REPORT, Visitor, World, coordinator, join
from tests.ingest import made_files as made

HERE = "https://desk.example"
OFTEN = 3
"""How many addresses of one shape (the same path but for ids, the same names in the query) are walked."""

_ID = re.compile("[0-9a-f]{32,}|[0-9]+")
_WORD = re.compile(r"\w{5,}")
TELLING = {
    word.lower()
    for text in (OWN_TEXT, "Melding over facturen", "notulen-overleg.png", str(CONTACT), REPORT["evidence"][0]["text"])
    for word in _WORD.findall(text)
} - {"phone", "email", "address", "melding", "reporter"}
"""Words of the case that addresses must not hold; those that are also slugs of the desk are left out."""

NOT_LED_TO = {
    "login.form", "login.alive", "second.ask", "second.show_setup", "second.show_passkey_setup",
    "live.mail", "attachments.sender_key", "retention.declaration", "own.show_unlocking",
    "papers.minutes", "presence.events", "presence.show",
}  # fmt: skip
"""Pages on the way to a log-in, what a script alone asks, and those about something that is not there in this test."""

AFTER_A_FORM = ("/search", "/cases/{case}/letter/preview")
"""What is reached by sending something."""

PICTURE = made.picture(made.scan("x"))
HTML = '<p>Zie <a href="https://evil.example/a?b=c">hier</a> <img src="https://evil.example/p.png"></p>'


@dataclass(frozen=True)
class Link:
    tag: str
    attribute: str
    target: str
    rel: str


@dataclass
class Found(HTMLParser):
    """What a page leads to and loads, and the places in it that can be led to."""

    links: list[Link] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    inline: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places.add(given.get("id", ""))
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        self.inline += [tag] * (tag == "style" or (tag == "script" and not given.get("src")))
        for name in ("href", "src", "action", "formaction", "data", "srcset", "poster", "ping", "background"):
            if given.get(name):
                self.links.append(Link(tag, name, given[name], given.get("rel", "")))


def read(answer: TestResponse) -> Found:
    found = Found()
    found.feed(answer.text)
    found.close()
    return found


def shape(address: str) -> tuple[str, ...]:
    parts = urlsplit(address)
    return _ID.sub("#", parts.path), *sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))


def walk(visitor: Visitor) -> Iterator[tuple[str, TestResponse, Found]]:
    """Each page that is reached from the first along links, or from what a form leads to, with its answer."""
    case = re.search("/cases/([0-9a-f]{32})", visitor.get("/").text)
    hits = visitor.post("/search", {"words": "factuur"})
    waiting = [
        "/",
        *([hits.location] if hits.location else ()),
        *(path.format(case=case[1]) for path in AFTER_A_FORM if case),
    ]
    known, walked = set(waiting), Counter[tuple[str, ...]]()
    while waiting:
        address = waiting.pop(0)
        if walked[shape(address)] >= OFTEN:
            continue
        walked[shape(address)] += 1
        answer = visitor.get(address)
        found = read(answer) if answer.mimetype == "text/html" else Found()
        yield address, answer, found
        targets = [link.target for link in found.links if link.tag in ("a", "link", "script", "img", "iframe")]
        for target in (*targets, *([answer.location] if answer.location else ())):
            inside = urljoin(HERE + address, target)
            if inside.startswith(HERE):
                path = inside.removeprefix(HERE).partition("#")[0] or "/"
                if path not in known:
                    known.add(path)
                    waiting.append(path)


@pytest.fixture
def visitor(world: World, request: pytest.FixtureRequest) -> Visitor:
    """Somebody of a role, at a desk where something of each kind is to be seen."""
    role, language = request.param
    desk = world.settings.desks[DESK].model_copy(update={"two_members": ("destroy",)})
    web = world.settings.web.model_copy(
        update={"passkey_domain": "desk.example", "public_url": HERE, "passkey_unlocks": True}
    )
    world.serve(world.settings.model_copy(update={"desks": {DESK: desk}, "web": web}))
    came_in(world, 1)
    taken = world.new_case(html=HTML, files=[("notulen-overleg.png", PICTURE)], quoted_text="Op maandag\n> schreef u")
    world.new_case(state="unreadable")
    world.hold_receipt(taken.case_id)
    world.say_why_it_waits(taken, "dmarc_fail")
    write(coordinator(world), taken.case_id, files=(io.BytesIO(b"x"), "uitleg.pdf"))
    if role is Role.COORDINATOR:
        read_in(world)
        return coordinator(world, language=language)
    ring = join(world, "a.member", role)
    if role is Role.INVESTIGATOR:
        with world.database.begin() as session:
            grants.grant(
                *(session, world.ring, world.index, taken.case_id, ring.member_id),
                reason="Onderzoek.",
                identity=True,
                now=world.clock.now,
            )
    return coordinator(world, ring, language=language)


WALKERS = [
    pytest.param((role, language), id=f"{role}-{language}")
    for role, language in (
        (Role.COORDINATOR, "nl"),
        (Role.COORDINATOR, "en"),
        (Role.INVESTIGATOR, "nl"),
        (Role.AUDITOR, "en"),
        (Role.ADMINISTRATOR, "nl"),
    )
]


@pytest.mark.parametrize("visitor", WALKERS, indirect=True)
def test_along_every_link_nothing_breaks_leads_outside_or_tells(visitor: Visitor) -> None:
    wrong: list[str] = []
    pages: dict[str, Found] = {}
    for address, answer, found in walk(visitor):
        pages[address] = found
        if answer.status_code >= 400:
            wrong.append(f"{address}: {answer.status_code}")
        wrong += [f"{address}: {each}" for each in (*_headers(address, answer), *_outside(address, found))]
        wrong += [f"{address}: inline {each}" for each in found.inline if not address.endswith("/html")]
        wrong += [f"{each} tells" for each in (address, *(link.target for link in found.links)) if _tells(each)]
    wrong += _places_that_are_not_there(pages)
    assert wrong == []
    assert len(pages) > 10


def _headers(address: str, answer: TestResponse) -> Iterator[str]:
    policy = answer.headers.get("Content-Security-Policy", "")
    if "default-src 'none'" not in policy or "unsafe" in policy or "http" in policy or "*" in policy:
        yield f"policy {policy}"
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        yield "may be sniffed"
    if answer.headers.get("Referrer-Policy") != "no-referrer":
        yield "tells where it was"
    if not address.startswith("/static/") and answer.headers.get("Cache-Control") != "no-store":
        yield "may be kept"


def _outside(address: str, found: Found) -> Iterator[str]:
    """Only a link that the reporter wrote leads outside: it opens apart, and tells nothing of where it was."""
    for link in found.links:
        parts = urlsplit(urljoin(HERE + address, link.target))
        if f"{parts.scheme}://{parts.netloc}" == HERE:
            continue
        if link.tag != "a" or not {"noopener", "noreferrer"} <= set(link.rel.split()):
            yield f"{link.tag} {link.attribute} leads to {link.target}"


def _tells(target: str) -> bool:
    parts = urlsplit(unquote(target))
    if parts.netloc:  # what the reporter wrote is theirs
        return False
    written = f"{parts.path}?{parts.query}#{parts.fragment}".lower()
    return "k2345" in written or any(word in re.split(r"[\W_]+", written) for word in TELLING)


def _places_that_are_not_there(pages: dict[str, Found]) -> list[str]:
    lacking = []
    for address, found in pages.items():
        for link in found.links:
            path, _, fragment = urljoin(HERE + address, link.target).removeprefix(HERE).partition("#")
            if link.tag == "a" and fragment and path in pages and fragment not in pages[path].places:
                lacking.append(f"{address}: no place for {link.target}")
    return lacking


@pytest.mark.parametrize("visitor", [WALKERS[0]], indirect=True)
def test_every_page_is_reached_by_a_link(world: World, visitor: Visitor) -> None:
    """Whoever makes a page leads to it, too."""
    at = world.app.url_map.bind("desk.example", url_scheme="https")
    reached = {at.match(address.partition("?")[0])[0] for address, _, _ in walk(visitor)}
    pages = {rule.endpoint for rule in world.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert pages - reached == NOT_LED_TO
