"""A coordinator adds and changes the members of the desk, and everybody minds their own passphrase."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from cases.roles import Role
from desk.parts import equip, parts
from store import membership
from store.audit import Action
from store.membership import Listed
from store.passphrase import Params, params_of
from store.schema import Audit, Member
from tests.desk.world import CHEAP, LOGIN, PASSPHRASE, Visitor, World, coordinator

ANOTHER = "zolder kreeft anijs motor wilg hengel knoop"
_OFFERED = re.compile(r'name="passphrase"[^>]* value="([^"]+)"|<strong class="ref">([^<]+)</strong>')


def offered(text: str) -> str:
    found = _OFFERED.search(text)
    assert found
    return found[1] or found[2]


def listed(world: World, login: str) -> Listed:
    with world.database.read() as session:
        return membership.find(session, world.ring, login)


def add(world: World, login: str = "b.plaatsvervanger", role: Role = Role.DEPUTY) -> str:
    """Add a member on the page; gives the passphrase that was offered for them."""
    visitor = coordinator(world)
    words = offered(visitor.get("/members/add").text)
    data = {"login": login, "address": f"{login}@desk.example", "role": role, "passphrase": words}
    answer = visitor.post("/members/add", data)
    assert answer.status_code == 200
    assert words in answer.text
    return words


def test_a_member_who_was_added_logs_in_with_the_words_that_were_offered(world: World) -> None:
    world.new_case()
    words = add(world)
    assert len(words.split()) == 7
    visitor = Visitor(world)
    assert visitor.log_in("b.plaatsvervanger", words).status_code == 303
    assert "K2345-00000" in visitor.get("/").text
    assert "plaatsvervangend coördinator" in visitor.get("/members/").text


def test_who_was_added_and_by_whom_stands_on_the_trail(world: World) -> None:
    add(world)
    with world.database.read() as session:
        row = session.scalars(
            select(Audit).where(Audit.action == Action.MEMBER_ADDED).order_by(Audit.id.desc())
        ).first()
        assert row is not None
        assert row.member_id == world.ring.member_id


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"passphrase": "welkom01"}, "te makkelijk te raden"),
        ({"login": LOGIN.upper()}, "al in gebruik"),
        ({"address": "Bram <b@desk.example>"}, "één gewoon e-mailadres"),
        ({"role": "koning"}, "Kies een van deze"),
        ({"login": ""}, "Vul een naam in."),
    ],
)
def test_what_cannot_be_comes_back_with_the_reason_and_another_offer(
    world: World, changed: dict[str, str], said: str
) -> None:
    visitor = coordinator(world)
    words = offered(visitor.get("/members/add").text)
    data = {"login": "bram", "address": "b@desk.example", "role": "deputy", "passphrase": words} | changed
    answer = visitor.post("/members/add", data)
    assert answer.status_code == 400
    assert said in answer.text
    assert data["passphrase"] not in answer.text
    assert offered(answer.text) != words


def test_a_member_who_leaves_is_out_at_once_and_comes_back_with_a_new_passphrase(world: World) -> None:
    words = add(world)
    visitor = Visitor(world)
    visitor.log_in("b.plaatsvervanger", words)
    page = f"/members/{listed(world, 'b.plaatsvervanger').id}"
    here = coordinator(world)
    here.get(page)
    assert here.post(f"{page}/leave").status_code == 303
    assert visitor.get("/").status_code == 302
    assert "meldpost rotate" in here.get("/members/").text
    assert Visitor(world).log_in("b.plaatsvervanger", words).status_code == 403
    answer = here.post(f"{page}/return", {"role": "deputy"})
    assert answer.status_code == 200
    again = offered(answer.text)
    assert Visitor(world).log_in("b.plaatsvervanger", words).status_code == 403
    assert Visitor(world).log_in("b.plaatsvervanger", again).status_code == 303


def test_another_role_shows_at_the_next_log_in(world: World) -> None:
    words = add(world)
    visitor = Visitor(world)
    visitor.log_in("b.plaatsvervanger", words)
    here = coordinator(world)
    here.get("/members/")
    answer = here.post(f"/members/{listed(world, 'b.plaatsvervanger').id}/role", {"role": "auditor"})
    assert answer.status_code == 303
    assert visitor.get("/").status_code == 302
    visitor.log_in("b.plaatsvervanger", words)
    assert "Uw plek bij dit loket" in visitor.get("/").text


@pytest.mark.parametrize("change", ["leave", "role"])
def test_the_last_coordinator_is_told_why_they_cannot_go(world: World, change: str) -> None:
    visitor = coordinator(world)
    visitor.get("/members/")
    answer = visitor.post(f"/members/{world.ring.member_id}/{change}", {"role": "auditor"})
    assert answer.status_code == 409
    assert "Zonder dit lid zou niemand" in answer.text
    assert listed(world, LOGIN).left_at is None


def test_there_is_no_page_of_somebody_who_is_no_member(world: World) -> None:
    assert coordinator(world).get("/members/nobody").status_code == 404


def test_one_changes_ones_own_passphrase_and_is_logged_out_elsewhere(world: World) -> None:
    here, elsewhere = coordinator(world), coordinator(world)
    here.get("/own/")
    answer = here.post("/own/passphrase", {"before": PASSPHRASE, "after": ANOTHER, "repeated": ANOTHER})
    assert answer.status_code == 303
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert Visitor(world).log_in(LOGIN, PASSPHRASE).status_code == 403
    assert Visitor(world).log_in(LOGIN, ANOTHER).status_code == 303


@pytest.mark.parametrize(
    ("before", "after", "repeated", "status"),
    [
        ("iets anders", ANOTHER, ANOTHER, 403),
        (PASSPHRASE, "welkom01", "welkom01", 400),
        (PASSPHRASE, ANOTHER, ANOTHER[:-1], 400),
        ("", "", "", 400),
    ],
)
def test_a_passphrase_that_cannot_be_changed_so_stays_and_is_not_sent_back(
    world: World, before: str, after: str, repeated: str, status: int
) -> None:
    here = coordinator(world)
    here.get("/own/")
    answer = here.post("/own/passphrase", {"before": before, "after": after, "repeated": repeated})
    assert answer.status_code == status
    assert not any(typed in answer.text for typed in (before, after, repeated) if typed)
    assert Visitor(world).log_in().status_code == 303


def test_who_has_only_the_session_cannot_guess_the_passphrase_for_long(world: World) -> None:
    here = coordinator(world)
    here.get("/own/")
    data = {"before": "fout", "after": ANOTHER, "repeated": ANOTHER}
    assert [here.post("/own/passphrase", data).status_code for _ in range(6)] == [403] * 5 + [429]


def test_a_log_in_makes_a_derivation_of_before_dearer(world: World) -> None:
    dearer = Params(memory_kib=144 * 1024, iterations=1)
    with world.app.app_context():
        equip(world.app, replace(parts(), cost=dearer))
    assert Visitor(world).log_in().status_code == 303
    with world.database.read() as session:
        assert params_of(session.get_one(Member, world.ring.member_id).wrapped_seed) == dearer != CHEAP
    assert Visitor(world).log_in().status_code == 303
