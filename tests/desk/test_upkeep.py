"""What was begun with the keys of cases and left is finished when somebody logs in who can."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cases.roles import Role
from desk.parts import parts_of
from store import grants, rekeying
from store.audit import Action
from store.casework import view_case
from store.keyring import KeyRing
from tests.desk.world import DESK, Visitor, World, coordinator, join

WHY = "Het gaat over dit lid."


def unfinished(world: World) -> tuple[str, ...]:
    with world.database.read() as session:
        return rekeying.unfinished(session, DESK)


def outdated(world: World, ring: KeyRing) -> tuple[str, ...]:
    with world.database.read() as session:
        return grants.outdated(session, ring, world.index)


def log_in(world: World, login: str) -> None:
    """Log in, and wait until what is done beside is done."""
    assert Visitor(world).log_in(login).status_code == 303
    parts_of(world.app).upkeep.wait()


def shut_out_and_stop(world: World, by: KeyRing, case_id: str, member_id: str) -> None:
    """Keep a member out of a case, and end when the keys are begun to be made anew."""
    steps = grants.shut_out(world.database, by, world.index, world.keys, case_id, member_id, WHY, by_request=False)
    next(steps)
    steps.close()  # type: ignore[attr-defined]


def test_keys_that_were_being_made_anew_are_finished_at_the_next_log_in_of_who_opens_the_case(world: World) -> None:
    case_id = world.new_case().case_id
    ben = join(world, "ben", Role.DEPUTY)
    join(world, "cas", Role.DEPUTY)
    join(world, "ivo", Role.INVESTIGATOR)
    shut_out_and_stop(world, world.ring, case_id, ben.member_id)
    assert unfinished(world) == (case_id,)
    log_in(world, "ivo")
    assert unfinished(world) == (case_id,)
    log_in(world, "cas")
    assert unfinished(world) == ()


def test_who_takes_leave_of_a_member_makes_the_keys_of_their_cases_anew(world: World) -> None:
    case_id = world.new_case().case_id
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    with world.database.begin() as session:
        about = (session, world.ring, world.index, case_id, ivo.member_id)
        grants.grant(*about, identity=True, reason=WHY, now=world.clock.now)
    visitor = coordinator(world)
    assert visitor.post(f"/members/{ivo.member_id}/leave").status_code == 303
    parts_of(world.app).upkeep.wait()
    assert unfinished(world) == outdated(world, world.ring) == ()
    with world.database.begin() as session:
        told = {event.action for event in view_case(session, world.ring, case_id, world.clock.now).timeline}
    assert {Action.KEYS_ANEW, Action.KEYS_DESTROYED} <= told


def test_cases_that_they_do_not_open_themselves_get_new_keys_when_somebody_logs_in_who_does(world: World) -> None:
    case_id = world.new_case().case_id
    ben, cas = join(world, "ben", Role.DEPUTY), join(world, "cas", Role.DEPUTY)
    list(
        grants.shut_out(
            *(world.database, ben, world.index, world.keys, case_id, world.ring.member_id, WHY), by_request=False
        )
    )
    visitor = coordinator(world)
    visitor.post(f"/members/{cas.member_id}/leave")
    assert "Dit lid had sleutels van zaken die u niet opent" in visitor.get("/members/").text
    assert outdated(world, ben) == (case_id,)
    log_in(world, "ben")
    assert outdated(world, ben) == ()


def grant_cases(world: World, to: KeyRing, number: int) -> list[str]:
    case_ids = [world.new_case().case_id for _ in range(number)]
    with world.database.begin() as session:
        for case_id in case_ids:
            about = (session, world.ring, world.index, case_id, to.member_id)
            grants.grant(*about, identity=True, reason=WHY, now=world.clock.now)
    return case_ids


def test_the_members_page_shows_how_far_it_is_while_cases_get_new_keys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    grant_cases(world, ivo, 3)
    visitor = coordinator(world)
    parts_of(world.app).upkeep.wait()
    one_done, go_on = threading.Event(), threading.Event()
    renew_all = grants.renew_all

    def in_steps(*about: Any) -> Iterator[grants.Renewing]:
        for each in renew_all(*about):
            yield each
            one_done.set()
            assert go_on.wait(60)

    monkeypatch.setattr(grants, "renew_all", in_steps)
    visitor.post(f"/members/{ivo.member_id}/leave")
    assert one_done.wait(60)
    page = visitor.get("/members/").text
    assert "1 van 3 zijn klaar" in page
    assert '<progress max="3" value="1"' in page
    go_on.set()
    parts_of(world.app).upkeep.wait()
    assert "<progress" not in visitor.get("/members/").text
    assert outdated(world, world.ring) == ()


def test_what_a_process_that_ends_leaves_is_taken_up_at_the_next_log_in(world: World) -> None:
    ivo = join(world, "ivo", Role.INVESTIGATOR)
    case_ids = grant_cases(world, ivo, 2)
    visitor = coordinator(world)
    parts_of(world.app).upkeep.close()
    visitor.post(f"/members/{ivo.member_id}/leave")
    assert outdated(world, world.ring) == tuple(sorted(case_ids))
    world.serve(world.settings)
    log_in(world, world.ring.login)
    assert outdated(world, world.ring) == ()
