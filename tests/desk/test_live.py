"""What an open page asks by itself: what it is told, and that it keeps no session open."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import func, select

from config.settings import WebSettings
from store.schema import Audit, LoginSession
from tests.desk.world import START, Visitor, World, coordinator


def asked_by(page: str) -> str:
    """What a queue asks for."""
    found = re.search(r'data-mail="([^"]+)"', page)
    assert found
    return unescape(found[1])


def told(visitor: Visitor, path: str) -> str:
    answer = visitor.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    found = re.fullmatch("retry: 1000\\nevent: mail\\ndata: (.*)\\n\\n", answer.text)
    assert found, answer.text
    return found[1]


def test_a_queue_is_told_how_much_mail_came_since_and_nothing_of_it(world: World) -> None:
    case_id = world.new_case().case_id
    visitor = coordinator(world)
    path = asked_by(visitor.get("/").text)
    assert told(visitor, path) == ""
    world.clock.forward(seconds=5)
    world.new_case()
    assert told(visitor, path) == "1 nieuw bericht"
    world.further_message(case_id)
    assert told(visitor, path) == "2 nieuwe berichten"
    assert told(visitor, asked_by(visitor.get("/").text)) == ""
    assert re.fullmatch(r"/live/mail\?since=\d+&known=\d+", path)


def test_what_a_page_asks_by_itself_keeps_no_session_open(world: World) -> None:
    visitor = coordinator(world)
    path = asked_by(visitor.get("/?kind=melding").text)  # for which the index is opened
    indexes = world.app.extensions["meldpost-desk"].indexes
    for _ in range(15):
        assert visitor.get(path).status_code == 200
        world.clock.forward(minutes=1)
    indexes.sweep()
    assert indexes.count == 1
    with world.database.read() as session:
        assert session.scalars(select(LoginSession.seen_at)).all() == [START]
    world.clock.forward(seconds=1)
    indexes.sweep()
    assert indexes.count == 0, "the search index in memory is let go of as well"
    assert (visitor.get(path).status_code, visitor.get("/").status_code) == (204, 302)


def test_after_the_log_out_the_browser_is_told_to_ask_no_more(world: World) -> None:
    visitor = coordinator(world)
    path = asked_by(visitor.get("/").text)
    cookie = visitor.cookie("__Host-desk")
    visitor.post("/logout")
    assert visitor.get(path).status_code == 204
    assert cookie
    visitor.set_cookie("__Host-desk", cookie)
    answer = visitor.get(path)
    assert (answer.status_code, answer.data) == (204, b"")


def test_asking_writes_nothing_on_the_trail(world: World) -> None:
    world.new_case()
    visitor = coordinator(world)
    path = asked_by(visitor.get("/").text)
    with world.database.read() as session:
        before = session.scalars(select(func.count()).select_from(Audit)).one()
    world.clock.forward(minutes=2)
    visitor.get(path)
    with world.database.read() as session:
        assert session.scalars(select(func.count()).select_from(Audit)).one() == before


@pytest.mark.parametrize(
    "query", ["", "?since=1&known=-1", "?since=-5&known=1", "?since=1e9&known=1", f"?since={10**12}&known=1"]
)
def test_a_mark_that_no_page_has_is_not_found(world: World, query: str) -> None:
    assert coordinator(world).get(f"/live/mail{query}").status_code == 404


def test_where_it_is_turned_off_no_page_asks(world: World) -> None:
    world.serve(world.settings.model_copy(update={"web": WebSettings(port=0, live_seconds=0)}))
    assert "data-mail" not in coordinator(world).get("/").text


def test_mail_of_before_the_page_was_made_is_not_new(world: World) -> None:
    world.new_case(received_at=START - timedelta(minutes=1))
    visitor = coordinator(world)
    assert told(visitor, asked_by(visitor.get("/").text)) == ""
