"""Two members on one case: each sees the other, and neither overwrites the other without seeing it."""

import re
from html import unescape

import pytest

from cases.roles import Role
from tests.desk.world import Visitor, World, coordinator, join


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case().case_id


@pytest.fixture
def colleague(world: World) -> Visitor:
    return coordinator(world, join(world, "a.collega", Role.COORDINATOR))


def asked_by(page: str, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]+)"', page)
    assert found
    return unescape(found[1])


def told(visitor: Visitor, path: str) -> str:
    answer = visitor.get(path)
    found = re.fullmatch("retry: 1000\nevent: here\ndata: ([0-9a-f]{16} [0-9]+ [0-9]+)\n\n", answer.text)
    assert found, answer.text
    return found[1]


def test_each_sees_the_other_on_the_page_and_what_they_do(world: World, case_id: str, colleague: Visitor) -> None:
    visitor = coordinator(world)
    assert "bekijkt deze zaak ook" not in visitor.get(f"/cases/{case_id}").text
    page = colleague.get(f"/cases/{case_id}").text
    assert "j.coordinator bekijkt deze zaak ook." in page
    assert "a.collega bekijkt" not in page
    colleague.get(f"/cases/{case_id}/letter")
    assert "a.collega schrijft een brief in deze zaak." in visitor.get(f"/cases/{case_id}").text
    assert "j.coordinator bekijkt deze zaak ook." in colleague.get(f"/cases/{case_id}/letter").text
    world.clock.forward(minutes=6)
    assert "a.collega schrijft" not in visitor.get(f"/cases/{case_id}").text


def test_an_open_page_learns_who_came_and_that_the_case_was_changed(
    world: World, case_id: str, colleague: Visitor
) -> None:
    visitor = coordinator(world)
    page = visitor.get(f"/cases/{case_id}").text
    events, who, before = (asked_by(page, name) for name in ("here", "who", "told"))
    assert told(visitor, events) == before
    assert visitor.get(who).text.strip() == ""
    colleague.get(f"/cases/{case_id}")
    came = told(visitor, events)
    assert came != before
    assert "a.collega bekijkt deze zaak ook." in visitor.get(who).text
    data = {"version": colleague.version(case_id), "value": "klacht"}
    assert colleague.post(f"/cases/{case_id}/decide/kind", data).status_code == 303
    assert told(visitor, events) != came
    assert "Deze zaak is gewijzigd nadat u deze pagina opende" in visitor.get(who).text
    assert "Deze zaak is gewijzigd" not in visitor.get(f"/cases/{case_id}").text


def test_an_open_page_learns_that_the_reporter_wrote_and_leads_to_the_message(world: World, case_id: str) -> None:
    visitor = coordinator(world)
    for path in ("", "/letter"):
        page = visitor.get(f"/cases/{case_id}{path}").text
        events, who, before = (asked_by(page, name) for name in ("here", "who", "told"))
        assert told(visitor, events) == before
        assert visitor.get(who).text.strip() == ""
        world.clock.forward(seconds=1)
        came = world.further_message(case_id, own_text="Ik trek het in. Mail mij hier niet.").message_id
        world.clock.forward(seconds=1)
        world.further_message(case_id, own_text="Hij leest mee.")
        assert told(visitor, events) != before
        said = visitor.get(who).text
        assert "Er kwam een bericht binnen in deze zaak nadat u deze pagina opende." in said
        assert "leest mee" not in said
        assert "Deze zaak is gewijzigd" not in said
        link = re.search(r'href="(/cases/[^"]+)"', said)
        assert link
        place, _, anchor = unescape(link[1]).partition("#")
        assert place != f"/cases/{case_id}", "a link to the page that is open loads nothing"
        assert anchor == f"message-{came}"
        assert f'id="{anchor}"' in visitor.get(place).text


def test_signs_keep_a_member_there_and_the_session_no_longer_open(
    world: World, case_id: str, colleague: Visitor
) -> None:
    visitor = coordinator(world)
    events = asked_by(visitor.get(f"/cases/{case_id}").text, "here")
    who = asked_by(colleague.get(f"/cases/{case_id}").text, "who")
    for _ in range(300):
        told(visitor, events)
        world.clock.forward(seconds=3)
    assert "j.coordinator" in colleague.get(who).text
    world.clock.forward(seconds=2)
    assert "j.coordinator" not in colleague.get(who).text
    assert (visitor.get(events).status_code, visitor.get(who).status_code) == (204, 204)


def test_what_is_done_there_is_one_of_two_things(world: World, case_id: str) -> None:
    assert coordinator(world).get(f"/cases/{case_id}/here/events?doing=sleeping").status_code == 404


FORMS = {
    "decide/kind": ({"value": "klacht"}, {"value": "advies"}, "Soort", "Vraagt advies", "Andere klacht"),
    "first-look": (
        {"clear": "yes", "breach": "yes", "severity": "laag"},
        {"clear": "yes", "breach": "yes", "severity": "acuut"},
        "Hoe ernstig is het?",
        "Acuut",
        "Laag",
    ),
    "contact": ({"name": "Appie R."}, {"name": "Appie Ramdin"}, "Naam", "Appie Ramdin", "Appie R."),
    "status": (
        {"status": "investigating"},
        {"status": "referred"},
        "Nieuwe status",
        "Doorverwezen",
        "In onderzoek",
    ),
}


@pytest.mark.parametrize("path", FORMS)
def test_what_was_sent_too_late_stands_beside_what_is_there_now(
    world: World, case_id: str, colleague: Visitor, path: str
) -> None:
    first, second, label, mine, theirs = FORMS[path]
    visitor = coordinator(world)
    version = visitor.version(case_id)
    colleague.version(case_id)
    assert colleague.post(f"/cases/{case_id}/{path}", {"version": version, **first}).status_code == 303
    answer = visitor.post(f"/cases/{case_id}/{path}", {"version": version, **second})
    assert answer.status_code == 409
    row = re.search(rf'<th scope="row">{re.escape(label)}</th><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>', answer.text)
    assert row, answer.text
    assert (row[1], row[2]) == (mine, theirs)
