"""Each role sees what is theirs, and of the rest a page that says so."""

import pytest
from flask import Flask

from cases.roles import May, Role, holds_the_desk_key, may
from tests.desk.world import Visitor, World, coordinator, join

OTHERS = [role for role in Role if not holds_the_desk_key(role)]
OF_NO_ROLE = {"login", "language", "static", "own", "second", "sessions", "settings", "unlocking"}
"""Parts of the desk that are everybody's."""


def member(world: World, role: Role) -> Visitor:
    """A visitor who is logged in with this role and the keys that come with it."""
    return coordinator(world, join(world, "a.member", role))


def pages(app: Flask) -> list[tuple[str, str]]:
    """Method and path of every page that belongs to the desk's own work."""
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] not in OF_NO_ROLE
        for method in rule.methods or ()
        if method in ("GET", "POST")
    ]


@pytest.mark.parametrize("role", [role for role in Role if holds_the_desk_key(role)])
def test_who_holds_the_desks_key_opens_its_queue_and_cases(world: World, role: Role) -> None:
    case_id = world.new_case().case_id
    visitor = member(world, role)
    assert "K2345-00000" in visitor.get("/").text
    assert visitor.get(f"/cases/{case_id}").status_code == 200


@pytest.mark.parametrize("role", OTHERS)
def test_the_first_page_of_anybody_else_says_what_is_theirs(world: World, role: Role) -> None:
    world.new_case()
    answer = member(world, role).get("/")
    assert answer.status_code == 200
    assert "Uw plek bij dit loket" in answer.text
    assert "K2345" not in answer.text
    assert "Werkvoorraad" not in answer.text


@pytest.mark.parametrize("role", OTHERS)
def test_no_page_of_the_desk_tells_anybody_else_of_a_case(world: World, role: Role) -> None:
    taken = world.new_case(files=[("brief.txt", b"x")])
    visitor = member(world, role)
    for method, rule in pages(world.app):
        path = rule.replace("<case_id>", taken.case_id).replace("<message_id>", taken.message_id)
        answer = visitor.get(path) if method == "GET" else visitor.post(path)
        theirs = (
            (may(role, May.READ_TRAIL) and path.startswith("/trail/"))
            or (may(role, May.READ_FIGURES) and path == "/overview/")
            or (may(role, May.OPEN_GRANTED) and path == "/search")  # in what they may open, and that is nothing here
        )
        if path != "/" and not theirs:
            assert answer.status_code in (403, 404), path
        filters = ("Ontvangen",) if path == "/search" else ()  # a choice of the form
        for told in {"K2345", "Dijkgraaf", "brief.txt", "Ontvangen"}.difference(filters):
            assert told not in answer.text, path


def test_who_is_refused_reads_why_and_whom_to_ask(world: World) -> None:
    answer = member(world, Role.AUDITOR).get("/receipts/")
    assert answer.status_code == 403
    assert "Dit hoort niet bij uw rol" in answer.text
    assert "auditor" in answer.text
    assert "vraag dan een coördinator" in answer.text
