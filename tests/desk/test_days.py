"""Days as people type them."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from desk.days import day_of, moment_of
from tests.desk.world import World, coordinator


@pytest.mark.parametrize(
    "typed", ["31-12-2026", "31/12/2026", "31.12.2026", "31 12 2026", " 31122026 ", "2026-12-31", "31 - 12 - 2026"]
)
def test_a_day_is_understood_however_its_parts_are_divided(typed: str) -> None:
    assert day_of(typed) == date(2026, 12, 31)


def test_the_day_comes_before_the_month() -> None:
    assert day_of("3-4-2026") == date(2026, 4, 3)


@pytest.mark.parametrize("typed", ["", "gisteren", "31-2-2026", "12-31-2026", "1-2-26", "31-12-9999", "1-1-0001"])
def test_what_is_no_day_is_none(typed: str) -> None:
    assert day_of(typed) is None


@pytest.mark.parametrize("typed", ["31-12-2026 9:05", "31/12/2026  09:05", "2026-12-31T09:05", "31 12 2026 9:05"])
def test_a_moment_is_a_day_with_a_time(typed: str) -> None:
    assert moment_of(typed) == datetime(2026, 12, 31, 9, 5)  # noqa: DTZ001 - on no clock yet


@pytest.mark.parametrize("typed", ["31-12-2026", "9:05", "31-12-2026 25:00", "31-12-2026 9.05"])
def test_what_is_no_moment_is_none(typed: str) -> None:
    assert moment_of(typed) is None


def test_a_day_is_shown_and_asked_for_as_the_dutch_write_it_whatever_the_browser_speaks(world: World) -> None:
    for language, example in (("nl", "Bijvoorbeeld 31-12-2026."), ("en", "For example 31-12-2026.")):
        page = coordinator(world, language=language).get("/new").text
        assert f'value="{world.clock.now:%d-%m-%Y}"' in page
        assert example in page
        assert 'type="date"' not in page
        assert 'aria-describedby="enter-received-hint"' in page


@pytest.mark.parametrize(("path", "fields"), [("/search", {"until": "31-12-9999"}), ("/trail/", {"until": "9999"})])
def test_a_day_that_is_none_is_said_at_the_field(world: World, path: str, fields: dict[str, str]) -> None:
    page = coordinator(world).post(path, fields)
    assert page.status_code == 400
    assert "Schrijf de dag zo: 31-12-2026." in page.text
