"""Which cases teach, what of them, and the row on their trail."""

from datetime import timedelta
from typing import Any

from store import casework, changes
from store.audit import Action
from store.casework import FirstLook
from store.intake import add_message
from store.lessons import Lesson, lessons
from store.records import RecordKind
from tests.store.world import INDEX, NOW, World, damage, mail


def found(world: World) -> list[Lesson]:
    return list(lessons(world.db, world.ring, NOW))


def decide(world: World, case_id: str, version: int = 1, **decided: Any) -> None:
    with world.db.begin() as session:
        changes.decide(session, world.ring, INDEX, case_id, decided, version=version, now=NOW)


def taught(world: World, case_id: str) -> int:
    with world.db.begin() as session:
        view = casework.view_case(session, world.ring, case_id, NOW)
    return sum(event.action is Action.TAUGHT and event.by == "ada" for event in view.timeline)


def test_a_case_on_which_nobody_decided_teaches_nothing_and_is_not_opened(world: World) -> None:
    taken = world.open_case()
    assert found(world) == []
    assert taught(world, taken.case_id) == 0


def test_a_decided_case_teaches_what_was_decided_and_no_suggestion(world: World) -> None:
    taken = world.open_case()
    decide(world, taken.case_id, kind="klacht")
    (lesson,) = found(world)
    assert (lesson.case_id, lesson.decided, lesson.alone) == (taken.case_id, {"kind": "klacht"}, True)
    assert lesson.content["text"] == "Zwanenzang in de kantine."
    assert taught(world, taken.case_id) == 1


def test_the_first_look_teaches_the_severity(world: World) -> None:
    taken = world.open_case()
    look = FirstLook(clear=True, breach=True, severity="acuut")  # type: ignore[arg-type]
    with world.db.begin() as session:
        changes.answer_first_look(session, world.ring, INDEX, taken.case_id, look, version=1, now=NOW)
    (lesson,) = found(world)
    assert lesson.decided == {"severity": "acuut"}


def test_the_first_message_of_a_case_is_what_was_decided_on(world: World) -> None:
    taken = world.open_case()
    later = mail(content={"subject": "Later"}, message_ids=["<two@thuis.example>"])
    with world.db.begin() as session:
        add_message(session, world.keys, INDEX, taken.case_id, later, sender_is_new=False, now=NOW + timedelta(hours=1))
    decide(world, taken.case_id, kind="klacht")
    (lesson,) = found(world)
    assert (lesson.content["subject"], lesson.alone) == ("Zwanenzang", False)


def test_a_damaged_case_hides_no_other(world: World) -> None:
    first, second = world.open_case(), world.open_case(reference="CCCCC-DDDDD")
    for taken in (first, second):
        decide(world, taken.case_id, kind="klacht")
    damage(world.db, first.case_id, RecordKind.DECISIONS)
    assert [lesson.case_id for lesson in found(world)] == [second.case_id]
    assert taught(world, first.case_id) == 0
