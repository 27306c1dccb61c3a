"""The way to what a member can set, and what is set in the configuration file."""

import pytest

from cases.roles import Role, holds_the_desk_key
from tests.desk.world import DESK, World, coordinator, join


@pytest.mark.parametrize("role", list(Role))
def test_every_member_finds_their_settings_in_the_menu_and_no_page_there_that_is_not_theirs(
    world: World, role: Role
) -> None:
    visitor = coordinator(world, join(world, "a.member", role))
    assert 'href="/settings/"' in visitor.get("/").text
    page = visitor.get("/settings/").text
    main = page[page.index("<main") : page.index("</main")]
    links = {part.partition('"')[0] for part in main.split('href="')[1:]}
    assert {"/own/", "/settings/sessions"} <= links
    assert ("/members/" in links) == holds_the_desk_key(role)
    assert [path for path in sorted(links) if visitor.get(path).status_code != 200] == []


def test_terms_are_shown_with_their_place_in_the_configuration_file(world: World) -> None:
    changed = world.settings.model_copy(
        update={"terms": world.settings.terms.model_copy(update={"first_look_working_days": 9})}
    )
    world.serve(changed)
    page = coordinator(world).get("/settings/terms").text
    for told in (
        "meldpost.toml",
        "9 werkdagen",
        "terms.first_look_working_days",
        "3 maanden",
        "5 minuten",
        f"desks.{DESK}.given_notice_minutes",
        f"desks.{DESK}.texts.support_point",
        "steunpunt@desk.example",
    ):
        assert told in page
    assert "<input" not in page[page.index("<main") :]


@pytest.mark.parametrize("role", [Role.INVESTIGATOR, Role.SECRETARY_GENERAL, Role.AUDITOR])
def test_the_words_of_the_desk_are_no_page_of_who_neither_works_at_it_nor_runs_it(world: World, role: Role) -> None:
    assert coordinator(world, join(world, "a.member", role)).get("/settings/terms").status_code == 403
