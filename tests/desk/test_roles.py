"""Each role sees what is theirs, and of the rest a page that says so."""

import pytest

from cases.roles import Role, holds_the_desk_key
from tests.desk.world import Visitor, World, coordinator, join

OTHERS = [role for role in Role if not holds_the_desk_key(role)]


def member(world: World, role: Role) -> Visitor:
    """A visitor who is logged in with this role and the keys that come with it."""
    return coordinator(world, join(world, "a.member", role))


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


def test_who_is_refused_reads_why_and_whom_to_ask(world: World) -> None:
    answer = member(world, Role.AUDITOR).get("/receipts/")
    assert answer.status_code == 403
    assert "Dit hoort niet bij uw rol" in answer.text
    assert "auditor" in answer.text
    assert "vraag dan een coördinator" in answer.text
