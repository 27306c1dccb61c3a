"""Keys of one character: the page that names them, and turning them off."""

import pytest

from tests.desk.world import World, coordinator


def test_the_list_of_keys_is_a_page_that_every_page_leads_to(world: World) -> None:
    visitor = coordinator(world)
    assert 'href="/keys"' in visitor.get("/").text
    page = visitor.get("/keys").text
    for key in ("j", "k", "/", "?"):
        assert f"<kbd>{key}</kbd>" in page


def test_keys_are_turned_off_and_on_for_a_browser(world: World) -> None:
    visitor, other = coordinator(world), coordinator(world)
    assert 'data-keys="/keys"' in visitor.get("/").text
    answer = visitor.post("/keys", {"keys": "off", "then": "/own/"})
    assert (answer.status_code, answer.location) == (303, "/own/")
    cookie = answer.headers["Set-Cookie"]
    for part in ("__Host-keys=off", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in cookie
    for path in ("/", "/own/", "/keys"):
        assert "data-keys" not in visitor.get(path).text
    assert "data-keys" in other.get("/").text
    visitor.post("/logout")
    visitor.log_in()
    assert "data-keys" not in visitor.get("/").text
    visitor.post("/keys", {"keys": "on"})
    assert "data-keys" in visitor.get("/").text


@pytest.mark.parametrize("form", [{}, {"keys": "maybe"}])
def test_what_is_neither_on_nor_off_is_refused(world: World, form: dict[str, str]) -> None:
    assert coordinator(world).post("/keys", form).status_code == 400


def test_nobody_is_led_elsewhere_by_it(world: World) -> None:
    answer = coordinator(world).post("/keys", {"keys": "on", "then": "https://elsewhere.example/"})
    assert answer.location == "/keys"
