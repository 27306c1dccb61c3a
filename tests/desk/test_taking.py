"""Who has a case: a column of the queue and a filter, taken, given and given back on the page of the case."""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import pytest

from cases.roles import Role
from notify.keys import sender_keys
from notify.schedule import tell_holders
from store import sending
from tests.desk.test_grants import send
from tests.desk.world import DESK, LOGIN, Visitor, World, coordinator, join


@pytest.fixture
def case_id(world: World) -> str:
    return world.new_case().case_id


def change(visitor: Visitor, case_id: str, action: str, **more: str) -> str:
    """As from a page that was just opened; gives the page that follows."""
    sent: Mapping[str, str] = {"version": visitor.version(case_id), **more}
    answer = visitor.post(f"/cases/{case_id}/holder/{action}", sent)
    assert answer.status_code == 303
    return visitor.get(answer.headers["Location"].split("#")[0]).text


def shown(visitor: Visitor, query: str) -> list[str]:
    return re.findall(r'class="open ref"[^>]*>K2345-0000(\d)<', visitor.get(f"/?{query}").text)


def column(visitor: Visitor) -> list[str]:
    found = re.findall(r'data-label="Bij wie"><span>(.*?)</span></td>', visitor.get("/").text)
    return [re.sub("<[^>]*>?", "", each) for each in found]


def test_a_member_takes_a_case_and_gives_it_back(world: World, case_id: str) -> None:
    visitor = coordinator(world)
    assert "Niemand heeft deze zaak nog." in visitor.get(f"/cases/{case_id}").text
    assert column(visitor) == ["niemand"]
    page = change(visitor, case_id, "take")
    assert "U hebt deze zaak." in page
    assert "Nam de zaak op zich" in page
    assert column(visitor) == [LOGIN]
    page = change(visitor, case_id, "back")
    assert "Niemand heeft deze zaak nog." in page
    assert f"Gaf de zaak terug: niemand heeft haar. Ze was bij {LOGIN}" in page


def test_the_coordinator_gives_a_case_to_another_and_takes_it_over(world: World, case_id: str) -> None:
    ben, ivo = join(world, "ben", Role.DEPUTY), join(world, "ivo", Role.INVESTIGATOR)
    visitor = coordinator(world)
    page = change(visitor, case_id, "give", member=ben.member_id)
    assert "ben heeft deze zaak." in page
    assert "Gaf de zaak aan ben" in page
    assert "U hebt deze zaak." in coordinator(world, ben).get(f"/cases/{case_id}").text
    offered = re.search(r'id="holder-member">(.*?)</select>', page, re.DOTALL)
    assert offered is None  # there is nobody else to whom it could go
    refused = change(visitor, case_id, "give", member=ivo.member_id)
    assert "Geef eerst toegang" in refused
    assert "ben heeft deze zaak." in refused
    assert "U hebt deze zaak." in change(visitor, case_id, "take")
    send(visitor, case_id, "grant", ivo.member_id)
    assert "ivo heeft deze zaak." in change(visitor, case_id, "give", member=ivo.member_id)


def test_an_investigator_sees_that_another_has_the_case_and_does_not_take_it_over(world: World, case_id: str) -> None:
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    head = coordinator(world)
    send(head, case_id, "grant", ivo.member_id)
    change(head, case_id, "take")
    visitor = coordinator(world, ivo)
    page = visitor.get(f"/cases/{case_id}").text
    assert "? heeft deze zaak." in page  # the names of members are sealed to the desk's key
    assert f"/cases/{case_id}/holder/" not in page
    assert "Vraag het dat lid" in change(visitor, case_id, "take")
    change(head, case_id, "back")
    assert "U hebt deze zaak." in change(visitor, case_id, "take")
    assert column(visitor) == ["ivo"]


def test_who_has_a_case_is_a_filter_that_combines_and_names_nobody_in_its_address(world: World) -> None:
    ids = [world.new_case().case_id for _ in range(3)]
    ben = join(world, "ben", Role.DEPUTY)
    visitor = coordinator(world)
    change(visitor, ids[0], "take")
    change(visitor, ids[1], "give", member=ben.member_id)
    assert shown(visitor, "who=mine") == ["0"]
    assert shown(visitor, "who=nobody") == ["2"]
    assert shown(visitor, f"who={ben.member_id}") == ["1"]
    assert shown(visitor, "who=mine&mail=new") == []
    assert shown(coordinator(world, ben), "who=mine") == ["1"]
    page = visitor.get("/").text
    assert '<a href="/?who=mine"><b>1</b>bij u</a>' in page
    assert f'<option value="{ben.member_id}">ben</option>' in page
    assert not re.search(r'href="[^"]*(ben|coordinator)', page)
    assert visitor.get("/?who=ben").status_code == 404
    assert visitor.get(f"/?who={'0' * 32}").status_code == 404


def test_a_page_that_is_out_of_date_takes_nothing(world: World, case_id: str) -> None:
    ben = join(world, "ben", Role.DEPUTY)
    visitor = coordinator(world)
    seen = visitor.version(case_id)
    change(coordinator(world, ben), case_id, "take")
    answer = visitor.post(f"/cases/{case_id}/holder/take", {"version": seen})
    page = visitor.get(answer.headers["Location"].split("#")[0]).text
    assert "Iemand heeft de zaak gewijzigd" in page
    assert "ben heeft deze zaak." in page


@pytest.mark.parametrize("minutes", [5, 0])
def test_who_is_given_a_case_is_told_by_mail_unless_the_desk_wants_none(
    world: World, case_id: str, minutes: int
) -> None:
    of_the_desk = world.settings.desks[DESK].model_copy(update={"given_notice_minutes": minutes})
    world.serve(world.settings.model_copy(update={"desks": {DESK: of_the_desk}}))
    world.clock.now = world.database.now() - timedelta(hours=1)
    ben = join(world, "ben", Role.DEPUTY)
    page = change(coordinator(world), case_id, "give", member=ben.member_id)
    assert ("Attendering voor het lid dat de zaak kreeg" in page) == bool(minutes)
    keys = sender_keys(world.settings, world.mailer_secrets())
    assert tell_holders(world.settings, world.database, keys) == (1 if minutes else 0)
    if minutes:
        claimed = sending.claim(world.database, 600)
        assert claimed is not None
        assert keys[DESK].mailer.opening(partial(sending.open_claim, claimed)).recipient == "ben@desk.example"
        assert "Attendering voor het lid dat de zaak kreeg" not in coordinator(world).get(f"/cases/{case_id}").text
