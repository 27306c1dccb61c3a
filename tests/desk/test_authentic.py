"""The page of a case says plainly what Meldpost did not write, and what is from before signatures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from config.taxonomy import Severity
from store import members, records
from store.casework import FirstLook
from store.changes import add_note, answer_first_look
from store.keypairs import KeyKind
from store.keyring import newest_proven, pins_of
from store.records import Name, RecordKind
from store.schema import Audit, PublicSigningKey, new_id
from tests.desk.world import World, coordinator


@pytest.fixture
def case_id(world: World) -> str:
    """A case with a note and a first look."""
    case_id = world.new_case().case_id
    look = FirstLook(clear=True, breach=True, severity=Severity.ACUUT)
    with world.database.begin() as transaction:
        add_note(transaction, world.ring, world.index, case_id, "Gebeld met de melder.", world.clock.now)
        answer_first_look(transaction, world.ring, world.index, case_id, look, version=1, now=world.clock.now)
    return case_id


def test_the_page_of_a_case_that_meldpost_wrote_says_nothing_of_the_kind(world: World, case_id: str) -> None:
    page = coordinator(world).get(f"/cases/{case_id}").text
    assert "niet door Meldpost geschreven" not in page
    assert "Niet door Meldpost geschreven" not in page
    assert "vóór de handtekeningen" not in page


@pytest.mark.parametrize(
    ("language", "said", "what"),
    [
        ("nl", ("Niet door Meldpost geschreven:", "niet door Meldpost geschreven"), "de eerste blik"),
        ("en", ("Not written by Meldpost:", "not written by Meldpost"), "the first look"),
    ],
)
def test_what_meldpost_did_not_write_is_told_as_that(
    world: World, case_id: str, language: str, said: tuple[str, str], what: str
) -> None:
    with world.database.begin() as transaction:
        kinds = (RecordKind.NOTE, RecordKind.FIRST_LOOK, RecordKind.REPORT)
        transaction.execute(delete(Audit).where(Audit.record_kind.in_(kinds)))
    page = coordinator(world, language=language).get(f"/cases/{case_id}").text
    warning, tag = said
    assert f"<strong>{warning}</strong> {what}." in page
    assert page.count(f">{tag}</span>") == 2  # the note and the message
    assert "Gebeld met de melder." in page
    assert "Beantwoord door" not in page


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nl", ("Van vóór de handtekeningen:", ">van vóór de handtekeningen</span>", "Beantwoord door")),
        ("en", ("From before signatures:", ">from before signatures</span>", "Answered by")),
    ],
)
def test_what_is_from_before_signatures_is_told_as_that(world: World, language: str, said: tuple[str, ...]) -> None:
    case_id = world.new_case().case_id
    now = world.clock.now
    answers = {"clear": True, "breach": True, "severity": "acuut", "by": world.ring.member_id, "at": now.isoformat()}
    note = {"text": "Gebeld.", "by": world.ring.member_id, "at": now.isoformat()}
    with world.database.begin() as transaction:
        to = newest_proven(transaction, world.index, world.ring.desk, KeyKind.CASE, case_id)
        records.add_json(transaction, Name(case_id, case_id, RecordKind.FIRST_LOOK), answers, to, now)
        records.add_json(transaction, Name(case_id, new_id(), RecordKind.NOTE), note, to, now)
        transaction.execute(delete(PublicSigningKey))
        pins = replace(pins_of(world.settings.desks[world.ring.desk]), signing=None)
        members.complete_signing_keys(transaction, world.ring, pins, now + timedelta(days=1))
    page = coordinator(world, language=language).get(f"/cases/{case_id}").text
    assert all(each in page for each in said)
