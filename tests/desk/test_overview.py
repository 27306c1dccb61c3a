"""The overview: figures of the desk for who may see them, and no number by which anybody is recognised."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import Page

from cases.overview import Row, Table, Tally, YearFigures
from cases.roles import Role
from desk.figures import indicators, terms_kept
from desk.figures_files import to_markdown
from desk.pictures import speaking
from store import given_figures, records, sessions
from store.keypairs import generate
from store.keyring import KeyRing, pair, pins_of
from store.members import add_member, unlock
from store.records import Name, RecordKind
from store.signing import Author, Signer, SigningKey
from tests.desk.conftest import log_in
from tests.desk.world import CHEAP, DESK, REPORT, Visitor, World, coordinator

LAST_YEAR = datetime(2025, 5, 6, 9, 0, tzinfo=UTC)
PASSPHRASE = "lepel tapijt wolk anker fluit molen berg"
SECONDS_OF_LAST_YEAR = count()


def came_in(world: World, number: int, when: datetime = LAST_YEAR, **report: Any) -> None:
    for _ in range(number):
        at = when + timedelta(seconds=next(SECONDS_OF_LAST_YEAR))
        world.new_case(received_at=at, report={**REPORT, **report})


def read_in(world: World) -> Visitor:
    """A coordinator whose index has read all cases."""
    visitor = coordinator(world)
    visitor.get("/overview/")
    world.app.extensions["meldpost-desk"].indexes.wait()
    return visitor


def rows(text: str) -> dict[tuple[str, str], str]:
    """The count of each row in a file of numbers."""
    return {(row["table"], row["row"]): row["count"] for row in csv.DictReader(io.StringIO(text))}


@contextmanager
def reader(world: World, role: Role, login: str = "r.lezer") -> Iterator[KeyRing]:
    """A member who reads figures alone."""
    secret = world.secrets.key(f"passphrase-secret-{DESK}")
    with world.database.begin() as session:
        add_member(
            session,
            world.ring,
            login=login,
            address=f"{login}@desk.example",
            passphrase=PASSPHRASE,
            secret=secret,
            role=role,
            now=world.clock.now,
            params=CHEAP,
        )
    with world.database.read() as session:
        yield unlock(session, DESK, login, PASSPHRASE, secret, pins=pins_of(world.settings.desks[DESK]))


def visitor_with(world: World, ring: KeyRing) -> Visitor:
    visitor = Visitor(world)
    with world.database.begin() as session:
        secret = sessions.start(session, ring, world.clock.now)
    visitor.set_cookie("__Host-desk", base64.urlsafe_b64encode(secret).decode())
    return visitor


def test_the_overview_shows_what_came_in_and_leaves_small_counts_out(world: World) -> None:
    came_in(world, 12)
    came_in(world, 2, primary="pesten")
    came_in(world, 6, primary="discriminatie")
    visitor = read_in(world)
    page = visitor.get("/overview/2025")
    assert page.status_code == 200
    assert "style=" not in page.text.split("<main", 1)[1]
    numbers = rows(visitor.get("/overview/2025.csv").text)
    assert numbers["kind", "melding"] == "20"
    assert numbers["category", "strafbaar_feit"] == "12"
    assert numbers["category", "pesten"] == numbers["category", "discriminatie"] == ""
    assert numbers["quarter", "Q2"] == "20"
    shown = re.findall(r'<span class="number[^"]*">([^<]+)</span>', page.text)
    assert "12" in shown
    assert not {"1", "2", "3", "4"} & set(shown)


def test_the_smallest_count_shown_is_the_desks_to_set(world: World) -> None:
    desk = world.settings.desks[DESK].model_copy(update={"smallest_count": 20})
    world.serve(world.settings.model_copy(update={"desks": {DESK: desk}}))
    came_in(world, 21)
    came_in(world, 15, kind="klacht")
    visitor = read_in(world)
    numbers = rows(visitor.get("/overview/2025.csv").text)
    assert (numbers["kind", "melding"], numbers["kind", "klacht"]) == ("21", "")
    assert "van 1 tot en met 19" in visitor.get("/overview/2025").text


def test_years_stand_apart_and_the_running_year_says_that_it_is_not_over(world: World) -> None:
    came_in(world, 6)
    came_in(world, 7, when=world.clock.now)
    visitor = read_in(world)
    page = visitor.get("/overview/").text
    assert "Overzicht 2026" in page
    assert "Dit jaar is nog niet voorbij" in page
    assert "Dit jaar is nog niet voorbij" not in visitor.get("/overview/2025").text
    assert rows(visitor.get("/overview/2026.csv").text)["years", "2025"] == "6"
    assert "In 2019 kwam er niets binnen" in visitor.get("/overview/2019").text
    assert "kwam er niets binnen" not in visitor.get("/overview/2025").text
    assert visitor.get("/overview/0").status_code == 404


def test_the_report_as_pdf_holds_the_figures_and_every_indicator_in_both_languages(world: World) -> None:
    came_in(world, 20)
    visitor = read_in(world)
    for language, told in (("nl", "Rapportage over 2025"), ("en", "Report on 2025")):
        visitor.post("/language", {"language": language, "then": "/"})
        answer = visitor.get("/overview/2025.pdf")
        assert answer.mimetype == "application/pdf"
        document = pypdfium2.PdfDocument(answer.data)
        text = "\n".join(page.get_textpage().get_text_bounded() for page in document)
        assert told in text
        assert "20" in text
        assert "ISO 37002" in text
    assert len(list(_indicators(world))) == 15


def _indicators(world: World) -> Iterator[tuple[str, str]]:
    with speaking("en"):
        yield from indicators(_figures(world))


def _figures(world: World) -> YearFigures:
    return Tally().figures(2025, 5, world.clock.now, 2026)


def test_the_report_says_plainly_what_it_does_not_know(world: World) -> None:
    with speaking("en"):
        text = to_markdown(_figures(world), "Integrity desk", "the Ministry")
    assert text.count("Meldpost does not know this.") == 3
    assert "Meldpost does not count this." in text


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SECRETARY_GENERAL])
def test_who_reads_figures_alone_sees_those_that_were_given(world: World, role: Role) -> None:
    came_in(world, 8)
    giver = read_in(world)
    with reader(world, role) as ring:
        visitor = visitor_with(world, ring)
        before = visitor.get("/overview/")
        assert "nog geen cijfers" in before.text
        assert visitor.get("/overview/2025").status_code == 404
        giver.get("/overview/2025")
        answer = giver.post("/overview/2025/give")
        assert answer.status_code == 303
        assert "1 lid heeft deze cijfers nu" in giver.get("/overview/2025").text
        page = visitor.get("/overview/")
        assert "Overzicht 2025" in page.text
        assert rows(visitor.get("/overview/2025.csv").text)["kind", "melding"] == "8"
        assert visitor.get("/overview/2025.pdf").data.startswith(b"%PDF")
        assert "K2345" not in page.text
        assert visitor.post("/overview/2025/give").status_code == 403


def test_figures_given_anew_stand_in_the_place_of_the_old(world: World) -> None:
    came_in(world, 8)
    with reader(world, Role.AUDITOR) as ring:
        for more in (0, 1):
            came_in(world, more)
            giver = read_in(world)
            giver.get("/overview/2025")
            giver.post("/overview/2025/give")
        with world.database.read() as session:
            (figures,) = given_figures.given_to(session, ring)
        assert figures.reports == 9


def test_figures_of_a_year_that_is_not_over_are_given_to_nobody(world: World) -> None:
    came_in(world, 8, when=world.clock.now)
    giver = read_in(world)
    with reader(world, Role.AUDITOR) as ring:
        assert "give" not in giver.get("/overview/2026").text.split("<main", 1)[1]
        giver.post("/overview/2026/give")
        assert "Dit jaar is nog niet voorbij. Er is niets verstrekt" in giver.get("/overview/2026").text
        with world.database.read() as session:
            assert given_figures.given_to(session, ring) == ()


def test_figures_that_nobody_of_the_desk_wrote_are_not_shown(world: World) -> None:
    """Who writes to the database, in the name of the coordinator but without their key."""
    forger = Author(world.ring.member_id, SigningKey.of(generate(), Signer.MEMBER))
    with reader(world, Role.AUDITOR) as ring:
        for by in (forger, world.ring.author):
            with world.database.begin() as session:
                name = Name(None, by.key.public.hex()[:32], RecordKind.GIVEN_FIGURES)
                given = _figures(world).to_json()
                records.write_json(session, name, given, pair(session, ring.own), world.clock.now, by=by)
        with world.database.read() as session:
            assert given_figures.given_to(session, ring) == (_figures(world),), "the coordinator's own alone"


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.ADMINISTRATOR])
def test_others_see_no_figures(world: World, role: Role) -> None:
    came_in(world, 8)
    with reader(world, role) as ring:
        visitor = visitor_with(world, ring)
        for path in ("/overview/", "/overview/2025", "/overview/2025.csv", "/overview/2025.pdf"):
            assert visitor.get(path).status_code == 403


def test_plots_are_drawn_without_scripts_or_inline_style(world: World, new_page: Callable[..., Page]) -> None:
    came_in(world, 12)
    came_in(world, 6, primary="discriminatie")
    read_in(world)
    page = new_page(java_script_enabled=False)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    log_in(page)
    page.goto("/overview/2025")
    bars = page.locator("#category-title + table svg rect")
    fills = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        widths = sorted(filter(None, (each.bounding_box()["width"] for each in bars.all())))  # type: ignore[index]
        assert len(widths) == 2
        assert widths[0] == pytest.approx(widths[1] / 2, rel=0.05)
        fills.add(bars.nth(2).evaluate("bar => getComputedStyle(bar).fill"))
    assert len(fills) == 2
    assert "6" in page.get_by_role("row", name=re.compile("Discriminatie")).inner_text()
    assert complaints == []


def test_of_terms_nothing_is_told_where_all_that_would_tell_is_left_out() -> None:
    hidden = Table("receipt", (Row("in_time_0-1", None), Row("late_0-30", None), Row("none", 0)), 26)
    others = tuple(Table(slug, (Row("in_time_0-1", 9), Row("late_0-30", 3)), 12) for slug in ("first_look", "feedback"))
    figures = YearFigures(2025, datetime(2026, 1, 2, tzinfo=UTC), True, 5, (hidden, *others))
    with speaking("en"):
        told = dict(terms_kept(figures))
    assert told["Confirmation of receipt"] == "Left out."
    assert told["Feedback"] == "9 of 12."
