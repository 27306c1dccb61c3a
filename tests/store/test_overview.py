"""What the figures count: each case once, whether it is there or destroyed, and none that its reader does not reach."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from cases.lifecycle import Outcome
from cases.overview import Pace, Tally
from store.intake import NewMessage
from store.keyring import KeyRing
from store.overview import Overview
from store.records import RecordKind
from store.retention import pace_of
from store.schema import CaseFile, Record
from tests.store.destroying import announced, end, tick
from tests.store.search_world import another_member, keep_from_the_desk, ready
from tests.store.world import INDEX, NOW, World, mail

ZONE = ZoneInfo("Europe/Amsterdam")
LATER = NOW + timedelta(days=40)


def counted(world: World, ring: KeyRing | None = None, overview: Overview | None = None) -> Tally:
    member = ring or world.ring
    index = ready(world, member)
    with world.db.read() as session:
        facts = index.facts(session, member)
        return (overview or Overview()).tally(session, member, INDEX, facts, ZONE, LATER)


def of_year(tally: Tally) -> Counter[tuple[str, str]]:
    return tally.counts.get(NOW.year, Counter())


def about(**report: object) -> NewMessage:
    return mail(report={**mail().report, **report})


def test_each_case_counts_by_what_its_card_says_and_by_when_it_came(world: World) -> None:
    world.open_case()
    world.open_case(about(kind="melding", primary="discriminatie", severity="hoog"), reference="AAAAA-00001")
    world.open_case(about(kind="advies"), reference="AAAAA-00002")
    tally = counted(world)
    assert tally.years == (NOW.year,)
    count = of_year(tally)
    assert (count["kind", "melding"], count["kind", "advies"]) == (2, 1)
    assert (count["category", "pesten"], count["category", "discriminatie"]) == (1, 1)
    assert (count["severity", "midden"], count["severity", "hoog"]) == (1, 1)
    assert count["quarter", "Q1"] == 2
    assert count["standing", "open"] == 2
    assert count["age", "31-90"] == 2
    assert count["first_look", Pace.MISSED] == 2
    assert count["feedback", Pace.NOT_YET] == 2


def test_what_a_person_decided_counts_at_once(world: World) -> None:
    case_id = world.open_case().case_id
    assert of_year(counted(world))["standing", "open"] == 1
    end(world, case_id, Outcome.SUBSTANTIATED)
    count = of_year(counted(world))
    assert (count["standing", "open"], count["standing", "substantiated"]) == (0, 1)
    assert count["closing", "0-1"] == 1


def test_a_destroyed_case_still_counts_and_counts_once(world: World) -> None:
    case_id = world.open_case().case_id
    world.open_case(reference="AAAAA-00001")
    end(world, case_id)
    overview = Overview()
    before = counted(world, overview=overview)
    announced(world, case_id)
    assert tick(world) == 1
    after = counted(world, overview=overview)
    assert of_year(after)["kind", "melding"] == 2
    assert of_year(after) == of_year(before)


def test_a_case_that_its_reader_is_kept_from_is_not_in_their_figures(world: World) -> None:
    world.open_case()
    kept = world.open_case(reference="AAAAA-00001").case_id
    member = another_member(world, holds_the_desk_key=False)
    keep_from_the_desk(world, kept, member)
    with world.db.begin() as session:
        session.get_one(CaseFile, kept).restricted = True
    assert of_year(counted(world))["kind", "melding"] == 1
    assert of_year(counted(world, member))["kind", "melding"] == 1


def test_a_case_whose_card_is_damaged_counts_as_one_of_which_nothing_is_known(world: World) -> None:
    case_id = world.open_case().case_id
    with world.db.begin() as session:
        session.execute(delete(Record).where(Record.case_id == case_id, Record.kind == RecordKind.CARD))
    assert of_year(counted(world)) == Counter({("kind", "none"): 1})


@pytest.mark.parametrize("overdue", [True, False])
def test_what_was_cancelled_counts_as_missed_only_where_it_was_overdue_by_then(overdue: bool) -> None:
    due_at = NOW + timedelta(days=7)
    ended = due_at + timedelta(days=1 if overdue else -1)
    assert pace_of("cancelled", NOW, due_at, ended, LATER) is (Pace.MISSED if overdue else Pace.NONE)
